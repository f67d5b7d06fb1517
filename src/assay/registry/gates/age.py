"""Age: the data that the model learnt from is not too old."""

from __future__ import annotations

from assay.registry.gates.base import Evidence, Verdict

_DAY_S = 86_400
_SKEW_DAYS = 1.0
"""How far the clock that dated the data may be ahead of this one, time zones included."""


class DataAge:
    """The newest of the data is not older than so many days."""

    name = "data_days"

    def __call__(self, evidence: Evidence, asked: float | None) -> Verdict | None:
        if asked is None:
            return None
        words, age = f"data at most {asked:g} days old", evidence.age
        if age is None:
            reason = "nothing tells how old the data is: declare data.roles.time and train again"
            return Verdict(self.name, None, words, (reason,))
        days = (evidence.now - age.newest).total_seconds() / _DAY_S
        said = f"{days:,.1f} days: {age.told_by}, {age.newest.date().isoformat()}"
        if days < -_SKEW_DAYS:
            said = f"{age.told_by} on {age.newest.date().isoformat()}, which is in the future"
            reason = f"{said}: nobody can tell how old the data is; mend that time and train again"
            return Verdict(self.name, None, words, (reason,), {"days": days})
        return Verdict(self.name, days <= asked, words, (said,), {"days": days})
