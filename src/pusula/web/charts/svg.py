"""SVG as text: an element is a function call, its numbers are short, its words are escaped."""

from __future__ import annotations

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

Value = str | float | None


def tag(name: str, *children: str, **attributes: Value) -> SafeString:
    """Return an element. ``class_`` means class, ``text_anchor`` text-anchor; ``None`` is left out.

    Children that are not marked safe are escaped.
    """
    named = "".join(
        f' {_attribute_name(key)}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    body = "".join(conditional_escape(child) for child in children)
    return mark_safe(f"<{name}{named}>{body}</{name}>" if body else f"<{name}{named}/>")  # noqa: S308 - escaped above


def coordinate(value: float) -> str:
    """Return a number with at most one decimal: ``12``, ``12.5``."""
    return f"{value:.1f}".removesuffix(".0")


def path(points: list[tuple[float, float]]) -> str:
    """Return the path data of straight lines through ``points``."""
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)


def drawing(width: int, height: float, *children: str, label: str, **more: str) -> SafeString:
    """Return the ``svg`` of a chart drawn ``width`` wide; ``label`` is what listeners hear."""
    more.setdefault("role", "img")
    return tag(
        "svg",
        *children,
        class_=f"draw--{width}",
        viewBox=f"0 0 {width} {coordinate(height)}",
        aria_label=label,
        **more,
    )


def clip(text: str, width: float, letter: float = 7.0) -> str:
    """Return ``text`` cut to about ``width`` pixels, ``letter`` being a letter's usual width."""
    fits = int(width / letter)
    return text if len(text) <= fits else text[: max(fits - 1, 0)].rstrip() + "…"


def _attribute_name(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")


def _value(value: str | float) -> str:
    return conditional_escape(value) if isinstance(value, str) else coordinate(value)
