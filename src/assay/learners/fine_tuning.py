"""How pretrained networks are fine-tuned: what `text` and `image` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from assay.learners.networks import PlainRecipe

if TYPE_CHECKING:
    from assay.networks.adaptable import Adaptable

Strategy = Literal["full", "head", "phases", "layer-decay", "lora"]
SOURCE = "A folder, an installed package that holds a model, or owner/name on the Hugging Face hub."
ADAPTER = "adapter"


class LoraOptions(BaseModel):
    """Options of adapters (LoRA)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["lora", "rslora", "dora"] = Field(
        "lora",
        description="lora: matrices of low rank are added to each layer's. rslora: times alpha / "
        "sqrt(rank), for high ranks. dora: they turn each weight; its length is learnt apart.",
    )

    rank: int = Field(8, ge=1, description="Of the matrices that are learnt beside each layer's.")
    alpha: float = Field(16, gt=0, description="What is learnt is multiplied by alpha / rank.")
    dropout: float = Field(0.05, ge=0, lt=1, description="Of what the adapters see.")


class FineTuningOptions(BaseModel):
    """Options of every learner that fine-tunes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(min_length=1, description=SOURCE)
    revision: str | None = Field(
        None, description="Which files it must be: a commit of the hub; any when absent."
    )
    strategy: Strategy = Field(
        "full",
        description="full: all of it learns. head: only what is fresh. phases: the head, then the "
        "upper layers too, then all of it. layer-decay: the lower a layer, the slower. lora: "
        "adapters beside the layers learn.",
    )
    dropout: float | None = Field(
        None, ge=0, lt=1, description="In the whole network; as it was pretrained when absent."
    )
    lora: LoraOptions = Field(LoraOptions(), description="With strategy: lora, the adapters.")


@dataclass(frozen=True)
class FineTuningRecipe(PlainRecipe):
    """What recipes of pretrained networks have in common: whose files, and what learns.

    Attributes:
        options: Of the recipe's own kind.
        of_texts: Whether it reads texts; else it sees images.
    """

    options: Any
    of_texts: ClassVar[bool]

    def pinned(self, fixed: Mapping[str, Any]) -> Self:
        """The recipe with the files of the pretrained model that it found, or that were recorded.

        Raises:
            LearnerError: It is not to be found, or its files are others than those recorded.
        """
        from assay.networks.pretrained_source import find

        asked = self.options.revision or fixed.get("revision")
        revision = find(self.options.model, asked, of_texts=self.of_texts).revision
        return replace(self, options=self.options.model_copy(update={"revision": revision}))

    @property
    def chosen(self) -> Mapping[str, Any]:
        """Which files the pretrained model is of, once that is settled."""
        revision = self.options.revision
        return {"revision": revision} if revision is not None else {}

    def training(self, n_rows: int | None) -> Mapping[str, Any]:  # noqa: ARG002
        """Fields of `LoopSettings` for the strategy."""
        return training_for(self.options.strategy, lambda: blocks_of(self.unweighted()))

    def unweighted(self) -> Any:
        """The architecture of the pretrained model, only to be looked at.

        Raises:
            LearnerError: It is not to be found, or is of another kind.
        """
        raise NotImplementedError

    @property
    def adapters(self) -> dict[str, Any] | None:
        """Options of the adapters that learn in place of the model; None without."""
        return self.options.lora.model_dump() if self.options.strategy == "lora" else None


def training_for(strategy: Strategy, count: Callable[[], tuple[int, int]]) -> dict[str, Any]:
    """Fields of `LoopSettings` for a strategy.

    Rates and phases are those of the guide, section 7; layer-wise decay as in Sun et al. 2019
    (arXiv 1905.05583).

    Args:
        strategy: What learns.
        count: Gives how many blocks are above the pretrained layers, and all of them, as
            `blocks_of` does; asked where the strategy goes by them.
    """
    common: dict[str, Any] = {
        "epochs": 3,
        "batch_size": 16,
        "learning_rate": 5e-5,
        "warmup": 0.1,
        "weight_decay": 0.01,
        "patience": 2,
    }
    if strategy == "full":
        return common
    if strategy == "layer-decay":
        return {**common, "learning_rate": 1e-4, "layer_decay": 0.85}
    if strategy == "lora":
        return {**common, "learning_rate": 5e-4}
    head, n_blocks = count()
    if strategy == "head":
        phase = {"epochs": 5, "layers": head}
        return {**common, "epochs": 5, "learning_rate": 1e-3, "phases": (phase,)}
    upper = head + max(1, (n_blocks - head) // 2)
    phases = (
        {"epochs": 2, "layers": head, "learning_rate": 1e-3},
        {"epochs": 2, "layers": upper, "learning_rate": 1e-4, "layer_decay": 0.9},
        {"epochs": 2, "layers": "all", "learning_rate": 2e-5, "layer_decay": 0.9},
    )
    return {**common, "epochs": 6, "learning_rate": 1e-3, "phases": phases, "patience": None}


def blocks_of(net: Any) -> tuple[int, int]:
    """How many blocks, counted from the output, are above the pretrained layers; and all of them.

    A pooler counts with the head.
    """
    from assay.networks.fine_tuning import head_of
    from assay.training.blocks import blocks

    fresh = tuple(f"{name}." for name in head_of(net))
    names = [list(block.parameters) for block in blocks(net)]
    is_body = [
        any(not name.startswith(fresh) and "pooler" not in name for name in each) for each in names
    ]
    return is_body.index(True) if True in is_body else len(names), len(names)


def save_adapter(module: Adaptable, source: str, revision: str | None, folder: Path) -> None:
    """Write what was learnt through adapters by itself, as PEFT reads it, if anything was.

    Args:
        module: The network as it is kept, with its `adapter`.
        source: The pretrained model that they are of.
        revision: Its files.
        folder: Where the model is saved.
    """
    if module.adapter is None:
        return
    from safetensors.torch import save_file

    weights, config = module.adapter
    config.base_model_name_or_path = source
    config.revision = revision
    (folder / ADAPTER).mkdir()
    save_file(weights, folder / ADAPTER / "adapter_model.safetensors")
    config.save_pretrained(folder / ADAPTER)
