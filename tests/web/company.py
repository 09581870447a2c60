"""A small hotel company for the tests of pages: 80 guests, two hotels, three years, one seed.

Elif Doğan is the guest whose card the tests read; her history is written out, not drawn.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from django.contrib.auth.models import Permission, User
from django.db import connection
from tests.built_once import Rows

from pusula.consent.models import Channel, Consent, ConsentEntry, Status
from pusula.events.models import Event
from pusula.lib import clock, text
from pusula.orders import machine
from pusula.orders.models import Order, OrderChange
from pusula.profiles.models import Identifier, IdentifierKind, Profile, Trait, TraitKind
from pusula.rfm.models import RfmRun, RfmScore
from pusula.segments.models import Membership, Segment, SegmentSize, SegmentVersion
from pusula.sources.models import Import, ImportState

ZONE = "Europe/Istanbul"
TODAY = dt.date(2026, 11, 22)
NOW = clock.from_datetime(dt.datetime(2026, 11, 22, 14, 0), ZONE)
RIGHTS = ("change_journey", "add_price")  # of Deniz
_FIRST = [
    "Ayşe",
    "Mehmet",
    "Şükrü",
    "Elif",
    "İrem",
    "Ömer",
    "Çağla",
    "Gül",
    "Işık",
    "Ümit",
    "Zeynep",
    "Can",
    "Ece",
    "Burak",
    "Nazlı",
    "Oğuz",
]
_LAST = [
    "Demir",
    "Çağlar",
    "Yılmaz",
    "Şimşek",
    "Öztürk",
    "Işıklı",
    "Güneş",
    "Aksoy",
    "Polat",
    "Bulut",
    "İnce",
    "Erdoğan",
]
_CITIES = ["İstanbul", "Ankara", "İzmir", "Bursa", "Eskişehir", "Gaziantep"]
_HOTELS = (("Lodos Mavi Koy", "Bodrum"), ("Lodos Peri Konağı", "Kapadokya"))
_CHANNELS = ("Web", "Çağrı merkezi", "Mobil uygulama")
_GROUPS = [
    "champions",
    "loyal_customers",
    "potential_loyalists",
    "new_customers",
    "promising",
    "need_attention",
    "about_to_sleep",
    "at_risk",
    "cant_loose",
    "hibernating",
]
_SEGMENTS = {
    "repeat-guests": ("Sadık misafirler", "Repeat guests", 0.45),
    "high-value": ("Yüksek değerli misafirler", "High-value guests", 0.1),
    "lapsing": ("Kaybedilmek üzere olan sadık misafirler", "Loyal guests about to lapse", 0.2),
}


@dataclass(frozen=True)
class Company:
    """What the tests ask for by name."""

    user: User
    elif_: Profile
    segments: dict[str, Segment]
    run: RfmRun


def day(ago: int) -> dt.date:
    return TODAY - dt.timedelta(days=ago)


def moment(ago: float) -> int:
    return NOW - int(ago * clock.DAY)


def build() -> Company:
    """Write the company into the database; its people have the same numbers every time."""
    _count_from_one()
    _ROWS.lay()
    user = User.objects.get(username="deniz")
    # Not among the rows: permissions are numbered anew after a test that commits.
    user.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    return Company(
        user,
        Profile.objects.get(identifiers__value="pms:M000001"),
        {key: Segment.objects.get(key=key) for key in _SEGMENTS},
        RfmRun.objects.get(config_key="k"),
    )


def _write() -> None:
    rng = random.Random(20261122)  # noqa: S311 - the same company every time
    User.objects.create_user("deniz", first_name="Deniz", last_name="Kara")
    elif_ = _elif()
    others = [_guest(rng, number) for number in range(2, 81)]
    for guest in others:
        _history(rng, guest)
    everybody = [elif_, *others]
    _segments(everybody)
    _rfm(rng, everybody)
    _import()


_ROWS = Rows(_write)


def _count_from_one() -> None:
    """Begin with the first number again: who is drawn into a control group goes by it.

    PostgreSQL goes on counting after a test that was rolled back.
    """
    if connection.vendor == "postgresql" and not Profile.objects.exists():
        with connection.cursor() as cursor:
            cursor.execute(
                "select setval(pg_get_serial_sequence('profiles_profile', 'id'), 1, false)"
            )


def forget_everybody() -> None:
    """Leave the company without customers."""
    Consent.objects.all().delete()
    Profile.objects.all().delete()


def profile(first: str, last: str, *, created: float = 800) -> Profile:
    return Profile.objects.create(
        first_name=first,
        last_name=last,
        name_key=text.name_key(f"{first} {last}"),
        created_at=moment(created),
        recorded_at=NOW,
    )


def identify(who: Profile, kind: IdentifierKind, value: str) -> None:
    Identifier.objects.create(profile=who, kind=kind, value=value, source="pms", recorded_at=NOW)


def trait(who: Profile, name: str, value: str | dt.date) -> None:
    is_day = isinstance(value, dt.date)
    Trait.objects.create(
        profile=who,
        name=name,
        kind=TraitKind.DAY if is_day else TraitKind.TEXT,
        text="" if is_day else value,
        text_fold="" if is_day else text.fold(value),
        day=value if is_day else None,
        source="pms",
        updated_at=NOW,
    )


def stay(
    who: Profile,
    number: str,
    starts_ago: int,
    nights: int,
    net: int,
    *,
    status: str = machine.COMPLETED,
    hotel: int = 0,
    channel: str = "Web",
) -> Order:
    starts_on = day(starts_ago)
    name, region = _HOTELS[hotel]
    ordered = clock.start_of(starts_on - dt.timedelta(days=20), ZONE)
    ordered_at = min(ordered + 10 * clock.HOUR, NOW - clock.HOUR)
    order = Order.objects.create(
        profile=who,
        source="pms",
        source_id=number,
        status=status,
        ordered_at=ordered_at,
        status_at=ordered_at,
        cancelled_at=ordered_at if status == machine.CANCELLED else None,
        starts_on=starts_on,
        ends_on=starts_on + dt.timedelta(days=nights),
        property=name,
        region=region,
        channel=channel,
        currency="TRY",
        gross_minor=net * 110,
        net_minor=net * 100,
        gross_base_minor=net * 110,
        net_base_minor=net * 100,
        recorded_at=NOW,
    )
    same = ("status", "ordered_at", "cancelled_at", "starts_on", "ends_on", "property", "region",
            "channel", "gross_base_minor", "net_base_minor", "recorded_at")  # fmt: skip
    values = {name: getattr(order, name) for name in same}
    OrderChange.objects.create(order=order, profile=who, changed_at=ordered_at, **values)
    return order


def event(who: Profile, name: str, ago: float, **properties: object) -> Event:
    key = f"{who.pk}-{name}-{ago}"
    return Event.objects.create(
        profile=who, name=name, at=moment(ago), recorded_at=NOW, dedupe_key=key, source="web",
        properties=properties,
    )  # fmt: skip


def decide(who: Profile, channel: str, status: str, ago: float = 600) -> None:
    entry = ConsentEntry.objects.create(
        profile=who,
        channel=channel,
        purpose="marketing",
        status=status,
        source="web formu",
        evidence="Kayıt formu 2025-03",
        decided_at=moment(ago),
        recorded_at=NOW,
        dedupe_key=f"{who.pk}-{channel}-{ago}",
    )
    Consent.objects.update_or_create(
        profile=who,
        channel=channel,
        purpose="marketing",
        defaults={"status": status, "decided_at": entry.decided_at, "entry": entry},
    )


def _elif() -> Profile:
    who = profile("Elif", "Doğan")
    identify(who, IdentifierKind.KEY, "pms:M000001")
    identify(who, IdentifierKind.PHONE, "+905321234541")
    identify(who, IdentifierKind.EMAIL, "elif.dogan@example.com")
    for name, value in (("tier", "Altın"), ("city", "Bursa"), ("birth_date", dt.date(1992, 4, 8))):
        trait(who, name, value)
    trait(who, "rfm_group", "champions")
    history = (
        (202, 3, 33_790), (219, 8, 16_540), (307, 3, 21_770), (331, 2, 56_430),
        (433, 5, 22_090), (456, 5, 8_540), (494, 4, 12_320), (545, 4, 22_820),
    )  # fmt: skip
    for number, (ago, nights, net) in enumerate(history):
        stay(who, f"R{number + 1:07d}", ago, nights, net, hotel=number % 3 == 2)
    stay(who, "R0000099", 150, 2, 9_000, status=machine.CANCELLED)
    event(who, "Booking Abandoned", 15, hotel="Lodos Mavi Koy", step="Ödeme")
    event(who, "Email Opened", 227, campaign="Bahar bülteni")
    for number in range(12):
        event(who, "Hotel Searched", 15.2 + number, region="Bodrum")
    decide(who, Channel.EMAIL, Status.GRANTED)
    decide(who, Channel.CALL, Status.REFUSED, 90)
    return who


def _guest(rng: random.Random, number: int) -> Profile:
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    who = profile(first, last, created=rng.randrange(5, 1000))
    identify(who, IdentifierKind.KEY, f"pms:M{number:06d}")
    identify(who, IdentifierKind.PHONE, f"+90533{number:07d}")
    identify(who, IdentifierKind.EMAIL, f"{text.name_key(first)}.{number}@example.com")
    trait(who, "city", rng.choice(_CITIES))
    return who


def _history(rng: random.Random, who: Profile) -> None:
    for serial in range(rng.randrange(6)):
        status = machine.CANCELLED if rng.random() < 0.15 else machine.COMPLETED
        stay(who, f"R{who.pk:05d}{serial:02d}", rng.randrange(10, 1000), rng.randrange(1, 9),
             rng.randrange(4_000, 60_000), status=status, hotel=rng.randrange(2),
             channel=rng.choice(_CHANNELS))  # fmt: skip
    if rng.random() < 0.2:
        stay(who, f"R{who.pk:05d}90", -rng.randrange(3, 90), 4, 31_000, status=machine.CONFIRMED)
    for channel, share in ((Channel.EMAIL, 0.6), (Channel.SMS, 0.4), (Channel.CALL, 0.25)):
        if rng.random() < share:
            decide(who, channel, Status.GRANTED if rng.random() < 0.9 else Status.REFUSED)


def _segments(everybody: list[Profile]) -> None:
    for key, (tr, en, share) in _SEGMENTS.items():
        segment = Segment.objects.create(key=key, created_at=moment(60), evaluated_at=moment(0.2))
        version = SegmentVersion.objects.create(
            segment=segment,
            number=1,
            created_at=moment(60),
            definition={
                "segment": key,
                "title": {"tr": tr, "en": en},
                "where": {"orders": {"count": {"at_least": 2}, "within": {"last": "12 months"}}},
            },
        )
        members = everybody[: round(len(everybody) * share)]
        Segment.objects.filter(pk=segment.pk).update(version=version, n_members=len(members))
        Membership.objects.bulk_create(
            Membership(
                segment=segment, profile=who, version=version, entered_at=moment(41), cause="run"
            )
            for who in members
        )
        SegmentSize.objects.bulk_create(
            SegmentSize(segment=segment, at=moment(29 - i), n_members=len(members) + (29 - i) // 3)
            for i in range(30)
        )


def _rfm(rng: random.Random, everybody: list[Profile]) -> None:
    run = RfmRun.objects.create(
        as_of_on=day(21),
        config={},
        config_key="k",
        groups=_GROUPS,
        edges={},
        n_profiles=len(everybody),
        currency="TRY",
        created_at=moment(21),
    )
    RfmScore.objects.bulk_create(
        RfmScore(
            run=run,
            profile=who,
            recency_days=199 if who.first_name == "Elif" else rng.randrange(10, 700),
            frequency=rng.randrange(1, 9),
            monetary_minor=rng.randrange(400_000, 20_000_000),
            r=rng.randrange(1, 6),
            f=rng.randrange(1, 6),
            m=rng.randrange(1, 6),
            group=_GROUPS[0] if who is everybody[0] else rng.choice(_GROUPS),
        )
        for who in everybody
    )


def _import() -> None:
    Import.objects.create(
        kind="orders",
        file_name="bookings.csv",
        digest="0" * 64,
        source="pms",
        state=ImportState.DONE,
        n_rows=400,
        n_new=390,
        n_rejected=10,
        started_at=moment(0.3),
        finished_at=moment(0.29),
    )
