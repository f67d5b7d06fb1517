"""A worker process: `python -m assay.searching SPEC PARENT`."""

from __future__ import annotations

import sys
from pathlib import Path

from assay.searching.processes import work_alone

work_alone(Path(sys.argv[1]), int(sys.argv[2]))
