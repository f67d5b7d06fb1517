"""`assay models`, `rollback`, `archive` and `unregister`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from assay.cli.console import json_option, out, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from assay.registry.audit import Move
    from assay.registry.versions import Version
    from assay.releasing import Story

_REASON = "Why; it is kept for ever."


@click.command()
@click.argument("name", required=False)
@json_option
def models(name: str | None, as_json: bool) -> int:
    """List the registered models and their versions, or tell all of the model NAME.

    Of one model the audit log is told as well: who moved which version where, when and why.
    """
    from assay import releasing

    if name is not None:
        told = releasing.story(name)
        if as_json:
            print_json(told.as_dict())
        else:
            _tell(told)
        return 0
    found = releasing.stories()
    if as_json:
        drift = [{"name": each.name, **vars(one)} for each in found for one in each.drift]
        listed = [version.as_dict() for each in found for version in each.versions]
        print_json({"models": listed, "drift": drift})
        return 0
    if not any(each.versions or each.log for each in found):
        click.echo("No model is registered. next   assay register last --as NAME")
        return 0
    out().print(_versions([version for each in found for version in each.versions]))
    for each in found:
        _tell_drift(each)
    return 0


@click.command()
@click.argument("name")
@click.option("--to", default="production", show_default=True, metavar="STAGE", help="The stage.")
@click.option("--reason", required=True, help=_REASON)
@json_option
def rollback(name: str, to: str, reason: str, as_json: bool) -> int:
    """Give a stage of the model NAME back to the version that held it before.

    Once more goes one further back. Versions that were archived or deleted are passed over.
    """
    from assay import releasing

    moved = releasing.rollback(name, to, reason=reason)
    if as_json:
        print_json(moved.as_dict())
    else:
        was = f", in the place of {name}/{moved.from_version}" if moved.from_version else ""
        click.echo(f"{name}/{moved.to_version} is in {to} again{was}.")
    return 0


@click.command()
@click.argument("version", metavar="NAME/VERSION")
@click.option("--undo", is_flag=True, help="Take it out of the archive instead.")
@click.option("--reason", required=True, help=_REASON)
@json_option
def archive(version: str, undo: bool, reason: str, as_json: bool) -> int:
    """Put the version NAME/VERSION away: it stays, but can be in no stage."""
    from assay import releasing

    entry = releasing.archive(version, reason=reason, undo=undo)
    if as_json:
        print_json(entry.as_dict())
    else:
        click.echo(f"{version} is {'no longer archived' if undo else 'archived'}.")
    return 0


@click.command()
@click.argument("version", metavar="NAME/VERSION")
@click.option("--reason", required=True, help=_REASON)
@json_option
def unregister(version: str, reason: str, as_json: bool) -> int:
    """Delete the version NAME/VERSION, if no stage or alias means it. Its run stays."""
    from assay import releasing

    gone = releasing.unregister(version, reason=reason)
    if as_json:
        print_json(gone.as_dict())
    else:
        click.echo(f"{version} is deleted; the audit log keeps what was done with it.")
    return 0


def _tell(story: Story) -> None:
    """All of one model."""
    if story.versions:
        out().print(_versions(story.versions))
    if story.log:
        click.echo("\naudit log")
        _tell_log(story)
    _tell_drift(story)


def _tell_drift(story: Story) -> None:
    for each in story.drift:
        click.secho(f"drift  {story.name}: {each.said}", fg="yellow")


def _versions(versions: Sequence[Version]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for title in ("model", "version", "stage", "run", "registered", "announced"):
        table.add_column(title)
    for each in versions:
        named = each.tags.get("assay.run", each.run_id)
        stage = " ".join([*each.aliases, *(["archived"] if each.is_archived else [])])
        row = (
            each.reference,
            each.semantic_version,
            stage,
            named,
            _minute(each.created),
            _announced(each),
        )
        table.add_row(*row)
    return table


def _announced(version: Version) -> str:
    """The primary metric of its run."""
    from assay.registry.numbering import EVALUATION

    metric = json.loads(version.tags.get(EVALUATION, "{}")).get("metric")
    return f"{metric} {version.tags.get(metric, '')}" if metric else ""


def _tell_log(story: Story) -> None:
    """A line for each entry, and one before it for what was done outside Assay."""
    from assay.registry.drift import between

    outside = between(story.log)
    for each in story.log:
        if each.number in outside:
            click.secho(f"     {outside[each.number]}", fg="yellow")
        way = "(through a server)" if each.through_server else ""
        moved = f"{each.action} {_moved(each)}"
        parts = (_minute(each.when), each.who, way, moved, _gates(each), each.reason)
        line = "  ".join(part for part in parts if part)
        # one line, whatever a reason holds: it could look like another entry
        click.echo(f"{each.number:>3}  {''.join(c if c.isprintable() else ' ' for c in line)}")


def _moved(move: Move) -> str:
    """What an entry moved, for people."""
    if move.stage == "archived":
        return f"{move.name}/{move.to_version or move.from_version}"
    before = move.from_version if move.from_version is not None else "none"
    return f"{move.stage}: {before} -> {move.to_version}"


def _gates(move: Move) -> str:
    """How many gates an entry passed."""
    passed = sum(bool(each.get("passed")) for each in move.verdicts)
    of_all = f"{passed} of {len(move.verdicts)} gates passed" if move.verdicts else ""
    told = ", ".join(filter(None, [of_all, "overridden" if move.override else ""]))
    return told and f"({told})"


def _minute(when: str) -> str:
    """A moment, to the minute, as the clock stood here."""
    return f"{datetime.fromisoformat(when).astimezone():%Y-%m-%d %H:%M}"
