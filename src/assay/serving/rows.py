"""Rows and answers, as they come from JSON and go back to it."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
"""Values by column."""
Columns = dict[str, list[Any]]
"""Values of all rows, by column."""
Answer = dict[str, Any]
"""'prediction' (a label, a list of labels, or a number) and, of a classifier, 'probabilities' by
label as text."""
