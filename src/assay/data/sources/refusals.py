"""Refusals that several forms share."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from assay.errors import DataError

UNREADABLE = (pa.ArrowException, OSError, ValueError, MemoryError)
"""What Arrow raises on a broken file; a UnicodeDecodeError is a ValueError."""


def reason_of(error: BaseException) -> str:
    """The first line of what a library says, without its full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(". ")[:300]


def unreadable(path: Path, form: str, error: BaseException) -> DataError:
    """A file that is not what its ending says."""
    return DataError(
        f"{path.name} is not a readable {form}: {reason_of(error)}.",
        where=str(path),
        mend="write the file again; it may have been cut short",
    )


def no_rows(name: str) -> DataError:
    """A table with nothing in it."""
    return DataError(f"{name} has no rows.", where=name, mend="give a source with rows")


def duplicates(names: list[str]) -> list[str]:
    """Names that stand more than once."""
    return sorted({name for name in names if names.count(name) > 1})


def duplicate_columns(names: list[str], where: str) -> DataError:
    """Columns that cannot be told apart."""
    several = ", ".join(repr(name) for name in names)
    return DataError(
        f"Two columns have the same name: {several}.",
        where=where,
        mend="give every column a name of its own",
    )


def other_columns(path: Path, names: list[str], first: Path, expected: list[str]) -> DataError:
    """A file of a folder whose columns are not those of the first."""
    missing, more = sorted(set(expected) - set(names)), sorted(set(names) - set(expected))
    said = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has {', '.join(more)}"] * bool(more)
    return DataError(
        f"{path.name} has other columns than {first.name}: it {' and '.join(said)}.",
        where=str(path),
        mend="one folder is one table: move files of another kind out of it",
    )


def several_types(name: str, column: str, error: BaseException) -> DataError:
    """A column whose values do not go together."""
    return DataError(
        f"{name} has a column whose values are of several types: {column}: {reason_of(error)}.",
        where=name,
        mend="give the column one type where the table is written",
    )


def no_package(form: str, extra: str, where: str) -> DataError:
    """A form that needs a package which is not installed."""
    return DataError(
        f"{form} cannot be read: a package is missing.",
        where=where,
        mend=f"pip install 'assay-ml[{extra}]'",
    )
