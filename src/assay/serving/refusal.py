"""Refusals: what is answered where no prediction is, with every problem at once (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

MEDIA_TYPE = "application/problem+json"
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a row.

    Attributes:
        row: Its number, counted from 0; None where it is no row's.
        column: The column; None where it is no column's.
        what: What is wrong.
        mend: What to send instead.
        value: What was sent, shortened; None where nothing was.
        kind: The policy that it is against, for those who count; 'body' or 'model', which
            could not read or predict it, where it is none.
    """

    row: int | None
    column: str | None
    what: str
    mend: str
    value: str | None = None
    kind: str = "body"

    def as_dict(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "column": self.column,
            "what": self.what,
            "value": self.value,
            "mend": self.mend,
        }


class Refusal(Exception):  # noqa: N818 - an answer, no failure
    """A request that is not answered with predictions.

    Args:
        status: Of HTTP.
        what: What is wrong, a sentence.
        mend: What to do instead.
        problems: What is wrong with rows; those that are listed.
        n_problems: How many there are, those that are not listed too.
        headers: Of the answer.
        log: What the log is told, where `what` may quote from rows; `what` itself if None.
    """

    def __init__(
        self,
        status: int,
        what: str,
        mend: str,
        *,
        problems: Sequence[Problem] = (),
        n_problems: int | None = None,
        headers: Mapping[str, str] = {},
        log: str | None = None,
    ) -> None:
        super().__init__(what)
        self.status = status
        self.what = what
        self.mend = mend
        self.problems = problems
        self.n_problems = len(problems) if n_problems is None else n_problems
        self.headers = headers
        self.log = log if log is not None else what

    def body(self, request_id: str) -> bytes:
        """The document of the answer."""
        return orjson.dumps(
            {
                "type": "about:blank",
                "title": self.what,
                "status": self.status,
                "mend": self.mend,
                "request_id": request_id,
                "n_problems": self.n_problems,
                "problems": [each.as_dict() for each in self.problems],
            }
        )


def shown(value: Any) -> str:
    """A value as it was sent, short.

    >>> shown("a" * 100)
    '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'
    >>> shown(None)
    'null'
    """
    if isinstance(value, str):
        text = orjson.dumps(value[: 2 * _SHOWN_CHARACTERS]).decode()
    elif isinstance(value, bytes):
        text = f"{len(value):,} bytes"
    elif isinstance(value, dict | list):
        text = "an object" if isinstance(value, dict) else "an array"
    else:
        text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
