"""Snippets as tutorials write them: the wrong ones are found by their code, their twins are not.

Laws: what is found does not depend on the names of imports, on the script being a function, or on
it being a notebook.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from assay.checks.code.builtin import CODE_CHECKS
from assay.checks.code.sources import check_sources
from assay.findings import Finding, Severity

CORPUS = Path(__file__).parent / "corpus"
BAD = sorted((CORPUS / "bad").glob("*.py"))
CLEAN = sorted((CORPUS / "clean").glob("*.py"))
FIRM_BEFORE_THE_SPLIT = {"AS701", "AS702", "AS703", "AS704", "AS705"}


def expected(path: Path) -> str:
    return path.read_text().splitlines()[0].partition(":")[2].strip()


def alarms(path: Path) -> list[Finding]:
    results = check_sources([path])
    return [each for each in results.findings if each.severity is not Severity.NOTE]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_wrong_script_is_found_by_its_code_and_no_other(path: Path) -> None:
    code = expected(path)
    found = [each for each in check_sources([path]).findings if each.code == code]
    assert found
    assert {each.code for each in alarms(path)} <= {code}
    lines = path.read_text().splitlines()
    for each in found:
        (place,) = each.places
        name, line, column = place.rsplit(":", 2)
        assert name == str(path)
        assert each.evidence["statement"] == lines[int(line) - 1].strip()
        assert 1 <= int(column) <= len(lines[int(line) - 1])
        assert "broke" not in each.title
    if code in FIRM_BEFORE_THE_SPLIT:
        assert {each.severity for each in found} >= {Severity.WARN}


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.stem)
def test_a_right_script_raises_no_alarm(path: Path) -> None:
    assert alarms(path) == []


def test_every_code_has_wrong_and_right_scripts() -> None:
    assert {expected(path) for path in BAD} == {check.code for check in CODE_CHECKS}
    assert len(BAD) >= 60
    assert len(CLEAN) >= 60


@pytest.mark.parametrize("path", BAD[::3], ids=lambda path: path.stem)
def test_a_notebook_is_read_like_a_script(path: Path, tmp_path: Path) -> None:
    source = path.read_text()
    tops = [node.lineno - 1 for node in ast.parse(source).body if not _decorated(node)]
    lines = source.splitlines(keepends=True)
    middle = tops[len(tops) // 2]
    cells = [
        {"cell_type": "markdown", "source": ["# a heading"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", *lines[:middle]]},
        {"cell_type": "code", "source": "".join(lines[middle:])},
    ]
    notebook = tmp_path / "notebook.ipynb"
    notebook.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
    results = check_sources([notebook])
    assert expected(path) in {each.code for each in results.findings}
    for each in results.findings:
        assert re.fullmatch(rf"{re.escape(str(notebook))}:cell [23]:\d+:\d+", each.places[0])


def _decorated(node: ast.stmt) -> bool:
    return bool(getattr(node, "decorator_list", []))


@pytest.mark.parametrize(
    "path", [*BAD[1::3], *CLEAN[2::3]], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_what_is_found_does_not_depend_on_being_in_a_function(path: Path, tmp_path: Path) -> None:
    tree = ast.parse(path.read_text())
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    rest = [node for node in tree.body if node not in imports]
    template = ast.parse("def main():\n    pass\n\nmain()")
    main = template.body[0]
    assert isinstance(main, ast.FunctionDef)
    main.body = rest
    wrapped = tmp_path / path.name
    module = ast.Module([*imports, *template.body], [])
    wrapped.write_text(ast.unparse(ast.fix_missing_locations(module)))
    told = {each.code for each in alarms(path)}
    assert {each.code for each in alarms(wrapped)} == told
