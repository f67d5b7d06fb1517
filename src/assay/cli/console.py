"""How verbs speak: results on stdout, progress on stderr, one JSON document where asked for."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import IO, Any, TypeVar, cast

import click
from rich.console import Console

from assay.cli.completion import offer_runs, offer_tags
from assay.cli.ending import heed
from assay.monitor import Announce, Step, silent

_WIDTH_OF_FILES = 120
_REDRAWN_PER_S = 4
"""How often a bar is drawn: rich's own ten times take 2 % of a core from what is trained."""
F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """Adds --json."""
    text = "Print one JSON document on stdout; everything else goes to stderr."
    return click.option("--json", "as_json", is_flag=True, help=text)(command)


def quiet_option(command: F) -> F:
    """Adds --quiet."""
    return click.option("--quiet", "-q", is_flag=True, help="Show no progress.")(command)


def run_argument(command: F) -> F:
    """Adds RUN, which the shell completes."""
    return click.argument("run", shell_complete=offer_runs)(command)


def tag_option(flag: str, does: str) -> Callable[[F], F]:
    """Adds an option that takes tags."""
    words = f"{does}: baseline, ablation, final, debugging, or any word. Repeatable."
    name = f"{flag.removeprefix('--')}s".replace("untags", "untag")
    return click.option(
        flag, name, multiple=True, metavar="WORD", help=words, shell_complete=offer_tags
    )


def print_json(document: Mapping[str, Any]) -> None:
    """Print a document that any JSON parser reads: what is not a number is null."""
    click.echo(json.dumps(_finite(document), indent=1, default=str))


def out() -> Console:
    """Where results go."""
    console = Console(highlight=False)
    if console.is_terminal:
        return console
    width = max(console.width, _WIDTH_OF_FILES)
    return Console(file=cast(IO[str], _Trimmed()), highlight=False, width=width)


class _Trimmed:
    """Standard output without the blanks that pad the lines of a table."""

    def write(self, text: str) -> None:
        sys.stdout.write(re.sub(r" +$", "", text, flags=re.MULTILINE))

    def flush(self) -> None:
        sys.stdout.flush()


@contextmanager
def progress(quiet: bool) -> Iterator[Announce]:
    """Shows on stderr what is being done; on a terminal with a bar, else a line per stage."""
    console = Console(stderr=True, highlight=False)
    shown: AbstractContextManager[Announce]
    if quiet:
        shown = nullcontext(silent)
    elif console.is_terminal:
        shown = _bar(console)
    else:
        shown = nullcontext(_Lines(console))
    with shown as announce:
        yield partial(_heeding, console, announce)


def _heeding(console: Console, announce: Announce, step: Step) -> None:
    """Ends here if that was asked for; what is to last is told as a line, however steps are."""
    heed()
    if step.lasting:
        console.print(step.text, style="yellow", soft_wrap=True)
    else:
        announce(step)


class _Lines:
    """A line whenever something new begins, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def __call__(self, step: Step) -> None:
        if step.text != self._last:
            self._console.print(f"{step.text} ...", soft_wrap=True)
        self._last = step.text


@contextmanager
def _bar(console: Console) -> Iterator[Announce]:
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, refresh_per_second=_REDRAWN_PER_S
    ) as shown:
        shown.add_task("Starting", total=None, count="")
        [task] = shown.tasks

        def announce(step: Step) -> None:
            # by hand: an update to no total leaves the last one, and what was finished stays so
            task.total, task.finished_time = step.total or None, None
            count = f"{step.done:,}/{step.total:,}" if step.total else ""
            text = f"{step.text}  {step.detail}".rstrip()
            shown.update(task.id, description=text, completed=step.done, count=count)

        yield announce


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
