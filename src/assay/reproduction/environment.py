"""The environment: in what it differs from that of an earlier run, and whether that matters.

What matters is what numbers can depend on: the libraries that compute them, the processor, threads
and the user's own code. What differs besides is told, and should change no bit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from assay.experiment.recipe import Recipe, own_modules
from assay.provenance import DISTRIBUTIONS
from assay.provenance.apart import commit_apart, packages_apart, python_apart
from assay.reproduction.pins import needed_by

_OF_THE_RUN = {
    "created", "command", "user", "host", "seed", "split", "data fingerprint", "sealed test",
    "data version", "chosen by folds", "chosen in the fit", "resumed",
    "sealed cells that count as missing",
}  # fmt: skip
"""What provenance tells of the run itself, not of its surroundings."""
_PRIVATE = ("git", "packages from elsewhere")
_SAYS_NOTHING = ("cores", "logical cores", "memory_gib")
_WHERE_LOADED = "back ends"
"""Of libraries that are loaded only those of both are compared: which are depends on the moment."""
_SYSTEM = re.compile(
    r"(?P<system>\w+)-.*?-(?P<machine>x86_64|amd64|arm64|aarch64)(?P<libc>.*)", re.I
)


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was.

    Attributes:
        kind: 'package', 'python', 'platform', 'hardware', 'threads', 'code', or what else the
            provenance calls it.
        name: What it is.
        before: How it was when the run was recorded.
        now: How it is.
        matters: Whether numbers can depend on it.
    """

    kind: str
    name: str
    before: str
    now: str
    matters: bool

    def __str__(self) -> str:
        named = self.name if self.kind == self.name else f"{self.kind}: {self.name}"
        return f"{named} was {self.before}, is {self.now}"

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def changes(
    before: Mapping[str, Any], now: Mapping[str, Any], recipe: Recipe, learner_is_own: bool = False
) -> tuple[Change, ...]:
    """What differs, first what matters.

    Args:
        before: The provenance that was recorded.
        now: That of this process.
        recipe: Of the run.
        learner_is_own: Whether a learner was handed over whose code is not in the recipe.
    """
    of_learner = recipe.packages
    packages = packages_apart(
        {**recorded_packages(before), **of_learner},
        {**recorded_packages(now), **_installed(of_learner)},
        needed_by(of_learner),
    )
    found = [
        *(Change("package", *each) for each in packages),
        *(Change("python", *each) for each in python_apart(before, now)),
        *_platform(before.get("platform", ""), now.get("platform", "")),
        *_code(recipe),
        *(Change("code", *each) for each in commit_apart(before, now, learner_is_own)),
    ]
    told = {"packages", DISTRIBUTIONS, "python", "platform", *_PRIVATE} | _OF_THE_RUN
    for kind in before:
        if kind not in told and kind in now:
            found += _other(kind, before[kind], now[kind])
    return tuple(sorted(found, key=lambda each: not each.matters))


def recorded_packages(provenance: Mapping[str, Any]) -> dict[str, str]:
    """The versions of all distributions; in older runs of some."""
    known: dict[str, str] = provenance.get(DISTRIBUTIONS) or provenance.get("packages", {})
    return known


def surroundings(provenance: Mapping[str, Any], needed: Collection[str]) -> dict[str, Any]:
    """What of a provenance others can compare theirs with: no user, no command, no path.

    Args:
        provenance: As it was recorded.
        needed: Names of the packages to keep.
    """
    kept = {
        kind: _without_paths(value)
        for kind, value in provenance.items()
        if kind not in {*_OF_THE_RUN, *_PRIVATE, DISTRIBUTIONS} and not _is_path(value)
    }
    known = recorded_packages(provenance).items()
    kept["packages"] = {name: each for name, each in known if canonicalize_name(name) in needed}
    return kept


def _without_paths(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_paths(each) for key, each in value.items() if not _is_path(each)}
    if isinstance(value, list | tuple):
        return [_without_paths(each) for each in value if not _is_path(each)]
    return value


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and Path(value).is_absolute()


def _installed(names: Iterable[str]) -> dict[str, str]:
    """Versions of those that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _platform(before: str, now: str) -> Iterator[Change]:
    """Of the platform the system, the machine and the C library: a kernel computes nothing."""
    if before and before != now:
        was, is_now = _SYSTEM.fullmatch(before), _SYSTEM.fullmatch(now)
        same = was is not None and is_now is not None and was.groups() == is_now.groups()
        yield Change("platform", "platform", before, now, matters=not same)


def _code(recipe: Recipe) -> Iterator[Change]:
    """The user's own modules that make the learner."""
    if not recipe.code:
        return
    for path, digest in recipe.code.items():
        file = Path(recipe.folder) / path
        if not file.is_file():
            yield Change("code", path, digest[:12], "not there", matters=True)
    learner = recipe.settings["model"]["learner"]
    for path, digest in own_modules(Path(recipe.folder), learner).digests.items():
        was = recipe.code.get(path)
        if was != digest:
            yield Change("code", path, was[:12] if was else "not there", digest[:12], matters=True)


def _other(kind: str, before: Any, now: Any) -> list[Change]:
    """Hardware, threads, seeds, libraries: whatever both have taken down."""
    was, is_now = dict(_leaves(before)), dict(_leaves(now))
    names = {*was} & {*is_now} if kind == _WHERE_LOADED else {*was, *is_now}
    return [
        Change(
            kind,
            name or kind,
            was.get(name, "not set"),
            is_now.get(name, "not set"),
            matters=name.rpartition(".")[2] not in _SAYS_NOTHING,
        )
        for name in sorted(names)
        if was.get(name) != is_now.get(name)
    ]


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Single values by dotted name, entries of a list by their place."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{name}.{place}" if name else str(place))
    else:
        yield name, str(value)
