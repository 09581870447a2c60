"""A customer's card: who it is, facts, segments, RFM, consents and traits, ready to be shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext, ngettext

from pusula.campaigns import offers
from pusula.consent import queries as consents
from pusula.consent.models import Status
from pusula.journeys import machine as journeys
from pusula.journeys import queries as rides
from pusula.journeys.models import Enrollment
from pusula.lib import clock
from pusula.orders import queries as orders
from pusula.outbox.models import Message
from pusula.predict import bought
from pusula.profiles import queries as profiles
from pusula.profiles.models import Identifier, IdentifierKind, Profile, Trait, TraitKind
from pusula.rfm import live as rfm_live
from pusula.rfm import moves as rfm_moves
from pusula.rfm import queries as rfm
from pusula.rfm import words as rfm_words
from pusula.rfm.live import Graded
from pusula.rfm.models import RfmRun, RfmScore
from pusula.segments import queries as segments
from pusula.segments import spoken
from pusula.segments.models import Membership
from pusula.web import (
    consent_words,
    facts,
    formats,
    journey_words,
    masking,
    suggestions,
    titles,
)
from pusula.web.foretold import Foretold, foretold
from pusula.web.identifiers import Identity, identity_of
from pusula.web.rfm_moves import tone

PURPOSE = "marketing"
_JOURNEYS = 8
_RUNS = 13
_BIRTH = ("birth_date", "born_on", "birthday")
# Traits that the head or another panel of the card already says.
_SAID_ELSEWHERE = frozenset(
    {"tier", "city", "rfm_group", "rfm_r", "rfm_f", "rfm_m", "lifecycle"}
    | {kind.model for kind in bought.KINDS}
)


@dataclass(frozen=True)
class Contact:
    """A phone number or e-mail address, in full and masked."""

    kind: str
    full: str
    masked: str


@dataclass(frozen=True)
class Permission:
    """What holds for a channel: granted, refused, or (``""``) never decided."""

    icon: str
    channel: str
    status: str
    decided_at: int | None = None
    source: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class Travelled:
    """A journey a profile is or was on, the last time; ``outcome`` is empty while they are."""

    ride: Enrollment
    title: str
    outcome: str


@dataclass(frozen=True)
class Stop:
    """The RFM group of a profile in one run: colour, day and name of it."""

    tone: str
    day: dt.date
    title: str


@dataclass(frozen=True)
class Card:
    """What the card of one profile shows."""

    profile: Profile
    name: str
    tier: str
    head: list[str]
    contacts: list[Contact]
    facts: list[facts.Fact]
    has_stays: bool
    segments: list[tuple[Membership, str]]
    score: RfmScore | Graded | None
    run: RfmRun | None  # whose score it is; none: by the rules in force, as of now
    currency: str  # of its money
    group: str
    stops: list[Stop]
    permissions: list[Permission]
    traits: list[tuple[str, str]]
    identity: Identity
    journeys: list[Travelled]
    suggestion: suggestions.Shown | None
    waiting: list[tuple[Message, tuple[str, str]]]  # from the card, and their channels
    foretold: list[Foretold]


def _score(profile_id: int) -> tuple[RfmScore | Graded | None, RfmRun | None]:
    """Return how a customer stands: live where rules are in force, else in the newest run."""
    held = rfm_live.in_force()
    if held is not None:
        return rfm_live.of_profile(profile_id, clock.now(), held), None
    newest = rfm.scores_of(profile_id).first()
    return newest, newest.run if newest else None


def card_of(profile: Profile) -> Card:
    """Return the card of ``profile`` as of now."""
    made = list(orders.of_profile(profile.pk))
    traits = profiles.traits_of(profile.pk)
    score, run = _score(profile.pk)
    return Card(
        profile=profile,
        name=titles.customer(profile.name),
        tier=traits["tier"].text if "tier" in traits else "",
        head=_head(traits),
        contacts=_contacts(profile.pk),
        facts=facts.facts_of(profile.pk, made),
        has_stays=any(order.starts_on for order in made),
        segments=[
            (membership, titles.segment_title(membership.segment))
            for membership in segments.memberships_of(profile.pk)
        ],
        score=score,
        run=run,
        currency=run.currency if run else settings.PUSULA.currency,
        group=rfm_words.title(score.group) if score else "",
        stops=_stops(profile.pk),
        permissions=permissions_of(profile.pk, titles.CHANNELS),
        traits=[
            (titles.trait(name), _shown(trait))
            for name, trait in traits.items()
            if name not in _SAID_ELSEWHERE
        ],
        identity=identity_of(profile.pk),
        journeys=_journeys(profile.pk),
        suggestion=suggestions.for_card(profile.pk, made),
        waiting=[(one, titles.channel(one.channel)) for one in offers.waiting(profile.pk)],
        foretold=foretold(profile.pk),
    )


def _journeys(profile_id: int) -> list[Travelled]:
    """Return each journey once, as the profile was on it last; those they are on now first."""
    found: dict[int, Enrollment] = {}
    for ride in rides.of_profile(profile_id).select_related("journey__version"):
        found.setdefault(ride.journey_id, ride)
    ordered = sorted(found.values(), key=lambda ride: ride.state != journeys.WAITING)
    return [
        Travelled(
            ride,
            rides.title(ride.journey, spoken.language()),
            journey_words.outcome(ride.outcome) if ride.outcome else "",
        )
        for ride in ordered[:_JOURNEYS]
    ]


def _stops(profile_id: int) -> list[Stop]:
    """Return the profile's RFM group run by run; nothing before it was scored twice."""
    found = rfm_moves.history(profile_id, _RUNS)
    while found and found[0].group is None:
        del found[0]
    return [
        Stop(tone(stop.group, stop.run.groups), stop.run.as_of_on, rfm_words.title(stop.group))
        if stop.group
        else Stop("", stop.run.as_of_on, gettext("not scored"))
        for stop in (found if len(found) > 1 else [])
    ]


def _head(traits: Mapping[str, Trait]) -> list[str]:
    """Return what stands beside the name: city and age, where they are known."""
    said = [traits["city"].text] if "city" in traits else []
    born = next((traits[name].day for name in _BIRTH if name in traits), None)
    if born:
        years = _age(born, formats.today())
        form = ngettext("%(n)s year old", "%(n)s years old", years)
        said.append(form % {"n": formats.number(years)})
    return [word for word in said if word]


def _age(born: dt.date, today: dt.date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _contacts(profile_id: int) -> list[Contact]:
    region = settings.PUSULA.phone_region
    found = []
    for identifier in sorted(profiles.identifiers_of(profile_id), key=_phones_first):
        value = identifier.value
        if identifier.kind == IdentifierKind.PHONE:
            full = masking.national_phone(value, region)
            found.append(Contact(identifier.kind, full, masking.mask_phone(value, region)))
        elif identifier.kind == IdentifierKind.EMAIL:
            found.append(Contact(identifier.kind, value, masking.mask_email(value)))
    return found


def _phones_first(identifier: Identifier) -> bool:
    return identifier.kind != IdentifierKind.PHONE


def permissions_of(profile_id: int, channels: Iterable[str]) -> list[Permission]:
    """Return what holds for each of ``channels``, those never decided too."""
    present = consents.present(profile_id, PURPOSE)
    found = []
    for name in channels:
        icon, channel = titles.channel(name)
        consent = present.get(name)
        if consent is None:
            found.append(Permission(icon, channel, ""))
            continue
        entry = consent.entry
        found.append(
            Permission(
                icon,
                channel,
                consent.status,
                consent.decided_at,
                consent_words.source(entry.source),
                consent_words.evidence(entry.evidence),
            )
        )
    return found


def list_permissions(decided: Mapping[str, str], channels: tuple[str, ...]) -> list[Permission]:
    """Return what holds for ``channels``, given the status by channel."""
    return [Permission(*titles.channel(name), decided.get(name, "")) for name in channels]


def permission_words(status: str) -> str:
    """Return what a status means in words."""
    if status == Status.GRANTED:
        return gettext("Consent given")
    return gettext("Refused") if status == Status.REFUSED else gettext("No consent")


def _shown(trait: Trait) -> str:
    if trait.name == "country":
        return formats.territory(trait.text)
    if trait.name == "language":
        return formats.language(trait.text)
    if trait.kind == TraitKind.DAY and trait.day:
        return formats.day(trait.day, long=True)
    if trait.kind == TraitKind.BOOL and trait.number is not None:
        return gettext("yes") if trait.number else gettext("no")
    if trait.kind == TraitKind.NUMBER and trait.number is not None:
        is_whole = trait.number == int(trait.number)
        return formats.number(trait.number, 0 if is_whole else 2)
    return titles.trait_value(trait.name, trait.text) or formats.NOTHING
