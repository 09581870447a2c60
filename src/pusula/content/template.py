"""A message's subject, text and HTML: prepared once, filled for each person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from markupsafe import escape

from pusula.content import language, markup, mjml, running
from pusula.content.language import Part, RenderError, TemplateError

_PIXEL = (
    '{% if pixel_url != blank %}<img src="{{ pixel_url }}" width="1" height="1" alt=""'
    ' style="display:none" />{% endif %}'
)
# Where a link leads that nobody sees, hears or reaches by keyboard, the first of each mail: whoever
# follows it follows all of them, and is no person. The name can belong to nobody (RFC 2606).
TRAP = "https://trap.invalid/"
_TRAP = (
    f'{{% if pixel_url != blank %}}<a href="{TRAP}" style="display:none" aria-hidden="true"'
    ' tabindex="-1"></a>{% endif %}'
)
# Behind it come blanks that keep mail programs from showing the beginning of the mail too.
_BLANKS = "&#847;&zwnj;&nbsp;" * 40
_PREHEADER = f'<div style="display:none;max-height:0;overflow:hidden">{{}}{_BLANKS}</div>'
# A line break in a subject would begin a header of its own.
_BREAKS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")

_EMPTY_LINES = re.compile(rb"\n(?:[ \t]*\n){2,}")


class Links(Protocol):
    """The addresses that lead from one message back to us."""

    @property
    def unsubscribe_url(self) -> str:
        """Where the person stops these messages."""

    @property
    def preferences_url(self) -> str:
        """Where the person chooses which messages to get."""

    @property
    def pixel_url(self) -> str:
        """The image that tells of an opening; empty for none."""

    def click(self, url: str) -> str:
        """Return the address that notes the click and leads on to ``url``."""

    def clicks(self, urls: tuple[str, ...]) -> tuple[bytes, Sequence[bytes]]:
        """Return as HTML what ``click`` does for web pages that a template names itself.

        First how all of these addresses begin, then how each goes on.
        """


@dataclass(frozen=True)
class InertLinks:
    """The links of previews and test mails: they lead where they say and change nothing."""

    unsubscribe_url: str
    pixel_url: str = ""
    preferences_url: str = ""

    def click(self, url: str) -> str:
        """Return ``url`` as it is."""
        return url

    def clicks(self, urls: tuple[str, ...]) -> tuple[bytes, Sequence[bytes]]:
        """Return ``urls`` as they are, as HTML."""
        return b"", [escape(url).encode() for url in urls]


@dataclass(frozen=True)
class Compiled:
    """A template parsed and ready to be filled; ``html`` is missing for text-only messages."""

    subject: Part
    text: Part
    html: Part | None
    uses_preferences: bool = True
    recommends: bool = False  # whether it says what to buy, which is asked for each person

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts there are."""
        return (self.subject, self.text, *([self.html] if self.html else []))


@dataclass(slots=True)
class Written:
    """What one person gets, in UTF-8; ``html`` is empty for text-only messages."""

    subject: str
    text: bytes
    html: bytes


@dataclass(frozen=True)
class Rendered:
    """What one person gets; ``html`` is empty for text-only messages."""

    subject: str
    text: str
    html: str


def compiled(subject: str, text: str, html_: str, *, is_interpreted: bool = False) -> Compiled:
    """Return the template ready for use, its links tracked, its text made from HTML if empty.

    ``html_`` may be MJML. One that ``is_interpreted`` is never made a function. Raises
    ``TemplateError``.
    """
    language.parse(html_, language.HTML)  # names the author's own lines, and refuses our tag
    try:
        html_ = mjml.html_of(html_)
        trapped = markup.with_opening(html_, _TRAP) if html_.strip() else html_
        tracked = markup.with_tracked_links(trapped, _PIXEL)
        text = text if text.strip() else markup.plain_text(html_)
    except markup.TooManyTagsError as error:
        raise TemplateError("more than 65,000 pieces of Liquid") from error
    return Compiled(
        subject=Part(subject, language.PLAIN, is_interpreted=is_interpreted),
        text=Part(text, language.PLAIN, is_interpreted=is_interpreted),
        html=(
            Part(tracked, language.TRACKED_HTML, is_interpreted=is_interpreted)
            if html_.strip()
            else None
        ),
        uses_preferences=any("preferences_url" in part for part in (subject, text, html_)),
        recommends=any("recommended" in part for part in (subject, text, html_)),
    )


def with_preheader(html_: str, preheader: str) -> str:
    """Return HTML or MJML with the line that an inbox shows behind the subject, itself hidden.

    ``preheader`` is Liquid; what stands beside it in HTML's own letters is spelled out. Lines keep
    their numbers. Without HTML there is no place for it.
    """
    if not (preheader.strip() and html_.strip()):
        return html_
    shown = markup.escaped(" ".join(preheader.split()))
    if mjml.is_mjml(html_):
        return mjml.with_preview(html_, shown)
    return markup.with_opening(html_, _PREHEADER.format(shown))


def render(template: Compiled, variables: Mapping[str, object], links: Links) -> Rendered:
    """Return ``template`` filled with ``variables`` and ``links``; raise as ``write``."""
    written = write(template, variables, links)
    return Rendered(written.subject, written.text.decode(), written.html.decode())


def write(template: Compiled, variables: Mapping[str, object], links: Links) -> Written:
    """Return ``template`` filled with ``variables`` and ``links``, as it is sent.

    Raises ``RenderError`` for values a filter cannot use, limits, and an empty subject or text.
    """
    given = _given(variables, links, template)
    subject = _BREAKS.sub(" ", template.subject.fill(given)).strip()
    if not subject:
        raise RenderError("the subject is empty for this person")
    # Conditions and loops that say nothing leave empty lines behind.
    text = _EMPTY_LINES.sub(b"\n\n", template.text.encoded(given))
    html_ = template.html.encoded(given) if template.html else b""
    if _is_blank(text) and _is_blank(html_):
        raise RenderError("the message is empty for this person")
    return Written(subject, text, html_)


def _is_blank(text: bytes) -> bool:
    """Return whether ``text`` says nothing; most begin with a letter or a tag."""
    return not (b" " < text[:1] < b"\x7f" or text.decode().strip())


def verified(template: Compiled, variables: Mapping[str, object], links: Links) -> bool:
    """Return whether the interpreter fills every part of ``template`` just as its function does.

    A part that it fills otherwise is the interpreter's from now on. Raises ``RenderError``.
    """
    given = _given(variables, links, template)
    found = [part.verify(given, part.fill(given)) for part in template.parts]
    return all(found)


def line(source: str, variables: Mapping[str, object]) -> str:
    """Return one line of plain text, as an inbox shows it; raise ``TemplateError``."""
    filled = language.run(language.parse(source, language.PLAIN), variables, is_lenient=True)
    return _BREAKS.sub(" ", filled).strip()


def rehearse(template: Compiled, links: Links) -> None:
    """Fill ``template`` with nothing at all; raise ``RenderError`` where it meets a limit."""
    for part in template.parts:
        language.run(part.template, _given({}, links, template), is_lenient=True)


def _given(variables: Mapping[str, object], links: Links, template: Compiled) -> dict[str, object]:
    given = language.given(variables)
    given["unsubscribe_url"] = links.unsubscribe_url
    given["preferences_url"] = links.preferences_url if template.uses_preferences else ""
    given["pixel_url"] = links.pixel_url
    given[running.LINKS] = links
    return given
