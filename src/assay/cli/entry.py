"""One run on one screen, in the order one asks: what, why, how good, with what, from where."""

from __future__ import annotations

import math
from ast import literal_eval
from collections.abc import Iterable, Mapping, Sequence
from shlex import quote

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from assay.cli.listing import started, status, took
from assay.cli.summary import show_next
from assay.entry import Entry
from assay.estimates import significant
from assay.evaluation.result import Evaluation
from assay.publishing import next_steps
from assay.reports.wording import (
    count,
    counted,
    estimate,
    listed,
    metric,
    metric_within,
    number,
    setting,
)
from assay.tracking.notes import Notes
from assay.tracking.recorder import Status
from assay.tracking.store import RunRecord

_LABEL = 12
_BARS = "▁▂▃▄▅▆▇█"
_SHOWN_POINTS = 32
_SHOWN_CHILDREN = 12
_SHOWN_METRICS = 3
_NOT_TOLD = ("name", "data.source", "data.target", "model.learner", "tracking.tags")
_PACKAGES = ("assay-ml", "numpy", "pandas", "scikit-learn", "torch", "transformers", "lightgbm")


def show_entry(entry: Entry, console: Console) -> None:
    """Print everything."""
    blocks = [_headline(entry), _notes(entry.notes), _metrics(entry), _settings(entry)]
    blocks += [_findings(entry), _origin(entry), _children(entry), _files(entry)]
    for block in blocks:
        if block is not None:
            console.print(block)
            console.print()
    if entry.result is not None and entry.record.status is Status.FINISHED:
        show_next(next_steps(entry.result), console)
    else:
        name = quote(entry.record.reference)
        steps = {f"assay note {name} TEXT": "write down what went wrong"}
        show_next(steps, console)


def written(notes: Notes) -> RenderableType:
    """What was written about a run, or that nothing was."""
    known = [_notes(notes), _rows({"tags": " ".join(notes.tags)}) if notes.tags else None]
    shown = [each for each in known if each is not None]
    return Group(*shown or [Text("Nothing is written about it yet. next   assay note RUN TEXT")])


def spark(values: Sequence[float], most: int = _SHOWN_POINTS) -> str:
    """The course of a metric as a line of bars; of a long one, every n-th value.

    >>> spark([3.0, 2.0, 1.0])
    '█▅▁'
    """
    step = max(1, -(-len(values) // most))
    shown = [value for value in values[::step] if math.isfinite(value)]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1))] for value in shown)


def _named(target: str) -> str:
    """The columns that are predicted; of several the setting is their list, as text."""
    try:
        columns = literal_eval(target)
    except (ValueError, SyntaxError):
        return target
    return ", ".join(map(str, columns)) if isinstance(columns, list | tuple) else target


def _headline(entry: Entry) -> RenderableType:
    record, about = entry.record, entry.provenance
    changed = entry.changed
    learner = record.tags.get("assay.learner", changed.get("model.learner", ""))
    target = changed.get("data.target", "")
    rows: dict[str, Text | str] = {
        "status": status(record),
        "began": f"{started(record)}, took {took(record)}" if took(record) else started(record),
        "does": f"{learner} predicts {_named(target)} from {changed.get('data.source', '')}",
        "command": str(about.get("command", "")),
        "id": record.run_id,
    }
    if entry.notes.tags:
        rows["tags"] = Text(" ".join(entry.notes.tags), style="magenta")
    return Group(Text(record.reference, style="bold"), _rows(rows))


def _notes(notes: Notes) -> RenderableType | None:
    rows: list[tuple[str, Text | str]] = [("why", notes.why)] if notes.why else []
    if notes.conclusion:
        rows.append(("conclusion", Text(notes.conclusion, style="bold")))
    for each in notes.notes:
        if each.text != notes.conclusion:
            said = "concluded: " if each.concludes else ""
            rows.append((each.at[:10], f"{said}{each.text}"))
    return _rows(rows) if rows else None


def _metrics(entry: Entry) -> RenderableType | None:
    if entry.result is None:
        return _last_steps(entry)
    run = entry.result
    drawn = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    evaluations: dict[str, Evaluation] = {run.evaluation.rows: run.evaluation}
    if run.test is not None:
        evaluations[run.test.evaluation.rows] = run.test.evaluation
    drawn.add_column("metric")
    for rows, evaluation in evaluations.items():
        drawn.add_column(f"{count(evaluation.n)} {rows} rows")
    for name in run.evaluation.metrics:
        style = "bold" if name == run.evaluation.primary else ""
        values = [estimate(each.metrics[name]) for each in evaluations.values()]
        drawn.add_row(metric(name), *values, style=style)
    reasons = {each.reason for each in run.evaluation.metrics.values() if each.reason is not None}
    told = [f"No interval where {reason}." for reason in reasons]
    if len(run.seeds) > 1:
        low, high = (significant(each) for each in (min(run.seeds), max(run.seeds)))
        named = metric_within(run.evaluation.primary)
        told.append(f"Over {len(run.seeds)} seeds {named} is {low} to {high}.")
    return Group(drawn, *(Text(each, style="dim") for each in told))


def _last_steps(entry: Entry) -> RenderableType | None:
    """Of a run without a result, the last values that it recorded."""
    metrics = entry.record.metrics
    if not metrics:
        return None
    known = entry.histories.get(entry.record.name, {})
    rows = {
        name: f"{number(value)}" + (f" at step {known[name][-1][0]}" if name in known else "")
        for name, value in metrics.items()
    }
    return Group(Text("last recorded", style="dim"), _rows(rows))


def _settings(entry: Entry) -> RenderableType:
    told = {key: value for key, value in entry.changed.items() if key not in _NOT_TOLD}
    lines = [Text(f"{key}: {value}") for key, value in told.items()]
    if not lines:
        return _rows({"settings": "all by default"})
    rest = Text(f"{len(entry.default)} more by default", style="dim")
    return _rows([("settings", lines[0]), *(("", each) for each in (*lines[1:], rest))])


def _findings(entry: Entry) -> RenderableType:
    if not entry.findings:
        return _rows({"findings": "none"})
    lines = [
        f"{each.severity.value} {each.code} {each.title}"
        + (f" (accepted: {each.accepted})" if each.accepted is not None else "")
        for each in entry.findings
    ]
    return _rows([("findings", lines[0]), *(("", each) for each in lines[1:])])


def _origin(entry: Entry) -> RenderableType | None:
    about = entry.provenance
    if not about:
        return None
    packages = about.get("packages", {})
    told = {name: packages[name] for name in _PACKAGES if name in packages}
    commit = about.get("git", {})
    rows = {
        "data": _short(about.get("data fingerprint")),
        "data version": setting(about["data version"]) if about.get("data version") else "",
        "split": about.get("split", ""),
        "sealed test": _short(about.get("sealed test")),
        "commit": _commit(commit) if commit else "none: no repository",
        "packages": f"Python {about.get('python', '')}, "
        + ", ".join(f"{name} {version}" for name, version in told.items()),
        "machine": _machine(about),
    }
    return _rows({key: value for key, value in rows.items() if value})


def _children(entry: Entry) -> RenderableType | None:
    if not entry.children and not any(entry.histories.values()):
        return None
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for each in [entry.record, *entry.children[:_SHOWN_CHILDREN]]:
        known = entry.histories.get(each.name, {})
        if each is entry.record and not known:
            continue
        name = "itself" if each is entry.record else each.name
        lines = _courses(known) if known else [_values(each)]
        for line in lines:
            drawn.add_row(Text(name, style="dim"), *line)
            name = ""
    more = len(entry.children) - _SHOWN_CHILDREN
    rest = [Text(f"and {counted(more, 'more run')}", style="dim")] if more > 0 else []
    return Group(Text("runs inside", style="dim"), drawn, *rest)


def _courses(
    known: Mapping[str, Sequence[tuple[int, float]]],
) -> Iterable[tuple[str, str, str]]:
    for name, values in list(known.items())[:_SHOWN_METRICS]:
        course = [value for _, value in values]
        yield metric(name), spark(course), f"{number(course[-1])} at step {values[-1][0]}"


def _values(record: RunRecord) -> tuple[str, str, str]:
    shown = [f"{metric(name)} {number(value)}" for name, value in record.metrics.items()]
    return listed(shown, _SHOWN_METRICS), "", str(record.status)


def _files(entry: Entry) -> RenderableType:
    by_folder: dict[str, list[str]] = {}
    for path in entry.files:
        folder, _, name = path.rpartition("/")
        by_folder.setdefault(folder, []).append(name)
    told = [
        f"{folder}/ ({counted(len(names), 'file')})" if folder else ", ".join(names)
        for folder, names in by_folder.items()
    ]
    rows: dict[str, Text | str] = {"files": ", ".join(told) or "none"}
    if entry.result is not None:
        rows["model"] = entry.result.model
    if entry.report is not None:
        rows["report"] = Text(str(entry.report), style="underline", overflow="fold")
    return _rows(rows)


def _short(fingerprint: str | None) -> str:
    return f"{fingerprint[:12]}..." if fingerprint else ""


def _commit(git: Mapping[str, object]) -> Text:
    text = Text(f"{str(git.get('commit', ''))[:12]} on {git.get('branch', '')}")
    if git.get("uncommitted"):
        text.append(", with uncommitted changes", style="yellow")
    return text


def _machine(about: Mapping[str, object]) -> str:
    return f"{about.get('host')}, {about.get('platform')}; {setting(about.get('hardware'))}"


def _rows(
    rows: Mapping[str, Text | str] | Iterable[tuple[str, Text | str]],
) -> Table:
    """A label and what it is, line by line."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    drawn.add_column(style="dim", min_width=_LABEL, no_wrap=True)
    drawn.add_column(overflow="fold")
    for label, value in rows.items() if isinstance(rows, Mapping) else rows:
        drawn.add_row(label, value)
    return drawn
