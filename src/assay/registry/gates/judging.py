"""Judging: every gate is asked what each of the askers wants; all must pass, so the strictest wins.

A gate that breaks passes nothing: what nobody can tell counts as refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from assay.errors import InputError
from assay.registry.gates.base import Evidence, Gate, Verdict
from assay.registry.gates.builtin import NAMES
from assay.registry.settings import StageGates


@dataclass(frozen=True)
class Asker:
    """Somebody who asks something of a version that is to be promoted.

    Attributes:
        by: Who: 'experiment', or the name of a policy file.
        gates: What is asked for.
        speaks_for_defaults: Whether it also asks for what it leaves at its default: the experiment
            does, a policy asks for what it says.
        where: Where that is written, for errors.
    """

    by: str
    gates: StageGates
    speaks_for_defaults: bool
    where: str = ""

    def asked_of(self, gate: str) -> Any:
        """What is asked of a gate; None for nothing."""
        if gate not in NAMES:
            return self.gates.others.get(gate)
        if self.is_said(gate) or self.speaks_for_defaults:
            return getattr(self.gates, gate)
        return None

    def is_said(self, gate: str) -> bool:
        """Whether it is written down, other than as it would be by default."""
        if gate not in NAMES:
            return gate in self.gates.others
        given = getattr(self.gates, gate)
        if not self.speaks_for_defaults:
            return gate in self.gates.model_fields_set
        return bool(given != StageGates.model_fields[gate].default)


def refuse_unknown(gates: Sequence[Gate], askers: Sequence[Asker]) -> None:
    """Refuse to go on where somebody asks for a gate that is not installed.

    Raises:
        InputError: There is no such gate.
    """
    offered = [each.name for each in gates if each.name not in NAMES]
    for asker in askers:
        for name in asker.gates.others:
            if name in offered:
                continue
            close = get_close_matches(name, offered, n=1)
            raise InputError(
                f"No installed package offers a gate {name!r}, which {asker.by} asks for.",
                where=f"{asker.where or asker.by}: others.{name} "
                f"(offered: {', '.join(offered) or 'none'})",
                mend=f"others: {{{close[0]}: ...}}" if close else "install the package of the gate",
            )


def reads_costs(gates: Sequence[Gate], askers: Sequence[Asker]) -> bool:
    """Whether latency, memory or size will be asked for."""
    return any(
        getattr(gate, "reads_costs", False)
        and (gate.name not in NAMES or asker.asked_of(gate.name) is not None)
        for gate in gates
        for asker in askers
    )


def judge(
    evidence: Evidence, gates: Sequence[Gate], askers: Sequence[Asker]
) -> tuple[Verdict, ...]:
    """The verdicts of all gates of which something is asked, in the order of the gates."""
    return tuple(verdict for gate in gates for verdict in _of_gate(gate, evidence, askers))


def _of_gate(gate: Gate, evidence: Evidence, askers: Sequence[Asker]) -> Iterator[Verdict]:
    """A verdict for each asker; those who ask for the same get one."""
    told: dict[Any, Verdict] = {}
    for asker in askers:
        asked = asker.asked_of(gate.name)
        verdict = _verdict(gate, evidence, asked)
        if verdict is None:
            continue
        by = asker.by if asker.is_said(gate.name) else "default"
        if gate.name not in NAMES and asked is None:
            by = "its package"
        before = told.get(repr(asked))
        names = [by] if before is None else [*before.by.split(" and "), by]
        told[repr(asked)] = replace(verdict, by=" and ".join(dict.fromkeys(names)))
    yield from told.values()


def _verdict(gate: Gate, evidence: Evidence, asked: Any) -> Verdict | None:
    if gate.name in NAMES:
        return gate(evidence, asked)
    try:
        verdict = gate(evidence, asked)
        if verdict is None:
            return None
        if not isinstance(verdict, Verdict):
            raise TypeError(f"it returned {type(verdict).__name__}, not a Verdict")
        told: Any = verdict.reasons
        told = (told,) if isinstance(told, str) else told
        return replace(
            verdict,
            gate=gate.name,
            passed=None if verdict.passed is None else bool(verdict.passed),
            asked=str(verdict.asked),
            reasons=tuple(map(str, told)),
        )
    except Exception as error:
        reason = f"it broke: {type(error).__name__}: {error}"
        return Verdict(gate.name, None, "a gate of a package", (reason,))
