"""MJML with Liquid in it, made into the HTML that mail programs understand.

Liquid is put aside before MJML is read and put back behind it, so MJML neither sees nor changes it.
A plain word stands in its place: the library spells other characters out in attributes.
MJML can neither read files nor ask other servers here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import count

import mrml

from pusula.content import markup
from pusula.content.language import TemplateError

_BEGIN = re.compile(r"\s*(<!--.*?-->\s*)*<mjml[\s>]", re.DOTALL | re.IGNORECASE)
_ELEMENT = re.compile(r"<(mj-[a-z-]+|mjml)\b", re.IGNORECASE)
_ROOT = re.compile(r"<mjml\b[^<>]*>", re.IGNORECASE)
_HEAD = re.compile(r"<mj-head\b[^<>]*?(/?)>", re.IGNORECASE)
_PREVIEW = re.compile(r"<mj-preview\b", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_POSITION = re.compile(r" in root template(?: at position (\d+):\d+)?")
_ELEMENTS = frozenset(
    {
        "mjml", "mj-head", "mj-body", "mj-title", "mj-preview", "mj-style", "mj-font",
        "mj-attributes", "mj-all", "mj-class", "mj-breakpoint", "mj-section", "mj-column",
        "mj-group", "mj-wrapper", "mj-hero", "mj-text", "mj-button", "mj-image", "mj-table",
        "mj-divider", "mj-spacer", "mj-raw", "mj-social", "mj-social-element", "mj-navbar",
        "mj-navbar-link", "mj-accordion", "mj-accordion-element", "mj-accordion-title",
        "mj-accordion-text", "mj-carousel", "mj-carousel-image",
    }
)  # fmt: skip
_DEEPEST = 40
# Its own fonts would be fetched from their maker by everybody who opens the mail.
_OPTIONS = mrml.RenderOptions(fonts={})


def is_mjml(source: str) -> bool:
    """Return whether ``source`` is MJML and no HTML yet."""
    return _BEGIN.match(source) is not None


@lru_cache(maxsize=32)
def html_of(source: str) -> str:
    """Return the HTML with Liquid that ``source`` stands for; what is no MJML stays as it is.

    Raises ``TemplateError`` with the line.
    """
    if not is_mjml(source):
        return source
    bare, pieces = markup.put_aside(source)
    _refuse_unknown(bare)
    word = next(word for n in count() if (word := f"zliquid{n}z") not in bare)
    spelled = markup.PLACE.sub(lambda found: f"{word}{ord(found.group()):x}z", bare)
    try:
        loader = mrml.ParserOptions(include_loader=mrml.noop_loader())
        made = mrml.to_html(spelled, loader, _OPTIONS).content
    except OSError as error:
        raise TemplateError(*_told(str(error), spelled)) from error
    made = re.sub(f"{word}([0-9a-f]+)z", lambda found: chr(int(found.group(1), 16)), made)
    _refuse_loss(bare, made, pieces)
    return markup.put_back(made, pieces)


def with_preview(source: str, shown: str) -> str:
    """Return MJML whose inbox line is ``shown``, HTML with Liquid; its own comes first."""
    bare, pieces = markup.put_aside(source)
    if _PREVIEW.search(_COMMENT.sub("", bare)):
        return source
    opening = f"<mj-preview>{shown}</mj-preview>"
    place = _HEAD.search(bare)
    if place is None or place.group(1):
        opening = f"<mj-head>{opening}</mj-head>"
    start, end = place.span() if place else (0, 0)
    if place is None and (root := _ROOT.search(bare)):
        start = end = root.end()
    elif place and not place.group(1):
        start = end
    return markup.put_back(bare[:start], pieces) + opening + markup.put_back(bare[end:], pieces)


def _refuse_loss(bare: str, made: str, pieces: list[str]) -> None:
    """Say no where MJML has left out a piece of Liquid, as it does in odd places."""
    said = _COMMENT.sub("", bare)
    for n, piece in enumerate(pieces):
        place = markup.placed(n)
        if place in said and place not in made:
            line = bare.count("\n", 0, bare.index(place)) + 1
            raise TemplateError(f"MJML has no place for {piece[:60]} here: use mj-raw", line)


def _refuse_unknown(bare: str) -> None:
    """Say no to what the library would leave out without a word, or not survive."""
    bare = _COMMENT.sub(lambda found: "\n" * found.group().count("\n"), bare)
    for found in _ELEMENT.finditer(bare):
        if found.group(1).lower() not in _ELEMENTS:
            line = bare.count("\n", 0, found.start()) + 1
            raise TemplateError(f"<{found.group(1)}> is not known here", line)
    depth = deepest = 0
    for found in re.finditer(r"<(/?)(?:mj-[a-z-]+)\b[^<>]*?(/?)>", bare, re.IGNORECASE):
        depth += -1 if found.group(1) else 0 if found.group(2) else 1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise TemplateError("MJML is nested too deeply")


def _told(error: str, bare: str) -> tuple[str, int]:
    found = _POSITION.search(error)
    line = 0
    if found and found.group(1):
        before = bare.encode()[: int(found.group(1))]
        line = before.count(b"\n") + 1
    return f"MJML: {_POSITION.sub('', error)}", line
