"""How the rows of a person pass from one profile to another and back: what every owner uses.

A row that has passed on keeps in ``origin_id`` the profile it belonged to before any merge, so the
rows of a merged profile are found again however many merges came later, and in whatever order they
are undone. Names of tables and columns come from our own code.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from pusula.lake import rows
from pusula.profiles.models import Identifier, IdentifierKind, Shelved

_ADDRESSES = (IdentifierKind.EMAIL, IdentifierKind.PHONE)


def move(table: str, loser: int, winner: int) -> None:
    """Give all rows of ``loser`` to ``winner``."""
    _run(
        f"update {table} set origin_id = coalesce(origin_id, profile_id), profile_id = %s"
        " where profile_id = %s",
        [winner, loser],
    )


def give_back(table: str, winner: int, origins: Collection[int], to: int) -> None:
    """Give those rows of ``winner`` that came from ``origins`` to the profile ``to``."""
    _run(
        f"update {table} set profile_id = %s, origin_id = nullif(origin_id, %s)"
        f" where profile_id = %s and origin_id in ({_marks(origins)})",
        [to, to, winner, *origins],
    )


def give_back_addressed(table: str, winner: int, origins: Collection[int], to: int) -> None:
    """Give those rows of ``winner`` that speak of an address which came from ``origins`` to ``to``.

    What was sent to an address while two were one goes where the address goes, unless somebody who
    stays has it too. Comes before the addresses themselves are given back.
    """
    brought: dict[str, int] = {}
    stays: set[str] = set()
    for value, origin in _addresses(winner):
        if origin is not None and origin in origins:
            brought[value] = origin
        else:
            stays.add(value)
    for value in brought.keys() - stays:
        origin = brought[value]
        _run(
            f"update {table} set profile_id = %s, origin_id = %s"
            " where profile_id = %s and address = %s",
            [to, None if origin == to else origin, winner, value],
        )


def _addresses(profile_id: int) -> list[tuple[str, int | None]]:
    """Return the addresses of somebody, those on the shelf too, and whom they came from."""
    held = Identifier.objects.filter(profile_id=profile_id, kind__in=_ADDRESSES)
    shelved = Shelved.objects.filter(
        profile_id=profile_id, table="profiles_identifier", row__kind__in=_ADDRESSES
    )
    return [
        *held.values_list("value", "origin_id"),
        *((kept.row["value"], kept.origin_id) for kept in shelved),
    ]


Row = dict[str, Any]


@dataclass(frozen=True)
class Once:
    """A table in which a profile has one row for each value of the columns ``of``.

    Where a merged person has several, the first by ``rank`` stays in the table; the others wait in
    ``Shelved``. Which that is follows from the rows alone, not from the order of merges. ``parent``
    is another table whose rows it speaks of, and the column with their ids: a row whose parent is
    gone does not come back from the shelf.
    """

    table: str
    columns: tuple[str, ...]  # beside id, profile_id and origin_id; what JSON can hold
    of: tuple[str, ...]
    rank: Callable[[Row], tuple[Any, ...]]
    parent: tuple[str, str] | None = None

    def move(self, loser: int, winner: int) -> None:
        """Give all rows of ``loser`` to ``winner``."""
        held = self._rows([loser, winner])
        for row in held:
            if row["profile_id"] == loser:
                row["origin_id"] = row["origin_id"] or loser
                row["profile_id"] = winner
        self._write(held)

    def give_back(self, winner: int, origins: Collection[int], to: int) -> None:
        """Give those rows of ``winner`` that came from ``origins`` to the profile ``to``."""
        held = self._rows([winner, to])
        for row in held:
            if row["profile_id"] == winner and row["origin_id"] in origins:
                row["origin_id"] = None if row["origin_id"] == to else row["origin_id"]
                row["profile_id"] = to
        self._write(held)

    def _rows(self, profile_ids: Sequence[int]) -> list[Row]:
        """Return the rows of these profiles: also those on the ``shelf``, with their number there.

        ``was`` is the profile they belong to before anything is written.
        """
        names = ("id", "profile_id", "origin_id", *self.columns)
        with connection.cursor() as cursor:
            cursor.execute(
                f"select {', '.join(map(connection.ops.quote_name, names))} from {self.table}"
                f" where profile_id in ({_marks(profile_ids)})",
                profile_ids,
            )
            found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        shelf: dict[int, int] = {}
        for kept in Shelved.objects.filter(table=self.table, profile_id__in=profile_ids):
            shelf[kept.row["id"]] = kept.pk
            owner = {"profile_id": kept.profile_id, "origin_id": kept.origin_id}
            found.append({**kept.row, **owner})
        for row in found:
            row |= {"shelf": shelf.get(row["id"]), "was": row["profile_id"]}
        return found

    def _write(self, held: Iterable[Row]) -> None:
        first: dict[tuple[Any, ...], Row] = {}
        others: list[Row] = []
        for row in sorted(held, key=self.rank):
            place = (row["profile_id"], *(row[column] for column in self.of))
            if place in first:
                others.append(row)
            else:
                first[place] = row
        for row in others:
            self._shelve(row)
        for row in first.values():  # those that move make room for those that come back
            if row["shelf"] is None and row["was"] != row["profile_id"]:
                _run(
                    f"update {self.table} set profile_id = %s, origin_id = %s where id = %s",
                    [row["profile_id"], row["origin_id"], row["id"]],
                )
        self._bring_back([row for row in first.values() if row["shelf"] is not None])

    def _shelve(self, row: Row) -> None:
        owner = {"profile_id": row["profile_id"], "origin_id": row["origin_id"]}
        if row["shelf"] is not None:
            Shelved.objects.filter(pk=row["shelf"]).update(**owner)
            return
        _run(f"delete from {self.table} where id = %s", [row["id"]])
        kept = {name: row[name] for name in ("id", *self.columns)}
        Shelved.objects.create(table=self.table, row=kept, **owner)

    def _bring_back(self, held: Sequence[Row]) -> None:
        Shelved.objects.filter(pk__in=[row["shelf"] for row in held]).delete()
        if self.parent is not None and held:
            table, column = self.parent
            asked = [row[column] for row in held]
            with connection.cursor() as cursor:
                cursor.execute(f"select id from {table} where id in ({_marks(asked)})", asked)
                present = {pk for (pk,) in cursor.fetchall()}
            held = [row for row in held if row[column] in present]
        names = ("id", "profile_id", "origin_id", *self.columns)
        columns = [connection.ops.quote_name(name) for name in names]  # "group" is one
        values = ([row[name] for name in names] for row in held)
        rows.insert(connection, self.table, columns, values)


def _marks(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _run(sql: str, parameters: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
