"""Two hotels of a company, their sources and keys, and time that stands where a test puts it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import time_machine

from pusula.lib import clock
from pusula.orders.models import Property
from pusula.pipeline import live
from pusula.sources import keys
from pusula.sources.models import KeyKind, Source

ISTANBUL = "Europe/Istanbul"


def moment(text: str) -> int:
    return clock.from_datetime(dt.datetime.fromisoformat(text), ISTANBUL)


def at(told: str | int):
    when = moment(told) if isinstance(told, str) else told
    return time_machine.travel(clock.to_datetime(when), tick=False)


def hotels() -> None:
    for code, region in (("Lodos Bodrum", "Bodrum"), ("Lodos Çeşme", "Çeşme")):
        Property.objects.create(code=code, region=region, time_zone=ISTANBUL, rollover_minutes=180)


def source(slug: str, kind: str, **settings: Any) -> Source:
    return Source.objects.create(
        slug=slug, title=slug.upper(), kind=kind, created_at=moment("2026-01-01"),
        settings=settings,
    )  # fmt: skip


def key_of(made: Source) -> str:
    return keys.issue(made, KeyKind.SERVER)[1]


def step(told: str | int) -> live.Stepped:
    """Let the live step take over all that waits."""
    when = moment(told) if isinstance(told, str) else told
    with at(when):
        return live.step(at=when)
