"""The report: one page that stands alone, with the same bytes for the same content."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

from jinja2 import Environment

from assay.data.schema import Task
from assay.findings import Finding, Severity
from assay.reports import by_label, dots, tables, thresholds, verdicts
from assay.reports.columns import column_table
from assay.reports.confusion import confusion_table
from assay.reports.content import ReportContent
from assay.reports.figures import figures, target_plot
from assay.reports.finding_pictures import pictures
from assay.reports.missing import missing
from assay.reports.mistake_table import mistake_table
from assay.reports.opposites import opposite_table
from assay.reports.segments import segment_part
from assay.reports.templating import environment
from assay.reports.wrong_labels import wrong_labels

_OPENS_TEST = "--on test"


def render(content: ReportContent) -> str:
    """The report as one HTML document without links, scripts or anything to be fetched.

    Every text in it that comes from the user (columns, labels, the experiment file) is escaped.
    """
    return (
        templates()
        .get_template("page.html")
        .render(
            content=content,
            verdict=verdicts.against_baselines(content),
            test_verdict=verdicts.on_test(content.test) if content.test else None,
            on_looks=verdicts.on_looks(content),
            corrected=content.corrected.of(content.evaluation) if content.corrected else None,
            on_choice=verdicts.on_choice(content.corrected),
            open_test=_command_that_opens(content),
            findings=_worst_first(content),
            pictures=pictures(_worst_first(content)),
            severities=_severities(content),
            against=dots.against_baselines(content),
            has_labels=content.schema.task is Task.MULTILABEL,
            labels_named=by_label.named(content),
            by_label=by_label.plot(content),
            metrics=tables.metric_table(content),
            metrics_note=tables.metrics_note(content),
            calibration=tables.calibration_table(content),
            seeds=dots.seeds(content),
            over_seeds=verdicts.over_seeds(content),
            plots=figures(content),
            announced=thresholds.announced(content.threshold, content.schema),
            goal_on_test=thresholds.goal_on_test(content),
            confusion=confusion_table(content) if content.evaluation.confusion else None,
            mistakes=mistake_table(content),
            wrong_labels=wrong_labels(content),
            opposites=opposite_table(content),
            segments=segment_part(content),
            importances=dots.importances(content) if content.importance else None,
            importance_reading=dots.importance_reading(content) if content.importance else "",
            parts=tables.parts(content),
            classes=tables.class_shares(content),
            classes_reading=tables.classes_reading(content),
            labels_per_row=by_label.per_row(content),
            together=by_label.together(content),
            target_plot=target_plot(content),
            columns=column_table(content),
            missing=missing(content),
            version=version(),
        )
    )


def write(content: ReportContent, path: Path) -> Path:
    """Write the report.

    Returns:
        The path written.
    """
    return put(render(content), path)


def put(text: str, path: Path) -> Path:
    """Write a page aside, then move it into place, so that no half page is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    with aside.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    return path


@cache
def templates() -> Environment:
    """Templates of pages: texts are escaped as HTML."""
    return environment(autoescape=True)


def _worst_first(content: ReportContent) -> list[Finding]:
    """Open findings before accepted ones, each from the gravest to the mildest."""
    return sorted(
        content.findings, key=lambda each: (each.accepted is not None, -each.severity.rank)
    )


def _severities(content: ReportContent) -> list[tuple[Severity, int]]:
    """Severities of the open findings with their number, worst first."""
    still_open = [each.severity for each in content.findings if each.accepted is None]
    return [(each, still_open.count(each)) for each in reversed(Severity) if each in still_open]


def _command_that_opens(content: ReportContent) -> str:
    """The command that opens the sealed rows, as the next steps spell it."""
    steps = (command for command in content.next_steps if _OPENS_TEST in command)
    return next(steps, f"assay evaluate {content.run_id} {_OPENS_TEST}")


def version() -> str:
    """The version that a page names."""
    try:
        return version_of("assay-ml")
    except PackageNotFoundError:
        return "from source"
