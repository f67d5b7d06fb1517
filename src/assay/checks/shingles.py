"""Texts as sets of word shingles, and the near ones among many without comparing every pair.

The shingles of a text are its runs of three words, whatever their case and the white space between
them; two texts are as alike as these sets: |A and B| / |A or B| (Jaccard). A sketch keeps the
smallest hash of a shingle in each of 126 bins, and two sketches agree in a bin about as often as
the sets are alike (MinHash, Broder 1997; with one hash for all bins, Shrivastava 2017). Texts that
agree in a whole band of bins are candidates, all others are never compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.data.fingerprint import Hashes, hash_bytes, mixed
from assay.predictions import Floats

Whole = NDArray[np.int64]
Small = NDArray[np.uint32]
WORDS = 3
BANDS = 21
BINS_PER_BAND = 6
BINS = BANDS * BINS_PER_BAND
MOST_PER_BAND = 12
SHORTFALL = 0.15
"""By how much sketches may agree less often than the texts are alike: four standard errors."""
_PIECE = 500_000
_BLANK = 32
_FACTOR = 0x9E3779B97F4A7C15
_NOTHING = np.uint32(2**32 - 1)


@dataclass(frozen=True)
class Sketches:
    """What is kept of texts to find near ones.

    Attributes:
        whole: Hash of each text, case and white space aside, uint64, shape (n,).
        words: Number of words of each, int64, shape (n,).
        bins: Smallest hash of a shingle by bin, uint32, shape (n, BINS).
    """

    whole: Hashes
    words: Whole
    bins: Small

    def take(self, index: Whole) -> Sketches:
        """Those of the texts at these positions."""
        return Sketches(self.whole[index], self.words[index], self.bins[index])


@dataclass(frozen=True)
class _Piece:
    """Some texts: hash and number of words of each, and text and hash of every shingle."""

    whole: Hashes
    words: Whole
    text: Whole
    shingles: Hashes


def normal(text: str) -> str:
    r"""A text without case, and with one blank for any white space.

    >>> normal("  Dear Sir,\n\tGOOD news ")
    'dear sir, good news'
    """
    return " ".join(text.casefold().split())


def shingle_sets(texts: Sequence[str]) -> list[Hashes]:
    """The distinct hashes of the shingles of each text, sorted; none of fewer than three words."""
    sets = []
    for piece in _pieces(texts):
        ends = np.searchsorted(piece.text, np.arange(len(piece.words)), side="right")
        sets += [np.unique(each) for each in np.split(piece.shingles, ends[:-1])]
    return sets


def likeness(one: Hashes, other: Hashes) -> float:
    """Share of the shingles of two texts that both have, of those that either has.

    >>> one, other = shingle_sets(["a b c d e", "A b  c d f"])
    >>> likeness(one, other)
    0.5
    """
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / max(1, len(one) + len(other) - both)


def sketched(texts: Sequence[str]) -> Sketches:
    """Sketches of texts, in one pass over their bytes."""
    pieces = [(each.whole, each.words, _smallest(each)) for each in _pieces([*texts, ""])]
    whole, words, bins = (np.concatenate(each)[: len(texts)] for each in zip(*pieces, strict=True))
    return Sketches(whole, words, _filled(bins))


def equal_pairs(one: Hashes, other: Hashes, most: int) -> tuple[Whole, Whole]:
    """Positions of hashes that are equal in two collections, at most so many for each of the first.

    >>> equal_pairs(np.array([7, 8], np.uint64), np.array([8, 9, 8, 8], np.uint64), most=2)
    (array([1, 1]), array([0, 2]))
    """
    order = np.argsort(other, kind="stable")
    low = np.searchsorted(other[order], one, side="left")
    high = np.searchsorted(other[order], one, side="right")
    first, second = [], []
    for step in range(most):
        more = np.flatnonzero(low + step < high)
        first.append(more)
        second.append(order[low[more] + step])
    return np.concatenate(first), np.concatenate(second)


def candidates(one: Sketches, other: Sketches, least: float) -> tuple[Whole, Whole, Floats]:
    """Pairs of texts of two collections that may be alike.

    Of the many texts that share a band with one, a few are taken from each band.

    Args:
        one: Sketches of n texts.
        other: Sketches of m texts.
        least: The likeness that is looked for.

    Returns:
        Positions in the first and in the second, and the share of bins that agree, each of shape
        (pairs,), in the order of the first; the pairs that agree most come before.
    """
    n, m = len(one.words), len(other.words)
    if n == 0 or m == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    found = []
    for band in range(BANDS):
        i, j = equal_pairs(_band(one, band), _band(other, band), MOST_PER_BAND)
        found.append(i * m + j)
    pairs = np.unique(np.concatenate(found))
    first, second = pairs // m, pairs % m
    agree = np.empty(len(pairs))
    step = _PIECE // BINS
    for at in range(0, len(pairs), step):
        some = slice(at, at + step)
        mine, theirs = one.bins[first[some]], other.bins[second[some]]
        agree[some] = (mine == theirs).mean(axis=1)
    likely = np.flatnonzero(agree >= least - SHORTFALL)
    likely = likely[np.lexsort((second[likely], -agree[likely], first[likely]))]
    return first[likely], second[likely], agree[likely]


def _pieces(texts: Sequence[str]) -> Iterator[_Piece]:
    held: list[bytes] = []
    size = 0
    for text in texts:
        held.append(normal(text).encode("utf-8", "replace"))
        size += len(held[-1])
        if size >= _PIECE:
            yield _piece(held)
            held, size = [], 0
    if held:
        yield _piece(held)


def _piece(texts: Sequence[bytes]) -> _Piece:
    """A shingle's hash is a difference of two running sums over all bytes, moved to one place."""
    blob = np.frombuffer(b" ".join([*texts, b""]), dtype=np.uint8)
    factors = np.full(len(blob) + 1, _FACTOR, dtype=np.uint64)
    factors[0] = 1
    sums = np.zeros(len(blob) + 1, dtype=np.uint64)
    np.cumsum(blob * np.multiply.accumulate(factors)[:-1], out=sums[1:])
    factors[1:] = pow(_FACTOR, -1, 2**64)
    back = np.multiply.accumulate(factors)
    blanks = np.flatnonzero(blob == _BLANK)
    stops = np.cumsum([len(text) + 1 for text in texts])
    starts = np.concatenate([[0], blanks[:-1] + 1])
    text = np.repeat(np.arange(len(texts)), np.diff(np.searchsorted(blanks, stops), prepend=0))
    are_words = starts < blanks
    starts, stops, text = starts[are_words], blanks[are_words], text[are_words]
    is_whole = np.flatnonzero(text[: -WORDS + 1] == text[WORDS - 1 :])
    begin, end = starts[is_whole], stops[is_whole + WORDS - 1]
    return _Piece(
        whole=np.array([hash_bytes(each) for each in texts], dtype=np.uint64),
        words=np.bincount(text, minlength=len(texts)),
        text=text[is_whole],
        shingles=mixed((sums[end] - sums[begin]) * back[begin]),
    )


def _smallest(piece: _Piece) -> Small:
    """Smallest hash by bin, uint32, shape (texts, BINS)."""
    bins = np.full(len(piece.words) * BINS, _NOTHING)
    high, low = piece.shingles >> np.uint64(32), piece.shingles.astype(np.uint32)
    at = ((high * np.uint64(BINS)) >> np.uint64(32)).astype(np.int64)
    np.minimum.at(bins, piece.text * BINS + at, low)
    return bins.reshape(-1, BINS)


def _filled(bins: Small) -> Small:
    """Empty bins take over another's number, by an order that each bin has for all texts alike."""
    random = np.random.default_rng(0)
    orders = np.array(
        [[own, *random.permutation(np.delete(np.arange(BINS), own))] for own in range(BINS)]
    )
    ranks = np.argsort(orders, axis=1).T.astype(np.uint8)
    filled = bins.copy()
    has_any = np.flatnonzero((bins != _NOTHING).any(axis=1))
    for at in range(0, len(has_any), _PIECE // BINS**2):
        rows = has_any[at : at + _PIECE // BINS**2]
        text, full = np.nonzero(bins[rows] != _NOTHING)
        first = np.searchsorted(text, np.arange(len(rows)))
        nearest = np.minimum.reduceat(ranks[full], first, axis=0)
        filled[rows] = np.take_along_axis(bins[rows], orders[np.arange(BINS), nearest], axis=1)
    return filled


def _band(sketches: Sketches, band: int) -> Hashes:
    """One number for the bins of a band, shape (n,)."""
    key = np.full(len(sketches.words), np.uint64(band))
    for column in range(band * BINS_PER_BAND, (band + 1) * BINS_PER_BAND):
        key = mixed(key ^ sketches.bins[:, column])
    return key
