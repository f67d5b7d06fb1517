"""The `data` block of the experiment file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from assay.data.schema import Task


def _as_list(names: Any) -> Any:
    return (names,) if isinstance(names, str) else names


LABELS = "labels"
"""What the target is called where several columns are."""

Names = Annotated[
    tuple[str, ...], BeforeValidator(_as_list, json_schema_input_type=str | tuple[str, ...])
]
"""Names of columns; of one, the name alone will do."""


class RolesSettings(BaseModel):
    """What columns are there for, besides predicting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str | None = Field(None, description="Column that names the row; never a feature.")
    group: str | tuple[str, ...] | None = Field(
        None, description="Column, or several, whose equal rows stay on one side of every split."
    )
    time: str | None = Field(
        None, description="Column that orders the rows: models learn from earlier ones only."
    )
    weight: str | None = Field(None, description="Column that says how much a row counts.")
    segments: Names = Field(
        (), description="Columns by whose levels the model is judged; never features."
    )
    ignore: Names = Field((), description="Columns to leave out.")

    @property
    def groups(self) -> tuple[str, ...]:
        """The group columns, however many."""
        return (self.group,) if isinstance(self.group, str) else self.group or ()


class SplitSettings(BaseModel):
    """How rows are divided into test rows, which are sealed, and folds of the rest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["auto", "random", "group", "time", "column"] = Field(
        "auto",
        description="random: drawn, stratified by class, or by a row's rarest label; group: whole "
        "groups, drawn; time: the latest; column: as `column` says; auto: as a dataset of several "
        "splits says, by the roles that are given, else random.",
    )
    column: str | None = Field(
        None, description="With by: column, the column whose value 'test' marks the test rows."
    )
    test: float = Field(0.2, gt=0, lt=1, description="Share of rows that are sealed.")
    folds: int = Field(5, ge=2, le=50, description="Folds of the remaining rows.")
    validation: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="Share of the remaining rows that networks, which are not fitted on folds, "
        "stop on and are judged on.",
    )
    gap: float = Field(
        0.0,
        ge=0,
        description="With by: time, what lies between learning and predicting, in days for "
        "dates, else in the unit of the time column.",
    )
    duplicates: Literal["apart", "together"] = Field(
        "apart", description="together: rows of equal features stay on one side of every split."
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of the draw.")


class DataSettings(BaseModel):
    """The table, what is predicted from it, and how it is split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(
        description="File or folder relative to the experiment file, database, or delta://FOLDER."
    )
    query: str | None = Field(None, description="Of a database: SQL, or the name of a table.")
    sheet: str | None = Field(None, description="Of an Excel workbook; the first when absent.")
    target: str | tuple[str, ...] = Field(
        description="Column to predict; or a list of columns of yes and no, each of them a label."
    )
    task: Task | None = Field(
        None, description="binary | multiclass | multilabel | regression; inferred."
    )
    positive: Any = Field(
        None, description="The class to find in a binary task; the rarer one when absent."
    )
    kinds: dict[str, str] = Field(
        {},
        description="Kind of a column, where it was taken for another: numeric, categorical, "
        "text, datetime, image, or how its dates are written, as in '%d.%m.%Y'.",
    )
    roles: RolesSettings = Field(RolesSettings(), description="What columns are there for.")
    split: SplitSettings = Field(SplitSettings(), description="Test rows and folds.")

    @property
    def target_column(self) -> str:
        """What the column to predict is called once the table is read."""
        return self.target if isinstance(self.target, str) else LABELS

    @property
    def sealed_by(self) -> Literal["random", "group", "time", "column"]:
        """What decides which rows are sealed."""
        if self.split.by != "auto":
            return self.split.by
        return "column" if self.split.column is not None else self.folded_by

    @property
    def folded_by(self) -> Literal["random", "group", "time"]:
        """What decides the folds of the other rows: the roles, where `split.by` does not."""
        if self.split.by in ("random", "group", "time"):
            return self.split.by
        if self.roles.time is not None:
            return "time"
        return "group" if self.roles.groups or self.split.duplicates == "together" else "random"
