"""Which mirrors a run has: ours by name, others by import path or by the name a package offers."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable
from difflib import get_close_matches
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from assay.errors import InputError
from assay.tracking.mirror import Mirror
from assay.tracking.settings import TrackingSettings, WandbSettings

GROUP = "assay.mirrors"
"""The entry points by which an installed package offers mirrors by name."""
_WHERE = "tracking.mirrors"


def mirrors_of(settings: TrackingSettings) -> list[Mirror]:
    """The mirrors that the `tracking` block asks for; nothing is opened yet.

    Raises:
        InputError: A library or a key is not there, or what is named is no mirror.
    """
    made: list[Mirror] = []
    if settings.wandb is not None:
        made.append(_wandb(settings.wandb))
    if settings.tensorboard:
        made.append(_tensorboard())
    made += [_given(path) for path in settings.mirrors]
    names = [each.name for each in made]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"Two mirrors are called {twice!r}.", where=_WHERE, mend="name each of them once"
        )
    return made


def _wandb(settings: WandbSettings) -> Mirror:
    from assay.tracking.wandb import KEY_VARIABLE, WandbMirror

    _need("wandb", "tracking.wandb", "Weights & Biases")
    if settings.mode == "online" and not os.environ.get(KEY_VARIABLE):
        raise InputError(
            f"Weights & Biases needs the environment variable {KEY_VARIABLE}, which is not set.",
            where="tracking.wandb.mode: online",
            mend=f"export {KEY_VARIABLE}=..., or mode: offline and `wandb sync` later",
        )
    return WandbMirror(settings)


def _tensorboard() -> Mirror:
    from assay.tracking.tensorboard import TensorboardMirror

    _need("tensorboard", "tracking.tensorboard", "TensorBoard")
    return TensorboardMirror()


def _need(library: str, where: str, called: str) -> None:
    found = find_spec(library)
    if found is None or found.origin is None:  # a folder of that name is no library
        raise InputError(
            f"{called} is not installed.",
            where=where,
            mend=f"pip install 'assay-ml[{library}]'",
        )


def _given(path: str) -> Mirror:
    """The mirror that an import path or the name of an entry point makes."""
    factory = _imported(path) if ":" in path else _offered(path)
    try:
        mirror = factory()
    except Exception as error:
        raise InputError(
            f"{path} could not make a mirror: {_told(error)}",
            where=_WHERE,
            mend="see what it says; it is called without arguments",
        ) from error
    missing = [name for name in ("name", "resumes", "open") if not hasattr(mirror, name)]
    if missing or inspect.isclass(mirror):
        raise InputError(
            f"{path} makes no mirror, but {mirror!r}.",
            where=_WHERE,
            mend="a mirror has\n"
            "name: str\n"
            "resumes: bool\n"
            "def open(self, opening: Opening) -> Recorder: ...",
        )
    return mirror


def _offered(name: str) -> Callable[[], Any]:
    offers = {each.name: each for each in entry_points(group=GROUP)}
    if name in offers:
        return _imported(offers[name].value, f" (offered as {name!r})")
    close = get_close_matches(name, offers, n=1)
    known = ", ".join(sorted(offers)) or "none"
    raise InputError(
        f"No installed package offers a mirror called {name!r}.",
        where=f"{_WHERE} (offered: {known})",
        mend=f"mirrors: [{close[0]}]" if close else "write it as package.module:factory",
    )


def _imported(path: str, besides: str = "") -> Callable[[], Any]:
    module_name, _, attribute = path.partition(":")
    where = f"{_WHERE}: {path}{besides}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"There is no module {error.name!r}.",
            where=where,
            mend="install it, or put it beside the experiment file",
        ) from None
    except Exception as error:
        raise InputError(
            f"The module {module_name!r} cannot be imported: {_told(error)}",
            where=where,
            mend="mend the module, and import it by itself to see more",
        ) from error
    factory = getattr(module, attribute, None)
    if callable(factory):
        return factory
    close = get_close_matches(attribute, dir(module), n=1)
    raise InputError(
        f"Module {module_name!r} has no function {attribute!r}.",
        where=where,
        mend=f"mirrors: ['{module_name}:{close[0]}']"
        if close
        else "write it as package.module:factory",
    )


def _told(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
