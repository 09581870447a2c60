"""What a pilot can expect before it begins: whom each scenario reaches, and what it could show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pusula.campaigns.holdout import is_held_out
from pusula.lake import rows
from pusula.lib import clock
from pusula.lib.sayings import Saying
from pusula.measurement import stats
from pusula.measurement.pilot.building import journey_key
from pusula.measurement.pilot.definition import Definition, PilotError, Scenario
from pusula.orders import machine
from pusula.orders.models import Order
from pusula.outbox.reach import reach
from pusula.profiles.relations import Ids
from pusula.segments import queries as segments

PURPOSE = "marketing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One scenario before it begins.

    ``n_audience`` are members of its segments; ``left_out`` counts why some of them get nothing,
    by code; of the others ``n_treated`` get the messages. ``base_rate`` is the share of them who
    ordered in the last so many days; ``detectable`` is the smallest difference of rates such arms
    mostly show, and ``hoped`` the one that the file expects. ``None``: nobody can say.
    """

    scenario: str
    n_audience: int
    left_out: Mapping[str, int]
    n_treated: int
    n_control: int
    n_calls: int
    base_rate: float | None
    detectable: float | None
    hoped: float | None
    needed: int | None  # people, both arms together, to show what is hoped for

    @property
    def n_people(self) -> int:
        """Both arms together."""
        return self.n_treated + self.n_control

    @property
    def may_show(self) -> bool:
        """Whether the effect that is hoped for is one that such arms mostly show."""
        return None not in {self.detectable, self.hoped} and self.detectable <= self.hoped  # type: ignore[operator]


def expected(definition: Definition, *, at: int) -> tuple[Expected, ...]:
    """Return what each scenario can expect, by the segments as they are now.

    Raises ``PilotError`` for a segment that there is not.
    """
    taken: Ids = np.empty(0, np.int64)
    found = []
    for scenario in definition.scenarios:
        audience = _members(scenario.audience)
        one = _one(definition, scenario, audience, taken, at)
        taken = np.union1d(taken, audience)
        found.append(one)
    return tuple(found)


def _one(
    definition: Definition, scenario: Scenario, audience: Ids, taken: Ids, at: int
) -> Expected:
    left = np.setdiff1d(audience, taken)
    left_out = {"other_scenario": len(audience) - len(left)}
    for key in dict.fromkeys([*definition.exclude, *scenario.exclude]):
        kept = np.setdiff1d(left, _members([key]))
        left_out[f"segment:{key}"] = len(left) - len(kept)
        left = kept
    reached = _reached(left, scenario, at)
    left_out["unreachable"] = len(left) - len(reached)
    name = f"journey:{journey_key(definition, scenario)}"
    share = float(definition.holdout)
    n_control = sum(is_held_out(name, one, share) for one in reached)
    n_treated = len(reached) - n_control
    worth = _members([scenario.call.segment]) if scenario.call else np.empty(0, np.int64)
    rate = _base_rate(reached, definition.days, at)
    hoped = rate * float(scenario.expected_lift) if rate else None
    return Expected(
        scenario=scenario.scenario,
        n_audience=len(audience),
        left_out={code: n for code, n in left_out.items() if n},
        n_treated=n_treated,
        n_control=n_control,
        n_calls=round(len(np.intersect1d(reached, worth)) * (1 - share)),
        base_rate=rate,
        detectable=stats.detectable_difference(rate, n_treated, n_control) if rate else None,
        hoped=hoped,
        needed=_needed(rate, hoped, share),
    )


def _members(keys: Any) -> Ids:
    found: Ids = np.empty(0, np.int64)
    for key in keys:
        segment = segments.by_key(key)
        if segment is None:
            raise PilotError(Saying("there is no segment %(key)r", {"key": key}))
        found = np.union1d(found, segments.member_ids(segment))
    return found


def _reached(ids: Ids, scenario: Scenario, at: int) -> list[int]:
    found: set[int] = set()
    for route in scenario.routes:
        left = [one for one in ids.tolist() if one not in found]
        held = reach(left, channel=route, purpose=PURPOSE, is_commercial=True, at=at)
        found.update(profile_id for profile_id, one in held.items() if one.address)
    return sorted(found)


def _base_rate(people: list[int], days: int, at: int) -> float | None:
    if not people:
        return None
    bought: set[int] = set()
    for part in rows.parts(people):
        orders = Order.objects.filter(
            profile_id__in=part, status__in=machine.ALIVE, net_base_minor__gte=0,
            ordered_at__gte=at - days * clock.DAY, ordered_at__lt=at,
        )  # fmt: skip
        bought.update(orders.values_list("profile_id", flat=True))
    return len(bought) / len(people)


def _needed(rate: float | None, hoped: float | None, holdout: float) -> int | None:
    if not rate or not hoped or rate + hoped >= 1:
        return None
    return sum(stats.people_needed(rate, rate + hoped, control_share=holdout))


def plain(found: tuple[Expected, ...]) -> dict[str, Any]:
    """Return what is expected as JSON has it, by scenario."""
    return {one.scenario: asdict(one) for one in found}


def restored(told: Mapping[str, Any]) -> tuple[Expected, ...]:
    """Return what ``plain`` wrote down."""
    return tuple(Expected(**one) for one in told.values())
