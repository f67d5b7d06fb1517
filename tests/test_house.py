"""Ratchets: the house stays small, named by nouns, and told by docstrings."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

import assay
from assay import errors
from assay.experiment import Experiment
from assay.learners.boosting import BoostingOptions
from assay.learners.linear import LinearOptions

ROOT = Path(__file__).parent.parent
SOURCE = Path(assay.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
_ABOVE = ("cli/", "__init__", "ablation.py", "reproduction/", "searching/")
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base2"}

PUBLIC = [
    "Ablation", "AssayError", "Comparison", "Difference", "Estimate", "Evaluation", "Evidence",
    "Experiment", "Finding", "FitContext", "Learner", "Model", "NotApplicable", "Predictions",
    "Run", "Severity", "ablate", "check", "compare", "evaluate", "export", "load",
    "load_experiment", "lock", "models", "note", "predict", "promote", "register", "report",
    "reproduce", "rollback", "runs", "serve", "show", "train", "tune",
]  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert sorted(assay.__all__) == PUBLIC
    assert dir(assay) == PUBLIC
    assert len(PUBLIC) <= 40
    for name in PUBLIC:
        assert getattr(assay, name).__doc__, name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        assay.trian  # noqa: B018


def test_files_are_small() -> None:
    lines = sorted(len(path.read_text().splitlines()) for path in FILES)
    assert lines[int(len(lines) * 0.95)] <= 300
    assert lines[-1] <= 400


def test_functions_fit_a_screen() -> None:
    lengths = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                docstring = ast.get_docstring(node, clean=False) or ""
                body = node.end_lineno - node.lineno + 1 - docstring.count("\n")
                lengths.append((body, f"{path.name}:{node.name}"))
    lengths.sort()
    assert lengths[int(len(lengths) * 0.95)][0] <= 50
    assert lengths[-1][0] <= 75, lengths[-1]


def test_the_lifecycle_is_a_story_of_functions() -> None:
    text = (SOURCE / "lifecycle.py").read_text()
    assert len(text.splitlines()) < 300
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]


def test_modules_are_named_by_what_they_hold() -> None:
    assert not {path.stem for path in FILES} & FORBIDDEN


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_file_says_its_idea(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, f"{path} has no docstring"


def test_nothing_imports_the_lifecycle_but_what_stands_above_it() -> None:
    importing = [
        str(path.relative_to(SOURCE))
        for path in FILES
        if re.search(r"\blifecycle\b", path.read_text()) and path.name != "lifecycle.py"
    ]
    assert [each for each in importing if not each.startswith(_ABOVE)] == []


def models(model: type[BaseModel]) -> list[type[BaseModel]]:
    inner = [field.annotation for field in model.model_fields.values()]
    found = [each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)]
    return [model, *(deeper for each in found for deeper in models(each))]


@pytest.mark.parametrize(
    "model", [*models(Experiment), LinearOptions, BoostingOptions], ids=lambda model: model.__name__
)
def test_every_setting_has_a_default_or_is_needed_and_says_what_it_is(
    model: type[BaseModel],
) -> None:
    assert model.model_config["extra"] == "forbid"
    for name, field in model.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_every_page_of_the_documentation_is_in_its_contents() -> None:
    docs = ROOT / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    contents = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2]
    assert set(re.findall(r"[\w/-]+\.md", contents)) == pages


def test_every_error_needs_a_mend() -> None:
    for name in dir(errors):
        each = getattr(errors, name)
        if isinstance(each, type) and issubclass(each, Exception):
            with pytest.raises(TypeError, match="mend"):
                each("something")
            told = str(each("What.", where="Where.", mend="Mend."))
            assert told == "What.\n  where: Where.\n  mend:  Mend."
