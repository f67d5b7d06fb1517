"""What is answered: predictions, or every problem of every row at once."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from assay.inference.compiled.rows import FEW
from assay.inference.loading import LoadedModel
from assay.inference.predicting import predict_frame
from assay.serving.openapi import ARROW, PARQUET
from tests.serving.models import app_with, mixed

FEATURES = ["a", "b", "c", "kind", "whole", "when", "flag"]


@pytest.fixture(scope="module")
def client(loaded: LoadedModel) -> Iterator[TestClient]:
    with TestClient(app_with(loaded)) as made:
        yield made


@pytest.fixture(scope="module")
def strict_client(strict: LoadedModel) -> Iterator[TestClient]:
    with TestClient(app_with(strict)) as made:
        yield made


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(frame[FEATURES].to_json(orient="records", double_precision=15))


@pytest.mark.parametrize("n", [1, 5, 100])
def test_answers_are_what_the_model_predicts(
    n: int, client: TestClient, loaded: LoadedModel
) -> None:
    rows = rows_of(mixed().head(n))
    told = client.post("/predict", json={"rows": rows}).json()
    frames = [pd.DataFrame(rows)] if n > FEW else [pd.DataFrame([row]) for row in rows]
    expected = pd.concat([predict_frame(loaded, frame) for frame in frames])
    assert [each["prediction"] for each in told["predictions"]] == expected["prediction"].tolist()
    for label in ("no", "yes"):
        said = [each["probabilities"][label] for each in told["predictions"]]
        assert said == expected[f"probability_{label}"].tolist()
    assert told["model"] == "model/1"
    assert "warnings" not in told


def test_a_row_by_itself_gets_an_answer_by_itself(client: TestClient, row: dict[str, Any]) -> None:
    told = client.post("/predict", json=row)
    assert told.status_code == 200
    assert set(told.json()) == {"prediction", "probabilities", "model"}
    assert sum(told.json()["probabilities"].values()) == pytest.approx(1)
    many = client.post("/predict", json={"rows": [row]}).json()["predictions"][0]
    assert many == {key: told.json()[key] for key in ("prediction", "probabilities")}


@pytest.mark.parametrize(("form", "media_type"), [("arrow", ARROW), ("parquet", PARQUET)])
def test_tables_are_answered_in_their_own_form(
    form: str, media_type: str, client: TestClient, loaded: LoadedModel
) -> None:
    frame = mixed()[FEATURES].assign(when=pd.to_datetime(mixed()["when"]))
    table, out = pa.Table.from_pandas(frame, preserve_index=False), io.BytesIO()
    if form == "parquet":
        pq.write_table(table, out)
    else:
        with pa.ipc.new_stream(out, table.schema) as writer:
            writer.write_table(table)
    told = client.post(
        "/predict/batch", content=out.getvalue(), headers={"Content-Type": media_type}
    )
    assert told.headers["content-type"] == media_type
    said = pa.BufferReader(told.content)
    read = pq.read_table(said) if form == "parquet" else pa.ipc.open_stream(said).read_all()
    expected = predict_frame(loaded, mixed()[FEATURES])
    pd.testing.assert_frame_equal(read.to_pandas(), expected, check_dtype=False)


def test_every_problem_of_every_row_is_told_at_once(strict_client: TestClient, row: Any) -> None:
    rows = [
        row,
        row | {"a": "much", "kind": "mauve", "when": "yesterday"},
        {name: row[name] for name in FEATURES if name != "whole"} | {"wole": 3},
        row | {"c": None, "flag": 1, "a": 1e9},
    ]
    told = strict_client.post("/predict", json={"rows": rows})
    assert (told.status_code, told.headers["content-type"]) == (422, "application/problem+json")
    body = told.json()
    assert body["title"] == "The rows do not fit the model: 8 problems."
    assert body["n_problems"] == 8
    assert body["request_id"] == told.headers["x-request-id"]
    found = {
        (each["row"], each["column"], each["what"], each["value"]) for each in body["problems"]
    }
    assert found == {
        (1, "a", "is a text, not a number", '"much"'),
        (1, "kind", "was never seen before", '"mauve"'),
        (1, "when", "cannot be read as a date", '"yesterday"'),
        (2, "whole", "the column is missing", None),
        (2, "wole", "is no column of the model", None),
        (3, "c", "is missing", "null"),
        (3, "flag", "is a number, not a truth value", "1"),
        (3, "a", "is far beyond what was seen", "1000000000.0"),
    }
    assert [each["row"] for each in body["problems"]] == sorted(e["row"] for e in body["problems"])
    mends = {each["what"]: each["mend"] for each in body["problems"]}
    assert mends["is no column of the model"] == "perhaps 'whole' is meant; else leave it out"
    assert mends["was never seen before"] == "send one of blue, green, red"
    assert mends["is a text, not a number"] == "send a number, without quotes"


def test_what_a_policy_warns_of_is_predicted_and_told(client: TestClient, row: Any) -> None:
    told = client.post("/predict", json=row | {"kind": "mauve", "a": 1e9, "c": None}).json()
    assert told["prediction"] in ("yes", "no")
    assert told["n_warnings"] == 3
    assert {(each["column"], each["what"]) for each in told["warnings"]} == {
        ("a", "is far beyond what was seen"),
        ("c", "is missing"),
        ("kind", "was never seen before"),
    }


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, "The body is empty."),
        (b"hello", 400, "The body is no JSON: unexpected character"),
        (b'{"a": NaN}', 400, "no JSON"),
        (b'{"a": Infinity}', 400, "no JSON"),
        (b'{"a": 1e999}', 400, "number is infinity"),
        (b'{"a": 1, "a": 2}', 400, "a key more than once: 'a'"),
        (b'{"rows": [{"a": 1, "\\u0061": 2}]}', 400, "a key more than once: 'a'"),
        (b'{"a": "\xff"}', 400, "not valid UTF-8"),
        (b'{"a": "\\ud800"}', 400, "surrogate"),
        (b"[" * 100_000, 400, "nested deeper than 8"),
        (b'{"a": ' * 20 + b"1" + b"}" * 20, 400, "nested deeper than 8"),
        (b"[]", 422, "The body has no rows."),
        (b"1", 422, "The body has no rows."),
        (b'{"rows": []}', 422, "There are no rows."),
        (b'{"rows": [1, {}, "a"]}', 422, "Some rows are no objects."),
        (b'{"rows": 3}', 422, "The rows do not fit the model"),
        (b'{"rows": [' + b",".join([b"{}"] * 10_001) + b"]}", 422, "more than 10,000 rows"),
        (b'"' + b"a" * 9_000_000 + b'"', 413, "larger than 8 MiB"),
    ],
)
def test_a_broken_body_is_refused_in_words(
    body: bytes, status: int, told: str, client: TestClient, row: Any
) -> None:
    said = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert said.status_code == status
    assert told in said.json()["title"]
    assert said.json()["mend"]
    assert client.post("/predict", json=row).status_code == 200


def test_a_batch_is_rows_and_nothing_else(client: TestClient, row: Any) -> None:
    for body in (row, {"rows": [row], "more": 1}, {"rows": row}):
        said = client.post("/predict/batch", json=body)
        assert (said.status_code, said.json()["title"]) == (422, "The body has no rows.")
    assert client.post("/predict/batch", json={"rows": [row]}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "The Content-Type is none"),
        ({"Content-Type": "text/plain"}, "The Content-Type is none"),
        ({"Content-Type": "application/json; charset=latin-1"}, "not in UTF-8"),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, "compressed"),
    ],
)
def test_another_form_is_refused(headers: dict[str, str], told: str, client: TestClient) -> None:
    said = client.post("/predict", content=b"{}", headers=headers)
    assert said.status_code == 415
    assert told in said.json()["title"]


def test_more_problems_than_are_listed_are_counted(loaded: LoadedModel) -> None:
    with TestClient(app_with(loaded, limits={"problems": 3})) as client:
        told = client.post("/predict", json={"rows": [{}] * 50}).json()
    assert (told["n_problems"], len(told["problems"])) == (350, 3)


def test_a_path_is_never_read_as_an_image(tmp_path: Any) -> None:
    from assay.data.schema import Column, Kind, Role
    from assay.serving.cells import reading_of

    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    column = Column("image", Kind.IMAGE, Role.FEATURE, "binary", "", 2, 0.0)
    reading = reading_of(column, 1000)
    assert reading.read(str(secret)) == (None, "is no base64")
    assert reading.read(base64.b64encode(b"no image").decode())[1].startswith("is no image file")
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (40, 30)).save(out, "png")
    assert "has 40 x 30 pixels, more than 1,000" in reading.read(out.getvalue())[1]
    assert reading_of(column, 1200).read(base64.b64encode(out.getvalue()).decode()) == (
        out.getvalue(), "",
    )  # fmt: skip
