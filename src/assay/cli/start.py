"""`assay init` and `assay schema`: the way to a first experiment file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from assay.cli.console import json_option, print_json


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="The column to predict.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write; NAME.yaml if absent."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@json_option
def init(data: Path, target: str, out: Path | None, force: bool, as_json: bool) -> int:
    """Write a commented experiment file for the table DATA, from what is seen in it."""
    from assay.data.preparation import prepare
    from assay.data.profiling import profile
    from assay.data.settings import DataSettings
    from assay.data.sources import read_table
    from assay.errors import InputError
    from assay.experiment.published import template
    from assay.workspace import atomic_write

    path = out or Path(f"{data.stem}.yaml")
    if path.exists() and not force:
        raise InputError(
            f"{path} is there already.", mend="name another file with --out, or add --force"
        )
    settings = DataSettings(source=str(data), target=target)
    prepared = prepare(read_table(data), settings, data.name)
    schema = prepared.schema
    source = Path(os.path.relpath(data.absolute(), path.absolute().parent)).as_posix()
    atomic_write(
        path, template(source, schema, data.stem, profile(prepared.raw_development, schema))
    )
    if as_json:
        print_json({"experiment": str(path), "schema": schema.as_dict()})
    else:
        click.echo(f"{path}: {schema.task} task, {len(schema.features)} features, target {target}.")
        click.echo(f"next   look it over, then: assay train {path}")
    return 0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="It is JSON anyway.")
def schema(as_json: bool) -> int:  # noqa: ARG001
    """Print the JSON schema of the experiment file, by which editors complete it."""
    from assay.experiment.published import json_schema

    click.echo(json.dumps(json_schema(), indent=1))
    return 0
