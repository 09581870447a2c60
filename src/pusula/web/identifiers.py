"""What leads to a customer, and who they were before merges: ready to be shown on the card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from pusula.pipeline import identity
from pusula.profiles import merging
from pusula.profiles import queries as profiles
from pusula.profiles.models import Identifier, IdentifierKind, Merge
from pusula.web import formats, masking

KINDS: Mapping[str, tuple[str, str | Promise]] = {
    IdentifierKind.KEY: ("hash", _("Number")),
    IdentifierKind.EMAIL: ("mail", _("E-mail")),
    IdentifierKind.PHONE: ("phone", _("Phone")),
    IdentifierKind.LOYALTY: ("crown", _("Membership number")),
    IdentifierKind.NATIONAL_ID: ("id-card", _("Identity number")),
    IdentifierKind.DOCUMENT: ("file-text", _("Passport or document")),
    IdentifierKind.ANONYMOUS: ("monitor-smartphone", _("Device of a visitor")),
}
_REASONS: Mapping[str, str | Promise] = {
    "manual": _("Somebody found that they are one person"),
    "source": _("The source says that they are one person"),
    identity.RULE: _("A rule found that they are one person"),
    "proposal": _("Somebody accepted a proposal"),
}
_SHOWN_DEVICE = 6
_MOST = 8  # identifiers shown at once; a reception desk has thousands


@dataclass(frozen=True)
class Held:
    """An identifier as the card shows it; ``n_others`` hold the same value."""

    icon: str
    kind: str
    value: str
    source: str
    since_at: int
    is_verified: bool
    n_others: int
    of: int | None  # the merged customer it came with


@dataclass(frozen=True)
class Past:
    """A merge in the history of a customer."""

    merge: Merge
    reason: str
    evidence: list[str]
    is_waiting: bool  # its undoing was asked for


@dataclass(frozen=True)
class Identity:
    """The identifiers shown, how many there are besides, and the merges, newest first."""

    held: list[Held]
    n_more: int
    merges: list[Past]


def identity_of(profile_id: int) -> Identity:
    """Return what leads to the customer, and the history of merges."""
    found = list(profiles.identifiers_of(profile_id))
    order = list(KINDS)
    found.sort(key=lambda one: order.index(one.kind))
    shown = found[:_MOST]
    others = _others(shown)
    return Identity(
        held=[_held(one, others[one.kind, one.value]) for one in shown],
        n_more=len(found) - len(shown),
        merges=[
            Past(
                merge,
                str(_REASONS.get(merge.reason, merge.reason)),
                _evidence(merge),
                identity.is_being_undone(merge),
            )
            for merge in merging.history_of(profile_id)
        ],
    )


def consequences(merge: Merge) -> list[str]:
    """Return in words what the undoing of a merge would give back."""
    n = identity.consequences(merge)
    counts = (
        (ngettext("%(n)s identifier", "%(n)s identifiers", n.n_identifiers), n.n_identifiers),
        (ngettext("%(n)s order or booking", "%(n)s orders or bookings", n.n_orders), n.n_orders),
        (ngettext("%(n)s event", "%(n)s events", n.n_events), n.n_events),
        (ngettext("%(n)s consent decision", "%(n)s consent decisions", n.n_consents), n.n_consents),
    )
    return [form % {"n": formats.number(count)} for form, count in counts]


def _others(shown: list[Identifier]) -> dict[tuple[str, str], int]:
    """Return by kind and value how many other customers hold the same."""
    found: dict[tuple[str, str], int] = {}
    for kind in {one.kind for one in shown}:
        values = {one.value for one in shown if one.kind == kind}
        holders = profiles.holders(IdentifierKind(kind), values)
        found |= {(kind, value): len(ids) - 1 for value, ids in holders.items()}
    return found


def _held(one: Identifier, n_others: int) -> Held:
    icon, kind = KINDS[one.kind]
    return Held(
        icon=icon,
        kind=str(kind),
        value=_shown(one),
        source=one.source,
        since_at=one.recorded_at,
        is_verified=one.verified_at is not None,
        n_others=n_others,
        of=one.origin_id,
    )


def _shown(one: Identifier) -> str:
    """Return a value as it may be seen by everybody who may see the card."""
    match one.kind:
        case IdentifierKind.EMAIL:
            return masking.mask_email(one.value)
        case IdentifierKind.PHONE:
            return masking.mask_phone(one.value, settings.PUSULA.phone_region)
        case IdentifierKind.NATIONAL_ID | IdentifierKind.DOCUMENT:
            return gettext("known, but not kept in words")
        case IdentifierKind.ANONYMOUS:
            return f"…{one.value[-_SHOWN_DEVICE:]}"
    return one.value.partition(":")[2] or one.value


def _evidence(merge: Merge) -> list[str]:
    """Return what spoke for a merge: the rule that joined, or what was noted."""
    said = []
    for name, value in merge.evidence.items():
        if name == "rule" and value in KINDS:
            said.append(gettext("same: %(kind)s") % {"kind": KINDS[value][1]})
        elif isinstance(value, bool):
            said.append(name)
        else:
            said.append(f"{value}" if name == "note" else f"{name}: {value}")
    return said
