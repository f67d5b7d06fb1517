"""What a locked folder says of itself, and the script that does it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assay.learners.trust import skops_io
from assay.reproduction.recollection import Recollection

SCRIPT_FILE, README_FILE = "reproduce.sh", "README.md"

_LEARNER = '''"""The learner of the run, as it was handed over."""

from pathlib import Path

import skops.io

TYPES = @TYPES@


def make():
    return skops.io.load(Path(__file__).with_name("learner.skops"), trusted=TYPES)
'''

_SCRIPT = """\
#!/bin/sh
# Installs what the run was trained with, trains it again and compares: exit status 0 if it is the
# same, 1 if not. PYTHON=... names another Python.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-$(command -v python@MINOR@ || command -v python3)}
[ -d .venv ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet -r requirements.txt
ASSAY_WORKSPACE=${ASSAY_WORKSPACE:-.assay}
export ASSAY_WORKSPACE
exec .venv/bin/assay reproduce . "$@"
"""

_README = """\
# @REFERENCE@, locked

Everything that is needed to train this model again, and to prove that it is the same: the data,
every setting, the version of every package, and what the model predicted.

```sh
sh reproduce.sh
```

does it all: it makes a virtual environment, installs `requirements.txt`, trains, and compares the
predictions bit by bit. By hand:

```sh
python@MINOR@ -m venv .venv
.venv/bin/python -m pip install -r requirements.txt
.venv/bin/assay reproduce .                # or only: .venv/bin/assay train experiment.yaml
```

Trained with Python @PYTHON@ on @PLATFORM@ (@PROCESSOR@). On another processor or system the last
bits may differ; `assay reproduce` then says how far, and what is not as it was.

| file | what |
|---|---|
| `experiment.yaml` | every setting, as the run had it |
| `data.parquet` | the data, fingerprint @FINGERPRINT@ |
| `requirements.txt` | the packages, each at its version |
| `expected/` | what the run predicted in training, and by its final model |
| `run.json` | the run's metrics and surroundings |
"""


def write(known: Recollection, notes: Sequence[str], folder: Path) -> None:
    """Write the page and the script."""
    about = known.provenance
    python = str(about.get("python", "3"))
    words = {
        "@REFERENCE@": known.reference,
        "@PYTHON@": python,
        "@MINOR@": ".".join(python.split(".")[:2]),
        "@PLATFORM@": str(about.get("platform", "an unknown system")),
        "@PROCESSOR@": str(about.get("hardware", {}).get("processor", "unknown processor")),
        "@FINGERPRINT@": known.fingerprint[:12],
    }
    told = "".join(f"\n{each}\n" for each in notes)
    (folder / README_FILE).write_text(_filled(_README, words) + told, encoding="utf-8")
    script = folder / SCRIPT_FILE
    script.write_text(_filled(_SCRIPT, words), encoding="utf-8")
    script.chmod(0o755)


def write_learner(estimator: Path, to: Path) -> None:
    """Write the module that gives the learner: it builds these types of the file, no others."""
    types = sorted(skops_io().get_untrusted_types(file=estimator))
    to.write_text(_LEARNER.replace("@TYPES@", repr(types)), encoding="utf-8")


def _filled(text: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text
