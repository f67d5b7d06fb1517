"""`assay traffic`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.console import json_option, out, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from assay.serving.traffic.standing import Standing


@click.command()
@click.argument("model")
@click.option("--contest", metavar="ID", help="An earlier contest; the current one when absent.")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the page there; among the reports of the workspace when absent.",
)
@click.option(
    "--as-test",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a table there whose test rows are those with an outcome; with --beside.",
)
@click.option("--beside", metavar="DATA", help="The rows to learn from in that table.")
@json_option
def traffic(
    model: str,
    contest: str | None,
    page: Path | None,
    as_test: Path | None,
    beside: str | None,
    as_json: bool,
) -> int:
    """Show how the models stand that share the traffic of MODEL.

    Who gets which share, who is better so far, and about how much more it takes to tell. The
    intervals hold at all times: looking often does not make them lie.
    """
    from assay import traffic as verb

    if (as_test is None) != (beside is None):
        raise click.UsageError("--as-test FILE and --beside DATA go together.")
    if as_test is not None and beside is not None:
        return _refreshed(model, beside, as_test, as_json)
    found = verb.traffic(model, contest)
    written = verb.write_page(found, page)
    if as_json:
        print_json({**found.as_dict(), "page": str(written)})
    else:
        out().print(shown(found), soft_wrap=True)
        click.echo(f"\n{written}")
    return 0


def _refreshed(model: str, data: str, out: Path, as_json: bool) -> int:
    from assay import traffic as verb
    from assay.reports.wording import counted

    made = verb.refresh_test(model, data, out)
    if as_json:
        print_json({**vars(made), "path": str(made.path)})
        return 0
    click.echo(f"{made.n_test:,} test rows beside {made.n_train:,} others: {made.path}")
    if made.n_left_out:
        rows = counted(made.n_left_out, "row")
        click.echo(f"left out   {rows} that DATA has already, in all columns that were asked")
    if made.n_alike:
        rows = counted(made.n_alike, "row")
        click.echo(f"alike   {rows} equal to some of DATA stay: many rows of DATA equal each other")
    if made.looks:
        click.echo(f"looks so far   {made.looks}: the ledger knows these rows")
    click.echo("next   train on it with these lines in the experiment file:")
    split = f"split: {{by: column, column: {made.column}}}"
    click.echo(f"data:\n  source: {made.path}\n  target: {made.target}\n  {split}")
    return 0


def shown(found: Standing) -> RenderableType:
    """The verdicts, the table of traffic, and what is odd about it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from assay.serving.traffic import telling

    colours = {"good": "bold green", "bad": "bold red"}
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    heads = list(telling.TRAFFIC_HEADS)
    heads[2] = f"{telling.unit(found)}s"
    for name in ("", "", *heads):
        table.add_column(name, justify="left" if not name else "right")
    for each in found.traffic:
        table.add_row(each.version, each.part, *telling.traffic_cells(each))
    parts: list[RenderableType] = [table, Text()]
    for duel in found.duels:
        said = telling.verdict(found, duel)
        parts.append(Text(said.text, style=colours.get(said.tone, "bold")))
    parts += [Text(text, style="yellow") for text in telling.oddities(found)]
    return Group(*parts, Text(), Text(telling.basis(found), style="dim"))
