"""Ablation: one thing is changed at a time from a base, and what that does is told in one table.

Everything is validated before anything is trained. Several variants are several chances to be
deceived: the intervals of the differences are as wide as their number demands (Bonferroni).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from assay import lifecycle
from assay.errors import AssayError
from assay.evaluation.comparison import paired
from assay.evaluation.intervals import replicate
from assay.evaluation.result import Difference
from assay.experiment.reading import load_experiment
from assay.experiment.variation import Variant, variants
from assay.monitor import Announce, Step, silent
from assay.pairs import on_common_rows
from assay.place import Place
from assay.run import Run
from assay.tracking.store import Store

FILE = "ablation.json"


@dataclass(frozen=True)
class Effect:
    """What one change did.

    Attributes:
        variant: What was changed.
        run: The run; None if it failed.
        difference: In the primary metric, from the base to the variant; None if it failed.
        failure: Why it failed; else empty.
    """

    variant: Variant
    run: Run | None
    difference: Difference | None
    failure: str = ""

    @property
    def verdict(self) -> str:
        """Better, worse or within noise; or that it failed."""
        if self.difference is None:
            return "failed"
        words = {"second": "better", "first": "worse", None: "within noise"}
        if self.difference.better is None and not self.difference.estimate.has_interval:
            return "cannot be said"
        return words[self.difference.better]

    def as_dict(self) -> dict[str, Any]:
        return {
            "variant": self.variant.name,
            "overrides": list(self.variant.overrides),
            "run": self.run.reference if self.run is not None else None,
            "run_id": self.run.run_id if self.run is not None else None,
            "metric": self.run.evaluation.headline.as_dict() if self.run is not None else None,
            "seeds": list(self.run.seeds) if self.run is not None else [],
            "difference": self.difference.as_dict() if self.difference is not None else None,
            "verdict": self.verdict,
            "failure": self.failure,
        }


@dataclass(frozen=True)
class Ablation:
    """A base and what every change of it did.

    Attributes:
        tag: What all its runs are tagged with.
        base: The run that nothing was changed in.
        level: Level of each interval of a difference, so that all hold together.
        effects: By their size, the largest first; failed ones last.
    """

    tag: str
    base: Run
    level: float
    effects: tuple[Effect, ...]

    @property
    def primary(self) -> str:
        """The metric to decide by."""
        return self.base.evaluation.primary

    def as_dict(self) -> dict[str, Any]:
        return {
            "tag": self.tag,
            "base": self.base.reference,
            "base_id": self.base.run_id,
            "primary": self.primary,
            "metric": self.base.evaluation.headline.as_dict(),
            "seeds": list(self.base.seeds),
            "level": self.level,
            "effects": [each.as_dict() for each in self.effects],
        }

    def __repr__(self) -> str:
        told = ", ".join(f"{each.variant.name} {each.verdict}" for each in self.effects)
        return f"Ablation({self.base.name}: {told})"


def ablate(
    source: str | Path,
    vary: Sequence[str],
    *,
    overrides: Sequence[str] = (),
    workers: int | None = None,
    store: Store | None = None,
    announce: Announce = silent,
) -> Ablation:
    """Train an experiment, then change one thing at a time and say what each change does.

    Args:
        source: An experiment file.
        vary: 'KEY=V1,V2', or 'KEY' for what suggests itself; 'features' leaves out one at a time.
        overrides: 'key=value' each, of the base and so of all.
        workers: Parallel fits.
        store: Where to keep the runs.
        announce: Told of progress.

    Raises:
        InputError: A key or a value cannot be; nothing was trained.
    """
    asked = variants(source, vary, overrides)
    tag = f"ablation-{token_hex(3)}"
    place = Place.to_begin(load_experiment(source, overrides).tracking_uri, store)

    def trained(changes: Sequence[str], why: str) -> Run:
        return lifecycle.train(
            source,
            overrides=[*overrides, *changes],
            why=why,
            tags=["ablation", tag],
            workers=workers,
            store=store,
            announce=announce,
        )

    total = len(asked) + 1
    announce(Step(f"Run 1 of {total}: the base"))
    base = trained((), f"The base of {tag}.")
    level = 1 - (1 - base.level) / len(asked)
    effects: list[Effect] = []
    try:
        for number, variant in enumerate(asked, start=2):
            announce(Step(f"Run {number} of {total}: {variant.name}"))
            effects.append(_effect(base, variant, level, trained, place))
    finally:  # stopped halfway, what is done is kept
        ablation = Ablation(tag, base, level, tuple(sorted(effects, key=_by_size)))
        _keep(ablation, place)
    return ablation


def _effect(
    base: Run,
    variant: Variant,
    level: float,
    trained: Callable[[Sequence[str], str], Run],
    place: Place,
) -> Effect:
    try:
        run = trained(variant.overrides, f"What does it do? {variant.name}, nothing else changed.")
        return Effect(variant, run, _difference(base, run, level, place))
    except AssayError as error:
        return Effect(variant, None, None, error.what)
    except Exception as error:  # a learner of one's own may raise anything; the others go on
        return Effect(variant, None, None, f"{type(error).__name__}: {error}")


def _difference(base: Run, run: Run, level: float, place: Place) -> Difference:
    """Variant minus base in the base's primary metric, on the rows that both predicted."""
    before, after = replicate(on_common_rows((base, run), place), base.resamples)
    return paired(
        before,
        after,
        task=base.schema.task,
        metric=base.evaluation.primary,
        level=level,
        names=(base.name, run.name),
    )


def _by_size(effect: Effect) -> tuple[bool, float]:
    if effect.difference is None:
        return True, 0.0
    return False, -abs(effect.difference.estimate.value)


def _keep(ablation: Ablation, place: Place) -> None:
    """Record the table with the base."""
    with place.workspace.scratch() as scratch:
        path = scratch / FILE
        path.write_text(json.dumps(ablation.as_dict(), indent=1, default=str), encoding="utf-8")
        place.store.attach(ablation.base.run_id).artifact(path)
