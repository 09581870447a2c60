"""The names of a journey: what must be there, and a key made of the title."""

from __future__ import annotations

import re

from django.utils.translation import gettext

from pusula.journeys.models import Journey
from pusula.lib import text
from pusula.web.builder.fields import Fields

_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST = 60


def plain(fields: Fields) -> str:
    """Return a key made of the title; empty without one."""
    title = fields.one("title_en") or fields.one("title_tr")
    return re.sub(r"[^a-z0-9]+", "-", text.name_key(title)).strip("-")[:_LONGEST].strip("-")


def key_of(fields: Fields) -> str:
    """Return a key made of the title, that no other journey has; empty without a title."""
    key = plain(fields)
    if not key:
        return ""
    taken = set(Journey.objects.filter(key__startswith=key).values_list("key", flat=True))
    names = (key, *(f"{key}-{i}" for i in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def problem(fields: Fields, journey: Journey | None) -> str:
    """Return what is wrong with the names; fill in what follows from the others."""
    if not fields.one("title_tr") and not fields.one("title_en"):
        return gettext("Give the journey a name.")
    if journey is not None:
        fields.put("key", journey.key)
        return ""
    fields.put("key", fields.one("key") or key_of(fields))
    if not _KEY.fullmatch(fields.one("key")):
        return gettext("A key has small letters, digits and hyphens, such as abandoned-booking.")
    return ""
