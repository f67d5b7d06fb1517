"""Notes: why a run was made, what came of it, and what people wrote down in between.

Everything is kept in tags of the run, each note in one of its own, so that nobody who writes at the
same time takes another's place. A tag of a user is `WORD: true`, as MLflow's page filters by.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from assay.errors import InputError
from assay.provenance import masked
from assay.tracking.store import Store

OFFERED = ("baseline", "ablation", "final", "debugging")
"""Tags that are proposed; any other word will do as well."""

DESCRIPTION = "mlflow.note.content"
"""The tag that MLflow's page of a run shows as its description, in Markdown."""

_WHY = "assay.why"
_NOTE = "assay.note."
_CONCLUSION = "assay.conclusion."
_ON, _OFF = "true", "false"
_WORD = re.compile(r"(?!assay\.|mlflow\.)[^\W_][\w.:+-]{0,59}")
_LONGEST = 5000
_LONGEST_DESCRIPTION = 8000


@dataclass(frozen=True)
class Note:
    """Something that somebody wrote about a run.

    Attributes:
        at: When, ISO 8601, UTC.
        text: What.
        concludes: Whether it says what came of the run.
    """

    at: str
    text: str
    concludes: bool = False


@dataclass(frozen=True)
class Notes:
    """All that was written about a run.

    Attributes:
        why: What it was made for; empty if nobody said.
        notes: What was written down since, oldest first.
        tags: The words it was tagged with.
    """

    why: str
    notes: tuple[Note, ...]
    tags: tuple[str, ...]

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Notes:
        """Those among the tags of a run."""
        notes = [
            Note(_moment(key.removeprefix(prefix)), text, concludes=prefix == _CONCLUSION)
            for key, text in tags.items()
            for prefix in (_NOTE, _CONCLUSION)
            if key.startswith(prefix)
        ]
        words = [key for key, value in tags.items() if value == _ON and not problem_of_tag(key)]
        in_order = sorted(notes, key=lambda each: each.at)
        return cls(tags.get(_WHY, ""), tuple(in_order), tuple(sorted(words)))

    @property
    def conclusion(self) -> str:
        """The last one; empty if none was drawn."""
        return next((each.text for each in reversed(self.notes) if each.concludes), "")

    def as_dict(self) -> dict[str, Any]:
        return {
            "why": self.why,
            "conclusion": self.conclusion,
            "notes": [vars(each) for each in self.notes],
            "tags": list(self.tags),
        }

    def markdown(self) -> str:
        """The same as MLflow's page shows it."""
        parts = [f"**Why**: {_plain(self.why)}"] if self.why else []
        if self.conclusion:
            parts.append(f"**Conclusion**: {_plain(self.conclusion)}")
        kept = [each for each in self.notes if not each.concludes or each.text != self.conclusion]
        parts += [f"{each.at[:16].replace('T', ' ')} UTC: {_plain(each.text)}" for each in kept]
        return "\n\n".join(parts)[:_LONGEST_DESCRIPTION]


def opening(why: str, tags: Sequence[str]) -> dict[str, str]:
    """The tags of a run that begins: its hypothesis and its words.

    Raises:
        InputError: A word cannot be a tag, or the text is too long.
    """
    opened = {} if not why.strip() else {_WHY: _text(why)}
    if opened:
        opened[DESCRIPTION] = Notes.of(opened).markdown()
    return opened | {_word(tag): _ON for tag in tags}


def annotate(
    store: Store,
    run_id: str,
    *,
    text: str = "",
    conclusion: str = "",
    tags: Sequence[str] = (),
    untag: Sequence[str] = (),
) -> Notes:
    """Add to what is written about a run, and give back all of it.

    Raises:
        InputError: A word cannot be a tag, or a text is too long.
    """
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    added = {_word(tag): _ON for tag in tags} | {_word(tag): _OFF for tag in untag}
    for prefix, written in ((_NOTE, text), (_CONCLUSION, conclusion)):
        if written.strip():
            added[f"{prefix}{moment}-{token_hex(3)}"] = _text(written)
    if not added:
        return Notes.of(store.get(run_id).tags)
    recorder = store.attach(run_id)
    recorder.tags(added)
    while True:  # who writes at the same time tells of our note too, or we of theirs
        notes = Notes.of(store.get(run_id).tags)
        recorder.tags({DESCRIPTION: notes.markdown()})
        if Notes.of(store.get(run_id).tags) == notes:
            return notes


def problem_of_tag(word: str) -> str:
    """Why a word cannot be a tag; empty if it can.

    >>> problem_of_tag("final"), problem_of_tag("two words")
    ('', 'a tag is one word of at most 60 letters, digits and - _ . : +')
    """
    if _WORD.fullmatch(word):
        return ""
    if word.startswith(("assay.", "mlflow.")):
        return "tags that begin with assay. or mlflow. are taken"
    return "a tag is one word of at most 60 letters, digits and - _ . : +"


def _word(tag: str) -> str:
    problem = problem_of_tag(tag)
    if problem:
        close = re.sub(r"[^\w.:+-]+", "-", tag).strip("-_")[:60]
        mend = OFFERED[0] if problem_of_tag(close) else close
        raise InputError(f"{tag!r} cannot be a tag: {problem}.", mend=mend)
    return tag


def _text(text: str) -> str:
    if len(text) > _LONGEST:
        raise InputError(
            f"A note has at most {_LONGEST:,} characters, and this one has {len(text):,}.",
            mend="write several notes",
        )
    return masked(text.strip())


def _plain(text: str) -> str:
    r"""The text as Markdown that looks like it.

    >>> print(_plain("token=***"))
    token=\*\*\*
    """
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", text)


def _moment(stamp: str) -> str:
    """When it was, of the end of a tag's name."""
    try:
        when = datetime.strptime(stamp.partition("-")[0], "%Y%m%dT%H%M%S.%f")
    except ValueError:
        return stamp
    return when.replace(tzinfo=UTC).isoformat(timespec="milliseconds")
