"""`assay monitor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.console import json_option, print_json, progress, quiet_option

if TYPE_CHECKING:
    from assay.monitoring import Report
    from assay.serving.monitoring.monitored import Monitored

_MOST_LINES = 6
"""Of problems, and of hours."""


@click.command()
@click.argument("model")
@click.option(
    "--webhook",
    metavar="URL",
    help="Tell new alarms there, as JSON: https, or this machine. ASSAY_WEBHOOK_SECRET signs them.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write the page; among the reports if absent.",
)
@click.option("--fail-on-alarm", is_flag=True, help="Exit 1 where an alarm goes on.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@json_option
@quiet_option
def monitor(
    model: str,
    webhook: str | None,
    out: Path | None,
    fail_on_alarm: bool,
    opens: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Hold what MODEL was asked, as it was sampled while it was served, against its training."""
    with progress(quiet) as announce:
        from assay import monitoring

        report = monitoring.monitor(model, webhook=webhook, out=out, announce=announce)
    if as_json:
        print_json(report.summary())
    else:
        _show(report)
    if report.delivery is not None and not report.delivery.arrived:
        click.echo(
            f"note   the webhook at {report.delivery.to} was not told: {report.delivery.failure}; "
            "it will be next time",
            err=True,
        )
    if opens:
        click.launch(report.page.absolute().as_uri())
    return 1 if fail_on_alarm and report.found.open_alarms else 0


def _show_refused(found: Monitored) -> None:
    """How many requests were refused, for what, and the share in the latest such hours."""
    from assay.reports.wording import count, share
    from assay.serving.monitoring.alarms import moment_of
    from assay.serving.monitoring.refusals import named

    total = found.refusals
    if not total.refused:
        return
    n = count(total.answered + total.refused)
    click.echo(f"{count(total.refused)} of {n} requests were refused ({share(total.share)}):")
    for problem, requests in total.problems.most_common(_MOST_LINES):
        click.echo(f"       {named(problem)} in {count(requests)}")
    for hour, each in found.hours_refused[:_MOST_LINES]:
        when = moment_of(hour)[:16].replace("T", " ")
        of = count(each.answered + each.refused)
        click.echo(f"       {when} UTC {share(each.share)} ({count(each.refused)} of {of})")


def _show(report: Report) -> None:
    from assay.reports.wording import count, estimate, metric
    from assay.serving.monitoring.alarms import moment_of

    found, performance = report.found, report.found.performance
    click.echo(f"{found.version}: {count(found.n_seen)} rows answered, {count(found.n_kept)} kept.")
    click.echo(found.said)
    for each in found.alarms:
        when = moment_of(each.began)[:16].replace("T", " ")
        ended = "" if each.is_open else " (ended)"
        click.echo(f"alarm  {each.said}{ended}\n       Began most likely {when} UTC.")
    _show_refused(found)
    if performance.overall is None:
        click.echo("No outcomes came: what the predictions were worth is not known.")
    else:
        named = f"{metric(performance.metric)} {estimate(performance.overall)}"
        click.echo(f"{named}; in training {estimate(performance.training)}.")
    if report.delivery is not None and report.delivery.arrived:
        click.echo(f"told   {report.delivery.n_alarms} to {report.delivery.to}")
    click.echo(f"page   {report.page}")
