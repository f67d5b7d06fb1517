"""Texts are tokenised once: what was kept is found again, and only by the same texts."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from assay.data.schema import Task
from assay.learners import tokens
from assay.learners.text import TextOptions, TextRecipe
from assay.learners.tokens import TextEncoding, _write
from assay.workspace import Workspace
from tests.tiny_transformer import texts, written


@pytest.fixture(autouse=True)
def kept(workspace: Path) -> Path:
    """Where tokens are kept."""
    folder = Workspace.find().tokens_folder
    assert folder.is_relative_to(workspace)
    return folder


def encoding(folder: Path, *columns: str, **options: Any) -> TextEncoding:
    options = {"model": str(folder), "max_length": 32, **options}
    return TextRecipe(TextOptions(**options)).reads(columns or ("text",))


def lengths(made: TextEncoding, frame: pd.DataFrame) -> list[int]:
    return np.diff(made.sequences(frame).ends).tolist()


@pytest.mark.parametrize(
    "options", [{}, {"max_length": 12}, {"long": "windows"}, {"strategy": "head", "dropout": 0.2}]
)
def test_tokens_that_are_kept_are_found_again_whatever_is_read_of_them(
    options: dict[str, Any], tiny_transformer: Path, kept: Path
) -> None:
    """Others are put in their place: those come out."""
    frame = texts(Task.BINARY, 40)
    encoding(tiny_transformer).sequences(frame)
    [path] = kept.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    _write([np.array([7, 8, 9], dtype=np.int32)] * 40, path)
    found = encoding(tiny_transformer, **options).sequences(frame)
    assert found.values["input_ids"].tolist() == [2, 7, 8, 9, 3] * 40
    assert list(kept.iterdir()) == [path]


def test_kept_tokens_are_those_that_the_tokenizer_gives(tiny_transformer: Path) -> None:
    frame = texts(Task.BINARY, 40)
    frame.loc[[3, 5], "text"] = [None, ""]
    workspace = encoding(tiny_transformer)
    without = TextEncoding(workspace.tokenizer, workspace.reading, workspace.revision)
    for _ in range(2):
        ours, wanted = workspace.sequences(frame), without.sequences(frame)
        np.testing.assert_array_equal(ours.ends, wanted.ends)
        for name, each in wanted.values.items():
            np.testing.assert_array_equal(ours.values[name], each)


@pytest.mark.parametrize("change", ["another word", "another order", "a row less", "a gap"])
def test_other_texts_find_nothing(change: str, tiny_transformer: Path, kept: Path) -> None:
    frame = texts(Task.BINARY, 40)
    other = frame.copy()
    match change:
        case "another word":
            other.loc[17, "text"] += " tea"
        case "another order":
            other = frame.iloc[::-1]
        case "a row less":
            other = frame.iloc[:-1]
        case "a gap":  # words that go over to the row before, and leave the same ones
            first, second = frame.loc[1, "text"], frame.loc[2, "text"]
            other.loc[[1, 2], "text"] = [f"{first} {second}", ""]
    made = encoding(tiny_transformer)
    wanted = lengths(TextEncoding(made.tokenizer, made.reading, made.revision), other)
    made.sequences(frame)
    assert lengths(made, other) == wanted
    assert len(list(kept.iterdir())) == 2


@pytest.mark.parametrize("change", ["another model", "another tokenizer"])
def test_another_tokenizer_finds_nothing(
    change: str, tiny_transformer: Path, kept: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    if change == "another model":
        written(other, seed=1)
    else:
        shutil.copytree(tiny_transformer, other)
        words = (other / "tokenizer.json").read_text().replace('"tea"', '"thee"')
        (other / "tokenizer.json").write_text(words)
    frame = texts(Task.BINARY, 40)
    encoding(tiny_transformer).sequences(frame)
    encoding(other).sequences(frame)
    assert len(list(kept.iterdir())) == 2


def test_a_model_that_lies_elsewhere_is_the_same(
    tiny_transformer: Path, kept: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_transformer, tmp_path / "copy")
    frame = texts(Task.BINARY, 40)
    for folder in (tiny_transformer, tmp_path / "copy"):
        encoding(folder).sequences(frame)
    assert len(list(kept.iterdir())) == 1


def test_each_column_of_a_pair_is_kept_by_itself(tiny_transformer: Path, kept: Path) -> None:
    frame = texts(Task.BINARY, 40).assign(second=lambda f: f["text"].iloc[::-1].to_numpy())
    encoding(tiny_transformer, "text", "second").sequences(frame)
    encoding(tiny_transformer, "text").sequences(frame)
    assert len(list(kept.iterdir())) == 2


def test_the_sixteen_that_were_used_last_are_kept(tiny_transformer: Path, kept: Path) -> None:
    made = encoding(tiny_transformer)
    mapped = made.whole(["tea"])
    [first] = kept.iterdir()
    for n in range(15):
        made.whole(["coffee"] * (n + 1))
    made.whole(["tea"])
    for n in range(5):
        made.whole(["price"] * (n + 1))
    assert len(list(kept.iterdir())) == 16
    assert first.is_file()
    for n in range(16):
        made.whole(["jar"] * (n + 1))
    assert not first.exists()
    assert len(list(kept.iterdir())) == 16
    wanted = made.tokenizer("tea", add_special_tokens=False)["input_ids"]
    assert [each.tolist() for each in mapped] == [wanted]


def test_what_is_kept_is_mapped_and_not_copied(tiny_transformer: Path) -> None:
    made = encoding(tiny_transformer)
    said = ["tea was very good " * 1000] * 50
    made.whole(said)
    before = pa.total_allocated_bytes()
    found = made.whole(said)
    assert pa.total_allocated_bytes() == before
    assert [each.dtype for each in found] == [np.int32] * 50
    assert not any(each.flags.owndata or each.flags.writeable for each in found)


def test_no_texts_have_no_tokens_kept_or_not(tiny_transformer: Path) -> None:
    made = encoding(tiny_transformer)
    assert [len(made.whole([])) for _ in range(2)] == [0, 0]


@pytest.mark.parametrize("what", ["empty", "torn"])
def test_what_is_broken_is_made_again(what: str, tiny_transformer: Path, kept: Path) -> None:
    made, frame = encoding(tiny_transformer), texts(Task.BINARY, 40)
    wanted = lengths(made, frame)
    [path] = kept.iterdir()
    whole = path.read_bytes()
    path.write_bytes(b"" if what == "empty" else whole[: len(whole) // 2])
    assert lengths(made, frame) == wanted
    assert path.read_bytes() == whole


def test_what_another_process_removes_meanwhile_is_made_again(
    tiny_transformer: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is mapped, or between that and the note that it was used."""
    made, frame = encoding(tiny_transformer), texts(Task.BINARY, 40)
    wanted = lengths(made, frame)
    [path] = kept.iterdir()
    map_it, note_it = pa.memory_map, tokens.os.utime

    def gone(then: Any, *given: Any) -> Any:
        with suppress(FileNotFoundError):
            path.unlink()
        return then(*given)

    for owner, name, then in ((pa, "memory_map", map_it), (tokens.os, "utime", note_it)):
        assert path.is_file()
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, lambda *given, then=then: gone(then, *given))
            assert lengths(made, frame) == wanted
        assert path.is_file() is (name == "memory_map")


@pytest.mark.parametrize("there", [False, True], ids=["nothing kept", "kept"])
def test_where_nothing_can_be_written_a_fit_goes_on(
    there: bool, tiny_transformer: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, frame = encoding(tiny_transformer), texts(Task.BINARY, 40)
    without = TextEncoding(made.tokenizer, made.reading, made.revision)
    if there:
        made.sequences(frame)

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "read-only")

    monkeypatch.setattr(Path, "mkdir", refused)
    monkeypatch.setattr(tokens.os, "utime", refused)
    assert lengths(made, frame) == lengths(without, frame)
    assert kept.exists() is there


@pytest.mark.parametrize("package", ["tokenizers", "transformers"])
def test_another_version_of_what_tokenises_finds_nothing(
    package: str, tiny_transformer: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, now = encoding(tiny_transformer), tokens.version
    made.whole(["tea"])
    monkeypatch.setattr(tokens, "version", lambda name: "99" if name == package else now(name))
    made.whole(["tea"])
    assert len(list(kept.iterdir())) == 2


def test_without_a_workspace_nothing_is_kept(
    tiny_transformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_WORKSPACE", str(tmp_path / "none"))
    assert encoding(tiny_transformer).folder is None
    encoding(tiny_transformer).sequences(texts(Task.BINARY, 40))
    assert not (tmp_path / "none").exists()
