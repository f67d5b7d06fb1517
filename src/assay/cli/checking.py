"""`assay check`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli.console import json_option, out, print_json, progress, quiet_option
from assay.errors import InputError, NotFoundError
from assay.monitor import Step

if TYPE_CHECKING:
    from assay.checks.run import CheckResults

_EXPERIMENTS = (".yaml", ".yml", ".toml")
_CODE = (".py", ".ipynb")
_ROLES = ("id", "group", "time", "weight", "segments", "ignore", "series")
_SEVERAL = ("group", "segments", "ignore")
_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("things", metavar="[EXPERIMENT|RUN|DATA|CODE...]", nargs=-1)
@click.option("--target", multiple=True, metavar="COLUMN", help="Of tables: what is predicted.")
@click.option("--train", "train_rows", type=_FILE, help="A table of the rows to learn from.")
@click.option("--test", type=_FILE, help="A table of the rows to judge on.")
@click.option("--serving", type=_FILE, help="A table of rows that the model meets in use.")
@click.option("--raw", "before", type=_FILE, help="All rows before they were prepared and divided.")
@click.option("--predictions", type=_FILE, help="A table of answers with their truth.")
@click.option("--runs", "log", type=_FILE, help="A record of the runs behind a model, JSON.")
@click.option("--code", type=_FILE, multiple=True, help="Code that goes with tables. Repeatable.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE=COLUMN",
    help="What a column is there for: id, group, time, weight, segments, ignore, or series for "
    "entities followed over time. Repeatable.",
)
@click.option("--task", type=click.Choice(["binary", "multiclass", "multilabel", "regression"]))
@click.option("--metric", help="Name of the metric that is reported.")
@click.option("--claim", help="What is said of the model.")
@json_option
@quiet_option
def check(
    things: tuple[str, ...],
    target: tuple[str, ...],
    train_rows: Path | None,
    code: tuple[Path, ...],
    roles: tuple[str, ...],
    task: str | None,
    as_json: bool,
    quiet: bool,
    **handed: Any,
) -> int:
    """Look for known mistakes; nothing is trained and nothing is kept.

    Takes an experiment file, a run, or a table with its --target; rows that are divided already:
    --train A --test B --target COLUMN; or the code of others, scripts, notebooks and folders of
    them, which is read and not run.
    """
    if bool(things) == (train_rows is not None):
        raise click.UsageError("Give something to look at, or --train TABLE.")
    with progress(quiet) as announce:
        from assay import checking
        from assay.checks.code.sources import check_sources

        played = _roles(roles)
        if things and all(_is_code(Path(each), target) for each in things):
            announce(Step("Reading the code"))
            paths = [*map(Path, things), *code]
            _refuse_missing(paths)
            return _told(check_sources(paths), as_json)
        if len(things) > 1:
            raise click.UsageError("Give one thing to look at; only of code may there be several.")
        thing = things[0] if things else None
        source = train_rows or thing
        is_table = target or train_rows is not None or any(handed.values()) or played
        if is_table or _is_a_table(thing):
            _refuse_without(target, source)
            found = checking.check(
                str(source),
                target=target[0] if len(target) == 1 else target,
                settings={"task": task, "roles": _within(played)},
                evidence=checking.Evidence(series=_first(played.get("series")), **handed),
                announce=announce,
            )
        else:
            found = checking.check(source, announce=announce)
        if code:
            _refuse_missing(code)
            found = found.with_those_of(check_sources(code))
    return _told(found, as_json)


def _told(found: CheckResults, as_json: bool) -> int:
    if as_json:
        print_json(found.as_dict())
    else:
        from assay.cli.findings import findings_shown

        out().print(findings_shown(found))
    return 1 if found.blocking else 0


def _refuse_missing(paths: Iterable[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise NotFoundError(
                f"There is no file {path.name}.", where=str(path), mend="give its path"
            )


def _is_code(path: Path, target: tuple[str, ...]) -> bool:
    """Whether it is a script, a notebook, or a folder in which there are any."""
    if path.suffix in _CODE:
        return True
    if target or not path.is_dir():
        return False
    return any(True for suffix in _CODE for _ in path.rglob(f"*{suffix}"))


def _is_a_table(thing: str | None) -> bool:
    """Whether it is a file or a folder, and no experiment."""
    path = Path(thing or "")
    return path.exists() and path.suffix.lower() not in _EXPERIMENTS


def _refuse_without(target: tuple[str, ...], source: Path | str | None) -> None:
    if not target:
        raise InputError(
            "A table does not say what is to be predicted from it.",
            where=str(source),
            mend="--target COLUMN",
        )


def _roles(given: tuple[str, ...]) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {}
    for each in given:
        role, _, column = each.partition("=")
        if role not in _ROLES or not column:
            raise InputError(
                f"--role {each} names no role.",
                mend=f"--role ROLE=COLUMN, where ROLE is one of {', '.join(_ROLES)}",
            )
        roles.setdefault(role, []).append(column)
        if role not in _SEVERAL and len(roles[role]) > 1:
            raise InputError(
                f"Two columns are to play the role {role}: {', '.join(roles[role])}.",
                mend=f"--role {role}=COLUMN once",
            )
    return roles


def _within(roles: Mapping[str, list[str]]) -> dict[str, Any]:
    """The roles as the `data` block has them; of series it knows nothing."""
    return {
        role: names if role in _SEVERAL else names[0]
        for role, names in roles.items()
        if role != "series"
    }


def _first(columns: list[str] | None) -> str | None:
    return columns[0] if columns else None
