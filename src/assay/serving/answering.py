"""Answering: from the body of a request to the body of its answer, step by step."""

from __future__ import annotations

import functools
import io
from typing import Any

import orjson

from assay.errors import AssayError
from assay.serving.exchange import Exchange
from assay.serving.json_body import strict_json
from assay.serving.refusal import Problem, Refusal
from assay.serving.router import Asked
from assay.serving.rows import Answer, Row, Table
from assay.serving.served_model import ServedModel
from assay.serving.state import ServerState
from assay.serving.table_body import Wanted, arrow_columns, parquet_columns
from assay.serving.validation import Findings

_UNFIT = "The rows do not fit the model."
_LARGE = 128 * 1024
"""Bytes of a body from which all of it is done in the thread that predicts."""
_WANT_OF_ROOM = 500
"""The status from which it is not what was sent that is refused."""
_MANY = 256
"""Objects in a body, likewise."""


async def answer_to(
    state: ServerState, exchange: Exchange, body: bytes, form: str, *, takes_one: bool
) -> bytes:
    """The answer to a body; observers are told of it, or that it was refused.

    Args:
        state: Of the server.
        exchange: The request.
        body: What was sent.
        form: In which form: 'json', 'arrow' or 'parquet'.
        takes_one: Whether a single row is answered too.

    Raises:
        Refusal: The body or its rows cannot be answered.
    """
    try:
        return await _answered(state, exchange, body, form, takes_one=takes_one)
    except BaseException as error:
        state.router.refused(exchange.request_id)
        if isinstance(error, Refusal) and error.status < _WANT_OF_ROOM:
            _tell_refusal(state, exchange, error)
        raise


def _tell_refusal(state: ServerState, exchange: Exchange, refusal: Refusal) -> None:
    """Tell those who count what was refused, and why."""
    version = exchange.facts.get("version") or state.slots[0].model.version
    n_rows = exchange.facts.get("n_rows", 0)
    kind = "model" if n_rows else "body"
    told = refusal.problems or [Problem(None, None, refusal.log, refusal.mend, kind=kind)]
    state.observing.tell_refusal(exchange.request_id, version, n_rows, told)


async def _answered(
    state: ServerState, exchange: Exchange, body: bytes, form: str, *, takes_one: bool
) -> bytes:
    is_small = len(body) < _LARGE and body.count(b"{") <= _MANY
    if form == "json" and is_small:
        rows, is_one = _rows(state, body, takes_one)
        model = _chosen(state, exchange, rows)
        table, findings = model.validator.checked(rows)
        try:
            answers = await state.prediction.predict(model, table)
        except AssayError as error:
            raise _unfit(state, error) from None
        told = _told(state, model, findings, answers, is_one=is_one)
    else:
        does = functools.partial(_all_at_once, state, exchange, body, form, takes_one)
        told, model, table, findings, answers = await state.prediction.in_thread(does)
    if findings.n_warnings:
        exchange.facts["n_warnings"] = findings.n_warnings
        state.metrics.warnings.inc(findings.n_warnings)
    state.metrics.predicted(model.version, len(answers))
    state.observing.tell(exchange.request_id, model.version, table, answers)
    return told


def _all_at_once(
    state: ServerState, exchange: Exchange, body: bytes, form: str, takes_one: bool
) -> tuple[bytes, ServedModel, Table, Findings, list[Answer]]:
    """The same without a pause, for what is large; in the thread that predicts."""
    is_one = False
    if form == "json":
        rows, is_one = _rows(state, body, takes_one)
        model = _chosen(state, exchange, rows)
        table, findings = model.validator.checked(rows)
    else:
        read = arrow_columns if form == "arrow" else parquet_columns
        columns, n = read(body, state.settings.limits, _wanted(state))
        if n == 0:
            raise _no_rows()
        first = [{name: cells[0] for name, cells in columns.items() if cells}]
        model = _chosen(state, exchange, first, n)
        table, findings = model.validator.checked_columns(columns, n)
    try:
        answers = model.predict(table)
    except AssayError as error:
        raise _unfit(state, error) from None
    if form == "json":
        told = _told(state, model, findings, answers, is_one=is_one)
    else:
        told = _table(answers, form)
    return told, model, table, findings, answers


def _rows(state: ServerState, body: bytes, takes_one: bool) -> tuple[list[Row], bool]:
    """Rows of a JSON body, and whether it was one row."""
    limits = state.settings.limits
    document = strict_json(body, limits.depth)
    rows = document.get("rows") if isinstance(document, dict) else None
    is_one = not isinstance(rows, list) or len(document) > 1
    if not isinstance(document, dict) or (is_one and not takes_one):
        mend = 'send {"rows": [{"COLUMN": VALUE}]} and nothing beside it'
        raise Refusal(422, "The body has no rows.", mend)
    if is_one:
        return [document], True
    assert isinstance(rows, list)
    if not rows:
        raise _no_rows()
    if len(rows) > limits.rows:
        raise Refusal(
            422, f"There are more than {limits.rows:,} rows.", "send fewer rows at a time"
        )
    others = [row for row, each in enumerate(rows) if type(each) is not dict]
    if others:
        mend = 'send {"COLUMN": VALUE}'
        problems = [Problem(row, None, "is no object", mend) for row in others[: limits.problems]]
        raise Refusal(
            422, "Some rows are no objects.", mend, problems=problems, n_problems=len(others)
        )
    return rows, False


def _wanted(state: ServerState) -> Wanted:
    """The columns that some model knows, and the one that a model is chosen by."""
    validators = [slot.model.validator for slot in state.slots]
    kind, _, key = (state.settings.traffic.key or "").partition(":")
    names = frozenset({key} if kind == "field" else ()).union(*(each.known for each in validators))
    return Wanted(names, frozenset().union(*(each.images for each in validators)))


def _chosen(
    state: ServerState, exchange: Exchange, rows: list[Row], n: int | None = None
) -> ServedModel:
    """The model for some rows, or for a table of `n` rows of which they are the first."""
    exchange.facts["n_rows"] = len(rows) if n is None else n
    chosen = state.router.choose(Asked(exchange.request_id, exchange.headers, rows))
    exchange.facts["version"] = chosen.version
    return chosen


def _unfit(state: ServerState, error: AssayError) -> Refusal:
    """The model has the last word: what was let pass may still be no date, or too large."""
    if state.settings.access.hide_schema:
        return Refusal(422, _UNFIT, "look at their values")
    return Refusal(422, error.what, error.mend, log=_UNFIT)


def _told(
    state: ServerState,
    model: ServedModel,
    findings: Findings,
    answers: list[Answer],
    *,
    is_one: bool,
) -> bytes:
    told: dict[str, Any] = {"predictions": answers} if not is_one else dict(answers[0])
    if not state.settings.access.hide_schema:
        told["model"] = model.version
    if findings.n_warnings:
        told["warnings"] = [each.as_dict() for each in findings.warnings]
        told["n_warnings"] = findings.n_warnings
    return orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)


def _table(answers: list[Answer], form: str) -> bytes:
    """Predictions and probabilities as columns, named as `assay predict` names them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"prediction": [each["prediction"] for each in answers]}
    for label in answers[0].get("probabilities", ()):
        columns[f"probability_{label}"] = [each["probabilities"][label] for each in answers]
    table, out = pa.table(columns), io.BytesIO()
    if form == "parquet":
        pq.write_table(table, out)
        return out.getvalue()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _no_rows() -> Refusal:
    return Refusal(422, "There are no rows.", 'send at least one: {"rows": [{"COLUMN": VALUE}]}')
