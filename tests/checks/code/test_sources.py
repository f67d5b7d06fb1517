"""What every check of code keeps to, and how the results come together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from assay.checks.builtin import CODES as OTHER_CODES
from assay.checks.code.base import CodeCheck, Script
from assay.checks.code.builtin import CODE_CHECKS, CODES
from assay.checks.code.sources import check_sources
from assay.checks.run import CheckResults
from assay.findings import Finding

DOCS = Path(__file__).parents[3] / "docs" / "checks"
SCALED = """from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import train_test_split
X = StandardScaler().fit_transform(X)
X_train, X_test = train_test_split(X, random_state=0)
"""


class Breaks:
    code = "AS799"
    name = "breaks"
    libraries: tuple[str, ...] = ()

    def __call__(self, script: Script) -> Sequence[Finding]:
        raise ZeroDivisionError("by our fault")


@pytest.mark.parametrize("check", CODE_CHECKS, ids=lambda check: check.code)
def test_a_check_has_a_code_a_name_and_a_page(check: CodeCheck) -> None:
    assert isinstance(check, CodeCheck)
    page = (DOCS / f"{check.code}.md").read_text()
    assert page.startswith(f"# {check.code} {check.name}\n")
    for heading in ("## What it measures", "## Example", "## What to do", "## What it cannot see"):
        assert heading in page
    assert f"[{check.code}]({check.code}.md)" in (DOCS / "index.md").read_text()


@pytest.mark.parametrize("check", CODE_CHECKS, ids=lambda check: check.code)
def test_the_example_of_a_page_triggers_its_check(check: CodeCheck, tmp_path: Path) -> None:
    page = (DOCS / f"{check.code}.md").read_text()
    example = page.partition("## Example")[2].partition("```python\n")[2].partition("```")[0]
    script = tmp_path / "script.py"
    script.write_text(example)
    assert len(example.splitlines()) <= 16
    assert check.code in {each.code for each in check_sources([script]).findings}


def test_codes_are_different_from_all_others() -> None:
    assert len(set(CODES)) == len(CODES)
    assert not set(CODES) & set(OTHER_CODES)


def test_results_say_what_passed_and_what_had_nothing_to_read(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCALED)
    results = check_sources([script])
    assert [each.code for each in results.findings] == ["AS701"]
    assert "AS702" in results.passed
    assert results.not_applicable["AS707"] == "no source imports torch"
    codes = {*results.passed, *results.not_applicable, "AS701"}
    assert codes == {check.code for check in CODE_CHECKS}
    assert CheckResults.from_dict(results.as_dict()) == results


def test_an_accepted_finding_keeps_its_reason(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCALED)
    (finding,) = check_sources([script], accept={"AS701": "a demonstration"}).findings
    assert finding.accepted == "a demonstration"


def test_a_check_that_breaks_is_told_under_its_code(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCALED)
    (finding,) = check_sources([script], checks=[Breaks()]).findings
    assert (finding.code, finding.places) == ("AS799", (f"{script}:1:1",))
    assert "The check breaks broke" in finding.title


def test_reading_never_runs_what_it_reads(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"{SCALED}\nopen({str(tmp_path / 'ran')!r}, 'w').write('x')\n")
    check_sources([script])
    assert not (tmp_path / "ran").exists()


def test_findings_of_a_code_stand_in_the_order_of_lines(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    scaled = [f"X{i} = StandardScaler().fit_transform(X{i})" for i in range(12)]
    parts = [f"a{i}, b{i} = train_test_split(X{i}, random_state=0)" for i in reversed(range(12))]
    script.write_text("\n".join([*SCALED.splitlines()[:2], *scaled, *parts]))
    lines = [int(each.places[0].split(":")[-2]) for each in check_sources([script]).findings]
    assert lines == list(range(3, 15))
