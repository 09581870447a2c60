"""Charts of reports as PNG for mails, drawn here: nothing is loaded from anywhere."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import vl_convert

VERSION = "5.20"  # of Vega-Lite: what the drawings were made with
WIDTH = 560
_SCALE = 2  # screens of phones have that many dots
_INK, _MUTED, _LINE, _BAR, _GROUND = "#15202b", "#5c6875", "#e2e6ea", "#0b6b74", "#ffffff"
_TICKS = 4
_MOST_LABELS = 8
_LONGEST = 34
Form = Callable[[float], str]


def columns(labels: Sequence[str], values: Sequence[float], form: Form) -> bytes:
    """Return upright bars as PNG; ``form`` says what stands at the axis."""
    ticks = _ticks(max(values, default=0.0))
    every = max(1, math.ceil(len(labels) / _MOST_LABELS))
    shown = {str(i): label for i, label in enumerate(labels) if i % every == 0}
    axis = {"values": list(map(int, shown)), "labelExpr": _lookup(shown), "labelAngle": 0}
    rows = [{"i": i, "v": value} for i, value in enumerate(values)]
    return _drawn(
        {
            "height": 170,
            "data": {"values": rows},
            "mark": {"type": "bar", "color": _BAR, "cornerRadiusEnd": 2},
            "encoding": {
                "x": {"field": "i", "type": "ordinal", "title": None, "axis": axis},
                "y": {
                    "field": "v",
                    "type": "quantitative",
                    "title": None,
                    "scale": {"domain": [min(0.0, *values, 0.0), ticks[-1]]},
                    "axis": {
                        "values": ticks,
                        "labelExpr": _lookup({_number(t): form(t) for t in ticks}),
                    },
                },
            },
        }
    )


def bars(labels: Sequence[str], values: Sequence[float], form: Form) -> bytes:
    """Return lying bars as PNG, each with its name before it and its amount behind it."""
    rows = [
        {"i": i, "name": label, "v": value, "said": form(value)}
        for i, (label, value) in enumerate(zip(map(_short, labels), values, strict=True))
    ]
    names = {str(row["i"]): str(row["name"]) for row in rows}
    y = {
        "field": "i",
        "type": "ordinal",
        "title": None,
        "axis": {"labelExpr": _lookup(names), "labelLimit": 260, "labelFontSize": 12},
    }
    x = {"field": "v", "type": "quantitative", "title": None, "axis": None}
    return _drawn(
        {
            "height": {"step": 26},
            "data": {"values": rows},
            "encoding": {"x": x, "y": y},
            "layer": [
                {"mark": {"type": "bar", "color": _BAR, "cornerRadiusEnd": 2, "height": 14}},
                {
                    "mark": {"type": "text", "align": "left", "dx": 6, "color": _INK},
                    "encoding": {"text": {"field": "said"}},
                },
            ],
        }
    )


def _drawn(spec: dict[str, Any]) -> bytes:
    config = {
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {
            "labelColor": _MUTED, "gridColor": _LINE, "domainColor": _LINE, "ticks": False,
            "labelFontSize": 11, "labelPadding": 6,
        },
        "axisX": {"grid": False},
        "text": {"fontSize": 12},
    }  # fmt: skip
    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH,
        "background": _GROUND,
        "padding": 8,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": config,
        **spec,
    }
    image: bytes = vl_convert.vegalite_to_png(
        whole, vl_version=VERSION, scale=_SCALE, allowed_base_urls=[]
    )
    return image


def _ticks(highest: float) -> list[float]:
    """Return round values from 0 up to ``highest`` or a little above."""
    if highest <= 0:
        return [0.0, 1.0]
    raw = highest / _TICKS
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(n * size for n in (1, 2, 2.5, 5, 10) if n * size >= raw)
    return [step * i for i in range(math.ceil(highest / step - 1e-9) + 1)]


def _lookup(words: dict[str, str]) -> str:
    """Return an expression of Vega that says by what words a value is shown."""
    return f"{json.dumps(words, ensure_ascii=False)}[datum.value] || ''"


def _number(value: float) -> str:
    """Return a number as Vega writes it for a key."""
    return str(int(value)) if value == int(value) else repr(value)


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1].rstrip() + "…"
