"""Features of valid rows as `data.features.feature_frame` makes them, by the shortest way.

The types of every cell are known here, so numbers become arrays at once; whatever is read in
another way is read by `feature_frame` itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from assay.data.features import feature_frame
from assay.serving.rows import Table


def features_of(table: Table, kinds: Mapping[str, str]) -> pd.DataFrame:
    """What `strict_features` gives of rows about which no policy has anything to say.

    Args:
        table: Clean rows.
        kinds: How the model reads each feature.
    """
    columns = {name: _feature(table.columns[name], name, kind) for name, kind in kinds.items()}
    return pd.DataFrame(columns, index=pd.RangeIndex(table.n))


def frame_of(table: Table, kinds: Mapping[str, str]) -> pd.DataFrame:
    """The rows as `LoadedModel` takes them; what is no number stays what it is."""
    columns = table.columns
    return pd.DataFrame(
        {
            name: columns[name] if kind == "numeric" else pd.Series(columns[name], dtype=object)
            for name, kind in kinds.items()
        }
    )


def _feature(cells: list[Any], name: str, read_as: str) -> Any:
    if read_as == "numeric":
        numbers = np.array(cells, dtype=np.float64)
        return np.where(np.isinf(numbers), np.nan, numbers)
    if read_as in ("categorical", "text"):
        missing = "" if read_as == "text" else np.nan
        texts = np.empty(len(cells), dtype=object)
        texts[:] = [missing if cell is None else cell for cell in cells]
        return texts
    read = feature_frame(pd.DataFrame({name: pd.Series(cells, dtype=object)}), {name: read_as})
    return read[name].to_numpy()
