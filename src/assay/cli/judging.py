"""`assay evaluate` and `report`."""

from __future__ import annotations

import click

from assay.cli.console import (
    json_option,
    out,
    print_json,
    progress,
    quiet_option,
    run_argument,
)


@click.command()
@run_argument
@click.option(
    "--on",
    type=click.Choice(["out-of-fold", "validation", "test"]),
    help="Which rows; those of training if absent; 'test' opens the sealed ones, and the look is "
    "counted.",
)
@click.option("--reason", default="", help="Why the test is opened; goes into the ledger.")
@json_option
@quiet_option
def evaluate(run: str, on: str | None, reason: str, as_json: bool, quiet: bool) -> int:
    """Show what RUN is worth: an id, a name, 'last' or 'best'."""
    with progress(quiet) as announce:
        from assay import lifecycle
        from assay.cli.summary import show_run

        evaluated = lifecycle.evaluate(run, on=on, reason=reason, announce=announce)
    if as_json:
        print_json(evaluated.summary())
    else:
        show_run(evaluated, out())
    return 0


@click.command()
@run_argument
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@json_option
def report(run: str, opens: bool, as_json: bool) -> int:
    """Write the page of RUN again and say where it is."""
    from assay import lifecycle

    path = lifecycle.report(run)
    if as_json:
        print_json({"report": str(path)})
    else:
        click.echo(str(path))
    if opens:
        click.launch(path.as_uri())
    return 0
