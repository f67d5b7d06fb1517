"""The rows to look at, beside what they hold: the worst mistakes, and rows alike of other labels.

Of development rows, predicted by models that were not fitted on them; a sealed row is in none of
the arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.data.images import ImageSize, decoded, size_of
from assay.data.schema import Column, Kind, Role, Schema
from assay.errors import DataError
from assay.evaluation.details import OppositeLabels
from assay.evaluation.labelled import in_words, surest_mistakes
from assay.evaluation.outcome import Outcome
from assay.evaluation.result import Importance
from assay.predictions import Labels, Rows
from assay.reports.mistakes import Mistake, Mistakes, Opposites, Picture, Pictures, Seen
from assay.reports.sample import cut, losses
from assay.reports.wording import listed
from assay.tracking.pictures import picture, picture_columns

MOST_ROWS = 10
MOST_OF_A_CONFUSION = 3
"""Rows of one class taken for one other; more where there are fewer than four such confusions."""
MOST_LABELS = 4
"""Of a row, of which the others are counted."""
MOST_FEATURES = 5
"""Of a table without texts and pictures."""
_MOST_COLUMNS = 6
_WIDEST = 160
_NOTHING: Mapping[str, Labels] = {}


def worst_mistakes(
    outcome: Outcome,
    table: pa.Table,
    rows: Rows,
    schema: Schema,
    *,
    importance: Sequence[Importance] = (),
    images: Mapping[str, Labels] = _NOTHING,
    folder: Path = Path(),
) -> Mistakes:
    """At most ten rows with the highest loss among those predicted wrongly, of several confusions.

    Beside them stand their pictures, texts, ids and groups; without pictures and texts also the
    features that the model uses most.

    Args:
        outcome: Predictions with the truth.
        table: Development rows as stored.
        rows: Their row numbers in the source, int64, shape (n,), ascending.
        schema: What the columns are.
        importance: Of the features, the highest first.
        images: Cells of features of images as learners see them, by name; in the order of `table`.
        folder: What paths of pictures are relative to.
    """
    wrong = _wrong(outcome)
    picked, most = _worst(outcome, wrong)
    places = rows.searchsorted(outcome.rows[picked])
    cells = _pictures(table, places, schema, images, folder)
    half = None
    if not outcome.task.is_classification and len(outcome):
        half = float(np.median(np.abs(outcome.known_values - outcome.truth)))
    return Mistakes(
        n=int(wrong.sum()),
        of=len(outcome),
        most=most,
        half=half,
        rows=tuple(_mistake(outcome, at) for at in picked),
        columns=_seen(table, places, _columns(schema, importance, list(cells))),
        pictures=_small_ones(cells),
    )


def side_by_side(
    found: OppositeLabels,
    table: pa.Table,
    rows: Rows,
    schema: Schema,
    *,
    importance: Sequence[Importance] = (),
    images: Mapping[str, Labels] = _NOTHING,
    folder: Path = Path(),
) -> Opposites:
    """The first ten pairs of rows that are alike with other labels, and what both hold.

    First stand the features that are only nearly the same. Arguments as of `worst_mistakes`.
    """
    if not found.pairs:
        return Opposites(found, (), (), ())
    pairs = found.pairs[:MOST_ROWS]
    shown = [row for pair in pairs for row in (pair.row, pair.twin)]
    places = rows.searchsorted(np.array(shown, dtype=np.int64))
    cells = _pictures(table, places, schema, images, folder)
    differing = {name for pair in pairs for name in pair.differ} - set(cells)
    first = [each for each in schema.features if each.name in differing]
    others = [each for each in _columns(schema, importance, list(cells)) if each not in first]
    columns = [*first, *others][:_MOST_COLUMNS]
    return Opposites(found, tuple(shown), _seen(table, places, columns), _small_ones(cells))


def _pictures(
    table: pa.Table, places: Rows, schema: Schema, images: Mapping[str, Labels], folder: Path
) -> dict[str, list[Any]]:
    """Cells of pictures in the rows at these places, by column."""
    seen = table.take(places)
    cells: dict[str, list[Any]] = {
        name: [given[place] for place in places] for name, given in images.items()
    }
    for name in picture_columns(seen, folder):
        cells.setdefault(name, [picture(each, folder) for each in seen[name].to_pylist()])
    cells.pop(schema.target, None)
    return cells


def _seen(table: pa.Table, places: Rows, columns: Sequence[Column]) -> tuple[Seen, ...]:
    """What these columns hold in the rows at these places."""
    held = table.select([each.name for each in columns]).take(places)
    return tuple(
        Seen(each.name, tuple(map(_kept, held[each.name].to_pylist())), _is_read(each))
        for each in columns
    )


def _small_ones(cells: Mapping[str, list[Any]]) -> tuple[Pictures, ...]:
    return tuple(
        Pictures(name, tuple(map(_small, cells[name]))) for name in list(cells)[:_MOST_COLUMNS]
    )


def _wrong(outcome: Outcome) -> NDArray[np.bool_]:
    if outcome.decided is None:
        return np.asarray(outcome.known_values != outcome.truth)
    return ~outcome.decided_right


def _worst(outcome: Outcome, wrong: NDArray[np.bool_]) -> tuple[list[int], int | None]:
    """Positions of wrong rows, the highest loss first, and how many may be of one confusion."""
    order = np.flatnonzero(wrong)
    order = order[np.argsort(-losses(outcome)[order], kind="stable")]
    if outcome.decided is None:
        return order[:MOST_ROWS].tolist(), None
    taken = np.column_stack([outcome.truth[order], outcome.decided[order]])
    confusions = np.unique(taken, axis=0, return_inverse=True)[1].ravel()
    most = max(MOST_OF_A_CONFUSION, MOST_ROWS // max(1, len(np.unique(confusions))))
    picked: list[int] = []
    had = Counter[int]()
    for at, confusion in zip(order.tolist(), confusions.tolist(), strict=True):
        if had[confusion] < most:
            had[confusion] += 1
            picked.append(at)
        if len(picked) == MOST_ROWS:
            break
    return picked, most


def _mistake(outcome: Outcome, at: int) -> Mistake:
    row, truth = int(outcome.rows[at]), outcome.truth[at]
    if outcome.probabilities is None or outcome.decided is None:
        return Mistake(row, float(truth), float(outcome.known_values[at]))
    decided = outcome.decided[at]
    if outcome.has_labels:
        [worst], [sure] = surest_mistakes(outcome.take(np.array([at])))
        has, said = (_labels(outcome, each, truth != decided) for each in (truth, decided))
        return Mistake(row, has, said, float(sure), worst=worst)
    given = outcome.probabilities[at]
    label, said = (str(outcome.classes[code]) for code in (truth, decided))
    return Mistake(row, label, said, float(given[decided]), float(given[truth]))


def _labels(outcome: Outcome, held: NDArray[np.int64], wrong: NDArray[np.bool_]) -> str:
    """The labels that a row has, or is given; of many those first that are wrong."""
    at = np.flatnonzero(held)
    if len(at) <= MOST_LABELS:
        return in_words(outcome.classes, held)
    first = [*at[wrong[at]], *at[~wrong[at]]]
    return listed([str(outcome.classes[code]) for code in first], MOST_LABELS)


def _columns(
    schema: Schema, importance: Sequence[Importance], pictures: Sequence[str]
) -> list[Column]:
    """What a person looks at: texts, ids and groups, or else what the model uses most."""
    texts = [each for each in schema.features if _is_read(each) and each.name not in pictures]
    named = [each for each in schema.columns if each.role in (Role.ID, Role.GROUP)]
    if texts or pictures:
        return [*texts, *named][:_MOST_COLUMNS]
    rank = {name: n for n, each in enumerate(importance) for name in each.features}
    features = sorted(schema.features, key=lambda each: rank.get(each.name, len(rank)))
    return [*named, *features[:MOST_FEATURES]]


def _is_read(column: Column) -> bool:
    return column.kind is Kind.TEXT and column.role is Role.FEATURE


def _kept(value: Any) -> Any:
    """A cell as JSON has it; no number is nan or infinite."""
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    return cut(str(value))


def _small(cell: Any) -> Picture | None:
    """An image, made small enough for a page; None if it is none."""
    from PIL import Image

    try:
        size = size_of([cell])
        shrink = min(1.0, _WIDEST / max(size.height, size.width))
        height, width = (max(1, round(shrink * side)) for side in (size.height, size.width))
        pixels = decoded([cell], ImageSize(height, width, size.channels), threads=1)[0]
    except DataError:
        return None
    image = Image.fromarray(pixels[0] if size.channels == 1 else np.moveaxis(pixels, 0, 2))
    files = {form: BytesIO() for form in ("png", "jpeg")}
    for form, file in files.items():
        image.save(file, form)
    form = min(files, key=lambda each: len(files[each].getvalue()))
    return Picture(width, height, form, files[form].getvalue())
