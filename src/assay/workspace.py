"""The workspace: the folder in which runs, models, reports and sealed test rows live."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4

from filelock import FileLock

from assay.errors import InputError

WORKSPACE_VARIABLE = "ASSAY_WORKSPACE"
FOLDER = ".assay"
_STORE = "tracking-uri"
_PRIVATE = 0o077
_LONGEST_FILE_NAME = 120  # bytes, of the 255 that there are: room for numbers, ids and endings


@dataclass(frozen=True)
class Workspace:
    """A folder; nothing is created before `ensure` or `scratch`.

    Attributes:
        root: The folder, absolute.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Workspace:
        """The one that `ASSAY_WORKSPACE` names, else the nearest `.assay` above, else a new one."""
        named = os.environ.get(WORKSPACE_VARIABLE)
        if named:
            return cls(Path(named).absolute())
        here = (start or Path.cwd()).absolute()
        above = (folder / FOLDER for folder in (here, *here.parents))
        return cls(next((folder for folder in above if folder.is_dir()), here / FOLDER))

    @property
    def exists(self) -> bool:
        return self.root.is_dir()

    @property
    def vault_folder(self) -> Path:
        """Where sealed test rows are."""
        return self.root / "vault"

    @property
    def reports_folder(self) -> Path:
        """Where reports are, a page per run."""
        return self.root / "reports"

    @property
    def spool_folder(self) -> Path:
        """Where what is recorded waits until the store has it."""
        return self.root / "spool"

    @property
    def mirrors_folder(self) -> Path:
        """Where mirrors of runs keep their files."""
        return self.root / "mirrors"

    @property
    def studies_folder(self) -> Path:
        """Where studies of searches are, a folder each."""
        return self.root / "studies"

    @property
    def traffic_folder(self) -> Path:
        """Where answers are kept with their outcomes, and who shares traffic; a file a name."""
        return self.root / "traffic"

    @property
    def checkpoints_folder(self) -> Path:
        """Where fits that go step by step leave what they need to go on, a folder per run."""
        return self.root / "checkpoints"

    @property
    def snapshots_folder(self) -> Path:
        """Where small tables are kept as training read them."""
        return self.root / "snapshots"

    @property
    def images_folder(self) -> Path:
        """Where decoded images are kept, by their fingerprint."""
        return self.root / "images"

    @property
    def tokens_folder(self) -> Path:
        """Where texts are kept as tokens, by their fingerprint."""
        return self.root / "tokens"

    @property
    def samples_folder(self) -> Path:
        """Where samples of what was served are, a folder per model."""
        return self.root / "samples"

    @property
    def artifacts_folder(self) -> Path:
        """Where the store of runs keeps files."""
        return self.root / "artifacts"

    @property
    def tracking_uri(self) -> str:
        """The store that the last run went to; at first one that needs nothing to be started."""
        remembered = self.root / _STORE
        if remembered.is_file():
            return remembered.read_text(encoding="utf-8")
        return self.own_tracking_uri

    @property
    def own_tracking_uri(self) -> str:
        """The store of runs in this folder."""
        return f"sqlite:///{self.root / 'mlflow.db'}"

    def remember(self, tracking_uri: str) -> None:
        """Look for runs in this store from now on."""
        if tracking_uri == self.own_tracking_uri:
            (self.root / _STORE).unlink(missing_ok=True)
        elif tracking_uri != self.tracking_uri:
            atomic_write(self.root / _STORE, tracking_uri, mode=0o600)

    def ensure(self) -> Self:
        """Create the folder, readable by its owner only and unseen by git.

        Whoever opens it to others afterwards is not overruled.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            if not any(self.root.iterdir()):
                with suppress(OSError):  # of a folder that is somebody else's
                    self.root.chmod(0o700)
            atomic_write(ignore, "*\n", mode=0o600)
        return self

    @contextmanager
    def scratch_to_read(self) -> Iterator[Path]:
        """As `scratch`, also where the workspace is somebody else's and cannot be written."""
        if self.exists and not is_writable(self.root):
            with tempfile.TemporaryDirectory(prefix="assay-") as folder:
                yield Path(folder)
            return
        with self.scratch() as scratch:
            yield scratch

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder that is gone afterwards, however the work ends."""
        self.ensure()
        self._sweep()
        folder = self.root / f"scratch-{file_name(socket.gethostname())}-{uuid4().hex}"
        lock = _lock_of(folder)
        with ExitStack() as held:
            held.enter_context(private())
            with suppress(OSError):  # where no file can be locked, nobody sweeps either
                held.enter_context(FileLock(lock))
            folder.mkdir(mode=0o700)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                lock.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what killed processes of this host have left; of others' nothing is known here."""
        for folder in self.root.glob(f"scratch-{glob.escape(file_name(socket.gethostname()))}-*/"):
            lock = _lock_of(folder)
            with suppress(OSError), FileLock(lock, blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
                lock.unlink(missing_ok=True)


@contextmanager
def private() -> Iterator[None]:
    """Within it, and as `@private()` in a function, new files are readable by their owner only.

    Also those that libraries write. Of several at the same time the first to begin ends it.
    """
    before = os.umask(_PRIVATE)
    try:
        yield
    finally:
        if before != _PRIVATE:
            os.umask(before)


def is_writable(folder: Path) -> bool:
    """Whether a file can be made in a folder."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def check_folder(path: Path) -> None:
    """Refuse a file whose folder cannot take it, before there is anything to be written.

    Raises:
        InputError: There is no such folder, or nothing can be written into it.
    """
    if not path.parent.is_dir():
        raise InputError(
            f"There is no folder {path.parent}.", where=str(path), mend=f"mkdir -p '{path.parent}'"
        )
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise InputError(
            f"Nothing can be written into the folder {path.parent}: {error.strerror}.",
            where=str(path),
            mend="name a file in another folder",
        ) from None


def _lock_of(scratch: Path) -> Path:
    return scratch.with_name(f"{scratch.name}.lock")


def file_name(name: str) -> str:
    """A name for a file or folder that is called this: the name itself where that is one.

    Else what can be kept of it and a digest, so that different names never meet.

    >>> file_name("income"), file_name("../../x")
    ('income', 'x-9cdf6a50')
    """
    safe = "".join(each if each.isalnum() or each in "-_.=+ " else "_" for each in name)
    if name and safe.strip(". ") == name and len(name.encode()) <= _LONGEST_FILE_NAME:
        return name
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    kept = safe.encode()[:_LONGEST_FILE_NAME].decode(errors="ignore").strip("._ ")
    return f"{kept}-{digest}" if kept else digest


def atomic_write(path: Path, data: bytes | str, *, mode: int = 0o644) -> None:
    """Write a whole file or nothing: aside, synced, renamed."""
    with written_aside(path, mode=mode) as aside:
        aside.write_bytes(data.encode() if isinstance(data, str) else data)


@contextmanager
def written_aside(path: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """A file to write to, which takes the place of `path` once it is whole and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.chmod(mode)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def forget_all_but_newest(folder: Path, pattern: str, n_kept: int) -> None:
    """Remove the files of a cache but those that were used last.

    What a process has mapped stays readable for it, though its file is gone. Other processes may
    do the same at the same time, and what cannot be removed stays.

    Args:
        folder: Of the cache.
        pattern: Of the names of its files.
        n_kept: How many stay, at least 1.
    """
    found: list[tuple[int, Path]] = []
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(found)[:-n_kept]:
        with suppress(OSError):
            path.unlink()
