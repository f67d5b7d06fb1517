"""A transformer so small that it trains in a second, written as `transformers` writes one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from assay.data.schema import Task

WORDS = (
    "good", "bad", "fine", "awful", "great", "poor", "tea", "coffee", "the", "a", "was", "is",
    "very", "not", "and", "of", "it", "taste", "smell", "price", "box", "jar", "small", "large",
)  # fmt: skip
LABELS = "good", "long", "drink"
LENGTH = 32
FIXED = {"precision": "fp32", "threads": 1, "channels_last": False, "loader_workers": 0}
"""What would be measured: another choice gives other bits."""


def texts(task: Task, n: int = 120) -> pd.DataFrame:
    """Sentences of five to forty words; how many are good says something about the target."""
    random = np.random.default_rng(0)
    said = [random.choice(WORDS, size=size) for size in random.integers(5, 40, n)]
    share = np.array([np.isin(words, ["good", "fine", "great"]).mean() for words in said])
    target = {
        Task.BINARY: np.where(share > np.median(share), "yes", "no"),
        Task.MULTICLASS: np.select([share > 0.15, share > 0.05], ["high", "middle"], "low"),
        Task.MULTILABEL: _labels(said, share),
        Task.REGRESSION: 100 * share,
    }
    return pd.DataFrame({"text": [" ".join(words) for words in said], "y": target[task]})


def _labels(said: list[np.ndarray], share: np.ndarray) -> list[list[str]]:
    """Of each sentence: whether it is good, long, and about something to drink."""
    good, drink = share > np.median(share), [np.isin(["tea", "coffee"], each) for each in said]
    held = zip(good, [len(each) > 20 for each in said], [each.all() for each in drink], strict=True)
    return [[name for name, has in zip(LABELS, row, strict=True) if has] for row in held]


def written(folder: Path, *, seed: int = 0) -> Path:
    """A BERT of two layers with random weights, and a tokenizer of some words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {word: number for number, word in enumerate([*marks, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=LENGTH,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )  # fmt: skip
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=LENGTH,
    )  # fmt: skip
    torch.manual_seed(seed)
    BertModel(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder
