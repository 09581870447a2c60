"""The limits as pure code: policies, quiet hours in every zone, caps whatever the order."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.lib import clock
from pusula.outbox.rules import policy as policies
from pusula.outbox.rules.budgets import Spending
from pusula.outbox.rules.ledger import Entry, Ledger
from pusula.outbox.rules.policy import Budget, Cap, Policy, PolicyError, Quiet, Span, Wall
from pusula.outbox.rules.quiet import opening
from pusula.outbox.rules.weigh import Asked, Scales, is_held_out

DAY, HOUR, MINUTE = clock.DAY, clock.HOUR, clock.MINUTE
NOW = 1_790_000_000_000_000
FROM, TO = (
    clock.from_datetime(datetime(year, 1, 1, tzinfo=UTC)) for year in (2015, 2036)
)  # fmt: skip


def transitions(zone: str) -> list[int]:
    """Return every moment from 2015 to 2035 at which the clocks of ``zone`` change."""
    found = []
    step = 7 * DAY
    for start in range(FROM, TO, step):
        low, high = start, start + step
        if _offset(low, zone) == _offset(high, zone):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if _offset(middle, zone) == _offset(high, zone):
                high = middle
            else:
                low = middle
        found.append(high)
    return found


def _offset(moment: int, zone: str) -> timedelta | None:
    return clock.to_datetime(moment, zone).utcoffset()


def _wall(moment: int, zone: str) -> datetime:
    return clock.to_datetime(moment, zone).replace(tzinfo=None)


def _check_first_at(zone: str, change: int, wall: time) -> None:
    """Compare ``first_at`` on the day of a change with a walk over the minutes of that day."""
    day = clock.day_of(change, zone)
    wanted = datetime.combine(day, wall)
    found = clock.first_at(day, wall, zone)
    start = change - change % (15 * MINUTE)
    walk = range(start - 26 * HOUR, start + 26 * HOUR, 15 * MINUTE)
    shown = [m for m in walk if _wall(m, zone) == wanted]
    if shown:
        assert found == shown[0], (zone, wanted)
    else:  # skipped: the first moment that shows something later
        assert _wall(found, zone) > wanted, (zone, wanted)
        assert _wall(found - clock.SECOND, zone) < wanted, (zone, wanted)


# All zones alike in these years are one case.
_CLOCKS: dict[tuple[int, ...], str] = {}
for _zone in sorted(available_timezones()):
    if _zone != "localtime":
        _changes = transitions(_zone)
        if _changes:
            _CLOCKS.setdefault(tuple(_changes), _zone)


def test_a_wall_time_is_the_first_minute_that_shows_it_in_every_zone_at_every_change():
    n = 0
    for changes, zone in _CLOCKS.items():
        for change in changes:
            local = clock.to_datetime(change, zone)
            for minutes in (-75, -60, -30, 0, 30, 45):
                wall = (local + timedelta(minutes=minutes)).time()
                rounded = wall.replace(minute=wall.minute - wall.minute % 15, second=0)
                _check_first_at(zone, change, rounded.replace(microsecond=0, tzinfo=None))
                n += 1
    assert n > 1_000


def test_quiet_hours_hold_in_every_zone_at_every_change():
    n = 0
    for changes, zone in _CLOCKS.items():
        for change in changes:
            for starts, ends in (("21:00", "09:00"), ("00:30", "03:15"), ("23:45", "00:15")):
                quiet = Quiet(starts=Wall(starts), ends=Wall(ends))
                _check_quiet(quiet, zone, change)
                n += 1
    assert n > 1_000


def _check_quiet(quiet: Quiet, zone: str, change: int) -> None:
    for at in range(change - 25 * HOUR, change + 25 * HOUR, 197 * MINUTE):
        opened = opening(quiet, zone, at)
        assert opened.at >= at
        assert opened.until_at is not None
        assert opened.until_at > opened.at
        if opened.at > at:
            # It opens when the clock first shows the end, or skips it, and not a minute before.
            assert opened.at in _shows(opened.at, quiet.ends.time, zone)
            assert opening(quiet, zone, opened.at).at == opened.at
            assert opening(quiet, zone, opened.at - 1).at == opened.at
        assert opened.until_at in _shows(opened.until_at, quiet.starts.time, zone)
        middle = (opened.at + opened.until_at) // 2
        assert opening(quiet, zone, middle).at == middle


def _shows(moment: int, wall: time, zone: str) -> set[int]:
    """Return when clocks show ``wall`` on that day, or the day before: midnight may be skipped."""
    day = clock.day_of(moment, zone)
    return {clock.first_at(d, wall, zone) for d in (day - timedelta(days=1), day)}


MESSAGES = st.lists(
    st.tuples(
        st.integers(0, 20 * 24),  # hour
        st.integers(1, 9),  # priority
        st.sampled_from(["email", "sms"]),
        st.booleans(),  # has left, when it fits
    ),
    max_size=40,
)
CAPS = st.lists(
    st.builds(
        lambda most, hours, channel: Cap(most=most, window=Span(hours * HOUR), channel=channel),
        st.integers(1, 4),
        st.integers(1, 200),
        st.sampled_from([None, "email", "sms"]),
    ),
    max_size=3,
)


@given(MESSAGES, CAPS)
def test_no_window_holds_more_than_its_cap_whatever_the_order(messages, caps):
    scales = Scales(Policy(caps=tuple(caps)), zone="Europe/Istanbul")
    sent: dict[int, tuple[int, int, str]] = {}
    left: set[int] = set()
    for key, (hour, priority, channel, leaves) in enumerate(messages):
        at = NOW + hour * HOUR
        weighed = scales.weigh(
            Asked(
                key=key, profile_id=1, channel=channel, due_at=at, not_after_at=at,
                zone="Europe/Istanbul", priority=priority,
            )
        )  # fmt: skip
        for entry in weighed.displaced:
            assert entry.key not in left
            assert sent.pop(entry.key)[1] > priority
        if not weighed.reason:
            sent[key] = (at, priority, channel)
            if leaves:
                left.add(key)
                scales.ledger.remove(1, [key])
                scales.ledger.add(1, Entry(key, at, channel, priority))
    for cap in caps:
        moments = sorted(at for at, _, channel in sent.values() if cap.channel in {None, channel})
        for first, next_ in zip(moments, moments[cap.most :], strict=False):
            assert next_ - first >= cap.window


@given(MESSAGES, CAPS)
def test_what_is_refused_would_have_broken_a_cap(messages, caps):
    # In order of time and all of one rank, as a replay asks: a refusal needs a full window.
    scales = Scales(Policy(caps=tuple(caps)), zone="Europe/Istanbul", is_replay=True)
    sent: list[tuple[int, str]] = []
    for key, (hour, _priority, channel, _leaves) in enumerate(sorted(messages)):
        at = NOW + hour * HOUR
        weighed = scales.weigh(
            Asked(
                key=key, profile_id=1, channel=channel, due_at=at, not_after_at=at, zone="UTC",
            )
        )  # fmt: skip
        full = any(
            cap.channel in {None, channel}
            and sum(at - cap.window < m and cap.channel in {None, c} for m, c in sent) >= cap.most
            for cap in caps
        )
        assert bool(weighed.reason) == full
        if not weighed.reason:
            sent.append((at, channel))


def test_in_a_replay_what_was_due_before_gives_way_to_nobody():
    policy = Policy(caps=(Cap(most=1, window=Span(7 * DAY)),))

    def weigh(scales: Scales, key: str, at: int, priority: int) -> str:
        return scales.weigh(
            Asked(
                key=key, profile_id=1, channel="email", due_at=at, not_after_at=at + DAY,
                zone="UTC", priority=priority,
            )
        ).reason  # fmt: skip

    live, replay = (Scales(policy, zone="UTC", is_replay=is_replay) for is_replay in (False, True))
    for scales, expected in ((live, ""), (replay, "capped")):
        assert weigh(scales, "low", NOW, 9) == ""
        assert weigh(scales, "high", NOW + HOUR, 1) == expected


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 5))
def test_no_hour_holds_more_than_its_budget(hours, most):
    budgets = (Budget(channel="email", most=most, per="hour"),)
    spending = Spending("Asia/Kathmandu")
    taken: dict[int, int] = {}
    for hour in hours:
        at = spending.free_at(budgets, NOW + hour * HOUR)
        assert at >= NOW + hour * HOUR
        spending.take(budgets, at)
        taken[at // HOUR] = taken.get(at // HOUR, 0) + 1
    assert all(n <= most for n in taken.values())


def test_a_day_of_a_budget_is_a_day_of_the_company():
    budgets = (Budget(channel="call", most=1, per="day"),)
    spending = Spending("Asia/Kathmandu")
    spending.take(budgets, NOW)
    free_at = spending.free_at(budgets, NOW)
    assert clock.to_datetime(free_at, "Asia/Kathmandu").time() == time(0, 0)
    assert clock.day_of(free_at, "Asia/Kathmandu") > clock.day_of(NOW, "Asia/Kathmandu")


def test_what_quiet_hours_and_budgets_move_in_turn_ends_where_both_allow_it():
    policy = policies.read(
        "quiet: [{from: '18:00', to: '09:00'}]\nbudgets: [{channel: email, most: 1, per: hour}]",
        "x",
    )
    scales = Scales(policy, zone="Europe/Istanbul")
    due = []
    for key in range(11):
        weighed = scales.weigh(
            Asked(
                key=key, profile_id=key, channel="email", due_at=NOW, not_after_at=NOW + 30 * HOUR,
                zone="Europe/Istanbul",
            )
        )  # fmt: skip
        due.append(clock.to_datetime(weighed.due_at, "Europe/Istanbul").hour)
    # 17:13, then from 09:00 to 17:00 of the next day; the last would be at 09:00 of the third.
    assert due[:10] == [17, *range(9, 18)]
    assert weighed.reason in {"budget", "quiet"}


@given(st.integers(1, 10**9))
def test_a_larger_share_lets_nobody_back_in(profile_id):
    def holdout(share: str) -> bool:
        return is_held_out(policies.parse({"holdout": {"share": share}}, "x"), profile_id)

    assert not holdout("5%") or holdout("20%")
    assert not is_held_out(Policy(), profile_id)


WHOLE = """\
caps:
- {most: 1, in: 1d}
- {most: 4, in: 30d, channel: email}
quiet:
- from: '21:00'
  to: 09:00
  channels: [sms, call]
budgets:
- {channel: call, most: 120, per: day}
holdout: {share: 0.05, name: '2026'}
"""


def test_a_policy_is_read_and_written_the_same():
    policy = policies.read(WHOLE, "x")
    assert policies.read(policies.written(policy), "x") == policy
    assert policy.quiet[0].starts == "21:00"
    assert policy.memory == 30 * DAY
    assert policies.read("", "x") == Policy() == policies.read(policies.written(Policy()), "x")


def test_an_hour_that_yaml_takes_for_a_number_is_understood():
    assert policies.read("quiet: [{from: 21:00, to: 09:00}]", "x").quiet[0].starts == "21:00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("caps: [{most: 0, in: 1d}]", "most: at least 1"),
        ("caps: [{most: 1, in: 1w}]", "'1w' is no length of time"),
        ("caps: [{most: 1, in: 400d}]", "in: from 1m to 366d"),
        ("caps: [{most: 1, in: 1d, channel: fax}]", r"caps\[0\]\.channel"),
        ("quiet: [{from: '25:00', to: '09:00'}]", "'25:00' is no time of day"),
        ("quiet: [{from: '09:00', to: '09:00'}]", "from and to are the same"),
        (
            "quiet: [{from: '21:00', to: '09:00'}, {from: '20:00', to: '08:00', channels: [sms]}]",
            "sms has two periods",
        ),
        ("budgets: [{channel: sms, most: 9, per: week}]", r"budgets\[0\]\.per"),
        (
            "budgets: [{channel: sms, most: 9, per: day}, {channel: sms, most: 8, per: day}]",
            "sms has two for the day",
        ),
        ("holdout: {share: 80%}", "at most 50%"),
        ("holdout: {share: many}", "'many' is no share"),
        ("cap: []", "cap"),
        ("caps: {", "not valid YAML"),
    ],
)
def test_what_is_wrong_with_a_policy_is_named_with_its_place(text, said):
    with pytest.raises(PolicyError, match=said):
        policies.read(text, "policy.yaml")


def test_a_ledger_forgets_what_is_too_old():
    ledger = Ledger()
    for day in range(5):
        ledger.add(1, Entry(day, NOW + day * DAY, "email"))
    ledger.add(2, Entry(9, NOW, "email"))
    ledger.forget(NOW + 3 * DAY)
    assert [entry.key for entry in ledger.of(1)] == [3, 4]
    assert ledger.of(2) == ()
    assert all(a.at < b.at for a, b in pairwise(ledger.of(1)))
