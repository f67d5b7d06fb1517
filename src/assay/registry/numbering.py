"""Semantic versions of models: MAJOR.MINOR.PATCH says to who uses a model what changed.

Major: other inputs or outputs, so that whoever calls it must change as well. Minor: better by more
than noise, or another learner or other settings. Patch: the same, fitted again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from assay.estimates import Estimate
from assay.registry.versions import Version

SIGNATURE = "assay.signature"
"""Digest of what goes into the model and what comes out."""
SETTINGS = "assay.settings"
"""Digest of the learner and of its settings, seeds and sources left out."""
EVALUATION = "assay.evaluation"
"""The primary metric with its interval, as JSON."""
GREATER_IS_BETTER = "greater_is_better"
_FIRST = (1, 0, 0)


def numbered(versions: Sequence[Version]) -> str:
    """The semantic version of the newest, counted on from that of the one before.

    It follows from what the versions carry and nothing else, so that two who register at the same
    time count alike, whoever of them writes first.

    Args:
        versions: All of one model, the newest first.

    Returns:
        The semantic version; empty if Assay knows nothing of it.
    """
    before: Version | None = None
    count: tuple[int, int, int] | None = None
    for each in reversed(versions):
        if SIGNATURE not in each.tags:
            continue  # registered with plain MLflow
        known = _parsed(each.semantic_version)
        if known is not None:
            count = known
        elif before is None or count is None:
            count = _FIRST
        else:
            count = _next(count, changed(before.tags, each.tags))
        before = each
    if count is None or before is not versions[0]:
        return ""
    return ".".join(map(str, count))


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What changed between the tags of two versions: 'major', 'minor' or 'patch'."""
    if before.get(SIGNATURE) != after.get(SIGNATURE):
        return "major"
    if before.get(SETTINGS) != after.get(SETTINGS) or _is_better(before, after):
        return "minor"
    return "patch"


def evaluation_tag(metric: str, estimate: Estimate, rows: str, *, greater_is_better: bool) -> str:
    """The primary metric as a version carries it."""
    about = {"metric": metric, "rows": rows, GREATER_IS_BETTER: greater_is_better}
    return json.dumps({**about, **estimate.as_dict()})


def _is_better(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether the whole interval of one lies beyond that of the other, in the same metric.

    The rows may be others, so that nothing can be paired: this is strict, and says better less
    often than a paired comparison would.
    """
    old, new = (json.loads(tags.get(EVALUATION, "{}")) for tags in (before, after))
    same = [(each.get("metric"), each.get("rows"), each.get(GREATER_IS_BETTER))
            for each in (old, new)]  # fmt: skip
    ends = [each.get(end) for each in (old, new) for end in ("low", "high")]
    if same[0] != same[1] or None in ends:
        return False
    greater = bool(old[GREATER_IS_BETTER])
    return bool(new["low"] > old["high"] if greater else new["high"] < old["low"])


def _next(count: tuple[int, int, int], change: str) -> tuple[int, int, int]:
    """The version after one.

    >>> _next((1, 4, 2), "minor")
    (1, 5, 0)
    """
    major, minor, patch = count
    if change == "major":
        return major + 1, 0, 0
    return (major, minor + 1, 0) if change == "minor" else (major, minor, patch + 1)


def _parsed(text: str) -> tuple[int, int, int] | None:
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return None
    major, minor, patch = map(int, parts)
    return major, minor, patch
