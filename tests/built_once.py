"""Rows that many tests begin with: written once, and laid down again for every later test.

Writing a company row by row takes longer than most of the tests that look at it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connection, router, transaction
from django.db.models import Model


class Rows:
    """What ``build`` writes into an empty database, however often it is asked for."""

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build
        self._kept: list[_Kept] = []

    def lay(self) -> None:
        """Write the rows; with their numbers of the first time, where nothing is in the way."""
        if self._kept and _are_empty([one.model for one in self._kept]):
            # A row may come before what it points to: databases ask for that at the commit.
            with transaction.atomic(), connection.cursor() as cursor:
                for one in self._kept:
                    cursor.executemany(one.statement, one.rows)
            _go_on_counting([one.model for one in self._kept])
            return
        empty = [one for one in _models() if not one._base_manager.exists()]
        self._build()
        if not self._kept:
            self._kept = [_kept(one) for one in empty if one._base_manager.exists()]


@dataclass(frozen=True)
class _Kept:
    model: type[Model]
    statement: str
    rows: list[tuple[Any, ...]]


def _kept(model: type[Model]) -> _Kept:
    fields = model._meta.concrete_fields
    names = ", ".join(connection.ops.quote_name(one.column) for one in fields)
    places = ", ".join(["%s"] * len(fields))
    return _Kept(
        model,
        f"insert into {model._meta.db_table} ({names}) values ({places})",
        [
            tuple(one.get_db_prep_save(getattr(row, one.attname), connection) for one in fields)
            for row in model._base_manager.order_by("pk")
        ],
    )


def _models() -> list[type[Model]]:
    """Return the models whose connection is the usual one; the log has its own."""
    models = apps.get_models(include_auto_created=True)
    here = [one for one in models if router.db_for_read(one) == DEFAULT_DB_ALIAS]
    return [one for one in here if one._meta.managed and not one._meta.proxy]


def _are_empty(models: list[type[Model]]) -> bool:
    some = [f"exists (select 1 from {one._meta.db_table})" for one in models]
    with connection.cursor() as cursor:
        cursor.execute(f"select {' or '.join(some)}")
        return not cursor.fetchone()[0]


def _go_on_counting(models: list[type[Model]]) -> None:
    """Let PostgreSQL's sequences go on behind rows that brought their numbers, as SQLite's do."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
