"""AS611 unwatched-training: what the settings of gradient training do not mention.

A record that is silent about a schedule, early stopping, gradient norms or checkpoints proves
nothing: they may be in the code. So it is a note, and only where the settings show gradient
training at all. That a larger batch was tried at the same rate is seen in the settings. Of networks
that Assay trains its guards watch the numbers themselves (AS401 to AS410).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.checks.base import View
from assay.checks.history import History, history_of
from assay.checks.logged import LoggedRun, is_number
from assay.findings import Finding, NotApplicable, Severity

_RATE = ("lr", "learning_rate", "base_lr", "max_lr")
_EPOCHS = ("epochs", "max_epochs", "num_train_epochs", "n_epochs", "max_steps", "num_epochs")
_BATCH = ("batch_size", "batch", "per_device_train_batch_size", "train_batch_size")
_WATCHED = {
    "a schedule of the rate": ("sched", "warmup", "decay", "cosine", "anneal", "onecycle"),
    "early stopping": ("early", "patience", "stop", "load_best_model"),
    "gradient norms or their clipping": ("clip", "grad_norm", "gradient_norm", "max_norm"),
    "checkpoints": ("checkpoint", "ckpt", "save_steps", "save_strategy", "save_top_k"),
    "how often is logged": ("log_every", "logging_steps", "log_interval", "log_freq"),
}
_TIMES = 2.0
_ALIKE = 1.01


class UnwatchedTraining:
    """Reads the settings of runs that train by gradients."""

    code = "AS611"
    name = "unwatched-training"
    reads_target = False

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Look at the names of settings, then at batches and rates."""
        history = history_of(view)
        if isinstance(history, NotApplicable):
            return history
        runs = [each for each in history.runs if _trains(each)]
        if not runs:
            return NotApplicable("no run of the record names a rate and epochs")
        missing = _missing(history, runs)
        found = [_not_mentioned(missing, len(runs))] if missing else []
        return [*found, *_scaled(runs)]


def _trains(run: LoggedRun) -> bool:
    return _value(run, _RATE) is not None and _value(run, _EPOCHS) is not None


def _value(run: LoggedRun, names: Sequence[str]) -> float | None:
    """A setting by the last part of its dotted name; numbers may be written as text."""
    said = {key.lower().rsplit(".", 1)[-1]: value for key, value in run.params.items()}
    for name in names:
        value = said.get(name)
        try:
            number = float(value) if isinstance(value, str) else value
        except ValueError:
            continue
        if is_number(number):
            return number
    return None


def _missing(history: History, runs: Iterable[LoggedRun]) -> list[str]:
    words = [key.lower() for each in runs for key in each.params]
    words += [name.lower() for each in history.runs for name in each.metrics]
    return [
        what
        for what, signs in _WATCHED.items()
        if not any(sign.replace("_", "") in word.replace("_", "") for sign in signs
                   for word in words)
    ]  # fmt: skip


def _not_mentioned(missing: Sequence[str], n: int) -> Finding:
    return Finding(
        code=UnwatchedTraining.code,
        severity=Severity.NOTE,
        title=f"The record does not mention {', '.join(missing)}.",
        evidence={"runs": n, "not mentioned": list(missing)},
        mend="record them, or train with Assay, which does: training: {schedule: cosine}",
    )


def _scaled(runs: Sequence[LoggedRun]) -> list[Finding]:
    """Two runs whose batches differ by a factor of two or more, at the same rate."""
    known = [
        (batch, rate)
        for each in runs
        if (batch := _value(each, _BATCH)) and (rate := _value(each, _RATE))
    ]
    rates = {rate for _, rate in known}
    batches = sorted({batch for batch, _ in known})
    is_scaled = bool(batches) and batches[-1] >= _TIMES * batches[0]
    if not is_scaled or max(rates) > _ALIKE * min(rates):
        return []
    return [
        Finding(
            code=UnwatchedTraining.code,
            severity=Severity.NOTE,
            title=f"Batches of {batches[0]:g} to {batches[-1]:g} rows were tried at one rate.",
            evidence={"batch sizes": batches, "rate": max(rates)},
            mend="scale the rate with the batch (Goyal and others 2017), and warm up: "
            f"{max(rates) * batches[-1] / batches[0]:.4g} for {batches[-1]:g}",
        )
    ]
