"""Naming: which model a reference means, for everything that is kept by the model's name."""

from __future__ import annotations

_RUN = "runs:/"


def model_name(reference: str) -> str:
    """The name in NAME, NAME@STAGE or NAME/VERSION; a run's model and a folder are their own.

    >>> model_name("income@production"), model_name("models:/income/3"), model_name("income")
    ('income', 'income', 'income')
    >>> model_name("runs:/0123abc"), model_name("runs:/0123abc/model"), model_name("folder")
    ('runs:/0123abc', 'runs:/0123abc/model', 'folder')
    """
    if reference.startswith(_RUN):
        return reference
    named = reference.removeprefix("models:/").partition("@")[0]
    name, _, number = named.rpartition("/")
    return name if name and number.isdecimal() else named
