"""The environment: interpreter, packages, numerical libraries and hardware; imports none of them.

What numbers depend on is told apart from the rest, which is recorded too.
"""

from __future__ import annotations

import json
import locale
import os
import platform
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from assay.provenance.redaction import masked

_PACKAGES = (
    "assay-ml", "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "skops", "mlflow",
    "threadpoolctl", "loky", "torch", "transformers", "lightgbm", "xgboost", "catboost",
)  # fmt: skip
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_WAIT_POLICY", "OMP_DYNAMIC",
    "OPENBLAS_CORETYPE", "MKL_CBWR", "MKL_DYNAMIC", "KMP_AFFINITY",
)  # fmt: skip
_INSTRUCTIONS = (
    "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_bf16", "amx_int8", "asimd", "sve", "sve2", "bf16",
)  # fmt: skip
_INSTALLED = re.compile(
    r"(?P<name>.+?)-(?P<version>[^-]+)(?:-py[0-9.]+)?\.(?:dist|egg)-info", re.IGNORECASE
)
_BACK_END = {
    "blas": ("internal_api", "version", "architecture", "threading_layer", "num_threads"),
    "openmp": ("prefix", "num_threads"),
}


def distributions() -> dict[str, str]:
    """Every installed distribution with its version, by normal name, in the order of the names."""
    return {name: version for name, (version, _) in _installed().items()}


def packages(installed: Mapping[str, str] | None = None) -> dict[str, str]:
    """Versions of the packages that numbers may depend on, of those that are installed."""
    known = distributions() if installed is None else installed
    return {name: known[name] for name in _PACKAGES if name in known}


def origins() -> dict[str, str]:
    """Where distributions are from that no index gave: a folder, an archive, a commit."""
    found = {}
    for name, (_, folder) in _installed().items():
        try:
            about = json.loads((folder / "direct_url.json").read_bytes())
        except (OSError, ValueError):  # the file is there only if no index gave the package
            continue
        commit = about.get("vcs_info", {}).get("commit_id")
        editable = " (editable)" if about.get("dir_info", {}).get("editable") else ""
        found[name] = masked(about["url"]) + (f"@{commit}" if commit else editable)
    return found


def back_ends() -> dict[str, str]:
    """The numerical libraries that are loaded, with the threads they use where nobody limits them.

    What is not loaded yet is not known: ask again when the numbers are there.
    """
    from threadpoolctl import threadpool_info

    found: dict[str, str] = {}
    for library in threadpool_info():
        kind = library["user_api"]
        keys = _BACK_END.get(kind, ("version", "num_threads"))
        said = [f"{library[key]} threads" if key == "num_threads" else str(library[key])
                for key in keys if library.get(key)]  # fmt: skip
        found[f"{kind} of {_package_of(library['filepath'])}"] = ", ".join(said)
    return dict(sorted(found.items()))


def thread_variables() -> dict[str, str]:
    """What the environment says of threads and of the order of numerical work."""
    return {name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ}


def surroundings() -> dict[str, str]:
    """Locale and time zone, which reading texts and dates may depend on."""
    language = ".".join(part for part in locale.getlocale() if part) or "C"
    return {"locale": language, "time zone": time.tzname[time.localtime().tm_isdst > 0]}


def hardware() -> dict[str, Any]:
    """Processor, cores, memory, and the accelerator if torch is in use and knows one."""
    cpuinfo = _cpuinfo()
    flags = set(cpuinfo.get("flags", cpuinfo.get("Features", "")).split())
    about: dict[str, Any] = {
        "processor": cpuinfo.get("model name") or platform.processor() or platform.machine(),
        "instructions": " ".join(each for each in _INSTRUCTIONS if each in flags),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "logical cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }
    return {name: value for name, value in (about | _accelerator()).items() if value}


def _accelerator() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {}
    driver = Path("/proc/driver/nvidia/version")
    return {
        "accelerator": torch.cuda.get_device_name(),
        "accelerators": torch.cuda.device_count(),
        "driver": driver.read_text().partition("\n")[0] if driver.exists() else "",
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def _cpuinfo() -> dict[str, str]:
    """What Linux says of the first core; empty elsewhere."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first = path.read_text(errors="replace").partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _package_of(library: str) -> str:
    """The package that brought a library, by where its file is; else the file's name."""
    below = library.replace(os.sep, "/").rpartition("/site-packages/")[2]
    brought, _, rest = below.partition("/")
    return brought.removesuffix(".libs") if brought and rest else Path(library).name


def _installed() -> dict[str, tuple[str, Path]]:
    """Version and folder of every distribution, as the folders' names say: that is soon read."""
    found: dict[str, tuple[str, Path]] = {}
    for place in map(Path, sys.path):
        for folder in sorted(place.glob("*.*-info")) if place.is_dir() else ():
            named = _INSTALLED.fullmatch(folder.name)
            if named is not None:
                name = re.sub(r"[-_.]+", "-", named["name"]).lower()
                found.setdefault(name, (named["version"], folder))
    return dict(sorted(found.items()))
