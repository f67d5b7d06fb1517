"""Apart: in what two provenances differ, and whether numbers can depend on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

_COMPUTING = (
    "assay-ml", "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "joblib", "threadpoolctl",
    "numexpr", "bottleneck",
)  # fmt: skip
"""Packages that numbers depend on, whatever the learner; pandas takes up the last two unasked."""


class Apart(NamedTuple):
    """One thing that is not the same: how it was, how it is, and whether numbers depend on it."""

    name: str
    before: str
    now: str
    matters: bool


def packages_apart(
    before: Mapping[str, str], now: Mapping[str, str], telling: Collection[str]
) -> Iterator[Apart]:
    """Packages of other versions; what was added to those of before is told if it matters.

    Args:
        before: Versions by name.
        now: The same.
        telling: Names of those that numbers depend on, besides those that compute for all.
    """
    matter = {*map(canonicalize_name, (*_COMPUTING, *telling))}
    was, is_now = (
        {canonicalize_name(name): version for name, version in each.items()}
        for each in (before, now)
    )
    for name in sorted({*was, *is_now}):
        versions = was.get(name, "not installed"), is_now.get(name, "not installed")
        if versions[0] != versions[1] and (name in was or name in matter):
            yield Apart(name, *versions, name in matter)


def python_apart(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Apart]:
    """Of Python the minor version matters: releases of one compute alike."""
    was, is_now = (str(each.get("python", "")) for each in (before, now))
    if was and was != is_now:
        yield Apart("python", was, is_now, was.split(".")[:2] != is_now.split(".")[:2])


def commit_apart(
    before: Mapping[str, Any], now: Mapping[str, Any], is_own: bool
) -> Iterator[Apart]:
    """The commit and what is not in it; that the learner is made by it, only digests can tell.

    Args:
        before: A provenance.
        now: The other.
        is_own: Whether the learner is made by code that is not recorded.
    """
    for key, name in (("commit", "commit"), ("diff", "uncommitted changes")):
        was, is_now = (str(each.get("git", {}).get(key, "")) for each in (before, now))
        if was != is_now:
            told = (was[:12], is_now[:12]) if key == "commit" else (_lines(was), _lines(is_now))
            yield Apart(name, told[0] or "none", told[1] or "none", is_own)


def _lines(diff: str) -> str:
    n = len(diff.splitlines())
    return f"{n:,} lines" if n else "none"
