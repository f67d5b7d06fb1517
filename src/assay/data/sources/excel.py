"""Excel workbooks: one sheet, names in its first row.

Excel knows no types of columns and no whole numbers: a column of whole numbers is one of integers,
one whose cells are of several types is text.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.data.sources.delimited import NULL_TEXTS
from assay.data.sources.refusals import no_package, unreadable
from assay.errors import DataError

SUFFIX = ".xlsx"


def read(path: Path, sheet: str | None = None) -> pa.Table:
    """A whole sheet, the first if none is named.

    Raises:
        DataError: The workbook is broken, has no such sheet, or a column without a name; or
            python-calamine is not installed.
    """
    rows = _rows(path, sheet)
    while rows and not any(_is_there(cell) for cell in rows[0]):
        rows = rows[1:]
    header, *body = rows or [[]]
    names = [str(_whole(cell)) if _is_there(cell) else "" for cell in header]
    arrays = []
    for position, name in enumerate(names):
        cells = [row[position] for row in body]
        if not name and any(_is_there(cell) for cell in cells):
            raise DataError(
                f"{path.name} has values in column {position + 1}, which has no name.",
                where=str(path),
                mend="write a name for every column into the first row of the sheet",
            )
        arrays.append(_array(cells))
    kept = [position for position, name in enumerate(names) if name]
    return pa.Table.from_arrays([arrays[i] for i in kept], names=[names[i] for i in kept])


def _rows(path: Path, sheet: str | None) -> list[list[Any]]:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise no_package("An Excel workbook", "excel", str(path)) from None
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheets = workbook.sheet_names
            if sheet is not None and sheet not in sheets:
                raise DataError(
                    f"{path.name} has no sheet {sheet!r}.",
                    where=f"sheets: {', '.join(sheets)}",
                    mend=f"data: {{sheet: {sheets[0]}}}" if sheets else "give another workbook",
                )
            found = workbook.get_sheet_by_name(sheet) if sheet else workbook.get_sheet_by_index(0)
            return found.to_python(skip_empty_area=True)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise unreadable(path, "Excel workbook", error) from None


def _array(cells: list[Any]) -> pa.Array:
    values = [_whole(cell) if _is_there(cell) else None for cell in cells]
    kinds = {_family(value) for value in values if value is not None}
    if len(kinds) > 1:
        values = [None if value is None else _text(value) for value in values]
    return pa.array(values)


def _is_there(cell: Any) -> bool:
    return cell is not None and not (isinstance(cell, str) and cell in NULL_TEXTS)


def _whole(cell: Any) -> Any:
    is_whole = isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53
    return int(cell) if is_whole else cell


def _family(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    return "date" if isinstance(value, date) else type(value).__name__


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
