"""Whom test messages may go to: people of the company, each by what is proven to be theirs.

An e-mail address gets one link by mail, and counts once its owner has pressed the button behind
it. A number gets a code by SMS, and counts once the code is typed. A browser counts when whoever
uses it allows pushes of ours in it. Of links and codes only digests are kept; each works once. What
is a customer's is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import TeamAddress, TeamKind, Trial
from pusula.channels.email.address import AddressError, on_the_wire
from pusula.channels.webpush.encryption import Keys, SubscriptionError
from pusula.channels.webpush.provider import may_call
from pusula.lib import clock, ids
from pusula.lib.sayings import Saying, kept
from pusula.outbox import providers, subscriptions
from pusula.outbox.models import PushSubscription
from pusula.profiles import contacts
from pusula.profiles.models import Identifier, IdentifierKind

AN_ADDRESS_EVERY = clock.DAY
MOST_A_DAY = 20  # links of the whole company: this is no way to write to strangers
GOOD_FOR = clock.DAY
CODE_GOOD_FOR = clock.HOUR
REVOKED = Saying("its address was taken off the list meanwhile")
MOST_TRIES = 5  # of a code that has a million values
_CODE_DIGITS = 6
_LONGEST_NUMBER = 40
_LONGEST_ENDPOINT = 2_000
_PLAIN_NUMBER = re.compile(r"\+?[0-9() .-]+")


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
    return _asked(address, kind=TeamKind.EMAIL, by=by, at=at)


def invite_number(text: str, *, by: str, at: int) -> TeamAddress:
    """Have a code sent to a number; whoever holds it can then type the code.

    Raises ``TeamError`` for what is no number, a customer's, or asked too often.
    """
    number = _number(text)
    if Identifier.objects.filter(kind=IdentifierKind.PHONE, value=number).exists():
        raise TeamError(_("This is the number of a customer: test messages go to your team only."))
    return _asked(number, kind=TeamKind.PHONE, by=by, at=at)


def take_code(*, at: int) -> tuple[TeamAddress, str] | None:
    """Return the next number that a code is to be sent to, and the code; marked before it is."""
    for one in _uninvited(TeamKind.PHONE, at).order_by("asked_at")[:20]:
        code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}"
        taken = _uninvited(TeamKind.PHONE, at).filter(pk=one.pk)
        if taken.update(mailed_at=at, digest=_code_digest(one.pk, code), n_tries=0):
            return one, code
    return None


def verify_code(pk: int, typed: str, *, at: int) -> bool:
    """Verify a number by the code it got; return whether this did. Each try is counted first.

    Raises ``TeamError`` once too many were wrong.
    """
    waiting = TeamAddress.objects.filter(
        pk=pk, kind=TeamKind.PHONE, verified_at=None, revoked_at=None,
        mailed_at__gt=at - CODE_GOOD_FOR,
    )  # fmt: skip
    if not waiting.filter(n_tries__lt=MOST_TRIES).update(n_tries=F("n_tries") + 1):
        raise TeamError(_("This code does not hold any more: have a new one sent tomorrow."))
    digest = _code_digest(pk, "".join(typed.split()))
    return bool(waiting.filter(digest=digest).update(verified_at=at, digest=""))


def add_browser(told: Mapping[str, Any], *, name: str, by: str, at: int) -> TeamAddress:
    """Let test pushes go to the browser whose subscription ``told`` holds; its user agreed in it.

    Raises ``TeamError`` for what is no subscription of a push service, or is a customer's.
    """
    endpoint = str(told.get("endpoint") or "")
    keys = Keys(str(told.get("p256dh") or ""), str(told.get("auth") or ""))
    if len(endpoint) > _LONGEST_ENDPOINT or not may_call(endpoint, providers.push_hosts()):
        raise TeamError(_("This browser did not say where pushes go to."))
    try:
        keys.checked()
    except SubscriptionError as error:
        raise TeamError(error.saying) from error
    address = subscriptions.address_of(endpoint)
    if PushSubscription.objects.filter(address=address).exists():
        raise TeamError(_("This is the browser of a customer: test pushes go to your team only."))
    values = {
        "kind": TeamKind.BROWSER,
        "name": name[:120],
        "told": {
            "endpoint": endpoint,
            "p256dh": keys.p256dh.rstrip("="),
            "auth": keys.auth.rstrip("="),
            "vapid_key": str(told.get("vapid_key") or "").rstrip("=")[:100],
        },
        "asked_by": by,
        "asked_at": at,
        "verified_at": at,
        "revoked_at": None,
    }
    return TeamAddress.objects.update_or_create(address=address, defaults=values)[0]


def take_invitation(*, at: int) -> tuple[TeamAddress, str] | None:
    """Return the next address whose link is to leave, and the token of the link.

    Marked as mailed before it leaves: a mail that nobody asked for must not come twice.
    """
    waiting = _uninvited(TeamKind.EMAIL, at)
    for one in waiting.order_by("asked_at")[:20]:
        token = ids.random_id()
        if waiting.filter(pk=one.pk).update(mailed_at=at, digest=_digest(token)):
            return one, token
    return None


def invited(token: str, *, at: int) -> TeamAddress | None:
    """Return the address that a link would verify; ``None`` if it is spent, old or not ours."""
    return TeamAddress.objects.filter(
        kind=TeamKind.EMAIL, digest=_digest(token), verified_at=None, revoked_at=None,
        mailed_at__gt=at - GOOD_FOR,
    ).first()  # fmt: skip


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
            taken_at=at, problem=kept(REVOKED), as_customer=None
        )
    return True


def members() -> list[TeamAddress]:
    """Return all addresses that were not revoked, verified ones first."""
    found = TeamAddress.objects.filter(revoked_at=None)
    return sorted(found, key=lambda one: (one.verified_at is None, one.kind, one.address))


def verified(kind: str) -> list[TeamAddress]:
    """Return what test messages of a kind may go to."""
    return [one for one in members() if one.kind == kind and one.verified_at is not None]


def _uninvited(kind: str, at: int) -> QuerySet[TeamAddress]:
    return TeamAddress.objects.filter(
        kind=kind, mailed_at=None, revoked_at=None, verified_at=None, asked_at__gt=at - GOOD_FOR
    )


def _asked(address: str, *, kind: str, by: str, at: int) -> TeamAddress:
    n_today = TeamAddress.objects.filter(asked_at__gt=at - clock.DAY).count()
    if n_today >= MOST_A_DAY:
        raise TeamError(_("Too many addresses were added today: go on tomorrow."))
    try:
        with transaction.atomic():
            return TeamAddress.objects.create(kind=kind, address=address, asked_by=by, asked_at=at)
    except IntegrityError:
        return _again(address, by=by, at=at)


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


def _number(text: str) -> str:
    """Return the one number that ``text`` is, as E.164."""
    advice = _("Write one phone number, such as +90 532 123 45 67.")
    try:
        found = contacts.phone(text[:_LONGEST_NUMBER], settings.PUSULA.phone_region)
    except contacts.ContactError as error:
        raise TeamError(advice) from error
    if not found or not _PLAIN_NUMBER.fullmatch(text.strip()):
        raise TeamError(advice)
    return found


def _code_digest(pk: int, code: str) -> str:
    """Return the digest of a code: with our secret, since there are few codes."""
    told = f"team:{pk}:{code}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), told, "sha256").hexdigest()


def _digest(token: str) -> str:
    """Return the SHA-256 of a token in hex: it is random, so it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
