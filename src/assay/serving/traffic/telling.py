"""A contest in words: who gets what, who is better, and what is odd about the traffic."""

from __future__ import annotations

from assay.reports.verdicts import Verdict
from assay.reports.wording import (
    NARROW_SPACE,
    counted,
    estimate,
    level,
    listed,
    metric_within,
    numbers,
    share,
)
from assay.serving.traffic.standing import MISMATCH, Duel, Standing, VersionTraffic

TONES = {"other": "good", "champion": "bad", None: "even"}
_UNITS = {True: "key", False: "request"}
_ROUND = 2


def unit(standing: Standing, duel: Duel | None = None) -> str:
    """What counts once: a key, a request, or of a shadow a row."""
    if standing.contest.key is None and duel is not None and duel.is_shadow:
        return "row"
    return _UNITS[standing.contest.key is not None]


def verdict(standing: Standing, duel: Duel) -> Verdict:
    """Which of two is better and by how much, or about how much more it takes to tell."""
    champion, other = standing.contest.champion, duel.version
    measure = metric_within(standing.contest.measure.name)
    if duel.difference is None or duel.values is None:
        return Verdict(
            f"Nothing can be said of {other} beside {champion} yet: {_none(duel)}.", "even"
        )
    if duel.better is None:
        text = f"Whether {other} is better than {champion} in {measure} cannot be told yet: "
        text += f"the difference is {estimate(duel.difference)}. {_needed(standing, duel)}"
        return Verdict(text, "even")
    first, second = values(duel)
    word = "better" if duel.better == "other" else "worse"
    n = counted(duel.difference.n, unit(standing, duel))
    return Verdict(
        f"{other} is {word} than {champion} in {measure}: {second} beside {first}, a difference of "
        f"{estimate(duel.difference)}, after {n}.",
        TONES[duel.better],
    )


def values(duel: Duel) -> tuple[str, str]:
    """What the champion and the other are worth; of no outcome nothing."""
    if duel.values is None:
        return "", ""
    first, second = numbers(*duel.values)
    return first, second


def apart(duel: Duel) -> str:
    """The difference with its interval, on one line."""
    return estimate(duel.difference) if duel.difference is not None else "no outcome yet"


def oddities(standing: Standing) -> list[str]:
    """What makes the comparison doubtful, and who was stopped."""
    told = [
        f"{duel.version} is stopped: {duel.stopped}." for duel in standing.duels if duel.stopped
    ]
    if standing.mismatch is not None and standing.mismatch < MISMATCH:
        seen = _shares(standing)
        told.append(
            f"The traffic is not shared as asked: {seen} (p {_p(standing.mismatch)}, valid at any "
            "time). Something chooses who is counted; until it is found the comparison may be "
            "wrong."
        )
    elif standing.coverage_mismatch is not None and standing.coverage_mismatch < MISMATCH:
        told.append(
            "Outcomes do not come for all models alike: "
            f"{_coverage(standing)} (p {_p(standing.coverage_mismatch)}, valid at any time). If "
            "what is missing is not like what is there, the comparison is wrong."
        )
    return told


def basis(standing: Standing) -> str:
    """How the intervals were made, and what counts once."""
    contest, known = standing.contest, [d.difference for d in standing.duels if d.difference]
    parts = [f"Each {unit(standing)} counts once, with the outcomes that came first."]
    if known:
        together = f", so that all {len(standing.duels)} hold together" if len(known) > 1 else ""
        parts.append(
            f"Intervals stand at {level(known[0].level)}{NARROW_SPACE}%{together}, at all times: "
            "looking often does not make them lie."
        )
    if any(d.difference is not None and not d.is_shadow for d in standing.duels):
        parts.append(
            "Where the traffic is shared, the difference is weighted by the shares, so that chance "
            "in who got which request is taken out: of few outcomes it is not the one value minus "
            "the other."
        )
    if contest.measure.name == "log_loss":
        parts.append("A probability below 0.01 of what came true counts as 0.01.")
    if contest.measure.name in ("squared_error", "absolute_error"):
        parts.append(f"Errors above {contest.measure.reach:g} count as {contest.measure.reach:g}.")
    return " ".join(parts)


def shared(standing: Standing) -> str:
    """Who takes part, in a sentence."""
    contest = standing.contest
    shares = [
        f"{version} with {share(part)} of the traffic" for version, part in contest.shares.items()
    ]
    text = contest.champion
    if shares:
        by = contest.key.replace(":", " ") if contest.key else "request"
        text += f" against {listed(shares, 8)}, by {by}"
    if contest.shadows:
        text += f"{'; ' if shares else ' with '}{listed(contest.shadows, 8)} in its shadow"
    return f"{text}." if contest.others else f"{text} alone: outcomes are kept, nobody challenges."


def traffic_cells(each: VersionTraffic) -> tuple[str, ...]:
    """A line of the table of traffic: shares, counts, coverage, calls."""
    n, failed, slow = each.calls
    return (
        share(each.asked) if each.asked is not None else "",
        share(each.seen) if each.seen is not None else "",
        f"{each.units:,}" if each.part != "shadow" else "",
        f"{each.requests:,}",
        f"{each.rows:,}",
        f"{each.outcomes:,} ({share(each.coverage)})" if each.rows else "0",
        f"{failed:,}" if n else "",
        f"{slow:,}" if n else "",
    )


TRAFFIC_HEADS = ("asked", "seen", "units", "requests", "rows", "outcomes", "failed", "slow")


def _none(duel: Duel) -> str:
    n_first, n_second = duel.n
    if not n_first and not n_second:
        return "no outcome has come"
    missing = "the champion" if not n_first else duel.version
    return f"no outcome of {missing} has come"


def _needed(standing: Standing, duel: Duel) -> str:
    if duel.stopped:
        return "It gets no more traffic."
    if duel.needed is None:
        return "How much more it takes cannot be said: the difference is about nothing."
    size = 10 ** max(0, len(str(duel.needed)) - _ROUND)
    about = max(1, round(duel.needed / size)) * size
    return (
        f"About {counted(about, f'more {unit(standing, duel)}')} with an outcome would tell, if "
        "they differ as much as they seem to."
    )


def _shares(standing: Standing) -> str:
    told = [
        f"{each.version} has {share(each.seen)} where {share(each.asked)} was asked"
        for each in standing.traffic[1:]
        if each.asked is not None and each.seen is not None
    ]
    return ", ".join(told)


def _coverage(standing: Standing) -> str:
    return ", ".join(
        f"{each.version} {share(each.coverage)}"
        for each in standing.traffic
        if each.part != "shadow"
    )


def _p(value: float) -> str:
    return f"= {value:.3f}" if value >= 0.0005 else "< 0.0005"
