"""The messages a backtest asks for, decided about as the decision layer would have.

Whom they would have reached is asked of the ledger of consents as of the moment of each; caps,
quiet hours, rivals and budgets are the same code that decides live, over history.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pusula.journeys import machine
from pusula.journeys.backtest import reached
from pusula.journeys.backtest.lives import Life
from pusula.journeys.backtest.setting import Setting
from pusula.journeys.course import Ride
from pusula.journeys.language.nodes import Message as MessageStep
from pusula.lake import rows
from pusula.outbox import machine as outbox
from pusula.outbox import zones
from pusula.outbox.models import Message
from pusula.outbox.reasons import Reason
from pusula.outbox.rules.weigh import Asked, Scales, is_held_out
from pusula.profiles.objections import objectors

_OPEN = ""


@dataclass(slots=True)
class Letter:
    """A message asked for ``at``; ``due_at`` and ``reason`` say what became of it."""

    part: int
    profile_id: int
    step: str
    at: int
    not_after_at: int
    channels: tuple[str, ...]
    left_at: int | None  # something led out of the journey then
    channel: str = ""
    due_at: int = 0
    reason: str = ""

    @property
    def is_sent(self) -> bool:
        """Whether it would have been sent."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Other:
    """A message that was sent for somebody else."""

    profile_id: int
    origin: str
    channel: str
    at: int
    is_commercial: bool


def of(number: int, life: Life) -> Iterator[Letter]:
    """Yield the messages that the journey with this number asked for in a life."""
    for ride, effect, at in life.asked:
        if isinstance(effect.kind, MessageStep):
            yield Letter(
                part=number,
                profile_id=life.course.profile_id,
                step=effect.step,
                at=at,
                not_after_at=effect.until_at,
                channels=tuple(way.channel for way in effect.kind.ways),
                left_at=ride.spot.finished_at if _was_led_out(ride) else None,
            )


def _was_led_out(ride: Ride) -> bool:
    """Say whether what is in line has no sense any more: as ``journeys.writing`` does."""
    if not ride.spot.outcome or not ride.passages:
        return False
    return bool(ride.passages[-1].reason) or ride.spot.outcome == machine.RESTARTED


def others(
    profile_ids: Iterable[int], setting: Setting, *, since: int | None = None
) -> Iterator[Other]:
    """Yield what these profiles got from other journeys and from campaigns, in order of time."""
    own = {part.origin for part in setting.parts if part.origin}
    since = setting.since_at - setting.policy.memory if since is None else since
    found: list[Other] = []
    for part in rows.parts(profile_ids):
        sent = Message.objects.filter(
            profile_id__in=part, state__in=outbox.TAKEN, not_after_at__gte=since
        ).exclude(origin__in=own)
        for profile_id, origin, channel, due_at, gated_at, is_commercial in sent.values_list(
            "profile_id", "origin", "channel", "due_at", "gated_at", "is_commercial"
        ):
            at = gated_at or due_at
            if since <= at <= setting.until_at:
                found.append(Other(profile_id, origin, channel, at, is_commercial))
    return iter(sorted(found, key=lambda one: (one.at, one.profile_id, one.origin)))


def address(letters: Sequence[Letter], setting: Setting) -> None:
    """Set the channel of each letter, and the reason where nothing reached the profile then."""
    left = []
    objecting = objectors({one.profile_id for one in letters})
    for one in letters:
        journey = setting.parts[one.part].journey
        one.channel = one.channels[0]
        if journey.is_commercial and is_held_out(setting.policy, one.profile_id):
            one.reason = Reason.HOLDOUT_GLOBAL.value
        elif journey.is_commercial and one.profile_id in objecting:
            one.reason = Reason.OBJECTED.value
        else:
            left.append(one)
    reasons: dict[int, str] = {}
    n_way = 0
    while left:
        groups: dict[tuple[str, str, bool], list[Letter]] = defaultdict(list)
        for one in left:
            journey = setting.parts[one.part].journey
            groups[one.channels[n_way], journey.purpose, journey.is_commercial].append(one)
        for (channel, purpose, is_commercial), group in groups.items():
            found = reached.reasons(
                [(one.profile_id, one.at) for one in group],
                channel,
                purpose,
                is_commercial=is_commercial,
                setting=setting,
            )
            for one, reason in zip(group, found, strict=True):
                first = reasons.setdefault(id(one), reason)
                one.reason = first if reason else _OPEN
                if not reason:
                    one.channel = channel
        n_way += 1
        left = [one for one in left if one.reason and len(one.channels) > n_way]


class Desk:
    """Decides about letters in the order of time; what is sent counts for those behind it."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._scales = Scales(setting.policy, zone=setting.zone, is_replay=True)
        self._leaving: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._letters: list[Letter] = []

    def decide(self, letters: Iterable[Letter], sent: Iterable[Other]) -> None:
        """Set ``due_at`` and ``reason`` of all ``letters``; ``sent`` went to the same people."""
        parts = self._setting.parts
        ordered = sorted(
            letters,
            key=lambda one: (
                one.at, parts[one.part].journey.priority, one.profile_id, one.part, one.step
            ),
        )  # fmt: skip
        before = list(sent)
        clocks = zones.of({one.profile_id for one in ordered}) if self._setting.policy.quiet else {}
        n_before = 0
        for one in ordered:
            while n_before < len(before) and before[n_before].at <= one.at:
                self._note(before[n_before], n_before)
                n_before += 1
            if one.reason:
                one.due_at = one.at
            else:
                self._decide(one, clocks.get(one.profile_id, self._setting.zone))

    def _note(self, other: Other, number: int) -> None:
        self._scales.count(
            Asked(
                key=("other", number), profile_id=other.profile_id, channel=other.channel,
                due_at=other.at, not_after_at=other.at, zone=self._setting.zone,
                is_commercial=other.is_commercial,
            ),
            other.at,
            is_pending=False,
        )  # fmt: skip

    def _decide(self, one: Letter, zone: str) -> None:
        journey = self._setting.parts[one.part].journey
        self._withdraw(one.profile_id, one.at)
        number = len(self._letters)
        self._letters.append(one)
        weighed = self._scales.weigh(
            Asked(
                key=number, profile_id=one.profile_id, channel=one.channel, due_at=one.at,
                not_after_at=one.not_after_at, zone=zone, priority=journey.priority,
                is_commercial=journey.is_commercial,
            )
        )  # fmt: skip
        one.due_at, one.reason = weighed.due_at, weighed.reason
        for entry in weighed.displaced:
            if isinstance(entry.key, int):
                self._letters[entry.key].reason = Reason.OUTRANKED.value
        if not one.reason and one.left_at is not None and _is_in_line(one, one.left_at):
            heapq.heappush(self._leaving[one.profile_id], (one.left_at, number))
            one.reason = Reason.LEFT.value

    def _withdraw(self, profile_id: int, at: int) -> None:
        """Free the room of messages whose people have left the journey before ``at``."""
        leaving = self._leaving.get(profile_id)
        while leaving and leaving[0][0] < at:
            _left_at, number = heapq.heappop(leaving)
            self._scales.ledger.remove(profile_id, [number])


def _is_in_line(one: Letter, left_at: int) -> bool:
    """Say whether it waits still when its person leaves, as at the moment it is asked for."""
    return one.due_at > left_at or one.at == left_at
