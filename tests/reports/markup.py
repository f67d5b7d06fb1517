"""A strict reader of the pages: what is open must be closed, in order; what is seen is kept."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
_UNSEEN = {"style", "head"}


class Markup(HTMLParser):
    """One page, read.

    Attributes:
        tags: Every start tag with its attributes, in order.
        seen: The visible text, and the titles and descriptions of figures.
        headings: Heading levels in order.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self._open: list[str] = []
        self._seen: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    @property
    def seen(self) -> str:
        return " ".join(" ".join(self._seen).split())

    @property
    def ids(self) -> list[str]:
        return [each["id"] or "" for _, each in self.tags if "id" in each]

    def values(self, attribute: str) -> list[str]:
        """Every value of an attribute, in order."""
        return [each[attribute] or "" for _, each in self.tags if attribute in each]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice: {tag} {attrs}"
        self.tags.append((tag, dict(attrs)))
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append(int(tag[1]))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"closed, but not open: {tag}"
        assert self._open[-1] == tag, f"{tag} closed within {self._open}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if not _UNSEEN & set(self._open):
            self._seen.append(data)
