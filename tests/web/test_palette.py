"""The colours: readable on their grounds, and apart for every kind of colour vision."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

CSS = Path(__file__).parents[2] / "src/pusula/web/static/web/css/app.css"
THEMES = ("light", "dark")
CATEGORIES = ("c1", "c2", "c3", "c4", "c5", "c6")
# What stands on what: text on grounds needs 4.5, signs and borders of controls 3 (WCAG 2.2 AA).
TEXT = [
    *((ink, ground) for ink in ("ink", "ink2", "ink3") for ground in ("bg", "surface", "inset")),
    *(("ink", "hover"), ("ink2", "hover"), ("ink3", "hover")),
    *(("accent", "surface"), ("accent", "bg"), ("on-accent", "accent")),
    *(("on-accent", "accent-strong"), ("on-soft", "soft"), ("ink", "soft")),
    *(
        (tone, ground)
        for tone in ("red", "amber", "green")
        for ground in ("surface", f"{tone}-soft")
    ),
    ("bg", "ink"),  # toasts
]
SIGNS = [*((name, "surface") for name in CATEGORIES), ("control", "surface"), ("accent", "bg")]
# Shares of a category mixed into the card's ground in app.css, each with text on it.
MIXES = [
    *(("c1", share) for share in (0.07, 0.16, 0.26, 0.36, 0.46)),
    *(("c2", 0.26), ("c3", 0.20), ("c4", 0.26), ("c5", 0.22), ("c6", 0.22), ("ink3", 0.24)),
]
# Machado, Oliveira, Fernandes (2009), severity 1, on linear sRGB.
VISIONS = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = _TO_XYZ.sum(axis=1)


def tokens(theme: str) -> dict[str, np.ndarray]:
    """Return the colour tokens as linear sRGB."""
    pairs = re.findall(
        r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", CSS.read_text(encoding="utf-8")
    )
    at = THEMES.index(theme) + 1
    return {pair[0]: linear(rgb(pair[at])) for pair in pairs}


def rgb(code: str) -> np.ndarray:
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(colour: np.ndarray) -> np.ndarray:
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def encoded(colour: np.ndarray) -> np.ndarray:
    return np.where(colour <= 0.0031308, colour * 12.92, 1.055 * colour ** (1 / 2.4) - 0.055)


def contrast(a: np.ndarray, b: np.ndarray) -> float:
    """Return the contrast ratio of WCAG 2."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    high, low = sorted((float(a @ weights), float(b @ weights)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(colour: np.ndarray) -> np.ndarray:
    x, y, z = (
        np.cbrt(t) if t > 0.008856 else 7.787 * t + 16 / 116 for t in _TO_XYZ @ colour / _WHITE
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def seen(colour: np.ndarray, vision: str) -> np.ndarray:
    return np.clip(VISIONS[vision] @ colour, 0, 1)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(theme, ink, ground):
    colours = tokens(theme)
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("sign", "ground"), SIGNS)
def test_signs_and_borders_of_controls_can_be_seen(theme, sign, ground):
    colours = tokens(theme)
    assert contrast(colours[sign], colours[ground]) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("tone", "share"), MIXES)
def test_text_on_shaded_tiles_can_be_read(theme, tone, share):
    colours = tokens(theme)
    # color-mix(in srgb) mixes the encoded values
    mixed = linear(share * encoded(colours[tone]) + (1 - share) * encoded(colours["surface"]))
    assert contrast(colours["ink"], mixed) >= 4.5
    if share < 0.3:
        assert contrast(colours["ink2"], mixed) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", VISIONS)
def test_categories_are_apart_for_every_kind_of_colour_vision(theme, vision):
    colours = tokens(theme)
    found = {name: lab(seen(colours[name], vision)) for name in CATEGORIES}
    distances = {
        (a, b): float(np.linalg.norm(found[a] - found[b])) for a, b in combinations(CATEGORIES, 2)
    }
    nearest = min(distances, key=distances.get)
    assert distances[nearest] >= 20, nearest


def test_colours_stand_in_the_tokens_alone():
    css = CSS.read_text(encoding="utf-8")
    _head, _, rest = css.partition("@layer base {")
    codes = set(re.findall(r"#[0-9a-f]{3,8}\b", rest))
    # What lies over or under everything in both themes, and the paper of a mail.
    assert codes <= {"#0b121a80", "#0002", "#ffffff"}
