"""What a backtest found: figures that add up while it goes on, and the result as plain values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any

from pusula.journeys.backtest.letters import Letter, Other
from pusula.journeys.backtest.lives import Life
from pusula.journeys.backtest.setting import Part, Setting
from pusula.journeys.course import Happening, Ride
from pusula.journeys.language.nodes import ByApi, ChangeList, OnOrder, SetTrait
from pusula.lib import clock
from pusula.outbox.reasons import Reason

WINDOW_DAYS = 14  # within which the goal counts, if nobody says otherwise
NEAR = clock.DAY  # two messages so close to each other overlap
CONSENT = frozenset(
    {Reason.NO_CONSENT, Reason.REFUSED, Reason.OTHER_ADDRESS, Reason.NOT_IN_IYS}
)  # what consent, not the address, keeps from


@dataclass(frozen=True, slots=True)
class Step:
    """How many came to a step, what came of it by result, and how many wait there in the end."""

    step: str
    n_in: int
    results: Mapping[str, int]
    n_waiting: int


@dataclass(frozen=True, slots=True)
class Asked:
    """The messages of one step: asked for, of how many people, by month, and sent."""

    step: str
    n_asked: int
    n_people: int
    by_month: Mapping[str, int]
    n_sent: int
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Messages:
    """All messages. ``people`` says how many people got how many; days are of the company."""

    n_asked: int
    n_sent: int
    n_people: int  # got at least one
    most_per_person: int
    mean_per_person: float  # of those who got one
    people: Mapping[str, int]
    by_day: Mapping[str, int]
    most_in_a_day: int
    by_channel: Mapping[str, int]
    n_put_off: int  # went later than asked for
    skipped: Mapping[str, int]  # by reason
    n_consent_lost: int  # of those, for want of consent
    n_capped: int  # of those, because of caps or a more important message
    by_step: Sequence[Asked]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Messages of somebody else within a day of ours, to how many people."""

    origin: str
    n_messages: int
    n_people: int


@dataclass(frozen=True, slots=True)
class Goal:
    """How many of those who came in, and could be watched so long, reached the goal unasked."""

    window_days: int
    n_watched: int
    n_reached: int
    share: float


@dataclass(frozen=True, slots=True)
class Result:
    """What would have become of a journey between two moments, had it been live.

    Days are ISO dates in the company's zone. Entries + refusals are the occurrences of its entries;
    ``outcomes`` and ``n_waiting`` add up to ``n_entered``.
    """

    journey: str
    since: str
    until: str
    n_entered: int
    n_people: int
    n_holdout: int
    by_day: Mapping[str, int]
    refused: Mapping[str, int]
    outcomes: Mapping[str, int]
    n_waiting: int
    steps: Sequence[Step]
    messages: Messages
    overlaps: Sequence[Overlap]
    goal: Goal | None
    coupons: Mapping[str, int]
    notes: Sequence[str]  # what was not replayed: "api", "people", "facts", "goal"

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


@dataclass(slots=True)
class _Sent:
    """Counts of the messages of a step."""

    n_asked: int = 0
    n_people: int = 0
    by_month: Counter[str] = field(default_factory=Counter)
    n_sent: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


class Tally:
    """The figures of one journey; lives and decided letters are added as they come."""

    def __init__(self, number: int, setting: Setting, window_days: int) -> None:
        self._number = number
        self._setting = setting
        self._part: Part = setting.parts[number]
        self._window = window_days
        self._n_people = self._n_holdout = self._n_waiting = 0
        self._by_day: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._results: dict[str, Counter[str]] = defaultdict(Counter)
        self._waiting: Counter[str] = Counter()
        self._coupons: Counter[str] = Counter()
        self._n_watched = self._n_reached = 0
        self._asked: dict[str, _Sent] = defaultdict(_Sent)
        self._people: Counter[int] = Counter()
        self._days: Counter[str] = Counter()
        self._channels: Counter[str] = Counter()
        self._n_put_off = 0
        self._overlaps: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def add_life(self, life: Life) -> None:
        """Count what a profile did."""
        self._refused.update(reason for _at, reason in life.course.refusals)
        self._coupons += life.coupons
        rides = life.course.rides
        self._n_people += bool(rides)
        for ride in rides:
            self._by_day[_day(ride.spot.entered_at, self._setting.zone)] += 1
            self._n_holdout += ride.is_holdout
            for passed in ride.passages:
                if passed.step:
                    self._results[passed.step][passed.result] += 1
            if ride.is_waiting:
                self._n_waiting += 1
                self._waiting[ride.spot.node] += 1
            else:
                self._outcomes[ride.spot.outcome] += 1
            self._watch(ride, life.happenings)

    def add_letters(self, letters: Sequence[Letter], others: Iterable[Other]) -> None:
        """Count decided messages, of whole people: all of one at once."""
        own = sorted(
            (one for one in letters if one.part == self._number),
            key=lambda one: (one.profile_id, one.step),
        )
        for step, group in groupby(sorted(own, key=lambda one: one.step), lambda one: one.step):
            self._add_step(self._asked[step], list(group))
        sent: dict[int, list[int]] = defaultdict(list)
        for one in own:
            if one.is_sent:
                sent[one.profile_id].append(one.due_at)
                self._days[_day(one.due_at, self._setting.zone)] += 1
                self._channels[one.channel] += 1
                self._n_put_off += one.due_at > one.at
        self._people.update(len(each) for each in sent.values())
        rivals = [
            *others,
            *(
                Other(one.profile_id, self._setting.parts[one.part].name, "", one.due_at, True)  # noqa: FBT003
                for one in letters
                if one.part != self._number and one.is_sent
            ),
        ]
        self._overlap(sent, rivals)

    def result(self) -> Result:
        """Return what was found so far."""
        setting = self._setting
        zone = setting.zone
        return Result(
            journey=self._part.journey.key,
            since=clock.to_datetime(setting.since_at, zone).isoformat(),
            until=clock.to_datetime(setting.until_at, zone).isoformat(),
            n_entered=self._by_day.total(),
            n_people=self._n_people,
            n_holdout=self._n_holdout,
            by_day=_sorted(self._by_day),
            refused=_sorted(self._refused),
            outcomes=_sorted(self._outcomes),
            n_waiting=self._n_waiting,
            steps=[self._step(step) for step in self._part.compiled.graph.nodes],
            messages=self._messages(),
            overlaps=[
                Overlap(origin, *counts) for origin, counts in sorted(self._overlaps.items())
            ],
            goal=self._goal(),
            coupons=_sorted(self._coupons),
            notes=self._notes(),
        )

    def _watch(self, ride: Ride, happenings: Iterable[Happening]) -> None:
        """Note whether somebody who can be watched so long reached the goal."""
        until = ride.spot.entered_at + self._window * clock.DAY
        if until > self._setting.until_at or "goal" not in self._part.compiled.graph.triggers:
            return
        self._n_watched += 1
        self._n_reached += any(
            ride.spot.entered_at < one.at <= until and self._is_goal(one, ride)
            for one in happenings
        )

    def _is_goal(self, happening: Happening, ride: Ride) -> bool:
        if "goal" not in happening.places.get(ride.version_id, ()):
            return False
        goal = self._part.journey.goal
        is_any = isinstance(goal, OnOrder) and goal.becomes == "placed"
        return (
            is_any
            or None in {happening.order_id, ride.order_id}
            or (happening.order_id == ride.order_id)
        )

    def _goal(self) -> Goal | None:
        if "goal" not in self._part.compiled.graph.triggers:
            return None
        share = self._n_reached / self._n_watched if self._n_watched else 0.0
        return Goal(self._window, self._n_watched, self._n_reached, share)

    def _add_step(self, found: _Sent, letters: Sequence[Letter]) -> None:
        found.n_asked += len(letters)
        found.n_people += len({one.profile_id for one in letters})
        found.by_month.update(_day(one.at, self._setting.zone)[:7] for one in letters)
        found.n_sent += sum(one.is_sent for one in letters)
        found.skipped.update(one.reason for one in letters if one.reason)

    def _overlap(self, sent: Mapping[int, Sequence[int]], others: Iterable[Other]) -> None:
        people: dict[str, set[int]] = defaultdict(set)
        for other in others:
            if any(abs(at - other.at) < NEAR for at in sent.get(other.profile_id, ())):
                self._overlaps[other.origin][0] += 1
                people[other.origin].add(other.profile_id)
        for origin, ids in people.items():
            self._overlaps[origin][1] += len(ids)

    def _step(self, step: str) -> Step:
        results = self._results[step]
        n_waiting = self._waiting[step]
        return Step(step, results.total() + n_waiting, _sorted(results), n_waiting)

    def _messages(self) -> Messages:
        steps = [
            Asked(
                step, each.n_asked, each.n_people, _sorted(each.by_month), each.n_sent,
                _sorted(each.skipped),
            )
            for step in self._part.compiled.graph.nodes
            if (each := self._asked.get(step)) is not None
        ]  # fmt: skip
        skipped = sum((each.skipped for each in self._asked.values()), Counter[str]())
        n_sent = sum(each.n_sent for each in self._asked.values())
        n_people = self._people.total()
        return Messages(
            n_asked=sum(each.n_asked for each in self._asked.values()),
            n_sent=n_sent,
            n_people=n_people,
            most_per_person=max(self._people, default=0),
            mean_per_person=n_sent / n_people if n_people else 0.0,
            people={str(n): self._people[n] for n in sorted(self._people)},
            by_day=_sorted(self._days),
            most_in_a_day=max(self._days.values(), default=0),
            by_channel=_sorted(self._channels),
            n_put_off=self._n_put_off,
            skipped=_sorted(skipped),
            n_consent_lost=sum(n for reason, n in skipped.items() if reason in CONSENT),
            n_capped=skipped[Reason.CAPPED.value] + skipped[Reason.OUTRANKED.value],
            by_step=steps,
        )

    def _notes(self) -> list[str]:
        """Say what a replay cannot know."""
        journey, graph = self._part.journey, self._part.compiled.graph
        kinds = [node.kind for node in graph.nodes.values()]
        found = []
        if any(isinstance(entry, ByApi) for entry in journey.entries):
            found.append("api")
        if any(type(kind).__name__ in {"Task", "Approval"} for kind in kinds):
            found.append("people")
        if graph.conditions and any(isinstance(kind, SetTrait | ChangeList) for kind in kinds):
            found.append("facts")
        if "goal" in graph.conditions:
            found.append("goal")
        return found


@lru_cache(maxsize=65_536)
def _hour_day(hour: int, zone: str) -> str:
    return clock.day_of(hour * 15 * clock.MINUTE, zone).isoformat()


def _day(at: int, zone: str) -> str:
    """Return the day of a moment: days of every zone begin with a quarter of an hour."""
    return _hour_day(at // (15 * clock.MINUTE), zone)


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {key: counts[key] for key in sorted(counts) if counts[key]}
