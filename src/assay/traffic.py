"""Traffic: how the models stand that share the requests to a name, and a page of it."""

from __future__ import annotations

from pathlib import Path

from assay.data.sources import located, read_table
from assay.errors import InputError
from assay.place import Place
from assay.serving.naming import model_name
from assay.serving.traffic import page
from assay.serving.traffic.labelled import Refreshed, refresh
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
    name = model_name(model)
    place = Place.to_find(settles=False)
    return standing(TrafficStore(path_of(place.workspace, name)), name, contest)


def refresh_test(model: str, data: str | Path, out: str | Path) -> Refreshed:
    """Write a table whose test rows are those that were answered and whose outcome is known.

    Args:
        model: NAME, NAME@STAGE or NAME/VERSION of the champion.
        data: The rows to learn from: what the model was trained on.
        out: Where to write: a .parquet file.

    Raises:
        NotFoundError: No row was kept, or no outcome has come.
        DataError: The rows do not fit the data, or are all in it.
        VaultError: The ledger of looks cannot be read or written.
        InputError: The file cannot be written.
    """
    out, name = Path(out), model_name(model)
    if out.suffix != ".parquet":
        raise InputError(
            f"Rows cannot be written to {out.name}.", where=str(out), mend="name a .parquet file"
        )
    check_folder(out)
    source = located(str(data), Path.cwd())
    if isinstance(source, Path) and source.exists() and out.exists() and source.samefile(out):
        raise InputError(
            "The data would be written over.", where=str(out), mend="name another file"
        )
    place = Place.to_find(settles=False)
    store = TrafficStore(path_of(place.workspace, name))
    latest = standing(store, name).contest
    contests = [each for _, each in store.contests() if each.target == latest.target]
    return refresh(store, contests, read_table(source), out, place.vault)


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
        path = folder / f"{file_name(model_name(found.contest.champion))}.traffic.html"
        path.parent.mkdir(parents=True, exist_ok=True)
    check_folder(path)
    return page.write(found, path)
