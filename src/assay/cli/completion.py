"""Completion: what the shell offers for runs and tags, without asking the store of runs."""

from __future__ import annotations

import click

_ALWAYS = ("last", "best")


def offer_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Runs that have a page in the workspace: EXPERIMENT/RUN, and the name alone."""
    from assay.workspace import Workspace

    pages = sorted(Workspace.find().reports_folder.glob("*/*.html"))
    names = [each.stem for each in pages]
    references = [f"{each.parent.name}/{each.stem}" for each in pages]
    known = dict.fromkeys([*_ALWAYS, *names, *references])
    return [each for each in known if each.startswith(incomplete)]


def offer_tags(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """The tags that are proposed."""
    from assay.tracking.notes import OFFERED

    return [each for each in OFFERED if each.startswith(incomplete)]
