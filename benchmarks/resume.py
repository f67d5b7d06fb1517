"""Whether training that was killed ends with the same bits: kills in steps, saves and evaluations.

A small network with everything that has a state: shuffled rows, dropout, batch norm, augmentation,
accumulation with an incomplete last window, an uneven last batch, moving averages, early stopping,
with loader workers and without. It is trained once without interruption. Then it is killed, at a
random moment of a random step, save or evaluation, or at any time at all, once or twice; is gone on
with in a new process; and weights, averages, optimizer, generators and all evaluations are compared
bit for bit. The same after SIGTERM, which has to end with 143 and all of its work saved.

With `--network text` it is a small transformer with dropout, over sequences of any length in
batches of like length; with `--device cuda` it trains on a card; the rest is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from assay.data.ragged import Ragged
from assay.training.batches import Augment, Data, Tensors
from assay.training.checkpoint import newest
from assay.training.fit import fit
from assay.training.sequences import Sequences
from assay.training.settings import LoopSettings

KINDS = ("step", "save", "evaluation", "any time")
TRIALS, QUICK_TRIALS = 100, 12
"""Of each signal; a quarter of each kind, half of them with workers."""
WORKERS = (0, 2)
LONGEST_WAIT_S = 0.004
PATIENCE_S = 120.0
ATTEMPTS = 5
TERMINATED = 143
SETTINGS = LoopSettings(
    epochs=5, batch_size=16, accumulate=3, learning_rate=1e-2, averaging=0.9, evaluate_steps=4,
    log_every=3, patience=8, checkpoint_minutes=0.0005, precision="fp32", channels_last=False,
    threads=1,
)  # fmt: skip


@dataclass(frozen=True)
class What:
    """Which network of `NETWORKS`, and where it trains."""

    network: str
    device: str


@dataclass(frozen=True)
class Task:
    """What is trained.

    Attributes:
        model: The network.
        last: Its last layer, at which moments are told.
        rows: To learn from, and to judge by.
        augment: What changes the inputs of a batch.
    """

    model: nn.Module
    last: nn.Module
    rows: tuple[Data, Data]
    augment: Augment | None = None


@dataclass(frozen=True)
class Ended:
    """What became of a training.

    Attributes:
        status: As `os.waitpid` tells it: below zero for a signal.
        digests: Of what it ended with, by name; empty unless it did.
        events: How often each kind of moment came.
        seconds: From the signal, or else from the beginning, to the end.
    """

    status: int
    digests: dict[str, str]
    events: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class Trial:
    """A training that was killed and gone on with."""

    number: int
    signal: str
    kind: str
    workers: int
    kills: int
    differs: list[str]
    failed: str
    slowest_s: float


class Moments:
    """Tells the parent once that a certain moment has come, and counts all."""

    def __init__(self, kind: str | None, number: int, tell: Callable[[], None]) -> None:
        self._kind, self._number, self._tell = kind, number, tell
        self.events: Counter[str] = Counter()

    def came(self, kind: str) -> None:
        self.events[kind] += 1
        if kind == self._kind and self.events[kind] == self._number:
            self._tell()


def rows(n: int, seed: int) -> Tensors:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n, 12, generator=generator)
    return Tensors(inputs, (inputs[:, :3].sum(1) * 1.2).long().clamp(-1, 2) + 1)


def noisy(inputs: Tensor, generator: torch.Generator) -> Tensor:
    return inputs + 0.1 * torch.randn(inputs.shape, generator=generator)


def mlp() -> Task:
    last = nn.Linear(32, 4)
    model = nn.Sequential(nn.Linear(12, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), last)
    return Task(model, last, (rows(203, 0), rows(150, 1)), noisy)


def sequences(n: int, seed: int) -> Sequences:
    """Of 3 to 24 tokens, classed by how many of them are low."""
    chance = np.random.default_rng(seed)
    lengths = chance.integers(3, 25, n)
    ends = np.append(0, lengths.cumsum())
    tokens = chance.integers(4, 40, ends[-1])
    low = np.add.reduceat(tokens < 20, ends[:-1]) / lengths
    inputs = Ragged({"input_ids": tokens}, ends, np.arange(n + 1), {"input_ids": 0})
    return Sequences(inputs, torch.from_numpy(np.digitize(low, (0.3, 0.45, 0.6))))


def text() -> Task:
    from transformers import BertConfig, BertForSequenceClassification

    from assay.networks.pretrained import FineTuned

    config = BertConfig(
        vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=32, num_labels=4,
    )  # fmt: skip
    net = BertForSequenceClassification(config)
    return Task(FineTuned(net), net.classifier, (sequences(203, 0), sequences(150, 1)))


NETWORKS = {"mlp": mlp, "text": text}


def trained(what: What, folder: Path, workers: int, moments: Moments) -> dict[str, str]:
    """Train, from the last checkpoint on if there is one; digests of what comes of it."""
    torch.manual_seed(3)
    task = NETWORKS[what.network]()
    task.last.register_forward_pre_hook(
        lambda *_: moments.came("step" if task.model.training else "evaluation")
    )
    fsync = os.fsync

    def observed(handle: int) -> None:
        moments.came("save")
        fsync(handle)

    os.fsync = observed
    settings = SETTINGS.model_copy(update={"loader_workers": workers})
    done = fit(
        task.model, task.rows[0], nn.CrossEntropyLoss(), validation=task.rows[1],
        settings=settings, seed=5, device=what.device, folder=folder, resume=True,
        augment=task.augment,
    )  # fmt: skip
    state = newest(folder / "epochs")
    history = [asdict(each) for each in done.history]
    return {
        "kept weights": digest(dict(done.model.state_dict())),
        "history": digest(history),
        **{part: digest(state[part]) for part in ("model", "optimizer", "average", "random")},
    }


def digest(tree: Any) -> str:
    """SHA-256 of all values, to the bit."""
    found = hashlib.sha256()
    for each in leaves(tree):
        if isinstance(each, Tensor):
            found.update(each.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            found.update(repr(each).encode())
    return found.hexdigest()[:16]


def leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        for key, each in tree.items():
            yield key
            yield from leaves(each)
    elif isinstance(tree, list | tuple):
        for each in tree:
            yield from leaves(each)
    elif isinstance(tree, Tensor):
        yield tree
    else:
        yield tree.tolist() if hasattr(tree, "tolist") else tree


def in_child(
    what: What, folder: Path, workers: int, kind: str | None, number: int, told: int
) -> NoReturn:
    """A process of its own, as a command line would be: it ends with a status."""

    def terminate(*_: Any) -> None:
        raise SystemExit(TERMINATED)

    signal.signal(signal.SIGTERM, terminate)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    warnings.simplefilter("error")
    status = 70
    try:
        moments = Moments(kind, number, lambda: os.write(told, b"now\n") and None)
        digests = trained(what, folder, workers, moments)
        os.write(told, (json.dumps([digests, moments.events]) + "\n").encode())
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    os._exit(status)


def line(heard: int, until: float) -> str:
    """What the child says next; empty if it says nothing more."""
    said = b""
    while not said.endswith(b"\n"):
        ready, _, _ = select.select([heard], [], [], max(0, until - time.monotonic()))
        more = os.read(heard, 1) if ready else b""
        if not more:
            break
        said += more
    return said.decode()


def run(
    what: What, folder: Path, workers: int, *, number: int = 0, kind: str | None = None,
    signal_number: int | None = None, wait_s: float = 0.0,
) -> Ended:  # fmt: skip
    """Train in a new process, and send it a signal at a certain moment if one is given.

    Args:
        what: The network, and where it trains.
        folder: Of the checkpoints.
        workers: Loader workers.
        number: Which moment of the kind.
        kind: What is going on at that moment; None for any time.
        signal_number: The signal; None to let it end.
        wait_s: How long after that moment.
    """
    heard, told = os.pipe()
    started = time.monotonic()
    # Until the child has said what it does with it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    pid = os.fork()
    if pid == 0:
        os.close(heard)
        in_child(what, folder, workers, kind, number, told)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.close(told)
    said = ""
    if signal_number is not None:
        if kind is not None:
            said = line(heard, started + PATIENCE_S)
        if said in ("", "now\n"):
            time.sleep(wait_s)
            started = time.monotonic()
            os.kill(pid, signal_number)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    seconds = time.monotonic() - started
    if status == 0 and said in ("", "now\n"):
        said = line(heard, time.monotonic() + PATIENCE_S)
        said = line(heard, time.monotonic() + PATIENCE_S) if said == "now\n" else said
    os.close(heard)
    digests, events = json.loads(said) if status == 0 else ({}, {})
    return Ended(status, digests, events, seconds)


def struck(
    what: What,
    folder: Path,
    workers: int,
    kind: str,
    number: int,
    expected: Ended,
    chance: random.Random,
) -> Ended:
    """Train, with a signal at a random moment of the kind."""
    if kind == "any time":
        wait_s = chance.uniform(0, expected.seconds)
        return run(what, folder, workers, signal_number=number, wait_s=wait_s)
    return run(
        what, folder, workers, kind=kind, number=chance.randint(1, expected.events[kind]),
        signal_number=number, wait_s=chance.uniform(0, LONGEST_WAIT_S),
    )  # fmt: skip


def tried(what: What, number: int, name: str, undisturbed: dict[int, Ended], seed: int) -> Trial:
    """Train, kill it once or twice, go on, and compare."""
    chance = random.Random(f"{seed} {name} {number}")
    kind, workers = KINDS[number % len(KINDS)], WORKERS[number // len(KINDS) % len(WORKERS)]
    expected, kills, slowest_s, most = undisturbed[workers], 0, 0.0, chance.choice((1, 1, 2))
    wanted = TERMINATED if name == "SIGTERM" else -signal.SIGKILL
    with tempfile.TemporaryDirectory(prefix="resume-") as place:
        folder, failed = Path(place) / "training", ""
        for attempt in range(ATTEMPTS):
            ended = struck(what, folder, workers, kind, getattr(signal, name), expected, chance)
            if ended.status not in (wanted, 0):
                failed = f"it ended with {ended.status} instead of {wanted}"
            if ended.status == wanted:
                kills += 1
                slowest_s = max(slowest_s, ended.seconds)
                if kills == most:
                    break
            elif kills or attempt == ATTEMPTS - 1:
                break
            else:  # it had ended before the signal came
                shutil.rmtree(folder)
        ended = run(what, folder, workers)
        if ended.status:
            failed = f"gone on with, it ended with {ended.status}"
        differs = [
            part for part, each in expected.digests.items() if ended.digests.get(part) != each
        ]
    return Trial(number, name, kind, workers, kills, differs, failed, slowest_s)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_TRIALS} trainings a signal")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--trials", type=int, default=None, help="trainings a signal")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--network", choices=NETWORKS, default="mlp")
    parser.add_argument("--device", default="cpu", help="where to train, such as cuda")
    arguments = parser.parse_args()
    what = What(arguments.network, arguments.device)
    trials = arguments.trials or (QUICK_TRIALS if arguments.quick else TRIALS)
    torch.set_num_threads(1)
    torch.optim.AdamW([torch.zeros(1)])  # what a first one imports takes longer than a training
    NETWORKS[arguments.network]()
    undisturbed = {}
    for workers in WORKERS:
        with tempfile.TemporaryDirectory(prefix="resume-") as place:
            undisturbed[workers] = run(what, Path(place), workers)
            if undisturbed[workers].status:
                return 1
    found = []
    for name in ("SIGKILL", "SIGTERM"):
        for number in range(trials):
            found.append(tried(what, number, name, undisturbed, arguments.seed))
            if not arguments.json and sys.stderr.isatty():
                print(f"\r{name} {number + 1} of {trials}", end="", file=sys.stderr)
    report(found, undisturbed, as_json=arguments.json)
    return 0


def report(found: list[Trial], undisturbed: dict[int, Ended], *, as_json: bool) -> None:
    workers_differ = undisturbed[0].digests != undisturbed[2].digests
    if as_json:
        about = {str(workers): asdict(each) for workers, each in undisturbed.items()}
        print(json.dumps({"undisturbed": about, "trials": [asdict(each) for each in found]}))
        return
    for each in found:
        if each.failed or each.differs:
            what = each.failed or f"other: {', '.join(each.differs)}"
            print(f"{each.signal} {each.number} ({each.kind}, {each.workers} workers): {what}")
    print(f"{'':10} {'killed in':12} trainings  kills  the same bits   slowest end after it")
    for name in ("SIGKILL", "SIGTERM"):
        for kind in KINDS:
            these = [each for each in found if (each.signal, each.kind) == (name, kind)]
            print(
                f"{name:10} {kind:12} {len(these):9} {sum(each.kills for each in these):6}"
                f" {sum(is_same(each) for each in these):14}"
                f" {max((each.slowest_s for each in these), default=0.0):15.2f} s"
            )
    for name in ("SIGKILL", "SIGTERM"):
        for workers in WORKERS:
            these = [each for each in found if (each.signal, each.workers) == (name, workers)]
            same = sum(is_same(each) for each in these)
            bar(f"{name}, {workers} workers", f"{same} the same", f"{len(these)}",
                same == len(these))  # fmt: skip
    bar("with workers as without", "other" if workers_differ else "the same", "the same",
        not workers_differ)  # fmt: skip


def is_same(trial: Trial) -> bool:
    return not trial.failed and not trial.differs


def bar(name: str, value: str, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    sys.exit(main())
