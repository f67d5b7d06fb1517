"""Traffic: how the models stand that share the requests to a name, and a page of it."""

from __future__ import annotations

from pathlib import Path

from assay.place import Place
from assay.serving.traffic import page
from assay.serving.traffic.standing import Standing, standing
from assay.serving.traffic.store import TrafficStore, path_of
from assay.workspace import check_folder, file_name


def traffic(model: str, contest: str | None = None) -> Standing:
    """How the models stand that share the traffic of a name.

    Args:
        model: NAME, NAME@STAGE or NAME/VERSION of the champion.
        contest: Id of a contest; the one that was last answered in when None.

    Raises:
        NotFoundError: No traffic of it was shared, or there is no such contest.
    """
    name = name_of(model)
    place = Place.to_find(settles=False)
    return standing(TrafficStore(path_of(place.workspace, name)), name, contest)


def write_page(found: Standing, path: Path | None = None) -> Path:
    """Write the page of a contest and return its path.

    Args:
        found: How it stands.
        path: Where to; among the reports of the workspace when None.

    Raises:
        InputError: There is no such folder, or nothing can be written into it.
    """
    if path is None:
        folder = Place.to_find(settles=False).workspace.ensure().reports_folder
        path = folder / f"{file_name(name_of(found.contest.champion))}.traffic.html"
        path.parent.mkdir(parents=True, exist_ok=True)
    check_folder(path)
    return page.write(found, path)


def name_of(model: str) -> str:
    """The name in NAME, NAME@STAGE or NAME/VERSION.

    >>> name_of("income@production"), name_of("income/3"), name_of("income")
    ('income', 'income', 'income')
    """
    return model.removeprefix("models:/").partition("@")[0].partition("/")[0]
