"""Weights & Biases as a mirror: files in the workspace, or its server where a key is there.

W&B runs in a process of its own and is told nothing but what Assay records: it looks at neither
console, code, git, packages, environment nor machine.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from functools import partial
from typing import Any

from assay.tracking.apart import Apart
from assay.tracking.mirror import Opening
from assay.tracking.recorder import Recorder
from assay.tracking.settings import WandbSettings

KEY_VARIABLE = "WANDB_API_KEY"
_LONGEST = 128
_FINISH_S = 600.0


@dataclass(frozen=True)
class WandbMirror:
    """Begins a run of the same id in W&B; one that was left half told is begun anew."""

    settings: WandbSettings

    @property
    def name(self) -> str:
        return "wandb"

    @property
    def resumes(self) -> bool:
        return False

    def open(self, opening: Opening) -> Recorder:
        """The recorder of a run, in a process of its own.

        Raises:
            TrackingError: W&B refused.
        """
        if opening.folder.exists():
            shutil.rmtree(opening.folder)
        opening.folder.mkdir(parents=True, mode=0o700)
        own: dict[str, str | None] = {
            "WANDB_DATA_DIR": str(opening.folder / "staging"),
            "WANDB_CACHE_DIR": str(opening.folder / "cache"),
            "WANDB_CONFIG_DIR": str(opening.folder / "cache"),
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_SERVICE": None,  # of somebody else's runs
        }
        if self.settings.mode == "offline":
            own[KEY_VARIABLE] = None
        return Apart(partial(begun, self.settings, opening), self.name, own)


def begun(settings: WandbSettings, opening: Opening) -> Recorder:
    """Begin the run in this process, for the mirror's."""
    import wandb

    from assay.tracking.wandb_run import WandbRecorder

    run = wandb.init(
        project=project_name(settings.project or opening.experiment),
        entity=settings.entity,
        group=settings.group,
        id=opening.run_id,
        name=opening.name,
        mode=settings.mode,
        settings=wandb.Settings(**_told_nothing(), root_dir=str(opening.folder)),
    )
    recorder = WandbRecorder(run, opening)
    recorder.tags(opening.tags)
    return recorder


def project_name(name: str) -> str:
    """A name that W&B takes for a project.

    >>> project_name("a/b: 100%")
    'a-b- 100-'
    """
    return re.sub(r"[/\\#?%:]", "-", name)[:_LONGEST].strip() or "assay"


def _told_nothing() -> dict[str, Any]:
    """W&B's settings under which it records nothing by itself and says nothing."""
    return {
        "console": "off",
        "silent": True,
        "show_errors": False,
        "show_warnings": False,
        "disable_git": True,
        "disable_code": True,
        "save_code": False,
        "disable_job_creation": True,
        "label_disable": True,
        "x_disable_meta": True,
        "x_disable_stats": True,
        "x_disable_machine_info": True,
        "x_save_requirements": False,
        "host": "",
        "program": "",
        "symlink": False,
        "use_dot_wandb": False,
        "reinit": "create_new",
        "finish_timeout": _FINISH_S,
        "finish_timeout_raises": True,
    }
