"""Compiled: the finished model for a row at a time, without pandas, to the same bits.

The preprocessing becomes plain closures, trees are walked as they stand, and what comes after them
(link, calibration) is computed by the same functions. It is on only where it gave the very bits of
the ordinary path on rows at hand; where not, the ordinary path predicts, and the reason is kept.

A server asks for `fast_or_ordinary(loaded)` once, and then for `predict_rows`.
"""

from assay.inference.compiled.compiling import RowResult
from assay.inference.compiled.reading import RowProblem
from assay.inference.compiled.rows import RowPredictor, RowsRefused, fast_or_ordinary

__all__ = ["RowPredictor", "RowProblem", "RowResult", "RowsRefused", "fast_or_ordinary"]
