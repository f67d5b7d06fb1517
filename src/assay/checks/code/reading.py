"""Source files as parsed modules: scripts, notebooks and folders of them.

The code cells of a notebook are one module, in order, with magics blanked out, so that every line
keeps its place. What cannot be parsed is told, and never stops the rest.
"""

from __future__ import annotations

import ast
import json
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SKIPPED_FOLDERS = frozenset(
    {"venv", "env", "site-packages", "node_modules", "__pycache__", "build", "dist"}
)
LARGEST_BYTES = 5_000_000
_LIBRARIES = re.compile(
    rb"sklearn|pandas|imblearn|torch|lightning|transformers|keras|tensorflow|xgboost|lightgbm"
    rb"|catboost|category_encoders|polars|numpy|accelerate|datasets|optuna"
)
_TRAINS = re.compile(
    rb"\.fit\b|fit_transform|train_test_split|random_split|cross_val|backward\(|[dD]ata[lL]oader|Trainer"
    rb"|read_(csv|parquet|excel|json|table)|load_dataset|GradScaler|DistributedSampler|\.evaluate\("
    rb"|_loader\b|torch\.(save|load)\(|configure_optimizers|lr_scheduler|optimizer\.step|KFold"
)
_MAGIC = re.compile(r"^\s*(%|!|\?)|^\s*[\w.]+\?{1,2}\s*$")
_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*$")
_CODE_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")


@dataclass(frozen=True)
class Module:
    """A parsed source.

    Attributes:
        path: As it was given or found.
        tree: Its syntax.
        lines: Its lines; those of all code cells, for a notebook.
        cells: For each line its cell (from 1, of all cells) and its line there; empty for a script.
    """

    path: Path
    tree: ast.Module
    lines: tuple[str, ...]
    cells: tuple[tuple[int, int], ...] = ()

    def place(self, node: ast.AST) -> str:
        """Where a node is: 'path:line:column', or 'path:cell 3:line:column', all from 1."""
        line: int = getattr(node, "lineno", 1)
        column = getattr(node, "col_offset", 0) + 1
        if self.cells:
            cell, inner = self.cells[line - 1]
            return f"{self.path}:cell {cell}:{inner}:{column}"
        return f"{self.path}:{line}:{column}"

    def statement(self, node: ast.AST) -> str:
        """The source line at which a node begins."""
        line: int = getattr(node, "lineno", 1)
        return self.lines[line - 1].strip() if line <= len(self.lines) else ""


@dataclass(frozen=True)
class Unread:
    """A source that could not be read as Python.

    Attributes:
        place: As `Module.place` says it.
        reason: Why.
    """

    place: str
    reason: str


def read(paths: Sequence[Path]) -> Iterator[Module | Unread]:
    """Every source of these paths that mentions a library and something that learns or reads data.

    Args:
        paths: Scripts, notebooks and folders. Folders are walked in the order of their names;
            hidden ones, environments and installed packages in them are left out.

    Yields:
        Modules, and what could not be read, one by one: nothing is kept.
    """
    for path in paths:
        files = _walked(path) if path.is_dir() else [path]
        for file in files:
            yield from _read_file(file)


def _walked(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(
            each for each in folders if not each.startswith(".") and each not in SKIPPED_FOLDERS
        )
        for name in sorted(files):
            if name.endswith((".py", ".ipynb")):
                yield Path(place) / name


def _read_file(path: Path) -> Iterator[Module | Unread]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        yield Unread(f"{path}:1:1", f"it cannot be read: {error.strerror}")
        return
    if len(raw) > LARGEST_BYTES and path.suffix != ".ipynb":
        yield Unread(f"{path}:1:1", f"it is larger than {LARGEST_BYTES:,} bytes")
    elif _LIBRARIES.search(raw) and _TRAINS.search(raw):
        if path.suffix == ".ipynb":
            yield from _read_notebook(path, raw)
        else:
            yield _parsed(path, raw)


def _parsed(path: Path, raw: bytes) -> Module | Unread:
    tree = _tree(raw)
    if isinstance(tree, str):
        line, _, reason = tree.partition(":")
        return Unread(f"{path}:{line}:1", reason)
    return Module(path, without_tests(tree), tuple(raw.decode("utf-8", "replace").splitlines()))


def without_tests(tree: ast.Module) -> ast.Module:
    """A module without the functions that a test runner calls: what they fit is no training.

    They are known by their name and by what they assert; `test(model, loader)` stays.
    """
    tree.body = [each for each in tree.body if not _is_test(each)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            node.body = [each for each in node.body if not _is_test(each)] or [ast.Pass()]
    return tree


def _is_test(node: ast.stmt) -> bool:
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    return node.name.startswith(("test_", "check_")) and any(
        isinstance(each, ast.Assert)
        or (isinstance(each, ast.Attribute) and each.attr.startswith("assert"))
        or (isinstance(each, ast.Name) and each.id.startswith(("assert", "pytest")))
        for each in ast.walk(node)
    )


def _tree(source: bytes | str) -> ast.Module | str:
    """The syntax of a source, or 'line:reason'."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in other people's strings
            return ast.parse(source)
    except SyntaxError as error:
        return f"{error.lineno or 1}:{error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"1:{type(error).__name__}: {error}"


def _read_notebook(path: Path, raw: bytes) -> Iterator[Module | Unread]:
    try:
        notebook = json.loads(raw)
        cells = _code_cells(notebook)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        yield Unread(f"{path}:1:1", f"it is no notebook: {error}")
        return
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    for number, source in cells:
        inner = without_magics(source.splitlines())
        tree = _tree("\n".join(inner) + "\n")
        if isinstance(tree, str):
            line, _, reason = tree.partition(":")
            yield Unread(f"{path}:cell {number}:{line}:1", reason)
            continue
        lines += inner
        places += [(number, line + 1) for line in range(len(inner))]
    whole = _tree("\n".join(lines) + "\n")
    if isinstance(whole, str):
        yield Unread(f"{path}:1:1", whole.partition(":")[2])
    else:
        yield Module(path, whole, tuple(lines), tuple(places))


def _code_cells(notebook: dict[str, Any]) -> list[tuple[int, str]]:
    """Number and source of each code cell, in both formats; none if it is in another language."""
    metadata = notebook.get("metadata", {})
    language = metadata.get("kernelspec", {}).get("language") or metadata.get(
        "language_info", {}
    ).get("name", "python")
    if "python" not in language.lower():
        return []
    cells = notebook.get("cells")
    if cells is None:
        cells = [cell for sheet in notebook.get("worksheets", []) for cell in sheet["cells"]]
    found = []
    for number, cell in enumerate(cells, start=1):
        source = cell.get("source", cell.get("input", ""))
        if cell.get("cell_type") == "code":
            found.append((number, source if isinstance(source, str) else "".join(source)))
    return found


def without_magics(lines: Sequence[str]) -> list[str]:
    """The lines of a cell as Python, line by line.

    Args:
        lines: As the cell has them.

    >>> without_magics(["%matplotlib inline", "files = !ls", "df.head()"])
    ['', 'files = None', 'df.head()']
    """
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(_CODE_MAGICS):
        return [""] * len(lines)
    plain = []
    for line in lines:
        match = _ASSIGNED_MAGIC.match(line)
        if match:
            plain.append(f"{match[1]}None")
        elif _MAGIC.match(line) and not _continues(plain):
            plain.append(
                line[: len(line) - len(line.lstrip())] + ("pass" if line[:1] == " " else "")
            )
        else:
            plain.append(line)
    return plain


def _continues(before: Sequence[str]) -> bool:
    """Whether a line goes on with the one before, so that its '%' is the operator."""
    last = before[-1].rstrip() if before else ""
    return last.endswith(("\\", "(", "[", "{", ",", "+", "%"))
