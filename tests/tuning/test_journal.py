"""The journal: a line that was torn is cut off, and nothing before it is lost."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from assay.tuning.journal import journal

TORN = [b'{"op_code":4,"worker', b"{", b"\0" * 5000, b'{"op_code":8,"trial_id":0']


def values(path: Path) -> list[float]:
    study = optuna.load_study(study_name="s", storage=journal(path))
    return [each.value or 0 for each in study.trials]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "below" / "journal.log"
    study = optuna.create_study(study_name="s", storage=journal(path))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1) * 0 + 1, n_trials=2)
    return path


@pytest.mark.parametrize("torn", TORN, ids=range(len(TORN)))
def test_a_torn_last_line_is_as_if_it_had_not_been_written(path: Path, torn: bytes) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert values(path) == [1, 1]
    study = optuna.load_study(study_name="s", storage=journal(path))
    study.optimize(lambda _: 2.0, n_trials=1)
    assert path.read_bytes().startswith(whole + b'{"op_code"')
    assert values(path) == [1, 1, 2]


def test_one_that_had_read_before_goes_on_reading_after_the_cut(path: Path) -> None:
    early = optuna.load_study(study_name="s", storage=journal(path))
    assert len(early.trials) == 2
    with path.open("ab") as file:
        file.write(TORN[0])
    assert len(early.trials) == 2
    late = optuna.load_study(study_name="s", storage=journal(path))
    late.optimize(lambda _: 3.0, n_trials=2)
    assert [each.value for each in early.trials] == [1, 1, 3, 3]


def test_a_file_with_nothing_but_a_torn_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    path.write_bytes(TORN[0])
    optuna.create_study(study_name="s", storage=journal(path))
    assert values(path) == []
