"""What every pretrained Hugging Face network goes through: read, a fresh head, adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.random import fork_rng

from assay.errors import LearnerError
from assay.networks.attention import draw_cheaply
from assay.networks.pretrained_source import Source
from assay.networks.reading import hushed

_DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout",
    "classifier_dropout", "seq_classif_dropout", "attn_pdrop", "embd_pdrop", "resid_pdrop",
    "classifier_dropout_prob", "dropout_rate", "activation_dropout",
)  # fmt: skip
"""What models call their dropouts, of which some have no module."""
_DEVIATION = 0.02


def config_of(
    found: Source,
    kind: str,
    n_outputs: int,
    labels: Sequence[str],
    dropout: float | None,
    *,
    has_labels: bool = False,
) -> Any:
    """Its config, for a head of so many outputs.

    Args:
        found: Its files.
        kind: What `transformers` calls the models that it is to be one of.
        n_outputs: Classes, or one value.
        labels: Of the classes, as text; empty for a value.
        dropout: In the whole network; as it was pretrained when None.
        has_labels: Whether a row may have several of the labels.

    Raises:
        LearnerError: It cannot be read.
    """
    from transformers import AutoConfig

    make = AutoConfig.from_pretrained
    config = made(make, found, kind, found.folder, trust_remote_code=False)
    config.num_labels = n_outputs
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
    of_classes = "multi_label_classification" if has_labels else "single_label_classification"
    config.problem_type = of_classes if labels else "regression"
    for part, name in _dropouts(config) if dropout is not None else ():
        setattr(part, name, dropout)
    return config


def with_fresh_head(
    found: Source, kind: str, config: Any, dropout: float | None, lora: Mapping[str, Any] | None
) -> Any:
    """The network with its weights, and a head drawn from the global generator.

    Args:
        found: Its files.
        kind: As `config_of` takes it.
        config: As `config_of` gives it.
        dropout: In the whole network; as it was pretrained when None.
        lora: Kind, rank, alpha and dropout of adapters that learn in place of the network: lora
            (Hu et al. 2021, arXiv 2106.09685), rslora (Kalajdzievski 2023, arXiv 2312.03732) or
            dora (Liu et al. 2024, arXiv 2402.09353); None without.

    Raises:
        LearnerError: It is of another kind, or its files are torn.
    """
    import transformers

    model = made(
        getattr(transformers, kind).from_pretrained, found, kind, found.folder, config=config,
        dtype="float32", trust_remote_code=False, use_safetensors=True, local_files_only=True,
        ignore_mismatched_sizes=True,
    )  # fmt: skip
    _settle(model)
    _begin_anew(model)
    for each in model.modules():
        if dropout is not None and isinstance(each, nn.Dropout):
            each.p = dropout
    net = _adapted(model, kind, lora) if lora else model
    with hushed():
        draw_cheaply(net)
    return net


@lru_cache(maxsize=8)
def looked_at(found: Source, kind: str) -> Any:
    """Its architecture with two outputs, on no device and without numbers, only to be looked at.

    Args:
        found: Its files.
        kind: As `config_of` takes it.

    Raises:
        LearnerError: It cannot be read, or is of another kind.
    """
    import transformers

    config = config_of(found, kind, 2, ("0", "1"), None)
    make = getattr(transformers, kind).from_config
    with fork_rng(devices=[]), torch.device("meta"):
        net = made(make, found, kind, config, dtype=torch.float32, trust_remote_code=False)
    return net.eval()


def has_dropout(net: Any) -> bool:
    """Whether anything is dropped in it, by a module or, as its config says, without one."""
    has_module = any(isinstance(each, nn.Dropout) for each in net.modules())
    return has_module or bool(_dropouts(net.config))


def head_of(model: Any) -> dict[str, nn.Module]:
    """The parts with parameters that were not pretrained, by name."""
    return {name: part for name, part in _parts(model) if not _is_body(model, name, part)}


def bodies_of(model: Any) -> dict[str, nn.Module]:
    """The parts with parameters that were pretrained, by name."""
    return {name: part for name, part in _parts(model) if _is_body(model, name, part)}


def made(make: Any, found: Source, kind: str, *first: Any, **given: Any) -> Any:
    """A model or a part of it, or why there is none.

    Raises:
        LearnerError: It is not of that kind, or its files are torn.
    """
    try:
        with hushed():
            return make(*first, **given)
    except Exception as error:  # of whichever library reads that file
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise LearnerError(
            f"The pretrained model cannot be read: {said[0]}",
            where=f"model.options.model: {found.name}",
            mend=f"write its files once more, or give a model for which transformers has {kind}",
        ) from None


def _adapted(model: Any, kind: str, lora: Mapping[str, Any]) -> Any:
    """With adapters in what was pretrained; the head, which is fresh, learns as it is."""
    from peft import LoraConfig, TaskType, get_peft_model

    head = list(head_of(model))
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS if "Sequence" in kind else None,
        r=lora["rank"],
        lora_alpha=lora["alpha"],
        lora_dropout=lora["dropout"],
        use_rslora=lora["kind"] == "rslora",
        use_dora=lora["kind"] == "dora",
        target_modules="all-linear",
        exclude_modules=rf"({'|'.join(head)})(\..*)?",
        modules_to_save=head,
    )
    with hushed():
        return get_peft_model(model, config)


def _dropouts(config: Any) -> list[tuple[Any, str]]:
    """Where a config says what is dropped: itself, or one that it holds, and the name there."""
    configs = [config, *(getattr(config, name) for name in config.sub_configs)]
    return [(each, name) for each in configs for name in _DROPOUTS if hasattr(each, name)]


def _parts(model: Any) -> list[tuple[str, nn.Module]]:
    return [(n, part) for n, part in model.named_children() if any(True for _ in part.parameters())]


def _is_body(model: Any, name: str, part: nn.Module) -> bool:
    """Whether a part was pretrained; that of CLIP is not called what its prefix says."""
    from transformers import PreTrainedModel

    return name == model.base_model_prefix or isinstance(part, PreTrainedModel)


def _settle(model: Any) -> None:
    """Take weights out of the file that they lie in: where it has them may decide the last bits."""
    for each in chain(model.parameters(), model.buffers()):
        each.data = each.data.clone()


def _begin_anew(model: Any) -> None:
    """Draw the head, also one that learnt other classes before: its outputs mean nothing here."""
    deviation = getattr(model.config, "initializer_range", None) or _DEVIATION
    for part in head_of(model).values():
        for module in part.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=deviation)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.LayerNorm | nn.BatchNorm1d):
                module.reset_parameters()
