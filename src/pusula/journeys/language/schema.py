"""What journeys may speak of besides what conditions may: templates, segments, pools of codes."""

from __future__ import annotations

from dataclasses import dataclass

from pusula.orders import machine
from pusula.segments.language.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Names:
    """What this installation has, by name (``None``: any name will do).

    ``templates`` are those of each channel.
    """

    schema: Schema
    templates: dict[str, tuple[str, ...]] | None = None
    segments: tuple[str, ...] | None = None
    pools: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a journey may be."""

    steps: int = 100
    depth: int = 6  # of steps within steps
    entries: int = 10
    ways: int = 10
    exits: int = 10


DEFAULT_LIMITS = Limits()
LANGUAGES = ("tr", "en", "de", "ru", "ar", "fr", "nl", "pl", "uk", "fa")
PLACED = "placed"
ORDER_CHANGES = (PLACED, *machine.STATES)
ORDER_DATES = ("starts_on", "ends_on", "ordered_at")
KEYED = ("profile", "order")
RULES = ("never", "always", "one_at_a_time", "restart")
CLASSES = ("commercial", "service")
OWN_HOUR = "own_hour"
