"""`assay ablate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.console import json_option, out, print_json, progress, quiet_option
from assay.monitor import Announce, Step

if TYPE_CHECKING:
    from rich.console import RenderableType

    from assay.ablation import Ablation


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option(
    "--vary",
    multiple=True,
    required=True,
    metavar="KEY[=V1,V2]",
    help="What to change, to which values; without values to what suggests itself; 'features' "
    "leaves out one at a time. Repeatable.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Of the base.")
@click.option("--seeds", type=click.IntRange(min=1), help="Short for --set training.seeds=N.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Fits at the same time; one per core if absent."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be trained, and how long.")
@json_option
@quiet_option
def ablate(
    experiment: Path,
    vary: tuple[str, ...],
    overrides: tuple[str, ...],
    seeds: int | None,
    workers: int | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Train EXPERIMENT, then change one thing at a time from it, and say what each change does."""
    if seeds is not None:
        overrides = (*overrides, f"training.seeds={seeds}")
    with progress(quiet) as announce:
        if dry_run:
            return _rehearse(experiment, vary, overrides, workers, as_json, announce)
        from assay import ablation

        done = ablation.ablate(
            experiment, vary, overrides=overrides, workers=workers, announce=announce
        )
    if as_json:
        print_json(done.as_dict())
    else:
        out().print(table(done))
    return 0


def table(ablation: Ablation) -> RenderableType:
    """All effects, the largest first, and what may be concluded from them."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from assay.estimates import significant
    from assay.reports.wording import counted, estimate, level, metric, metric_within

    colours = {"better": "green", "worse": "red", "failed": "bold red"}
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    drawn.add_column("variant", overflow="fold")
    for name in (metric(ablation.primary), "difference", "seeds span", "verdict"):
        drawn.add_column(name)
    base = ablation.base
    span = f"{significant(max(base.seeds) - min(base.seeds), 2)}" if len(base.seeds) > 1 else ""
    drawn.add_row("base", estimate(base.evaluation.headline), "", span, "", style="bold")
    for each in ablation.effects:
        verdict = Text(each.verdict, style=colours.get(each.verdict, ""))
        if each.run is None or each.difference is None:
            drawn.add_row(each.variant.name, each.failure, "", "", verdict)
            continue
        of = each.run.seeds
        span = f"{significant(max(of) - min(of), 2)}" if len(of) > 1 else ""
        value = estimate(each.run.evaluation.metrics[ablation.primary])
        drawn.add_row(each.variant.name, value, estimate(each.difference.estimate), span, verdict)
    differences = [each.difference for each in ablation.effects if each.difference is not None]
    open_ones = {each.estimate.reason for each in differences if each.estimate.reason is not None}
    reasons = [Text(f"No interval where {each}.", style="dim") for each in sorted(open_ones)]
    n = counted(len(ablation.effects), "change")
    said = (
        f"{n} from {base.reference}, each alone, by {metric_within(ablation.primary)} on rows that "
        f"both predicted and neither learnt from. The intervals of the differences are at "
        f"{level(ablation.level)}%, so that all hold together at {level(base.level)}%."
    )
    listed = f"assay runs --tag {ablation.tag} --leaderboard --diff"
    said_so = Text(said, style="dim")
    return Group(drawn, Text(), *reasons, said_so, Text.assemble(("next   ", "dim"), listed))


def _rehearse(
    experiment: Path,
    vary: tuple[str, ...],
    overrides: tuple[str, ...],
    workers: int | None,
    as_json: bool,
    announce: Announce,
) -> int:
    """What would be trained, each with the time that a trial on a sample promises."""
    from assay.experiment.asking import ask
    from assay.experiment.variation import variants
    from assay.rehearsal import rehearse
    from assay.reports.wording import counted, duration

    changed = variants(experiment, vary, overrides)
    asked = {"base": (), **{each.name: each.overrides for each in changed}}
    planned = {}
    for name, changes in asked.items():
        announce(Step(f"Trying {name} on a sample"))
        ready = ask(
            experiment, target=None, learner=None, settings={}, overrides=[*overrides, *changes]
        )
        planned[name] = rehearse(ready, workers)
    if as_json:
        runs = [{"variant": name, **each.as_dict()} for name, each in planned.items()]
        print_json({"runs": runs})
        return 0
    for name, each in planned.items():
        fits = counted(sum(each.fits.values()), "fit")
        click.echo(f"{name}: {fits}, about {duration(each.seconds)}")
    seconds = sum(each.seconds for each in planned.values())
    click.echo(f"{counted(len(planned), 'run')}, about {duration(seconds)}. Nothing was kept.")
    return 0
