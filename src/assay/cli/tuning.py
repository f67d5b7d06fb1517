"""`assay tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.console import json_option, out, print_json, progress, quiet_option, tag_option

if TYPE_CHECKING:
    from assay.searching.auto import FoundEnsemble
    from assay.searching.found import Found


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a key of the file otherwise, as in model.learner=forest. Repeatable.",
)
@click.option("--trials", type=click.IntRange(min=1), help="Short for --set tuning.trials=N.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), metavar="S",
              help="Short for --set tuning.seconds=S.")  # fmt: skip
@click.option(
    "--study", metavar="NAME", help="Name of the study; that of the experiment if absent."
)
@click.option("--why", default="", metavar="TEXT", help="What it is made for: a hypothesis.")
@tag_option("--tag", "Tag the run of the best")
@click.option(
    "--workers", type=click.IntRange(min=1),
    help="Settings tried at the same time; one, and of the learner auto one for each core.",
)  # fmt: skip
@json_option
@quiet_option
def tune(
    experiment: Path,
    overrides: tuple[str, ...],
    trials: int | None,
    seconds: float | None,
    study: str | None,
    why: str,
    tags: tuple[str, ...],
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Search for better settings of EXPERIMENT, and train the best of them.

    Trials see development rows only. What the best is worth is corrected for having been chosen.
    Interrupted, the same command goes on; on other machines it joins in, where tuning.storage names
    a database.
    """
    with progress(quiet) as announce:
        from assay.searching.tune import tune as search

        if trials is not None:
            overrides = (*overrides, f"tuning.trials={trials}")
        if seconds is not None:
            overrides = (*overrides, f"tuning.seconds={seconds}")
        found = search(
            experiment, overrides=overrides, study=study, workers=workers, why=why, tags=tags,
            announce=announce,
        )  # fmt: skip
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found)
    assert found.run is not None
    return 1 if found.run.checks.blocking else 0


def _show(found: Found | FoundEnsemble) -> None:
    from assay.cli.leaderboard import show_leaderboard
    from assay.cli.summary import show_run
    from assay.searching.auto import FoundEnsemble
    from assay.searching.telling import told

    console = out()
    if isinstance(found, FoundEnsemble):
        show_leaderboard(found, console)
    else:
        console.print("\n".join(told(found)), highlight=False, soft_wrap=True)
        console.print(f"search   {found.page}", highlight=False, soft_wrap=True)
    console.print()
    assert found.run is not None
    show_run(found.run, console)
