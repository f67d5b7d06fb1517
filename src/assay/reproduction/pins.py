"""Pins: the packages that a run needs, each at the version that it was trained with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from assay.errors import InputError
from assay.reproduction.wheel import ASSAY, requirements


@dataclass(frozen=True)
class Pins:
    """Versions to install.

    Attributes:
        versions: By name, Assay itself left out.
        elsewhere: Those that were installed from a folder or an address, by name: no index has
            them.
    """

    versions: Mapping[str, str]
    elsewhere: tuple[str, ...]

    def text(self, of_assay: str = "") -> str:
        """A requirements file.

        Args:
            of_assay: How Assay itself is required: pinned, or a wheel beside the file; empty where
                it is not.
        """
        lines = [f"{name}=={version}" for name, version in sorted(self.versions.items())]
        return "\n".join([of_assay, *lines] if of_assay else lines) + "\n"


def pinned(roots: Iterable[str], recorded: Mapping[str, str], *, needs_assay: bool = True) -> Pins:
    """What these distributions need, and what that needs, at the recorded versions.

    Args:
        roots: Names of distributions, besides Assay.
        recorded: Versions by name, as they were when the run was trained.
        needs_assay: Whether all that Assay can need is among them.

    Raises:
        InputError: A package that was needed then is not installed now, so nobody can tell what it
            needs in turn.
    """
    known = {str(canonicalize_name(name)): version for name, version in recorded.items()}
    versions, elsewhere = {}, []
    for name, found in sorted(_closure([ASSAY, *roots] if needs_assay else roots).items()):
        if name == ASSAY:
            continue
        version = known.get(name, found.version)
        versions[name] = version.partition("+")[0]  # +cpu and the like: no index has these
        if is_from_elsewhere(found):
            elsewhere.append(name)
    return Pins(versions, tuple(elsewhere))


def is_from_elsewhere(found: Distribution) -> bool:
    """Whether it was installed from a folder or an address rather than from an index."""
    direct = found.read_text("direct_url.json")
    return direct is not None and "url" in json.loads(direct)


def needed_by(roots: Iterable[str]) -> set[str]:
    """Canonical names of these distributions and of all that they need, as far as that is here."""
    try:
        return set(_closure(roots))
    except InputError:
        return {canonicalize_name(name) for name in roots}


def _closure(roots: Iterable[str]) -> dict[str, Distribution]:
    """The distributions and all that they require here, by canonical name."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(name) for name in roots]
    seen: set[tuple[str, str]] = set()
    while waiting:
        required = waiting.pop()
        name = canonicalize_name(required.name)
        if name not in found:
            found[name] = _installed(required.name)
        for extra in ("", *required.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += _required(found[name], extra)
    return found


def _required(found: Distribution, extra: str) -> list[Requirement]:
    """What it requires on this machine with this extra."""
    texts = requirements() if found.name == ASSAY else found.requires or ()
    return [
        each
        for each in map(Requirement, texts)
        if each.marker is None or each.marker.evaluate({"extra": extra})
    ]


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise InputError(
            f"{name}, which the model needs, is not installed here.",
            mend=f"pip install {name}, and do this again",
        ) from None
