"""What can go wrong in a training: its codes, and the findings that tell of it.

The pages docs/checks/AS401.md and on say how each is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.findings import Finding, Severity

NAMES = {
    "AS401": "skipped-steps",
    "AS402": "rolled-back",
    "AS403": "loss-never-falls",
    "AS404": "constant-answer",
    "AS405": "exploding-gradient",
    "AS406": "constant-schedule",
    "AS407": "no-gradient",
    "AS408": "initial-loss",
    "AS409": "no-early-stopping",
    "AS410": "overfitting",
    "AS411": "cannot-overfit-one-batch",
    "AS412": "texts-cut",
}
CODES = tuple(NAMES)
_SHOWN = 5
_LITTLE_CUT = 0.05


def skipped(count: int, after: int, by: int) -> Finding:
    """AS401: steps that NaN or infinity made worthless, and that were not taken.

    Args:
        count: Steps skipped so far.
        after: The first of them came after this step ...
        by: ... and not later than this one.
    """
    many = "1 step was" if count == 1 else f"{count:,} steps were"
    return Finding(
        code="AS401",
        severity=Severity.WARN,
        title=f"{many} skipped: NaN or infinity in the loss or the gradient.",
        evidence={"skipped": count, "first after step": after, "first by step": by},
        mend="look for NaN, infinity and huge values among the training rows; if there are none, "
        "training: {precision: fp32}",
    )


def rolled_back(step: int, back_to: int, rate: float, times: int, cause: str) -> Finding:
    """AS402: training went back to a checkpoint, and on at a smaller rate.

    Args:
        step: Where it stood.
        back_to: The step of the checkpoint.
        rate: Peak rate from there on.
        times: How often this has happened by now.
        cause: What the diagnosis says; empty if none was made.
    """
    return Finding(
        code="AS402",
        severity=Severity.WARN,
        title=f"At step {step:,} training went back to step {back_to:,} and on at a lower rate.",
        evidence={"step": step, "back to": back_to, "rate": rate, "times": times}
        | ({"cause": cause} if cause else {}),
        mend=f"training: {{learning_rate: {rate:g}}}",
    )


def never_falls(
    step: int, initial: float, mean: float, error: float, rate: float, constant: float | None
) -> Finding:
    """AS403: the training loss is not below where it began.

    Args:
        step: The latest step.
        initial: Loss before the first step, or at the first reading.
        mean: Latest level of the loss.
        error: Its standard error.
        rate: Peak learning rate.
        constant: Loss of the constant answer; without it, a good start cannot be told from none.
    """
    evidence: dict[str, Any] = {
        "step": step,
        "loss at first": initial,
        "loss": mean,
        "error": error,
    }
    if constant is not None:
        evidence["loss of the constant answer"] = constant
    return Finding(
        code="AS403",
        severity=Severity.ASK if constant is None else Severity.WARN,
        title=f"After {step:,} steps the training loss has not fallen: {initial:.4g} at first, "
        f"{mean:.4g} now.",
        evidence=evidence,
        mend=f"training: {{learning_rate: {rate / 10:g}}}, or ten times as much where the loss "
        "does not move at all",
    )


def constant_answer(
    step: int, mean: float, error: float, constant: float, fell_back: bool
) -> Finding:
    """AS404: the training loss is that of an answer which is the same for every row.

    Args:
        step: The latest step.
        mean: Level of the loss.
        error: Its standard error.
        constant: Loss of the constant answer.
        fell_back: Whether it had been lower before.
    """
    again = " again" if fell_back else ""
    return Finding(
        code="AS404",
        severity=Severity.WARN if fell_back else Severity.ASK,
        title=f"After {step:,} steps the training loss is{again} {mean:.4g}; the same answer for "
        f"every row has {constant:.4g}.",
        evidence={
            "step": step,
            "loss": mean,
            "error": error,
            "loss of the constant answer": constant,
            "had been lower": fell_back,
        },
        mend="ask whether the features say anything of the target: assay.training.overfitting."
        "overfit_one_batch(model, batch, loss) tells a broken network from rows without a signal; "
        "then standardise the inputs and try ten times the learning rate, or a tenth",
    )


def clipped(step: int, norm: float, clip: float, share: float, rate: float) -> Finding:
    """AS405, the mild kind: nearly every step is cut down, and by far."""
    return Finding(
        code="AS405",
        severity=Severity.NOTE,
        title=f"The norm of the gradient is {norm:.3g}, {norm / clip:.0f} times the clip.",
        evidence={
            "step": step,
            "norm": norm,
            "clip": clip,
            "share of readings": share,
            "rate": rate,
        },
        mend=f"standardise the inputs and the target, or training: {{clip: {norm:.1g}}} if that is "
        "the size of an honest gradient here",
    )


def exploding(step: int, before: float, norm: float, rate: float) -> Finding:
    """AS405, the grave kind: the norm has risen by orders of magnitude."""
    return Finding(
        code="AS405",
        severity=Severity.WARN,
        title=f"The norm of the gradient has risen from {before:.3g} to {norm:.3g}.",
        evidence={"step": step, "norm at first": before, "norm": norm, "rate": rate},
        mend=f"training: {{learning_rate: {rate / 10:g}, clip: 1.0}}",
    )


def constant_schedule(epochs: int, rate: float) -> Finding:
    """AS406: the rate never goes down, so that late steps are as coarse as early ones."""
    return Finding(
        code="AS406",
        severity=Severity.NOTE,
        title="The learning rate is constant: late steps are as coarse as early ones.",
        evidence={"schedule": "constant", "epochs": epochs, "learning_rate": rate},
        mend="training: {schedule: cosine}",
    )


def no_gradient(absent: Sequence[str], zero: Sequence[str], of: int) -> Finding:
    """AS407, before the first step: parameters that the loss does not move.

    Args:
        absent: Names of parameters that the loss does not depend on.
        zero: Names of those whose gradient is zero in every place.
        of: Parameters that may move.
    """
    names = [*absent, *zero]
    listed = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return Finding(
        code="AS407",
        severity=Severity.WARN,
        title=f"{len(names)} of {of} parameters get no gradient: {listed}.",
        evidence={"no part in the loss": list(absent), "zero everywhere": list(zero), "of": of},
        mend="use them in forward, or freeze them: parameter.requires_grad_(False); look for "
        "detach(), .data, torch.no_grad(), argmax, and activations that are dead",
    )


def vanished(step: int, before: float, norm: float, loss: float, rate: float) -> Finding:
    """AS407, later: the gradient has gone while the loss has not."""
    return Finding(
        code="AS407",
        severity=Severity.WARN,
        title=f"The gradient has vanished: its norm was {before:.3g} and is {norm:.3g}, while the "
        f"loss is still {loss:.4g}.",
        evidence={"step": step, "norm at first": before, "norm": norm, "loss": loss},
        mend=f"training: {{learning_rate: {rate / 10:g}}}; or a norm before each activation",
    )


def initial_loss(loss: float, expected: float) -> Finding:
    """AS408: an untrained network is much worse than the constant answer."""
    ratio = loss / expected
    return Finding(
        code="AS408",
        severity=Severity.WARN if ratio >= 10 else Severity.NOTE,
        title=f"Before the first step the loss is {loss:.4g}, {ratio:.3g} times the {expected:.4g} "
        "of the constant answer.",
        evidence={"loss": loss, "expected": expected, "ratio": ratio},
        mend="standardise the inputs (mean 0, deviation 1), and the target of a regression; or "
        "start the last layer small",
    )


def broken_start(text: str, rows: Sequence[int]) -> Finding:
    """AS401, before the first step: the very first loss is NaN or infinite."""
    return Finding(
        code="AS401",
        severity=Severity.WARN,
        title="The loss is NaN or infinite before the first step.",
        evidence={"diagnosis": text, "rows of the batch": list(rows)},
        mend="drop or fill what is NaN or infinite in these rows; scale what is huge",
    )


def no_early_stopping(epochs: int) -> Finding:
    """AS409: validation rows are there, and nothing is stopped by them."""
    return Finding(
        code="AS409",
        severity=Severity.NOTE,
        title=f"All {epochs} epochs will be trained, whatever the validation rows say.",
        evidence={"epochs": epochs, "patience": None},
        mend="training: {patience: 5}",
    )


def overfitting(
    best: int, step: int, at_best: tuple[float, float], now: tuple[float, float]
) -> Finding:
    """AS410: the validation loss rises while the training loss falls.

    Args:
        best: Step of the lowest validation loss.
        step: The latest step.
        at_best: Validation and training loss there.
        now: Both, as medians of the latest evaluations.
    """
    return Finding(
        code="AS410",
        severity=Severity.NOTE,
        title=f"Since step {best:,} the validation loss has risen from {at_best[0]:.4g} to "
        f"{now[0]:.4g}, while the training loss fell from {at_best[1]:.4g} to {now[1]:.4g}.",
        evidence={
            "best step": best,
            "step": step,
            "validation loss": {"best": at_best[0], "now": now[0]},
            "training loss": {"then": at_best[1], "now": now[1]},
        },
        mend="the weights of the best step are kept; for better ones more rows or augmentation, "
        "a smaller network, more dropout, or training: {weight_decay: 0.1}",
    )


def cannot_overfit(rows: int, steps: int, start: float, lowest: float, floor: float) -> Finding:
    """AS411: even a few rows cannot be learnt by heart."""
    return Finding(
        code="AS411",
        severity=Severity.ASK,
        title=f"{rows} rows cannot be learnt by heart: after {steps} steps on nothing else the "
        f"loss went from {start:.4g} to {lowest:.4g}.",
        evidence={
            "rows": rows,
            "steps": steps,
            "loss at first": start,
            "lowest loss": lowest,
            "lowest possible": floor,
        },
        mend="ask whether targets and inputs belong together, whether equal rows have different "
        "targets, and whether the loss fits the last layer (logits, not probabilities)",
    )


def texts_cut(
    rows: tuple[int, int], tokens: tuple[int, int], max_length: int, long: str, *, pairs: bool
) -> Finding:
    """AS412: a part of long texts is not read.

    Args:
        rows: Training rows with such a text, and all of them.
        tokens: Tokens that are not read, and all of them.
        max_length: Tokens that are read at a time.
        long: What is read of a longer text.
        pairs: Whether two texts are read together, for which there are no windows.
    """
    share = tokens[0] / tokens[1]
    return Finding(
        code="AS412",
        severity=Severity.NOTE if share < _LITTLE_CUT else Severity.WARN,
        title=f"{share:.1%} of what the texts hold is not read: {rows[0]:,} of {rows[1]:,} rows "
        f"are longer than {max_length} tokens.",
        evidence={
            "rows cut": rows[0],
            "rows": rows[1],
            "tokens not read": tokens[0],
            "tokens": tokens[1],
            "read of them": long,
        },
        mend="a larger max_length"
        if pairs
        else "model: {options: {long: windows}}, or a larger max_length",
    )
