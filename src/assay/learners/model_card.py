"""The card of a fine-tuned transformer: what it is, how it reads, and what its outputs mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.learners.served_text import HEAD_SHARE, Reading

CARD = "README.md"
_LABELS_SHOWN = 50


def model_card(
    source: str, revision: str, reading: Reading, target: Mapping[str, Any], *, lora: bool
) -> str:
    """The card, as the Hugging Face hub takes it.

    Args:
        source: What the model that was fine-tuned is called.
        revision: Which files that were.
        reading: How texts become tokens.
        target: What `Target.as_dict` gives.
        lora: Whether adapters learnt, which are merged into it.
    """
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        library_name="transformers", pipeline_tag="text-classification", tags=["assay"]
    )
    how = "through adapters (LoRA), merged into it" if lora else "with its own weights"
    return "\n".join(
        [
            f"---\n{data.to_yaml()}\n---",
            f"# {source}, fine-tuned on {' and '.join(reading.columns)}\n",
            f"- Fine-tuned by Assay from `{source}` at revision `{revision}`, {how}.",
            f"- Reads {_read(reading)}.",
            f"- Says {_said(target)}.",
            "\nRows, folds, metrics with their intervals, findings and code stand in the record of "
            "the run that logged it; limits of the model that it began with hold for it as well.",
            "",
        ]
    )


def _read(reading: Reading) -> str:
    columns = " and ".join(f"`{name}`" for name in reading.columns)
    tail = f"the first {HEAD_SHARE:.0%} of that room for its beginning, the rest for its end"
    longer = {
        "head": "of a longer text its beginning",
        "head and tail": f"of a longer text both ends, {tail}",
        "windows": "a longer text in windows that overlap, whose logits are averaged",
    }[reading.long]
    pair = ", as a pair" if len(reading.columns) > 1 else ""
    return f"{columns}{pair}, {reading.max_length} tokens at a time; {longer}"


def _said(target: Mapping[str, Any]) -> str:
    classes = target["classes"]
    if not classes:
        return f"a value v that stands for {target['center']:g} + {target['scale']:g} v"
    seen = [f"`{classes[code]}`" for code in target["seen"]]
    more = f" and {len(seen) - _LABELS_SHOWN} more" if len(seen) > _LABELS_SHOWN else ""
    logits = f"a logit for each of {', '.join(seen[:_LABELS_SHOWN])}{more}"
    if target.get("has_labels", False):
        return (
            f"{logits}; the sigmoid of each is the probability that a text has this label, which "
            "it is given from 0.5 on. A text may have several labels, or none"
        )
    return (
        f"{logits}; their softmax is a "
        "probability before calibration and threshold, which the MLflow model around it adds"
    )
