"""A journey of the made-up company with people at every kind of step, and some who have left."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from tests.web import company as made_up

from pusula.campaigns.models import Template
from pusula.journeys import actions, versions
from pusula.journeys.course import Happening
from pusula.journeys.engine import Engine
from pusula.journeys.models import Enrollment, Journey, JourneyVersion
from pusula.lib import clock
from pusula.profiles.models import Profile
from pusula.segments import evaluate

TITLE = {"tr": "Yarım kalan rezervasyon", "en": "Abandoned booking"}
_SPENT = {"orders": {"count": {"at_least": 3}}}


def mail(step: str, *channels: str) -> dict[str, Any]:
    ways = [{"channel": one, "template": f"davet-{one}"} for one in channels or ("email",)]
    return {"id": step, "message": {"ways": ways, "not_after": "2 days"}}


def document(key: str = "abandoned", **parts: Any) -> dict[str, Any]:
    call = {
        "title": {"tr": "Arayın", "en": "Call them"},
        "script": {"tr": "Merhaba", "en": "Hello"},
        "outcomes": [
            {"outcome": "booked", "title": {"tr": "Ayırttı", "en": "Booked"},
             "steps": [{"id": "won", "goal": True}]},
            {"outcome": "no", "title": {"tr": "İstemedi", "en": "Not interested"}},
        ],
        "at_most": "3 days",
    }  # fmt: skip
    whole = {
        "journey": key,
        "title": TITLE,
        "description": {"tr": "Yarım bırakanları geri çağırır", "en": "Calls back who stopped"},
        "entry": [{"event": {"name": "Booking Started"}}, {"api": True}],
        "holdout": "30 %",
        "goal": {"order": {}},
        "exit_when": [{"where": {"trait": {"city": {"is": "Gaziantep"}}}}],
        "steps": [
            {"id": "pause", "wait": {"for": "30 minutes"}},
            {"id": "who", "branch": {
                "ways": [{"when": _SPENT, "steps": [
                    mail("loyal", "email", "sms"),
                    {"id": "call", "task": call},
                ]}],
                "else": [{"id": "lot", "split": [
                    {"name": "soon", "share": "50 %", "steps": [mail("short")]},
                    {"name": "later", "share": "50 %", "steps": [
                        {"id": "day", "wait": {"for": "2 days"}}, mail("long", "sms"),
                        {"id": "stop", "exit": True}]},
                ]}],
            }},
            {"id": "answer", "wait": {"first": [{"event": {"name": "Hotel Searched"}}],
                                      "at_most": "3 days", "then": [mail("again")]}},
            mail("last", "sms"),
        ],
        **parts,
    }  # fmt: skip
    return {word: part for word, part in whole.items() if part is not None}


def save(key: str = "abandoned", *, ago: float = 20, **parts: Any) -> JourneyVersion:
    """Keep the journey as the newest version; ``parts`` replace the usual ones, ``None`` drops."""
    text = "Merhaba\n{{ unsubscribe_url }}"
    html = '<p>Merhaba <a href="{{ unsubscribe_url }}">Çıkın</a></p>'
    for channel, more in (("email", {"subject": "Merhaba", "html": html}), ("sms", {})):
        Template.objects.get_or_create(
            name=f"davet-{channel}",
            defaults={"channel": channel, "text": text, "updated_at": 1, **more},
        )
    (definition,) = versions.read([("journey.yaml", document(key, **parts))]).values()
    return versions.save(definition, by="deniz", at=made_up.moment(ago))


def publish(key: str = "abandoned", *, ago: float = 20, **parts: Any) -> Journey:
    versions.publish(save(key, ago=ago, **parts), at=made_up.moment(ago))
    return Journey.objects.get(key=key)


def come_in(key: str, profile: Profile, ago: float) -> bool:
    at = made_up.moment(ago)
    return actions.enroll(key, profile.pk, occurrence=str(at), at=at)


def pass_time(*, at: int | None = None) -> None:
    """Let everybody on a journey go on whose wait is over."""
    with transaction.atomic(), evaluate.alone():
        Engine().step([], at=made_up.NOW if at is None else at, seconds=60)


def under_way(key: str = "abandoned", n: int = 24) -> Journey:
    """Publish a journey, and bring people in over twelve days, the last just now."""
    journey = publish(key)
    engine = Engine()
    profiles = list(Profile.objects.order_by("pk").values_list("pk", flat=True)[:n])
    for first in range(0, n, n // 6):
        at = made_up.moment(12 - 12 * first / n)
        places = {journey.version_id: frozenset({"entry:1"})}
        heard = {
            (journey.pk, profile_id): [Happening(at, places, None, f"api:{profile_id}")]
            for profile_id in profiles[first : first + n // 6]
        }
        with transaction.atomic(), evaluate.alone():
            engine.hear(heard, at=at)
            engine.step([], at=at, seconds=60)
    pass_time()
    return journey


def put_off(journey: Journey, error: str = "pool 'spring' has no codes") -> Enrollment:
    """Let one of those who wait fail to go on."""
    ride = Enrollment.objects.filter(journey=journey, state="waiting").order_by("pk")[0]
    Enrollment.objects.filter(pk=ride.pk).update(error=error, due_at=made_up.NOW + clock.HOUR)
    ride.refresh_from_db()
    return ride
