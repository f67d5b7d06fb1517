"""Guards: they watch the numbers of a training, and say once what is going wrong.

They are fed plain numbers that the loop reads anyway, every so many steps, and cost microseconds.
What is measured for each code, and on what it is silent, is told in docs/checks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, astuple, replace
from statistics import median
from typing import Any, NamedTuple

from assay.findings import Finding, Severity
from assay.training import faults
from assay.training.readings import Plan, Reading, fall, level, spread

FEWEST = 10
"""Readings after the warm-up before a loss or a gradient is judged."""
FEWEST_AT_END = 5
LONGEST_SHARE = 1000
"""Optimizer steps after which a loss is judged, however long the epoch."""
CLEAR = 2.0
"""Standard errors that are more than noise."""
NEAR = 1.1
"""Up to this many times the constant answer's loss, the answer is still constant."""
LEARNT = 0.9
"""Below this share of the constant answer's loss, something has been learnt."""
FAR_CLIPPED = 10.0
RISEN = 100.0
VANISHED = 1e-5
WORSE = 1.05
"""Validation loss over its best that is more than wavering."""
LUCK = 4.0
"""Deviations of its noise that the best validation loss may owe to luck."""
_RECENT = 5


class Evaluated(NamedTuple):
    """Losses at an evaluation."""

    step: int
    validation: float
    training: float


class Guards:
    """The guards of one training. Every code is reported once.

    It comes again where it has got worse: AS401 at the end with its final count, AS402 with each
    return, and what was a note as a warning. Record findings under their code as key, so that the
    latest one stands.

    Args:
        plan: What was planned.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._early: list[Reading] = []
        """The first ones of all."""
        self._ready: list[Reading] = []
        """Those after the warm-up; once the loss has been judged, the latest of them."""
        self._evaluations: list[Evaluated] = []
        self._said: dict[str, int] = {}
        """Codes, and how severe they were."""
        self._is_judged = False
        self._skipped = (0, 0, 0)
        """Steps skipped, and between which steps the first was."""
        self._step = 0
        """Of the latest reading."""
        self._rollbacks = 0
        self._lowest = math.inf
        """Lowest level that the loss has been on."""

    def begun(self) -> list[Finding]:
        """What the plan itself shows: AS406, AS409."""
        plan = self.plan
        found = []
        if plan.schedule == "constant" and plan.steps > 1:
            found.append(faults.constant_schedule(plan.epochs, plan.learning_rate))
        if plan.validates and plan.patience is None and plan.epochs > 1:
            found.append(faults.no_early_stopping(plan.epochs))
        return self._new(found)

    def read(self, reading: Reading) -> list[Finding]:
        """What a reading shows: AS401, AS403, AS404, AS405, AS407."""
        found = self._of_skipped(reading)
        self._step = reading.step
        if not reading.is_finite:
            return self._new(found)
        if len(self._early) < _RECENT:
            self._early.append(reading)
        if reading.step > self.plan.warmup_steps:
            self._ready.append(reading)
        if len(self._ready) >= FEWEST:
            found += self._of_gradient()
            found += self._of_loss()
        if self._is_judged:
            del self._ready[:-FEWEST]
        return self._new(found)

    def evaluated(self, step: int, validation: float, training: float) -> list[Finding]:
        """What an evaluation shows: AS410.

        Args:
            step: Optimizer steps so far.
            validation: Loss on validation rows.
            training: Mean training loss since the evaluation before.
        """
        if not (math.isfinite(validation) and math.isfinite(training)):
            return []
        seen = self._evaluations
        seen.append(Evaluated(step, validation, training))
        best = min(seen, key=lambda each: each.validation)
        later = seen[seen.index(best) + 1 :][-3:]
        if len(later) < 3:
            return []
        noise = spread([each.validation for each in seen[-FEWEST:]])
        margin = max((WORSE - 1) * abs(best.validation), LUCK * noise)
        if not all(each.validation > best.validation + margin for each in later):
            return []
        now = median(each.validation for each in later), median(each.training for each in later)
        if now[1] >= best.training:
            return []
        at_best = best.validation, best.training
        return self._new([faults.overfitting(best.step, step, at_best, now)])

    def rolled_back(self, step: int, back_to: int, rate: float, cause: str = "") -> list[Finding]:
        """Training goes back to a checkpoint: AS402. What was read since then is forgotten.

        Args:
            step: Where it stood.
            back_to: The checkpoint's step.
            rate: Peak rate from there on.
            cause: What the diagnosis says.
        """
        self._early = [each for each in self._early if each.step <= back_to]
        self._ready = [each for each in self._ready if each.step <= back_to]
        self._evaluations = [each for each in self._evaluations if each.step <= back_to]
        self._rollbacks += 1
        self._said["AS402"] = Severity.WARN.rank
        self.plan = replace(self.plan, learning_rate=rate)
        return [faults.rolled_back(step, back_to, rate, self._rollbacks, cause)]

    def ended(self) -> list[Finding]:
        """What can be said when it is over: the loss of a short training, the count of AS401."""
        found = []
        if len(self._ready) >= FEWEST_AT_END and not self._is_judged:
            found = self._new(self._judged())
        if self._skipped[0]:
            found.append(faults.skipped(*self._skipped))
        return found

    def state(self) -> dict[str, Any]:
        """All that has been seen and said, fit for JSON: a checkpoint keeps it."""
        return {
            "plan": asdict(self.plan),
            "early": [astuple(each) for each in self._early],
            "ready": [astuple(each) for each in self._ready],
            "evaluations": [list(each) for each in self._evaluations],
            "said": dict(self._said),
            "judged": self._is_judged,
            "skipped": list(self._skipped),
            "step": self._step,
            "rollbacks": self._rollbacks,
            "lowest": self._lowest if math.isfinite(self._lowest) else None,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Guards:
        """Guards that go on where others stood."""
        guards = cls(Plan(**state["plan"]))
        guards._early = [Reading(*each) for each in state["early"]]
        guards._ready = [Reading(*each) for each in state["ready"]]
        guards._evaluations = [Evaluated(*each) for each in state["evaluations"]]
        guards._said = dict(state["said"])
        guards._is_judged = state["judged"]
        count, after, by = state["skipped"]
        guards._skipped = count, after, by
        guards._step = state["step"]
        guards._rollbacks = state["rollbacks"]
        guards._lowest = math.inf if state["lowest"] is None else state["lowest"]
        return guards

    def _new(self, found: list[Finding]) -> list[Finding]:
        """Those that have not been said, or not as gravely; saying them."""
        new = []
        for each in found:
            if each.severity.rank > self._said.get(each.code, -1):
                self._said[each.code] = each.severity.rank
                new.append(each)
        return new

    def _of_skipped(self, reading: Reading) -> list[Finding]:
        count, after, by = self._skipped
        if reading.skipped == count:
            return []
        if not count:
            after, by = self._step, reading.step
        self._skipped = reading.skipped, after, by
        return [faults.skipped(*self._skipped)]

    def _of_loss(self) -> list[Finding]:
        plan, ready = self.plan, self._ready
        if not self._is_judged:
            taken = ready[-1].step - plan.warmup_steps
            if taken < min(plan.steps_per_epoch, LONGEST_SHARE):
                return []
            return self._judged()
        losses = [each.loss for each in ready[-FEWEST:]]
        mean, error = level(losses)
        self._lowest = min(self._lowest, mean)
        constant = plan.constant_loss
        if constant is None or self._lowest > LEARNT * constant:
            return []
        is_back = mean - CLEAR * error > (1 + LEARNT) / 2 * constant and fall(losses) < CLEAR
        return [faults.constant_answer(ready[-1].step, mean, error, constant, True)] * is_back

    def _judged(self) -> list[Finding]:
        """Whether the loss has moved at all: AS404 where it sits at the constant answer's."""
        plan, step = self.plan, self._ready[-1].step
        losses = [each.loss for each in self._ready]
        mean, error = level(losses[-max(len(losses) // 2, _RECENT) :])
        self._lowest = mean
        constant = plan.constant_loss
        is_falling = fall(losses) > CLEAR
        if is_falling and constant is not None and mean > constant - CLEAR * error:
            self._ready.clear()  # it may stop there: that is told from the next ones
            return []
        self._is_judged = True
        if is_falling or (constant is not None and mean < constant - CLEAR * error):
            return []
        if constant is not None and mean < NEAR * constant:
            return [faults.constant_answer(step, mean, error, constant, False)]
        first = self._early[0] if self._early else self._ready[0]
        initial, doubt = plan.initial_loss, spread(losses)
        if initial is not None:  # of one batch: as much noisier as a reading has batches
            doubt *= math.sqrt(max(first.step, 1))
        elif constant is not None:
            initial = first.loss
        else:
            return []
        if initial - mean > max(CLEAR * doubt, 1e-3 * abs(initial)):
            return []
        return [faults.never_falls(step, initial, mean, error, plan.learning_rate, constant)]

    def _of_gradient(self) -> list[Finding]:
        plan, ready = self.plan, self._ready
        before = median(each.gradient_norm for each in self._early or ready)
        recent = ready[-_RECENT:]
        norm = median(each.gradient_norm for each in recent)
        loss = median(each.loss for each in recent)
        step, rate = ready[-1].step, plan.learning_rate
        usual = plan.clip or 1.0
        if norm > RISEN * before and norm > FAR_CLIPPED * usual:
            return [faults.exploding(step, before, norm, rate)]
        worth = plan.constant_loss if plan.constant_loss is not None else plan.initial_loss
        if norm < VANISHED * before and worth is not None and loss > worth / 2:
            return [faults.vanished(step, before, norm, loss, rate)]
        if plan.clip is None:
            return []
        window = ready[-FEWEST:]
        far = [each for each in window if each.gradient_norm > FAR_CLIPPED * plan.clip]
        share = len(far) / len(window)
        if share < 0.8 or fall([each.gradient_norm for each in window]) > CLEAR:
            return []
        return [faults.clipped(step, norm, plan.clip, share, rate)]
