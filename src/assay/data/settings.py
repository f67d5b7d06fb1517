"""The `data` block of the experiment file."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.data.schema import Task


class RolesSettings(BaseModel):
    """Columns that are there for something else than predicting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str | None = Field(None, description="Column that names the row; never a feature.")
    ignore: tuple[str, ...] = Field((), description="Columns to leave out.")


class SplitSettings(BaseModel):
    """How rows are divided into test rows, which are sealed, and folds of the rest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["random", "column"] = Field(
        "random",
        description="random: drawn, stratified by class; column: as `column` says, row by row.",
    )
    column: str | None = Field(
        None, description="With by: column, the column whose value 'test' marks the test rows."
    )
    test: float = Field(0.2, gt=0, lt=1, description="Share of rows that are sealed.")
    folds: int = Field(5, ge=2, le=50, description="Folds of the remaining rows.")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of the draw.")


class DataSettings(BaseModel):
    """The table, what is predicted from it, and how it is split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(
        description="File or folder relative to the experiment file, database, or delta://FOLDER."
    )
    query: str | None = Field(None, description="Of a database: SQL, or the name of a table.")
    sheet: str | None = Field(None, description="Of an Excel workbook; the first when absent.")
    target: str = Field(description="Column to predict.")
    task: Task | None = Field(None, description="binary | multiclass | regression; inferred.")
    positive: Any = Field(
        None, description="The class to find in a binary task; the rarer one when absent."
    )
    roles: RolesSettings = Field(RolesSettings(), description="Columns that are no features.")
    split: SplitSettings = Field(SplitSettings(), description="Test rows and folds.")
