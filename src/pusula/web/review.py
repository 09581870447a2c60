"""A proposal that two customers are one person, ready to be looked at and decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from pusula.consent.models import ConsentEntry, Status
from pusula.consent.queries import consent_of
from pusula.events.models import Event
from pusula.orders.models import Order
from pusula.pipeline import proposals as deciding
from pusula.profiles import proposals
from pusula.profiles import queries as profiles
from pusula.profiles.candidates import TRAITS
from pusula.profiles.linkage import model
from pusula.profiles.models import Identifier, Merge, Profile, Proposal, ProposalState, TraitKind
from pusula.web import formats, masking, titles

_SHOWN_DECISIONS = 8
FIELDS: Mapping[str, str | Promise] = {
    "given": _("First name"),
    "family": _("Last name"),
    "born": _("Date of birth"),
    "national": _("Identity number"),
    "document": _("Passport or document"),
    "loyalty": _("Membership number"),
    "email": _("E-mail"),
    "phone": _("Phone"),
    "postcode": _("Postal code"),
    "city": _("City"),
    "street": _("Street"),
    "country": _("Country or nationality"),
}
# What stands for a level, and the tone of its badge.
LEVELS: Mapping[str, tuple[str | Promise, str]] = {
    model.SAME: (_("the same"), "good"),
    model.SWAPPED: (_("the same, in swapped order"), "good"),
    model.CLOSE: (_("almost the same"), "info"),
    model.ALIKE: (_("alike"), "info"),
    model.DIFFERS: (_("different"), "warn"),
    model.MISSING: (_("not known of both"), ""),
}
_KINDS = {"national": "national_id"}
_HIDDEN = frozenset({"national", "document"})


@dataclass(frozen=True)
class Evidence:
    """How one field stands in the pair; ``values`` are of who stays, then of the other."""

    field: str
    values: tuple[str, str]
    says: str
    tone: str
    weight: float


@dataclass(frozen=True)
class Side:
    """One of the two customers."""

    profile: Profile
    name: str
    n_orders: int
    n_events: int
    n_decisions: int


@dataclass(frozen=True)
class Review:
    """A proposal with the two customers, what agrees and differs, and what a merge would do."""

    proposal: Proposal
    sides: tuple[Side, Side]  # who stays, and who becomes part of them
    evidence: list[Evidence]
    consequences: list[str]
    refusals: list[str]  # channels that stay off
    n_group: int  # customers that hang together by proposals


@dataclass(frozen=True)
class Decided:
    """A decision of somebody, and how it can be taken back."""

    proposal: Proposal
    is_accepted: bool
    merge: Merge | None


def review_of(held: Proposal) -> Review:
    """Return what there is to see of an open proposal.

    Raises ``ProposalError`` if one of the two is gone.
    """
    winner, loser = deciding.sides(held)
    both = (_side(winner), _side(loser))
    group = Proposal.objects.filter(state=ProposalState.OPEN, group_id=held.group_id)
    ids = {one for pair in group.values_list("one_id", "other_id") for one in pair}
    return Review(
        proposal=held,
        sides=both,
        evidence=_evidence(held, winner, loser),
        consequences=_consequences(both[1]),
        refusals=_refusals((winner, loser)),
        n_group=len(ids),
    )


def queued(found: Iterable[Proposal]) -> list[tuple[Proposal, str]]:
    """Return proposals with the names of both."""
    listed = list(found)
    people = Profile.objects.in_bulk(
        {one for held in listed for one in (held.one_id, held.other_id)}
    )
    names = {pk: titles.customer(one.name) for pk, one in people.items()}
    return [(held, f"{names[held.one_id]} = {names[held.other_id]}") for held in listed]


def decided() -> list[Decided]:
    """Return the last decisions, the newest first."""
    found: QuerySet[Proposal] = Proposal.objects.filter(
        state__in=[ProposalState.ACCEPTED, ProposalState.REJECTED]
    ).order_by("-decided_at", "-pk")
    return [
        Decided(
            held,
            held.state == ProposalState.ACCEPTED,
            proposals.merge_of(held) if held.state == ProposalState.ACCEPTED else None,
        )
        for held in found[:_SHOWN_DECISIONS]
    ]


def _side(profile_id: int) -> Side:
    profile = Profile.objects.get(pk=profile_id)
    return Side(
        profile,
        titles.customer(profile.name),
        n_orders=Order.objects.filter(profile_id=profile_id).count(),
        n_events=Event.objects.filter(profile_id=profile_id).count(),
        n_decisions=ConsentEntry.objects.filter(profile_id=profile_id).count(),
    )


def _evidence(held: Proposal, winner: int, loser: int) -> list[Evidence]:
    values = (_values(winner), _values(loser))
    return [
        Evidence(
            field=str(title),
            values=(values[0].get(field, ""), values[1].get(field, "")),
            says=str(LEVELS[level][0]),
            tone=LEVELS[level][1],
            weight=weight,
        )
        for field, title in FIELDS.items()
        if field in held.evidence
        for level, weight in [held.evidence[field]]
        if level != model.MISSING or values[0].get(field) or values[1].get(field)
    ]


def _values(profile_id: int) -> dict[str, str]:
    """Return what is known of somebody by field, addresses masked and numbers of the state not."""
    profile = Profile.objects.get(pk=profile_id)
    found = {"given": profile.first_name, "family": profile.last_name}
    for name, trait in profiles.traits_of(profile_id).items():
        if name in TRAITS:
            day = trait.kind == TraitKind.DAY and trait.day is not None
            found[TRAITS[name]] = formats.day(trait.day) if day and trait.day else trait.text
    for field in model.SINGULAR:
        held = Identifier.objects.filter(profile_id=profile_id, kind=_KINDS.get(field, field))
        shown = [_shown(field, value) for value in held.values_list("value", flat=True)[:2]]
        found[field] = ", ".join(dict.fromkeys(shown))
    return found


def _shown(field: str, value: str) -> str:
    if field in _HIDDEN:
        return gettext("known, but not kept in words")
    if field == "email":
        return masking.mask_email(value)
    if field == "phone":
        return masking.mask_phone(value, settings.PUSULA.phone_region)
    return value.partition(":")[2] or value


def _consequences(loser: Side) -> list[str]:
    counts = (
        (
            ngettext("%(n)s order or booking", "%(n)s orders or bookings", loser.n_orders),
            "n_orders",
        ),
        (ngettext("%(n)s event", "%(n)s events", loser.n_events), "n_events"),
        (
            ngettext("%(n)s consent decision", "%(n)s consent decisions", loser.n_decisions),
            "n_decisions",
        ),
    )
    return [form % {"n": formats.number(getattr(loser, name))} for form, name in counts]


def _refusals(profile_ids: Iterable[int]) -> list[str]:
    """Return the channels on which either has refused something."""
    refused = {
        titles.channel(held.channel)[1]
        for profile_id in profile_ids
        for held in consent_of(profile_id)
        if held.status == Status.REFUSED
    }
    return sorted(refused)
