"""`assay evaluate`, `compare` and `report`."""

from __future__ import annotations

import click

from assay.cli.completion import offer_runs
from assay.cli.console import (
    json_option,
    out,
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
        show_run(evaluated, out())
    return 0


@click.command()
@click.argument("first", shell_complete=offer_runs)
@click.argument("second", shell_complete=offer_runs)
@click.option("--require-better", is_flag=True, help="Exit 1 unless SECOND is better than FIRST.")
@json_option
def compare(first: str, second: str, require_better: bool, as_json: bool) -> int:
    """Say whether run SECOND is better than run FIRST, by more than noise.

    Both are judged on the rows that both predicted and neither learnt from, on the same resamples.
    """
    from rich.table import Table

    from assay import lifecycle
    from assay.estimates import aligned
    from assay.reports.verdicts import between
    from assay.reports.wording import metric

    comparison = lifecycle.compare(first, second)
    if as_json:
        print_json(comparison.as_dict())
    elif comparison.is_of_one:
        click.echo(f"Both are the run {comparison.first}: there is nothing to compare.")
    else:
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        for name in ("", comparison.first, comparison.second, "difference", "better"):
            table.add_column(name)
        for each in comparison.differences:
            values = aligned(each.first, each.second)
            winner = {"first": comparison.first, "second": comparison.second}
            better = winner.get(each.better or "", "within noise")
            table.add_row(metric(each.metric), *values, str(each.estimate), better)
        console = out()
        console.print(table)
        said = between(comparison.verdict, comparison.first, comparison.second)
        console.print(f"\n{said}  ({comparison.n:,} {comparison.rows} rows)", soft_wrap=True)
    return 1 if require_better and comparison.verdict.better != "second" else 0


@click.command()
@run_argument
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@json_option
def report(run: str, opens: bool, as_json: bool) -> int:
    """Write the page of RUN again and say where it is."""
    from assay import lifecycle

    path = lifecycle.report(run)
    if as_json:
        print_json({"report": str(path)})
    else:
        click.echo(str(path))
    if opens:
        click.launch(path.as_uri())
    return 0
