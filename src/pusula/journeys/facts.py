"""What is known of those who move, read once for a batch and only if somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property

import numpy as np

from pusula.journeys.compiled import Compiled
from pusula.journeys.course import Worlds
from pusula.journeys.language.nodes import DateOf
from pusula.journeys.models import Coupon
from pusula.lake import rows
from pusula.lib import clock
from pusula.orders.models import Order
from pusula.outbox import zones
from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids
from pusula.segments.facts import block
from pusula.segments.kernel import Evaluation

_LANGUAGE = "language"  # the trait
OWN_HOUR = "send_hour"  # the trait, as it is predicted
HOURS = range(24)
_CODES = 200  # are looked up together


class Facts:
    """The present facts about some profiles and orders, for some versions, as of ``at``."""

    def __init__(
        self,
        versions: Mapping[int, Compiled],
        profile_ids: Iterable[int],
        order_ids: Iterable[int],
        *,
        at: int,
    ) -> None:
        self.versions = versions
        self.ids: Ids = np.unique(np.fromiter(profile_ids, np.int64))
        self.at = at
        self._order_ids = list(order_ids)
        self._evaluations: dict[int, Evaluation] = {}
        self._codes: dict[str, Iterator[tuple[int, str]]] = {}
        self.taken: dict[tuple[str, str], int] = {}  # pool and code: the coupon

    def of(self, profile_id: int) -> Worlds:
        """Return the world of a profile, by version and order."""

        def world(version_id: int, order_id: int | None) -> _World:
            return _World(self, self.versions[version_id], profile_id, order_id)

        return world

    def holds(self, compiled: Compiled, place: str, profile_id: int) -> bool:
        """Say whether a condition holds; raise the error if it cannot be evaluated."""
        found = self._evaluations.get(compiled.version_id)
        if found is None:
            facts = block(self.ids, compiled.plan.requirements)
            found = compiled.plan.evaluate(facts, self.at)
            self._evaluations[compiled.version_id] = found
        return bool(found.members[place][np.searchsorted(self.ids, profile_id)])

    def day(self, of: DateOf, profile_id: int, order_id: int | None) -> date | None:
        """Return the day of an order, or of a trait."""
        if of.column:
            return self._orders.get((order_id or 0, of.column))
        return self._traits.get((profile_id, of.trait))

    def zone(self, profile_id: int) -> str:
        """Return the time zone somebody lives in, the company's if nobody knows."""
        return self._zones[profile_id]

    def hour(self, profile_id: int) -> int | None:
        """Return the hour of the day at which somebody acts; ``None`` if nobody knows."""
        return self._hours.get(profile_id)

    def language(self, profile_id: int) -> str:
        """Return the language a profile is known to read; empty if nobody knows."""
        return self._languages.get(profile_id, "")

    def said_of_order(self, order_id: int | None) -> dict[str, str]:
        """Return what messages say of the order: its number, and the days of the stay."""
        return dict(self._said.get(order_id, {})) if order_id is not None else {}

    def coupon(self, pool: str) -> str | None:
        """Return a code nobody has, each once."""
        if pool not in self._codes:
            self._codes[pool] = _free(pool)
        found = next(self._codes[pool], None)
        if found is None:
            return None
        pk, code = found
        self.taken[pool, code] = pk
        return code

    @cached_property
    def _rows(self) -> list[Order]:
        return [
            order
            for part in rows.parts(self._order_ids)
            for order in Order.objects.filter(pk__in=part)
        ]

    @cached_property
    def _orders(self) -> dict[tuple[int, str], date]:
        found: dict[tuple[int, str], date] = {}
        for order in self._rows:
            days = {"starts_on": order.starts_on, "ends_on": order.ends_on}
            found |= {(order.pk, column): day for column, day in days.items() if day}
            found[order.pk, "ordered_at"] = clock.day_of(order.ordered_at, self._tz)
        return found

    @cached_property
    def _said(self) -> dict[int, dict[str, str]]:
        found = {}
        for order in self._rows:
            said = {"order": order.confirmation_no or order.source_id}
            days = {"starts_on": order.starts_on, "ends_on": order.ends_on}
            found[order.pk] = said | {name: day.isoformat() for name, day in days.items() if day}
        return found

    @cached_property
    def _traits(self) -> dict[tuple[int, str], date]:
        names = sorted({name for one in self.versions.values() for name in one.day_traits})
        table = profiles.traits(self.ids, names)
        given = zip(*(table[c].to_pylist() for c in ("profile_id", "name", "day")), strict=True)
        return {(profile_id, name): day for profile_id, name, day in given if day is not None}

    @cached_property
    def _zones(self) -> dict[int, str]:
        return zones.of(self.ids.tolist())

    @cached_property
    def _hours(self) -> dict[int, int]:
        table = profiles.traits(self.ids, [OWN_HOUR])
        given = zip(table["profile_id"].to_pylist(), table["number"].to_pylist(), strict=True)
        return {profile_id: int(hour) for profile_id, hour in given if hour in HOURS}

    @cached_property
    def _languages(self) -> dict[int, str]:
        if not any(one.has_languages for one in self.versions.values()):
            return {}
        table = profiles.traits(self.ids, [_LANGUAGE])
        given = zip(table["profile_id"].to_pylist(), table["text"].to_pylist(), strict=True)
        return {profile_id: (text or "")[:2] for profile_id, text in given}

    @cached_property
    def _tz(self) -> str:
        return next(iter(self.versions.values())).tz


class _World:
    """The world of one profile, on one version, with one order or none."""

    __slots__ = ("_compiled", "_facts", "_order_id", "_profile_id")

    def __init__(
        self, facts: Facts, compiled: Compiled, profile_id: int, order_id: int | None
    ) -> None:
        self._facts = facts
        self._compiled = compiled
        self._profile_id = profile_id
        self._order_id = order_id

    @property
    def tz(self) -> str:
        return self._compiled.tz

    def holds(self, condition: str, at: int) -> bool:  # noqa: ARG002 - by the facts of the step
        return self._facts.holds(self._compiled, condition, self._profile_id)

    def day(self, of: DateOf) -> date | None:
        return self._facts.day(of, self._profile_id, self._order_id)

    @property
    def zone(self) -> str:
        return self._facts.zone(self._profile_id)

    def hour(self, at: int) -> int | None:  # noqa: ARG002 - by the facts of the step
        return self._facts.hour(self._profile_id)

    def coupon(self, step: str, pool: str) -> str | None:  # noqa: ARG002 - the pool says it all
        return self._facts.coupon(pool)


def _free(pool: str) -> Iterator[tuple[int, str]]:
    """Yield the free codes of a pool: who takes them holds the lock of all who do."""
    last = 0
    free = Coupon.objects.filter(pool__key=pool, taken_at=None).order_by("pk")
    while found := list(free.filter(pk__gt=last).values_list("pk", "code")[:_CODES]):
        yield from found
        last = found[-1][0]
