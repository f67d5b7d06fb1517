"""Frozen embeddings leave nothing behind, and are the same bits whatever was imported before."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.learners import embedding
from assay.learners.embedded import BuildEmbedded
from assay.learners.embedding import TextEmbedder
from assay.learners.text import TextOptions
from assay.networks.pretrained_source import find
from assay.workspace import Workspace
from tests.tiny_transformer import texts


def embedder(folder: Path) -> TextEmbedder:
    return TextEmbedder(str(folder), None, ("text",), 32, "head")


def test_the_files_of_the_transformer_are_pinned(tiny_transformer: Path) -> None:
    settings = DataSettings(source="t", target="y", task=Task.BINARY)
    rows = prepare(from_frame(texts(Task.BINARY, 20)), settings, "t").development
    made = BuildEmbedded(TextOptions(model=str(tiny_transformer), max_length=32))(rows, 0)
    assert made.named_steps["embed"].revision == find(str(tiny_transformer)).revision


def test_no_tokens_are_kept_of_what_is_transformed(tiny_transformer: Path, workspace: Path) -> None:
    assert Workspace.find().exists
    made = embedder(tiny_transformer).transform(texts(Task.BINARY, 40))
    assert made.shape == (40, 32)
    assert workspace.exists()
    assert not Workspace.find().tokens_folder.exists()


def test_the_transformer_is_let_go(tiny_transformer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nets = []

    def loaded(*given: Any) -> Any:
        encoding, net = load(*given)
        nets.append(weakref.ref(net))
        return encoding, net

    load = embedding._loaded
    monkeypatch.setattr(embedding, "_loaded", loaded)
    embedder(tiny_transformer).transform(texts(Task.BINARY, 5))
    gc.collect()
    assert [net() for net in nets] == [None]


def test_one_thread_computes_however_many_there_are(
    tiny_transformer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()

    def pooled(*given: Any, **tokens: Any) -> Any:
        seen.add(torch.get_num_threads())
        return pool(*given, **tokens)

    pool, before = embedding._pooled, torch.get_num_threads()
    monkeypatch.setattr(embedding, "_pooled", pooled)
    made = []
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            made.append(embedder(tiny_transformer).transform(texts(Task.BINARY, 40)))
            assert torch.get_num_threads() == n
    finally:
        torch.set_num_threads(before)
    assert seen == {1}
    np.testing.assert_array_equal(*made)
