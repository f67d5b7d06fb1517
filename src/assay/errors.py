"""Every error a user can meet. Each says what happened, where, and how to mend it.

AssayError
├── InputError            what was asked for cannot be done: exit 2
│   ├── ExperimentError   the experiment file
│   ├── DataError         the table it names
│   ├── LearnerError      the learner it names, or what that learner did with the data
│   │   └── DivergedError NaN or infinity that a network's training does not get rid of
│   ├── NotFoundError     a run, a model or a file that is not there
│   └── ConflictError     somebody else was first
├── VaultError            the test rows stay sealed: exit 2
├── TrackingError         the store of runs cannot be used: exit 2
│   └── RefusedError      it will never take this, however often it is asked
└── UnsafeModelError      a model that must not be loaded: exit 2
"""

from __future__ import annotations


class AssayError(Exception):
    """An error in three parts, worded for the person who caused it.

    Args:
        what: What is wrong, naming the key, column or file in the user's own words.
        mend: What to type or change.
        where: The file and line, the table, or the run; empty if `what` already says it.
    """

    def __init__(self, what: str, *, mend: str, where: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild with keyword arguments, so that the error survives the way back from a worker."""
        return _rebuild, (type(self), self.what, self.mend, self.where)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(_indented("where:", self.where))
        lines.append(_indented("mend: ", self.mend))
        return "\n".join(lines)


class InputError(AssayError):
    """What the user asked for cannot be done as asked."""


class ExperimentError(InputError):
    """The experiment file is wrong, or an override of it."""


class DataError(InputError):
    """The table cannot be read, or does not fit what the experiment says of it."""


class LearnerError(InputError):
    """The learner cannot be built, or failed on this data."""


class DivergedError(LearnerError):
    """Training keeps running into NaN or infinity."""


class NotFoundError(InputError):
    """No such run, model, version or file."""


class ConflictError(InputError):
    """Somebody else changed it first: what was decided on no longer stands."""


class VaultError(AssayError):
    """The test rows stay sealed: the ledger cannot be written, or the seal does not match."""


class TrackingError(AssayError):
    """The store of runs cannot be read or written."""


class RefusedError(TrackingError):
    """The store of runs will never take this, however often it is asked."""


class UnsafeModelError(AssayError):
    """A model was changed after it was saved, or holds types that nobody vouched for."""


def _rebuild(cls: type[AssayError], what: str, mend: str, where: str) -> AssayError:
    return cls(what, mend=mend, where=where)


def _indented(label: str, text: str) -> str:
    first, *rest = text.splitlines() or [""]
    return "\n".join([f"  {label} {first}", *(f"         {line}" for line in rest)])
