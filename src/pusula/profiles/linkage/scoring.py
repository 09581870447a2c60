"""Pairs that agree in something, weighed by a trained model: statements of one bucket of people.

The weights are those of Fellegi and Sunter as Splink computes them; a test compares the two.
Compared are some people with everybody, so memory follows the size of a bucket.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import duckdb

from pusula.profiles.linkage import model
from pusula.profiles.linkage.pair import Agreement, Pair

_DECIDING = ("given", "born", "national", "document")
_NAMED = frozenset({model.SAME, model.SWAPPED})
_BATCH = 10_000


class Scorer:
    """Weighs the pairs of ``people`` in a DuckDB by Splink's settings with all chances."""

    def __init__(
        self, db: duckdb.DuckDBPyConnection, columns: Sequence[str], settings: Mapping[str, Any]
    ) -> None:
        self.db = db
        self.columns = list(columns)
        self.blocks = model.blocks(columns)
        self.levels = {
            told["output_column_name"]: told["comparison_levels"]
            for told in settings["comparisons"]
        }
        chance = settings["probability_two_random_records_match"]
        self.prior = math.log2(chance / (1 - chance))
        self._rare = {field: f"tf_{field}" for field in self.columns if self._is_rare(field)}
        for field, table in self._rare.items():
            db.execute(
                f"create table {table} as select {field} as value, count(*)::double /"
                f" (select count({field}) from people) as tf"
                f" from people where {field} is not null group by {field}"
            )
        for number, block in enumerate(self.blocks):
            db.execute(
                f"create table crowd_{number} as select {', '.join(block)} from people"
                f" where {_all_told(block)} group by all having count(*) > {model.MOST_IN_BLOCK}"
            )

    def pairs(
        self, ids: Collection[int], known: Iterable[tuple[int, int]] = (), *, least: float
    ) -> Iterator[Pair]:
        """Yield the pairs of ``ids``, a bucket of those who changed, in the order of their numbers.

        Of two who both changed the one with the lower number finds the other. ``known`` pairs of
        theirs are looked at as well, if they still agree in something. Those that weigh at least
        ``least`` come, and those that share a number of ``model.ALWAYS``.
        """
        self._fill(min(ids), max(ids), list(known))
        same = [f"level_{f} = {self._place(f, model.SAME)}" for f in self._always()]
        asked = " or ".join([f"weight >= {least}", *same])
        found = self.db.sql(f"{self._weighed()} where {asked} order by one, other")
        for batch in found.to_arrow_reader(_BATCH):
            for row in batch.to_pylist():
                yield self._pair(row)

    def _fill(self, first: int, last: int, known: list[tuple[int, int]]) -> None:
        """Make the table of candidates."""
        self.db.execute(
            "create or replace temp table bucket as"
            f" select * from people where is_changed and id between {first} and {last}"
        )
        self.db.execute("create or replace temp table known_pairs (one bigint, other bigint)")
        if known:
            self.db.executemany("insert into known_pairs values (?, ?)", known)
        found = [self._blocked(number, block) for number, block in enumerate(self.blocks)]
        agree = " or ".join(f"({_equal(block)})" for block in self.blocks)
        found.append(
            "select k.one, k.other from known_pairs k join people a on a.id = k.one"
            f" join people b on b.id = k.other where {agree}"
        )
        self.db.execute(f"create or replace temp table pairs as {' union '.join(found)}")

    @staticmethod
    def _blocked(number: int, block: tuple[str, ...]) -> str:
        crowd = " and ".join(f"c.{column} = a.{column}" for column in block)
        return (
            "select least(a.id, b.id) as one, greatest(a.id, b.id) as other"
            f" from bucket a join people b on {_equal(block)}"
            " where a.id <> b.id and (a.id < b.id or not b.is_changed)"
            f" and not exists (select 1 from crowd_{number} c where {crowd})"
        )

    def _weighed(self) -> str:
        levels = [f"{self._level_of(field)} as level_{field}" for field in self.columns]
        rare = [f"{table}.tf as {table}" for table in self._rare.values()]
        joins = [
            f"left join {table} on {table}.value = l.{field}" for field, table in self._rare.items()
        ]
        compared = (
            f"select one, other, {', '.join([*levels, *rare])} from pairs"
            f" join people l on l.id = one join people r on r.id = other {' '.join(joins)}"
        )
        weights = [f"{self._weight_of(field)} as weight_{field}" for field in self.columns]
        total = " + ".join([repr(self.prior), *(f"weight_{field}" for field in self.columns)])
        return (
            f"select * from (select *, {total} as weight from"
            f" (select *, {', '.join(weights)} from ({compared})))"
        )

    def _level_of(self, field: str) -> str:
        """Return the place of the first level that holds; ``field_l`` is how Splink writes it."""
        whens: list[str] = []
        for place, level in enumerate(self.levels[field]):
            condition = level["sql_condition"]
            if condition == "ELSE":
                return f"case {' '.join(whens)} else {place} end"
            for column in self.columns:
                for side in "lr":
                    condition = condition.replace(f"{column}_{side}", f"{side}.{column}")
            whens.append(f"when {condition} then {place}")
        return f"case {' '.join(whens)} end"

    def _weight_of(self, field: str) -> str:
        whens = []
        for place, level in enumerate(self.levels[field]):
            if level.get("is_null_level"):
                continue
            weight = math.log2(level["m_probability"] / level["u_probability"])
            told = repr(weight)
            if "tf_adjustment_column" in level:
                told = f"log2({level['m_probability']!r} / {self._rare[field]})"
            whens.append(f"when {place} then {told}")
        return f"case level_{field} {' '.join(whens)} else 0.0 end"

    def _is_rare(self, field: str) -> bool:
        return any("tf_adjustment_column" in level for level in self.levels[field])

    def _place(self, field: str, name: str) -> int:
        names = [level["label_for_charts"] for level in self.levels[field]]
        return names.index(name)

    def _always(self) -> list[str]:
        return [field for field in model.ALWAYS if field in self.columns]

    def _pair(self, row: Mapping[str, Any]) -> Pair:
        fields = {}
        for field in self.columns:
            level = self.levels[field][row[f"level_{field}"]]["label_for_charts"]
            fields[field] = Agreement(level, round(row[f"weight_{field}"], 1) + 0.0)
        if "family" in fields and fields.get("given") and fields["given"].level == model.SWAPPED:
            fields["family"] = Agreement(model.SWAPPED, 0.0)
        weight = round(row["weight"], 2)
        return Pair(row["one"], row["other"], weight, fields, _is_certain(weight, fields))


def _equal(block: tuple[str, ...]) -> str:
    return " and ".join(f"a.{column} = b.{column}" for column in block)


def _all_told(block: tuple[str, ...]) -> str:
    return " and ".join(f"{column} is not null" for column in block)


def _is_certain(weight: float, fields: Mapping[str, Agreement]) -> bool:
    """Say whether a pair may be merged unseen.

    Twins share all but their given names, father and son all but the day of birth; so the name must
    be the same to the letter, nothing that decides may differ, and something must be one person's.
    """
    level = {field: agreement.level for field, agreement in fields.items()}
    name = level.get("given", model.MISSING)
    if name == model.MISSING:
        name = level.get("family", model.MISSING)
    proof = any(level.get(field) == model.SAME for field in ("born", *model.SINGULAR))
    parts = any(level.get(f) in {model.DIFFERS, model.ALIKE} for f in _DECIDING)
    return weight >= model.CERTAIN and name in _NAMED and proof and not parts
