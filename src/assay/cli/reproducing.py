"""`assay reproduce` and `lock`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.console import json_option, out, print_json, progress, quiet_option
from assay.monitor import Step

if TYPE_CHECKING:
    from rich.console import Console

    from assay.reproduction.environment import Change
    from assay.reproduction.reproduce import Reproduction
    from assay.reproduction.verdict import Compared

_STYLES = {"identical": "bold green", "different": "bold red"}
_SHOWN_CHANGES = 6


@click.command()
@click.argument("run")
@click.option("--data", help="The table it was trained on, where that is not found by itself.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=1e-9,
    show_default=True,
    help="Differences that are rounding: absolute in probabilities, relative in values.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Fits at the same time; one per core if absent."
)
@json_option
@quiet_option
def reproduce(
    run: str, data: str | None, tolerance: float, workers: int | None, as_json: bool, quiet: bool
) -> int:
    """Train RUN again with what was recorded, and compare the predictions bit by bit.

    RUN is an id, a name, 'last', 'best', or a folder that `assay lock` wrote. Exit status 0 if it
    is the same or within the tolerance, 1 if it differs; then the cause is named.
    """
    from contextlib import ExitStack

    with ExitStack() as held:
        with progress(quiet) as announce:
            announce(Step("Reading what was recorded"))
            from assay.reproduction.recollection import recalled
            from assay.reproduction.reproduce import again, now

            known = held.enter_context(recalled(run))
            surroundings = now(known)
        console = out()
        if not as_json:
            _show_changes(surroundings.changes, console)
        with progress(quiet) as announce:
            done = again(
                known, surroundings, data=data, learner=None, tolerance=tolerance,
                workers=workers, store=None, announce=announce,
            )  # fmt: skip
    if as_json:
        print_json(done.as_dict())
    else:
        _show(done, console)
    return 1 if done.verdict.value == "different" else 0


@click.command()
@click.argument("run")
@click.option(
    "--to", type=click.Path(path_type=Path), required=True, help="The folder, new or empty."
)
@click.option("--data", help="The table it was trained on, where that is not found by itself.")
@json_option
@quiet_option
def lock(run: str, to: Path, data: str | None, as_json: bool, quiet: bool) -> int:
    """Write a folder that trains RUN again in a clean environment, and proves that it did."""
    with progress(quiet) as announce:
        from assay.reproduction.lock import lock as locked

        done = locked(run, to, data=data, announce=announce)
    if as_json:
        print_json(done.as_dict())
        return 0
    click.echo(f"{done.run} is locked in {to}: {done.n_packages} packages, data, settings.")
    for note in done.notes:
        click.echo(f"note   {note}")
    click.echo(f"next   sh {to / 'reproduce.sh'}")
    return 0


def _show_changes(changes: Sequence[Change], console: Console) -> None:
    """What is not as it was, first what matters."""
    if not changes:
        console.print("environment   as it was\n")
        return
    matter = [each for each in changes if each.matters]
    others = [each for each in changes if not each.matters]
    if matter:
        console.print("environment   differs in what numbers can depend on")
        for each in matter:
            console.print(f"  {each}", style="yellow", soft_wrap=True)
    else:
        console.print("environment   as it was in all that numbers can depend on")
    if others:
        named = "; ".join(map(str, others[:_SHOWN_CHANGES]))
        more = f"; and {len(others) - _SHOWN_CHANGES} more" if len(others) > _SHOWN_CHANGES else ""
        console.print(f"  besides, without effect: {named}{more}", style="dim", soft_wrap=True)
    console.print()


def _show(done: Reproduction, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    verdict = Text(done.verdict.value, style=_STYLES.get(done.verdict.value, "bold yellow"))
    told = Text.assemble(f"{done.run.reference} is ", verdict, f" to {done.original}.")
    if done.verdict.value == "different":
        told = Text.assemble(f"{done.run.reference} is ", verdict, f" from {done.original}.")
    elif done.verdict.value == "within tolerance":
        told = Text.assemble(f"{done.run.reference} is ", verdict, f" of {done.original}.")
    console.print(told, soft_wrap=True)
    console.print(f"data: {done.data}\n", style="dim", soft_wrap=True)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for title in ("", "compared", "", "largest difference", "labels that differ"):
        table.add_column(title)
    for each in done.compared:
        table.add_row(*_row(each))
    console.print(table)
    if done.causes:
        console.print("\nwhy" if len(done.causes) == 1 else "\nwhy: one of these, or several")
    for cause in done.causes:
        console.print(f"  {cause}", soft_wrap=True)


def _row(each: Compared) -> tuple[str, ...]:
    if each.note:
        return each.what, f"{each.n:,}", each.verdict or "not compared", each.note, ""
    is_rows = "predictions" in each.what
    labels = f"{each.labels:.2%}" if is_rows else ""
    apart = "none" if each.difference == 0 else f"{each.difference:.3g}"
    counted = f"{each.n:,} {'row' if is_rows else 'number'}{'' if each.n == 1 else 's'}"
    return each.what, counted, str(each.verdict), apart, labels
