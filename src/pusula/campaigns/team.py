"""Whom test mails may go to: people of the company who have confirmed their address themselves.

An address is asked for, gets one link by mail, and counts once its owner has pressed the button
behind that link. The link works once; only its digest is kept. A customer's address is refused.
"""

from __future__ import annotations

import hashlib

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import TeamAddress, Trial
from pusula.channels.email.address import AddressError, on_the_wire
from pusula.lib import clock, ids
from pusula.profiles import contacts
from pusula.profiles.models import Identifier, IdentifierKind

AN_ADDRESS_EVERY = clock.DAY
MOST_A_DAY = 20  # links of the whole company: this is no way to write to strangers
GOOD_FOR = clock.DAY


class TeamError(CampaignError):
    """An address cannot be invited."""

    code = "team_address"
    status = 422


def invite(text: str, *, by: str, at: int) -> TeamAddress:
    """Ask the owner of an address whether test mails may come; their link leaves soon.

    Raises ``TeamError`` for what is no address, a customer's, or asked too often.
    """
    address = _address(text)
    if Identifier.objects.filter(kind=IdentifierKind.EMAIL, value=address).exists():
        raise TeamError(_("This is the address of a customer: test mails go to your team only."))
    n_today = TeamAddress.objects.filter(asked_at__gt=at - clock.DAY).count()
    if n_today >= MOST_A_DAY:
        raise TeamError(_("Too many addresses were added today: go on tomorrow."))
    try:
        with transaction.atomic():
            return TeamAddress.objects.create(address=address, asked_by=by, asked_at=at)
    except IntegrityError:
        return _again(address, by=by, at=at)


def take_invitation(*, at: int) -> tuple[TeamAddress, str] | None:
    """Return the next address whose link is to leave, and the token of the link.

    Marked as mailed before it leaves: a mail that nobody asked for must not come twice.
    """
    waiting = TeamAddress.objects.filter(
        mailed_at=None, revoked_at=None, verified_at=None, asked_at__gt=at - GOOD_FOR
    )
    for one in waiting.order_by("asked_at")[:20]:
        token = ids.random_id()
        if waiting.filter(pk=one.pk).update(mailed_at=at, digest=_digest(token)):
            return one, token
    return None


def invited(token: str, *, at: int) -> TeamAddress | None:
    """Return the address that a link would verify; ``None`` if it is spent, old or not ours."""
    return TeamAddress.objects.filter(
        digest=_digest(token), verified_at=None, revoked_at=None, mailed_at__gt=at - GOOD_FOR
    ).first()


def verify(token: str, *, at: int) -> TeamAddress | None:
    """Verify the address of a link and spend it; ``None`` if it is spent, old or not ours.

    Of two that come at once exactly one wins.
    """
    found = invited(token, at=at)
    if found is None:
        return None
    won = TeamAddress.objects.filter(
        pk=found.pk, digest=_digest(token), verified_at=None, revoked_at=None
    ).update(verified_at=at, digest="")
    return found if won else None


def revoke(pk: int, *, at: int) -> bool:
    """Let an address get no more test mails, those in line neither; return whether it did."""
    with transaction.atomic():
        if not TeamAddress.objects.filter(pk=pk, revoked_at=None).update(revoked_at=at, digest=""):
            return False
        Trial.objects.filter(to_id=pk, taken_at=None).update(
            taken_at=at, problem="revoked", as_customer=None
        )
    return True


def members() -> list[TeamAddress]:
    """Return all addresses that were not revoked, verified ones first."""
    found = TeamAddress.objects.filter(revoked_at=None)
    return sorted(found, key=lambda one: (one.verified_at is None, one.address))


def _again(address: str, *, by: str, at: int) -> TeamAddress:
    """Ask once more at an address that was asked before."""
    known = TeamAddress.objects.get(address=address)
    if known.verified_at is not None and known.revoked_at is None:
        raise TeamError(_("This address is verified already."))
    asked = TeamAddress.objects.filter(pk=known.pk, asked_at=known.asked_at).filter(
        asked_at__lte=at - AN_ADDRESS_EVERY
    )
    if not asked.update(
        asked_by=by, asked_at=at, mailed_at=None, digest="", verified_at=None, revoked_at=None
    ):
        raise TeamError(_("This address was asked within a day: it can be asked again tomorrow."))
    known.refresh_from_db()
    return known


def _address(text: str) -> str:
    """Return the one address that ``text`` is; whatever stands beside it makes it none."""
    advice = _("Write one e-mail address, such as ayse@otel.example.")
    text = text.strip()
    if not text.isprintable() or any(letter in text for letter in " ,;<>|"):
        raise TeamError(advice)
    try:
        address = contacts.email(text)
        found = on_the_wire(address) if address else ""
    except (contacts.ContactError, AddressError) as error:
        raise TeamError(advice) from error
    if not found:
        raise TeamError(advice)
    return found


def _digest(token: str) -> str:
    """Return the SHA-256 of a token in hex: it is random, so it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
