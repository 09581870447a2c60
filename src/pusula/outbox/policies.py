"""The limits that hold now, and how they change: a new version each time, with who and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

from django.db import connection, transaction

from pusula.outbox import models
from pusula.outbox.rules import policy as rules
from pusula.outbox.rules.policy import UNLIMITED, Policy


@dataclass(frozen=True, slots=True)
class Version:
    """A policy and the number of its version; 0 is the empty one of a new installation."""

    number: int
    policy: Policy


def current() -> Version:
    """Return the limits that hold."""
    with connection.cursor() as cursor:
        cursor.execute("select max(number) from outbox_policy")
        (number,) = cursor.fetchone()
    return of_number(number or 0)


def of_number(number: int) -> Version:
    """Return a version that is known to exist."""
    return Version(number, _read(number)) if number else Version(0, UNLIMITED)


def apply(policy: Policy, *, by: str, at: int, note: str = "") -> Version:
    """Let ``policy`` hold from now on; the same as the present one changes nothing."""
    with transaction.atomic():
        held = current()
        if held.policy == policy:
            return held
        number = held.number + 1
        models.Policy.objects.create(
            number=number, definition=rules.plain(policy), memory=policy.memory,
            note=note[:400], applied_at=at, applied_by=by,
        )  # fmt: skip
    return Version(number, policy)


def history(limit: int = 50) -> list[models.Policy]:
    """Return the versions, the newest first."""
    return list(models.Policy.objects.order_by("-number")[:limit])


def _read(number: int) -> Policy:
    row = models.Policy.objects.filter(number=number).values_list("definition", flat=True).get()
    return _parsed(number, json.dumps(row, sort_keys=True))


@lru_cache(maxsize=64)
def _parsed(number: int, definition: str) -> Policy:
    return rules.parse(json.loads(definition), f"policy {number}")
