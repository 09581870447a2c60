"""What the tables know of messages and people when a decision is made."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator

from django.db import connection

from pusula.lake import rows
from pusula.lib import clock
from pusula.outbox import machine
from pusula.outbox.candidates import Decision
from pusula.outbox.models import Message
from pusula.outbox.rules.budgets import next_of, start_of
from pusula.outbox.rules.ledger import Entry
from pusula.outbox.rules.policy import Budget

_SLICE = 15 * clock.MINUTE  # hours and days of every zone begin with one
_LATEST = 2 * clock.DAY  # who leaves later than this after being due takes nobody's place
_DECIDED = """
select dedupe_key, profile_id, state, reason, channel, content_id, address, due_at, open_until_at
from outbox_message where dedupe_key in"""
# What waits is to leave when it is due, now if that is past, never if it is too late.
_SPENT = f"""
select leaves_at / {_SLICE}, waits, count(*) from (
  select state = '{machine.PENDING}' and is_commercial as waits,
    case when state <> '{machine.PENDING}' then coalesce(gated_at, due_at)
    else case when due_at < %s then %s else due_at end end as leaves_at
  from outbox_message where channel = %s and due_at >= %s
    and (state <> '{machine.PENDING}' or not_after_at >= %s)
    and state in ({", ".join(f"'{state}'" for state in machine.COUNTED)})) leaving
where leaves_at >= %s group by 1, 2
"""


def decided(dedupe_keys: Iterable[str]) -> dict[str, Decision]:
    """Return what was decided before, by dedupe key."""
    held = rows.select(connection, _DECIDED, dedupe_keys)
    return {
        key: Decision(
            dedupe_key=key, profile_id=profile_id, state=state, reason=reason,
            channel=channel, content_id=content_id, address=address, due_at=due_at,
            open_until_at=until_at, is_new=False,
        )
        for key, profile_id, state, reason, channel, content_id, address, due_at, until_at in held
    }  # fmt: skip


def there(profile_ids: Iterable[int]) -> set[int]:
    """Return those of the profiles that exist."""
    asked = "select id from profiles_profile where id in"
    return {id_ for (id_,) in rows.select(connection, asked, sorted(profile_ids))}


def inboxes(mailings: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Return which of these (origin, channel, address) have, or are to get, a mailing already."""
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for origin, channel, address in mailings:
        asked[origin, channel].add(address)
    found: set[tuple[str, str, str]] = set()
    for (origin, channel), addresses in asked.items():
        held = Message.objects.filter(
            origin=origin, channel=channel, step="", state__in=machine.COUNTED
        )
        if not held.exists():
            continue  # mostly: a mailing is asked for once
        for part in rows.parts(sorted(addresses)):
            taken = held.filter(address__in=part).values_list("address", flat=True)
            found.update((origin, channel, address) for address in taken)
    return found


def counting(profile_ids: Collection[int], *, memory: int, at: int) -> Iterator[tuple[int, Entry]]:
    """Yield profile and entry of every commercial message that may count at ``at`` or later.

    What waits counts for the moment it is due; what is overdue, for now; what is too late, not.
    """
    for part in rows.parts(sorted(profile_ids)):
        held = Message.objects.filter(
            profile_id__in=part, is_commercial=True, state__in=machine.COUNTED,
            not_after_at__gt=at - memory,
        )  # fmt: skip
        for pk, profile_id, channel, priority, state, due_at, gated_at, not_after_at in (
            held.values_list(
                "pk", "profile_id", "channel", "priority", "state", "due_at", "gated_at",
                "not_after_at",
            )
        ):  # fmt: skip
            if state != machine.PENDING:
                yield profile_id, Entry(pk, gated_at or due_at, channel, priority)
            elif not_after_at >= at:
                due = max(due_at, at)
                yield profile_id, Entry(pk, due, channel, priority, is_pending=True)


def spent(budget: Budget, *, zone: str, at: int) -> list[tuple[int, int]]:
    """Return how many messages leave when: each hour or day from that of ``at`` on, and number.

    What waits and finds no room in its own leaves in the next ones, as at the gate; see ``room``.
    """
    since = start_of(budget.per, at, zone)
    with connection.cursor() as cursor:
        cursor.execute(_SPENT, [at, at, budget.channel, since - _LATEST, at, since])
        rows = cursor.fetchall()
    fixed, waiting = Counter[int](), Counter[int]()
    for slice_, waits, n in rows:
        (waiting if waits else fixed)[start_of(budget.per, slice_ * _SLICE, zone)] += n
    found = list[tuple[int, int]]()
    n_left, slot, last = 0, since, max(fixed.keys() | waiting.keys(), default=0)
    while n_left or slot <= last:
        n_left += waiting[slot]
        n = min(n_left, max(0, budget.most - fixed[slot]))
        found.append((slot, fixed[slot] + n))
        n_left -= n
        slot = next_of(budget.per, slot, zone)
    return found
