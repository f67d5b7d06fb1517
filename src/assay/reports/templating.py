"""Templates of reports, comparisons and cards, with the words that all of them use."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from assay.reports import wording

_WORDS = (
    wording.breakable,
    wording.count,
    wording.duration,
    wording.estimate,
    wording.interval,
    wording.level,
    wording.metric,
    wording.metric_within,
    wording.moment,
    wording.number,
    wording.plain,
    wording.rows,
    wording.setting,
    wording.share,
    wording.value,
)


def environment(**settings: Any) -> Environment:
    """The templates, which fail at a name that they are not given.

    Args:
        settings: What kind of text they make: how jinja2 is to escape it.
    """
    templates = Environment(
        loader=PackageLoader("assay.reports"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **settings,
    )
    templates.filters.update({word.__name__: word for word in _WORDS})
    templates.globals["counted"] = wording.counted
    return templates
