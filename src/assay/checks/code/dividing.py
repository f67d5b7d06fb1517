"""Calls that divide rows into parts, and what comes out of them."""

from __future__ import annotations

from dataclasses import replace

from assay.checks.code.names import words
from assay.checks.code.scopes import Shuffle, Site, divided
from assay.checks.code.values import Part, Rows, Value, together
from assay.checks.code.vocabulary import CROSS_VALIDATES, SHUFFLES, SPLITTERS

_SPLITTER_WORDS = frozenset({"kf", "skf", "cv", "fold", "folds", "kfold", "splitter", "gkf", "tscv",
                             "sss", "gss", "rskf", "ss", "split"})  # fmt: skip


def called(site: Site) -> Value | None:
    """What a call that divides returns; None if it does not divide."""
    if site.name == "train_test_split":
        if site.receiver is not None and site.receiver.rows:
            return _dataset_parts(site, site.receiver)
        return _parts(site)
    if site.name in ("random_split", "randomSplit"):
        return _random_split(site)
    if site.name == "split" and site.receiver is not None and site.arguments:
        return _folds(site, site.receiver)
    if site.name in CROSS_VALIDATES and len(site.arguments) > 1:
        return _cross_validated(site)
    return None


def _parts(site: Site) -> Value:
    split = site.trace.split()
    if site.option("shuffle") is not False:
        _note_shuffle(site, together(*site.arguments), asked=site.option("shuffle") is True)
    items: list[Value] = []
    for position in range(len(site.arguments)):
        array = site.held(position)
        array = replace(array, target=array.target or position == 1)
        held = Part.TEST
        if array.parts == {Part.TRAIN} and any(rows.split != 0 for rows in array.rows):
            held = Part.VALIDATION
        items += [
            site.trace.settle(divided(array, part, split), site.node) for part in (Part.TRAIN, held)
        ]
    return Value(items=tuple(items))


def _dataset_parts(site: Site, whole: Value) -> Value:
    split = site.trace.split()
    held = Part.VALIDATION if whole.parts == {Part.TRAIN} else Part.TEST
    entries = {
        "train": divided(whole, Part.TRAIN, split),
        "test": divided(whole, held, split),
    }
    for part in entries.values():
        site.trace.settle(part, site.node)
    return Value(entries=entries)


def _random_split(site: Site) -> Value:
    whole = site.receiver if site.name == "randomSplit" else site.first
    if whole is None:
        return Value()
    if not whole.rows:
        whole = replace(whole, rows=frozenset({Rows(site.trace.table())}))
    lengths = site.arguments[-1].items if site.arguments else None
    split = site.trace.split()
    parts = [Part.TRAIN, Part.VALIDATION, Part.TEST] if lengths and len(lengths) == 3 else [
        Part.TRAIN, Part.VALIDATION if whole.parts == {Part.TRAIN} else Part.TEST]  # fmt: skip
    items = tuple(site.trace.settle(divided(whole, part, split), site.node) for part in parts)
    return Value(items=items)


def _folds(site: Site, splitter: Value) -> Value | None:
    kind = splitter.made_by.rpartition(".")[2]
    hinted = bool(_SPLITTER_WORDS & set(words(site.receiver_name or "")))
    if kind not in SPLITTERS and not (hinted and site.first.rows and not splitter.rows):
        return None
    split = site.trace.split()
    whole = together(*site.arguments[:1])
    if kind in SHUFFLES or _shuffles(splitter):
        _note_shuffle(site, whole, asked=True)
    site.trace.settle(divided(site.first, Part.TEST, split, folds=True), site.node)
    train, test = (Value(index=(part, split), folds=True) for part in (Part.TRAIN, Part.TEST))
    return Value(items=(Value(items=(train, test)),), made_by="folds")


def _shuffles(splitter: Value) -> bool:
    asked = splitter.options.get("shuffle")
    return asked is not None and asked.constant is True


def _cross_validated(site: Site) -> Value:
    rows = site.arguments[1]
    divide(site, rows)
    splitter = site.options.get("cv")
    if splitter is not None and (
        splitter.made_by.rpartition(".")[2] in SHUFFLES or _shuffles(splitter)
    ):
        _note_shuffle(site, together(*site.arguments[1:3]), asked=True)
    score = site.trace.measured(site.node, rows.rows, site.arguments[0].model, folds=True)
    return Value(scores=frozenset({score}))


def divide(site: Site, whole: Value) -> None:
    """Note what must not be known where a call divides rows by itself."""
    split = site.trace.split()
    site.trace.settle(divided(whole, Part.TEST, split, folds=True), site.node)


def _note_shuffle(site: Site, whole: Value, *, asked: bool) -> None:
    if whole.times:
        site.trace.shuffles.append(Shuffle(site.node, whole.times, asked))
