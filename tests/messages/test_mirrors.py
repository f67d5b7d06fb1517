"""What is said of mirrors that cannot be had: before anything is trained."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest
from pydantic import ValidationError

from assay.errors import ExperimentError, InputError
from assay.experiment.reading import experiment_from
from assay.tracking import mirrors
from assay.tracking.mirrors import mirrors_of
from assay.tracking.settings import TrackingSettings, WandbSettings

TELEGRAPH = "tests.tracking.telegraph:Telegraph"


def refused(**settings: object) -> InputError:
    with pytest.raises(InputError) as caught:
        mirrors_of(TrackingSettings.model_validate(settings))
    return caught.value


def test_nothing_is_mirrored_by_default() -> None:
    assert mirrors_of(TrackingSettings()) == []


def test_several_mirrors_at_once() -> None:
    asked = {"wandb": True, "tensorboard": True, "mirrors": [TELEGRAPH]}
    made = mirrors_of(TrackingSettings.model_validate(asked))
    assert [each.name for each in made] == ["wandb", "tensorboard", "telegraph"]


def test_wandb_takes_settings() -> None:
    asked = TrackingSettings.model_validate({"wandb": {"project": "p", "group": "g"}})
    assert asked.wandb == WandbSettings(project="p", group="g")
    assert mirrors_of(TrackingSettings.model_validate({"wandb": False})) == []
    with pytest.raises(ValidationError):
        TrackingSettings.model_validate({"wandb": {"api_key": "never here"}})


def test_wandb_online_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    error = refused(wandb={"mode": "online"})
    assert error.what == (
        "Weights & Biases needs the environment variable WANDB_API_KEY, which is not set."
    )
    assert error.where == "tracking.wandb.mode: online"
    assert "mode: offline" in error.mend
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert mirrors_of(TrackingSettings(wandb=WandbSettings(mode="online")))[0].name == "wandb"


@pytest.mark.parametrize(
    ("library", "called"), [("wandb", "Weights & Biases"), ("tensorboard", "TensorBoard")]
)
def test_a_missing_library_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, library: str, called: str
) -> None:
    monkeypatch.setattr(mirrors, "find_spec", lambda name: None)
    error = refused(**{library: True})
    assert error.what == f"{called} is not installed."
    assert error.mend == f"pip install 'assay-ml[{library}]'"


def test_a_module_that_is_not_there() -> None:
    error = refused(mirrors=["nowhere.at_all:make"])
    assert error.what == "There is no module 'nowhere'."
    assert error.where == "tracking.mirrors: nowhere.at_all:make"


def test_a_function_that_is_not_there() -> None:
    error = refused(mirrors=["tests.tracking.telegraph:Telegrap"])
    assert error.what == "Module 'tests.tracking.telegraph' has no function 'Telegrap'."
    assert error.mend == "mirrors: ['tests.tracking.telegraph:Telegraph']"


def test_a_module_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_mirror.py").write_text("1 / 0")
    (tmp_path / "odd_mirror.py").write_text(
        "def make(): raise ValueError('no office')\ndef other(): return 3\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    error = refused(mirrors=["broken_mirror:make"])
    assert "cannot be imported: ZeroDivisionError: division by zero" in error.what
    error = refused(mirrors=["odd_mirror:make"])
    assert error.what == "odd_mirror:make could not make a mirror: ValueError: no office"
    error = refused(mirrors=["odd_mirror:other"])
    assert error.what == "odd_mirror:other makes no mirror, but 3."
    assert "def open(self, opening: Opening) -> Recorder" in error.mend
    for name in ("broken_mirror", "odd_mirror"):
        sys.modules.pop(name, None)


def test_two_of_one_name() -> None:
    error = refused(mirrors=[TELEGRAPH, TELEGRAPH])
    assert error.what == "Two mirrors are called 'telegraph'."


def test_a_package_offers_a_mirror_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    offer = metadata.EntryPoint("telegraph", TELEGRAPH, mirrors.GROUP)
    monkeypatch.setattr(mirrors, "entry_points", lambda group: [offer])
    [made] = mirrors_of(TrackingSettings(mirrors=("telegraph",)))
    assert made.name == "telegraph"
    error = refused(mirrors=["telegraf"])
    assert error.what == "No installed package offers a mirror called 'telegraf'."
    assert error.where == "tracking.mirrors (offered: telegraph)"
    assert error.mend == "mirrors: [telegraph]"


def test_a_misspelt_setting_of_wandb_is_named() -> None:
    settings = {
        "data": {"source": "a.csv", "target": "y"},
        "model": {"learner": "linear"},
        "tracking": {"wandb": {"projct": "x"}},
    }
    with pytest.raises(ExperimentError) as caught:
        experiment_from(settings, Path.cwd(), [])
    assert caught.value.what == "tracking.wandb.projct is not a known key."
    assert caught.value.mend == "project"
    with pytest.raises(ExperimentError, match=r"tracking\.wandb must be a block of keys"):
        experiment_from({**settings, "tracking": {"wandb": "maybe"}}, Path.cwd(), [])
    with pytest.raises(ExperimentError, match=r"tracking\.wandb\.mode is on, which"):
        experiment_from({**settings, "tracking": {"wandb": {"mode": "on"}}}, Path.cwd(), [])


def test_one_mirror_needs_no_list() -> None:
    assert TrackingSettings.model_validate({"mirrors": TELEGRAPH}).mirrors == (TELEGRAPH,)
