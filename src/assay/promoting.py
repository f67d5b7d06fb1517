"""Promoting: a version goes to a stage if every gate passes, or somebody says why it goes anyway.

What is judged is the record; latency, memory and size are measured first where a gate asks for
them, and recorded too. The verdicts are kept with the run, also those that refuse, and go into the
audit log with the move.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from pydantic import ValidationError

from assay.challenging import beside_champion
from assay.errors import AssayError, ConflictError, InputError
from assay.experiment.policy import find_policies
from assay.experiment.variables import places_reading_environment, substituted
from assay.gathering import COSTS_FILE, gathered, recipe_of
from assay.monitor import Announce, Step, silent
from assay.place import Place
from assay.provenance import account
from assay.publishing import known_run
from assay.registry import costs, stages, versions
from assay.registry.audit import Move
from assay.registry.gates.base import Verdict
from assay.registry.gates.judging import Asker, judge, reads_costs, refuse_unknown
from assay.registry.gates.known import known_gates
from assay.registry.settings import RegistrySettings
from assay.registry.versions import Version
from assay.run import Run

PROMOTIONS = "promotions"
"""The folder of a run in which the verdicts are kept whenever a promotion was asked for."""
_CHAMPIONS = "production"


@dataclass(frozen=True)
class Promotion:
    """What came of asking for a promotion.

    Attributes:
        version: The version that was to be promoted.
        stage: Where to.
        before: The version that held the stage; None if none did.
        verdicts: Of every gate of which something was asked.
        move: The entry of the audit log; None if the gates refused.
        reason: Why, in the user's words.
        judged: When, ISO 8601, UTC.
        gone: The number that the stage means though no version has it any more; None as a rule.
    """

    version: Version
    stage: str
    before: Version | None
    verdicts: tuple[Verdict, ...]
    move: Move | None
    reason: str
    judged: str
    gone: int | None = None

    @property
    def refusals(self) -> tuple[Verdict, ...]:
        """The verdicts that did not pass; what nobody can tell counts as refused."""
        return tuple(each for each in self.verdicts if not each.passed)

    @property
    def is_moved(self) -> bool:
        """Whether the version holds the stage now."""
        return self.move is not None

    @property
    def is_override(self) -> bool:
        """Whether gates were overruled."""
        return self.move is not None and self.move.override

    @property
    def judgement(self) -> dict[str, Any]:
        """What is kept with the run, before anything is moved: that it was is in the audit log."""
        return {
            "name": self.version.name,
            "version": self.version.version,
            "run_id": self.version.run_id,
            "stage": self.stage,
            "before": self.before.version if self.before is not None else None,
            "gone": self.gone,
            "reason": self.reason,
            "judged": self.judged,
            "verdicts": [each.as_dict() for each in self.verdicts],
        }

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            **self.judgement,
            "promoted": self.is_moved,
            "override": self.is_override,
            "move": self.move.as_dict() if self.move is not None else None,
        }

    def __repr__(self) -> str:
        refused = ", ".join(each.gate for each in self.refusals)
        if self.move is None:
            said = f"refused by {refused}"
        else:
            said = f"promoted, overruling {refused}" if self.move.override else "promoted"
        return f"Promotion({self.version.reference} to {self.stage}: {said})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(each.gate)}</th><td>{each.word}</td>"
            f"<td>{html.escape('; '.join(each.reasons))}</td></tr>"
            for each in self.verdicts
        )
        return f"<p>{html.escape(repr(self))}</p><table>{rows}</table>"


def promote(
    model: Version | str,
    version: int | None = None,
    *,
    to: str,
    override: bool = False,
    reason: str = "",
    expect: int | None = None,
    announce: Announce = silent,
) -> Promotion:
    """Move a version to a stage if every gate passes; the verdicts say why, or why not.

    Args:
        model: A version, its name, NAME/VERSION, or NAME@STAGE for the version that is there.
        version: Its number, where `model` is only the name.
        to: 'staging' or 'production'.
        override: Whether to move it though gates refuse; that and the reason are kept for ever.
        reason: Why; needed with `override`.
        expect: Number of the version that is thought to hold the stage, 0 for none: if another
            does, nothing is moved. The one that holds it now if None.
        announce: Told of progress.

    Returns:
        Every verdict with its evidence; `move` is None where the gates refused.

    Raises:
        NotFoundError: There is no such version, or nothing is recorded of its run.
        InputError: It is in that stage already, or is overruled without a reason.
        ConflictError: Another version holds the stage than was thought.
    """
    stages.refuse_reason(reason, is_needed=override)
    place = Place.to_find()
    candidate = _meant(model, version, place)
    number, before = _to_be_moved(candidate, to, expect, place)
    with place.workspace.scratch() as scratch:
        announce(Step("Reading what was recorded"))
        _refuse_unlike_record(candidate, place)
        run = known_run(candidate.run_id, place, scratch)
        gates, askers = known_gates(), _askers(run, to, place, scratch)
        refuse_unknown(gates, askers)
        no_costs = ""
        if reads_costs(gates, askers):
            announce(Step("Measuring latency and memory"))
            no_costs = _measured(run, candidate, place, scratch)
        announce(Step("Comparing with production"))
        holder = (
            before if to == _CHAMPIONS else stages.holder(place.uri, candidate.name, _CHAMPIONS)
        )
        champion = beside_champion(run, holder, place, scratch)
        announce(Step("Judging"))
        evidence = gathered(run, candidate.reference, to, champion, place, scratch, no_costs)
        verdicts = judge(evidence, gates, askers)
        judged = evidence.now.isoformat(timespec="milliseconds")
        gone = number if before is None else None
        asked = Promotion(candidate, to, before, verdicts, None, reason, judged, gone)
        _keep(asked, run, place, scratch)
        if asked.refusals and not override:
            return asked
        move = stages.move(
            place.uri,
            candidate.name,
            candidate.version,
            to,
            expected=number,
            by=account(),
            reason=reason,
            verdicts=[each.summary() for each in verdicts],
            override=bool(asked.refusals),
        )
        return replace(asked, move=move)


def _meant(model: Version | str, version: int | None, place: Place) -> Version:
    """The version that is meant, which has to be said."""
    reference = model.reference if isinstance(model, Version) else model
    if version is not None:
        reference = f"{reference.removesuffix(f'/{version}')}/{version}"
    found = versions.find_model(place.uri, reference).version
    if found is None:
        raise InputError(
            f"{reference} is no registered version, so it cannot be promoted.",
            mend="assay register RUN --as NAME, then assay promote NAME VERSION --to STAGE",
        )
    if not isinstance(model, Version) and reference == found.name:
        raise InputError(
            f"It is not said which version of {found.name} is to be promoted.",
            where=f"the newest is {found.reference}",
            mend=f"assay promote {quote(found.name)} {found.version} --to STAGE",
        )
    return found


def _to_be_moved(
    candidate: Version, to: str, expect: int | None, place: Place
) -> tuple[int | None, Version | None]:
    """Number and version that hold the stage now, if it may be taken from it.

    This is asked before anything is measured; the registry asks again in the moment of the move.
    """
    number, before = stages.standing(place.uri, candidate.name, to)
    look = f"assay models {quote(candidate.name)}"
    if expect is not None and (expect or None) != number:
        holds = f"version {number} holds it" if number is not None else "no version holds it"
        thought = f"version {expect}" if expect else "no version"
        raise ConflictError(
            f"{candidate.name}@{to} was thought to be held by {thought}, but {holds}.",
            mend=f"look at it, and decide again: {look}; then --expect {number or 0}",
        )
    if number == candidate.version:
        raise InputError(f"{candidate.reference} is in {to} already.", mend=look)
    return number, before


def _refuse_unlike_record(candidate: Version, place: Place) -> None:
    """Refuse a version of which nobody knows that it is the model its run was judged for.

    Raises:
        InputError: It was registered without Assay, or with other files than those of its run.
    """
    kept = versions.find_model(place.uri, f"runs:/{candidate.run_id}") if candidate.run_id else None
    if kept is not None and kept.digest and kept.digest == candidate.digest:
        return
    raise InputError(
        f"Nothing that is recorded is known to be of the files of {candidate.reference}: it was "
        "not registered by Assay.",
        where=candidate.model_uri,
        mend=f"assay register RUN --as {quote(candidate.name)}, then promote that version",
    )


def _askers(run: Run, to: str, place: Place, scratch: Path) -> list[Asker]:
    """Who asks something of the version: its experiment as it was trained, and every policy."""
    recipe = recipe_of(run, place, scratch)
    written = recipe.settings.get("registry", {}) if recipe is not None else {}
    for key in places_reading_environment(written.get("gates"), "registry.gates"):
        raise InputError(
            f"The gates of {run.reference} read the environment, so that nobody settled them "
            "before the numbers were known.",
            where=key,
            mend="write the value itself into the experiment, and train again",
        )
    text, missing = substituted(json.dumps(dict(written)))
    if missing:
        raise InputError(
            f"The gates of {run.reference} need the environment variable {missing[0]}, which is "
            "not set.",
            where="registry",
            mend=f"export {missing[0]}=...",
        )
    try:
        settings = RegistrySettings.model_validate_json(text)
    except ValidationError as error:
        [first, *_] = error.errors()
        raise InputError(
            f"The gates of {run.reference} cannot be read: {first['msg']}.",
            where=".".join(map(str, ("registry", *first["loc"]))),
            mend="look at the variables of the environment that it reads, or train again",
        ) from None
    folder = Path(recipe.folder) if recipe is not None else Path()
    policies = find_policies(place.workspace, settings.policy, folder)
    where = f"the experiment of {run.reference}: registry.gates.{to}"
    return [
        Asker("experiment", getattr(settings.gates, to), speaks_for_defaults=True, where=where),
        *(
            Asker(Path(path).name, getattr(gates, to), speaks_for_defaults=False, where=path)
            for path, gates in policies.items()
        ),
    ]


def _measured(run: Run, candidate: Version, place: Place, scratch: Path) -> str:
    """Measure what the model costs and record it; returns why not, if that cannot be done."""
    found = versions.find_model(place.uri, candidate.reference)
    try:
        measured = costs.measure(found.local(scratch), candidate.digest)
    except AssayError as error:
        return error.what
    path = scratch / COSTS_FILE
    path.write_text(json.dumps(measured.as_dict(), indent=1), encoding="utf-8")
    place.store.attach(run.run_id).artifact(path)
    path.unlink()
    return ""


def _keep(asked: Promotion, run: Run, place: Place, scratch: Path) -> None:
    """Keep the verdicts with the run, also those that refuse."""
    moment = asked.judged.replace(":", "").replace("+0000", "Z")
    path = scratch / f"{asked.version.version}-{asked.stage}-{moment}.json"
    path.write_text(json.dumps(asked.judgement, indent=1, default=str), encoding="utf-8")
    place.store.attach(run.run_id).artifact(path, PROMOTIONS)
