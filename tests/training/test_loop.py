"""The loop: exact accumulation, the same bits again, the same bits after a stop, and faults met."""

from __future__ import annotations

import copy
import math
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from assay.errors import DivergedError, InputError, LearnerError
from assay.monitor import Answer, Step
from assay.tracking.memory import MemoryStore
from assay.tracking.transcript import Transcript
from assay.training.batches import Batch, Tensors
from assay.training.callbacks import Callback
from assay.training.fit import fit
from assay.training.loop import Training
from assay.training.losses import CrossEntropy
from assay.training.settings import LoopSettings, Phase
from assay.training.values import Trained

QUICK: dict[str, Any] = {
    "precision": "fp32", "threads": 1, "channels_last": False, "batch_size": 16, "epochs": 3,
    "log_every": 2, "patience": None,
}  # fmt: skip


def rows(n: int = 83, seed: int = 0, classes: int = 3) -> Tensors:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n, 5, generator=generator)
    targets = (inputs[:, 0] + inputs[:, 1] ** 2).mul(1.5).long().clamp(0, classes - 1)
    return Tensors(inputs, targets)


def net(seed: int = 0, classes: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, classes)
    )


def trained(model: nn.Module | None = None, data: Tensors | None = None, **given: Any) -> Trained:
    settings = LoopSettings(**{**QUICK, **given.pop("settings", {})})
    loss = given.pop("loss", nn.CrossEntropyLoss())
    return fit(model or net(), data or rows(), loss, settings=settings, **given)


def weights(trained: Trained) -> dict[str, Tensor]:
    return trained.model.state_dict()


def assert_same(first: Trained, second: Trained) -> None:
    for name, each in weights(first).items():
        assert torch.equal(each, weights(second)[name]), name


class SignalAt(Callback):
    """Sends this process a signal after some step."""

    def __init__(self, step: int, number: int = signal.SIGINT) -> None:
        self.step, self.number = step, number

    def on_step(self, training: Training) -> None:
        if training.position.step == self.step:
            signal.raise_signal(self.number)


def test_it_learns() -> None:
    settings = {"epochs": 20, "learning_rate": 0.02}
    done = trained(data=rows(400), validation=rows(200, seed=1), settings=settings)
    assert done.best is not None
    assert done.best.metrics["loss"] < 0.6 * math.log(3)
    assert done.stopped == "all epochs"
    assert done.position.step == 20 * math.ceil(400 / 16)
    assert len(done.history) == 20


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    assert_same(trained(seed=4), trained(seed=4))
    first, other = trained(seed=4), trained(seed=5)
    assert not torch.equal(weights(first)["0.weight"], weights(other)["0.weight"])


def test_generators_outside_are_left_as_they_were() -> None:
    model = net()
    before = torch.get_rng_state()
    trained(model)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "sample weights"])
@pytest.mark.parametrize("class_weights", [None, torch.tensor([0.2, 1.0, 3.0])], ids=str)
@pytest.mark.parametrize(("batch", "accumulate"), [(8, 4), (5, 3), (32, 1)])
def test_micro_batches_make_exactly_one_large_batch(
    batch: int, accumulate: int, class_weights: Tensor | None, weighted: bool
) -> None:
    """N = 83: the last window is incomplete, and its last micro-batch as well."""
    data = rows(83)
    if weighted:
        data = Tensors(data.inputs, data.targets, torch.rand(83) + 0.1)
    bare = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 3)).double()
    data = Tensors(
        data.inputs.double(), data.targets, None if data.weights is None else data.weights.double()
    )
    loss = CrossEntropy(class_weights.double() if class_weights is not None else None)
    done = [
        trained(
            copy.deepcopy(bare), data, loss=loss,
            settings={"batch_size": b, "accumulate": a, "optimizer": "sgd", "epochs": 2},
        )
        for b, a in ((batch, accumulate), (batch * accumulate, 1))
    ]  # fmt: skip
    for name, each in weights(done[0]).items():
        torch.testing.assert_close(each, weights(done[1])[name], rtol=1e-9, atol=1e-12)
    assert done[0].position.step == done[1].position.step


def test_tokens_count_and_padding_does_not() -> None:
    torch.manual_seed(0)
    tokens = torch.randint(0, 7, (30, 9))
    targets = torch.randint(0, 7, (30, 9))
    for row in range(30):
        targets[row, 1 + row % 9 :] = -100
    model = nn.Sequential(nn.Embedding(7, 6), nn.Linear(6, 7)).double()
    data = Tensors(tokens, targets)
    loss = CrossEntropy(ignore_index=-100)
    done = [
        trained(
            copy.deepcopy(model), data, loss=loss,
            settings={"batch_size": b, "accumulate": a, "optimizer": "sgd"},
        )
        for b, a in ((4, 3), (12, 1))
    ]  # fmt: skip
    for name, each in weights(done[0]).items():
        torch.testing.assert_close(each, weights(done[1])[name], rtol=1e-9, atol=1e-12)


def test_it_equals_a_loop_written_by_hand() -> None:
    data = rows(64)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 3))
    by_hand = copy.deepcopy(model)
    optimizer = torch.optim.SGD(by_hand.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    order = [torch.from_numpy(_permutation(64, 0, epoch)) for epoch in range(2)]
    for epoch in range(2):
        for start in range(0, 64, 16):
            index = order[epoch][start : start + 16]
            value = nn.functional.cross_entropy(by_hand(data.inputs[index]), data.targets[index])
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(by_hand.parameters(), 1.0)
            optimizer.step()
    settings = {
        "optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.0, "schedule": "constant",
        "warmup": 0.0, "epochs": 2,
    }  # fmt: skip
    done = trained(model, data, settings=settings)
    for name, each in by_hand.state_dict().items():
        torch.testing.assert_close(
            each, weights(done)[name], rtol=1e-6, atol=1e-7, check_device=False
        )


def _permutation(n: int, seed: int, epoch: int) -> Any:

    return np.random.default_rng([seed, epoch]).permutation(n)


HARD = {"accumulate": 2, "averaging": 0.9, "epochs": 4, "evaluate_steps": 3, "log_every": 3}


@pytest.mark.parametrize("step", [1, 2, 3, 5, 6, 9, 11])
def test_what_was_interrupted_goes_on_with_the_same_bits(step: int, tmp_path: Path) -> None:
    whole = trained(validation=rows(50, 1), settings=HARD)
    with pytest.raises(KeyboardInterrupt):
        trained(
            validation=rows(50, 1), settings=HARD, folder=tmp_path / "c", callbacks=[SignalAt(step)]
        )
    done = trained(
        net(seed=7), validation=rows(50, 1), settings=HARD, folder=tmp_path / "c", resume=True
    )
    assert_same(whole, done)
    assert done.history == whole.history
    assert done.position == whole.position


def test_a_signal_in_an_evaluation_is_obeyed_and_the_look_is_done_again(tmp_path: Path) -> None:
    settings = {**HARD, "batch_size": 4}

    class Slow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.looks, self.at = net(), 0, None

        def forward(self, inputs: Tensor) -> Tensor:
            if not self.training:
                self.looks += 1
                if self.looks == self.at:
                    signal.raise_signal(signal.SIGINT)
            return self.inner(inputs)

    whole = trained(Slow(), validation=rows(50, 1), settings=settings)
    stopped = Slow()
    stopped.at = 6
    with pytest.raises(KeyboardInterrupt):
        trained(stopped, validation=rows(50, 1), settings=settings, folder=tmp_path / "c")
    again = Slow()
    done = trained(
        again, validation=rows(50, 1), settings=settings, folder=tmp_path / "c", resume=True
    )
    assert_same(whole, done)
    assert done.history == whole.history


def test_a_folder_with_checkpoints_is_not_written_over(tmp_path: Path) -> None:
    trained(folder=tmp_path / "c")
    with pytest.raises(InputError, match="checkpoints of an earlier training") as told:
        trained(folder=tmp_path / "c")
    assert "resume=True" in told.value.mend


def test_checkpoints_of_another_network_or_of_other_settings_are_refused(tmp_path: Path) -> None:
    trained(folder=tmp_path / "c")
    with pytest.raises(LearnerError, match=r"learning_rate was 0\.001, is 0\.5"):
        trained(folder=tmp_path / "c", resume=True, settings={"learning_rate": 0.5})
    with pytest.raises(LearnerError, match=r"4\.weight was \(3, 16\), is \(4, 16\)"):
        trained(net(classes=4), folder=tmp_path / "c", resume=True)


def test_it_stops_where_nothing_improves_and_keeps_the_best() -> None:
    noise = Tensors(rows(64).inputs, torch.randint(0, 3, (64,)))
    settings = {"epochs": 60, "patience": 3, "learning_rate": 0.05}
    done = trained(data=noise, validation=rows(50, 1), settings=settings)
    assert done.stopped == "no improvement"
    assert done.best is not None
    losses = [each.metrics["loss"] for each in done.history]
    assert done.best.metrics["loss"] == min(losses)
    assert len(losses) == losses.index(min(losses)) + 4
    again = fit(
        done.model, rows(50, 1), nn.CrossEntropyLoss(), validation=rows(50, 1), dry_run=True,
        settings=LoopSettings(**{**QUICK, "learning_rate": 1e-12, "optimizer": "sgd"}),
    )  # fmt: skip
    assert again.stopped == "dry run"


def test_the_best_weights_give_the_best_metrics() -> None:
    from assay.training.evaluating import evaluate

    done = trained(validation=rows(50, 1), settings={"learning_rate": 0.3, "epochs": 8})
    found = evaluate(
        done.model,
        rows(50, 1),
        CrossEntropy(),
        {},
        batch_size=64,
        device=next(done.model.parameters()).device,
    )
    assert done.best is not None
    assert (
        found["loss"] == done.best.metrics["loss"] == min(e.metrics["loss"] for e in done.history)
    )


def test_metrics_are_recorded_every_so_many_steps_with_every_row_counted_once() -> None:
    seen = Transcript()
    accuracy = {"accuracy": lambda outputs, targets, w: (outputs.argmax(1) == targets).sum()}
    done = trained(recorder=seen, running=accuracy, settings={"log_every": 4, "epochs": 2})
    store = MemoryStore()
    recorder = store.begin("e", "r", {})
    seen.replay(recorder)
    kept: dict[int, dict[str, float]] = {}
    for name in store.get(recorder.run_id).metrics:
        for step, value in store.history(recorder.run_id, name):
            kept.setdefault(step, {})[name] = value
    assert sorted(kept) == [4, 6, 8, 12]
    for values in kept.values():
        assert 0 <= values["train/accuracy"] <= 1
        assert {"train/loss", "train/gradient_norm", "train/learning_rate"} <= set(values)
    assert done.position.rows == 2 * 83


def test_modes_are_put_back_after_an_evaluation() -> None:
    modes = []

    class Looks(Callback):
        def on_evaluation(self, training: Training, evaluated: Any) -> None:
            modes.append([m.training for m in training.model.modules()])

    model = net()
    trained(model, validation=rows(50, 1), callbacks=[Looks()])
    assert all(all(each) for each in modes)
    assert len(modes) == 3


def test_a_monitor_may_stop_it() -> None:
    class Enough:
        def report(self, step: int, metrics: Any) -> Answer:
            return Answer.STOP if step == 2 else Answer.CONTINUE

    done = trained(validation=rows(50, 1), monitor=Enough())
    assert (done.stopped, len(done.history)) == ("stopped", 2)


def test_progress_is_told_in_words() -> None:
    told: list[Step] = []
    trained(data=rows(400), validation=rows(50, 1), announce=told.append)
    assert told[-1].done == told[-1].total == 75
    assert (told[-1].text, told[-1].detail[:5]) == ("epoch 3 of 3", "loss ")


def test_steps_instead_of_epochs() -> None:
    done = trained(validation=rows(50, 1), settings={"steps": 8})
    assert (done.position.step, done.stopped) == (8, "all steps")
    assert done.history[-1].step == 8


def test_a_dry_run_tries_two_batches() -> None:
    done = trained(validation=rows(50, 1), dry_run=True)
    assert (done.position.step, done.stopped) == (2, "dry run")
    assert len(done.history) == 1


def test_one_bad_row_costs_one_step_and_no_more() -> None:
    data = rows(83)
    data.inputs[40] = torch.nan
    done = trained(data=data, validation=rows(50, 1))
    assert done.position.skipped == 3
    assert all(torch.isfinite(each).all() for each in weights(done).values())
    assert math.isfinite(done.history[-1].metrics["loss"])
    assert "AS401" in {each.code for each in done.findings}


def test_nan_in_a_row_leads_back_and_then_to_a_diagnosis() -> None:
    data = rows(83)
    data.inputs[:] = torch.nan
    with pytest.raises(LearnerError) as told:
        trained(data=data, settings={"bad_steps": 2})
    assert told.value.mend


def test_a_network_that_explodes_goes_on_at_a_smaller_rate(tmp_path: Path) -> None:
    class Explodes(nn.Module):
        """Its outputs overflow where it was called so often before with a large rate."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(5, 3)
            self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

        def forward(self, inputs: Tensor) -> Tensor:
            if self.training:
                self.calls += 1
            fails = self.training and 8 <= int(self.calls) < 11 and not self.mended
            return self.inner(inputs) * (math.nan if fails else 1.0)

    class Mends(Callback):
        def on_reading(self, training: Training, metrics: Any) -> None:
            training.model.mended = training.position.rollbacks > 0

    model = Explodes()
    model.mended = False
    done = trained(
        model, settings={"bad_steps": 3, "log_every": 1}, callbacks=[Mends()], folder=tmp_path / "c"
    )
    assert done.position.rollbacks == 1
    assert done.position.rate_scale == 0.5
    assert "AS402" in {each.code for each in done.findings}
    assert torch.isfinite(weights(done)["inner.weight"]).all()


def test_phases_freeze_what_they_say() -> None:
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    done = trained(model, settings={"phases": (Phase(epochs=3, layers=1),)})
    moved = {each.block: each.relative for each in done.moved}
    assert moved["0"] == moved["2"] == 0
    assert moved["4"] > 0


def test_rows_weighted_zero_teach_nothing() -> None:
    data = rows(64)
    doubled = Tensors(
        torch.cat([data.inputs, data.inputs + 9]),
        torch.cat([data.targets, data.targets]),
        torch.cat([torch.ones(64), torch.zeros(64)]),
    )
    model = nn.Linear(5, 3)
    settings = {"batch_size": 128, "optimizer": "sgd", "epochs": 2, "accumulate": 1}
    with_them = trained(copy.deepcopy(model), doubled, settings=settings)
    without = trained(copy.deepcopy(model), data, settings=settings)
    for name, each in weights(with_them).items():
        torch.testing.assert_close(each, weights(without)[name], rtol=1e-4, atol=1e-6)


def test_a_batch_may_be_a_tuple_or_a_dict_of_tensors() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(10, 3)

        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            return self.line(torch.cat([left, right], 1))

    data = rows(64)
    model = Two()
    for inputs in ((data.inputs, data.inputs), {"right": data.inputs, "left": data.inputs}):
        assert trained(copy.deepcopy(model), Tensors(inputs, data.targets)).position.rows == 3 * 64
    assert isinstance(data.take(torch.arange(3)), Batch)


class Answers:
    """A monitor that ends the training at some look."""

    def __init__(self, answer: Answer, at: int) -> None:
        self.answer, self.at = answer, at

    def report(self, step: int, metrics: Any) -> Answer:
        return self.answer if step == self.at else Answer.CONTINUE


@pytest.mark.parametrize("answer", [Answer.STOP, Answer.PRUNE])
def test_the_last_look_may_end_it_as_well(answer: Answer) -> None:
    monitor = Answers(answer, at=1)  # the only look, after the last step
    done = trained(validation=rows(50, 1), settings={"steps": 5}, monitor=monitor)
    assert done.stopped == {"stop": "stopped", "prune": "pruned"}[answer.value]


class SignalsInLook(nn.Module):
    """Sends this process a signal in its first evaluation."""

    def __init__(self, sends: bool) -> None:
        super().__init__()
        self.inner, self.sends = net(), sends

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training and self.sends:
            signal.raise_signal(signal.SIGINT)
        return self.inner(inputs)


def test_a_signal_in_the_last_look_loses_nothing(tmp_path: Path) -> None:
    given: dict[str, Any] = {"validation": rows(500, 1), "settings": {"steps": 5, "batch_size": 8}}
    whole = trained(SignalsInLook(sends=False), **given)
    with pytest.raises(KeyboardInterrupt):
        trained(SignalsInLook(sends=True), folder=tmp_path / "c", **given)
    assert list((tmp_path / "c" / "moments").glob("step-*5"))
    done = trained(SignalsInLook(sends=False), folder=tmp_path / "c", resume=True, **given)
    assert_same(whole, done)
    assert done.position == whole.position


def test_what_is_interrupted_leaves_nothing_frozen() -> None:
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
    model.eval()
    phases = (Phase(epochs=1, layers=1), Phase(epochs=2, layers="all"))
    with pytest.raises(KeyboardInterrupt):
        trained(model, settings={"phases": phases}, callbacks=[SignalAt(2)])
    assert all(each.requires_grad for each in model.parameters())
    assert not model.training


class Breaks(nn.Module):
    """Gives NaN in some calls, as long as training did not go back often enough."""

    def __init__(self, calls: range, returns: int = 1) -> None:
        super().__init__()
        self.inner = nn.Linear(5, 3)
        self.calls, self.bad, self.returns = 0, calls, returns
        self.trained_by: Training | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training or self.trained_by is None:
            return self.inner(inputs)
        self.calls += 1
        is_bad = self.calls in self.bad and self.trained_by.position.rollbacks < self.returns
        return self.inner(inputs) * (math.nan if is_bad else 1.0)


@pytest.mark.parametrize("has_folder", [True, False], ids=["on a disk", "in memory"])
def test_every_return_is_to_the_same_state(has_folder: bool, tmp_path: Path) -> None:
    seen: list[list[float]] = []

    class Sees(Callback):
        def on_begin(self, training: Training) -> None:
            training.model.trained_by = training

        def on_step(self, training: Training) -> None:
            if training.position.step == 7 and training.position.skipped_in_row == 0:
                seen.append([float(each["step"]) for each in training.optimizer.state.values()])

    model = Breaks(range(8, 40), returns=2)
    done = trained(
        model, settings={"bad_steps": 3}, callbacks=[Sees()],
        folder=tmp_path / "c" if has_folder else None,
    )  # fmt: skip
    assert done.position.rollbacks == 2
    assert seen
    assert all(each == [7.0, 7.0] for each in seen), "it has taken seven steps, whatever came"


def test_training_metrics_count_rows_once_with_micro_batches() -> None:
    accuracy = {"accuracy": lambda said, true, w: (said.argmax(1) == true).sum()}
    found = []
    for batch, accumulate in ((8, 4), (32, 1)):
        store = MemoryStore()
        recorder = store.begin("e", "r", {})
        still = {"optimizer": "sgd", "learning_rate": 1e-9, "epochs": 1}
        torch.manual_seed(0)
        trained(
            nn.Linear(5, 3), recorder=recorder, running=accuracy,
            settings={**still, "batch_size": batch, "accumulate": accumulate},
        )  # fmt: skip
        found.append(store.history(recorder.run_id, "train/accuracy"))
    assert np.allclose(found[0], found[1])


def test_a_look_every_few_steps_is_enough_to_stop_in_an_epoch() -> None:
    noise = Tensors(rows(640).inputs, torch.randint(0, 3, (640,)))
    settings = {"epochs": 1, "evaluate_steps": 1, "patience": 2, "learning_rate": 0.3}
    done = trained(data=noise, validation=rows(50, 1), settings=settings)
    assert done.stopped == "no improvement"
    assert done.position.step < 40


def test_a_loss_that_is_nan_with_a_finite_gradient_is_no_step() -> None:
    data = Tensors(rows(32).inputs, torch.full((32,), torch.nan))
    with pytest.raises(DivergedError, match="NaN"):
        trained(nn.Linear(5, 1), data, loss=nn.L1Loss(), settings={"bad_steps": 2})


NOTHING = Tensors(torch.zeros(0, 5), torch.zeros(0, dtype=torch.int64))
WEIGHTLESS = Tensors(torch.zeros(2, 5), torch.zeros(2, dtype=torch.int64), torch.zeros(2))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"data": NOTHING}, "data has no rows"),
        ({"validation": NOTHING}, "validation has no rows"),
        ({"validation": WEIGHTLESS}, "weigh nothing"),
        ({"watch": "accuracy"}, "no validation metric 'accuracy'"),
        ({"resume": True}, "nothing to resume from"),
    ],
    ids=["rows", "validation", "weights", "watch", "resume"],
)
def test_what_cannot_be_is_refused_first(given: dict[str, Any], said: str) -> None:
    settings = LoopSettings(**QUICK)
    rest = {"data": rows(), **given}
    with pytest.raises(InputError, match=said) as told:
        fit(net(), rest.pop("data"), nn.CrossEntropyLoss(), settings=settings, **rest)
    assert told.value.mend


def test_other_rows_or_another_seed_are_not_resumed(tmp_path: Path) -> None:
    trained(folder=tmp_path / "c")
    with pytest.raises(LearnerError, match="other rows, or of another seed"):
        trained(folder=tmp_path / "c", resume=True, seed=1)
    with pytest.raises(LearnerError, match="other rows, or of another seed"):
        trained(data=rows(60), folder=tmp_path / "c", resume=True)


@pytest.mark.parametrize("shape", [(3, 6), (3, 4, 4)], ids=["tokens", "pixels"])
def test_pytorchs_own_cross_entropy_keeps_its_shapes(shape: tuple[int, ...]) -> None:
    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(5, math.prod(shape))

        def forward(self, inputs: Tensor) -> Tensor:
            return self.line(inputs).view(-1, *shape)

    data = Tensors(torch.randn(32, 5), torch.randint(0, 3, (32, *shape[1:])))
    assert trained(Dense(), data).position.rows == 3 * 32
