"""Variables of the environment in the texts of an experiment: ${VAR}, ${VAR:-default}, $${VAR}."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

_VARIABLE = re.compile(r"\$(\$)?\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def substituted(text: str) -> tuple[str, list[str]]:
    """The text with the environment's values, and the names of those that are not set.

    >>> substituted("${NOWHERE:-/data}/$${x}.csv")
    ('/data/${x}.csv', [])
    """
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:]
        name: str = match[2]
        default: str | None = match[3]
        found = os.environ.get(name, default)
        if found is None:
            missing.append(name)
        return found or ""

    return _VARIABLE.sub(value, text), missing


def reads_environment(text: str) -> bool:
    """Whether something in the text stands for a value of the environment."""
    return any(not match[1] for match in _VARIABLE.finditer(text))


def places_reading_environment(value: Any, key: str) -> Iterator[str]:
    """The dotted keys, at or below this one, whose name or text reads the environment.

    >>> list(places_reading_environment({"metrics": {"roc_auc": "${FLOOR}"}}, "gates"))
    ['gates.metrics.roc_auc']
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            below = f"{key}.{name}"
            if reads_environment(str(name)):
                yield below
            else:
                yield from places_reading_environment(inner, below)
    elif isinstance(value, list):
        for each in value:
            yield from places_reading_environment(each, key)
    elif isinstance(value, str) and reads_environment(value):
        yield key
