"""The rung between TF-IDF and fine-tuning: frozen embeddings of texts, and a linear model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from assay.data.dataset import Part
from assay.learners.text import TextOptions, columns_of


@dataclass(frozen=True)
class BuildEmbedded:
    """Builds the embedder, and a linear model behind it."""

    options: TextOptions = field(default_factory=TextOptions)

    def __call__(self, train: Part, seed: int) -> Any:  # noqa: ARG002
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import StandardScaler

        from assay.learners.embedding import TextEmbedder
        from assay.networks.pretrained_source import find

        options = self.options
        revision = find(options.model, options.revision).revision
        embedder = TextEmbedder(
            options.model, revision, columns_of(train.schema), options.max_length,
            options.long,
        )  # fmt: skip
        is_classes = train.schema.task.is_classification
        linear = LogisticRegression(C=0.1, max_iter=2000) if is_classes else Ridge(alpha=10.0)
        return Pipeline([("embed", embedder), ("scale", StandardScaler()), ("estimator", linear)])
