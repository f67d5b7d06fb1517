"""`assay check` and `assay.check`: what is looked at, without training and without keeping."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import assay
from assay.checks.builtin import CODES
from assay.checks.known import known_checks
from assay.cli.checking import check
from assay.data.handed_over import hand_over
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import DataError, InputError, NotFoundError
from assay.tracking.memory import MemoryStore
from tests.fakes import FakeLearner
from tests.tables import LABELS, leaking, table


def said(*arguments: str) -> Result:
    return CliRunner().invoke(check, [*arguments, "--quiet"], standalone_mode=False)


def halves(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    middle = len(frame) // 2
    return frame.iloc[:middle].reset_index(drop=True), frame.iloc[middle:].reset_index(drop=True)


class TestHandedOver:
    def test_rows_and_targets_are_those_of_each_table(self) -> None:
        train, test = halves(table(Task.BINARY))
        train.loc[3, "y"] = None
        both = hand_over(
            from_frame(train), from_frame(test), DataSettings(source="t", target="y"), "t"
        )
        assert both.train.rows.tolist() == [row for row in range(len(train)) if row != 3]
        assert both.test.rows.tolist() == list(range(len(test)))
        assert both.test.known_target.tolist() == test["y"].tolist()
        assert "y" not in both.raw_test.column_names

    def test_training_alone_decides_on_kinds_and_what_test_lacks_is_missing(self) -> None:
        train, test = halves(table(Task.REGRESSION))
        test = test.drop(columns="a").assign(
            whole=["?"] * 3 + test["whole"].astype(str).tolist()[3:]
        )
        settings = DataSettings(source="t", target="y")
        both = hand_over(from_frame(train), from_frame(test), settings, "t")
        assert both.test.features["a"].isna().all()
        assert both.test.features["whole"].isna().tolist() == [True] * 3 + [False] * (len(test) - 3)
        assert both.unreadable == {"whole": 3}
        assert both.schema.task is Task.REGRESSION

    def test_a_class_that_training_lacks_leaves_the_test_without_known_targets(self) -> None:
        train, test = halves(table(Task.BINARY))
        test.loc[0, "y"] = "perhaps"
        settings = DataSettings(source="t", target="y")
        assert hand_over(from_frame(train), from_frame(test), settings, "t").test.target is None

    def test_groups_are_numbered_alike_in_both(self) -> None:
        train, test = halves(table(Task.BINARY).assign(who=np.arange(240) % 80))
        settings = DataSettings(source="t", target="y", roles={"group": "who"})
        both = hand_over(from_frame(train), from_frame(test), settings, "t")
        assert both.train.groups is not None
        assert both.test.groups is not None
        alike = both.train.groups[:, None] == both.test.groups
        assert (alike == (train["who"].to_numpy()[:, None] == test["who"].to_numpy())).all()

    def test_labels_are_gathered_on_both_sides(self) -> None:
        train, test = halves(table(Task.MULTILABEL))
        settings = DataSettings(source="t", target=LABELS)
        both = hand_over(from_frame(train), from_frame(test), settings, "t")
        assert (both.test.known_target == test[list(LABELS)].to_numpy()).all()

    def test_a_table_without_any_outcome_is_refused(self) -> None:
        train, test = halves(table(Task.BINARY))
        train["y"] = pd.Series([None] * len(train), dtype=object)
        with pytest.raises(DataError, match="No row of t has a value of the target 'y'"):
            hand_over(
                from_frame(train), from_frame(test), DataSettings(source="t", target="y"), "t"
            )


class TestFromPython:
    def test_two_frames(self) -> None:
        train, test = halves(leaking(Task.BINARY))
        found = assay.check(train, target="y", evidence=assay.Evidence(test=test))
        assert "AS101" in {each.code for each in found.findings}
        assert {*found.passed, *found.not_applicable, *(each.code for each in found.findings)} == {
            *CODES
        }

    def test_one_frame_is_divided_first(self) -> None:
        found = assay.check(leaking(Task.REGRESSION), target="y")
        assert "AS101" in {each.code for each in found.findings}

    def test_of_several_labels(self) -> None:
        train, test = halves(leaking(Task.MULTILABEL))
        found = assay.check(train, target=LABELS, evidence=assay.Evidence(test=test))
        [leak] = [each for each in found.findings if each.code == "AS101"]
        assert leak.columns == ("leak",)

    def test_a_run_says_what_was_found_of_it(self) -> None:
        store = MemoryStore()
        settings = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
        run = assay.train(
            leaking(Task.BINARY), target="y", learner=FakeLearner(), settings=settings,
            store=store, workers=1,
        )  # fmt: skip
        again = assay.check(run, store=store)
        assert {each.code for each in run.findings} <= {each.code for each in again.findings}

    def test_a_table_needs_its_target(self) -> None:
        with pytest.raises(InputError, match="does not say what is to be predicted"):
            assay.check(table(Task.BINARY), evidence=assay.Evidence(test=table(Task.BINARY)))
        with pytest.raises(InputError, match="neither an experiment file nor a run"):
            assay.check(table(Task.BINARY))

    def test_a_log_that_is_no_log_is_refused(self, tmp_path: Path) -> None:
        frame, log = table(Task.BINARY), tmp_path / "runs.json"
        with pytest.raises(NotFoundError, match=r"no file runs\.json"):
            assay.check(frame, target="y", evidence=assay.Evidence(log=log))
        log.write_text("[1, 2]")
        with pytest.raises(DataError, match="holds no record of runs but a list"):
            assay.check(frame, target="y", evidence=assay.Evidence(log=log))
        log.write_text("{")
        with pytest.raises(DataError, match=r"runs.json is not JSON"):
            assay.check(frame, target="y", evidence=assay.Evidence(log=log))


class TestOnTheCommandLine:
    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[str, str]:
        paths = tmp_path / "train.parquet", tmp_path / "test.csv"
        train, test = halves(leaking(Task.BINARY))
        train.to_parquet(paths[0])
        test.to_csv(paths[1], index=False)
        return str(paths[0]), str(paths[1])

    def test_two_tables_as_json(self, files: tuple[str, str]) -> None:
        result = said("--train", files[0], "--test", files[1], "--target", "y", "--json")
        document = json.loads(result.stdout)
        leak = next(each for each in document["findings"] if each["code"] == "AS101")
        assert leak["columns"] == ["leak"]
        assert {"severity", "rows", "places", "evidence", "effect", "mend"} <= {*leak}
        assert result.return_value == 0

    def test_a_blocking_finding_is_exit_1(self, tmp_path: Path) -> None:
        frame = table(Task.BINARY)
        frame.assign(copy=frame["y"].str.upper()).to_csv(tmp_path / "t.csv", index=False)
        result = said(str(tmp_path / "t.csv"), "--target", "y")
        assert result.return_value == 1
        assert result.stdout.startswith("block  AS102")

    def test_an_experiment_accepts_what_it_says_it_does(self, files: tuple[str, str]) -> None:
        file = Path(files[0]).with_name("e.yaml")
        file.write_text(
            "data: {source: train.parquet, target: y}\nmodel: {learner: linear}\n"
            "checks: {accept: {AS101: it is known before}}\n"
        )
        result = said(str(file))
        assert "it is known before" in result.stdout
        assert not (file.parent / "workspace").exists()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["{train}"], "A table does not say what is to be predicted from it."),
            (["--train", "{train}"], "A table does not say what is to be predicted from it."),
            (["{train}", "--target", "y", "--role", "who=x"], "--role who=x names no role."),
            (
                ["{train}", "--target", "y", "--role", "id=a", "--role", "id=b"],
                "Two columns are to play the role id: a, b.",
            ),
            (["{train}", "--target", "why"], "data.target names the column 'why'"),
            (["--train", "nothing.csv", "--target", "y"], "There is no file nothing.csv"),
            (["nothing.py"], "There is no file nothing.py"),
        ],
    )
    def test_what_is_wrong_is_said(
        self, files: tuple[str, str], arguments: list[str], message: str
    ) -> None:
        result = said(*(each.format(train=files[0]) for each in arguments))
        assert isinstance(result.exception, InputError)
        assert message in str(result.exception)

    def test_code_is_read_and_told_by_place(self, tmp_path: Path, files: tuple[str, str]) -> None:
        script = tmp_path / "fit.py"
        script.write_text(
            "from sklearn.preprocessing import StandardScaler\n"
            "from sklearn.model_selection import train_test_split\n"
            "import pandas as pd\n"
            "df = pd.read_csv('t.csv')\n"
            "X, y = df.drop(columns='y'), df['y']\n"
            "X = StandardScaler().fit_transform(X)\n"
            "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n"
        )
        for arguments in ([str(script)], [str(tmp_path)]):
            result = said(*arguments)
            assert result.return_value == 0
            assert "fit.py:6:" in result.stdout
            assert "AS701 warn" in result.stdout
        both = said(
            "--train",
            files[0],
            "--test",
            files[1],
            "--target",
            "y",
            "--code",
            str(script),
            "--json",
        )
        codes = {each["code"] for each in json.loads(both.stdout)["findings"]}
        assert {"AS101", "AS701"} <= codes
        with pytest.raises(Exception, match="only of code may there be several"):
            raise said(str(script), files[0]).exception  # type: ignore[misc]

    def test_one_thing_at_a_time(self, files: tuple[str, str]) -> None:
        assert "Give something to look at" in str(said().exception)
        assert "Give something to look at" in str(said(files[0], "--train", files[0]).exception)


PACKAGE = """
from assay.findings import Finding, NotApplicable, Severity

class FewRows:
    code, name = "X001", "few-rows"

    def __call__(self, view, settings):
        if len(view.train) > 1000:
            return NotApplicable("there are many rows")
        return [Finding(self.code, Severity.NOTE, "There are few rows.", {"rows": 1}, "find more")]
"""


class TestChecksOfOthers:
    @pytest.fixture
    def offer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An installed package that offers checks."""
        about = tmp_path / "strict-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: strict\nVersion: 1.0\n")
        (tmp_path / "strict.py").write_text(PACKAGE)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "strict", raising=False)
        return about / "entry_points.txt"

    def test_are_run_with_ours(self, offer: Path) -> None:
        offer.write_text("[assay.checks]\nfew-rows = strict:FewRows\n")
        found = assay.check(table(Task.BINARY), target="y")
        [ours] = [each for each in found.findings if each.code == "X001"]
        assert ours.title == "There are few rows."

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("strict:Nothing", "has no attribute 'Nothing'"),
            ("lacking:FewRows", "No module named 'lacking'"),
            ("json:dumps", "is no check"),
        ],
    )
    def test_one_that_cannot_be_used_says_so_and_stops_nothing(
        self, offer: Path, value: str, reason: str
    ) -> None:
        offer.write_text(f"[assay.checks]\nfew-rows = {value}\n")
        assert known_checks()[-1].code == "few-rows"
        found = assay.check(table(Task.BINARY), target="y")
        [broken] = [each for each in found.findings if each.code == "few-rows"]
        assert reason in broken.evidence["error"]
