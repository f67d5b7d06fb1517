"""The leaderboard of `auto` on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from assay.reports.wording import counted, estimate, metric, number, numbers

if TYPE_CHECKING:
    from assay.searching.auto import FoundEnsemble

_SHOWN = 12


def show_leaderboard(found: FoundEnsemble, console: Console) -> None:
    """A line for each of the best configurations and every member, and what they are worth."""
    board = found.leaderboard
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in (metric(board.metric), "weight", "fits, s", "ms a row"):
        table.add_column(name, justify="right")
    table.add_column("configuration", overflow="fold")
    shown = [
        each
        for place, each in enumerate(board.rows)
        if each.weight or (place < _SHOWN and each.score is not None)
    ]
    for each in shown:
        table.add_row(
            number(each.score) if each.score is not None else "",
            f"{each.weight:.2f}" if each.weight else "",
            number(each.fit_seconds),
            number(each.predict_ms),
            each.candidate.told,
        )
    console.print(table)
    left = len(board.rows) - len(shown)
    if left:
        console.print(f"and {left} more, in the table 'leaderboard' of the run", style="dim")
    console.print(_worth(found), highlight=False, soft_wrap=True)


def _worth(found: FoundEnsemble) -> str:
    corrected = found.corrected
    worth = corrected.corrected
    plain = numbers(corrected.best, worth.value, worth.low or worth.value)[0]
    members = counted(found.leaderboard.n_members, "model")
    return (
        f"The ensemble of {members}: {metric(corrected.metric)} {estimate(worth)}, each row by "
        f"weights that other rows chose; {plain} by those it had a say in."
    )
