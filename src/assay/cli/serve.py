"""`assay serve`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from assay.cli.console import json_option, print_json, progress, quiet_option

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@click.command()
@click.argument("model")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port; 0 takes any that is free.",
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="YAML with a block 'serving': limits, access, batching and more.",
)
@click.option(
    "--challenger",
    "challengers",
    multiple=True,
    metavar="MODEL=SHARE",
    help="A model that answers a share of the requests: NAME@staging=0.1. Repeatable.",
)
@click.option(
    "--shadow",
    "shadows",
    multiple=True,
    metavar="MODEL",
    help="A model that predicts what MODEL answered, for nobody to see. Repeatable.",
)
@click.option(
    "--trust", multiple=True, metavar="TYPE", help="A type that the model may hold. Repeatable."
)
@json_option
@quiet_option
def serve(
    model: str,
    host: str,
    port: int,
    settings: Path | None,
    challengers: tuple[str, ...],
    shadows: tuple[str, ...],
    trust: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> int:
    """Answer requests with MODEL: NAME, NAME@STAGE, NAME/VERSION, runs:/ID or a folder.

    Where NAME or NAME@STAGE comes to name another version, that one answers from then on, without
    a request lost. The log goes to stderr, a JSON document a line. SIGTERM or Ctrl-C ends the
    server after its last answer. How models stand that share the traffic: assay traffic MODEL.
    """
    with progress(quiet) as announce:
        from assay import serving_models

        def listens(url: str) -> None:
            if as_json:
                print_json({"url": url, "model": model, "pid": os.getpid()})
            else:
                click.echo(f"{model} answers at {url}/predict; what it takes: {url}/schema")
                if not quiet:
                    click.echo("Ctrl-C ends it.", err=True)
            if host not in _THIS_MACHINE and not serving_models.needs_key(options):
                text = f"note   everybody may ask: {options.access.key_variable} is not set"
                click.echo(text, err=True)

        options = serving_models.settings_of(settings)
        serving_models.serve(
            model, host=host, port=port, settings=options, challengers=challengers,
            shadows=shadows, trust=trust, announce=announce, listens=listens,
        )  # fmt: skip
    return 0
