"""Marks: what stands in a text because of where it comes from, rather than of what it says.

Whole lines (of a text in one line, its sentences), headers by their name and by the first word of
their value, words that are written as no word of a sentence is ('(Reuters)', 'list@host'), and the
names of classes. Case and white space do not matter. Plain words are no marks: they are what texts
are made of, however much they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass

HEAD_LETTERS = 4000
TAIL_LETTERS = 1000
SHORTEST_LINE = 5
LONGEST_LINE = 200
FEWEST_LETTERS = 3
_SENTENCES = re.compile(r"(?<=[.!?])\s+")
_HEADER = re.compile(r"([^\W\d_][\w-]*(?: [\w-]+){0,2}:)(?!//)(?: (\S+))?")
_ODD = re.compile(r"[^\W_]\S*[@=<>{}|\\_#]\S|^[\[(<{].*[\])>}]$|^[#@]\w|^\S+:$|://")
_LETTERS = re.compile(r"[^\W\d_]")
_WORDS = re.compile(r"\w+")


KINDS = ("line", "header and value", "header", "word", "name of a class")
"""The more a mark says of where a text comes from, the earlier its kind."""


@dataclass(frozen=True, order=True)
class Mark:
    """Something that a text has or has not.

    Attributes:
        kind: One of KINDS.
        value: What stands there, in lower case, with one blank for any white space.
    """

    kind: str
    value: str

    @property
    def pattern(self) -> str:
        """A regular expression that matches it, under the flags i and m; of a header its line."""
        if self.kind == "name of a class":
            return r"\b" + r"\W+".join(self.value.split()) + r"\b"
        words = r"\s+".join(map(re.escape, self.value.split()))
        if self.kind.startswith("header"):
            return rf"^[ \t]*{words}.*$"
        return rf"(?<!\S){words}" if self.kind == "word" else words


def class_name(label: object) -> str:
    r"""A class as a text would name it, empty if it is no word.

    >>> class_name("Take-off run"), class_name(1)
    ('take off run', '')
    """
    words = " ".join(_WORDS.findall(str(label).casefold().replace("_", " ")))
    return words if len(_LETTERS.findall(words)) >= FEWEST_LETTERS else ""


def marks(text: str, names: Set[str] = frozenset()) -> set[Mark]:
    r"""The marks of a text; of a very long one, those of its beginning and its end.

    Args:
        text: The text.
        names: What `class_name` makes of the classes.

    >>> sorted(mark.value for mark in marks("Lines: 12\nWrite  to me@home"))
    ['lines:', 'lines:', 'lines: 12', 'lines: 12', 'me@home', 'write to me@home']
    """
    if len(text) > HEAD_LETTERS + TAIL_LETTERS:
        text = f"{text[:HEAD_LETTERS]}\n{text[-TAIL_LETTERS:]}"
    text = text.casefold()
    found: set[Mark] = set()
    for line in _lines(text):
        if SHORTEST_LINE <= len(line) <= LONGEST_LINE and _LETTERS.search(line):
            found.add(Mark("line", line))
        header = _HEADER.match(line) if ":" in line else None
        if header:
            found.add(Mark("header", header[1]))
            if header[2]:
                found.add(Mark("header and value", header[0]))
    words = {word for word in set(text.split()) if not word.isalnum() and _ODD.search(word)}
    trimmed = {word.rstrip(".,;!?") for word in words}
    found |= {
        Mark("word", word) for word in trimmed if len(_LETTERS.findall(word)) >= FEWEST_LETTERS
    }
    if names:
        plain = f" {' '.join(_WORDS.findall(text.replace('_', ' ')))} "
        found |= {Mark("name of a class", name) for name in names if f" {name} " in plain}
    return found


def pattern(some: Iterable[Mark]) -> str:
    """One regular expression for all of them, with its flags."""
    return "(?im)" + "|".join(mark.pattern for mark in some)


def _lines(text: str) -> Iterable[str]:
    """Lines without the white space around them and with one blank for that within."""
    lines = text.strip().splitlines()
    return (
        " ".join(each.split()) for each in (lines if len(lines) > 1 else _SENTENCES.split(text))
    )
