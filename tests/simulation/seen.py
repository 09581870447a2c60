"""What can be seen of a world from outside: what was asked and answered, and who is one person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.simulation import company

EVERYBODY = range(company.N_PEOPLE)


@dataclass
class Asked:
    """Something a client asks for, until it is answered; asked again when no answer came."""

    do: Callable[[], object]
    answered: Callable[[], None]
    not_before: int = 0  # on the clock that only runs on


@dataclass
class Told:
    """An event that clients told: whose, what, and whether they were answered."""

    person: int
    name: str
    is_acked: bool = False


@dataclass(frozen=True)
class Grouping:
    """Who is one person from one count on; what had passed the gate by then, and what waited."""

    since: int
    numbers: dict[int, int]  # by person, the profile that theirs is now; nobody erased
    changed: frozenset[int]  # people who were other ones with others before
    passed: frozenset[str] = frozenset()  # tokens
    waiting: frozenset[str] = frozenset()

    def one_with(self, person: int) -> set[int]:
        """Return who is one person with ``person``, who is among them."""
        number = self.numbers.get(person, 0)
        return {person} | {one for one, other in self.numbers.items() if other == number}


@dataclass
class Seen:
    """All that can be seen from outside."""

    told: dict[str, Told] = field(default_factory=dict)  # by message id
    refused: dict[str, int] = field(default_factory=dict)  # addresses, since which count
    said_no: list[tuple[int, int, str]] = field(default_factory=list)  # count, person, channel
    erased: dict[int, int] = field(default_factory=dict)  # people, since which count
    erasing: set[int] = field(default_factory=set)
    wants_out: set[int] = field(default_factory=set)  # people of whom it was asked, each by name
    groupings: list[Grouping] = field(default_factory=list)  # the newest last
    kin: dict[int, set[int]] = field(default_factory=dict)  # people, who was ever one with them
    latest: int = 0  # the latest time that any clock showed

    def is_news(self, numbers: dict[int, int]) -> bool:
        """Say whether people are other ones than before."""
        return not self.groupings or self.groupings[-1].numbers != numbers

    def group(
        self,
        numbers: dict[int, int],
        passed: Iterable[str],
        waiting: Iterable[str],
        *,
        since: int,
    ) -> None:
        """Note who is whom now, which is news."""
        before = self.groupings[-1] if self.groupings else Grouping(0, {}, frozenset())
        now = Grouping(since, numbers, frozenset())
        changed = {one for one in EVERYBODY if now.one_with(one) != before.one_with(one)}
        now = Grouping(since, numbers, frozenset(changed), frozenset(passed), frozenset(waiting))
        self.groupings.append(now)
        for person in EVERYBODY:
            joined = now.one_with(person)
            joined = joined.union(*(self.kin.get(one, {one}) for one in joined))
            self.kin |= dict.fromkeys(joined, joined)

    def grouping_at(self, count: int) -> Grouping:
        """Return who was whom at ``count``."""
        return next(one for one in reversed(self.groupings) if one.since <= count)

    def kin_of(self, person: int) -> frozenset[int]:
        """Return everybody who was ever one person with ``person``."""
        return frozenset(self.kin.get(person, {person}))

    @property
    def gone(self) -> set[int]:
        return self.erasing | set(self.erased)
