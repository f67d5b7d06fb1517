"""Redaction: credentials are hidden by pattern, by name and by value; ordinary text stays."""

from __future__ import annotations

import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.provenance import masked
from assay.provenance.redaction import HIDDEN


def some(n: int, letters: str = string.ascii_letters + string.digits) -> str:
    """A random text; keys are made up here, so that no scanner finds one in this file."""
    return "".join(random.Random(n).choices(letters, k=n))


HEX = "0123456789abcdef"
KEYS = {
    "AWS": "AKIA" + some(16, string.ascii_uppercase),
    "AWS session": "ASIA" + some(16, string.ascii_uppercase),
    "GitHub": "ghp_" + some(36),
    "GitHub fine-grained": "github_pat_" + some(22) + "_" + some(59),
    "GitLab": "glpat-" + some(20),
    "Hugging Face": "hf_" + some(34),
    "OpenAI": "sk-" + some(48),
    "OpenAI project": "sk-proj-" + some(40) + "-" + some(20),
    "Anthropic": "sk-ant-api03-" + some(90),
    "Stripe": "sk_live_" + some(24),
    "Slack": "xoxb-" + some(12, string.digits) + "-" + some(24),
    "Google": "AIza" + some(35),
    "Databricks": "dapi" + some(32, HEX),
    "PyPI": "pypi-AgEI" + some(60),
    "W&B": "wandb_v1_" + some(70),
    "JWT": f"eyJ{some(20)}.eyJ{some(40)}.{some(43)}",
}


@pytest.mark.parametrize("service", KEYS)
@pytest.mark.parametrize("around", ["{}", "use {} here", 'f("{}")', "x={},y", "+a: {}", "/{}/"])
def test_keys_of_services_are_known(service: str, around: str) -> None:
    text = around.format(KEYS[service])
    assert KEYS[service] not in masked(text)
    assert masked(text) == around.format(HIDDEN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("assay train x.yaml", "assay train x.yaml"),
        ("--set tracking.password=abc next", "--set tracking.password=*** next"),
        ("API_KEY=abc run", "API_KEY=*** run"),
        ("http://me:secret@host/x", "http://***@host/x"),
        ("http://me:pass@word@host/x", "http://***@host/x"),
        ("postgresql://me:pass/word@host/x", "postgresql://***@host/x"),
        ("https://token-alone@host", "https://***@host"),
        ("postgresql://me@host/x", "postgresql://me@host/x"),
        ("http://me:${PASSWORD}@host", "http://me:${PASSWORD}@host"),
        ("http://me:${PASSWORD:-abc}@host", "http://***@host"),
        ("--set a.token=${TOKEN} b", "--set a.token=${TOKEN} b"),
        ("{a: 1, token: ${TOKEN}}", "{a: 1, token: ${TOKEN}}"),
        ("http://host:80/x and me@example.org", "http://host:80/x and me@example.org"),
        ("sqlite:////home/me@work/x.db", "sqlite:////home/me@work/x.db"),
        ("python x.py --token abc --n 3", "python x.py --token *** --n 3"),
        ("https://host/x?key=abc", "https://host/x?key=***"),
        ("password = 'a b'", "password = '***'"),
        ('"client_secret": "a\\"b",', '"client_secret": "***",'),
        ("+  password: hunter2  # mine", "+  password: ***  # mine"),
        ("{user: me, password: hunter2, n: 1}", "{user: me, password: ***, n: 1}"),
        ("os.environ['API_TOKEN'] = 'abc'", "os.environ['API_TOKEN'] = '***'"),
        ("if password == 'abc':", "if password == '***':"),
        ("login(user, password='abc')", "login(user, password='***')"),
        ("aws_secret_access_key = ab/c+d", "aws_secret_access_key = ***"),
        ("DefaultEndpoints;AccountKey=abc==;x", "DefaultEndpoints;AccountKey=***"),
        ("the token: 20b447ad400e, see there", "the token: ***, see there"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer ***"),
        (f"wandb login {some(40, HEX)}", "wandb login ***"),
        (f"wandb.login(key='{some(40, HEX)}')", "wandb.login(key='***')"),
        (f"api.wandb.ai: {some(40, HEX)}", "api.wandb.ai: ***"),
    ],
)
def test_what_is_named_like_a_secret_is_hidden(text: str, expected: str) -> None:
    assert masked(text) == expected
    assert masked(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "data: {roles: {id: key_id, group: [token_count, keyword]}}",
        "key_id: education",
        "columns: key, secretary, passwords, tokens, api, pwd",
        "sorted(rows, key=len)",
        "key: value",
        "primary_key=id",
        "--set model.options.tokenizer=bert --set model.options.max_tokens=512",
        "def f(token: str, password: str | None = None) -> None:",
        "    token: str",
        "    self.password = password",
        "    token = page.token",
        "search(page_token=token, **named)",
        "secret = None",
        "    api_key = os.environ['API_KEY']",
        "    scheme, credentials = match.groups()",
        "the secret: nobody knows",
        "the password is asked for again",
        "task-learning-rate-0123456789-and-more",
        "risk-sk-learn-like-name-without-digits",
        f"commit {some(40, HEX)}",
        f"data fingerprint: {some(64, HEX)}",
        "basic model, bearer of news",
        "at 12:30, ratio 3:4, C:\\data\\x.csv",
        "hf_hub, ghp_x, AKIA, eyJ, xoxo-love-and-so",
        '    pattern = "-----BEGIN PRIVATE KEY-----" in text',
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("mark", ["", "+", "-", " "])
def test_a_private_key_is_hidden_line_by_line(mark: str) -> None:
    body = [some(64 + n) for n in range(4)]
    lines = ["-----BEGIN RSA PRIVATE KEY-----", *body, "-----END RSA PRIVATE KEY-----", "x = 1"]
    text = "\n".join(mark + line for line in lines)
    hidden = masked(text)
    assert not any(line[1:] in hidden for line in body)
    assert hidden.split("\n")[0] == mark + lines[0]
    assert hidden.split("\n")[-2:] == [mark + lines[-2], mark + lines[-1]]
    assert [line[: len(mark)] for line in hidden.split("\n")] == [mark] * len(lines)
    cut = "\n".join(mark + line for line in lines[:3])
    assert not any(line[1:] in masked(cut) for line in body)
    in_json = text.replace("\n", "\\n")
    assert not any(line in masked(in_json) for line in body)


SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=40)


@given(secret=SECRETS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_the_value_of_a_secret_variable_is_nowhere(secret: str, before: str, after: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOME_API_TOKEN", secret)
        hidden = masked(f"{before}{secret}{after}")
    assert secret not in hidden


@pytest.mark.parametrize(
    ("name", "value", "is_secret"),
    [
        ("AWS_SECRET_ACCESS_KEY", "abcd/efgh+1", True),
        ("PGPASSWORD", "hunter-two", True),
        ("DB_PW", "hunter-two", True),
        ("OPENAI_API_KEY_2", "hunter-two", True),
        ("MY_CREDENTIALS", "hunter-two", True),
        ("GITHUB_TOKEN", "short", False),
        ("HOME_KEY", "/usr/bin", False),
        ("MONKEYS", "hunter-two", False),
        ("PWD", "hunter-two", True),
        ("EDITOR", "hunter-two", False),
    ],
)
def test_which_variables_are_secret(
    name: str, value: str, is_secret: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert masked(f"a{value}b") == (f"a{HIDDEN}b" if is_secret else f"a{value}b")


def test_a_secret_is_hidden_however_it_is_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = 'a/b "c"\\d\n'
    monkeypatch.setenv("A_SECRET", secret)
    for spelled in (secret, "a%2Fb%20%22c%22%5Cd%0A", 'a/b \\"c\\"\\\\d\\n'):
        assert masked(f"<{spelled}>") == f"<{HIDDEN}>"


@given(st.text())
def test_lines_stay_lines(text: str) -> None:
    assert masked(text).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "a" * (1 << 20),
        "http://a" * (1 << 17),
        "http://a:@b" * (1 << 16),
        'token="' * (1 << 17),
        "api key secret token " * (1 << 15),
        "token : abc, " * (1 << 16),
        "token : abc} " * (1 << 16),
        "-----BEGIN PRIVATE KEY-----" * (1 << 15),
        "eyJaaaaaaaaaa." * (1 << 16),
        "+    token = page.token  # and key\n" * (1 << 15),
    ],
    ids=lambda text: text[:12],
)
def test_a_long_text_is_read_in_no_time(text: str) -> None:
    started = time.process_time()
    masked(text)
    assert time.process_time() - started < 5  # s; it takes about 0.3
