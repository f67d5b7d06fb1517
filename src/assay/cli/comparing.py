"""`assay compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.completion import offer_runs
from assay.cli.console import json_option, out, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from assay.evaluation.contrast import Comparison, Contrast


@click.command()
@click.argument("first", shell_complete=offer_runs)
@click.argument("others", nargs=-1, required=True, shell_complete=offer_runs)
@click.option(
    "--require-better", is_flag=True, help="Exit 1 unless one of OTHERS is better than FIRST."
)
@click.option(
    "--html", "page", type=click.Path(path_type=Path, dir_okay=False), help="Write a page there."
)
@json_option
def compare(
    first: str, others: tuple[str, ...], require_better: bool, page: Path | None, as_json: bool
) -> int:
    """Say whether OTHERS are better than run FIRST, by more than noise.

    All are judged on the rows that every one of them predicted and none learnt from, on the same
    resamples; of several, the intervals hold together.
    """
    from assay import lifecycle
    from assay.workspace import check_folder

    if page is not None:
        check_folder(page)
    comparison = lifecycle.compare(first, *others)
    if page is not None:
        from assay.reports.contrast_page import write

        write(comparison, page)
    if as_json:
        print_json(comparison.as_dict() | ({"page": str(page)} if page is not None else {}))
    elif comparison.is_of_one:
        click.echo(f"Both are the run {comparison.first}: there is nothing to compare.")
    else:
        out().print(shown(comparison), soft_wrap=True)
        if page is not None:
            click.echo(f"\n{page}")
    if require_better and not comparison.better:
        click.echo(_unmet(comparison), err=True)
        return 1
    return 0


def shown(comparison: Comparison) -> RenderableType:
    """Every run beside the first: its metrics, the verdict and what bears on it."""
    from rich.console import Group
    from rich.text import Text

    from assay.reports.contrasts import basis

    parts: list[RenderableType] = []
    for each in comparison.contrasts:
        parts += [*_beside(comparison, each), Text()]
    return Group(*parts, Text(basis(comparison), style="dim"))


def _beside(comparison: Comparison, contrast: Contrast) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from assay.reports.contrasts import apart, beside, values, verdict, word
    from assay.reports.wording import metric

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name in ("", comparison.first, contrast.name, "difference", "better"):
        table.add_column(name)
    winner = {"first": comparison.first, "second": contrast.name}
    for each in contrast.differences:
        better = winner.get(each.better or "") or word(each)
        style = "bold" if each is contrast.verdict else ""
        table.add_row(metric(each.metric), *values(each), apart(each), better, style=style)
    said = verdict(comparison, contrast)
    colour = {"good": "bold green", "bad": "bold red"}.get(said.tone, "bold")
    more = [*beside(comparison, contrast), contrast.whose]
    return [table, Text(), Text(said.text, style=colour), *(Text(text) for text in more)]


def _unmet(comparison: Comparison) -> str:
    """Why better was required and is not, on one line a run."""
    if comparison.is_of_one:
        return f"Not better: {comparison.first} is compared with itself."
    told = [f"{each.name}: {each.conclusion}" for each in comparison.contrasts]
    return "\n".join((f"Not better than {comparison.first}, which was required.", *told))
