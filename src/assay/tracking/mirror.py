"""What a mirror is: a second place that is told what a run records, and is never read.

`tests/contracts/mirrors.py` holds every mirror to it. Weights & Biases and TensorBoard are mirrors;
others are named in `tracking.mirrors` by their import path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assay.tracking.recorder import Recorder


@dataclass(frozen=True)
class Opening:
    """What a mirror is told of a run before anything that it records.

    Attributes:
        run_id: The run's id in the store.
        name: Its name.
        experiment: The experiment it belongs to.
        tags: Short texts it was begun with.
        created: When it began, in milliseconds since 1970, UTC.
        folder: Where the mirror may keep files of this run; it is the run's and the mirror's own,
            private to the user, and may not be there yet.
    """

    run_id: str
    name: str
    experiment: str
    tags: Mapping[str, str]
    created: int
    folder: Path


class Mirror(Protocol):
    """Gives out recorders; what they raise is tried again later, and never stops a run."""

    @property
    def name(self) -> str:
        """What to call it, and the file that says how much it was told."""
        ...

    @property
    def resumes(self) -> bool:
        """Whether it takes up a run where a process that was killed has left it.

        If not, `open` begins the run anew in place of what is there, and all is told again.
        """
        ...

    def open(self, opening: Opening) -> Recorder:
        """The recorder of a run.

        It is used by one thread, which need not be the main one, and told the run's end last.
        """
        ...
