"""Profiles from files: names, identifiers, traits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from pusula.profiles import actions, queries, resolve
from pusula.profiles.models import TraitKind
from pusula.profiles.relations import Ids
from pusula.sources import references
from pusula.sources.coerce import Coerce, Reading
from pusula.sources.kinds.kind import Kind, Outcome, Told
from pusula.sources.mapping import Mapping as FileMapping
from pusula.sources.rejects import Rejects
from pusula.sources.rows import Rows, Values
from pusula.sources.spool import Group, Spool, by_appearance

_NAME = 120
_NAMES = ("first_name", "last_name", "full_name")
_FACTS = pa.schema(
    [("first_name", pa.string()), ("last_name", pa.string()), ("created_at", pa.int64())]
)
_TRAIT_TYPES = {
    TraitKind.TEXT: pa.string(),
    TraitKind.NUMBER: pa.float64(),
    TraitKind.DAY: pa.date32(),
    TraitKind.BOOL: pa.bool_(),
}


class Profiles(Kind):
    """One row is what the source knows of one person."""

    name = "profiles"
    fields = (*references.FIELDS, *_NAMES, "created_at")
    needed = ()

    def __init__(self, mapping: FileMapping, reading: Reading, rejects: Rejects) -> None:
        super().__init__(mapping, reading, rejects)
        # A trait is of one kind, whoever brings it: conditions compare it as that.
        present = queries.trait_kinds()
        for name, kind in self.traits.items():
            if present.get(name, kind) != kind:
                words = {"kind": present[name]}
                problem = _("is a %(kind)s trait already: give it that type or another name")
                raise mapping.error(f"[traits] {name}", problem % words)

    def own_readers(self) -> dict[str, Coerce]:
        """Return how names and the creation time are read."""
        return {
            **{name: self.reading.text(_NAME) for name in _NAMES},
            "created_at": self.reading.past_moment,
        }

    @property
    def traits(self) -> dict[str, TraitKind]:
        """The traits of the mapping; text where it names no type."""
        return {name: one.kind or TraitKind.TEXT for name, one in self.mapping.typed.items()}

    @property
    def schema(self) -> pa.Schema:
        """Columns of the reference, the names and the traits."""
        traits = [(_trait(name), _TRAIT_TYPES[kind]) for name, kind in self.traits.items()]
        return pa.schema([*references.SCHEMA, *_FACTS, *pa.schema(traits)])

    def read(self, rows: Rows) -> pa.Table:
        """Return the good rows."""
        full = rows.values("full_name")
        created_at = rows.values("created_at")
        met_at = [self.reading.at if at is None else at for at in created_at.distinct]
        columns: dict[str, Values | pa.Array] = {
            "first_name": rows.combine("first_name", _first, rows.values("first_name"), full),
            "last_name": rows.combine("last_name", _last, rows.values("last_name"), full),
            "created_at": created_at,
        }
        for name, one in self.mapping.typed.items():
            columns[_trait(name)] = rows.typed(one, self.reading, TraitKind.TEXT)
        columns.update(references.columns(rows, Values(created_at.codes, met_at)))
        return rows.table(columns, self.schema)

    def write(self, spool: Spool, people: references.Resolved, told: Told) -> Outcome:
        """Write names and traits; of several rows for one profile the last word counts."""
        outcome = Outcome(touched=[people.learned])
        done = 0
        for group in spool.groups(by_appearance(pa.chunked_array([_said_of(people)]))):
            owners = people.profile_ids[group.positions]
            origins = people.origins[group.positions][group.begins]
            facts = self._facts(group, owners[group.begins], origins)
            renamed: list[actions.Renamed] = []
            changed = actions.record(
                facts, source=self.mapping.source, at=self.reading.at, renamed=renamed
            )
            ids = np.array([fact.profile_id for fact in facts], np.int64)
            is_new = np.isin(ids, people.created)
            # Of a profile that this import made there is nothing to give back.
            made = set(ids[is_new].tolist())
            outcome.renamed += [one for one in renamed if one.profile_id not in made]
            n_new = int(is_new.sum())
            n_touched = int((np.isin(ids, changed) | np.isin(ids, people.learned)).sum())
            outcome.n_new += n_new
            outcome.n_changed += n_touched - n_new
            outcome.n_same += int((owners != resolve.AMBIGUOUS).sum()) - n_touched
            outcome.touched.append(changed)
            done += len(owners)
            told(done)
        return outcome

    def _facts(self, group: Group, owners: Ids, origins: Ids) -> list[actions.Facts]:
        """Return what the rows of each profile say together; reject those of nobody's."""
        names = [*_FACTS.names, *map(_trait, self.traits)]
        columns = [group.table[name].to_pylist() for name in names]
        spans = zip(group.begins.tolist(), group.ends.tolist(), strict=True)
        facts = []
        for owner, origin, (begin, end) in zip(
            owners.tolist(), origins.tolist(), spans, strict=True
        ):
            if owner == resolve.AMBIGUOUS:
                for row in range(begin, end):
                    references.reject_ambiguous(self.rejects, self.mapping, group.table, row)
                continue
            told = [_last_told(column[begin:end]) for column in columns]
            first_name, last_name, created_at, *values = told
            traits = {
                name: actions.Value(kind, value)
                for (name, kind), value in zip(self.traits.items(), values, strict=True)
                if value is not None
            }
            facts.append(
                actions.Facts(
                    owner, first_name or "", last_name or "", created_at, traits, origin or None
                )
            )
        return facts


def _said_of(people: references.Resolved) -> Ids:
    """Return a number for each row that differs with its profile and the merged one it named."""
    return people.profile_ids + (people.origins << 32)


def _trait(name: str) -> str:
    """Return the spool's column for a trait; a trait may be called like another column."""
    return f"trait {name}"


def _last_told(values: list[Any]) -> Any:
    return next((value for value in reversed(values) if value is not None), None)


def _first(first_name: str | None, full_name: str | None) -> str | None:
    """Return the first name: as told, else all words of the full name but the last."""
    if first_name is not None or full_name is None:
        return first_name
    before, _space, last = full_name.rpartition(" ")
    return before.strip() or last


def _last(last_name: str | None, full_name: str | None) -> str | None:
    if last_name is not None or full_name is None:
        return last_name
    return full_name.rpartition(" ")[2] if " " in full_name else None
