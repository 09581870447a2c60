"""The names of events, properties and traits that programs have sent: there may be so many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from pusula.lib.sayings import Saying, placed
from pusula.pipeline.entries import Told
from pusula.pipeline.messages import KIND
from pusula.pipeline.models import KnownName, NameSort
from pusula.pipeline.understood import Aside

# How many names there may be. A key that stands in a page can use up half of them: a stranger who
# invents names does not take the place of those that our own programs will send.
MOST = {NameSort.EVENT: 2_000, NameSort.PROPERTY: 10_000, NameSort.TRAIT: 1_000}
# What carries names in the parts of a message, and what these name.
_FIELDS = {
    "event": ("properties", NameSort.PROPERTY),
    "trait": ("traits", NameSort.TRAIT),
}
_PLACES = {
    NameSort.EVENT: "event", NameSort.PROPERTY: "properties", NameSort.TRAIT: "traits",
}  # fmt: skip


class Names:
    """The known names; kept in memory from one step to the next."""

    def __init__(self) -> None:
        self._known: dict[NameSort, set[str]] = {}

    def forget(self) -> None:
        """Forget what was learned in a transaction that did not come about."""
        self._known = {}

    def admit(self, told: Sequence[Told]) -> tuple[list[Told], list[Aside]]:
        """Return what messages say without names beyond the limit, and the reasons.

        An event whose own name is too much is put aside with all that its message says.
        """
        named = [one for one in told if one.entry.kind == KIND and one.kind in _FIELDS]
        if all(self._is_known(one) for one in named):
            return list(told), []
        self._load()
        learned: list[KnownName] = []
        refused = {one.entry.id for one in named if not self._admits_event(one, learned)}
        found: list[Told] = []
        aside: list[Aside] = []
        for one in told:
            if one.entry.id in refused:
                if one.kind == "event":
                    aside.append(Aside(one.entry, _too_many(NameSort.EVENT)))
            elif one.entry.kind == KIND and one.kind in _FIELDS:
                found.append(self._with_known(one, learned, aside))
            else:
                found.append(one)
        KnownName.objects.bulk_create(learned, ignore_conflicts=True)
        return found, aside

    def _is_known(self, one: Told) -> bool:
        if not self._known:
            return False
        field, sort = _FIELDS[one.kind]
        is_known = one.kind == "trait" or one.body.name in self._known[NameSort.EVENT]
        return is_known and getattr(one.body, field).keys() <= self._known[sort]

    def _load(self) -> None:
        """Read the names: another process may have learned some."""
        self._known = {sort: set() for sort in MOST}
        for sort, name in KnownName.objects.values_list("sort", "name"):
            self._known[NameSort(sort)].add(name)

    def _admits_event(self, one: Told, learned: list[KnownName]) -> bool:
        return one.kind != "event" or self._admits(NameSort.EVENT, one.body.name, one, learned)

    def _admits(self, sort: NameSort, name: str, one: Told, learned: list[KnownName]) -> bool:
        known = self._known[sort]
        if name in known:
            return True
        if len(known) >= (MOST[sort] if one.trusted else MOST[sort] // 2):
            return False
        known.add(name)
        learned.append(
            KnownName(sort=sort, name=name, source=one.entry.source, since_at=one.entry.recorded_at)
        )
        return True

    def _with_known(self, one: Told, learned: list[KnownName], aside: list[Aside]) -> Told:
        field, sort = _FIELDS[one.kind]
        told = getattr(one.body, field)
        known = {
            name: value for name, value in told.items() if self._admits(sort, name, one, learned)
        }
        if len(known) == len(told):
            return one
        aside.append(Aside(one.entry, _too_many(sort), is_rest=True, is_common=True))
        return replace(one, body=msgspec.structs.replace(one.body, **{field: known}))


def _too_many(sort: NameSort) -> Saying:
    place = _PLACES[sort]
    most = {"n": f"{MOST[sort]:,}", "half": f"{MOST[sort] // 2:,}"}
    why = Saying(
        "a new name, and there are as many as may be: %(n)s (%(half)s from browsers)", most
    )
    return placed(place, why)
