"""The log and erased people: whom the step refuses, and how entries are made to say nothing."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Collection, Iterable, Iterator, Sequence

from django.conf import settings
from django.db import transaction

from pusula.lake import rows
from pusula.lib.text import nfc
from pusula.pipeline.entries import AliasBody, MergeBody, OrderBody, Told, TraitBody
from pusula.pipeline.models import LogEntry, Offset, Quarantine
from pusula.pipeline.queries import TOMBSTONE, Logged
from pusula.pipeline.refusals import ERASED, PARTLY
from pusula.pipeline.router import LOG
from pusula.pipeline.traits import CLAIMED_EMAIL, CLAIMED_PHONE
from pusula.pipeline.understood import Aside
from pusula.profiles import erased
from pusula.profiles.models import IdentifierKind
from pusula.profiles.needles import Needles
from pusula.profiles.told import Record
from pusula.segments import evaluate

_IN_PART = f"{PARTLY}{ERASED}"  # of an order that was taken over without a guest; gone once blank
_PAGE = 500
_CLAIMS = ((IdentifierKind.EMAIL, CLAIMED_EMAIL), (IdentifierKind.PHONE, CLAIMED_PHONE))
# Fields of bodies that hold an identifier of the kind they are called by.
_NUMBERS = (IdentifierKind.NATIONAL_ID, IdentifierKind.DOCUMENT, IdentifierKind.LOYALTY)


def sort_out(told: Sequence[Told]) -> tuple[list[Told], list[Aside]]:
    """Part what may be taken over from the entries of people who were erased.

    Returns what may be, and the entries to put aside and to blank: those refused, and the bookings
    of others without the guest who was on them. A message is refused as a whole. Of who came back,
    what was before that is refused.
    """
    asked = {pair for one in told for pair in (*_pairs(one), *_guests(one))}
    until = erased.barring(asked)
    if not until:
        return list(told), []

    def is_barred(one: Told, pair: erased.Pair) -> bool:
        return _happened_at(one) < until.get(pair, 0)

    refused = {
        one.entry.id: one.entry for one in told if any(is_barred(one, pair) for pair in _pairs(one))
    }
    lessened: dict[int, Logged] = {}
    taken = [one for one in told if one.entry.id not in refused]
    for one in taken:
        for guest in (one.body.guests or []) if isinstance(one.body, OrderBody) else []:
            if is_barred(one, (IdentifierKind.KEY, f"{one.entry.source}:{guest.key}")):
                guest.key = guest.share_with = ""
                lessened[one.entry.id] = one.entry
    return taken, [
        *(Aside(entry, ERASED) for entry in refused.values()),
        *(Aside(entry, ERASED, is_rest=True) for entry in lessened.values()),
    ]


def blank(ids: Iterable[int]) -> int:
    """Make entries say nothing: they keep id, kind, source and a keyed hash of the message's id.

    Returns how many are blank now. Where a consumer stands on one, it no longer knows the log by
    it. Steps wait meanwhile: no step sees the log and its offset differ.
    """
    n = 0
    for part in rows.parts(sorted(set(ids)), _PAGE):
        with evaluate.alone():
            held = LogEntry.objects.filter(id__in=part).exclude(body=TOMBSTONE)
            message_ids = dict(held.values_list("id", "message_id"))
            Offset.objects.filter(message_id__in=message_ids.values()).update(message_id="")
            with transaction.atomic(using=LOG):
                for entry_id, message_id in message_ids.items():
                    LogEntry.objects.filter(pk=entry_id).update(
                        body=TOMBSTONE, message_id=_mark(entry_id, message_id), occurred_at=None
                    )
            aside = Quarantine.objects.filter(entry_id__in=part)
            aside.filter(reason=_IN_PART).delete()
            aside.exclude(reason=ERASED).update(reason=ERASED)
            n += len(message_ids)
    return n


def about(
    needles: Needles, message_ids: Collection[str] = (), *, after: int = 0, until: int
) -> Iterator[tuple[int, list[LogEntry]]]:
    """Yield page by page how far the log is searched, and the entries that speak of the person.

    That is: one that holds an identifier of theirs, or whose message became a row of theirs.
    """
    while after < until:
        page = list(LogEntry.objects.filter(id__gt=after, id__lte=until).order_by("id")[:_PAGE])
        if not page:
            return
        after = page[-1].pk
        yield after, [one for one in page if _speaks(one, needles, message_ids)]


def told_of(needles: Needles, message_ids: Collection[str], *, until: int) -> Iterator[Record]:
    """Yield the entries of the log about a person, as they came."""
    for _after, found in about(needles, message_ids, until=until):
        for one in found:
            yield (
                "log entry",
                {
                    "kind": one.kind,
                    "source": one.source,
                    "message_id": one.message_id,
                    "body": one.body,
                    "occurred_at": one.occurred_at,
                    "recorded_at": one.recorded_at,
                },
            )


def clear_up() -> int:
    """Blank the entries of erased people whose bodies still stand: a step died before.

    Returns how many are blank now. Whoever goes on with the log begins with it.
    """
    return blank(_left_over())


def _left_over() -> list[int]:
    marked = Quarantine.objects.filter(reason__in=(ERASED, _IN_PART))
    aside = marked.values_list("entry_id", flat=True)
    found: list[int] = []
    for part in rows.parts(aside.iterator()):
        held = LogEntry.objects.filter(id__in=part).exclude(body=TOMBSTONE)
        found += held.values_list("id", flat=True)
    return found


def _speaks(entry: LogEntry, needles: Needles, message_ids: Collection[str]) -> bool:
    if entry.body == TOMBSTONE:
        return False
    return (
        entry.message_id in message_ids
        or needles.are_in(entry.message_id)
        or needles.are_in_json(entry.body, entry.source)
    )


def _happened_at(one: Told) -> int:
    """Return when what an entry tells was: an order, however late it is told, when it was made."""
    return min(one.at, one.body.ordered_at) if isinstance(one.body, OrderBody) else one.at


def _pairs(one: Told) -> list[erased.Pair]:
    said = (
        (IdentifierKind.KEY, one.key),
        (IdentifierKind.EMAIL, one.email),
        (IdentifierKind.PHONE, one.phone),
        (IdentifierKind.ANONYMOUS, one.anonymous),
        *((kind, getattr(one.body, kind, None)) for kind in _NUMBERS),
        *_mentioned(one),
    )
    return [(str(kind), value) for kind, value in said if value]


def _mentioned(one: Told) -> Iterator[tuple[IdentifierKind, str | None]]:
    """Yield what an entry says of a person beside naming them: claims, and who they were before."""
    source = one.entry.source
    if isinstance(one.body, TraitBody):
        for kind, name in _CLAIMS:
            if isinstance(claim := one.body.traits.get(name), str):
                yield kind, claim
    elif isinstance(one.body, AliasBody):
        yield IdentifierKind.KEY, one.body.previous
    elif isinstance(one.body, MergeBody) and one.body.gone_key:
        yield IdentifierKind.KEY, f"{source}:{nfc(one.body.gone_key)}"


def _guests(one: Told) -> list[erased.Pair]:
    guests = (one.body.guests or []) if isinstance(one.body, OrderBody) else []
    key = str(IdentifierKind.KEY)
    return [(key, f"{one.entry.source}:{guest.key}") for guest in guests if guest.key]


def _mark(entry_id: int, message_id: str) -> str:
    """Return what stands for a message's id: nobody else can tell which it was."""
    key = hmac.digest(settings.SECRET_KEY.encode(), b"pusula.pipeline.erasure", "sha256")
    said = hmac.digest(key, message_id.encode(), "sha256")
    return f"~{base64.urlsafe_b64encode(said).rstrip(b'=').decode()}:{entry_id}"
