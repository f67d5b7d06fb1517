"""When rows are predicted: networks in batches, in a thread, with an end to patience."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from assay.data.schema import Task
from assay.errors import DataError
from assay.learners.adapt import trained_as
from assay.learners.builtin import make_learner
from assay.serving.prediction import Prediction
from assay.serving.refusal import Refusal
from assay.serving.rows import Table
from assay.serving.served_model import ServedModel
from assay.serving.settings import ServingSettings
from tests.serving.models import app_with, packed
from tests.tables import prepared, table


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    learner = trained_as(make_learner("mlp", {"width": 8}), {"epochs": 1, "batch_size": 64})
    frame = table(Task.BINARY)
    loaded = packed(tmp_path_factory.mktemp("network"), learner, prepared(Task.BINARY), frame)
    return app_with(loaded).state.slots[0].model


def tables(model: ServedModel, n: int) -> list[Table]:
    names = model.validator.columns
    rows = table(Task.BINARY)[names].head(n).astype(object)
    rows = rows.where(rows.notna(), None).to_dict("records")
    return [model.validator.checked([row])[0] for row in rows]


def test_requests_that_come_together_are_predicted_together(network: ServedModel) -> None:
    asked = tables(network, 24)
    alone = [network.predict(each)[0]["probabilities"]["yes"] for each in asked]
    n_calls = 0

    def count(*_: Any) -> None:
        nonlocal n_calls
        n_calls += 1

    async def all_at_once() -> list[Any]:
        prediction = Prediction(ServingSettings(), lambda: len(asked))
        return await asyncio.gather(*(prediction.predict(network, each) for each in asked))

    hook = network.loaded.served.predictor.module.register_forward_hook(count)
    answers = asyncio.run(all_at_once())
    hook.remove()
    assert [each[0]["probabilities"]["yes"] for each in answers] == pytest.approx(alone, abs=1e-5)
    assert 1 <= n_calls <= 4


def test_the_fault_of_one_is_not_that_of_the_others(network: ServedModel) -> None:
    asked = tables(network, 5)
    asked[2] = Table({**asked[2].columns, "a": ["no number"]}, 1, is_clean=False)

    async def all_at_once() -> list[Any]:
        prediction = Prediction(ServingSettings(), lambda: len(asked))
        made = (prediction.predict(network, each) for each in asked)
        return await asyncio.gather(*made, return_exceptions=True)

    answers = asyncio.run(all_at_once())
    assert isinstance(answers[2], DataError)
    assert all(len(each) == 1 for at, each in enumerate(answers) if at != 2)


def test_who_waits_too_long_or_behind_too_many_is_told() -> None:
    async def many() -> list[Any]:
        limits = {"waiting": 2, "request_s": 0.2}
        prediction = Prediction(ServingSettings(limits=limits), lambda: 1)
        slow = [prediction.in_thread(lambda: time.sleep(0.5)) for _ in range(4)]
        said = await asyncio.gather(*slow, return_exceptions=True)
        await asyncio.sleep(0.6)
        assert await prediction.in_thread(lambda: "at work again") == "at work again"
        return said

    said = asyncio.run(many())
    assert all(isinstance(each, Refusal) and each.status == 503 for each in said)
    told = [str(each) for each in said]
    assert told[:2] == ["The answer took longer than 0.2 s."] * 2
    assert told[2:] == ["Too many requests are waiting."] * 2
    assert said[3].headers == {"Retry-After": "1"}


def test_rows_of_a_network_that_are_many_go_by_themselves(
    network: ServedModel, tmp_path: Path
) -> None:
    joined = Table.joined(tables(network, 100))

    async def ask() -> Any:
        return await Prediction(ServingSettings(), lambda: 1).predict(network, joined)

    assert asyncio.run(ask()) == network.predict(joined)
