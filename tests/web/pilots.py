"""Pilots of the made-up company: prepared, started, over."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from pusula.journeys.models import Enrollment, Journey
from pusula.lib import clock
from pusula.measurement.pilot import actions, definition, plan
from pusula.measurement.pilot.models import Pilot
from pusula.segments import queries as segments

_FIRST = clock.day_of(clock.now(), "Europe/Istanbul") + dt.timedelta(days=3)
TEXT = f"""\
pilot: yaz
title: {{tr: Yaz pilotu, en: Summer pilot}}
flavour: hotel
site: https://lodos.example
starts_on: {_FIRST}
days: 14
holdout: 40%
margin: 40%
costs: {{email: 0.10, fixed: 900}}
segments: [lapsing]
scenarios:
  - scenario: loyalty
    title: {{tr: Dönüş teklifi, en: An offer to come back}}
    audience: [lapsing]
    message:
      subject: {{tr: Yine bekleriz, en: Come back}}
      trust: {{tr: Sizi tanıyoruz., en: We know you.}}
      value: {{tr: Erken karar verene indirim., en: Less for those who decide early.}}
      proof: {{tr: Yarımız yeniden geldi., en: Half of us came back.}}
    button: {{text: {{tr: Tarih seçin, en: Choose dates}}, path: /rezervasyon}}
"""


def prepared(key: str = "yaz", title: str = "Yaz pilotu") -> Pilot:
    text = TEXT.replace("pilot: yaz", f"pilot: {key}").replace("Yaz pilotu", title)
    return actions.prepare(definition.parse(text, "pilot"), by="deniz", at=clock.now())


def n_people(one: Pilot) -> int:
    return sum(each.n_treated for each in plan.restored(one.expected))


def started(key: str = "yaz", title: str = "Yaz pilotu") -> Pilot:
    one = prepared(key, title)
    return actions.start(one, agreed_n=n_people(one), by="deniz", at=clock.now())


def over() -> Pilot:
    """Return one that ended yesterday, with its people in both arms."""
    return _begun(started(), ago=16)


def running() -> Pilot:
    """Return one that is in its sixth day."""
    return _begun(started("kis", "Kış pilotu"), ago=5)


def _begun(one: Pilot, *, ago: int) -> Pilot:
    told = dict(one.definition)
    first = clock.day_of(clock.now(), settings.PUSULA.time_zone) - dt.timedelta(days=ago)
    told["starts_on"] = first.isoformat()
    one.definition, one.digest = told, definition.digest(definition.restored(told))
    one.save()
    journey = Journey.objects.get(key=f"{one.key}-loyalty")
    segment = segments.by_key("lapsing")
    people = segments.member_ids(segment).tolist() if segment else []
    at = actions.begins_at(definition.restored(told))
    for n, profile_id in enumerate(people):
        Enrollment.objects.create(
            journey=journey, version=journey.version, profile_id=profile_id, entry="entry:0",
            entry_key="at:1", is_holdout=n % 3 == 0, entered_at=at, moved_at=at, finished_at=at + 1,
            state="finished", outcome="holdout" if n % 3 == 0 else "done",
        )  # fmt: skip
    return one


def another() -> Pilot:
    """Return one that is planned beside ``over``."""
    return prepared("guz", "Güz pilotu")
