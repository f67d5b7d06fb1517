"""`assay evaluate` and `report`."""

from __future__ import annotations

from pathlib import Path

import click

from assay.cli import console
from assay.cli.console import (
    json_option,
    print_json,
    progress,
    quiet_option,
    run_argument,
)


@click.command()
@run_argument
@click.option(
    "--on",
    type=click.Choice(["out-of-fold", "validation", "test"]),
    help="Which rows; those of training if absent; 'test' opens the sealed ones, and the look is "
    "counted.",
)
@click.option("--reason", default="", help="Why the test is opened; goes into the ledger.")
@json_option
@quiet_option
def evaluate(run: str, on: str | None, reason: str, as_json: bool, quiet: bool) -> int:
    """Show what RUN is worth: an id, a name, 'last' or 'best'."""
    with progress(quiet) as announce:
        from assay import lifecycle
        from assay.cli.summary import show_run

        evaluated = lifecycle.evaluate(run, on=on, reason=reason, announce=announce)
    if as_json:
        print_json(evaluated.summary())
    else:
        show_run(evaluated, console.out())
    return 0


@click.command()
@run_argument
@click.option(
    "--card", is_flag=True, help="Write the model card instead, with places for people to fill in."
)
@click.option(
    "--mistakes",
    is_flag=True,
    help="Write a table instead: all rows predicted wrongly, and labels that may be wrong.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write it, a table as .csv or .parquet; among the reports if absent.",
)
@click.option("--open", "opens", is_flag=True, help="Open it: a page in the browser.")
@json_option
def report(
    run: str, card: bool, mistakes: bool, out: Path | None, opens: bool, as_json: bool
) -> int:
    """Write the page of RUN again and say where it is."""
    if card and mistakes:
        raise click.UsageError("Give --card or --mistakes, not both.")
    from assay import lifecycle

    path = lifecycle.report(run, "card" if card else "mistakes" if mistakes else "page", out=out)
    if as_json:
        print_json({"card" if card else "mistakes" if mistakes else "report": str(path)})
    else:
        click.echo(str(path))
    if card:
        _tell_unwritten(path)
    if opens:
        click.launch(path.absolute().as_uri())
    return 0


def _tell_unwritten(path: Path) -> None:
    from assay.reports.card import unwritten

    places = unwritten(path.read_text(encoding="utf-8"))
    if places:
        click.echo(f"To be filled in by people: {', '.join(places)}.", err=True)
