"""The names of a segment: what must be there, and a key made of the title."""

from __future__ import annotations

import re

from django.utils.translation import gettext

from pusula.lib import text
from pusula.segments import queries
from pusula.segments.models import Segment

_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST = 60
_RESERVED_START = "+"


def key_of(words: dict[str, str]) -> str:
    """Return a key made of the title, that no other segment has; empty without a title."""
    title = words["title_en"] or words["title_tr"]
    plain = re.sub(r"[^a-z0-9]+", "-", text.name_key(title)).strip("-")[:_LONGEST].strip("-")
    if not plain:
        return ""
    taken = set(Segment.objects.filter(key__startswith=plain).values_list("key", flat=True))
    names = (plain, *(f"{plain}-{i}" for i in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _is_taken(words: dict[str, str]) -> bool:
    """Return whether a segment in use is called so: two of one name cannot be told apart."""
    named = {f"title_{c}": text.name_key(words[f"title_{c}"]) for c in ("tr", "en")}
    for segment in queries.active():
        title = queries.words(segment)["title"]
        if any(text.name_key(title.get(c, "")) == named[f"title_{c}"] for c in ("tr", "en")):
            return True
    return False


def problem(words: dict[str, str], segment: Segment | None) -> str:
    """Return what is wrong with the words; fill in what follows from the others.

    A title in one language stands for both until there is one in the other.
    """
    for name in ("title", "description"):
        given = words[f"{name}_tr"].strip() or words[f"{name}_en"].strip()
        for code in ("tr", "en"):
            words[f"{name}_{code}"] = words[f"{name}_{code}"].strip() or given
    if not words["title_tr"]:
        return gettext("Give the segment a name.")
    if segment is None and _is_taken(words):
        return gettext("Another segment has this name already: give this one a name of its own.")
    if segment is not None:
        return ""
    words["key"] = words["key"].strip() or key_of(words)
    if not _KEY.fullmatch(words["key"]):
        return gettext("A key has small letters, digits and hyphens, such as repeat-guests.")
    if Segment.objects.filter(key=words["key"]).exists():
        return gettext("There is a segment with this key already: choose another key.")
    return ""
