"""Promoting: gates hold, are overruled for ever on record only, and policies add to them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import assay
from assay.cli.main import cli
from assay.cli.promoting import promote
from assay.errors import AssayError, ConflictError, ExperimentError, InputError, NotFoundError
from assay.experiment.recipe import RECIPE_FILE
from assay.place import Place
from assay.promoting import Promotion
from assay.registry import stages
from assay.registry.audit import history
from assay.registry.database import transaction
from assay.registry.versions import Version
from assay.run import Run
from assay.tracking.mlflow_client import client

Register = Callable[..., Version]
WHY = "the old one leaks"


@pytest.fixture
def register(runs: dict[str, Run], request: pytest.FixtureRequest) -> Register:
    """Registers runs, each test's under a name of its own."""

    def registered(run: str, name: str = "") -> Version:
        return assay.register(runs[run], name or str(request.node.originalname)[:60])

    return registered


@pytest.fixture
def policy(here: Path) -> Iterator[Callable[[str], Path]]:
    """Writes the policy of the workspace."""
    path = here / "registry-policy.yaml"

    def write(text: str) -> Path:
        path.write_text(text)
        return path

    yield write
    path.unlink(missing_ok=True)


def said(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["promote", *arguments], standalone_mode=False)


def held(version: Version, stage: str = "production") -> int | None:
    holder = stages.holder(Place.to_find().uri, version.name, stage)
    return None if holder is None else holder.version


def gates_of(done: Promotion) -> dict[str, str]:
    return {each.gate: each.word for each in done.verdicts}


def test_what_passes_is_moved_and_told_in_the_audit_log(
    register: Register, runs: dict[str, Run], tmp_path: Path
) -> None:
    version = register("good")
    done = assay.promote(version, to="production", reason="first of its kind")
    assert done.is_moved
    assert not done.is_override
    assert repr(done) == f"Promotion({version.reference} to production: promoted)"
    assert gates_of(done) == dict.fromkeys(
        ("findings", "baselines", "champion", "metrics"), "passed"
    )
    assert {each.gate: each.by for each in done.verdicts} == {
        "findings": "default",
        "baselines": "default",
        "champion": "experiment",
        "metrics": "experiment",
    }
    assert held(version) == version.version
    [entry] = history(Place.to_find().uri, version.name)
    assert (entry.to_version, entry.reason, entry.override) == (1, "first of its kind", False)
    assert entry.who
    assert [each["gate"] for each in entry.verdicts] == [each.gate for each in done.verdicts]
    assert all(each["passed"] for each in entry.verdicts)
    assert entry.digest == version.digest

    store = Place.to_find().store
    kept = [each for each in store.files(version.run_id) if f"{version.version}-prod" in each]
    told = json.loads(store.fetch(version.run_id, kept[-1], tmp_path).read_text())
    assert [each["passed"] for each in told["verdicts"]] == [True] * 4
    assert not {"promoted", "override", "move"} & set(told), "it is written before the move"


def test_what_is_refused_stays_where_it_is_and_exits_1(
    register: Register, runs: dict[str, Run], tmp_path: Path
) -> None:
    good, weak = register("good"), register("weak")
    assay.promote(good, to="production")
    refused = said(weak.name, str(weak.version), "--to", "production")
    assert refused.return_value == 1
    assert held(good) == good.version
    text = " ".join(refused.output.split())
    assert f"{weak.reference} to production now {good.reference}" in text
    assert (
        "refused baselines better than a constant, worse than none default roc_auc, beside prior:"
        in text
    )
    assert "refused champion not worse than the champion default roc_auc:" in text
    assert "Refused by baselines, champion: nothing was moved." in text
    assert "--override --reason" in text
    assert len(history(Place.to_find().uri, good.name)) == 1

    store = Place.to_find().store
    kept = [each for each in store.files(weak.run_id) if each.startswith("promotions/")]
    told = json.loads(store.fetch(weak.run_id, kept[-1], tmp_path).read_text())
    assert [each["passed"] for each in told["verdicts"]] == [True, False, False]
    assert told["verdicts"][2]["evidence"]["champion"] == good.reference


def test_overruling_needs_a_reason_and_is_told_for_ever(register: Register) -> None:
    weak = register("weak")
    for reason in ([], ["--reason", " "]):
        silent = said(weak.reference, "--to", "production", "--override", *reason)
        assert isinstance(silent.exception, InputError)
        assert "needs a reason, which is kept for ever" in str(silent.exception)
    assert held(weak) is None
    arguments = (weak.reference, "--to", "production", "--override", "--reason", WHY)
    done = said(*arguments)
    assert done.return_value == 0, done.output
    assert f"is {weak.name}@production now. baselines overruled by" in " ".join(done.output.split())
    [entry] = history(Place.to_find().uri, weak.name)
    assert (entry.override, entry.reason) == (True, WHY)
    assert [each["passed"] for each in entry.verdicts] == [True, False, True]
    assert "within noise" in entry.verdicts[1]["reasons"][0]


def test_overruling_what_passes_overrules_nothing(register: Register) -> None:
    done = assay.promote(register("good"), to="staging", override=True, reason=WHY)
    assert done.is_moved
    assert not done.is_override
    assert done.move is not None
    assert done.move.reason == WHY


def test_json_is_the_whole_judgement(register: Register) -> None:
    weak = register("weak")
    refused = said(weak.reference, "--to", "staging", "--json", "--quiet")
    told = json.loads(refused.stdout)
    assert refused.return_value == 1
    assert (told["name"], told["version"], told["stage"]) == (weak.name, 1, "staging")
    assert (told["promoted"], told["before"], told["move"]) == (False, None, None)
    [baselines] = [each for each in told["verdicts"] if each["gate"] == "baselines"]
    assert (baselines["passed"], baselines["by"]) == (False, "default")
    assert baselines["evidence"]["prior"]["better"] is None


def test_latency_memory_and_size_are_measured_first_and_recorded(
    register: Register, policy: Callable[[str], Path], tmp_path: Path
) -> None:
    version = register("unfair")
    store = Place.to_find().store
    policy("gates: {staging: {memory_mib: 10, size_mib: 100, latency: {p50_ms: 10000}}}")
    done = assay.promote(version, to="staging")
    assert gates_of(done) | {
        "memory_mib": "refused",
        "size_mib": "passed",
        "latency": "passed",
    } == (gates_of(done))
    told = json.loads(store.fetch(version.run_id, "costs.json", tmp_path).read_text())
    assert set(told["latencies"]) == {"1", "1000"}
    assert told["digest"] == version.digest
    assert told["hardware"]["logical cores"] >= 1
    [memory] = [each for each in done.verdicts if each.gate == "memory_mib"]
    assert memory.evidence["memory_mib"] == told["memory_mib"]


class TestPolicies:
    def test_are_stricter_than_the_experiment_and_cannot_be_less(
        self, register: Register, policy: Callable[[str], Path]
    ) -> None:
        version = register("good")
        path = policy("gates: {production: {metrics: {roc_auc: 0.99}, champion: none}}")
        done = assay.promote(version, to="production")
        assert held(version) is None
        metrics = {each.by: each for each in done.verdicts if each.gate == "metrics"}
        assert (metrics["experiment"].passed, metrics[path.name].passed) == (True, False)
        assert gates_of(done)["champion"] == "passed", "the experiment asks for it all the same"
        policy("gates: {production: {metrics: {roc_auc: 0.7}}}")
        done = assay.promote(version, to="production")
        [only] = [each for each in done.verdicts if each.gate == "metrics"]
        assert only.by == f"experiment and {path.name}"
        assert done.is_moved

    def test_may_be_named_by_the_environment(
        self, register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        version, path = register("good"), tmp_path / "ours.yaml"
        path.write_text("gates: {staging: {card: true, data_days: 0.000001}}")
        monkeypatch.setenv("ASSAY_REGISTRY_POLICY", str(path))
        done = assay.promote(version, to="staging")
        assert {each.gate: each.word for each in done.verdicts if each.by == path.name} == {
            "card": "passed",
            "data_days": "refused",
        }
        monkeypatch.setenv("ASSAY_REGISTRY_POLICY", str(tmp_path / "gone.yaml"))
        with pytest.raises(NotFoundError, match="nothing is promoted without it"):
            assay.promote(version, to="staging")

    @pytest.mark.parametrize(
        ("text", "what", "mend"),
        [
            (
                "gates: {production: {metrics: {auc: 0.9}}}",
                "names auc, which is no",
                "roc_auc: 0.9",
            ),
            ("gates: {producton: {}}", "gates.producton is not a known key", "production"),
            ("gate: {production: {}}", "gate is not a known key", "gates"),
            ("gates: {production: {memory_mib: 0}}", "gates.production.memory_mib is 0", "memory"),
            ("gates: {production: {latency: {p50: 1}}}", "latency.p50 is not a known", "p50_ms"),
            ("gates: 3", "gates must be a block of keys", "gates: {KEY: VALUE}"),
            ("", "is empty", "gates: {production:"),
            ("gates: [", "cannot be read as YAML", "look at that line"),
        ],
    )
    def test_that_are_wrong_promote_nothing(
        self, register: Register, policy: Callable[[str], Path], text: str, what: str, mend: str
    ) -> None:
        version = register("good")
        policy(text)
        with pytest.raises(ExperimentError) as caught:
            assay.promote(version, to="staging")
        assert what in caught.value.what
        assert mend in caught.value.mend
        assert held(version, "staging") is None

    def test_that_are_links_to_nowhere_promote_nothing(
        self, register: Register, policy: Callable[[str], Path], tmp_path: Path
    ) -> None:
        version, path = register("good"), policy("")
        path.unlink()
        path.symlink_to(tmp_path / "gone.yaml")
        with pytest.raises(ExperimentError, match=r"registry-policy\.yaml cannot be read"):
            assay.promote(version, to="staging")
        assert held(version, "staging") is None


def test_gates_that_the_environment_could_set_later_are_refused(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As runs may be recorded from before they were refused in training."""
    version, store = register("aged"), Place.to_find().store
    kept = store.fetch(version.run_id, RECIPE_FILE, tmp_path)
    before = kept.read_text()
    recipe = json.loads(before)
    recipe["settings"]["registry"]["gates"]["staging"]["metrics"] = {"roc_auc": "${FLOOR}"}
    monkeypatch.setenv("FLOOR", "0.1")
    try:
        kept.write_text(json.dumps(recipe))
        store.attach(version.run_id).artifact(kept)
        with pytest.raises(InputError, match="nobody settled them before the numbers") as caught:
            assay.promote(version, to="staging")
        assert caught.value.where == "registry.gates.staging.metrics.roc_auc"
    finally:
        kept.write_text(before)
        store.attach(version.run_id).artifact(kept)


def test_the_command_knows_the_stages() -> None:
    [to] = [each for each in promote.params if each.name == "to"]
    assert isinstance(to.type, click.Choice)
    assert tuple(to.type.choices) == stages.STAGES


def test_a_notebook_shows_every_verdict(register: Register) -> None:
    shown = assay.promote(register("weak"), to="staging")._repr_html_()
    assert "to staging: refused by baselines)" in shown
    assert "<th style='text-align:left'>baselines</th><td>refused</td><td>roc_auc, beside" in shown


def test_what_mlflow_registered_by_itself_is_not_judged(here: Path, runs: dict[str, Run]) -> None:
    asked = client(Place.to_find().uri)
    asked.create_registered_model("stranger")
    asked.create_model_version("stranger", source=str(here), run_id=runs["good"].run_id)
    with pytest.raises(InputError, match="it was not registered by Assay") as caught:
        assay.promote("stranger", 1, to="staging")
    assert caught.value.mend == "assay register RUN --as stranger, then promote that version"


class TestWhatIsMeant:
    def test_a_version_that_is_in_a_stage_goes_on_to_the_next(self, register: Register) -> None:
        version = register("good")
        assay.promote(version.name, 1, to="staging")
        done = said(f"{version.name}@staging", "--to", "production", "--quiet")
        assert done.return_value == 0
        assert held(version) == held(version, "staging") == 1

    def test_what_cannot_be_meant_is_told(self, register: Register, runs: dict[str, Run]) -> None:
        version = register("good")
        wrong: list[tuple[tuple[Any, ...], type[AssayError], str]] = [
            ((version.name,), InputError, "not said which version"),
            ((version.name, 7), NotFoundError, "no model"),
            ((f"runs:/{runs['good'].run_id}",), InputError, "is no registered version"),
            (("nobody", 1), NotFoundError, "no model"),
        ]
        for arguments, kind, message in wrong:
            with pytest.raises(kind, match=message):
                assay.promote(*arguments, to="staging")
        with pytest.raises(InputError, match="no stage 'prod'"):
            assay.promote(version, to="prod")
        assay.promote(version, to="staging")
        with pytest.raises(InputError, match="is in staging already"):
            assay.promote(version, to="staging")

    def test_what_is_thought_to_be_there_must_be(self, register: Register) -> None:
        good, weak = register("good"), register("weak")
        assert said(good.reference, "--to", "staging", "--expect", "0").return_value == 0
        late = said(
            weak.reference, "--to", "staging", "--expect", "0", "--override", "--reason", WHY
        )
        assert isinstance(late.exception, ConflictError)
        assert "thought to be held by no version, but version 1 holds it" in str(late.exception)
        assert held(good, "staging") == 1


def test_a_stage_whose_version_was_deleted_is_said_to_be_and_is_taken(register: Register) -> None:
    version, uri = register("good"), Place.to_find().uri
    client(uri).create_model_version(version.name, source="s3://bucket/model")
    client(uri).delete_model_version(version.name, "2")
    with transaction(uri) as connection:
        left = "INSERT INTO registered_model_aliases (workspace, name, alias, version) "
        connection.exec_driver_sql(
            f"{left} SELECT workspace, name, 'staging', 2 FROM registered_models WHERE name = ?",
            (version.name,),
        )
    assert held(version, "staging") is None
    done = said(version.reference, "--to", "staging", "--expect", "2")
    assert done.return_value == 0, done.output
    assert f"now {version.name}/2, which was deleted" in " ".join(done.output.split())
    [entry] = history(uri, version.name)
    assert (entry.from_version, entry.to_version) == (2, 1)
    assert held(version, "staging") == 1


def test_a_reason_that_cannot_be_kept_is_refused_before_anything_is_measured(
    register: Register,
) -> None:
    bad = said(register("good").reference, "--to", "staging", "--reason", "bad \udcff")
    assert isinstance(bad.exception, InputError)
    assert "no text in UTF-8" in str(bad.exception)


PACKAGE = """
from assay.registry.gates.base import Verdict

class FewRows:
    name = "few-rows"

    def __call__(self, evidence, asked):
        if asked is None:
            return None
        n = evidence.evaluation.n
        return Verdict(self.name, n >= asked, f"{asked} rows", (f"{n} rows",), {"n": n})

class Broken(FewRows):
    name = "broken"

    def __call__(self, evidence, asked):
        return 1 / 0

class Ours(FewRows):
    name = "metrics"
"""


class TestGatesOfOthers:
    @pytest.fixture
    def offer(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An installed package that offers gates."""
        about = tmp_path / "strict-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: strict\nVersion: 1.0\n")
        (tmp_path / "strict.py").write_text(PACKAGE)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "strict", raising=False)
        return about / "entry_points.txt"

    def test_are_asked_by_name(
        self, register: Register, policy: Callable[[str], Path], offer: Path
    ) -> None:
        version = register("good")
        offer.write_text("[assay.gates]\nfew-rows = strict:FewRows\n")
        policy("gates: {staging: {others: {few-rows: 481}}, production: {others: {few-rows: 480}}}")
        done = assay.promote(version, to="staging")
        [theirs] = [each for each in done.verdicts if each.gate == "few-rows"]
        assert (theirs.word, theirs.reasons, theirs.by) == (
            "refused",
            ("480 rows",),
            "registry-policy.yaml",
        )
        assert assay.promote(version, to="production").is_moved

    def test_that_are_not_installed_are_missed(
        self, register: Register, policy: Callable[[str], Path], offer: Path
    ) -> None:
        offer.write_text("[assay.gates]\nfew-rows = strict:FewRows\n")
        policy("gates: {staging: {others: {few-row: 3}}}")
        with pytest.raises(InputError, match="offers a gate 'few-row', which registry") as caught:
            assay.promote(register("good"), to="staging")
        assert caught.value.mend == "others: {few-rows: ...}"

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("strict:Broken", "it broke: ZeroDivisionError"),
            ("strict:Nothing", "has no attribute 'Nothing'"),
            ("strict:Ours", "has the name metrics of a gate of Assay's"),
            ("json:dumps", "is no gate: it needs a name and a call"),
        ],
    )
    def test_that_break_pass_nothing(
        self, register: Register, offer: Path, value: str, reason: str
    ) -> None:
        offer.write_text(f"[assay.gates]\nbroken = {value}\n")
        done = assay.promote(register("good"), to="staging")
        [theirs] = [each for each in done.verdicts if each.gate == "broken"]
        assert (theirs.word, theirs.by) == ("cannot tell", "its package")
        assert reason in theirs.reasons[0]
        assert not done.is_moved
