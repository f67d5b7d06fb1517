"""The model card (Mitchell et al. 2019): what was measured, and marked places for what was not.

What people wrote between the marks of an earlier card is kept when the card is written again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from assay.data.schema import Task
from assay.errors import InputError
from assay.evaluation.result import Evaluation, Threshold
from assay.reports import by_label, tables, verdicts, wording
from assay.reports.confusion import confusion_table
from assay.reports.content import ReportContent
from assay.reports.page import put, version
from assay.reports.templating import environment
from assay.reports.thresholds import goal_on_test, moves, told

CARD_FILE = "MODEL_CARD.md"
TO_FILL_IN = "**To be filled in by people.**"
"""How a place begins that nobody has written in yet."""

_WRITTEN = re.compile(
    r"<!-- people: ([^>\n]+) -->[ \t]*\n((?:(?!<!-- /people -->).)*?)\n?<!-- /people -->", re.DOTALL
)
_ASKED: Mapping[str, str] = {
    "owner": "Who is responsible for this model, under which licence is it given away, and where "
    "do questions and complaints go?",
    "intended use": "What is it for, who is to use it, and what must it not be used for?",
    "factors": "For which groups of people, instruments or circumstances may it work worse?",
    "evaluation data": "Why are these rows like those that it will meet?",
    "training data": "Where do the rows come from, who collected them, and did those they are "
    "about agree?",
    "ethical considerations": "Does it use sensitive data, does it touch life, health or rights, "
    "what harm may come of its errors, and what was done about that?",
    "recommendations": "What should those who use it know or do, and when is it to be looked at "
    "again?",
}
_SHOWN_FEATURES = 50
_SHOWN_IMPORTANCES = 10
_ENVIRONMENT = ("python", "platform", "hardware", "packages", "back ends")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$#])")


class _Markdown(str):
    """A text that is Markdown already."""

    __slots__ = ()


def render(content: ReportContent, written: Mapping[str, str] | None = None) -> str:
    """The card as Markdown; every text in it that comes from the data is escaped.

    Args:
        content: The run.
        written: What people wrote in the places for it, by place; a question stands in the others.
    """
    in_places = {place: _question(place) for place in _ASKED}
    places = {
        place: _Markdown(f"<!-- people: {place} -->\n{text}\n<!-- /people -->")
        for place, text in (in_places | dict(written or {})).items()
    }
    evaluations = [content.evaluation, *([content.test.evaluation] if content.test else [])]
    confusion = confusion_table(content) if content.evaluation.confusion else None
    text = _templates().get_template("card.md").render(
        content=content,
        people=places,
        kept_besides=[text for place, text in places.items() if place not in _ASKED],
        evaluations=evaluations,
        measures={each.rows: list(each.metrics.items()) for each in evaluations},
        methods=_methods(evaluations),
        verdict=verdicts.against_baselines(content).text,
        test_verdict=verdicts.on_test(content.test).text if content.test else "",
        on_looks=verdicts.on_looks(content),
        on_choice=verdicts.on_choice(content.corrected),
        over_seeds=verdicts.over_seeds(content),
        confusion=confusion,
        threshold=_of_threshold(content.threshold),
        goal=goal_on_test(content),
        parts=tables.parts(content),
        classes=tables.class_shares(content),
        noun="label" if content.schema.task is Task.MULTILABEL else "class",
        labels_named=by_label.named(content),
        labels_per_row=by_label.per_row(content),
        metrics_note=tables.metrics_note(content),
        importance=content.importance[:_SHOWN_IMPORTANCES],
        features=_features(content),
        roles=[each for each in content.schema.columns if each.role.value != "feature"],
        still_open=[each for each in content.findings if each.accepted is None],
        accepted=[each for each in content.findings if each.accepted is not None],
        environment={
            name: content.provenance[name] for name in _ENVIRONMENT if name in content.provenance
        },
        version=version(),
    )  # fmt: skip
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def write(content: ReportContent, path: Path, given: Mapping[str, str] | None = None) -> Path:
    """Write the card, with what people wrote in the card that stands there.

    Args:
        content: The run.
        path: Where.
        given: What people wrote elsewhere, by place; it counts more than what stands there.

    Raises:
        InputError: There is a file that is no such card.
    """
    mend = f"--out {path.with_stem(path.stem + '-assay').name}, or move it away"
    before = written(path, mend) if path.exists() else {}
    return put(render(content, before | dict(given or {})), path)


def written(path: Path, mend: str) -> dict[str, str]:
    """What people wrote in a card, by place.

    Args:
        path: Of the card.
        mend: What to do where it is none.

    Raises:
        InputError: It is no such card, or cannot be read.
    """
    try:
        found = _WRITTEN.findall(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", mend=mend) from None
    if not found:
        raise InputError(f"{path} is no model card that Assay wrote.", mend=mend)
    return {place: text for place, text in found if not _is_open(place, text)}


def unwritten(text: str) -> list[str]:
    """The places of a card that nobody has written in yet."""
    return [place for place, said in _WRITTEN.findall(text) if _is_open(place, said)]


def _is_open(place: str, text: str) -> bool:
    """Whether nobody has written there: it is empty, or the question stands there alone."""
    return not text.strip() or (place in _ASKED and text.strip() == _question(place))


def _question(place: str) -> str:
    return f"{TO_FILL_IN} {_ASKED[place]}"


def _methods(evaluations: list[Evaluation]) -> list[str]:
    """How intervals were made, and why some are wanting."""
    every = [each for one in evaluations for each in one.metrics.values()]
    return list(dict.fromkeys(each.method for each in every if each.has_interval))


def _of_threshold(threshold: Threshold | None) -> list[str]:
    """What the choice of a threshold is worth, and how far it moves."""
    sentences = [*told(threshold), moves(threshold)] if threshold is not None else []
    return [each for each in sentences if each]


def _features(content: ReportContent) -> list[str]:
    """How many features of each kind there are, and their names."""
    kinds: dict[str, list[str]] = {}
    for each in content.schema.features:
        kinds.setdefault(each.kind.value, []).append(each.name)
    return [
        f"{wording.counted(len(names), f'{kind} feature')}: "
        f"{wording.listed(names, _SHOWN_FEATURES)}"
        for kind, names in kinds.items()
    ]


@cache
def _templates() -> Environment:
    """Templates of cards: texts are escaped as Markdown."""
    templates = environment(autoescape=False, finalize=_escaped)
    templates.filters["code"] = _code
    return templates


def _escaped(value: Any) -> Any:
    """A value as it is read, in one line, whatever Markdown would make of its signs."""
    if isinstance(value, _Markdown):
        return value
    text = " ".join(str(value).split()).replace("&", "&amp;")
    return _SPECIAL.sub(r"\\\1", text)


def _code(value: Any) -> _Markdown:
    """A value as code; in a table no sign of it may end the cell."""
    text = " ".join(wording.setting(value).split()).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", text)), default=0)
    ticks, space = "`" * (longest + 1), " " if longest else ""
    return _Markdown(f"{ticks}{space}{text}{space}{ticks}")
