"""What templates write with: icons, numbers, bars, charts, notes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import lru_cache

import lucide.jinja
from django import template
from django.conf import settings
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from pusula.content import complaints
from pusula.lib import sayings
from pusula.lib.sayings import Saying
from pusula.privacy import sentences
from pusula.web import card, formats
from pusula.web.charts.figure import Figure
from pusula.web.charts.heat import Heat
from pusula.web.charts.svg import tag

register = template.Library()

_CODE = re.compile("`([^`]+)`")

_NOTE_ICONS = {
    "": "info",
    "good": "circle-check",
    "warn": "triangle-alert",
    "bad": "circle-alert",
}
TONES = _NOTE_ICONS.keys()


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: int = 16) -> SafeString:
    """Return the lucide icon ``name``; it is decoration, the words beside it speak."""
    svg: str = lucide.jinja.lucide(str(name), size=size, aria_hidden="true")
    return mark_safe(svg)  # noqa: S308 - the package's own drawing


@register.filter
def actor(name: str) -> str:
    """Return who did something in words."""
    return sentences.actor(name)


@register.simple_tag
def bar(share: float, tone: str = "c1") -> SafeString:
    """Return a thin bar filled to ``share`` (0 … 1); the figures beside it speak."""
    filled = max(0.0, min(1.0, share)) * 100
    return tag(
        "svg",
        tag("rect", class_="bar__bg", width=100, height=4),
        tag("rect", class_="bar__fg", width=filled, height=4),
        class_=f"bar bar--{tone}",
        viewBox="0 0 100 4",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


@register.inclusion_tag("web/parts/figure.html")
def figure(chart: Figure) -> dict[str, object]:
    """Draw a chart with its cursor and its table."""
    return {"chart": chart}


@register.inclusion_tag("web/parts/heat.html")
def heat(grid: Heat) -> dict[str, object]:
    """Draw a shaded grid."""
    return {"grid": grid}


@register.simple_block_tag
def note(content: str, tone: str = "", icon_name: str = "") -> SafeString:
    """Put a boxed remark: ``{% note "warn" %}…{% endnote %}``; tones are good, warn, bad."""
    return format_html(
        '<div class="note{}">{}<div>{}</div></div>',
        f" note--{tone}" if tone else "",
        icon(icon_name or _NOTE_ICONS[tone]),
        content,
    )


@register.simple_block_tag
def scroller(content: str, label: str) -> SafeString:
    """Frame a table that may be wider than the page: it scrolls by itself, by keyboard too."""
    return format_html(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}">{}</div>', label, content
    )


@register.simple_block_tag
def empty(content: str, icon_name: str, title: str) -> SafeString:
    """Say that there is nothing, what that means, and what to do next."""
    return format_html(
        '<div class="empty">{}<b>{}</b>{}</div>', icon(icon_name, 20), title, content
    )


@register.filter
def number(value: float | None, digits: int = 0) -> str:
    """Show a number; nothing as a dash."""
    return formats.NOTHING if value is None else formats.number(value, digits)


@register.filter
def percent(share: float | None, digits: int = 1) -> str:
    """Show a share as a percentage; nothing as a dash."""
    return formats.NOTHING if share is None else formats.percent(share, digits)


@register.filter
def amount(minor: int | None, currency: str = "") -> str:
    """Show minor units as money of ``currency``, the company's own unless it is given."""
    if minor is None:
        return formats.NOTHING
    return formats.amount(minor, currency or settings.PUSULA.currency)


@register.filter
def short(value: float | None) -> str:
    """Show a number in its short form; nothing as a dash."""
    return formats.NOTHING if value is None else formats.short(value)


@register.filter
def short_amount(minor: int | None, currency: str = "") -> str:
    """Show minor units as money in its short form."""
    if minor is None:
        return formats.NOTHING
    return formats.short_amount(minor, currency or settings.PUSULA.currency)


@register.filter
def day(value: dt.date | None) -> str:
    """Show a day; nothing as a dash."""
    return formats.NOTHING if value is None else formats.day(value)


@register.filter
def relative_day(value: dt.date | None) -> str:
    """Show how many days ago (or from now) a day is; nothing as a dash."""
    return formats.NOTHING if value is None else formats.relative_day(value)


@register.filter
def moment(at: int | None) -> str:
    """Show a moment; nothing as a dash."""
    return formats.NOTHING if at is None else formats.moment(at)


@register.filter
def clock_time(at: int) -> str:
    """Return the time of day of a moment, where its day is said beside it."""
    return formats.time_of_day(at)


@register.filter
def moment_day(at: int | None) -> str:
    """Show the day of a moment; nothing as a dash."""
    return formats.NOTHING if at is None else formats.moment_day(at, long=True)


@register.filter
def ago(at: int | None) -> str:
    """Show how long ago a moment was; nothing as a dash."""
    return formats.NOTHING if at is None else formats.ago(at)


@register.filter
def lasting(seconds: int | None) -> str:
    """Show a length of time; nothing as a dash."""
    return formats.NOTHING if seconds is None else formats.lasting(seconds)


@register.filter
def iso(at: int) -> str:
    """Return a moment for the ``datetime`` attribute of ``<time>``."""
    return formats.iso(at)


@register.filter
def change(share: float | None) -> str:
    """Show growth with its sign: ``+%4,7``; nothing as a dash."""
    if share is None:
        return formats.NOTHING
    return ("+" if share > 0 else "") + formats.percent(share)


@register.filter
def share_of(part: int, whole: int) -> float:
    """Return ``part / whole``; 0 of nothing."""
    return part / whole if whole else 0.0


@register.filter
def permission_words(status: str) -> str:
    """Say what a consent's status means."""
    return card.permission_words(status)


@register.filter
def reason(stored: Saying | str) -> str:
    """Say why something that came in was not taken over, in the language of the page."""
    kept = sayings.found(stored) if isinstance(stored, str) else stored
    if isinstance(kept, str):
        kept = complaints.known(kept)
    return str(sayings.said(kept, gettext))


@register.filter
def unbroken(sentence: str) -> str:
    """Keep together what is one value: ``p < 0,001`` and ``1,5–2,8`` stand on one line."""
    together = re.sub(r" ([<=]) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", sentence)
    return re.sub(r"(?<=\d)–(?=\S)", "–\N{WORD JOINER}", together)


@register.filter
def with_code(sentence: str) -> SafeString:
    """Set what stands between backticks as code: what is typed on a command line or in a file."""
    return mark_safe(_CODE.sub(r"<code>\1</code>", conditional_escape(sentence)))  # noqa: S308


@register.filter
def initials(name: str) -> str:
    """Return the first letters of a name's first and last word."""
    words = name.split()
    return "".join(word[0] for word in (words[0], words[-1])[: len(words)]) if words else "?"


@register.filter
def at(values: Mapping[str, object] | None, key: str) -> object:
    """Return what ``values`` has under ``key``; nothing where it has not."""
    return values.get(key) if values else None


@register.simple_tag
def strong(value: str) -> SafeString:
    """Return ``value`` in bold, to be put into a sentence."""
    return format_html("<b>{}</b>", value)
