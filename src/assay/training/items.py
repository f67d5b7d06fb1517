"""Any map-style dataset of PyTorch as rows that can be taken by their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assay.errors import DataError
from assay.training.batches import Batch


class Items:
    """A dataset with `__len__` and `__getitem__` (or `__getitems__`); implements `batches.Data`.

    What the dataset draws from the global generators of Python, NumPy and torch is a function of
    the seed, the epoch and the batch's number, with any number of workers, and on resuming.

    Args:
        dataset: An item is (inputs, targets) or (inputs, targets, weight), of tensors, arrays and
            numbers, or of tuples and dicts of them; fractions of Python become float32.
    """

    draws = True
    block = 1
    window = 1

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def take(self, index: Tensor) -> Batch:
        """The items of these numbers, int64, shape (n,), stacked.

        Raises:
            DataError: An item is no pair, or holds what cannot be stacked.
        """
        numbers = index.tolist()
        if hasattr(self.dataset, "__getitems__"):
            items = self.dataset.__getitems__(numbers)
        else:
            items = [self.dataset[number] for number in numbers]
        first = items[0]
        if not isinstance(first, (tuple, list)) or len(first) not in {2, 3}:
            raise DataError(
                f"An item of the dataset is {type(first).__name__}, not inputs and targets.",
                where=type(self.dataset).__name__,
                mend="Return (inputs, targets) or (inputs, targets, weight) from __getitem__.",
            )
        parts = [self._stacked(part) for part in zip(*items, strict=True)]
        weights = parts[2].float() if len(parts) == 3 else None
        return Batch(parts[0], parts[1], weights)

    def _stacked(self, cells: Sequence[Any]) -> Any:
        first = cells[0]
        if isinstance(first, Tensor):
            return torch.stack(list(cells))
        if isinstance(first, np.ndarray):
            return torch.from_numpy(np.stack(cells))
        if isinstance(first, (bool, np.bool_)):
            return torch.tensor(cells, dtype=torch.bool)
        if isinstance(first, Integral):
            return torch.tensor(cells, dtype=torch.int64)
        if isinstance(first, Real):
            return torch.tensor(cells, dtype=torch.float32)
        if isinstance(first, Mapping):
            return {name: self._stacked([cell[name] for cell in cells]) for name in first}
        if isinstance(first, (tuple, list)):
            return tuple(self._stacked(each) for each in zip(*cells, strict=True))
        raise DataError(
            f"An item of the dataset holds {type(first).__name__}, which makes no tensor.",
            where=type(self.dataset).__name__,
            mend="Return tensors, arrays or numbers from __getitem__.",
        )
