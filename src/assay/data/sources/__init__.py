"""Sources: wherever a table comes from, equal content gives an equal settled table.

One small module per form reads what is there into Arrow; `settling` alone decides on types. A form
knows nothing of roles, kinds or splits, and every refusal is a `DataError` with its mend.
"""

from assay.data.sources.address import located, shown
from assay.data.sources.frames import from_frame
from assay.data.sources.reading import read_batches, read_table
from assay.data.sources.versions import read_versioned

__all__ = ["from_frame", "located", "read_batches", "read_table", "read_versioned", "shown"]
