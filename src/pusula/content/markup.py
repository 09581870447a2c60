"""HTML with Liquid in it, read as text: finding links and images, making the plain-text part.

Liquid may stand anywhere and hold quotes and angle brackets, so its pieces are put aside behind
single placeholder characters first and put back last.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from html.parser import HTMLParser

from pusula.content.language import LINK_TAG

_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_FIRST_PLACE = 0xF0000  # a private plane: these characters stand in nobody's template
PLACE = re.compile("[\U000f0000-\U000ffffd]")
_ANCHOR = re.compile(r"<a\b[^<>]*>", re.IGNORECASE)
_HREF = re.compile(r"""((?<![\w-])href\s*=\s*)("[^"]*"|'[^']*'|[^\s"'<>]+)""", re.IGNORECASE)
_BODY = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_HIDDEN = re.compile(r"(?:^|;)\s*display\s*:\s*none", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f\v]+")

_EMPTY = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_SILENT = frozenset({"head", "style", "script", "title"})
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "table"})  # an empty line comes after them
_BLOCKS = _PARAGRAPHS | {
    "address", "article", "blockquote", "div", "footer", "h4", "h5", "h6", "header", "hr", "li",
    "main", "ol", "pre", "section", "tr", "ul",
}  # fmt: skip


class TooManyTagsError(ValueError):
    """More pieces of Liquid than there are placeholders; no real template has 65,000."""


@dataclass(frozen=True)
class Image:
    """An ``<img>`` of a template: the line (from 1) it stands on, and whether it has an alt."""

    line: int
    has_alt: bool


_OWN_PAGES = ("unsubscribe_url", "preferences_url")


def with_tracked_links(source: str, pixel: str) -> str:
    """Return ``source`` with every link target inside our link tag and ``pixel`` at its end.

    Links to the pages of unsubscribing and preferences stay as they are: those addresses must work
    in any case.
    """
    bare, pieces = put_aside(source)

    def tracked(match: re.Match[str]) -> str:
        before, value = match.groups()
        quote = value[0] if value[0] in "\"'" else ""
        target = value[1:-1] if quote else value
        if any(own in put_back(target, pieces) for own in _OWN_PAGES):
            return match.group()
        quote = quote or '"'
        return f"{before}{quote}{{% {LINK_TAG} %}}{target}{{% end{LINK_TAG} %}}{quote}"

    bare = _ANCHOR.sub(lambda anchor: _HREF.sub(tracked, anchor.group()), bare)
    ends = list(_BODY_END.finditer(bare))
    at = ends[-1].start() if ends else len(bare)
    return put_back(bare[:at] + pixel + bare[at:], pieces)


def with_opening(source: str, opening: str) -> str:
    """Return ``source`` with ``opening`` at the beginning of what is shown."""
    bare, pieces = put_aside(source)
    body = _BODY.search(bare)
    at = body.end() if body else 0
    return put_back(bare[:at], pieces) + opening + put_back(bare[at:], pieces)


def escaped(text: str) -> str:
    """Return plain text as HTML; its Liquid stays as it is."""
    bare, pieces = put_aside(text)
    return put_back(html.escape(bare, quote=False), pieces)


def plain_text(source: str) -> str:
    """Return the text part that says what ``source`` shows, its Liquid kept."""
    bare, pieces = put_aside(source)
    reader = _TextReader()
    reader.feed(bare)
    reader.close()
    lines = [_SPACES.sub(" ", line).strip() for line in "".join(reader.parts).split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    # An entity may have spelled Liquid's own brackets; in the text they are only characters.
    text = text.replace("{{", "{{ '{{' }}").replace("{%", "{{ '{%' }}")
    return put_back(text, pieces) + "\n" if text else ""


def images(source: str) -> list[Image]:
    """Return the images of ``source`` in order."""
    bare, _ = put_aside(source)
    reader = _ImageReader()
    reader.feed(bare)
    reader.close()
    return reader.images


def link_targets(source: str) -> list[str]:
    """Return where the links of HTML without Liquid lead; what stands in comments is no link."""
    reader = _LinkReader()
    reader.feed(source)
    reader.close()
    return reader.targets


class _TextReader(HTMLParser):
    """Collects what a reader would see; block elements begin and end lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._hidden: list[str] = []  # the tags that are open inside one that is not shown
        self._links: list[tuple[str, int]] = []  # target, where its label begins

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if self._hidden or _HIDDEN.search(given.get("style") or ""):
            if tag not in _EMPTY:
                self._hidden.append(tag)
        elif tag in _SILENT:
            self._silent += 1
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "a":
            self._links.append((given.get("href") or "", len(self.parts)))
        elif tag == "img":
            self.handle_data(f" {given.get('alt') or ''} ")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in {"td", "th"}:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                at = len(self._hidden) - 1 - self._hidden[::-1].index(tag)
                del self._hidden[at:]
        elif tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag in _BLOCKS:
            self.parts.append("\n\n" if tag in _PARAGRAPHS else "\n")

    def handle_data(self, data: str) -> None:
        if not (self._silent or self._hidden):
            # Line ends of the source mean nothing; those of Liquid pieces are inside placeholders.
            self.parts.append(_SPACES.sub(" ", data))

    def _end_link(self, target: str, start: int) -> None:
        label = "".join(self.parts[start:]).strip()
        shown = target.removeprefix("mailto:").removeprefix("tel:")
        if not target or target.startswith("#") or shown in label:
            return
        self.parts.append(f" ({target})" if label else target)


class _ImageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.images: list[Image] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(Image(self.getpos()[0], has_alt="alt" in dict(attrs)))


class _LinkReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets.append((dict(attrs).get("href") or "").strip())


def placed(n: int) -> str:
    """Return the character that stands for the piece of Liquid with the number ``n``."""
    return chr(_FIRST_PLACE + n)


def is_place(letter: str) -> bool:
    """Return whether a character stands for a piece of Liquid."""
    return PLACE.match(letter) is not None


def put_aside(source: str) -> tuple[str, list[str]]:
    """Return ``source`` with a single character for each piece of Liquid, and the pieces.

    Raises ``TooManyTagsError``.
    """
    pieces: list[str] = []

    def place(match: re.Match[str]) -> str:
        pieces.append(match.group())
        if len(pieces) > 0xFFFD:  # noqa: PLR2004 - the last character of the plane
            raise TooManyTagsError
        # The lines inside a piece still count.
        return placed(len(pieces) - 1) + "\n" * match.group().count("\n")

    return _LIQUID.sub(place, PLACE.sub("", source)), pieces


def put_back(bare: str, pieces: list[str]) -> str:
    """Return ``bare`` with its pieces of Liquid where their characters stand."""

    def piece(match: re.Match[str]) -> str:
        found = pieces[ord(match.group()[0]) - _FIRST_PLACE]
        return found + match.group()[1 + found.count("\n") :]

    return re.sub("[\U000f0000-\U000ffffd]\n*", piece, bare)
