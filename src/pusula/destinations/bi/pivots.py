"""Rows that become columns, other ones in each installation: traits, scores, consents, segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from pusula.destinations.bi.tables import Column, Kind, Names, Owned, literal
from pusula.segments.language.schema import Kind as TraitKind

_COLUMNS_OF = {
    TraitKind.TEXT: (Kind.TEXT, "text"),
    TraitKind.LIST: (Kind.TEXT, "replace(text, '\n', '; ')"),
    TraitKind.NUMBER: (Kind.NUMBER, "number"),
    TraitKind.BOOL: (Kind.BOOL, "cast(number as integer)"),
    TraitKind.DAY: (Kind.DAY, "day"),
}
# Narrowed by "where" behind them: inner names are not seen outside.
_NEWEST_SCORES = """(select * from profiles_score scored where not exists (
    select 1 from profiles_score later where later.profile_id = scored.profile_id
      and later.model = scored.model and later.scored_at > scored.scored_at)) newest"""
_OPEN_MEMBERSHIPS = "(select * from segments_membership where left_at is null) open"


@dataclass(frozen=True)
class Wanted:
    """What of this installation becomes columns; all by their own names, as they are stored.

    ``traits``: name, kind and whether Pusula itself computes it. ``segments``: number and key.
    ``consents``: pairs of channel and purpose.
    """

    traits: tuple[tuple[str, TraitKind, bool], ...] = ()
    models: tuple[str, ...] = ()
    segments: tuple[tuple[int, str], ...] = ()
    consents: tuple[tuple[str, str], ...] = ()
    with_identifiers: bool = False


@dataclass(frozen=True)
class _Part:
    """A column that is the greatest of an expression over the rows that meet a condition."""

    column: Column
    value: str
    key: str  # SQL of the key that the column is of; it narrows what is read
    condition: str


@dataclass(frozen=True)
class Pivot:
    """Rows of a table, several for each profile, that become columns of one."""

    alias: str
    table: str
    key: str
    parts: Sequence[_Part]

    @property
    def columns(self) -> list[Column]:
        """The columns that the rows become, in the order of the parts."""
        return [part.column for part in self.parts]

    def joined(self, owned: Owned) -> str:
        """Return the join that gives the columns, nothing where there are none."""
        if not self.parts:
            return ""
        values = ", ".join(
            f"max(case when {part.condition} then {part.value} end) as {part.column.name}"
            for part in self.parts
        )
        keys = sorted({part.key for part in self.parts})
        only = f" and {self.key} in ({', '.join(keys)})" if self.key else ""
        return (
            f"\nleft join (select profile_id, {values} from {self.table}\n"
            f"  where {owned('profile_id')}{only} group by profile_id) {self.alias}"
            f" on {self.alias}.profile_id = p.id"
        )


def pivots(wanted: Wanted, names: Names) -> list[Pivot]:
    """Return what ``wanted`` names, as joins with their columns; ``names`` keeps these apart."""
    return [
        Pivot("t", "profiles_trait", "name", _traits(wanted, names)),
        Pivot("s", _NEWEST_SCORES, "model", _scores(wanted, names)),
        Pivot("c", "consent_consent", "", _consents(wanted, names)),
        Pivot("g", _OPEN_MEMBERSHIPS, "segment_id", _segments(wanted, names)),
    ]


def _traits(wanted: Wanted, names: Names) -> list[_Part]:
    found = []
    for name, kind, is_computed in wanted.traits:
        written, value = _COLUMNS_OF[kind]
        key = literal(name)
        column = names.of("" if is_computed else "trait_", name)
        meaning = _("Trait that Pusula computes") if is_computed else _("Trait that a source tells")
        told = Column(
            column, written, f"t.{column}", meaning, source=f"profiles_trait[{name!r}].{value}"
        )
        found.append(_Part(told, value, key, f"name = {key}"))
    return found


def _scores(wanted: Wanted, names: Names) -> list[_Part]:
    found = []
    for model in wanted.models:
        key = literal(model)
        stored = (
            ("", "value", Kind.NUMBER, _("Newest score of this model")),
            ("_decile", "decile", Kind.COUNT, _("Tenth of the customers by it; 10: the highest")),
            ("_scored_at", "scored_at", Kind.MOMENT, _("When the model gave the score")),
        )
        for ending, value, kind, meaning in stored:
            name = names.of("score_", f"{model}{ending}")
            told = Column(
                name, kind, f"s.{name}", meaning, source=f"profiles_score[{model!r}].{value}"
            )
            found.append(_Part(told, value, key, f"model = {key}"))
    return found


def _consents(wanted: Wanted, names: Names) -> list[_Part]:
    found = []
    for channel, purpose in wanted.consents:
        name = names.of("consent_", f"{channel}_{purpose}")
        condition = f"channel = {literal(channel)} and purpose = {literal(purpose)}"
        told = Column(
            name,
            Kind.TEXT,
            f"c.{name}",
            _("granted, refused, or empty: nobody asked"),
            source=f"consent_consent[{channel}/{purpose}].status",
        )
        found.append(_Part(told, "status", literal(channel), condition))
    return found


def _segments(wanted: Wanted, names: Names) -> list[_Part]:
    found = []
    for number, key in wanted.segments:
        name = names.of("in_", key)
        told = Column(
            name,
            Kind.BOOL,
            f"coalesce(g.{name}, 0)",
            _("Whether the customer is in the segment"),
            source=f"segments_membership[{key}]",
        )
        found.append(_Part(told, "1", f"{number:d}", f"segment_id = {number:d}"))
    return found
