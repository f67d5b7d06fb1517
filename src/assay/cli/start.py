"""`assay init` and `assay schema`: the way to a first experiment file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

import click

from assay.cli.console import json_option, print_json

_PASSWORD = "DATABASE_PASSWORD"


@click.command()
@click.argument("data")
@click.option(
    "--target",
    "targets",
    multiple=True,
    required=True,
    help="The column to predict; of columns of yes and no, each of them a label: A,B,C.",
)
@click.option("--query", help="Of a database: SQL, or the name of a table.")
@click.option("--sheet", help="Of an Excel workbook; the first if absent.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write; NAME.yaml if absent."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@json_option
def init(
    data: str,
    targets: tuple[str, ...],
    query: str | None,
    sheet: str | None,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """Write a commented experiment file for the table DATA, from what is seen in it.

    DATA is a file, a folder, a database (sqlite:///FILE, postgresql+psycopg://...), or
    delta://FOLDER.
    """
    from assay.data.kinds import can_be_used
    from assay.data.profiling import profile
    from assay.data.settings import DataSettings, RolesSettings, SplitSettings
    from assay.data.sources import read_table, shown
    from assay.data.sources.address import located, relocated, title, without_password
    from assay.data.split import marking_column
    from assay.errors import InputError
    from assay.experiment.published import template
    from assay.reports.wording import counted
    from assay.workspace import atomic_write

    name = title(data)
    path = out or Path(f"{name}.yaml")
    if path.exists() and not force:
        raise InputError(
            f"{path} is there already.", mend="name another file with --out, or add --force"
        )
    source = located(data, Path.cwd())
    table = read_table(source, query=query, sheet=sheet)
    targets = _told_apart(targets, table.column_names)
    target = targets[0] if len(targets) == 1 else targets
    unusable = [
        field.name
        for field in table.schema
        if field.name not in targets and not can_be_used(table[field.name])
    ]
    roles = RolesSettings(ignore=tuple(unusable))
    marks = marking_column(table, targets[0])
    split = SplitSettings() if marks is None else SplitSettings(column=marks)
    settings = DataSettings(
        source=data, target=target, query=query, sheet=sheet, roles=roles, split=split
    )
    prepared = _prepared(table, settings, shown(source))
    schema, known = prepared.schema, profile(prepared.raw_development, prepared.schema)
    written = without_password(relocated(data, path.parent), f"${{{_PASSWORD}}}")
    text = template(
        written,
        schema,
        name,
        query=query,
        sheet=sheet,
        marks=marks,
        labels=targets if len(targets) > 1 else (),
        n_rows=len(prepared.development),
        profile=known,
    )
    atomic_write(path, text)
    if as_json:
        print_json({"experiment": str(path), "schema": schema.as_dict()})
    else:
        features = counted(len(schema.features), "feature")
        click.echo(f"{path}: {schema.task} task, {features}, target {', '.join(targets)}.")
        if unusable:
            click.echo(f"       ignored, for no learner can use their types: {', '.join(unusable)}")
        if marks is not None:
            click.echo(f"       the rows marked 'test' in column {marks} will be sealed")
        for reason, rows in prepared.split.unused.items():
            click.echo(f"       left out: {counted(len(rows), 'row')} {reason}")
        if _PASSWORD in written:
            click.echo(f"       the password is read from the environment: export {_PASSWORD}=...")
        click.echo(f"next   look it over, then: assay train {quote(str(path))}")
    return 0


def _told_apart(targets: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """The columns to predict: what is no column, but names some with commas between, is those."""
    named: list[str] = []
    for each in targets:
        parts = [part.strip() for part in each.split(",")]
        named += [each] if each in columns or len(parts) == 1 else parts
    return tuple(dict.fromkeys(named))


def _prepared(table: Any, settings: Any, where: str) -> Any:
    """What is seen in the table; what hinders that is told to somebody who has no file yet."""
    from assay.data.preparation import prepare
    from assay.errors import DataError

    try:
        return prepare(table, settings, where)
    except DataError as error:
        raise DataError(error.what, where=error.where, mend=_mend(error.mend)) from None


def _mend(mend: str) -> str:
    """What to do when there is no experiment file yet to change."""
    if mend.startswith("target: "):
        column = mend.removeprefix("target: ")
        several = column.startswith("[") and column.endswith("]")
        return f"--target {quote(column[1:-1].replace(', ', ',') if several else column)}"
    if "data:" not in mend and "data." not in mend:
        return mend
    return f"{mend}\nwithout a file that init has written: begin one by hand, in three lines\n" + (
        "data: {source: FILE, target: COLUMN}\nmodel: {learner: boosting}"
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="It is JSON anyway.")
def schema(as_json: bool) -> int:  # noqa: ARG001
    """Print the JSON schema of the experiment file, by which editors complete it."""
    from assay.experiment.published import json_schema

    click.echo(json.dumps(json_schema(), indent=1))
    return 0
