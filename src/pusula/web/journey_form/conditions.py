"""Conditions inside journeys: the segment builder's form, kept in the fields of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext

from pusula.segments.language import Condition
from pusula.web.builder import documents
from pusula.web.builder.controls import IncompleteError
from pusula.web.builder.draft import WORDS, Draft, Leaf, from_pairs
from pusula.web.builder.fields import Fields

if TYPE_CHECKING:
    from pusula.web.builder.documents import Json, Said
    from pusula.web.builder.picks import Picker


def draft_of(fields: Fields) -> Draft:
    """Return the builder's draft that a node holds; with an empty condition if it holds none."""
    draft = from_pairs((name, value) for name, values in fields.items() for value in values)
    if not draft.inc.parts and not draft.exc.parts:
        draft.inc.parts.append(Leaf(draft.new_id()))
    return draft


def fields_of(draft: Draft) -> Fields:
    """Return the fields of a node that hold the builder's draft."""
    found: dict[str, list[str]] = {}
    for name, value in draft.pairs():
        if name not in WORDS and value:
            found.setdefault(name, []).append(value)
    return Fields(found)


def read(where: Json, picker: Picker) -> Fields:
    """Return the fields of a node that say the condition ``where``, a document."""
    draft = Draft()
    documents.set_condition(draft, where, picker)
    return fields_of(draft)


def said(fields: Fields, picker: Picker) -> Said:
    """Return what the condition of a node says."""
    return documents.say(draft_of(fields), picker)


def document(fields: Fields, picker: Picker) -> tuple[Json, Condition]:
    """Return the condition of a node, as a document too; raise ``IncompleteError``."""
    found = said(fields, picker)
    if found.error:
        raise IncompleteError(found.error)
    if found.problems:
        raise IncompleteError(next(iter(found.problems.values())))
    if found.condition is None:
        raise IncompleteError(gettext("Choose what this condition asks for."))
    return found.document, found.condition
