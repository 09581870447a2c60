"""What the machine of a journey is given and what it gives back: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from pusula.journeys import machine
from pusula.journeys.language import nodes

# The steps that have something done.
Asked = (
    nodes.Message
    | nodes.Task
    | nodes.Approval
    | nodes.Webhook
    | nodes.SetTrait
    | nodes.ChangeList
    | nodes.Coupon
)


class World(Protocol):
    """What the machine asks about the one who moves."""

    @property
    def tz(self) -> str:
        """The business time zone."""

    @property
    def zone(self) -> str:
        """The time zone the person lives in, as far as anybody knows; else the business one."""

    def hour(self, at: int) -> int | None:
        """Return the hour of their day (0 to 23) at which they act; ``None`` if nobody knows."""

    def holds(self, condition: str, at: int) -> bool:
        """Say whether the condition at this place of the graph holds."""

    def day(self, of: nodes.DateOf) -> date | None:
        """Return the day of the order, or of the trait; ``None`` if there is none."""

    def coupon(self, step: str, pool: str) -> str | None:
        """Return a code that is kept for them from now on; ``None`` if none is left."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened: ``places`` are those triggers of the graph that it stands."""

    at: int
    places: frozenset[str]
    answer: str = ""  # of a person: the outcome of a call, "then" or "else" of an approval


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an enrollment stands: it came to ``node`` at ``moved_at`` and waits there."""

    profile_id: int
    entered_at: int
    node: str = ""
    moved_at: int = 0
    due_at: int | None = None
    waits_for: str = machine.NOTHING
    data: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = ""  # it has left
    finished_at: int | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """What befell it at a step, and the place in the definition that decided it, if one did."""

    step: str
    at: int
    result: str
    reason: str = ""
    is_exit: bool = False  # it left here; the result is the outcome


@dataclass(frozen=True, slots=True)
class Effect:
    """What is to be done about the step: worthless, or given up, after ``until_at``."""

    step: str
    kind: Asked
    at: int
    until_at: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Advanced:
    """Where it stands now, and what happened on the way."""

    spot: Spot
    passages: list[Passed]
    effects: list[Effect]
