"""Seeding: global generators repeat, torch adds in one order, and the caller's session is left."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import assay
from assay import seeding
from assay.data.dataset import Part
from assay.data.schema import Task
from assay.learners.protocol import FitContext
from assay.seeding import seeded
from assay.tracking.memory import MemoryStore
from tests.fakes import FakeLearner, FakeModel
from tests.tables import table


def drawn() -> tuple[float, float]:
    return random.random(), float(np.random.random())


def test_equal_seeds_draw_the_same_and_others_do_not() -> None:
    draws = []
    for seed in (1, 1, 2, 2**32 + 1):
        with seeded(seed):
            draws.append(drawn())
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]
    assert draws[3][0] != draws[0][0]


@pytest.mark.parametrize("fails", [False, True])
def test_the_generators_of_the_caller_go_on_as_before(fails: bool) -> None:
    random.seed(7)
    np.random.seed(7)
    expected = [drawn() for _ in range(2)]
    random.seed(7)
    np.random.seed(7)
    first = drawn()
    try:
        with seeded(3):
            drawn()
            if fails:
                raise RuntimeError
    except RuntimeError:
        pass
    assert [first, drawn()] == expected


def state_of_torch() -> tuple[object, ...]:
    torch = pytest.importorskip("torch")
    cudnn = torch.backends.cudnn
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        cudnn.deterministic,
        cudnn.benchmark,
        os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
    )


def test_torch_is_seeded_and_fixed_and_left_as_it_was() -> None:
    torch = pytest.importorskip("torch")
    before, generator = state_of_torch(), torch.get_rng_state()
    draws = []
    for _ in range(2):
        with seeded(3, deterministic=True):
            assert state_of_torch() == (True, True, True, False, ":4096:8")
            draws.append(torch.rand(3))
    assert torch.equal(*draws)
    with seeded(3):
        assert state_of_torch() == before
        assert torch.equal(torch.rand(3), draws[0])
    assert state_of_torch() == before
    assert torch.equal(torch.get_rng_state(), generator)


def test_torch_is_fixed_without_importing_its_compiler() -> None:
    pytest.importorskip("torch")
    script = """if True:
        import os, sys, torch
        from assay.seeding import seeded
        with seeded(3, deterministic=True):
            assert torch.are_deterministic_algorithms_enabled()
            assert os.environ["TORCHINDUCTOR_DETERMINISTIC"] == "1"
        assert not torch.are_deterministic_algorithms_enabled()
        assert "TORCHINDUCTOR_DETERMINISTIC" not in os.environ
        assert "torch._inductor" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", script], check=True)


def test_what_is_set_is_what_is_recorded() -> None:
    told = seeding.about(range(3, 5), deterministic=True)
    assert told["of the fits"] == [3, 4]
    assert told["PYTHONHASHSEED"] == os.environ.get("PYTHONHASHSEED", "random")
    torch = pytest.importorskip("torch")
    with seeded(3, deterministic=True):
        assert told["torch.use_deterministic_algorithms"] is (
            torch.are_deterministic_algorithms_enabled()
        )
        assert told["torch.backends.cudnn.deterministic"] is torch.backends.cudnn.deterministic
        assert told["torch.backends.cudnn.benchmark"] is torch.backends.cudnn.benchmark
        assert told["CUBLAS_WORKSPACE_CONFIG"] == os.environ["CUBLAS_WORKSPACE_CONFIG"]
    assert "torch.use_deterministic_algorithms" not in seeding.about([3], deterministic=False)


@dataclass(frozen=True)
class Gambler(FakeLearner):
    """Learns a number from each global generator that there is."""

    name: str = "gambler"

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> FakeModel:
        import torch

        model = super().fit(train, validation, context)
        luck = random.random() + np.random.random() + float(torch.rand(1))
        return FakeModel(model.classes, model.middle + luck / 10, model.low, model.high)


def predictions(workers: int, seed: int = 0) -> pd.DataFrame:
    store = MemoryStore()
    settings = {"training": {"seeds": 2}, "data": {"split": {"seed": seed}}}
    run = assay.train(table(Task.BINARY), target="y", learner=Gambler(), settings=settings,
                      workers=workers, store=store, checks=[])  # fmt: skip
    assert run.provenance["seeds"]["of the fits"] == [seed, seed + 1]
    return store.table(run.run_id, "out_of_fold").to_pandas()


def test_a_learner_that_gambles_repeats_with_any_number_of_workers() -> None:
    pytest.importorskip("torch")
    random.seed(1)
    before = random.getstate()
    alone = predictions(1)
    assert random.getstate() == before
    random.seed(2)
    np.random.seed(2)
    pd.testing.assert_frame_equal(alone, predictions(1), check_exact=True)
    pd.testing.assert_frame_equal(alone, predictions(2), check_exact=True)


def test_what_is_deterministic_writes_no_memory_twice() -> None:
    import torch

    before = torch.utils.deterministic.fill_uninitialized_memory
    with seeded(1, deterministic=True):
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.utils.deterministic.fill_uninitialized_memory
    assert torch.utils.deterministic.fill_uninitialized_memory is before
