"""Pretrained transformers that read texts: Hugging Face's, with a fresh head for the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from assay.errors import LearnerError
from assay.networks.attention import draw_cheaply
from assay.networks.pretrained_source import Source, find
from assay.networks.reading import hushed, logits_of

_DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout",
    "classifier_dropout", "seq_classif_dropout", "attn_pdrop", "embd_pdrop", "resid_pdrop",
)  # fmt: skip
"""What models call their dropouts, of which attention has some without a module."""
_DEVIATION = 0.02


class FineTuned(nn.Module):
    """A pretrained network that learns, all of it or through adapters: see `logits_of`.

    Args:
        wrapped: A model for sequence classification, or its adapters.

    Attributes:
        adapter: What was learnt through adapters, once they are merged: weights by name; and how
            they were made. None without.
    """

    adapter: tuple[dict[str, Any], Any] | None = None

    def __init__(self, wrapped: Any) -> None:
        super().__init__()
        self.wrapped = wrapped

    def forward(self, attention_mask: Tensor, **tokens: Tensor) -> Tensor:
        return logits_of(self.wrapped, attention_mask, **tokens)

    def finished(self) -> FineTuned:
        """The network as it is kept: adapters are merged into the weights that they adapt."""
        if not hasattr(self.wrapped, "merge_and_unload"):
            return self
        from peft import get_peft_model_state_dict

        learnt = {
            name: each.detach().clone()
            for name, each in get_peft_model_state_dict(self.wrapped).items()
        }
        config = self.wrapped.peft_config["default"]
        with hushed():
            whole = FineTuned(self.wrapped.merge_and_unload())
        whole.adapter = learnt, config
        return whole


def text_net(
    source: str,
    revision: str | None,
    n_outputs: int,
    labels: Sequence[str],
    dropout: float | None = None,
    lora: Mapping[str, Any] | None = None,
    padding: int | None = None,
) -> FineTuned:
    """A pretrained network with a fresh head, drawn from the global generator.

    Args:
        source: As `find` takes it.
        revision: Which files it must be.
        n_outputs: Classes, or one value.
        labels: Of the classes, as text; empty for a value.
        dropout: In the whole network; as it was pretrained when None.
        lora: Rank, alpha and dropout of adapters that learn in place of the network (LoRA, Hu et
            al. 2021, arXiv 2106.09685); None without.
        padding: The token that stands for nothing, for a network that does not know it.

    Raises:
        LearnerError: It cannot be found, or it is of no kind that classifies sequences.
    """
    from transformers import AutoModelForSequenceClassification

    found = find(source, revision)
    config = _config(found, n_outputs, labels, dropout)
    if config.pad_token_id is None:
        config.pad_token_id = padding
    model = _made(
        AutoModelForSequenceClassification.from_pretrained, found, found.folder, config=config,
        dtype="float32", trust_remote_code=False, use_safetensors=True, local_files_only=True,
        ignore_mismatched_sizes=True,
    )  # fmt: skip
    _begin_anew(model)
    for each in model.modules():
        if dropout is not None and isinstance(each, nn.Dropout):
            each.p = dropout
    net = _adapted(model, lora) if lora else model
    draw_cheaply(net)
    return FineTuned(net)


def unweighted(
    source: str, revision: str | None, n_outputs: int = 2, labels: Sequence[str] = ("0", "1")
) -> Any:
    """Its architecture, on no device and without numbers, to be looked at.

    Raises:
        LearnerError: As `text_net` does.
    """
    from transformers import AutoModelForSequenceClassification

    found = find(source, revision)
    config = _config(found, n_outputs, labels, None)
    with torch.device("meta"):
        make = AutoModelForSequenceClassification.from_config
        return _made(make, found, config, trust_remote_code=False)


def tokenizer_of(source: Source) -> Any:
    """Its tokenizer; what pads is the token at the end where it has no other.

    Raises:
        LearnerError: It cannot be read.
    """
    from transformers import AutoTokenizer

    made = _made(AutoTokenizer.from_pretrained, source, source.folder, trust_remote_code=False)
    if made.pad_token_id is None:
        made.pad_token = made.eos_token
    return made


def most_tokens(source: str, revision: str | None) -> int | None:
    """How many it reads at a time; None where it does not say.

    RoBERTa and its kin number positions from behind the padding token, and so read fewer than they
    have positions for.

    Raises:
        LearnerError: As `text_net` does.
    """
    net = unweighted(source, revision)
    most: int | None = getattr(net.config, "max_position_embeddings", None)
    for name, table in net.named_modules():
        if most and name.endswith("position_embeddings"):
            unused = getattr(table, "padding_idx", None)
            most -= 0 if unused is None else unused + 1
    return most


def _config(found: Source, n_outputs: int, labels: Sequence[str], dropout: float | None) -> Any:
    from transformers import AutoConfig

    config = _made(AutoConfig.from_pretrained, found, found.folder, trust_remote_code=False)
    config.num_labels = n_outputs
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
    config.problem_type = "single_label_classification" if labels else "regression"
    for name in _DROPOUTS:
        if dropout is not None and hasattr(config, name):
            setattr(config, name, dropout)
    return config


def _adapted(model: Any, lora: Mapping[str, Any]) -> nn.Module:
    """With adapters in what was pretrained; the head, which is fresh, learns as it is."""
    from peft import LoraConfig, TaskType, get_peft_model

    head = list(_head_of(model))
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=lora["rank"],
        lora_alpha=lora["alpha"],
        lora_dropout=lora["dropout"],
        target_modules="all-linear",
        exclude_modules=rf"({'|'.join(head)})(\..*)?",
        modules_to_save=head,
    )
    with hushed():
        return get_peft_model(model, config)


def _head_of(model: Any) -> dict[str, nn.Module]:
    """The parts with parameters that were not pretrained, by name."""
    return {
        name: part
        for name, part in model.named_children()
        if name != model.base_model_prefix and any(True for _ in part.parameters())
    }


def _begin_anew(model: Any) -> None:
    """Draw the head, also one that learnt other classes before: its outputs mean nothing here."""
    deviation = getattr(model.config, "initializer_range", None) or _DEVIATION
    for part in _head_of(model).values():
        for module in part.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=deviation)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.LayerNorm):
                module.reset_parameters()


def _made(make: Any, found: Source, *first: Any, **given: Any) -> Any:
    """A model or a part of it, or why there is none.

    Raises:
        LearnerError: It is of no kind that classifies sequences, or its files are torn.
    """
    try:
        with hushed():
            return make(*first, **given)
    except Exception as error:  # of whichever library reads that file
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise LearnerError(
            f"The pretrained model cannot be read: {said[0]}",
            where=f"model.options.model: {found.name}",
            mend="write its files once more, or give a model for which transformers has "
            "AutoModelForSequenceClassification",
        ) from None
