"""What a check has to say: a finding with its evidence, or why the check does not apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How firm and how grave a finding is, mildest first."""

    NOTE = "note"
    """Worth knowing; no alarm."""
    ASK = "ask"
    """The data alone cannot decide: evidence and a question."""
    WARN = "warn"
    """Firm: this is a mistake."""
    BLOCK = "block"
    """Firm and ruinous: nothing will be registered."""

    @property
    def rank(self) -> int:
        """0 for a note, 3 for a block: findings sort by it, worst first."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Picture:
    """Numbers that show a finding at a glance; the report draws them as lines.

    Attributes:
        title: What it is, in a few words.
        reading: One sentence on what can be seen.
        x_label: What lies across.
        y_label: What lies upwards.
        x: Positions across, rising.
        lines: Heights at these positions, by what each line is of.
    """

    title: str
    reading: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    lines: Mapping[str, tuple[float, ...]]

    def as_dict(self) -> dict[str, Any]:
        lines = {name: list(values) for name, values in self.lines.items()}
        return {**vars(self), "x": list(self.x), "lines": lines}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Picture:
        """Read back what `as_dict` wrote."""
        lines = {name: tuple(values) for name, values in record["lines"].items()}
        return cls(**{**record, "x": tuple(record["x"]), "lines": lines})


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        code: The check's stable code, for example 'AS101'.
        severity: How firm and how grave.
        title: The finding in one short sentence.
        evidence: Numbers that show it, by name; values fit for JSON.
        mend: What to do, ready to paste where that is possible.
        columns: The columns at fault.
        rows: Row numbers at fault in the source, by part ('train', 'test').
        places: Where in source code, each as 'path:line:column'; lines and columns from 1.
        effect: What it does to the score, in words and numbers, where it was measured.
        inflation: By how much it lifts the score, in units of the score that `effect` names; None
            where it was not measured. Findings of the same severity rank by it.
        picture: The evidence drawn, where that helps; None where it does not.
        accepted: The reason given in the experiment file for living with it; None if not accepted.
    """

    code: str
    severity: Severity
    title: str
    evidence: Mapping[str, Any]
    mend: str
    columns: tuple[str, ...] = ()
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    effect: str | None = None
    inflation: float | None = None
    picture: Picture | None = None
    accepted: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether this finding forbids registration."""
        return self.severity is Severity.BLOCK and self.accepted is None

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity.value,
            "title": self.title,
            "columns": list(self.columns),
            "rows": {part: list(self.rows.get(part, ())) for part in ("train", "test")},
            "places": list(self.places),
            "evidence": dict(self.evidence),
            "effect": self.effect,
            "inflation": self.inflation,
            "mend": self.mend,
            "picture": self.picture.as_dict() if self.picture is not None else None,
            "accepted": self.accepted,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Finding:
        """Read back what `as_dict` wrote."""
        picture = record.get("picture")
        return cls(
            code=record["code"],
            severity=Severity(record["severity"]),
            title=record["title"],
            evidence=record["evidence"],
            mend=record["mend"],
            columns=tuple(record["columns"]),
            rows={part: tuple(rows) for part, rows in record["rows"].items() if rows},
            places=tuple(record.get("places", ())),
            effect=record["effect"],
            inflation=record.get("inflation"),
            picture=Picture.from_dict(picture) if picture is not None else None,
            accepted=record["accepted"],
        )


@dataclass(frozen=True)
class NotApplicable:
    """A check that has nothing to look at here, with the reason."""

    reason: str
