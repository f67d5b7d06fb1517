"""Rows unlike those of training, at the command line: each policy refuses, tells or mends them."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.inference.test_strictness import ODD, rows
from tests.journeys.terminal import Terminal

POLICIES = {
    "error": dict.fromkeys(ODD, "error"),
    "warn": {
        "missing_column": "impute",
        "wrong_type": "impute",
        **dict.fromkeys(("unexpected_null", "unseen_category", "out_of_range"), "warn"),
    },
    "impute": {**dict.fromkeys(ODD, "impute"), "out_of_range": "clip"},
}
ALWAYS_TOLD = ("missing_column", "wrong_type")


@pytest.mark.slow
@pytest.mark.parametrize("how", list(POLICIES))
def test_each_policy_at_the_command_line(
    how: str, terminal: Terminal, tmp_path: Path, workspace: Path
) -> None:
    rows().to_csv(tmp_path / "t.csv", index=False)
    path = tmp_path / "odd.yaml"
    policies = "".join(f"  {name}: {policy}\n" for name, policy in POLICIES[how].items())
    path.write_text(
        "data: {source: t.csv, target: y}\nmodel: {learner: linear}\ntraining: {seeds: 1}\n"
        f"evaluation: {{resamples: 200}}\nprediction:\n{policies}"
    )
    assert terminal("train", str(path), "-q").status == 0
    assert terminal("register", "last", "--as", "it").status == 0
    for name, (change, told) in ODD.items():
        data, out = tmp_path / f"{name}.csv", tmp_path / f"{name}-out.csv"
        change(rows().head(40)).to_csv(data, index=False)
        said = terminal("predict", "it", str(data), "--out", str(out))
        assert "Traceback" not in said.err
        if how == "error":
            assert said.status == 2, (name, said.err)
            assert not out.exists()
            assert "mend:" in said.err
        else:
            assert said.status == 0, (name, said.err)
            assert len(pd.read_csv(out)) == 40
        if how != "impute" or name in ALWAYS_TOLD:
            assert re.search(told, said.err), (name, said.err)
        else:
            assert "note" not in said.err, (name, said.err)
