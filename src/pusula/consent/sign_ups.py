"""Sign-ups by a form: asked, mailed once, confirmed; until then nothing holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from pusula.consent import actions, digests, purposes
from pusula.consent.models import Channel, Reason, SignUp, SignUpForm, SignUpTurn, Suppression
from pusula.lib import clock, ids
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying

AN_ADDRESS_EVERY = clock.DAY
MOST_OF_A_NETWORK = 20  # an hour
GOOD_FOR = 7 * clock.DAY
_MAILED_WITHIN = clock.DAY  # a mail that could not leave for so long is not wanted any more


class TooManyError(PusulaError):
    """A network or a form asks too often."""

    code = "too_many"
    status = 429


@dataclass(frozen=True)
class Asked:
    """What a request says; what else it holds is not looked at."""

    address: str  # as contacts.email returns it
    language: str
    purposes: tuple[str, ...]  # of the form's own; empty: all of them
    network: str
    is_robot: bool = False  # it filled in what people do not see


def add_form(
    slug: str, title: str, wanted: Sequence[str], *, origins: Sequence[str] = (), at: int
) -> SignUpForm:
    """Make a form; raise ``UnknownPurposeError`` or ``BundledError`` for what it may not ask."""
    purposes.check(wanted)
    return SignUpForm.objects.create(
        slug=slug, title=title, purposes=list(wanted), origins=list(origins), created_at=at
    )


def ask(form: SignUpForm, asked: Asked, *, at: int) -> None:
    """Keep a request; its one mail leaves soon, unless a limit was reached.

    The work is the same whether or not we know the address, and so is the answer. Raises
    ``TooManyError`` for a network or form that asks too often, which says nothing of an address.
    """
    hour = SignUp.objects.filter(asked_at__gt=at - clock.HOUR)
    if form.sign_ups.filter(asked_at__gt=at - clock.HOUR).count() >= form.most_an_hour:
        raise TooManyError(Saying("this form is asked too often: try again in an hour"))
    if asked.network and hour.filter(network=asked.network).count() >= MOST_OF_A_NETWORK:
        raise TooManyError(Saying("too many requests from your network: try again in an hour"))
    digest = digests.of(Channel.EMAIL, asked.address)
    wanted = [one for one in form.purposes if not asked.purposes or one in asked.purposes]
    with transaction.atomic():
        is_muted = asked.is_robot or not wanted or not _takes_turn(digest, at)
        SignUp.objects.create(
            form=form,
            digest=digest,
            address="" if is_muted else asked.address,
            token=ids.random_id(),
            language=asked.language,
            purposes=wanted,
            network=asked.network,
            asked_at=at,
            is_muted=is_muted,
        )


def _takes_turn(digest: str, at: int) -> bool:
    """Take the address's turn to be mailed; say whether it was free.

    One statement, so that of two requests at the same moment the database lets one through.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into consent_signupturn (digest, taken_at) values (%s, %s)"
            " on conflict (digest) do update set taken_at = excluded.taken_at"
            " where consent_signupturn.taken_at <= %s",
            [digest, at, at - AN_ADDRESS_EVERY],
        )
        return bool(cursor.rowcount == 1)


def take_mail(*, at: int) -> SignUp | None:
    """Return the next sign-up whose mail is to leave, marked as mailed before it does.

    Who fails then does not try again: a mail nobody asked for must not come twice.
    """
    waiting = SignUp.objects.filter(
        mailed_at=None, is_muted=False, asked_at__gt=at - _MAILED_WITHIN
    )
    for one in waiting.order_by("asked_at")[:20]:
        if SignUp.objects.filter(pk=one.pk, mailed_at=None).update(mailed_at=at):
            return one
    return None


def find(token: str, *, at: int) -> SignUp | None:
    """Return the sign-up a link leads to, if it may still be confirmed."""
    if "\0" in token:  # which no column of PostgreSQL is asked for
        return None
    found = SignUp.objects.select_related("form").filter(
        token=token, confirmed_at=None, is_muted=False, asked_at__gt=at - GOOD_FOR
    )
    return found.exclude(address="").first()


def is_confirmed(token: str, *, at: int) -> bool:
    """Say whether a link that was good has done its work already."""
    done = SignUp.objects.filter(confirmed_at__isnull=False, asked_at__gt=at - GOOD_FOR)
    return "\0" not in token and done.filter(token=token).exists()


def confirmed(one: SignUp, *, at: int) -> bool:
    """Write that the person confirmed; return whether that is news.

    Whoever was erased and comes again of their own will may be written to again.
    """
    with transaction.atomic():
        waiting = SignUp.objects.filter(pk=one.pk, confirmed_at=None)
        if not waiting.update(confirmed_at=at, address=""):
            return False
        erased = Suppression.objects.filter(
            channel=Channel.EMAIL, digest=one.digest, lifted_at=None, reason=Reason.ERASED
        )
        for suppression in erased:
            actions.lift(suppression.pk, by="", reason=f"signed up anew: {one.form.slug}", at=at)
    return True


def forget_old(*, at: int) -> int:
    """Delete sign-ups that nobody confirmed in time, and turns that are over; return how many."""
    SignUpTurn.objects.filter(taken_at__lte=at - AN_ADDRESS_EVERY).delete()
    old = SignUp.objects.filter(confirmed_at=None, asked_at__lte=at - GOOD_FOR)
    return old.delete()[0]
