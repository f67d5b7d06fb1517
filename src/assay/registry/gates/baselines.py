"""Beside the baselines: what can be had without the model, on the rows it was judged by."""

from __future__ import annotations

from assay.registry.gates.base import Evidence, Verdict, all_of

_ASKED = {
    "all": "better than every baseline",
    "simplest": "better than a constant, worse than none",
}


class BeatsBaselines:
    """The model is better than a constant by more than noise, or than every baseline."""

    name = "baselines"

    def __call__(self, evidence: Evidence, asked: str | None) -> Verdict | None:
        if asked in (None, "none"):
            return None
        if not evidence.baselines:
            reason = "no baseline was recorded with the run"
            return Verdict(self.name, None, _ASKED[asked], (reason,))
        parts: list[bool | None] = []
        reasons = []
        for position, (name, gain) in enumerate(evidence.baselines.items()):
            must_beat = asked == "all" or position == 0
            held: bool | None = gain.better == "second" if must_beat else gain.better != "first"
            if must_beat and gain.better is None and not gain.estimate.has_interval:
                held = None
            parts.append(held)
            said = f"{gain.metric}, beside {name}: {gain.verdict.rstrip('.')}"
            reasons.append(f"{said}, on {gain.estimate.n:,} rows of training")
        return Verdict(
            self.name,
            all_of(parts),
            _ASKED[asked],
            tuple(reasons),
            {name: gain.as_dict() for name, gain in evidence.baselines.items()},
        )
