"""Taking due messages for one sender; what another has taken is left alone."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.db import connection, transaction

from pusula.consent.models import Channel
from pusula.outbox import machine, room
from pusula.outbox.letters import Letter
from pusula.outbox.models import FENCE, Hold, channel_hold

# What another sender is claiming just now is passed by; the update names what it expects to find.
_CLAIM = f"""
with due as (
  select id from outbox_message
  where channel = %s and state = '{machine.PENDING}' and owner = '' and due_at <= %s
    {{kind}} {{free}}
  order by due_at, id limit %s {{locked}})
update outbox_message set owner = %s
where id in (select id from due) and state = '{machine.PENDING}' and owner = ''
  and not_after_at < %s
returning due_at, id, token, origin, profile_id, content_id, address, n_attempts, variables
"""
_INFORMS, _SELLS = "and not is_commercial", "and is_commercial"
_NEVER = 2**62


def claim(owner: str, *, n: int, at: int, channel: str = Channel.EMAIL) -> list[Letter]:
    """Take up to ``n`` messages of ``channel`` due at ``at`` that nobody has and nothing holds.

    The update names what it expects to find, so of two senders only one gets a message. Of a
    channel with a budget no more than there is room for; what only informs needs none, and comes
    first, however many wait. So does what is too late, where it is among the next in line.
    """
    with transaction.atomic():
        held = set(Hold.objects.values_list("origin", flat=True))
        if held & {"", FENCE, channel_hold(channel)}:
            return []
        free = room.left(channel, at=at)
        if free is None:
            rows = _taken(owner, channel, at, held, n=n)
        else:
            rows = _taken(owner, channel, at, held, n=n, kind=_INFORMS)
            n, free = n - len(rows), free - len(rows)
            rows += _taken(owner, channel, at, held, n=n, kind=_SELLS, before_at=at)
            rows += _taken(owner, channel, at, held, n=min(n, free), kind=_SELLS)
    return [_letter(row) for row in sorted(rows)]


def _taken(
    owner: str,
    channel: str,
    at: int,
    held: Collection[str],
    *,
    n: int,
    kind: str = "",
    before_at: int = _NEVER,
) -> list[tuple[Any, ...]]:
    """Take the next ``n`` in line, and of these what is worthless after ``before_at``."""
    if n <= 0:
        return []
    marks = ", ".join(["%s"] * len(held))
    sql = _CLAIM.format(
        kind=kind,
        free=f"and origin not in ({marks})" if held else "",
        locked=(
            "for update skip locked"
            if connection.features.has_select_for_update_skip_locked
            else ""
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [channel, at, *held, n, owner, before_at])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _letter(row: tuple[Any, ...]) -> Letter:
    """Return the claimed message of ``row``: most say nothing beyond the profile."""
    _due_at, id_, token, origin, profile_id, content_id, address, n_attempts, said = row
    variables = {} if said == "{}" else json.loads(said)
    return Letter(id_, token, origin, profile_id, content_id, address, n_attempts, variables)
