"""Serving models: what a server is made of, from a reference to a running process."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from assay.errors import InputError, NotFoundError
from assay.experiment.problems import of_block, refusal, unknown_key
from assay.inference.loading import load_folder
from assay.monitor import Announce, Step, silent
from assay.place import Place
from assay.registry import versions
from assay.registry.pointing import moves, version_named
from assay.serving.settings import ServingSettings
from assay.serving.traffic.settings import shares
from assay.workspace import Workspace

if TYPE_CHECKING:
    from assay.serving.app import App
    from assay.serving.observer import Observer
    from assay.serving.router import Slot
    from assay.serving.served_model import ServedModel
    from assay.serving.state import ServerState
    from assay.serving.traffic.opening import SharedTraffic

_BLOCK = "serving"
_BETWEEN_COLLECTIONS = 50_000
"""Objects that are made before garbage is looked for: a body of 1,000 rows makes some thousands."""
_NEEDED = ("starlette", "uvicorn", "httptools", "orjson", "prometheus_client")


@dataclass(frozen=True)
class ModelSource:
    """Where versions of a model come from.

    Attributes:
        reference: NAME, NAME@STAGE, NAME/VERSION, runs:/ID or a folder.
        trust: Types beyond those of the standard libraries that it may hold.
        place: Where the registry is; None for a folder.
    """

    reference: str
    trust: tuple[str, ...] = ()
    place: Place | None = None

    @classmethod
    def of(cls, reference: str, trust: Sequence[str] = ()) -> ModelSource:
        """The source that a reference means."""
        place = None if Path(reference).is_dir() else Place.to_find()
        return cls(reference, tuple(trust), place)

    @property
    def moves(self) -> bool:
        """Whether it may name another version later."""
        return self.place is not None and moves(self.reference)

    def newest(self) -> str:
        """The version that it names now: NAME/VERSION."""
        assert self.place is not None
        return version_named(self.place.uri, self.reference)

    def load(self, settings: ServingSettings, version: str | None = None) -> ServedModel:
        """A version, ready to serve.

        Args:
            settings: Of the server.
            version: Which one; what the reference names if None.

        Raises:
            NotFoundError: There is none.
            UnsafeModelError: It was changed since it was saved, or holds types nobody vouched for.
        """
        from assay.serving.served_model import ServedModel

        asked = version or self.reference
        if self.place is None:
            name = Path(asked).resolve().name  # clients are not told where it lies
            loaded = load_folder(Path(asked), name=name, trust=self.trust)
            return ServedModel.ready(loaded, settings, reference=name)
        found = versions.find_model(self.place.uri, asked)
        name = found.version.reference if found.version is not None else asked
        scratch: AbstractContextManager[Path] = self.place.workspace.scratch_to_read()
        with scratch as folder:
            local = found.local(folder)
            loaded = load_folder(local, name=name, expected=found.digest, trust=self.trust)
            return ServedModel.ready(
                loaded, settings, reference=self.reference, digest=found.digest
            )


def serve(
    model: str,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    settings: ServingSettings | str | Path | None = None,
    challengers: Sequence[str] = (),
    shadows: Sequence[str] = (),
    trust: Sequence[str] = (),
    announce: Announce = silent,
    listens: Callable[[str], None] = lambda _: None,
) -> None:
    """Answer requests with a model, until SIGTERM or Ctrl-C.

    What still hangs then is given up `grace_s` seconds later, and with it this process.

    Args:
        model: NAME, NAME@STAGE, NAME/VERSION, runs:/ID or a folder. Where the first two come to
            name another version, that one is served from then on.
        host: The address to listen at; that of this machine alone by default.
        port: The port; 0 for any that is free.
        settings: How the server behaves, or the file that says so.
        challengers: Models that get a share of the requests: 'NAME@staging=0.1'.
        shadows: Models that predict what this one answered, for nobody to see.
        trust: As in `assay.load`.
        announce: Told what is being done before it listens.
        listens: Called with the address once it does.

    Raises:
        NotFoundError: There is no such model.
        UnsafeModelError: As in `assay.load`.
        InputError: The settings are wrong, or nothing can be served there.
    """
    refuse_if_missing()
    from assay.serving import server

    settings = settings_of(settings)
    server.refuse_unusable_tls(settings.access)
    listener = server.listening(host, port)
    with listener:
        rivals = Rivals.of(challengers, shadows, trust)
        announce(Step(f"Loading {', '.join([model, *rivals.names])}"))
        made = server.made(app_of(ModelSource.of(model, trust), settings, rivals))
        gc.collect()
        gc.freeze()  # what was loaded stays: no collection has to look at it again
        gc.set_threshold(_BETWEEN_COLLECTIONS)
        scheme = "https" if settings.access.certificate else "http"
        named = f"[{host}]" if ":" in host else host
        listens(f"{scheme}://{named}:{listener.getsockname()[1]}")
        made.serve_at(listener)


@dataclass(frozen=True)
class Rivals:
    """The models beside the one that a server was asked for.

    Attributes:
        sources: Challengers, then shadows.
        shares: Of the requests, of the challengers.
    """

    sources: tuple[ModelSource, ...] = ()
    shares: tuple[float, ...] = ()

    @property
    def names(self) -> list[str]:
        """What they are asked for by."""
        return [each.reference for each in self.sources]

    @classmethod
    def of(
        cls, challengers: Sequence[str], shadows: Sequence[str], trust: Sequence[str] = ()
    ) -> Rivals:
        """As they are named: 'NAME@staging=0.1' and 'NAME@staging'.

        Raises:
            InputError: A share cannot be read, or the champion is left next to nothing.
        """
        known = shares(challengers)
        named = [*(each.reference for each in known), *shadows]
        sources = tuple(ModelSource.of(each, trust) for each in named)
        return cls(sources, tuple(each.share for each in known))


def app_of(source: ModelSource, settings: ServingSettings, rivals: Rivals = Rivals()) -> App:
    """The ASGI application of a model, for `serve` or any ASGI server."""
    from assay.serving.app import App
    from assay.serving.router import Slot

    sources = (source, *rivals.sources)
    slots = [Slot(each.load(settings)) for each in sources]
    watches = [
        _watch(*each, settings) for each in zip(sources, slots, strict=True) if each[0].moves
    ]
    samplers = _samplers(settings)
    if not rivals.sources and not settings.traffic.feedback:
        return App(slots, settings, watches=watches, observers=samplers)
    shared = _shared(source, slots, rivals, settings)
    return App(
        slots,
        settings,
        router=shared.traffic,
        observers=[shared.traffic, *samplers],
        routes=[shared.route],
        paths=shared.paths,
        watches=watches,
    )


def _watch(
    source: ModelSource, slot: Slot, settings: ServingSettings
) -> Callable[[ServerState], Coroutine[Any, Any, None]]:
    from assay.serving.swapping import Swapper

    return Swapper(slot, source.newest, lambda version: source.load(settings, version)).watch


def _shared(
    source: ModelSource, slots: Sequence[Slot], rivals: Rivals, settings: ServingSettings
) -> SharedTraffic:
    from assay.serving.naming import model_name
    from assay.serving.traffic.opening import share_traffic
    from assay.serving.traffic.tags import tagger

    place = source.place
    workspace = place.workspace if place is not None else Workspace.find()
    tell = tagger(place.uri) if place is not None else None
    name = model_name(slots[0].model.version)
    return share_traffic(workspace, name, slots, rivals.shares, settings, tell)


def _samplers(settings: ServingSettings) -> list[Observer]:
    """The sampler of what was answered, where something is to be kept."""
    if not settings.sampling.share:
        return []
    from assay.serving.monitoring.sampling import Sampler

    return [Sampler(Workspace.find().ensure().samples_folder, settings.sampling)]


def refuse_if_missing() -> None:
    """Refuse to serve without what the extra `serve` installs.

    Raises:
        InputError: Something of it is missing.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"Serving needs {missing[0]}, which is not installed.",
            mend="pip install 'assay-ml[serve]'",
        )


def needs_key(settings: ServingSettings) -> bool:
    """Whether clients must send a key."""
    return bool(os.environ.get(settings.access.key_variable))


def settings_of(given: ServingSettings | str | Path | None) -> ServingSettings:
    """Settings, from their file where they are in one; by default where there are none."""
    if isinstance(given, ServingSettings):
        return given
    return read_settings(Path(given)) if given is not None else ServingSettings()


def read_settings(path: Path) -> ServingSettings:
    """Read a file with a block `serving`.

    Raises:
        NotFoundError: There is no such file.
        InputError: It is no YAML, or says what cannot be; every problem is told.
    """
    if not path.is_file():
        raise NotFoundError(
            f"There is no file {path}.", mend=f"write one: {_BLOCK}: {{limits: {{rows: 1000}}}}"
        )
    try:
        written = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path.name} cannot be read as YAML: {str(error).splitlines()[0]}",
            where=str(path),
            mend="look at the indentation, a colon, a quote",
        ) from None
    if not isinstance(written, dict) or not isinstance(written.get(_BLOCK), dict):
        raise InputError(
            f"{path.name} has no block {_BLOCK}.",
            where=str(path),
            mend=f"{_BLOCK}: {{limits: {{rows: 1000}}}}",
        )
    problems = [unknown_key(str(key), [_BLOCK]) for key in written if key != _BLOCK]
    try:
        settings = ServingSettings.model_validate(written[_BLOCK])
    except ValidationError as error:
        problems += of_block(_BLOCK, ServingSettings, error.errors())
    if problems:
        told = refusal(problems, path.name, {})
        mend = told.mend if len(problems) == 1 else "change these; the documentation has every key"
        raise InputError(told.what, where=told.where, mend=mend)
    return settings
