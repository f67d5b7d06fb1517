"""`assay train --dry-run` says what would be done, and does nothing."""

from __future__ import annotations

from pathlib import Path

import assay
from tests.conftest import EXAMPLES
from tests.journeys.terminal import Terminal


def test_a_rehearsal_counts_the_fits_and_keeps_nothing(terminal: Terminal, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    experiment = str(EXAMPLES / "penguins.yaml")
    said = terminal("train", experiment, "--dry-run", "-q")
    assert said.status == 0
    assert "21 fits (16 linear, 5 prior)" in said.out
    assert "276 train, 68 test" in said.out
    assert "Nothing was kept." in said.out
    assert sorted(tmp_path.rglob("*")) == before

    planned = terminal("train", experiment, "--dry-run", "--json", "-q", "--seeds", "2").json
    assert planned["seconds"] > 0
    assert planned["memory_mib"] > 50
    run = assay.train(EXAMPLES / "penguins.yaml", overrides=["training.seeds=2"])
    assert planned["rows"] == dict(run.n_rows)
    assert planned["name"] == run.name
    assert sum(planned["fits"].values()) == 16


def test_what_cannot_be_done_is_refused_in_a_rehearsal_too(terminal: Terminal) -> None:
    asked = ("--set", "data.target=nothing")
    said = terminal("train", str(EXAMPLES / "penguins.yaml"), "--dry-run", "-q", *asked)
    assert (said.status, "'nothing'" in said.err) == (2, True)
