"""`assay runs`, `show`, `note` and `ui`: the log book."""

from __future__ import annotations

import signal
import sys

import click

from assay.cli.console import json_option, out, print_json, run_argument, tag_option


@click.command()
@click.option("--experiment", help="Only the runs of this experiment.")
@click.option(
    "--status",
    type=click.Choice(["running", "finished", "failed", "interrupted"]),
    help="Only the runs that stand so.",
)
@tag_option("--tag", "Only the runs with this tag")
@click.option("--learner", help="Only the runs of this learner.")
@click.option("--since", metavar="WHEN", help="Only the runs since: 7d, 12h, or a date.")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="Only the runs of which it holds: 'roc_auc > 0.9 and learning_rate = 0.1'. Repeatable.",
)
@click.option(
    "--sort",
    default="created",
    metavar="KEY",
    show_default=True,
    help="created, duration, a metric (best first) or a setting.",
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--limit", "-n", type=click.IntRange(min=1), help="At most so many.")
@click.option("--leaderboard", is_flag=True, help="Rank those that can be compared, best first.")
@click.option("--diff", is_flag=True, help="A column for every setting in which they differ.")
@json_option
def runs(
    experiment: str | None,
    status: str | None,
    tags: tuple[str, ...],
    learner: str | None,
    since: str | None,
    where: tuple[str, ...],
    sort: str,
    reverse: bool,
    limit: int | None,
    leaderboard: bool,
    diff: bool,
    as_json: bool,
) -> int:
    """List the runs, newest first, also those that failed or were interrupted."""
    from assay import logbook
    from assay.cli import listing

    found = logbook.runs(
        experiment,
        status=status,
        tags=tags,
        learner=learner,
        since=since,
        where=where,
        sort=sort,
        reverse=reverse,
        limit=None if leaderboard else limit,
    )
    if leaderboard:
        board = logbook.ranked(found, limit)
        document, shown = board.as_dict(), listing.board(board, diff)
    else:
        document, shown = listing.document(found, diff), listing.table(found, diff)
    if as_json:
        print_json(document)
    elif not found:
        click.echo(_no_runs(experiment))
    else:
        out().print(shown)
    return 0


def _no_runs(experiment: str | None) -> str:
    """That there are none, and of which experiments there are some."""
    from assay import logbook

    every = logbook.runs()
    if not every:
        return "There are no runs yet. next   assay train EXPERIMENT"
    known = dict.fromkeys(each.experiment for each in every)
    if experiment in (None, *known):
        return "No run is like that. All of them: assay runs"
    there = f" There are runs of: {', '.join(known)}"
    return f"There are no runs of the experiment {experiment!r}.{there}"


@click.command()
@run_argument
@json_option
def show(run: str, as_json: bool) -> int:
    """Show everything that is known of RUN, also of one that failed."""
    from assay import logbook
    from assay.cli.entry import show_entry

    entry = logbook.show(run)
    if as_json:
        print_json(entry.as_dict())
    else:
        show_entry(entry, out())
    return 0


@click.command()
@run_argument
@click.argument("text", default="")
@click.option("--conclusion", default="", metavar="TEXT", help="What came of the run.")
@tag_option("--tag", "Tag the run")
@tag_option("--untag", "Take a tag away")
@json_option
def note(
    run: str,
    text: str,
    conclusion: str,
    tags: tuple[str, ...],
    untag: tuple[str, ...],
    as_json: bool,
) -> int:
    """Write TEXT down about RUN, with the date; without TEXT show what was written."""
    from assay import logbook
    from assay.cli.entry import written

    notes = logbook.note(run, text, conclusion=conclusion, tags=tags, untag=untag)
    if as_json:
        print_json(notes.as_dict())
    else:
        out().print(written(notes))
    return 0


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Where it listens; a free port if absent."
)
@click.option(
    "--study",
    metavar="NAME|EXPERIMENT",
    help="Show this study of `assay tune` in Optuna's dashboard instead.",
)
@click.option(
    "--open/--no-open",
    "opens",
    default=None,
    help="Whether to open the browser; on a terminal it is opened.",
)
@json_option
def ui(port: int | None, study: str | None, opens: bool | None, as_json: bool) -> int:
    """Show runs, metrics and reports in MLflow's own pages, until stopped by Ctrl-C.

    The server answers this machine only. Where runs are kept on a server, that one is opened.
    """
    from assay.place import Place
    from assay.provenance import masked
    from assay.tracking.mlflow_server import served

    place = Place.to_find()
    if study is not None:
        return _dashboard(study, port, opens, as_json)
    if place.uri.startswith(("http://", "https://")):
        _told(masked(place.uri), opens, as_json)
        return 0
    _end_with_the_terminal()
    root = place.workspace.ensure().root
    log = root / "ui.log"
    click.echo("Starting MLflow's server ...", err=True)
    try:
        with served(
            place.uri, artifacts=place.workspace.artifacts_folder, log=log, port=port
        ) as server:
            _told(server.url, opens, as_json)
            click.echo("Ctrl-C stops it.", err=True)
            server.attend()
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    return 0


def _dashboard(study: str, port: int | None, opens: bool | None, as_json: bool) -> int:
    """Optuna's own pages on a study."""
    from assay.place import Place
    from assay.searching.dashboard import dashboard, found_study

    found = found_study(study, Place.to_find())
    _end_with_the_terminal()
    try:
        with dashboard(found, port) as (url, serve):
            _told(url, opens, as_json)
            click.echo("Ctrl-C stops it.", err=True)
            serve()
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    return 0


def _end_with_the_terminal() -> None:
    """When the terminal is closed nothing stays behind."""
    signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))


def _told(url: str, opens: bool | None, as_json: bool) -> None:
    """Say where the pages are, and open them if that is wanted."""
    if as_json:
        print_json({"url": url})
    else:
        click.echo(url)
    sys.stdout.flush()
    if sys.stdout.isatty() if opens is None else opens:
        click.launch(url)
