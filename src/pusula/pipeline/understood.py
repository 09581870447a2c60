"""Entries of the log, understood; what cannot be taken over is put aside with its reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from pusula.lib import sayings
from pusula.lib.sayings import Saying, joined
from pusula.pipeline import entries, messages
from pusula.pipeline.entries import Told
from pusula.pipeline.messages import Company
from pusula.pipeline.models import Quarantine
from pusula.pipeline.queries import TOMBSTONE, Logged
from pusula.pipeline.refusals import PARTLY, RefusedError

_REASON = 2_000
_MOST_LEFT = 8  # reasons of one message: a row has no room for more, nor has a step for thousands


@dataclass(frozen=True, slots=True)
class Aside:
    """An entry that is put aside, and why; ``is_rest``: what else it says was taken over.

    ``is_common``: the same reason holds for many entries of a source; the first of them will do.
    """

    entry: Logged
    reason: Saying | str
    is_rest: bool = False
    is_common: bool = False


@dataclass(frozen=True)
class Understood:
    """What entries say, and those of which something cannot be taken over."""

    told: list[Told] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)


def read(logged: Sequence[Logged], *, at: int, again: Collection[int] = ()) -> Understood:
    """Return what entries say, at a step of the moment ``at``.

    Of the entries ``again`` something was taken over before: what they say of traits is past.
    """
    company = settings.PUSULA
    about = Company(company.phone_region, company.currency, company.time_zone)
    found = Understood()
    for entry in logged:
        if entry.body == TOMBSTONE:
            continue
        try:
            # Only what was before the moment of an evaluation counts in it.
            _read(entry, about, at - 1, found)
        except RefusedError as error:
            found.aside.append(Aside(entry, error.saying))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is of this one entry
            found.aside.append(Aside(entry, f"{type(error).__name__}: {error}"))
    if again:
        found.told[:] = [one for one in found.told if not _is_past(one, again)]
    return found


def _read(entry: Logged, company: Company, latest: int, found: Understood) -> None:
    if entry.kind != messages.KIND:
        found.told.append(
            entries.read(entry, region=company.region, currency=company.currency, latest=latest)
        )
        return
    reading = messages.read(entry, company, latest=latest)
    found.told.extend(reading.told)
    found.aside.extend(
        Aside(entry, one, is_rest=True, is_common=True) for one in reading.left[:_MOST_LEFT]
    )
    if reading.problem:
        found.aside.append(Aside(entry, reading.problem, is_rest=True))


def _is_past(told: Told, again: Collection[int]) -> bool:
    return told.kind == "trait" and told.entry.id in again


def refused(told: Iterable[tuple[Told, Saying | str]]) -> list[Aside]:
    """Return what its owners refused; of a message that tells of an order the event stands."""
    return [
        Aside(one.entry, reason, is_rest=one.entry.kind == messages.KIND and one.kind == "order")
        for one, reason in told
    ]


def put_aside(aside: Sequence[Aside], tries: Mapping[int, int], at: int) -> int:
    """Write what is put aside at the moment ``at``; return how many entries were refused whole.

    ``tries`` is how often an entry was tried before.
    """
    reasons: dict[int, list[Saying | str]] = {}
    found = {}
    whole = {one.entry.id for one in aside if not one.is_rest}
    for one in _telling(aside):
        found[one.entry.id] = one.entry
        reasons.setdefault(one.entry.id, []).append(one.reason)
    Quarantine.objects.bulk_create(
        Quarantine(
            entry_id=entry.id,
            kind=entry.kind,
            source=entry.source,
            reason=_joined(reasons[entry.id], is_rest=entry.id not in whole),
            since_at=at,
            n_tries=tries.get(entry.id, 0) + 1,
        )
        for entry in found.values()
    )
    return len(whole)


def _joined(reasons: Sequence[Saying | str], *, is_rest: bool) -> str:
    """Return reasons as a row keeps them, each once."""
    different = {sayings.kept(one): one for one in reasons}
    text = sayings.kept(joined(list(different.values())), _REASON).replace("\0", "")
    return f"{PARTLY if is_rest else ''}{text}"


def _telling(aside: Sequence[Aside]) -> list[Aside]:
    """Return those that tell something new: a common reason stands once for each source."""
    common = {_joined([one.reason], is_rest=True) for one in aside if one.is_common}
    heard = set(
        Quarantine.objects.filter(kind=messages.KIND, reason__in=common).values_list(
            "source", "reason"
        )
        if common
        else ()
    )
    telling = []
    for one in aside:
        key = (one.entry.source, _joined([one.reason], is_rest=True))
        if not (one.is_common and key in heard):
            telling.append(one)
        if one.is_common:
            heard.add(key)
    return telling
