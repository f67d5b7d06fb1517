"""The files of one checkpoint: safetensors for tensors, JSON for all else, a manifest over both.

    step-000001200/
      model.safetensors       what lies under 'model', by its own names; so each part of the state
      optimizer.safetensors
      state.json              the rest, exactly, and the strides that are not the usual ones
      manifest.json           bytes and SHA-256 of each file, and of itself; written last

Everything is written and synced in a folder aside, which is then renamed: there is all of it under
its name, or nothing. What is read is first compared with the manifest.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from assay.training.tree import RESERVED, joined

FORMAT = 1
_STATE, _MANIFEST, _TENSORS = "state.json", "manifest.json", ".safetensors"
_OTHER = "tensors"
_PART = re.compile("[a-z][a-z_]{0,39}")
_KEPT_AS_THEY_ARE = {
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16,
    torch.uint32, torch.uint64, torch.float16, torch.bfloat16, torch.float32, torch.float64,
    torch.complex64,
}  # fmt: skip


class TornError(Exception):
    """A checkpoint that is not whole; says why."""


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint says of itself.

    Attributes:
        step: The optimizer step after which it was taken.
        number: Which checkpoint of its folder it is, from one; training that went back to an
            earlier step goes on counting.
        is_best: Whether it was the best so far.
        files: By name, bytes and SHA-256.
    """

    step: int
    number: int
    is_best: bool
    files: Mapping[str, tuple[int, str]]


def write(
    folder: Path,
    document: Any,
    tensors: Mapping[str, Tensor],
    *,
    step: int,
    number: int,
    best: bool,
) -> None:
    """Write a checkpoint aside, have the disk keep it, and give it its name.

    Args:
        folder: Where it will be; there must be nothing.
        document: The state without its tensors.
        tensors: By the names that the document gives them, on the CPU.
        step: The optimizer step.
        number: Which checkpoint of the folder above it is.
        best: Whether it is the best so far.

    Raises:
        OSError: The disk is full, or refuses; nothing is left.
    """
    aside = folder.parent / f".{folder.name}.aside"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        files = dict(_written_tensors(aside, parts) for parts in _parts(tensors).items())
        about = {name: _told(each) for name, each in tensors.items()}
        odd = {name: told for name, told in about.items() if told}
        text = json.dumps({"tensors": odd, "state": document}, allow_nan=False)
        files[_STATE] = _written(aside / _STATE, text.encode())
        said = {"format": FORMAT, "step": step, "number": number, "best": best, "files": files}
        sealed = {**said, "sha256": _seal(said)}
        _written(aside / _MANIFEST, json.dumps(sealed, indent=1).encode())
        _sync(aside)
        aside.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def manifest_of(folder: Path) -> Manifest:
    """What a checkpoint says of itself; its files are measured, not looked into.

    Raises:
        TornError: There is no manifest, it is damaged, or a file is missing or cut short.
    """
    try:
        said = json.loads((folder / _MANIFEST).read_bytes())
        seal = said.pop("sha256")
    except OSError as error:
        raise TornError(f"{_MANIFEST} cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise TornError(f"{_MANIFEST} is damaged") from None
    if seal != _seal(said):
        raise TornError(f"{_MANIFEST} is not as it was written")
    if said["format"] > FORMAT:
        raise TornError(f"it was written by a newer version, in format {said['format']}")
    files = {name: (size, digest) for name, (size, digest) in said["files"].items()}
    for name, (size, _) in files.items():
        _measure(folder / name, size)
    return Manifest(said["step"], said["number"], said["best"], files)


def read(folder: Path) -> Any:
    """The state that a checkpoint keeps, with its tensors on the CPU.

    Raises:
        TornError: A file is missing, cut short, or not as it was written.
    """
    manifest = manifest_of(folder)
    tensors: dict[str, Tensor] = {}
    for name in manifest.files:
        if name.endswith(_TENSORS):
            part = name.removesuffix(_TENSORS)
            prefix = "" if part == _OTHER else f"{part}."
            read_here = load(_checked(folder / name, manifest.files[name][1]))
            tensors |= {f"{prefix}{inner}": each for inner, each in read_here.items()}
    said = json.loads(_checked(folder / _STATE, manifest.files[_STATE][1]))
    for name, about in said["tensors"].items():
        tensors[name] = _as_it_was(tensors[name], **about)
    return joined(said["state"], tensors)


def _parts(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The tensors of each file, by their names in it."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, inner = name.partition(".")
        if inner and inner != RESERVED and part != _OTHER and _PART.fullmatch(part):
            parts.setdefault(part, {})[inner] = tensor
        else:
            parts.setdefault(_OTHER, {})[name] = tensor
    return parts


def _written_tensors(
    folder: Path, part: tuple[str, Mapping[str, Tensor]]
) -> tuple[str, tuple[int, str]]:
    name, tensors = f"{part[0]}{_TENSORS}", {n: _plain(each) for n, each in part[1].items()}
    path = folder / name
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return name, (path.stat().st_size, digest)


def _written(path: Path, data: bytes) -> tuple[int, str]:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return len(data), hashlib.sha256(data).hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _measure(path: Path, size: int) -> None:
    try:
        found = path.stat().st_size
    except OSError as error:
        raise TornError(f"{path.name} cannot be read ({error.strerror})") from None
    if found != size:
        raise TornError(f"{path.name} has {found:,} bytes instead of {size:,}")


def _checked(path: Path, digest: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TornError(f"{path.name} cannot be read ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise TornError(f"{path.name} is not as it was written")
    return data


def _seal(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _plain(tensor: Tensor) -> Tensor:
    """The tensor as any reader of safetensors takes it."""
    tensor = tensor.contiguous()
    return tensor if tensor.dtype in _KEPT_AS_THEY_ARE else tensor.reshape(-1).view(torch.uint8)


def _told(tensor: Tensor) -> dict[str, Any]:
    """What the file of a tensor does not say of it."""
    told: dict[str, Any] = {}
    if tensor.dtype not in _KEPT_AS_THEY_ARE:
        told |= {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}
    if tensor.stride() != torch.empty(tensor.shape, device="meta").stride():
        told["stride"] = list(tensor.stride())
    return told


def _as_it_was(
    tensor: Tensor,
    dtype: str | None = None,
    shape: list[int] | None = None,
    stride: list[int] | None = None,
) -> Tensor:
    if dtype is not None and shape is not None:
        tensor = tensor.view(getattr(torch, dtype)).reshape(shape)
    if stride is None:
        return tensor
    return torch.empty_strided(tensor.shape, stride, dtype=tensor.dtype).copy_(tensor)
