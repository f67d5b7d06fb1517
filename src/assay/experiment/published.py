"""What is published of the experiment file: its JSON schema and the first file of `assay init`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from io import StringIO
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from assay.data.profile import ColumnProfile, Profile
from assay.data.schema import Column, Kind, Role, Schema, Task
from assay.data.settings import SplitSettings
from assay.evaluation.settings import EvaluationSettings
from assay.experiment.experiment import Experiment
from assay.fitting.settings import TrainingSettings
from assay.inference.settings import PredictionSettings
from assay.reports.columns import in_words
from assay.training.settings import LoopSettings

_WIDTH = 100
_WIDEST_HELD = 60
_VALIDATION = SplitSettings().validation


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of the experiment file, by which editors complete it."""
    schema = Experiment.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema} | {
        "title": "Assay experiment"
    }


def template(
    source: str,
    schema: Schema,
    name: str,
    *,
    query: str | None = None,
    sheet: str | None = None,
    marks: str | None = None,
    labels: Sequence[str] = (),
    n_rows: int | None = None,
    profile: Profile | None = None,
) -> str:
    """The text of a first experiment file for a table.

    Args:
        source: The table, as the file should name it.
        schema: What was seen in it.
        name: Name of the experiment.
        query: What is asked of a database.
        sheet: The sheet of a workbook.
        marks: The column that marks the test rows.
        labels: The columns that are a label each, where several are the target.
        n_rows: Rows that are not sealed, on which some defaults depend.
        profile: What its columns hold, to be told beside them.
    """
    lines = [
        f"name: {_scalar(name)}",
        "data:",
        f"  source: {_scalar(source)}",
        *[
            f"  {key}: {_scalar(value)}"
            for key, value in (("query", query), ("sheet", sheet))
            if value
        ],
        f"  target: {_target(schema, labels)}",
        f"  task: {schema.task.value}          # {_about_task(schema)}",
    ]
    if schema.task.value == "binary":
        lines.append(f"  positive: {_scalar(schema.positive)}      # the class to find")
    lines += ["  # what the columns were taken for; a column that is no feature gets a role below"]
    width = max((len(_scalar(column.name)) for column in schema.columns), default=0)
    held = {each.name: each for each in profile.columns} if profile is not None else {}
    lines += [
        f"  #   {_scalar(each.name):{width}}  {_about(each, held.get(each.name))}"
        for each in schema.columns
    ]
    images = schema.named(Kind.IMAGE)
    unseen = {*images[1:], *(each.name for each in schema.columns if _is_useless(each))}
    ignored = [_scalar(each.name) for each in schema.columns if each.name in unseen]
    texts = _is_of_texts([each for each in schema.features if each.name not in unseen])
    lines += [
        "  roles:",
        "    id: null             # column that names the row; never a feature",
        f"    ignore: [{', '.join(ignored)}]",
        *_split(marks, holds_out=bool(images or texts)),
        *(_of_images(n_rows) if images else _of_texts(n_rows) if texts else _of_tables()),
        "# evaluation:",
        *_commented(EvaluationSettings, "#   "),
        "# prediction:",
        *_commented(PredictionSettings, "#   "),
        "# checks:",
        "#   accept: {}           # CODE: why that finding is no mistake here",
    ]
    return "\n".join(lines) + "\n"


def _split(marks: str | None, *, holds_out: bool) -> list[str]:
    """Which rows are sealed, and how the others are divided."""
    others = f"validation: {_VALIDATION}" if holds_out else "folds: 5"
    if marks is None:
        return [f"  # split: {{by: random, test: 0.2, {others}, seed: 0}}"]
    return [
        "  split:",
        f"    column: {_scalar(marks)}      # where it says 'test', a row is sealed",
        f"    # {others}",
    ]


def _of_tables() -> list[str]:
    from assay.learners.boosting import BoostingOptions

    return [
        "model:",
        "  learner: boosting      # also linear, forest, mlp, tabular-net or your own",
        "  options: {}",
        *_commented(BoostingOptions, "  #   "),
        "# training:",
        *_commented(TrainingSettings, "#   ", besides=LoopSettings),
    ]


def _of_images(n_rows: int | None) -> list[str]:
    from assay.learners.images import ResNetOptions, ResNetRecipe

    said = "  learner: resnet        # sees the images alone; or a network of your own"
    return _of_network(said, ResNetRecipe(ResNetOptions()), n_rows)


def _is_of_texts(features: Sequence[Column]) -> bool:
    """Whether a transformer would see all that there is, and can be had."""
    kinds = {each.kind for each in features}
    return kinds == {Kind.TEXT} and len(features) <= 2 and find_spec("transformers") is not None


def _of_texts(n_rows: int | None) -> list[str]:
    from assay.learners.text import TextOptions, TextRecipe

    said = "  learner: text          # a pretrained transformer; or linear, on words (TF-IDF)"
    return _of_network(said, TextRecipe(TextOptions()), n_rows)


def _of_network(said: str, recipe: Any, n_rows: int | None) -> list[str]:
    from assay.learners.networks import NetworkLearner

    n_train = round(n_rows * (1 - _VALIDATION)) if n_rows is not None else None
    own = NetworkLearner("network", recipe).trained_on(n_train)
    return [
        "model:",
        said,
        "  options: {}",
        *_commented(type(recipe.options), "  #   "),
        "# training:",
        *_commented(TrainingSettings, "#   ", defaults=own.model_dump()),
    ]


def _commented(
    settings: type[BaseModel],
    prefix: str,
    *,
    besides: type[BaseModel] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> list[str]:
    """Every setting of a block with its default and its description.

    Args:
        settings: The block.
        prefix: What each line begins with.
        besides: A part of it that is left out.
        defaults: By name, where they are not those of the block.
    """
    lines = []
    for name, field in settings.model_fields.items():
        if besides is not None and name in besides.model_fields:
            continue
        text = f"{name}: {_scalar((defaults or {}).get(name, field.default))}"
        lines.append(f"{prefix}{text:32} # {field.description}")
    return lines


def _about(column: Column, profile: ColumnProfile | None) -> str:
    role = f", {column.role}" if column.role is not Role.FEATURE else ""
    missing = f", {column.missing:.0%} missing" if column.missing else ""
    holds = in_words(column, profile)[0] if profile is not None else ""
    if len(holds) > _WIDEST_HELD:
        holds = f"{holds[:_WIDEST_HELD]}..."
    told = f"{column.kind}{role} ({column.why}{missing}){f': {holds}' if holds else ''}"
    return " ".join("".join(each if each.isprintable() else " " for each in told).split())


def _about_task(schema: Schema) -> str:
    if not schema.classes:
        return "binary | multiclass | multilabel | regression"
    noun = "labels" if schema.task is Task.MULTILABEL else "classes"
    shown = [str(each) for each in schema.classes[:6]]
    while len(shown) > 1 and len(", ".join(shown)) > _WIDEST_HELD:
        shown.pop()
    more = " ..." if len(schema.classes) > len(shown) else ""
    return " ".join(f"{noun}: {', '.join(shown)}{more}".split())


def _target(schema: Schema, labels: Sequence[str]) -> str:
    return f"[{', '.join(map(_scalar, labels))}]" if labels else _scalar(schema.target)


def _is_useless(column: Column) -> bool:
    """Nothing to learn from: an empty column says nothing."""
    is_empty = column.role is Role.FEATURE and column.kind is Kind.EMPTY
    return is_empty or column.role is Role.IGNORED


def _scalar(value: Any) -> str:
    """A value as it must be written in YAML, on one line."""
    if value is None:
        return "null"
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    out = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = True
    yaml.width = 10_000
    yaml.dump([value], out)
    text = out.getvalue().strip()
    return text[1:-1]
