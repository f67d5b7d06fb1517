"""What nobody expected: told in one line, with the traceback in a file to be sent along."""

from __future__ import annotations

import errno
import os
import re
import sys
import sysconfig
import tempfile
import traceback
from datetime import datetime
from pathlib import Path

import assay
from assay.errors import AssayError
from assay.provenance import masked
from assay.workspace import Workspace, atomic_write

DEBUG_VARIABLE = "ASSAY_DEBUG"
BUG = 70
BAD_INPUT = 2
_OF_THE_MACHINE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or ask for more",
    errno.EROFS: "name a folder that can be written: ASSAY_WORKSPACE=FOLDER",
    errno.EACCES: "look who owns it, or name another folder: ASSAY_WORKSPACE=FOLDER",
    errno.EPERM: "look who owns it, or name another folder: ASSAY_WORKSPACE=FOLDER",
    errno.EMFILE: "allow more open files: ulimit -n",
    errno.EIO: "look after the disk",
    errno.ENAMETOOLONG: "choose a shorter name",
}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NUMBER = re.compile(r"\[errno (\d+)\]", re.IGNORECASE)
_LINE = re.compile(r'^ *File "(?P<file>[^"<]+)", line (?P<line>\d+)', re.MULTILINE)


def told(error: Exception) -> tuple[int, str]:
    """What to say of an unexpected error, and the exit status: a bug only if it can be one."""
    summary = _writable(f"{type(error).__name__}: {error}".splitlines()[0])
    if isinstance(error, MemoryError):
        mend = "fewer fits at the same time: --workers 1; or fewer rows"
        return BAD_INPUT, _worded("There is not enough memory.", "", mend)
    number = _number_of(error)
    if number in _OF_THE_MACHINE:
        what = f"The machine refused: {os.strerror(number)}."
        where = str(getattr(error, "filename", "") or "")
        return BAD_INPUT, _worded(what, where, _OF_THE_MACHINE[number])
    text = _writable("".join(traceback.format_exception(error)))
    where, own = _kept(text), _line_of_theirs(text)
    if own is not None:
        return BAD_INPUT, _worded(f"{own} failed: {summary}", where, "look at that line")
    mend = "report it with the traceback; look through that first: messages may quote your data"
    return BUG, _worded(f"This is a bug in Assay: {summary}", where, mend)


def _number_of(error: BaseException) -> int:
    """What the system said, as in `errno`; 0 if it said nothing.

    Libraries that say something else of a full disk have it among their causes.
    """
    if isinstance(error, OSError) and _own_number(error):
        return _own_number(error)
    before = error.__cause__ or error.__context__
    while before is not None:
        if isinstance(before, OSError) and _own_number(before) in _FULL:
            return _own_number(before)
        before = before.__cause__ or before.__context__
    return 0


def _own_number(error: OSError) -> int:
    """The number of an error; one that gathers others has it in its text only."""
    written = _NUMBER.search(str(error))
    return error.errno or (int(written[1]) if written else 0)


def _writable(text: str) -> str:
    """Without secrets, and without what no file takes: of arguments that were no UTF-8."""
    return masked(text).encode(errors="backslashreplace").decode()


def _worded(what: str, where: str, mend: str) -> str:
    return str(AssayError(what, where=where, mend=mend))


def _kept(text: str) -> str:
    """The traceback itself if that is asked for, else the file it was written to."""
    if os.environ.get(DEBUG_VARIABLE):
        return text
    workspace = Workspace.find()
    folder = workspace.root / "tracebacks" if workspace.exists else Path(tempfile.gettempdir())
    path = folder / f"assay-{datetime.now():%Y%m%dT%H%M%S%f}-{os.getpid()}.txt"
    about = f"assay {_writable(' '.join(sys.argv[1:]))}\nPython {sys.version}\n\n"
    try:
        atomic_write(path, about + text, mode=0o600)
    except OSError:
        return text
    return f"traceback in {path}, or shown with {DEBUG_VARIABLE}=1"


def _line_of_theirs(traceback_text: str) -> str | None:
    """The last line of a traceback that is neither ours nor a library's: a learner of one's own."""
    paths = sysconfig.get_paths()
    known = [paths["stdlib"], paths["purelib"], paths["platlib"], sys.prefix, sys.base_prefix]
    folders = [Path(assay.__file__).parent, *(Path(each) for each in known)]
    for match in reversed(list(_LINE.finditer(traceback_text))):
        file = Path(match["file"])
        if not any(file.is_relative_to(folder) for folder in folders):
            return f"{file}, line {match['line']},"
    return None
