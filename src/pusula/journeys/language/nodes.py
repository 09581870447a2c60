"""The nodes of a journey: frozen, typed, equal when they say the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from pusula.campaigns.holdout import USUAL_PERCENT
from pusula.segments.language.nodes import ColumnTest, Condition, Words
from pusula.segments.language.windows import Offset

Minutes = int  # past midnight, by the wall clock
USUAL_NOT_AFTER = Offset(6, "hour")
USUAL_HOLDOUT = Decimal(USUAL_PERCENT)
# What tells of a booking or purchase is not kept from anybody unless somebody says so.
SERVICE_HOLDOUT = Decimal(0)

# What happens to a profile: comes in by it, is woken by it, or leaves by it.


@dataclass(frozen=True, slots=True)
class OnEvent:
    """An event with one of ``names`` whose properties stand ``where``."""

    names: tuple[str, ...]
    where: tuple[ColumnTest, ...] = ()


@dataclass(frozen=True, slots=True)
class OnOrder:
    """An order that is ``placed``, or reaches the status ``becomes``, and stands ``where``."""

    becomes: str = "placed"
    where: tuple[ColumnTest, ...] = ()


@dataclass(frozen=True, slots=True)
class OnSegment:
    """The profile enters the segment ``key``, or leaves it."""

    key: str
    is_entry: bool = True


Trigger = OnEvent | OnOrder | OnSegment


# Days and times of day, by the wall clock: the person's where a step waits until a time of day or a
# day of the person, else the company's, as a stay is where the house is.


@dataclass(frozen=True, slots=True)
class DateOf:
    """So long before or after a day of the order, or of a trait of the profile, at ``time``.

    ``column`` is a column of the order, else ``trait`` the name of a trait. ``is_yearly`` means
    every return of its month and day. The ``offset`` is in days, weeks, months or years.
    """

    column: str = ""
    trait: str = ""
    offset: Offset | None = None
    time: Minutes = 600
    is_yearly: bool = False


@dataclass(frozen=True, slots=True)
class Once:
    """On one ``day``."""

    day: date
    time: Minutes


@dataclass(frozen=True, slots=True)
class Every:
    """On these ``weekdays`` (0 Monday to 6 Sunday), or on these days of the month; else each day.

    A day of the month that a month lacks is its last one.
    """

    time: Minutes
    weekdays: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()


# How profiles come in.


@dataclass(frozen=True, slots=True)
class Schedule:
    """All members of the segment ``segment`` come in, once or again and again."""

    segment: str
    when: Once | Every


@dataclass(frozen=True, slots=True)
class OnDate:
    """A date comes. Orders come in only if they stand ``where``.

    Somebody of whom it is learned too late comes in at once if ``is_late_welcome`` and the day
    itself is not over, else not.
    """

    date: DateOf
    where: tuple[ColumnTest, ...] = ()
    is_late_welcome: bool = False


@dataclass(frozen=True, slots=True)
class ByApi:
    """A program or a person puts them in."""


Entry = Trigger | Schedule | OnDate | ByApi
Rule = Literal["never", "always", "one_at_a_time", "restart"]


@dataclass(frozen=True, slots=True)
class Reentry:
    """Whether somebody who was in may come in again.

    ``never``; ``always``, even while in; ``one_at_a_time``: when out; ``restart``: what is under
    way ends and begins anew. ``after`` is the least time since they last came in.
    """

    rule: Rule = "one_at_a_time"
    after: Offset | None = None


# Steps. Those with parts go on behind themselves when a part ends.


@dataclass(frozen=True, slots=True)
class WaitFor:
    """A length of time."""

    length: Offset


@dataclass(frozen=True, slots=True)
class WaitUntilTime:
    """The next time the person's clock shows ``time``, on one of ``weekdays`` if there are any.

    ``is_own``: the hour at which this person acts, by what is predicted; ``time`` is for those of
    whom nobody knows it.
    """

    time: Minutes
    weekdays: tuple[int, ...] = ()
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class WaitUntilDate:
    """A date; nobody waits for one that is over or unknown."""

    date: DateOf


@dataclass(frozen=True, slots=True)
class WaitFirst:
    """One of ``triggers``, at most so long: ``then`` if it came, else ``otherwise``."""

    triggers: tuple[Trigger, ...]
    at_most: Offset
    then: Steps = ()
    otherwise: Steps = ()


@dataclass(frozen=True, slots=True)
class Way:
    """The steps for whom ``when`` holds."""

    when: Condition
    steps: Steps = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """The first way whose condition holds, else ``otherwise``."""

    ways: tuple[Way, ...]
    otherwise: Steps = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """One alternative of a split; ``share`` is in per cent."""

    name: str
    share: Decimal
    steps: Steps = ()


@dataclass(frozen=True, slots=True)
class Split:
    """One of the variants by lot; the same for a profile as often as it comes by."""

    variants: tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class MessageWay:
    """A channel and what is said there: (language, template), the language empty for everybody."""

    channel: str
    templates: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message on the first of ``ways`` that may be used; worthless ``not_after`` it was due."""

    ways: tuple[MessageWay, ...]
    not_after: Offset = USUAL_NOT_AFTER


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call may end with, and the steps for it."""

    key: str
    title: Words
    steps: Steps = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A call by an agent with a script; ``otherwise`` if nobody has noted an outcome in time."""

    title: Words
    script: Words
    outcomes: tuple[Outcome, ...]
    at_most: Offset
    otherwise: Steps = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """A person says yes (``then``) or no; so does silence (``otherwise``)."""

    title: Words
    at_most: Offset
    then: Steps = ()
    otherwise: Steps = ()


@dataclass(frozen=True, slots=True)
class Webhook:
    """A program elsewhere is told."""

    url: str


@dataclass(frozen=True, slots=True)
class SetTrait:
    """A trait gets a value."""

    name: str
    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class ChangeList:
    """The profile is put on a list, or taken off it."""

    key: str
    is_added: bool = True


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code of a pool is kept for them; messages behind it say it as ``{{ message.coupon }}``."""

    pool: str
    otherwise: Steps = ()  # where none is left; then they leave if there is nothing here


@dataclass(frozen=True, slots=True)
class ReachGoal:
    """What the journey is for has been reached; the journey goes on."""


@dataclass(frozen=True, slots=True)
class Exit:
    """They leave."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """They go on with the step ``to``, which comes later."""

    to: str


Kind = (
    WaitFor
    | WaitUntilTime
    | WaitUntilDate
    | WaitFirst
    | Branch
    | Split
    | Message
    | Task
    | Approval
    | Webhook
    | SetTrait
    | ChangeList
    | Coupon
    | ReachGoal
    | Exit
    | GoOn
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its id, unique in the journey, and what it does."""

    id: str
    kind: Kind


Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A journey as it is written down.

    ``goal`` and ``exit_when`` are triggers or conditions; conditions are looked at with every step,
    triggers count at once. ``who`` must hold of those who come in. ``holdout`` is in per cent,
    0 holds nobody out.
    """

    key: str
    title: Words
    entries: tuple[Entry, ...]
    steps: Steps
    description: Words | None = None
    keyed_by: Literal["profile", "order"] = "profile"
    who: Condition | None = None
    reentry: Reentry = field(default_factory=Reentry)
    purpose: str = "marketing"
    is_commercial: bool = True
    priority: int = 5
    holdout: Decimal = USUAL_HOLDOUT
    goal: Trigger | Condition | None = None
    exit_when: tuple[Trigger | Condition, ...] = ()


def branches(kind: Kind) -> tuple[tuple[str, Steps], ...]:
    """Return the parts of a step by the result that leads to each, in the order of the pages."""
    match kind:
        case WaitFirst(_, _, then, otherwise) | Approval(_, _, then, otherwise):
            return (("then", then), ("else", otherwise))
        case Branch(ways, otherwise):
            ways_ = ((f"way {n}", way.steps) for n, way in enumerate(ways, 1))
            return (*ways_, ("else", otherwise))
        case Split(variants):
            return tuple((variant.name, variant.steps) for variant in variants)
        case Task(_, _, outcomes, _, otherwise):
            return (*((outcome.key, outcome.steps) for outcome in outcomes), ("else", otherwise))
        case Coupon(_, otherwise):
            return (("else", otherwise),)
    return ()
