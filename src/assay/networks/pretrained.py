"""Pretrained transformers that read texts: Hugging Face's, with a fresh head for the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from assay.networks.adaptable import Adaptable
from assay.networks.fine_tuning import config_of, looked_at, made, with_fresh_head
from assay.networks.pretrained_source import Source, find
from assay.networks.reading import logits_of

_KIND = "AutoModelForSequenceClassification"


class FineTuned(Adaptable):
    """A model for sequence classification: see `logits_of`."""

    def forward(self, attention_mask: Tensor, **tokens: Tensor) -> Tensor:
        return logits_of(self.wrapped, attention_mask, **tokens)


def text_net(
    source: str,
    revision: str | None,
    n_outputs: int,
    labels: Sequence[str],
    dropout: float | None = None,
    lora: Mapping[str, Any] | None = None,
    padding: int | None = None,
    *,
    has_labels: bool = False,
) -> FineTuned:
    """A pretrained network with a fresh head, drawn from the global generator.

    Args:
        source: As `find` takes it.
        revision: Which files it must be.
        n_outputs: Classes, or one value.
        labels: Of the classes, as text; empty for a value.
        dropout: In the whole network; as it was pretrained when None.
        lora: Kind, rank, alpha and dropout of adapters that learn in its place; None without.
        padding: The token that stands for nothing, for a network that does not know it.
        has_labels: Whether a row may have several of the labels.

    Raises:
        LearnerError: It cannot be found, or it is of no kind that classifies sequences.
    """
    found = find(source, revision)
    config = config_of(found, _KIND, n_outputs, labels, dropout, has_labels=has_labels)
    if config.pad_token_id is None:
        config.pad_token_id = padding
    return FineTuned(with_fresh_head(found, _KIND, config, dropout, lora))


def unweighted(source: str, revision: str | None) -> Any:
    """Its architecture, as `looked_at` gives it.

    Raises:
        LearnerError: As `text_net` does.
    """
    return looked_at(find(source, revision), _KIND)


def tokenizer_of(source: Source) -> Any:
    """Its tokenizer; what pads is the token at the end where it has no other.

    Raises:
        LearnerError: It cannot be read.
    """
    from transformers import AutoTokenizer

    make = AutoTokenizer.from_pretrained
    tokenizer = made(make, source, _KIND, source.folder, trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


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
