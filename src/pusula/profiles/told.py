"""Rows of a person as plain fields: what every owner tells somebody who asks what we hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Model, QuerySet

Record = tuple[str, dict[str, Any]]  # the name of the record, and its fields
# How rows hang together in our tables says nothing to the person.
_LEFT_OUT = frozenset({"id", "profile_id", "origin_id", "text_fold", "name_key"})


def told(
    name: str, found: QuerySet[Any, dict[str, Any]] | QuerySet[Model], *without: str, **extra: str
) -> Iterator[Record]:
    """Yield each row of ``found`` as ``name`` and its columns, but ``without`` some of them.

    ``extra`` names columns of other tables to tell with it: ``segment="segment__key"``.
    """
    columns = [field.attname for field in found.model._meta.concrete_fields]  # noqa: SLF001 - Django's own
    shown = [one for one in columns if one not in _LEFT_OUT and one not in without]
    for row in found.values(*shown, *extra.values()).iterator():
        fields = {column: row[column] for column in shown}
        yield name, {key: row[path] for key, path in extra.items()} | fields
