"""What of an experiment may be recorded: names of variables, never the values they stood for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assay.experiment.variables import reads_environment
from assay.provenance import HIDDEN, masked

_NAMES = {"name", "data.target", "model.learner", "registry.name"}
"""Names, of columns, modules and models: hiding them would hide nothing."""

_SECRET = r"(?i:(?<![a-z])(?:token|password|passwd|secret|api_?key))"
_IS_SECRET = re.compile(f".*{_SECRET}")
_SPELLED_OUT = re.compile(
    rf"""({_SECRET}["']?[ \t]*[:=][ \t]*)(?!["']?\$\{{\w+\}})"""
    r"""("[^"\n]*"|'[^'\n]*'|(?:\$\{[^}\n]*\}|[^\s,{}\[\]#])+)"""
)
_BY_VARIABLE = re.compile(r"(\$\{\w+\})+")


def as_recorded(settings: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with every ${VAR} as it was written, and without secrets that are spelled out.

    Args:
        settings: The settings as they are used, nested.
        written: The same as they were written, without defaults.
    """
    return {name: _recorded(value, written.get(name), name) for name, value in settings.items()}


def text_as_recorded(text: str) -> str:
    """An experiment file without the secrets that are spelled out in it.

    >>> text_as_recorded("options: {api_key: hunter2, user: ${USER}, password: ${PASSWORD}}")
    'options: {api_key: ***, user: ${USER}, password: ${PASSWORD}}'
    """
    return masked(_SPELLED_OUT.sub(rf"\1{HIDDEN}", text))


def _recorded(value: Any, written: Any, key: str) -> Any:
    if key in _NAMES:
        return value
    text = written if _reads_environment(written) else value
    if isinstance(text, str):
        is_told = text and _IS_SECRET.fullmatch(key) and not _BY_VARIABLE.fullmatch(text)
        return HIDDEN if is_told else masked(text)
    if isinstance(value, Mapping) and isinstance(written, Mapping | None):
        below = written or {}
        return {
            name: _recorded(inner, below.get(name), f"{key}.{name}")
            for name, inner in value.items()
        }
    if isinstance(value, list) and isinstance(written, list) and len(value) == len(written):
        return [_recorded(*each, key) for each in zip(value, written, strict=True)]
    return text  # which, where the two differ in shape, stays as written


def _reads_environment(written: Any) -> bool:
    """Whether any text in it does."""
    if isinstance(written, Mapping | list):
        inner = written.values() if isinstance(written, Mapping) else written
        return any(_reads_environment(each) for each in inner)
    return isinstance(written, str) and reads_environment(written)
