"""The columnar face of messages that reached people: when each left, and when its person reacted.

A reaction is something a person did: a click where the message is written, an answer where it is
spoken. Opens are none: mail programs open by themselves.
"""

from __future__ import annotations

import pyarrow as pa
from django.db import connection

from pusula.consent.models import Channel
from pusula.lake import arrow
from pusula.outbox import machine
from pusula.outbox.models import ReceiptKind
from pusula.outbox.reasons import Reason

SCHEMA = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("channel", pa.string()),
        ("sent_at", pa.int64()),
        ("reacted_at", pa.int64()),
    ]
)
_SQL = """
SELECT m.profile_id, m.channel, coalesce(m.gated_at, m.settled_at) AS sent_at,
       CASE WHEN m.channel <> %s THEN c.at WHEN m.state = %s THEN m.settled_at END AS reacted_at
FROM outbox_message m
LEFT JOIN (
  SELECT message_id, min(at) AS at FROM outbox_receipt
  WHERE kind = %s AND NOT is_machine AND at < %s
  GROUP BY message_id
) c ON c.message_id = m.id
WHERE m.settled_at < %s
  AND (m.state = %s OR (m.channel = %s AND m.state = %s AND m.reason = %s))
ORDER BY m.profile_id, sent_at, m.id
"""


def reactions(before_at: int) -> pa.Table:
    """Return the messages that were settled before a moment, with what was known then.

    Columns as in ``SCHEMA``, by profile and time; ``reacted_at`` is null where nobody reacted. Of
    calls, those that nobody took are in it too: a call that was answered is one that was sent.
    """
    call, click = Channel.CALL.value, ReceiptKind.CLICKED.value
    params = [
        call, machine.SENT, click, before_at, before_at,
        machine.SENT, call, machine.FAILED, Reason.NO_ANSWER.value,
    ]  # fmt: skip
    with connection.cursor() as cursor:
        return arrow.fetch(cursor, _SQL, params, SCHEMA)
