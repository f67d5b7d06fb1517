"""The answer to 'where does the time go', on one screen, with the largest lever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SMALL_CALL_S = 30e-6
_WIDTH = 30


@dataclass(frozen=True)
class Operator:
    """An operator that takes much of a step's time.

    Attributes:
        name: As torch calls it.
        share: Of the time of all operators, without those that each one called.
        seconds: In a step.
        calls: In a step.
    """

    name: str
    share: float
    seconds: float
    calls: float


@dataclass(frozen=True)
class Breakdown:
    """Where the time of an optimizer step goes.

    Attributes:
        seconds: By region (data, transfer, forward, backward, optimizer, recording, other), of a
            step.
        steps: Over how many steps they were taken.
        operators: Those with the most time of their own, largest first; none where training ended
            before they were traced.
        peak_bytes: The most memory: of the card, or of this process.
        device: cpu, cuda or mps.
        trace: The Chrome trace; None where training ended before it.
    """

    seconds: Mapping[str, float]
    steps: int
    operators: tuple[Operator, ...]
    peak_bytes: int
    device: str
    trace: Path | None = None

    @property
    def step_s(self) -> float:
        """Seconds of a step."""
        return sum(self.seconds.values())

    @property
    def shares(self) -> dict[str, float]:
        """Share of each region in a step, largest first."""
        whole = self.step_s or 1.0
        ordered = sorted(self.seconds.items(), key=lambda each: each[1], reverse=True)
        return {name: seconds / whole for name, seconds in ordered}

    @property
    def lever(self) -> str:
        """The change that may save most, and how much at most."""
        shares = self.shares
        computing = sum(shares.get(name, 0.0) for name in ("forward", "backward"))
        rest = {name: share for name, share in shares.items() if name in _LEVERS}
        name = max(rest, key=lambda each: rest[each], default="")
        if name and (rest[name] > computing or rest[name] > 0.3):
            return (
                f"{_LEVERS[name].format(share=rest[name])} Without it a step would be "
                f"{1 / max(1 - rest[name], 0.01):.1f}x as fast."
            )
        return self._of_computing(computing)

    def _of_computing(self, share: float) -> str:
        told = f"{share:.0%} of a step is forward and backward"
        calls = sum(each.calls for each in self.operators)
        seconds = sum(each.seconds for each in self.operators)
        if calls and seconds / calls < _SMALL_CALL_S:
            return (
                f"{told}, in operators of {seconds / calls * 1e6:.0f} us on average: calling them "
                "costs more than computing. Raise training.batch_size."
            )
        if not self.operators:
            return f"{told}: precision, channels_last and threads on auto take what helps here."
        first = self.operators[0]
        return (
            f"{told}, most of it {first.name} ({first.share:.0%} of the operators' time): leave "
            "precision, channels_last and threads on auto, or make the model or its input smaller."
        )

    def __str__(self) -> str:
        lines = [f"A step takes {_time(self.step_s)} (mean of {self.steps})."]
        for name, share in self.shares.items():
            bar = "#" * round(share * _WIDTH)
            lines.append(f"  {name:<10} {share:>4.0%}  {_time(self.seconds[name]):>8}  {bar}")
        if self.operators:
            lines.append("Operators, by their own time:")
        lines += [
            f"  {each.share:>4.0%}  {_time(each.seconds):>8}  {each.calls:>5.0f} calls  "
            f"{each.name[:48]}"
            for each in self.operators
        ]
        where = "on the card" if self.device == "cuda" else "resident in this process"
        lines.append(f"Memory: at most {self.peak_bytes / 2**20:,.0f} MiB {where}.")
        if self.trace is not None:
            lines.append(f"Trace: {self.trace} (open in ui.perfetto.dev)")
        lines.append(self.lever)
        return "\n".join(lines)


_LEVERS = {
    "data": "{share:.0%} of a step is waiting for batches: keep the rows in memory, or raise "
    "training.loader_workers.",
    "transfer": "{share:.0%} of a step is copying batches to the device: keep the rows there, or "
    "hand over smaller types (uint8 images, float16).",
    "optimizer": "{share:.0%} of a step is the optimizer, which costs the same for any number of "
    "rows: raise training.batch_size or training.accumulate.",
    "recording": "{share:.0%} of a step is recording: raise training.log_every.",
    "other": "{share:.0%} of a step is outside of what the loop names: callbacks, metrics of "
    "training rows, checkpoints.",
}


def _time(seconds: float) -> str:
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.0f} us"
