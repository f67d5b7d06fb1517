"""`assay train`."""

from __future__ import annotations

from pathlib import Path

import click

from assay.cli.console import json_option, out, print_json, progress, quiet_option


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a key of the file otherwise, as in model.options.learning_rate=0.1. Repeatable.",
)
@click.option("--seeds", type=click.IntRange(min=1), help="Short for --set training.seeds=N.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Fits at the same time; one per core if absent."
)
@json_option
@quiet_option
def train(
    experiment: Path,
    overrides: tuple[str, ...],
    seeds: int | None,
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Train a model as EXPERIMENT says.

    Seals a test set, looks for known mistakes, fits the learner and its baselines on folds, and
    keeps the run with its report. The test rows stay sealed.
    """
    with progress(quiet) as announce:
        from assay import lifecycle
        from assay.cli.summary import show_run

        if seeds is not None:
            overrides = (*overrides, f"training.seeds={seeds}")
        run = lifecycle.train(experiment, overrides=overrides, workers=workers, announce=announce)
    if as_json:
        print_json(run.summary())
    else:
        show_run(run, out())
    return 1 if run.checks.blocking else 0
