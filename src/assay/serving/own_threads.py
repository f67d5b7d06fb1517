"""Own threads: what blocks is done beside the requests, within limits, and holds nothing up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from assay.serving.refusal import Refusal
from assay.serving.settings import Limits

_Said = TypeVar("_Said")


class OwnThreads:
    """A few threads for one kind of requests.

    Args:
        name: Of the threads.
        n: How many.
        limits: How many requests may wait, and how long.
    """

    def __init__(self, name: str, n: int, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(n, thread_name_prefix=name)
        self._n_waiting = 0

    async def do(self, does: Callable[[], _Said]) -> _Said:
        """Do something in one of them; it counts until it is done, whoever waits for it.

        Raises:
            Refusal: Too many wait, or it takes too long (503).
        """
        self._refuse_if_many()
        loop = asyncio.get_running_loop()
        self._n_waiting += 1
        begun = self._threads.submit(does)
        begun.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        async with self._patience():
            return await asyncio.wrap_future(begun)

    @asynccontextmanager
    async def counted(self) -> AsyncIterator[None]:
        """For a request that waits for what others do: it counts, and waits as long.

        Raises:
            Refusal: As `do`.
        """
        self._refuse_if_many()
        self._n_waiting += 1
        try:
            async with self._patience():
                yield
        finally:
            self._done()

    async def do_counted(self, does: Callable[[], _Said]) -> _Said:
        """As `do`, for requests that are counted already."""
        return await asyncio.wrap_future(self._threads.submit(does))

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Wait for what was begun; as long as it takes."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _refuse_if_many(self) -> None:
        if self._n_waiting >= self._limits.waiting:
            raise busy()

    @asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limits.request_s):
                yield
        except TimeoutError:
            raise too_long(self._limits.request_s) from None

    def _done(self) -> None:
        self._n_waiting -= 1


def busy() -> Refusal:
    """The answer where too many wait."""
    return Refusal(
        503, "Too many requests are waiting.", "ask again in a second", headers={"Retry-After": "1"}
    )


def too_long(seconds: float) -> Refusal:
    """The answer where it took too long."""
    return Refusal(
        503, f"The answer took longer than {seconds:g} s.", "send fewer rows at a time, or later",
        headers={"Retry-After": "1"},
    )  # fmt: skip
