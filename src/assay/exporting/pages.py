"""Pages of an exported folder: the program that serves, its Dockerfile, and what it says of itself.

They are written out here in full; what differs from model to model stands between '@'.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.inference.loading import LoadedModel
from assay.reproduction.pins import Pins

_SERVE = '''\
"""Serves the model beside this file: python serve.py [--host HOST] [--port PORT]

Settings of the server, if there is a file serving.yaml, are those of `assay serve --settings`.
"""

import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODEL = @MODEL@
DIGEST = @DIGEST@
TRUST = @TRUST@

os.environ.setdefault("OMP_NUM_THREADS", "1")  # requests share the cores, not their sums


def main() -> int:
    parser = argparse.ArgumentParser(description="Answers requests with the model " + MODEL)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 takes any that is free")
    given = parser.parse_args()

    from assay.errors import AssayError
    from assay.inference.packing import digest
    from assay.serving_models import serve

    if digest(HERE / MODEL) != DIGEST:
        print(f"{MODEL} was changed after it was exported: export it again.", file=sys.stderr)
        return 2
    settings = HERE / "serving.yaml"
    try:
        serve(
            str(HERE / MODEL),
            host=given.host,
            port=given.port,
            settings=settings if settings.is_file() else None,
            trust=TRUST,
            listens=lambda url: print(f"{MODEL} answers at {url}/predict", flush=True),
        )
    except AssayError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''

_DOCKERFILE = """\
FROM python:@MINOR@-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv
@LIBRARIES@COPY requirements.txt @WHEEL@ ./
RUN pip install --no-cache-dir -r requirements.txt \\
 && pip install --no-cache-dir --no-deps @WHEEL@
COPY --chmod=0755 . .
USER 65534
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s CMD ["python", "-c", \\
  "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["python", "serve.py", "--host", "0.0.0.0"]
"""

_OPENMP = """\
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 \\
 && rm -rf /var/lib/apt/lists/*
"""

_README = """\
# @MODEL@, ready to serve

It predicts `@TARGET@` (@TASK@) from @N@ columns. With Docker:

```sh
docker build -t @TAG@ .
docker run --rm -p 8000:8000 @TAG@
```

or without:

```sh
python@MINOR@ -m venv .venv
.venv/bin/pip install -r requirements.txt
.venv/bin/pip install --no-deps @WHEEL@
.venv/bin/python serve.py
```

Then ask it:

```sh
curl http://127.0.0.1:8000/predict -H 'Content-Type: application/json' -d '@ROW@'
```

`/schema` says what it takes, `/health` and `/ready` how it is, `/metrics` what it did. A file
`serving.yaml` beside `serve.py` sets limits, policies and access: `serving: {limits: {rows: 100}}`.
The image listens on all addresses of its container, and answers whoever reaches it: give it a key
(environment variable `ASSAY_API_KEY`) where that is not only you. Samples of what it is asked, if
`serving.yaml` wants them, go into the folder that `ASSAY_WORKSPACE` names: a volume.

What lies here:

| file | what it is |
|---|---|
| `@MODEL@/` | the model, as MLflow keeps it; also for `mlflow.pyfunc.load_model` |
| `serve.py` | the server; it refuses the model if a byte of it has changed |
| `@WHEEL@` | Assay, installed without what only training needs |
| `requirements.txt` | the @PINS@ packages that serving needs, each at its version |
| `Dockerfile` | an image of all this, run by a user without rights |
"""


def write(
    folder: Path,
    model: str,
    digest: str,
    loaded: LoadedModel,
    pins: Pins,
    wheel: str,
    trust: Sequence[str],
) -> None:
    """Write the pages.

    Args:
        folder: Where to.
        model: Name of the model's folder in it.
        digest: Of that.
        loaded: The model.
        pins: What serving it needs.
        wheel: Name of the wheel of Assay.
        trust: Types that the model may hold.
    """
    schema = loaded.schema
    words = {
        "MODEL": model,
        "TAG": "".join(each if each.isalnum() else "-" for each in model.lower()).strip("-"),
        "TARGET": schema.target,
        "TASK": schema.task.value,
        "N": str(len(schema.features)),
        "MINOR": ".".join(platform.python_version_tuple()[:2]),
        "WHEEL": wheel,
        "PINS": str(len(pins.versions)),
        "LIBRARIES": _OPENMP if "lightgbm" in pins.versions else "",
        "ROW": _row(loaded).replace("'", "'\\''"),
    }
    named = {"MODEL": repr(model), "DIGEST": repr(digest), "TRUST": repr(list(trust))}
    (folder / "serve.py").write_text(_filled(_SERVE, named), encoding="utf-8")
    (folder / "Dockerfile").write_text(_filled(_DOCKERFILE, words), encoding="utf-8")
    (folder / ".dockerignore").write_text(".venv\n__pycache__\n", encoding="utf-8")
    (folder / "README.md").write_text(_filled(_README, words), encoding="utf-8")


def _row(loaded: LoadedModel) -> str:
    """A row to try it with, as JSON: a cell that is missing, or no number, is null."""
    if not loaded.examples:
        return "{...}"
    cells = {each.name: loaded.examples[0][each.name] for each in loaded.schema.features}
    known = {
        name: None if isinstance(cell, float) and not math.isfinite(cell) else cell
        for name, cell in cells.items()
    }
    return json.dumps(known, ensure_ascii=False, allow_nan=False)


def _filled(page: str, words: Mapping[str, Any]) -> str:
    """The page with each word for its name; what a word says is not looked through again.

    >>> _filled("@A@, @B@", {"A": "@B@", "B": "b"})
    '@B@, b'
    """
    first, *rest = page.split("@")
    text, is_name = first, True
    for each in rest:
        if is_name and each in words:
            text += str(words[each])
            is_name = False
        else:
            text += each if not is_name else f"@{each}"
            is_name = True
    return text
