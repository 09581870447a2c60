"""Taking due messages for one sender; what another has taken is left alone."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection, transaction

from pusula.consent.models import Channel
from pusula.outbox import machine
from pusula.outbox.letters import Letter
from pusula.outbox.models import FENCE, Hold, channel_hold

# What another sender is claiming just now is passed by; the update names what it expects to find.
_CLAIM = f"""
with due as (
  select id from outbox_message
  where channel = %s and state = '{machine.PENDING}' and owner = '' and due_at <= %s
    {{free}}
  order by due_at, id limit %s {{locked}})
update outbox_message set owner = %s
where id in (select id from due) and state = '{machine.PENDING}' and owner = ''
returning due_at, id, token, origin, profile_id, content_id, address, n_attempts, variables
"""


def claim(owner: str, *, n: int, at: int, channel: str = Channel.EMAIL) -> list[Letter]:
    """Take up to ``n`` messages of ``channel`` due at ``at`` that nobody has and nothing holds.

    The update names what it expects to find, so of two senders only one gets a message.
    """
    with transaction.atomic():
        held = set(Hold.objects.values_list("origin", flat=True))
        if held & {"", FENCE, channel_hold(channel)}:
            return []
        marks = ", ".join(["%s"] * len(held))
        sql = _CLAIM.format(
            free=f"and origin not in ({marks})" if held else "",
            locked=(
                "for update skip locked"
                if connection.features.has_select_for_update_skip_locked
                else ""
            ),
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [channel, at, *held, n, owner])
            rows = sorted(cursor.fetchall())
    return [_letter(row) for row in rows]


def _letter(row: tuple[Any, ...]) -> Letter:
    """Return the claimed message of ``row``: most say nothing beyond the profile."""
    _due_at, id_, token, origin, profile_id, content_id, address, n_attempts, said = row
    variables = {} if said == "{}" else json.loads(said)
    return Letter(id_, token, origin, profile_id, content_id, address, n_attempts, variables)
