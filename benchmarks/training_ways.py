"""The loops that `training_loop.py` and `training_process.py` compare: each in its own process.

All of them compute the same: the same network, rows, batches by index, loss, fused AdamW with decay
on matrices only, clipping at norm 1, a look whether that norm is finite before the step, a rate
that warms up and falls in a cosine. The peers are handed whole batches, which is the fastest that
any of them is fed. A process stops at the end of a block of steps until it is told to go on, and
says what the block took.

    python training_ways.py WAY NETWORK THREADS [VARIANT]
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

TOTAL, WARM, RATE, LAST_RATE, DECAY, CLIP = 100_000, 5_000, 1e-3, 1e-6, 0.01, 1.0
LOG_EVERY = 50
CLASSES = 10


class ResidualBlock(nn.Module):
    """As in the specification."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += self.shortcut(x)
        return self.relu(out)


def resnet() -> nn.Module:
    """The specification's ImageClassifier."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
        ResidualBlock(64, 128, 2), ResidualBlock(128, 256, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, CLASSES),
    )  # fmt: skip


class Transformer(nn.Module):
    """Two encoder layers over 32 tokens, their mean classified."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1000, 128)
        layer = nn.TransformerEncoderLayer(128, 4, 256, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(128, CLASSES)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.encoder(self.embedding(tokens)).mean(1))


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, CLASSES)
    )


@dataclass(frozen=True)
class Task:
    """A network, rows to learn and how: the same for every loop."""

    model: nn.Module
    inputs: Tensor
    targets: Tensor
    batch: int
    threads: int
    is_bf16: bool = False
    is_channels_last: bool = False

    @classmethod
    def of(cls, network: str, threads: int, variant: str) -> Task:
        torch.manual_seed(0)
        inputs, batch = {
            "mlp": lambda: (torch.randn(65_536, 20), 32),
            "transformer": lambda: (torch.randint(1000, (8_192, 32)), 32),
            "resnet": lambda: (torch.randn(2_048, 3, 32, 32), 128),
        }[network]()
        model = {"mlp": mlp, "transformer": Transformer, "resnet": resnet}[network]()
        targets = torch.randint(CLASSES, (len(inputs),))
        last, half = "channels-last" in variant, "bf16" in variant
        if last:
            model = model.to(memory_format=torch.channels_last)
        return cls(model, inputs, targets, batch, threads, half, last)

    def optimizer(self) -> torch.optim.AdamW:
        each = list(self.model.parameters())
        groups = [
            {"params": [p for p in each if p.ndim > 1], "weight_decay": DECAY},
            {"params": [p for p in each if p.ndim < 2], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=RATE, fused=True)

    def batches(self, pace: Pace) -> Iterator[tuple[Tensor, Tensor]]:
        """Of an epoch, shuffled; before each, the pace is kept."""
        for rows in torch.randperm(len(self.inputs)).split(self.batch):
            inputs = self.inputs.index_select(0, rows)
            if self.is_channels_last:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            targets = self.targets.index_select(0, rows)
            pace.step()
            yield inputs, targets

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The loss."""
        if not self.is_bf16:
            return functional.cross_entropy(self.model(inputs), targets)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = self.model(inputs)
        return functional.cross_entropy(outputs.float(), targets)


def share(step: int) -> float:
    """The rate of a step over the peak."""
    if step < WARM:
        return (step + 1) / WARM
    down = (1 + math.cos(math.pi * (step - WARM) / (TOTAL - WARM))) / 2
    return (LAST_RATE + (RATE - LAST_RATE) * down) / RATE


class Pace:
    """Lets a loop go on by a block of steps, and says what each block took.

    A line on standard input is the number of steps to go on by; 0 ends the process.
    """

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what the frameworks print is for a screen
        self._left, self._n = 1, 0
        self._cpu = self._wall = 0.0

    def step(self) -> None:
        self._left -= 1
        if not self._left:
            self._pause()

    def _pause(self) -> None:
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        n = max(1, self._n)
        print(f"{cpu / n!r} {wall / n!r}", file=self._out, flush=True)
        self._left = self._n = int(sys.stdin.readline() or 0)
        if not self._n:
            os._exit(0)
        self._cpu, self._wall = time.process_time(), time.perf_counter()


class Batches:
    """An epoch of batches, for those who want something that can be iterated and has a length."""

    def __init__(self, task: Task, pace: Pace, wrap: Callable[..., Any] = lambda *each: each):
        self._task, self._pace, self._wrap = task, pace, wrap

    def __len__(self) -> int:
        return len(self._task.inputs) // self._task.batch

    def __iter__(self) -> Iterator[Any]:
        for each in self._task.batches(self._pace):
            yield self._wrap(*each)


def refuse(norm: float) -> None:
    if not math.isfinite(norm):
        raise ArithmeticError(norm)


def by_hand(task: Task, pace: Pace) -> None:
    """The best that we can write."""
    optimizer = task.optimizer()
    parameters = list(task.model.parameters())
    step = 0
    for _ in count():
        for inputs, targets in task.batches(pace):
            task.forward(inputs, targets).backward()
            norm = nn.utils.clip_grad_norm_(parameters, CLIP).item()
            rate = RATE * share(step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            if math.isfinite(norm):
                optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1


def by_assay(task: Task, pace: Pace) -> None:
    """Ours, with a record on the disk and a bar on the screen."""
    from assay.cli.console import progress

    with progress(False) as announce:
        _by_assay(task, pace, announce=announce)


def by_assay_on_auto(task: Task, pace: Pace) -> None:
    """Ours, which finds out how this network trains best here."""
    from assay.cli.console import progress

    with progress(False) as announce:
        _by_assay(task, pace, announce=announce, chooses=True)


def by_recording_assay(task: Task, pace: Pace) -> None:
    """Ours, without a bar."""
    _by_assay(task, pace)


def _by_assay(task: Task, pace: Pace, *, chooses: bool = False, **given: Any) -> None:
    from assay.tracking.spool import About
    from assay.tracking.spooled import Session, SpooledRecorder
    from assay.training.batches import Tensors
    from assay.training.callbacks import Callback
    from assay.training.fit import fit
    from assay.training.loop import Training
    from assay.training.settings import LoopSettings

    class Paced(Callback):
        def on_step(self, training: Training) -> None:  # noqa: ARG002
            pace.step()

    fixed = {
        "precision": "bf16" if task.is_bf16 else "fp32",
        "channels_last": task.is_channels_last, "threads": task.threads,
    }  # fmt: skip
    settings = LoopSettings(
        steps=TOTAL, batch_size=task.batch, learning_rate=RATE, weight_decay=DECAY, clip=CLIP,
        final_rate=LAST_RATE, log_every=LOG_EVERY, patience=None, checkpoint_minutes=1000,
        **({} if chooses else fixed),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        about = About("a-run", "benchmark", "benchmark", 0, "nowhere")
        fit(
            task.model, Tensors(task.inputs, task.targets), nn.CrossEntropyLoss(),
            settings=settings, callbacks=[Paced()], **given,
            recorder=SpooledRecorder(Session(Path(folder), about, lambda _: ())),
        )  # fmt: skip


def by_lightning(task: Task, pace: Pace, *, is_bare: bool = False) -> None:
    """With a log of the loss and a bar."""
    import lightning.pytorch as pl
    from lightning.pytorch.loggers import CSVLogger

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = task.model

        def training_step(self, batch: Any, _: int) -> Tensor:
            loss = functional.cross_entropy(self.model(batch[0]), batch[1])
            if not is_bare:
                self.log("loss", loss, prog_bar=True)
            return loss

        def configure_optimizers(self) -> Any:
            optimizer = task.optimizer()
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
            return [optimizer], [{"scheduler": schedule, "interval": "step"}]

        def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
            refuse(nn.utils.clip_grad_norm_(self.parameters(), CLIP).item())

    precision: Any = "bf16-mixed" if task.is_bf16 else "32-true"
    given: dict[str, Any] = {"barebones": True}
    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        if not is_bare:
            given = {
                "logger": CSVLogger(folder), "log_every_n_steps": LOG_EVERY,
                "enable_checkpointing": False, "enable_model_summary": False,
            }  # fmt: skip
        trainer = pl.Trainer(
            accelerator="cpu", devices=1, precision=precision, max_steps=TOTAL, max_epochs=-1,
            **given,
        )  # fmt: skip
        trainer.fit(Module(), Batches(task, pace))


def by_bare_lightning(task: Task, pace: Pace) -> None:
    """`Trainer(barebones=True)`, which neither logs nor shows anything."""
    by_lightning(task, pace, is_bare=True)


def by_trainer(task: Task, pace: Pace) -> None:
    """Hugging Face Trainer, with its log and its bar; it looks at the loss for what is finite."""
    from transformers import Trainer, TrainingArguments

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = task.model

        def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
            outputs = self.model(inputs)
            return {"loss": functional.cross_entropy(outputs, labels), "logits": outputs}

    class Fed(Trainer):
        def get_train_dataloader(self) -> Any:
            return Batches(task, pace, lambda x, y: {"inputs": x, "labels": y})

    with tempfile.TemporaryDirectory(prefix="training-") as folder:
        arguments = TrainingArguments(
            folder, max_steps=TOTAL, per_device_train_batch_size=task.batch, max_grad_norm=CLIP,
            logging_steps=LOG_EVERY, save_strategy="no", report_to=[], use_cpu=True,
            bf16=task.is_bf16, disable_tqdm=False,
        )  # fmt: skip
        optimizer = task.optimizer()
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        rows = torch.utils.data.TensorDataset(task.inputs, task.targets)
        Fed(Model(), arguments, train_dataset=rows, optimizers=(optimizer, schedule)).train()


def by_accelerate(task: Task, pace: Pace) -> None:
    """The loop of its documentation, which neither logs nor shows anything."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, mixed_precision="bf16" if task.is_bf16 else "no")
    optimizer = task.optimizer()
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    model, optimizer, schedule = accelerator.prepare(task.model, optimizer, schedule)
    for _ in count():
        for inputs, targets in task.batches(pace):
            with accelerator.accumulate(model):
                loss = functional.cross_entropy(model(inputs), targets)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    refuse(accelerator.clip_grad_norm_(model.parameters(), CLIP).item())
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()


def by_ignite(task: Task, pace: Pace) -> None:
    """With the running loss on a bar."""
    from ignite.engine import Engine
    from ignite.handlers import ProgressBar
    from ignite.metrics import RunningAverage

    optimizer = task.optimizer()
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    parameters = list(task.model.parameters())

    def update(_: Any, batch: tuple[Tensor, Tensor]) -> float:
        task.model.train()
        loss = task.forward(*batch)
        loss.backward()
        refuse(nn.utils.clip_grad_norm_(parameters, CLIP).item())
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        return loss.item()

    engine = Engine(update)
    RunningAverage(output_transform=lambda loss: loss).attach(engine, "loss")
    ProgressBar().attach(engine, ["loss"])
    engine.run(Batches(task, pace), max_epochs=1000)


WAYS: dict[str, tuple[Callable[[Task, Pace], None], str]] = {
    "by hand": (by_hand, "torch"),
    "assay": (by_assay, "assay"),
    "assay, all on auto": (by_assay_on_auto, "assay"),
    "assay, recording only": (by_recording_assay, "assay"),
    "Accelerate": (by_accelerate, "accelerate"),
    "ignite": (by_ignite, "ignite"),
    "HF Trainer": (by_trainer, "transformers"),
    "Lightning, barebones": (by_bare_lightning, "lightning"),
    "Lightning": (by_lightning, "lightning"),
}
"""Each loop, and the package that it needs."""


def main() -> None:
    way, network, threads, *variant = sys.argv[1:]
    torch.set_num_threads(int(threads))
    WAYS[way][0](Task.of(network, int(threads), " ".join(variant)), Pace())


if __name__ == "__main__":
    main()
