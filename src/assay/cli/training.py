"""`assay train`."""

from __future__ import annotations

from pathlib import Path

import click

from assay.cli.completion import offer_runs
from assay.cli.console import json_option, out, print_json, progress, quiet_option, tag_option
from assay.monitor import Announce, Step


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path), required=False)
@click.option(
    "--resume",
    metavar="RUN",
    shell_complete=offer_runs,
    help="Go on with a run that was killed, stopped or failed, instead of EXPERIMENT; 'last' is "
    "the newest.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a key of the file otherwise, as in model.options.learning_rate=0.1. Repeatable.",
)
@click.option("--seeds", type=click.IntRange(min=1), help="Short for --set training.seeds=N.")
@click.option("--why", default="", metavar="TEXT", help="What the run is made for: a hypothesis.")
@tag_option("--tag", "Tag the run")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Fits at the same time; one per core if absent."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done, and how long it takes.")
@click.option(
    "--profile",
    is_flag=True,
    help="Of a network: say where the time of a step goes, and keep a trace for ui.perfetto.dev.",
)
@json_option
@quiet_option
def train(
    experiment: Path | None,
    resume: str | None,
    overrides: tuple[str, ...],
    seeds: int | None,
    why: str,
    tags: tuple[str, ...],
    workers: int | None,
    dry_run: bool,
    profile: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Train a model as EXPERIMENT says.

    Seals a test set, looks for known mistakes, fits the learner and its baselines, and keeps the
    run with its report. The test rows stay sealed.
    """
    if (experiment is None) == (resume is None):
        raise click.UsageError("Give an EXPERIMENT, or --resume RUN.")
    if resume is not None and dry_run:
        raise click.UsageError("There is no --dry-run of what is resumed.")
    with progress(quiet) as announce:
        from assay import lifecycle
        from assay.cli.summary import show_run

        if seeds is not None:
            overrides = (*overrides, f"training.seeds={seeds}")
        if dry_run and experiment is not None:
            return _rehearse(experiment, overrides, workers, as_json, announce)
        run = lifecycle.train(
            experiment,
            overrides=overrides,
            why=why,
            tags=tags,
            workers=workers,
            profile=profile,
            announce=announce,
            resume=resume,
        )
    if as_json:
        print_json(run.summary())
    else:
        show_run(run, out())
    return 1 if run.checks.blocking else 0


def _rehearse(
    experiment: Path,
    overrides: tuple[str, ...],
    workers: int | None,
    as_json: bool,
    announce: Announce,
) -> int:
    from assay.experiment.asking import ask
    from assay.rehearsal import rehearse
    from assay.reports.wording import counted, duration

    announce(Step("Reading the experiment and its table"))
    asked = ask(experiment, target=None, learner=None, settings={}, overrides=overrides)
    announce(Step("Trying each learner on a sample"))
    planned = rehearse(asked, workers)
    if as_json:
        print_json(planned.as_dict())
        return 0
    rows = ", ".join(f"{n:,} {part}" for part, n in planned.rows.items() if n)
    fits = ", ".join(f"{n} {learner}" for learner, n in planned.fits.items())
    n_fits = counted(sum(planned.fits.values()), "fit")
    click.echo(f"run      {planned.name}: {planned.task} task, {planned.features} features")
    click.echo(f"rows     {rows}; {planned.split}")
    click.echo(f"fits     {n_fits} ({fits}), {planned.workers} at the same time")
    click.echo(f"time     about {duration(planned.seconds)} for the fits, by a trial on a sample")
    click.echo(f"memory   about {planned.memory_mib:,.0f} MiB")
    click.echo("Nothing was kept.")
    return 0
