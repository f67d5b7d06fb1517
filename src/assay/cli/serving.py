"""`assay register`, `models` and `predict`."""

from __future__ import annotations

from pathlib import Path

import click

from assay.cli.console import json_option, out, print_json, progress, quiet_option


@click.command()
@click.argument("run")
@click.option("--as", "name", help="Name; the experiment's own when absent.")
@json_option
def register(run: str, name: str | None, as_json: bool) -> int:
    """Keep the model of RUN under a name, as its next version."""
    from shlex import quote

    from assay import lifecycle

    version = lifecycle.register(run, name)
    if as_json:
        print_json({**vars(version), "aliases": list(version.aliases)})
    else:
        click.echo(f"{version.reference} is the model of run {version.tags['assay.run']}.")
        click.echo(f"next   assay predict {quote(version.name)} DATA --out FILE")
    return 0


@click.command()
@json_option
def models(as_json: bool) -> int:
    """List the registered models and their versions."""
    from rich.table import Table

    from assay import lifecycle

    found = lifecycle.models()
    if as_json:
        print_json({"models": [{**vars(each), "aliases": list(each.aliases)} for each in found]})
        return 0
    if not found:
        click.echo("No model is registered. next   assay register last --as NAME")
        return 0
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for title in ("model", "aliases", "run", "registered", "out of fold"):
        table.add_column(title)
    for each in found:
        tags = dict(each.tags)
        named = tags.pop("assay.run", each.run_id)
        worth = ", ".join(f"{name} {text}" for name, text in tags.items())
        created = each.created[:16].replace("T", " ")
        table.add_row(each.reference, " ".join(each.aliases), named, created, worth)
    out().print(table)
    return 0


@click.command()
@click.argument("model")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="A .csv or .parquet file; stdout if absent."
)
@click.option(
    "--trust", multiple=True, metavar="TYPE", help="A type that the model may hold. Repeatable."
)
@json_option
@quiet_option
def predict(
    model: str, data: Path, out: Path | None, trust: tuple[str, ...], as_json: bool, quiet: bool
) -> int:
    """Predict the rows of DATA with MODEL: NAME, NAME/VERSION, NAME@ALIAS, runs:/ID or a folder."""
    with progress(quiet) as announce:
        from assay import lifecycle

        predictions = lifecycle.predict(model, data, out=out, trust=trust, announce=announce)
    model = predictions.attrs["model"]
    if as_json:
        rows = predictions.to_dict("records") if out is None else None
        where = str(out) if out is not None else None
        print_json({"model": model, "n": len(predictions), "out": where, "predictions": rows})
    elif out is None:
        click.echo(predictions.to_csv(index=False), nl=False)
    else:
        click.echo(f"{len(predictions):,} rows predicted by {model}: {out}")
    return 0
