"""What names say: the full name behind an import alias, and the part of the data in 'X_train'."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from assay.checks.code.values import Part

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_GLUED = re.compile(
    r"^[xyzd](tr|te|ts|train|test|va|val|valid)$|^(train|test|val|valid)[xyz]$", re.I
)
_JOINED = re.compile(
    r"^(train|test|valid|val|eval)(loader|loaders|set|data|dataset|dl|gen|ds|df|iter|images|labels)$"
)
_PART_OF_WORD = {
    **dict.fromkeys(("train", "training", "tr", "trn", "trainset"), Part.TRAIN),
    **dict.fromkeys(("test", "testing", "te", "tst", "ts", "testset"), Part.TEST),
    **dict.fromkeys(
        ("val", "valid", "validation", "va", "dev", "eval", "cal", "calib", "holdout", "stop"),
        Part.VALIDATION,
    ),
}
_NOT_ROWS = frozenset(
    """score scores acc accuracy loss losses size sizes metric metrics time times error errors auc
    f1 result results report path paths file dir name count len ratio frac fraction rmse mse mae r2
    step steps epoch epochs fn func args config start end duration flops""".split()
)
_ANSWERS = frozenset(
    """pred preds prediction predictions predicted proba probs probabilities residual residuals
    resid yhat logits answers output outputs""".split()
)
_DATE = frozenset({"date", "time", "datetime", "timestamp", "day", "week", "month", "year", "ds"})


def words(name: str) -> list[str]:
    """The words of a name, in lower case.

    >>> words("X_trainScaled2")
    ['x', 'train', 'scaled', '2']
    """
    glued = _GLUED.match(name)
    if glued:
        return [name[0].lower(), (glued[1] or glued[2]).lower()]
    found: list[str] = []
    for word in _WORD.findall(name):
        joined = _JOINED.match(word.lower())
        found += joined.groups() if joined else [word.lower()]
    return found


def part_of(name: str) -> Part | None:
    """The part of the data that a name speaks of; None if of none, of several, or of no rows.

    >>> part_of("X_test_scaled"), part_of("Ztr"), part_of("train_test"), part_of("frame")
    (<Part.TEST: 'test'>, <Part.TRAIN: 'train'>, None, None)
    """
    said = words(name)
    parts = {_PART_OF_WORD[word] for word in said if word in _PART_OF_WORD}
    return parts.pop() if len(parts) == 1 and not _NOT_ROWS & set(said) else None


def says_date(name: object) -> bool:
    """Whether a column's name speaks of a time."""
    return isinstance(name, str) and bool(_DATE & set(words(name)))


def is_target(name: str) -> bool:
    """Whether a name is one that targets have: 'y', 'y_train', 'labels', 'target'."""
    found = words(name)
    return bool(found) and (
        found[0] == "y" or bool({"label", "labels", "target", "targets"} & set(found))
    )


def is_answer(name: str) -> bool:
    """Whether a name is one of targets, or of what a model answers: no inputs to prepare."""
    return is_target(name) or bool(_ANSWERS & set(words(name)))


def dotted(node: ast.AST) -> str | None:
    """'self.model.layer' of nested attributes; None if something else is in it."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(names)])


def imported(tree: ast.AST) -> dict[str, str]:
    """The full name behind every name that an import binds, anywhere in a module.

    >>> imported(ast.parse("import torch.nn as nn; from sklearn import svm; import os.path"))
    {'nn': 'torch.nn', 'svm': 'sklearn.svm', 'os': 'os'}
    """
    full: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                full[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                full[alias.asname or alias.name] = f"{base}.{alias.name}"
    return full


def full_name(node: ast.AST, aliases: Mapping[str, str]) -> str | None:
    """The full name of what an expression refers to, if its first name was imported."""
    path = dotted(node)
    if path is None:
        return None
    first, _, rest = path.partition(".")
    if first not in aliases:
        return None
    return f"{aliases[first]}.{rest}" if rest else aliases[first]
