"""Swapping: when the registry's stage moves, the new version is loaded, warmed and served.

Nothing waits for it: it is loaded in a thread, and takes its place between two requests. A version
that cannot be loaded, or not be noted where traffic is shared, leaves the old one where it is; the
log and /model say why, and it is tried again, ever more rarely.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from assay.serving.router import Slot
from assay.serving.served_model import ServedModel
from assay.serving.state import ServerState

_LONGEST_PAUSE = 12
"""In looks at the registry."""


class Swapper:
    """Watches the registry for a slot.

    Args:
        slot: Whose model is swapped.
        newest: Which version the registry names now; blocks.
        load: That version, ready to serve; blocks.
    """

    def __init__(
        self, slot: Slot, newest: Callable[[], str], load: Callable[[str], ServedModel]
    ) -> None:
        self._slot = slot
        self._newest = newest
        self._load = load
        self._n_failures = 0
        self._pause = 0

    async def watch(self, state: ServerState) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(state.settings.poll_s)
            if self._pause > 0:
                self._pause -= 1
                continue
            await self.look(state)

    async def look(self, state: ServerState) -> None:
        """Look once, and swap if another version is named."""
        version = ""
        try:
            version = await asyncio.to_thread(self._newest)
            if version == self._slot.model.version:
                self._slot.failure, self._n_failures = None, 0
                return
            model = await asyncio.to_thread(self._load, version)
            before = self._slot.model
            await asyncio.to_thread(state.router.swap, self._slot, model)
        except Exception as error:  # whatever it is, the old version goes on
            self._note_failure(state, version, error)
            return
        self._slot.failure, self._n_failures = None, 0
        state.prediction.forget(before)
        state.metrics.swaps.labels("done").inc()
        state.metrics.served(model.version, before=before.version)
        state.log.write("info", "model swapped", version=model.version, before=before.version)

    def _note_failure(self, state: ServerState, version: str, error: Exception) -> None:
        """Say it once for each version and reason, and look again later."""
        told = f"{version or 'the registry'}: {error}"
        if told != self._slot.failure:
            state.log.failure("model not swapped", error, version=version, stays=self._version)
        self._slot.failure = told
        self._n_failures += 1
        self._pause = min(2**self._n_failures - 1, _LONGEST_PAUSE)
        state.metrics.swaps.labels("failed").inc()

    @property
    def _version(self) -> str:
        return self._slot.model.version
