"""`assay export`."""

from __future__ import annotations

from pathlib import Path

import click

from assay.cli.console import json_option, print_json, progress, quiet_option


@click.command()
@click.argument("model")
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="FOLDER",
    help="The folder; it must not exist, or be empty.",
)
@click.option(
    "--trust", multiple=True, metavar="TYPE", help="A type that the model may hold. Repeatable."
)
@json_option
@quiet_option
def export(model: str, to: Path, trust: tuple[str, ...], as_json: bool, quiet: bool) -> int:
    """Write a folder that serves MODEL anywhere, with only what that needs; also as an image.

    MODEL is NAME, NAME/VERSION, NAME@STAGE, runs:/ID or a folder.
    """
    from shlex import quote

    with progress(quiet) as announce:
        from assay.exporting.export import export as write

        exported = write(model, to, trust=trust, announce=announce)
    if as_json:
        print_json(exported.as_dict())
        return 0
    size = f"{exported.size_bytes / 2**20:.1f} MiB"
    click.echo(f"{exported.model} is in {to}: {size}, {exported.n_packages} packages to install.")
    for note in exported.notes:
        click.echo(note, err=True)
    click.echo(f"next   docker build -t model {quote(str(to))}, or see its README.md")
    return 0
