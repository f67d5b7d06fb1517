"""Redaction: what may be a credential is in no text that is written down.

Three kinds are known: what looks like a key of a well-known service, what is named like a secret
where it stands, and the values of variables of the environment that are named like one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from json import dumps
from urllib.parse import quote

HIDDEN = "***"

_SHORTEST_SECRET = 8  # below it a value of the environment is a word that may stand anywhere
_SECRET_VARIABLE = re.compile(
    r"(?i).*(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|KEY|CREDENTIALS?|(?:^|_)PWD?)(?:_?[0-9]+)?"
)
_CREDENTIALS = re.compile(
    r"""(\b\w+://)([^\s/@:"'<>]{0,256}:[^\s"'<>]{0,512}|[^\s/@"'<>]{1,512})(?=@)"""
)
_BY_VARIABLE = re.compile(r"([^:]*:)?(\$\{\w+\})+")

_KEYS = {
    ("AKIA", "ASIA"): r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"): r"\bgh[pousr]_[A-Za-z0-9]{20,}",
    ("github_pat_",): r"\bgithub_pat_\w{20,}",
    ("glpat-",): r"\bglpat-[\w-]{16,}",
    ("hf_",): r"\bhf_[A-Za-z0-9]{20,}",
    ("sk-",): r"(?<![\w-])sk-(?=[\w-]*[0-9])[\w-]{20,}",
    ("k_live_", "k_test_"): r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    ("xox",): r"\bxox[abeprs]-(?=[\w-]*[0-9])[\w-]{10,}",
    ("AIza",): r"\bAIza[\w-]{30,}",
    ("dapi",): r"\bdapi[0-9a-f]{32}\b",
    ("pypi-Ag",): r"\bpypi-Ag[\w-]{20,}",
    ("wandb_v",): r"\bwandb_v[0-9]+_\w{20,}",
    ("eyJ",): r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?",
}
_KNOWN = [(hints, re.compile(pattern)) for hints, pattern in _KEYS.items()]
"""Patterns of keys, each with what is in a text that holds one: to look for that is cheap."""
_PRIVATE = re.compile(
    r"(?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)(?! *[\"'`)\]])(.*?)(?=-----END |\Z)"
)

_WORDS = ("token", "passw", "passphrase", "pwd", "secret", "credential", "key", "bearer", "basic")
_NAME = r"""(?x:
    (?: token | passw(?:or)?d | passphrase | (?<![a-z])pwd | secret | credentials?
    | (?: api | access | account | auth | encryption | master | private | shared | signing
        | storage ) [_-]? key
    | (?-i: [A-Z0-9]_KEY) | (?<=[?&.])key
    ) (?: [_-]? (?: access[_-]?key | key | id | value | string | [0-9]+ ))?
)"""
_NAMED = re.compile(
    rf"""(?ix) \$\{{[^}}\s]*\}}
    | (?P<before> {_NAME} ["'\]]{{0,3}} (?P<between> [ \t]* [:=!]=? [ \t]* ))
      (?P<value> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | \S+ )
    | (?P<flag> (?<!\S) --? [\w.-]* {_NAME} [ ]+ ) (?P<given> [^\s-]\S* )
    | (?P<scheme> \b (?: bearer | basic ) [ ]+ ) (?P<credentials> [\w.~+/=-]{{16,}} )"""
)
_HEX = re.compile(
    r"(?i)((?:wandb|api)[\w. (=-]{0,24}[\"'\]]{0,2}\s*[:=,(\s]\s*[\"']?)[0-9a-f]{40}\b"
)
_TOLD = re.compile(r"(\$\{\w+\})+([\s&,;\"'})\]].*)?|\*\*\*.*")
_CODE = re.compile(
    r"(?:str|int|float|bool|bytes|object|Any|None|True|False|true|false|null|SecretStr|[0-9]{1,3}|"
    r"(?:os\.(?:environ|getenv)|getpass|self)\b\S*)[,)\]}:]*"
)
_RANDOM = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])[^\s()\[\]]{8,}")
_CALL = re.compile(r"[A-Za-z_][\w.]*\(.*")
_END = re.compile(r"\s*(?:#|$)")
_LONGEST_BRACES = 1000  # characters between '{' and what is in it, in a mapping on one line


def masked(text: str) -> str:
    """The text without what may be a credential.

    What only names a variable of the environment tells nothing and stays. The number of lines
    stays too, so that a diff can still be applied.

    >>> masked("assay train a.yaml --set tracking.token=abc")
    'assay train a.yaml --set tracking.token=***'
    >>> masked("http://me:hunter2@host and http://me:${PASSWORD}@host")
    'http://***@host and http://me:${PASSWORD}@host'
    """
    for secret in _secrets(os.environ):
        text = text.replace(secret, HIDDEN)
    if "://" in text and "@" in text:
        text = _CREDENTIALS.sub(_without_credentials, text)
    for hints, pattern in _KNOWN:
        if any(hint in text for hint in hints):
            text = pattern.sub(HIDDEN, text)
    if "PRIVATE KEY" in text:
        text = _PRIVATE.sub(_without_lines, text)
    return "\n".join(_by_name(line) for line in text.split("\n"))


def _by_name(line: str) -> str:
    """The line without the values of what is named like a secret in it."""
    lower = line.lower()
    if "wandb" in lower or "api" in lower:
        line = _HEX.sub(rf"\1{HIDDEN}", line)
    return _NAMED.sub(_without_value, line) if any(word in lower for word in _WORDS) else line


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    """Values of variables that are named like secrets, as they may be spelled, longest first."""
    found = set()
    for name, value in environment.items():
        is_path = os.sep in value and os.access(value, os.F_OK)
        if len(value) >= _SHORTEST_SECRET and _SECRET_VARIABLE.fullmatch(name) and not is_path:
            found |= {value, quote(value, safe=""), dumps(value)[1:-1], repr(value)[1:-1]}
    yield from sorted(found, key=len, reverse=True)


def _without_credentials(match: re.Match[str]) -> str:
    scheme, credentials = match.groups()
    is_user = ":" not in credentials and not scheme.startswith("http")  # there it may be a token
    if is_user or _BY_VARIABLE.fullmatch(credentials):
        return match[0]
    return f"{scheme}{HIDDEN}"


def _without_lines(match: re.Match[str]) -> str:
    """Hides every line of a key, but for what a diff writes before it."""
    first, *rest = match[2].split("\n")
    hidden = [f"{line[:1]}{HIDDEN}" if len(line) > 1 else line for line in rest]
    return "\n".join([match[1] + (HIDDEN if first.strip() else first), *hidden])


def _without_value(match: re.Match[str]) -> str:
    if match["flag"] or match["scheme"]:
        value = match["given"] or match["credentials"]
        return match[0] if _TOLD.fullmatch(value) else match[0][: -len(value)] + HIDDEN
    before, value = match["before"], match["value"]
    if before is None or _TOLD.fullmatch(value.strip("\"'")) or _is_code(match):
        return match[0]
    if value[0] in "\"'" and value[-1] == value[0] and len(value) > 1:
        return f"{before}{value[0]}{HIDDEN}{value[0]}" if len(value) > 2 else match[0]
    return before + HIDDEN + value[len(value.rstrip(",;)]}")) :]


def _is_code(match: re.Match[str]) -> bool:
    """Whether the value names what is meant, or goes on: 'the token = whatever' is a sentence."""
    value, name = match["value"], match["before"].removesuffix(match["between"])
    same = value.rstrip(",)]}:").rpartition(".")[2].lower() == name.rstrip("\"']").lower()
    if same or _CODE.fullmatch(value):
        return True
    is_apart = bool(match["between"].strip(":=!")) and value[0] not in "\"'"
    begins = max(0, match.start() - _LONGEST_BRACES)
    in_braces = value[-1] in ",}" and match.string.find("{", begins, match.start()) >= 0
    if not is_apart or in_braces or _RANDOM.fullmatch(value):
        return False
    return bool(_CALL.fullmatch(value) or not _END.match(match.string, match.end()))
