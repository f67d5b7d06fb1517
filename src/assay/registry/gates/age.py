"""Age: the data that the model learnt from is not too old."""

from __future__ import annotations

from assay.registry.gates.base import Evidence, Verdict

_DAY_S = 86_400


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
        return Verdict(self.name, days <= asked, words, (said,), {"days": days})
