"""Guests of the small company who are to be called, and what waits for approval."""

from __future__ import annotations

from typing import Any

from tests.web import company as made_up

from pusula.campaigns.models import Template
from pusula.consent.models import Channel, Consent, Status
from pusula.journeys import actions, versions
from pusula.journeys.models import Journey, Task
from pusula.lib import clock
from pusula.profiles.models import Identifier, IdentifierKind

SCRIPT = {
    "tr": "Merhaba {{ profile.first_name | default: 'misafirimiz' }} Hanım/Bey, ben Lodos "
    "Otelleri'nden arıyorum.\n\nGeçen yaz bizde kaldınız. Bu yıl aynı odayı sizin için ayırmak "
    "isteriz: tarihler uygun mu?",
    "en": "Hello {{ profile.first_name | default: 'our guest' }}, this is Lodos Hotels.\n\n"
    "You stayed with us last summer. We would like to keep the same room: do the dates suit?",
}
CALL = {"id": "ara", "task": {
    "title": {"tr": "Sezonun ilk araması", "en": "First call of the season"},
    "script": SCRIPT, "at_most": "3 days",
    "outcomes": [
        {"outcome": "booked", "title": {"tr": "Rezervasyon yaptı", "en": "Booked"},
         "steps": [{"id": "won", "goal": True}]},
        {"outcome": "thinking", "title": {"tr": "Düşünüyor", "en": "Is thinking"}},
        {"outcome": "not_this_year", "title": {"tr": "Bu yıl değil", "en": "Not this year"}},
    ],
}}  # fmt: skip
ASK = {"id": "onay", "approval": {
    "title": {"tr": "Kupon gönderilsin mi?", "en": "Shall the coupon go out?"},
    "at_most": "2 days",
    "then": [{"id": "kupon", "message": {"ways": [{"channel": "email", "template": "kupon"}]}}],
}}  # fmt: skip


def publish(key: str, *steps: dict[str, Any], by: str = "deniz") -> Journey:
    """Publish a journey that people are put into by hand."""
    Template.objects.get_or_create(
        name="kupon",
        defaults={
            "subject": "{{ profile.first_name | default: 'Size' }}, kuponunuz hazır",
            "text": "Merhaba {{ profile.name | default: '' }}\n{{ unsubscribe_url }}",
            "html": '<p>Merhaba <a href="{{ unsubscribe_url }}">Çıkın</a></p>',
            "updated_at": made_up.NOW,
        },
    )
    document = {
        "journey": key, "title": {"tr": "Sezon açılışı", "en": "Season opening"},
        "class": "service", "holdout": 0, "entry": [{"api": True}], "steps": list(steps),
    }  # fmt: skip
    [definition] = versions.read([("journey.yaml", document)]).values()
    versions.publish(versions.save(definition, by=by, at=made_up.NOW), at=made_up.NOW)
    return Journey.objects.get(key=key)


def with_phones(n: int) -> list[int]:
    """Return the profiles of the first ``n`` guests who have a phone and may be called on it."""
    refused = Consent.objects.filter(channel=Channel.CALL, status=Status.REFUSED)
    held = Identifier.objects.filter(kind=IdentifierKind.PHONE).order_by("profile_id")
    held = held.exclude(profile_id__in=refused.values("profile_id"))
    return list(dict.fromkeys(held.values_list("profile_id", flat=True)))[:n]


def asked(*profile_ids: int, key: str = "sezon", at: int = made_up.NOW) -> list[Task]:
    """Let a journey ask for a call to each of these."""
    publish(key, CALL)
    for pk in profile_ids:
        actions.enroll(key, pk, occurrence="x", at=at - clock.HOUR)
    return list(Task.objects.filter(enrollment__journey__key=key).order_by("pk"))


def waiting(*profile_ids: int, key: str = "kupon", at: int = made_up.NOW) -> list[Task]:
    """Let a journey ask whether these shall get a coupon."""
    publish(key, ASK)
    for pk in profile_ids:
        actions.enroll(key, pk, occurrence="x", at=at - clock.HOUR)
    return list(Task.objects.filter(enrollment__journey__key=key).order_by("pk"))
