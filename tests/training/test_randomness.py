"""Generators that are set to where they were draw the same again, also by way of a checkpoint."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assay.seeding import seeded
from assay.training.checkpoint import Checkpoints
from assay.training.randomness import random_state, set_random_state


def drawn() -> list[Any]:
    """Some of each, an odd number of Gaussians too, of which generators keep the second."""
    return [
        random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(),
        torch.rand(3).tolist(), torch.randn(17).tolist(), torch.randperm(5).tolist(),
    ]  # fmt: skip


@pytest.mark.parametrize("through_disk", [False, True])
def test_all_generators_go_on_where_they_were(tmp_path: Path, through_disk: bool) -> None:
    with seeded(7):
        drawn()
        state = random_state("cpu")
        if through_disk:
            with Checkpoints(tmp_path) as kept:
                kept.save({"step": 1, "random": state})
                state = kept.latest()["random"]
        expected = [drawn(), drawn()]
        drawn()
        set_random_state(state, "cpu")
        assert [drawn(), drawn()] == expected


def test_asking_does_not_draw() -> None:
    with seeded(3):
        expected = drawn()
    with seeded(3):
        random_state()
        assert drawn() == expected


def test_generators_of_an_accelerator_that_is_not_here_are_passed_over() -> None:
    with seeded(1):
        state = random_state()
        if torch.cuda.is_available():
            pytest.skip("it is here")
        set_random_state({**state, "cuda": [torch.zeros(16, dtype=torch.uint8)]}, "cpu")
