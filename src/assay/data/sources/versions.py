"""Versions: which state of a source was read, as whoever keeps its versions calls it.

DVC, Delta, Hugging Face and git name states of data. Of a file that nobody keeps versions of its
size, its time and, where that is quick, a digest are known. To look costs milliseconds; what cannot
be found out is left out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.data.sources import delta
from assay.data.sources.reading import read_table
from assay.data.sources.stillness import unchanged
from assay.provenance.repository import asked

_QUICK_BYTES = 64 << 20
_SNAPSHOT = re.compile(
    r"(?:.*/)?datasets--(?P<name>[^/]+)/snapshots/(?P<revision>[0-9a-f]{7,64})/.*"
)
_REVISION = re.compile(r"hf://datasets/(?P<name>[^@]+)@(?P<revision>[0-9a-f]{7,64})/")
_POINTER = re.compile(r"oid (sha256:[0-9a-f]{64})")
_LONGEST_POINTER = 1024

Version = dict[str, Any]


def read_versioned(
    source: str | Path, *, query: str | None = None, sheet: str | None = None
) -> tuple[pa.Table, Version]:
    """Read a whole table as `read_table` does, and say which version of the source it was.

    Raises:
        NotFoundError: As `read_table` does.
        DataError: As `read_table` does.
    """
    if isinstance(source, str) and source.startswith("delta://"):
        source = delta.pinned(source)
    path = source if isinstance(source, Path) or "://" in source else Path(source)
    with unchanged(path):
        table = read_table(source, query=query, sheet=sheet)
        return table, version_of(path)


def version_of(source: str | Path) -> Version:
    """What is known of the state of a source, by who knows it; empty of a database."""
    if isinstance(source, str):
        version = delta.version_of(source) if source.startswith("delta://") else None
        return {} if version is None else {"delta version": version}
    source = source.absolute()
    content = _of_file(source) if source.is_file() else {}
    return content | _of_dvc(source, content) | _of_hugging_face(source) | _of_git(source)


def _of_file(path: Path) -> Version:
    known = path.stat()
    modified = datetime.fromtimestamp(known.st_mtime).astimezone().isoformat(timespec="seconds")
    about: Version = {"size_bytes": known.st_size, "modified": modified}
    if known.st_size <= _QUICK_BYTES:
        about["sha256"] = _digest(path, "sha256")
    return about


def _of_dvc(path: Path, content: Mapping[str, Any]) -> Version:
    """What DVC has written down of the file, or of a folder that it is in."""
    for out in _dvc_outs(path):
        hashed = next((name for name in ("md5", "etag", "checksum") if out.get(name)), None)
        if hashed is None:
            continue
        about: Version = {f"dvc {hashed}": out[hashed]}
        if "size" in out:
            about["dvc size_bytes"] = out["size"]
        if not _is_as_known(path, out, content):
            about["dvc"] = "the file was changed since: dvc status"
        return about
    return {}


def _dvc_outs(path: Path) -> Iterator[Mapping[str, Any]]:
    """What DVC keeps of a path: of the file itself first, then of the folders above it."""
    for folder in path.parents:
        kept = path.relative_to(folder)
        own = folder / f"{kept.parts[0]}.dvc"
        yield from _listed(_yaml(own), "outs")
        stages = _yaml(folder / "dvc.lock").get("stages")
        for stage in stages.values() if isinstance(stages, Mapping) else ():
            for out in _listed(stage, "outs"):
                if kept.is_relative_to(str(out.get("path", "/"))):
                    yield out
        if (folder / ".dvc").is_dir() or (folder / ".git").exists():
            return


def _is_as_known(path: Path, out: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Whether a file is still the one that DVC knows, as far as that is soon told."""
    if not content or path.name != Path(str(out.get("path", ""))).name:
        return True
    if out.get("size", content["size_bytes"]) != content["size_bytes"]:
        return False
    if content["size_bytes"] > _QUICK_BYTES:
        return True
    # Before its third version DVC hashed texts with other ends of lines.
    return out.get("hash") != "md5" or out.get("md5") == _digest(path, "md5")


def _of_hugging_face(path: Path) -> Version:
    """What the `datasets` library has written beside the table, and the hub's revision."""
    splits = _json(path / "dataset_dict.json").get("splits") if path.is_dir() else None
    if isinstance(splits, list) and splits:
        return _of_splits({str(split): _of_hugging_face(path / str(split)) for split in splits})
    folders = [path, path.parent] if path.is_dir() else [path.parent]
    about: Version = {}
    for folder in folders:
        info, state = _json(folder / "dataset_info.json"), _json(folder / "state.json")
        version = info.get("version")
        known = {
            "hugging face dataset": info.get("dataset_name") or info.get("builder_name"),
            "hugging face config": info.get("config_name"),
            "hugging face version": version.get("version_str") or str(version)
            if isinstance(version, Mapping)
            else version,
            "hugging face fingerprint": state.get("_fingerprint"),
        }
        checksums = "\n".join(map(str, info.get("download_checksums") or ()))
        found = _REVISION.search(checksums) or _SNAPSHOT.fullmatch(f"{path.as_posix()}/")
        if found is not None:
            known["hugging face dataset"] = found["name"].replace("--", "/")
            known["hugging face revision"] = found["revision"]
        about = {name: value for name, value in known.items() if value} | about
    return about


def _of_splits(known: Mapping[str, Version]) -> Version:
    """What is known of a dataset in several splits, each of which has its own fingerprint."""
    name = "hugging face fingerprint"
    told = ", ".join(f"{split} {each[name]}" for split, each in known.items() if name in each)
    return next(iter(known.values())) | ({name: told} if told else {})


def _of_git(path: Path) -> Version:
    """The object that git has committed for the file or folder, and whether it is still that."""
    listed = asked(path.parent, "ls-tree", "HEAD", "--", path.name)
    if not listed:
        return {}
    kind, digest = listed.split()[1:3]
    about: Version = {f"git {kind}": digest}
    if kind == "blob" and int(asked(path.parent, "cat-file", "-s", digest) or 0) < _LONGEST_POINTER:
        pointer = asked(path.parent, "cat-file", "blob", digest) or ""
        if pointer.startswith("version https://git-lfs") and (oid := _POINTER.search(pointer)):
            about["git lfs"] = oid[1]
    if asked(path.parent, "status", "--porcelain", "--", path.name):
        about["git"] = "changed since the commit"
    return about


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def _listed(content: Any, name: str) -> list[Mapping[str, Any]]:
    """The records in a list that a file which others write should have."""
    found = content.get(name) if isinstance(content, Mapping) else None
    records = found if isinstance(found, list) else []
    return [each for each in records if isinstance(each, Mapping)]


def _json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, Mapping) else {}


def _yaml(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, YAMLError):
        return {}
    return content if isinstance(content, Mapping) else {}
