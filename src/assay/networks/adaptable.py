"""Networks that learn in another form than they are kept in: adapters are merged in the end."""

from __future__ import annotations

from typing import Any

from torch import nn

from assay.networks.reading import hushed

Adapter = tuple[dict[str, Any], Any]
"""What was learnt through adapters: weights by name; and how they were made."""


class Adaptable(nn.Module):
    """A pretrained network that learns, all of it or through adapters.

    Args:
        wrapped: A model of Hugging Face's, or its adapters.

    Attributes:
        adapter: What was learnt through adapters, once they are merged; None without.
    """

    def __init__(self, wrapped: Any) -> None:
        super().__init__()
        self.wrapped = wrapped
        self.adapter: Adapter | None = None

    def merge(self) -> None:
        """Becomes what is kept: adapters are merged into the weights that they adapt."""
        if not hasattr(self.wrapped, "merge_and_unload"):
            return
        from peft import get_peft_model_state_dict

        learnt = get_peft_model_state_dict(self.wrapped)
        weights = {name: each.detach().clone() for name, each in learnt.items()}
        self.adapter = weights, self.wrapped.peft_config["default"]
        with hushed():
            self.wrapped = self.wrapped.merge_and_unload()
