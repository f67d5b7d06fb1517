"""The training loop, to be read from top to bottom.

Between two optimizer steps everything that the next one depends on is in one state: weights,
averages, generators, position. It can be saved there, killed, and gone on from with the same bits
(law 3). The rate is a function of the step, the rows of seed and epoch, and the gradient of an
optimizer step that of one large batch, however many micro-batches it came in (law 5).
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NoReturn

from torch import Tensor, nn

from assay.findings import Finding
from assay.monitor import AssayWarning
from assay.training import freezing
from assay.training.averaging import Average
from assay.training.batches import Batch, Data, mapped, order_of, rows_in
from assay.training.callbacks import overriding
from assay.training.calling import called
from assay.training.choosing import Choices
from assay.training.clipping import clip
from assay.training.given import Given
from assay.training.guards import Guards
from assay.training.keeper import Keeper
from assay.training.looking import is_due, is_due_now, look, read
from assay.training.optimizers import make_optimizer
from assay.training.order import Bounds
from assay.training.precision import Precision
from assay.training.prefetch import Loader
from assay.training.progress import progress
from assay.training.readings import Plan
from assay.training.recovery import skipped
from assay.training.sanity import tried
from assay.training.schedules import Schedule, optimizer_steps
from assay.training.state import captured, restore
from assay.training.stopping import Stopping
from assay.training.sums import Sums
from assay.training.values import (
    EndedError,
    Evaluated,
    InterruptedLookError,
    Position,
    RolledBackError,
    Trained,
)

_TELL_S = 0.2
_TINY = 1e-30


class Training:
    """A training that is going on.

    Attributes:
        model: The module.
        optimizer: What moves it.
        position: Where it stands.
        history: Every evaluation so far.
        means: What was read last of the rows learnt from.
        settings: How it trains.
        given: What else `fit` was given.
    """

    def __init__(
        self,
        model: nn.Module,
        data: Data,
        choices: Choices,
        keeper: Keeper,
        loader: Loader,
        given: Given,
    ) -> None:
        self.model, self.data, self.choices, self.keeper = model, data, choices, keeper
        self.loss, self.settings, self.device = given.loss, given.settings, given.device
        self._loader, self.given, self._region = loader, given, given.profiler.region
        settings = given.settings
        self.precision = Precision.of(choices.precision, given.device)
        self.optimizer = make_optimizer(model, settings, given.device)
        self._parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.buffers = [each for each in model.buffers() if each.is_floating_point()]
        self.average = Average(model, settings.averaging) if settings.averaging else None
        self.phases = freezing.Phases(settings, model)
        self.per_epoch = len(Bounds(len(data), settings.batch_size)[: given.limit])
        steps = math.ceil(self.per_epoch / settings.accumulate)
        self.total_steps = steps if given.limit else optimizer_steps(settings, self.per_epoch)
        self.epochs = math.ceil(self.total_steps / steps)
        self.schedule = Schedule(settings, self.total_steps)
        self.stopping = Stopping(
            settings.patience, settings.min_improvement, given.greater_is_better
        )
        self.guards = Guards(
            Plan.of(
                settings,
                steps=self.total_steps,
                steps_per_epoch=steps,
                validates=given.validation is not None,
                constant_loss=given.constant_loss,
            )
        )
        self.sums = Sums(given.device, given.running)
        self.position = Position()
        self.history: list[Evaluated] = []
        self.findings: dict[str, Finding] = {}
        self.means: dict[str, float] = {}
        self.good_buffers = [each.detach().clone() for each in self.buffers]
        self._on_step = overriding(given.callbacks, "on_step")
        self.on_reading = overriding(given.callbacks, "on_reading")
        self.on_evaluation = overriding(given.callbacks, "on_evaluation")
        self.started = self._saved_at = self._told_at = self.read_at = time.monotonic()
        self.first_step = 0
        self.waited_s = 0.0

    def run(self, state: Mapping[str, Any] | None, first: Batch) -> Trained:
        """Train from a state, or from the beginning, to the end.

        Args:
            state: Where to go on; None to begin.
            first: A batch to try everything on before.
        """
        with self._as_it_was():
            before = freezing.weights(self.model)
            if state is None:
                self._begin(first)
            else:
                restore(self, state)
                self.first_step = self.position.step
            for each in overriding(self.given.callbacks, "on_begin"):
                each(self)
            stopped = self._to_the_end()
            self.keeper.write_what_is_held()
            self.found(self.guards.ended())
        best = self._load_best()
        for each in overriding(self.given.callbacks, "on_end"):
            each(self)
        return Trained(
            model=self.model,
            history=tuple(self.history),
            best=best,
            position=self.position,
            stopped="dry run" if self.given.limit else stopped,
            choices=self.choices.as_dict(),
            findings=tuple(self.findings.values()),
            moved=freezing.moved(before, self.model),
            seconds=time.monotonic() - self.started,
        )

    def _begin(self, first: Batch) -> None:
        """Try everything on a batch, and keep the state before the first step."""
        seen = tried(self.model, first, self.loss, constant_loss=self.given.constant_loss)
        self.found(seen.findings)
        self.given.recorder.params(
            {"network.parameters": seen.parameters, "network.trainable": seen.trainable}
        )
        self.found(self.guards.begun())
        self.keeper.end_of_epoch(captured(self))

    @contextmanager
    def _as_it_was(self) -> Iterator[None]:
        """Whatever ends the training, what is frozen and what trains is as before."""
        modes = [(module, module.training) for module in self.model.modules()]
        try:
            yield
        finally:
            self.phases.release()
            for module, mode in modes:
                module.training = mode

    def _load_best(self) -> Evaluated | None:
        """Give the model its best weights; the evaluation that they are of."""
        step = self.stopping.best_step
        best = self.keeper.best(step) if step >= 0 else None
        if best is not None:
            self.model.load_state_dict(best["weights"])
            return next(each for each in self.history if each.step == step)
        if self.average is not None:
            self.model.load_state_dict(self.kept_weights())
        if step >= 0:
            text = f"The best weights, of step {step}, could not be kept: these are the last ones."
            warnings.warn(AssayWarning(text), stacklevel=2)
        return None

    def _to_the_end(self) -> str:
        """Train until something ends it; returns what."""
        reason = ""
        try:
            while not (reason := reason or self._over()):
                try:
                    self._epoch()
                except RolledBackError:
                    continue
                except EndedError as ended:
                    reason = ended.reason
            read(self)
            if is_due(self, self.epochs):
                look(self)
        except EndedError as ended:  # by the last look
            reason = ended.reason
        except InterruptedLookError:
            self._stop_at_once()
        return reason

    def _over(self) -> str:
        """Why there is nothing left to do; empty if there is."""
        position, steps = self.position, self.settings.steps
        if self.stopping.is_enough:
            return "no improvement"
        if steps is not None and position.step >= steps:
            return "all steps"
        return "all epochs" if position.epoch >= self.epochs else ""

    def _epoch(self) -> None:
        """The rest of a pass over the training rows, and then the validation rows."""
        position = self.position
        self._set_modes()
        if is_due_now(self):  # it was interrupted in the middle of that
            look(self)
        order = order_of(self.data, self.given.seed, position.epoch, self.settings.step_rows)
        for window in self._windows(self._loader.epoch(order, position.batch)):
            self._step(window)
            position.batch += len(window)
            self._after_step()
        if is_due(self, position.epoch + 1):
            look(self)
        position.epoch += 1
        position.batch = 0
        read(self)
        self.keeper.end_of_epoch(captured(self))
        self._saved_at = time.monotonic()

    def _set_modes(self) -> None:
        """All of it trains, but what is frozen in this phase."""
        self.model.train()
        self.phases.apply(self.position.epoch, self.optimizer)
        self.phases.hold()

    def _windows(self, batches: Iterator[Batch]) -> Iterator[list[Batch]]:
        """The micro-batches of one optimizer step at a time; in the last, what is left."""
        left = self.per_epoch - self.position.batch
        while left > 0:
            began = time.perf_counter()
            with self._region("data"):
                window = list(islice(batches, min(self.settings.accumulate, left)))
            self.waited_s += time.perf_counter() - began
            left -= len(window)
            yield window

    def _step(self, window: list[Batch]) -> None:
        """One optimizer step: the gradient of all its micro-batches as of one large batch."""
        size: Any = 0
        for _, targets, weights in window:
            size = size + self.loss.size(targets, weights)
        size = size.clamp_min(_TINY) if isinstance(size, Tensor) else size or _TINY  # all padding
        totals, said = [], []
        for inputs, targets, weights in window:
            with self._region("forward"):
                with self.precision.forward():
                    outputs = called(self.model, inputs)
                outputs = self.precision.full(outputs)
                total = self.loss.total(outputs, targets, weights)
            with self._region("backward"):
                self.precision.backward(total / size)
            totals.append(total.detach())
            if self.given.running:
                said.append((mapped(outputs, Tensor.detach), targets, weights))
        with self._region("optimizer"):
            stepped, norm = self._stepped(totals)
        if not stepped:
            skipped(self, window, totals)
            return
        position = self.position
        rows = sum(map(rows_in, window))
        position.skipped_in_row = 0
        position.step += 1
        position.rows += rows
        self.sums.step(totals, size, norm, rows, said)

    def _stepped(self, totals: list[Tensor]) -> tuple[bool, float]:
        """Move the weights; whether that was done, and the gradient's norm."""
        self.precision.unscale(self.optimizer)
        norm = clip(self._parameters, self.settings.clip)
        position = self.position
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate(position.step, group["peak"]) * position.rate_scale
        is_finite = math.isfinite(norm) and all(math.isfinite(total.item()) for total in totals)
        stepped = self.precision.step(self.optimizer, is_finite=is_finite)
        self.optimizer.zero_grad(set_to_none=True)
        if stepped and self.average is not None:
            self.average.update()
        return stepped, norm

    def _after_step(self) -> None:
        """What is done between two steps, where everything is in one state."""
        step, now = self.position.step, time.monotonic()
        self.given.profiler.step()
        for each in self._on_step:
            each(self)
        if step % self.settings.log_every == 0:
            with self._region("recording"):
                read(self)
        if is_due_now(self):
            look(self)
            if self.stopping.is_enough:
                raise EndedError("no improvement")
        if now - self._saved_at > self.settings.checkpoint_minutes * 60:
            self._save()
        if self.given.interruption.requested is not None:
            self._stop_at_once()
        if now - self._told_at > _TELL_S:
            self.tell(now)
        if self.settings.steps is not None and step >= self.settings.steps:
            raise EndedError("all steps")
        if self.given.deadline is not None and now > self.given.deadline:
            raise EndedError("deadline")

    def poll(self) -> None:
        """Called in evaluation: it is left, and begun anew when training is resumed."""
        if self.given.interruption.requested is not None:
            raise InterruptedLookError

    def _stop_at_once(self) -> NoReturn:
        """Save, wait until that is on the disk, and hand the signal on."""
        self._save(waits=True)
        self.given.interruption.deliver()
        raise KeyboardInterrupt  # whoever handled the signal did not end it

    def _save(self, *, waits: bool = False) -> None:
        self.keeper.moment(captured(self), waits=waits)
        self._saved_at = time.monotonic()

    def kept_weights(self) -> dict[str, Tensor]:
        """The weights that are evaluated: the averaged ones, where there are such."""
        if self.average is None:
            return dict(self.model.state_dict())
        with self.average.applied():
            return {name: each.clone() for name, each in self.model.state_dict().items()}

    def found(self, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self.findings[finding.code] = finding
            self.given.recorder.finding(finding, finding.code)

    def tell(self, now: float) -> None:
        self._told_at = now
        self.given.announce(progress(self, now))
