"""`assay check`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli.console import json_option, out, print_json, progress, quiet_option
from assay.errors import InputError
from assay.monitor import Announce

if TYPE_CHECKING:
    from assay.checks.run import CheckResults
    from assay.data.settings import DataSettings

_EXPERIMENTS = (".yaml", ".yml", ".toml")
_SEVERAL = ("group", "segments", "ignore")
_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("thing", metavar="[EXPERIMENT|RUN|DATA]", required=False)
@click.option("--target", multiple=True, metavar="COLUMN", help="Of tables: what is predicted.")
@click.option("--train", "train_rows", type=_FILE, help="A table of the rows to learn from.")
@click.option("--test", "test_rows", type=_FILE, help="A table of the rows to judge on.")
@click.option("--serving", type=_FILE, help="A table of rows that the model meets in use.")
@click.option("--raw", "before", type=_FILE, help="All rows before they were prepared and divided.")
@click.option("--predictions", type=_FILE, help="A table of answers with their truth.")
@click.option("--runs", "log", type=_FILE, help="A record of the runs behind a model, JSON.")
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
    thing: str | None,
    target: tuple[str, ...],
    train_rows: Path | None,
    roles: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    **handed: Any,
) -> int:
    """Look for known mistakes; nothing is trained and nothing is kept.

    Takes an experiment file, a run, or a table with its --target; or rows that are divided
    already: --train A --test B --target COLUMN.
    """
    with progress(quiet) as announce:
        if (thing is None) == (train_rows is None):
            raise click.UsageError("Give one thing to look at, or --train TABLE.")
        if train_rows is not None:
            found = _tables(train_rows, target, roles, handed, announce)
        else:
            found = _looked_at(thing or "", target, roles, handed, announce)
    if as_json:
        print_json(found.as_dict())
    else:
        from assay.cli.findings import findings_shown

        out().print(findings_shown(found))
    return 1 if found.blocking else 0


def _looked_at(
    thing: str,
    target: tuple[str, ...],
    roles: tuple[str, ...],
    handed: Mapping[str, Any],
    announce: Announce,
) -> CheckResults:
    path = Path(thing)
    if path.suffix.lower() in _EXPERIMENTS:
        return _experiment(path, announce)
    if path.exists() or target:
        return _tables(path, target, roles, handed, announce)
    from assay.checking import check_run

    return check_run(thing)


def _experiment(path: Path, announce: Announce) -> CheckResults:
    from assay.checking import check_experiment
    from assay.experiment.asking import ask

    asked = ask(path, target=None, learner=None, settings={}, overrides=())
    return check_experiment(asked, announce)


def _tables(
    train: Path,
    target: tuple[str, ...],
    roles: tuple[str, ...],
    handed: Mapping[str, Any],
    announce: Announce,
) -> CheckResults:
    from assay.checking import Tables, check_tables

    if not target:
        raise InputError(
            "A table does not say what is to be predicted from it.",
            where=str(train),
            mend="--target COLUMN",
        )
    played = _roles(roles)
    task = handed["task"]
    settings = _settings(train, target, task, played)
    told = {name: value for name, value in handed.items() if name not in ("task", "test_rows")}
    tables = Tables(train, test=handed["test_rows"], series=_series(played), **told)
    return check_tables(tables, settings, announce=announce)


def _roles(given: tuple[str, ...]) -> dict[str, list[str]]:
    known = ("id", "group", "time", "weight", "segments", "ignore", "series")
    roles: dict[str, list[str]] = {}
    for each in given:
        role, is_given, column = each.partition("=")
        if role not in known or not is_given or not column:
            raise InputError(
                f"--role {each} names no role.",
                mend=f"--role ROLE=COLUMN, where ROLE is one of {', '.join(known)}",
            )
        roles.setdefault(role, []).append(column)
        if role not in _SEVERAL and len(roles[role]) > 1:
            raise InputError(
                f"Two columns are to play the role {role}: {', '.join(roles[role])}.",
                mend=f"--role {role}=COLUMN once",
            )
    return roles


def _settings(
    train: Path, target: tuple[str, ...], task: str | None, roles: Mapping[str, list[str]]
) -> DataSettings:
    from assay.data.settings import DataSettings

    played: dict[str, Any] = {
        role: names if role in _SEVERAL else names[0]
        for role, names in roles.items()
        if role != "series"
    }
    return DataSettings.model_validate(
        {
            "source": str(train),
            "target": target[0] if len(target) == 1 else target,
            "task": task,
            "roles": played,
        }
    )


def _series(roles: Mapping[str, list[str]]) -> str | None:
    return roles["series"][0] if "series" in roles else None
