"""The example on the page of a check triggers it, and the command prints what the page shows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.checks.builtin import CODES
from assay.cli.checking import check
from tests.contracts.checks import DOCS

PAGES = sorted(DOCS.glob("AS[1236]??.md"))
"""Of tables, of evidence and of procedure."""


def block(page: str, language: str) -> str:
    """The one block of a language in the example of a page."""
    example = page.partition("\n## Example\n")[2].partition("\n## ")[0]
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", example, re.DOTALL | re.MULTILINE)
    return str(found)


def command_and_output(console: str) -> tuple[list[str], str]:
    """Words of the command, and what is shown of its output as one line."""
    command, _, output = console.replace("\\\n", "").partition("\n")
    prompt, *words = shlex.split(command)
    assert prompt == "$"
    return words, " ".join(line for line in output.splitlines() if line != "...")


def joined(text: str) -> str:
    """Text without blanks: where lines break does not matter."""
    return "".join(text.split())


def test_every_check_of_tables_evidence_and_procedure_has_a_page() -> None:
    assert [path.stem for path in PAGES] == sorted(c for c in CODES if c[2] in "1236")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_example_triggers_its_check(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = path.read_text()
    code = block(page, "python")
    words, output = command_and_output(block(page, "console"))
    assert words[:2] == ["assay", "check"]
    assert len([line for line in code.splitlines() if line.strip()]) <= 14

    monkeypatch.chdir(tmp_path)
    exec(compile(code, path.name, "exec"), {})
    said = CliRunner().invoke(check, [*words[2:], "--json", "--quiet"], standalone_mode=False)

    assert said.exception is None
    found = [each for each in json.loads(said.stdout)["findings"] if each["code"] == path.stem]
    assert joined(output) in [
        joined(f"{each['severity']}{path.stem}{each['title']}") for each in found
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_page_says_in_numbers_why_it_matters(path: Path) -> None:
    why = path.read_text().partition("\n## Why it matters\n")[2].partition("\n## ")[0]
    assert re.search(r"(?<![A-Z\d])\d", why)
