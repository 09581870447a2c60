"""The company of the simulation: eight people, a segment, three journeys, a mailing in draft."""

from __future__ import annotations

from typing import Any

from tests.simulation import stage

from pusula.campaigns import actions as campaigns
from pusula.campaigns import definitions
from pusula.campaigns.models import Template
from pusula.consent import actions as consent
from pusula.consent.actions import Decision
from pusula.consent.models import Channel
from pusula.journeys import versions
from pusula.lib import clock
from pusula.pipeline import batch
from pusula.profiles.models import Identifier, IdentifierKind, Profile
from pusula.segments import actions as segments

N_PEOPLE = 8
ABANDONED, BOUGHT, SIGNED_IN = "Cart Abandoned", "Cart Bought", "Signed In"
CART, WELCOME, TWICE, MAILING = "cart", "welcome", "twice", "spring"
PAUSE, DAY = 2 * stage.HOUR, 24 * stage.HOUR  # the waits of the cart's journey
NUMBERS: list[int] = []  # of the profiles of the people, before any merge
# What tells of a service says so; all else is commercial, and seen to be so on the wire.
SERVICE = "Hizmet"
FILES = "shop"  # the source of what is imported
CAPS = (
    ({"most": 1, "in": "1d"},),
    ({"most": 2, "in": "1d"}, {"most": 3, "in": "3d"}),
    ({"channel": "email", "most": 1, "in": "6h"}, {"most": 2, "in": "12h"}),
)
BUDGETS = (
    ({"channel": "email", "most": 1, "per": "hour"},),
    ({"channel": "email", "most": 3, "per": "day"}, {"channel": "sms", "most": 1, "per": "hour"}),
)
QUIET_HOURS = ({"from": "22:00", "to": "08:00", "channels": ["email", "sms"]},)
TITLE = {"tr": "Benzetim", "en": "Simulation"}


def email_of(person: int) -> str:
    return f"kisi{person:02}x@guest.example"


def phone_of(person: int) -> str:
    return f"+9053200000{person:02}"


def person_of(address: str) -> int:
    """Return whose address it is."""
    return int(address[4:6] if "@" in address else address[-2:])


def message(
    step: str, *channels: str, template: str = "hello", not_after: str = "6 hours"
) -> dict[str, Any]:
    ways = [{"channel": channel, "template": f"{template} {channel}"} for channel in channels]
    return {"id": step, "message": {"ways": ways, "not_after": not_after}}


def service(step: str, *channels: str) -> dict[str, Any]:
    """Return a step that tells of what somebody asked for themselves: no limit holds it back."""
    return message(step, *channels, template="service")


JOURNEYS: list[dict[str, Any]] = [
    {
        "journey": CART, "title": TITLE, "reentry": "always", "holdout": 0,
        "entry": [{"event": {"name": ABANDONED}}],
        "exit_when": [{"event": {"name": BOUGHT}}],
        "steps": [
            {"id": "pause", "wait": {"for": "2 hours"}},
            message("remind", "email"),
            {"id": "day", "wait": {"for": "24 hours"}},
            message("offer", "sms", "email"),
        ],
    },
    {
        "journey": WELCOME, "title": TITLE, "class": "service", "reentry": "never", "holdout": 0,
        "entry": [{"event": {"name": SIGNED_IN}}],
        "steps": [
            service("hello", "sms", "email"),
            {
                "id": "first",
                "wait": {
                    "first": [{"event": {"name": BOUGHT}}], "at_most": "3 hours",
                    "then": [service("thanks", "email")], "else": [service("nudge", "email")],
                },
            },
        ],
    },
    {
        "journey": TWICE, "title": TITLE, "reentry": "always", "holdout": 0,
        "entry": [{"enters": TWICE}],
        "steps": [message("again", "email", not_after="2 hours")],
    },
]  # fmt: skip


def found() -> None:
    """Make the company in an empty home."""
    now = clock.now()
    people = [_person(number, now) for number in range(N_PEOPLE)]
    NUMBERS[:] = [person.pk for person in people]
    consent.record([_yes(p.pk, channel, now) for p in people for channel in ("email", "sms")],
                   at=now)  # fmt: skip
    _templates(now)
    _define(TWICE, {"events": {"name": ABANDONED, "count": {"at_least": 2},
                               "within": {"last": "12 hours"}}})  # fmt: skip
    _define("everybody", {"not": {"orders": {"count": {"at_least": 1}}}})
    batch.run()
    for document in JOURNEYS:
        (definition,) = versions.read([(document["journey"], document)]).values()
        versions.publish(versions.save(definition, at=now), at=now)
    campaigns.create(_mailing(), now)


def _person(number: int, now: int) -> Profile:
    person = Profile.objects.create(
        first_name="Deniz", last_name=f"Y{number}", created_at=now, recorded_at=now
    )
    for kind, value in (
        (IdentifierKind.EMAIL, email_of(number)), (IdentifierKind.PHONE, phone_of(number)),
    ):  # fmt: skip
        Identifier.objects.create(
            profile=person, kind=kind, value=value, source="shop", recorded_at=now
        )
    return person


def _yes(profile_id: int, channel: str, now: int) -> Decision:
    return Decision(
        profile_id=profile_id, channel=channel, purpose="marketing", status="granted",
        source="shop", decided_at=now - clock.DAY, evidence="form",
    )  # fmt: skip


def _templates(now: int) -> None:
    for name, words in (("hello", "Merhaba"), ("service", SERVICE)):
        Template.objects.create(
            name=f"{name} email", subject="Merhaba", text=f"{words}\n{{{{ unsubscribe_url }}}}",
            updated_at=now,
        )  # fmt: skip
        Template.objects.create(name=f"{name} sms", channel=Channel.SMS, text=words, updated_at=now)


def _define(key: str, where: dict[str, Any]) -> None:
    segments.apply([(f"{key}.yaml", {"segment": key, "title": TITLE, "where": where})])


def _mailing() -> definitions.Definition:
    given = {
        "campaign": MAILING, "title": "Bahar", "goal": "loyalty", "audience": ["everybody"],
        "holdout": "25%",
        "template": {"subject": "Bahar", "text": "Bahar geldi. {{ unsubscribe_url }}"},
    }  # fmt: skip
    return definitions.parse(given, "simulation")
