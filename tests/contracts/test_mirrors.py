"""Weights & Biases, TensorBoard and a mirror of somebody else keep the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.tracking.mirror import Mirror, Opening
from assay.tracking.settings import WandbSettings
from assay.tracking.tensorboard import TensorboardMirror
from assay.tracking.wandb import WandbMirror
from tests.contracts.mirrors import MirrorContract, Seen
from tests.tracking.reading import seen_in_tensorboard, seen_in_wandb
from tests.tracking.telegraph import Telegraph, seen_in_telegraph


class TestWandbMirror(MirrorContract):
    @pytest.fixture
    def mirror(self) -> Mirror:
        return WandbMirror(WandbSettings())

    def seen(self, opening: Opening) -> Seen:
        return seen_in_wandb(opening.folder)


class TestTensorboardMirror(MirrorContract):
    precision = 1e-7

    @pytest.fixture
    def mirror(self) -> Mirror:
        return TensorboardMirror()

    def seen(self, opening: Opening) -> Seen:
        return seen_in_tensorboard(opening.folder)


class TestMirrorOfSomebodyElse(MirrorContract):
    @pytest.fixture
    def mirror(self, tmp_path: Path) -> Mirror:
        return Telegraph(tmp_path)

    def seen(self, opening: Opening) -> Seen:
        return seen_in_telegraph(opening.folder)
