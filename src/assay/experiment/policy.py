"""Policies: gates that hold for all models of a registry, whatever their experiments ask for."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from assay.errors import ExperimentError, NotFoundError
from assay.experiment.meaning import of_gates
from assay.experiment.problems import of_block, refusal, unknown_key
from assay.experiment.reading import parsed
from assay.registry.settings import GatesSettings, PolicySettings
from assay.workspace import Workspace

POLICY_FILE = "registry-policy.yaml"
"""The policy of a workspace."""
POLICY_VARIABLE = "ASSAY_REGISTRY_POLICY"
"""The environment variable that names a policy of the user's, or of a machine that promotes."""

_FIRST = "gates: {production: {reproduced: true}}"


def find_policies(
    workspace: Workspace, named: str | None, folder: Path
) -> dict[str, GatesSettings]:
    """Every policy that holds, by its file.

    That of the workspace, that of the environment, and that which the experiment names: each adds
    to the others, and none can take back what another asks.

    Args:
        workspace: Where promoting is asked for.
        named: What the experiment names; None for nothing.
        folder: What that is relative to.

    Raises:
        NotFoundError: A policy that is named is not there.
        ExperimentError: One is wrong; the error tells every problem.
    """
    own = workspace.root / POLICY_FILE
    # A link that leads nowhere is a policy too: one that cannot be read promotes nothing.
    paths = [own] if own.is_symlink() or own.exists() else []
    by_variable = os.environ.get(POLICY_VARIABLE)
    if by_variable:
        paths.append(_existing(Path(by_variable), POLICY_VARIABLE))
    if named:
        paths.append(_existing(folder / named, "registry.policy"))
    return {str(path): read_policy(path) for path in dict.fromkeys(map(Path.absolute, paths))}


def read_policy(path: Path) -> GatesSettings:
    """The gates of a policy file.

    Raises:
        ExperimentError: It is wrong; the error tells every problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(
            f"The policy {path.name} cannot be read: {error}.",
            where=str(path),
            mend=f"a file in UTF-8 such as: {_FIRST}",
        ) from None
    settings, places = parsed(text, path, _FIRST)
    known = list(PolicySettings.model_fields)
    problems = [unknown_key(key, known) for key in settings if key not in known]
    try:
        gates = GatesSettings.model_validate(settings.get("gates", {}))
    except ValidationError as error:
        problems += of_block("gates", GatesSettings, error.errors())
    else:
        problems += of_gates("gates", gates)
        if not problems:
            return gates
    raise refusal(problems, path.name, places)


def _existing(path: Path, named_by: str) -> Path:
    if path.is_file():
        return path
    raise NotFoundError(
        f"There is no policy {path}, which {named_by} names: nothing is promoted without it.",
        where=named_by,
        mend="put it there, or name another one",
    )
