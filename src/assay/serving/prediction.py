"""Prediction: when and in which thread the rows of a request are predicted.

What takes a moment is done at once, in the thread that serves; all else in one other thread, so
that the server goes on answering. Requests to a network that come while it predicts wait for each
other and are then predicted together.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import TypeVar

from assay.serving.own_threads import OwnThreads
from assay.serving.rows import Answer, Table
from assay.serving.served_model import ServedModel
from assay.serving.settings import ServingSettings

AT_ONCE_S = 0.002
"""Up to this estimate rows are predicted by the thread that serves."""
_Said = TypeVar("_Said")
_Waiting = tuple[Table, asyncio.Future[list[Answer]]]
"""Rows, and who waits for their answers."""


class Prediction:
    """Predicts rows of requests.

    Args:
        settings: Of the server.
        n_under_way: Tells how many requests are being served, those included that still send.
    """

    def __init__(self, settings: ServingSettings, n_under_way: Callable[[], int]) -> None:
        self._batching = settings.batching
        self._n_under_way = n_under_way
        self._thread = OwnThreads("predicts", 1, settings.limits)
        self._batches: dict[int, _Batches] = {}

    async def predict(self, model: ServedModel, table: Table) -> list[Answer]:
        """The answers of valid rows.

        Raises:
            Refusal: Too many wait, or it takes too long (503).
            DataError: The model cannot predict the rows after all.
        """
        is_network = model.loaded.is_network
        if not is_network and table.n * model.row_s <= AT_ONCE_S:
            return model.predict(table)
        if not is_network or table.n >= self._batching.rows:
            return await self.in_thread(functools.partial(model.predict, table))
        async with self._thread.counted():
            batches = self._batches.get(id(model))
            if batches is None:
                batches = self._batches[id(model)] = _Batches(model, self)
            return await batches.ask(table)

    async def in_thread(self, does: Callable[[], _Said]) -> _Said:
        """Do something in the thread that predicts.

        Raises:
            Refusal: As `predict`.
        """
        return await self._thread.do(does)

    async def more(self, n_known: int) -> None:
        """Wait a moment for more rows, if requests are under way beyond those that are known."""
        if self._batching.wait_ms and self._n_under_way() > n_known:
            await asyncio.sleep(self._batching.wait_ms / 1000)

    @property
    def most_rows(self) -> int:
        """Most rows of a batch."""
        return self._batching.rows

    async def of_batch(self, does: Callable[[], _Said]) -> _Said:
        """As `in_thread`, for requests that are counted already and have their own patience."""
        return await self._thread.do_counted(does)

    def forget(self, model: ServedModel) -> None:
        """A model is served no more: its batches end when they are empty."""
        for key, each in list(self._batches.items()):
            if each.version == model.version:  # routers may serve it in a form of their own
                del self._batches[key]

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.close()

    def wait(self) -> None:
        """Wait for what was begun; as long as it takes."""
        self._thread.wait()


class _Batches:
    """The requests that wait for one network."""

    def __init__(self, model: ServedModel, prediction: Prediction) -> None:
        self._model = model
        self._prediction = prediction
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def version(self) -> str:
        return self._model.version

    async def ask(self, table: Table) -> list[Answer]:
        answer: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()
        self._waiting.append((table, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            await self._prediction.more(len(self._waiting))
            taken = self._taken()
            if not taken:
                continue
            try:
                joined = Table.joined([table for table, _ in taken])
                does = functools.partial(self._model.predict, joined)
                _answer(taken, await self._prediction.of_batch(does))
            except Exception as error:
                await self._one_by_one(taken, error)

    def _taken(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        n = 0
        while self._waiting and (
            not taken or n + self._waiting[0][0].n <= self._prediction.most_rows
        ):
            each = self._waiting.pop(0)
            if not each[1].done():  # else its client has lost patience
                taken.append(each)
                n += each[0].n
        return taken

    async def _one_by_one(self, taken: list[_Waiting], error: Exception) -> None:
        """The fault of one request is not that of the others."""
        for table, answer in taken:
            if len(taken) > 1:
                try:
                    does = functools.partial(self._model.predict, table)
                    _answer([(table, answer)], await self._prediction.of_batch(does))
                    continue
                except Exception as own:
                    error = own
            if not answer.done():
                answer.set_exception(error)


def _answer(taken: list[_Waiting], answers: list[Answer]) -> None:
    begin = 0
    for table, answer in taken:
        if not answer.done():
            answer.set_result(answers[begin : begin + table.n])
        begin += table.n
