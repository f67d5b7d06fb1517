"""One numerical thread while anyone predicts, and afterwards as many as there were."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from assay.inference.served import Served

FEATURES = pd.DataFrame({"a": [1.0, 2.0]})
PATIENCE_S = 20
MANY = 2
LIBRARIES = ThreadpoolController()


def n_threads(user_api: str) -> set[int]:
    return {each.num_threads for each in LIBRARIES.select(user_api=user_api).lib_controllers}


class Predicts:
    """Begins when it is told to, and ends when it is told to; notes what it saw before its end."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self.seen: list[set[int]] = []

    def predict(self, features: pd.DataFrame) -> Any:
        self.has_begun.set()
        assert self.may_end.wait(PATIENCE_S)
        self.seen = [n_threads("blas"), n_threads("openmp")]
        return np.zeros(len(features))


def test_who_leaves_first_leaves_one_thread_to_who_still_predicts() -> None:
    first, second = Predicts(), Predicts()
    with LIBRARIES.limit(limits=MANY):
        assert n_threads("blas") == {MANY}
        running = []
        for each in (first, second):
            served = Served({"classes": []}, each)
            thread = threading.Thread(target=served.values_of, args=(FEATURES,), daemon=True)
            thread.start()
            running.append(thread)
            assert each.has_begun.wait(PATIENCE_S)
        for each, thread in zip((first, second), running, strict=True):
            each.may_end.set()
            thread.join(PATIENCE_S)
        assert first.seen == second.seen == [{1}, {1}]
        assert n_threads("blas") == n_threads("openmp") == {MANY}


def test_who_fails_leaves_as_many_threads_as_there_were() -> None:
    class Fails:
        def predict(self, _: pd.DataFrame) -> Any:
            raise ValueError("no")

    with LIBRARIES.limit(limits=MANY):
        for _ in range(2):
            try:
                Served({"classes": []}, Fails()).values_of(FEATURES)
            except ValueError:
                assert n_threads("blas") == n_threads("openmp") == {MANY}
