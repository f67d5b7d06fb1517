"""`assay sync`."""

from __future__ import annotations

import click

from assay.cli.console import json_option, print_json, progress, quiet_option


@click.command()
@json_option
@quiet_option
def sync(as_json: bool, quiet: bool) -> int:
    """Send what earlier processes recorded and could not send, and end the runs that were killed.

    Every command does so by itself where it can; this one waits for the store, and says what is
    left.
    """
    with progress(quiet) as announce:
        from assay import sending

        sent = sending.sync(announce=announce)
    if as_json:
        print_json({"runs": sent.runs, "unsent": sent.unsent, "notices": sent.notices})
    else:
        for reference in sent.runs:
            click.echo(f"{reference} is whole in the store of runs.")
        for text in (*sent.notices, *sent.unsent):
            click.echo(text, err=True)
        if not any((sent.runs, sent.unsent, sent.notices)):
            click.echo("Everything has been sent.")
    return 2 if sent.unsent else 0
