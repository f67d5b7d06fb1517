"""`assay register` and `predict`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from assay.cli.console import json_option, print_json, progress, quiet_option, run_argument

_SHOWN_NOTES = 10


@click.command()
@run_argument
@click.option("--as", "name", help="Name; the experiment's own when absent.")
@click.option(
    "--card",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A model card that people have filled in; what they wrote is kept.",
)
@json_option
def register(run: str, name: str | None, card: Path | None, as_json: bool) -> int:
    """Keep the model of RUN under a name, as its next version."""
    from shlex import quote

    from assay import delivery

    version = delivery.register(run, name, card=card)
    if as_json:
        print_json(version.as_dict())
    else:
        of_run = f"the model of run {version.tags['assay.run']}"
        numbered = f", version {version.semantic_version}" if version.semantic_version else ""
        click.echo(f"{version.reference} is {of_run}{numbered}.")
        name = quote(version.name)
        click.echo(f"next   assay promote {name} {version.version} --to staging")
        click.echo(f"next   assay predict {name} DATA --out FILE")
    return 0


@click.command()
@click.argument("model")
@click.argument("data")
@click.option(
    "--out", type=click.Path(path_type=Path), help="A .csv or .parquet file; stdout if absent."
)
@click.option("--query", help="Of a database: SQL, or the name of a table.")
@click.option("--sheet", help="Of an Excel workbook; the first if absent.")
@click.option(
    "--trust", multiple=True, metavar="TYPE", help="A type that the model may hold. Repeatable."
)
@json_option
@quiet_option
def predict(
    model: str,
    data: str,
    out: Path | None,
    query: str | None,
    sheet: str | None,
    trust: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> int:
    """Predict the rows of DATA with MODEL: NAME, NAME/VERSION, NAME@ALIAS, runs:/ID or a folder.

    DATA is whatever a table can come from: a file, a folder, a database's address.
    """
    with progress(quiet) as announce, telling_of_odd_rows():
        from assay import delivery

        if out is not None:
            written = delivery.predict_file(
                model, data, out, query=query, sheet=sheet, trust=trust, announce=announce
            )
        else:
            predictions = delivery.predict(model, data, query=query, sheet=sheet, trust=trust)
    if out is not None:
        if as_json:
            print_json({"model": written.model, "n": written.n, "out": str(out)})
        else:
            click.echo(f"{written.n:,} rows predicted by {written.model}: {out}")
        return 0
    if as_json:
        rows = predictions.to_dict("records")
        named = predictions.attrs["model"]
        print_json({"model": named, "n": len(predictions), "out": None, "predictions": rows})
    else:
        from assay.inference.predicting import for_csv

        click.echo(for_csv(predictions).to_csv(index=False), nl=False)
    return 0


@contextmanager
def telling_of_odd_rows() -> Iterator[None]:
    """Says on stderr in what rows are not like those of training, each thing once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    told = list(dict.fromkeys(str(each.message) for each in caught if _is_of_rows(each.category)))
    for text in told[:_SHOWN_NOTES]:
        click.echo(f"note   {text}", err=True)
    if len(told) > _SHOWN_NOTES:
        click.echo(f"note   and {len(told) - _SHOWN_NOTES} more of this sort", err=True)


def _is_of_rows(category: type[Warning]) -> bool:
    from assay.inference.strictness import RowsUnlikeTraining

    return issubclass(category, RowsUnlikeTraining)
