"""Sources are read as they are; what cannot be read is told."""

from __future__ import annotations

import json
from pathlib import Path

from assay.checks.code.reading import Module, Unread, read, without_magics
from assay.checks.code.sources import check_sources
from assay.findings import Severity

TRAINS = "from sklearn.svm import SVC\nmodel = SVC()\nmodel.fit(X, y)\n"


def notebook(path: Path, *cells: str, language: str = "python") -> Path:
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    metadata = {"kernelspec": {"language": language}}
    path.write_text(json.dumps({"cells": code, "metadata": metadata, "nbformat": 4}))
    return path


def test_folders_are_walked_but_not_environments(tmp_path: Path) -> None:
    for folder in ("a", ".venv/lib", "b/site-packages", ".git", "b"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "train.py").write_text(TRAINS)
    (tmp_path / "a" / "notes.txt").write_text(TRAINS)
    found = [str(each.path.relative_to(tmp_path)) for each in read([tmp_path])
             if isinstance(each, Module)]  # fmt: skip
    assert found == ["a/train.py", "b/train.py"]


def test_a_source_that_trains_nothing_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("import flask\napp = flask.Flask('a')\n")
    assert list(read([tmp_path])) == []


def test_broken_syntax_is_a_note_with_its_place(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(TRAINS + "print 'old'\n")
    (finding,) = check_sources([broken]).findings
    assert finding.code == "AS700"
    assert finding.severity is Severity.NOTE
    assert finding.places == (f"{broken}:4:1",)
    assert "could not be read" in finding.title


def test_what_is_missing_or_no_text_is_told_and_stops_nothing(tmp_path: Path) -> None:
    zeros = tmp_path / "zeros.py"
    zeros.write_bytes(TRAINS.encode() + b"\0")
    odd = tmp_path / "odd.ipynb"
    odd.write_text("sklearn .fit {")
    good = tmp_path / "good.py"
    good.write_text(TRAINS)
    told = list(read([tmp_path / "nowhere.py", zeros, odd, good]))
    assert [type(each) for each in told] == [Unread, Unread, Unread, Module]


def test_one_broken_cell_does_not_hide_the_others(tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "import sklearn\nx = (", TRAINS)
    first, second = read([path])
    assert isinstance(first, Unread)
    assert first.place.startswith(f"{path}:cell 1:")
    assert isinstance(second, Module)
    assert second.place(second.tree.body[-1]) == f"{path}:cell 2:3:1"
    assert second.statement(second.tree.body[-1]) == "model.fit(X, y)"


def test_magics_keep_the_places_of_lines() -> None:
    cell = ["%%time", "!pip install torch", "out = !ls", "df.head()", "    %timeit f()", "df?",
            "rest = (a", "        % b)"]  # fmt: skip
    plain = without_magics(cell)
    assert len(plain) == len(cell)
    assert plain[:4] == ["", "", "out = None", "df.head()"]
    assert plain[4].strip() == "pass"
    assert plain[5] == ""
    compile("\n".join(["if True:", plain[4]]), "cell", "exec")


def test_cells_in_other_languages_are_not_python(tmp_path: Path) -> None:
    assert without_magics(["%%bash", "ls -l"]) == ["", ""]
    path = notebook(tmp_path / "r.ipynb", "library(pandas)", "model$.fit(x)", language="R")
    assert [each.tree.body for each in read([path]) if isinstance(each, Module)] in ([], [[]])


def test_functions_of_a_test_suite_are_not_training(tmp_path: Path) -> None:
    path = tmp_path / "test_model.py"
    path.write_text(
        "from sklearn.preprocessing import StandardScaler\n"
        "from sklearn.model_selection import train_test_split\n"
        "def test_it():\n"
        "    X = StandardScaler().fit_transform(load())\n"
        "    a, b = train_test_split(X)\n"
        "    assert len(a)\n"
    )
    assert check_sources([path]).findings == ()
    path.write_text(path.read_text().replace("    assert len(a)\n", "").replace("test_it", "main"))
    assert {each.code for each in check_sources([path]).findings} == {"AS701"}
