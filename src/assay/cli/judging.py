"""`assay evaluate`, `compare`, `runs` and `report`."""

from __future__ import annotations

import click

from assay.cli.console import json_option, out, print_json, progress, quiet_option


@click.command()
@click.argument("run")
@click.option(
    "--on",
    type=click.Choice(["out-of-fold", "test"]),
    default="out-of-fold",
    show_default=True,
    help="Which rows; 'test' opens the sealed ones, and the look is counted.",
)
@click.option("--reason", default="", help="Why the test is opened; goes into the ledger.")
@json_option
@quiet_option
def evaluate(run: str, on: str, reason: str, as_json: bool, quiet: bool) -> int:
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
@click.argument("first")
@click.argument("second")
@click.option("--require-better", is_flag=True, help="Exit 1 unless SECOND is better than FIRST.")
@json_option
def compare(first: str, second: str, require_better: bool, as_json: bool) -> int:
    """Say whether run SECOND is better than run FIRST, by more than noise.

    Both are judged on the rows that both predicted out of fold, on the same resamples.
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
        console.print(f"\n{said}  ({comparison.n:,} out-of-fold rows)", soft_wrap=True)
    return 1 if require_better and comparison.verdict.better != "second" else 0


@click.command()
@click.option("--experiment", help="Only the runs of this experiment.")
@json_option
def runs(experiment: str | None, as_json: bool) -> int:
    """List the runs, newest first, also those that failed or were interrupted."""
    from rich.table import Table

    from assay import logbook
    from assay.estimates import significant
    from assay.tracking.runs import PRIMARY

    found = logbook.runs(experiment)
    if as_json:
        keys = ("run_id", "name", "experiment", "status", "reason", "created", "metrics")
        print_json({"runs": [{key: getattr(each, key) for key in keys} for each in found]})
        return 0
    if not found:
        click.echo(_no_runs(experiment))
        return 0
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name in ("run", "experiment", "status", "primary metric", "started", "id"):
        table.add_column(name)
    for each in found:
        primary = each.tags.get(PRIMARY, "")
        known = primary in each.metrics
        shown = f"{primary} {significant(each.metrics[primary])}" if known else ""
        status = f"{each.status}: {each.reason}" if each.reason else str(each.status)
        started = each.created[:16].replace("T", " ")
        table.add_row(each.name, each.experiment, status, shown, started, each.run_id[:8])
    out().print(table)
    return 0


def _no_runs(experiment: str | None) -> str:
    """That there are none, and of which experiments there are some."""
    from assay import logbook

    if experiment is None:
        return "There are no runs yet. next   assay train EXPERIMENT"
    known = dict.fromkeys(each.experiment for each in logbook.runs())
    there = f" There are runs of: {', '.join(known)}" if known else ""
    return f"There are no runs of the experiment {experiment!r}.{there}"


@click.command()
@click.argument("run")
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
