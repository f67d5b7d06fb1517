"""`assay promote`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from assay.cli.console import json_option, out, print_json, progress, quiet_option

if TYPE_CHECKING:
    from rich.console import RenderableType

    from assay.promoting import Promotion
    from assay.registry.gates.base import Verdict

_SHOWN = {True: ("passed", "green"), False: ("refused", "bold red"), None: ("cannot tell", "red")}


@click.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(min=1), required=False)
@click.option(
    "--to", required=True, type=click.Choice(["staging", "production"]), help="The stage."
)
@click.option("--override", is_flag=True, help="Move it though gates refuse; needs --reason.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit log for ever.")
@click.option(
    "--expect",
    type=click.IntRange(min=0),
    metavar="N",
    help="The version that is thought to be there now, 0 for none: else nothing is moved.",
)
@json_option
@quiet_option
def promote(
    name: str,
    version: int | None,
    to: str,
    override: bool,
    reason: str,
    expect: int | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Move VERSION of model NAME to a stage if every gate passes; exit status 1 if one refuses.

    NAME alone may be NAME/VERSION, or NAME@staging for the version that is there. The gates are
    those of the experiment, as the model was trained, and of every policy; what nobody can tell
    counts as refused.
    """
    with progress(quiet) as announce:
        from assay import promoting

        done = promoting.promote(
            name, version, to=to, override=override, reason=reason, expect=expect, announce=announce
        )
    if as_json:
        print_json(done.as_dict())
    else:
        out().print(shown(done))
    return 0 if done.is_moved else 1


def shown(done: Promotion) -> RenderableType:
    """Every verdict with its evidence, and what came of it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    before = done.before.reference if done.before is not None else "vacant"
    if done.gone is not None:
        before = f"{done.version.name}/{done.gone}, which was deleted outside Assay"
    head = Text.assemble(
        (f"{done.version.reference} to {done.stage}", "bold"), (f"   now {before}", "dim")
    )
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for title in ("", "gate"):
        table.add_column(title, no_wrap=True)
    table.add_column("asked for, and what is recorded", overflow="fold")
    table.add_column("asked by", style="dim")
    for each in done.verdicts:
        word, style = _SHOWN[each.passed]
        told = Text(each.asked)
        for reason in each.reasons:
            told.append(f"\n{reason}", style="dim" if each.passed else style)
        table.add_row(Text(word, style=style), Text(each.gate), told, Text(each.by))
    return Group(head, Text(), table, Text(), _conclusion(done))


def _conclusion(done: Promotion) -> RenderableType:
    from shlex import quote

    from rich.text import Text

    refusals = done.refusals
    if not done.is_moved:
        command = f"assay promote {quote(done.version.name)} {done.version.version} --to "
        return Text.assemble(
            (f"Refused by {_listed(refusals)}: nothing was moved.\n", "bold red"),
            "to overrule it for ever   ",
            (f"{command}{done.stage} --override --reason 'why it has to be'", "dim"),
        )
    assert done.move is not None
    said = f"{done.version.reference} is {done.version.name}@{done.stage} now."
    if done.is_override:
        overruled = f" {_listed(refusals)} overruled by {done.move.who}: {done.reason}"
        return Text.assemble((said, "bold yellow"), overruled)
    reference = quote(f"{done.version.name}@{done.stage}")
    return Text.assemble((said, "bold green"), (f"\nnext   assay serve {reference}", "dim"))


def _listed(verdicts: tuple[Verdict, ...]) -> str:
    """The gates, each once."""
    return ", ".join(dict.fromkeys(each.gate for each in verdicts))
