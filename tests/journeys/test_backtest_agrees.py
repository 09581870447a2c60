"""A backtest says of made-up worlds what became of people when they lived through them."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter

import pytest
from django.db.models import F
from tests.journeys.scene import book, document, mail, profile_of, say, step, templates
from tests.outbox.asking import limits
from tests.pipeline.company import IDLE, NOW, SEARCHED, define

from pusula.consent import actions as consent
from pusula.journeys import engine, versions
from pusula.journeys.backtest import letters, lives
from pusula.journeys.backtest.setting import setting
from pusula.journeys.models import Enrollment, Journey, Passage
from pusula.lib import clock
from pusula.outbox.models import Message
from pusula.pipeline import batch
from pusula.pipeline.live import Live
from pusula.profiles import actions as profile_facts
from pusula.profiles import relations as profiles
from pusula.profiles.models import TraitKind
from pusula.profiles.objections import OBJECTED
from pusula.segments import queries as segments

pytestmark = pytest.mark.django_db(databases=["default", "log"])
PEOPLE = ("ada@example.com", "can@example.com", "ece@example.com")
BEGIN, END = NOW + clock.HOUR, NOW + 60 * clock.HOUR
BOUGHT = {"event": {"name": "Order Completed"}}
SEARCH = {"event": {"name": "Hotel Searched"}}
LONG = {"event": {"name": "Hotel Searched", "where": {"nights": {"at_least": 3}}}}
MANY = {"orders": {"count": {"at_least": 2}}}
NIGHT = "quiet: [{from: '21:00', to: '09:00', channels: [email]}]"


def wait(step_id, **what):
    return {"id": step_id, "wait": what}


TALK = [
    wait("short", **{"for": "3 hours"}),
    mail("first"),
    wait("answer", first=[BOUGHT, LONG], at_most="6 hours", then=[mail("thanks")],
         **{"else": [mail("again")]}),
    {"id": "loyal", "branch": {
        "ways": [{"when": MANY, "steps": [mail("gold")]}], "else": [wait("nine", until="09:00")],
    }},
    {"id": "lot", "split": [
        {"name": "a", "share": "50 %", "steps": [mail("a")]},
        {"name": "b", "share": "50 %", "steps": [
            wait("b", until="own_hour", usual="11:00", weekdays=["tuesday", "wednesday"]),
        ]},
    ]},
    wait("long", **{"for": "8 hours"}),
    mail("last"),
]  # fmt: skip
STAY = [
    wait("eve", date={"of": "starts_on", "offset": "1 day before", "at": "10:00"}),
    mail("eve-mail"),
    wait("out", date={"of": "ends_on", "at": "12:00"}),
    mail("out-mail"),
]
KINDS = [
    {"entry": [SEARCH], "steps": TALK, "reentry": "restart", "exit_when": [BOUGHT]},
    {"entry": [SEARCH, BOUGHT], "steps": TALK, "reentry": "always"},
    {"entry": [LONG], "steps": TALK, "goal": BOUGHT, "holdout": "30 %"},
    {"entry": [SEARCH], "steps": TALK, "who": MANY, "reentry": {"after": "6 hours"}},
    {"entry": [{"order": {}}], "steps": TALK, "reentry": "never",
     "goal": {"order": {"becomes": "completed"}}},
    {"entry": [{"enters": "searchers"}], "steps": TALK, "reentry": "always"},
    {"entry": [{"leaves": "searchers"}, LONG], "steps": TALK, "goal": {"where": MANY}},
    {"entry": [{"schedule": {"segment": "searchers", "at": "10:00"}}], "steps": TALK,
     "reentry": "always", "exit_when": [{"where": MANY}]},
    {"keyed_by": "order", "entry": [{"order": {}}], "steps": STAY},
    {"keyed_by": "order", "entry": [{"order": {"becomes": "cancelled"}}], "steps": TALK},
    {"keyed_by": "order", "steps": STAY, "entry": [
        {"date": {"of": "starts_on", "offset": "2 days before", "at": "11:00", "late": "enter"}},
    ]},
]  # fmt: skip
LIMITS = [
    "",
    "caps: [{most: 1, in: 12h}]",
    f"caps: [{{most: 2, in: 1d}}]\n{NIGHT}",
    f"{NIGHT}\nholdout: {{share: 20%, name: all}}",
]


@pytest.mark.parametrize("seed", range(55))
def test_what_is_told_of_the_past_is_what_was_lived(seed):
    rng = random.Random(seed)  # noqa: S311 - a made-up world
    define("searchers", SEARCHED)
    define("idle", IDLE)
    batch.run()
    if text := rng.choice(LIMITS):
        limits(text)
    parts = dict(KINDS[seed % len(KINDS)]) | {"class": rng.choice(["commercial", "service"])}
    told = document("trip", **parts)
    _live(rng, told, random.Random(seed))  # noqa: S311 - likewise
    for lived, replayed in zip(_lived(), _replayed(told), strict=True):
        only = sorted(map(repr, lived - replayed)), sorted(map(repr, replayed - lived))
        assert only == ([], []), "\n".join(map(str, only))


def _second(at):
    """Return a moment to the second: a late date is heard with the next step of the machine."""
    return round(at / clock.SECOND)


def _live(rng, told, traits):
    runner = Live()
    for email in PEOPLE:
        say(email, "Account Opened", at=NOW)
    step(NOW, runner)
    for email in PEOPLE:
        if rng.random() < 0.8:
            _decide(profile_of(email), "granted", NOW + 1)
        _know(traits, profile_of(email))
    step(NOW + 2, runner)
    templates()
    (definition,) = versions.read([("trip.yaml", told)]).values()
    versions.publish(versions.save(definition, at=BEGIN), at=BEGIN)
    facts = sorted(_facts(rng), key=lambda fact: fact[0])
    at = BEGIN + 1
    while True:
        due = [m for m in (segments.next_due_at(), engine.next_due_at()) if m is not None]
        coming = [fact[0] for fact in facts[:1]] + [max(m, at) for m in due]
        at = min(coming, default=END + 1)
        if facts and facts[0][0] == at + 1:
            at += 1  # what happens at the moment a wait ends is told with the next step
        if at > END:
            break
        while facts and facts[0][0] == at:
            facts.pop(0)[1]()
        waiting = Message.objects.filter(state="pending", due_at__lte=at)
        waiting.update(state="sent", gated_at=F("due_at"))
        runner.step(at=at)
        at += 1


def _know(rng, profile_id):
    """Let be known where somebody lives, when they act, and whether they want to be profiled."""
    said = {}
    if rng.random() < 0.5:
        zone = rng.choice(("Asia/Kolkata", "Asia/Kathmandu"))  # not at what happens, by the hour
        said["time_zone"] = profile_facts.Value(TraitKind.TEXT, zone)
    if rng.random() < 0.6:
        said["send_hour"] = profile_facts.Value(TraitKind.NUMBER, float(rng.randint(0, 23)))
    if rng.random() < 0.2:
        said[OBJECTED] = profile_facts.Value(TraitKind.BOOL, 1.0)
    told = [profile_facts.Facts(profile_id, traits=said)]
    profile_facts.record(told, source="test", at=NOW + 1)


def _facts(rng):
    """Yield what happens in a world: when, and how to tell it. No two at one moment."""
    hours_ = rng.sample(range(1, 56), 14)
    n_orders = 0
    for hour in sorted(hours_):
        at = BEGIN + hour * clock.HOUR
        email = rng.choice(PEOPLE)
        kind = rng.choice(("search", "search", "search", "buy", "book", "move", "refuse"))
        if kind == "search":
            nights = {"nights": rng.randint(1, 5)}
            yield at, lambda e=email, a=at, n=nights: say(e, at=a, properties=n)
        elif kind == "buy":
            yield at, lambda e=email, a=at: say(e, "Order Completed", at=a)
        elif kind == "book" or not n_orders:
            n_orders += 1
            booked = (n_orders, email, at)
            stay = _stay(rng)
            yield at, lambda b=booked, s=stay: book(b[0], b[1], at=b[2], **s)
        elif kind == "move":
            said = _stay(rng) | {"status": rng.choice(("confirmed", "completed", "cancelled"))}
            said |= {"status_at": at, "ordered_at": booked[2]}
            yield at, lambda b=booked, s=said, a=at: book(b[0], b[1], at=a, **s)
        else:
            status = rng.choice(("granted", "refused"))
            yield at, lambda e=email, s=status, a=at: _decide(profile_of(e), s, a)


def _stay(rng):
    first = dt.date(2026, 6, 2) + dt.timedelta(days=rng.randint(0, 3))
    last = first + dt.timedelta(days=rng.randint(1, 2))
    return {"starts_on": first.isoformat(), "ends_on": last.isoformat()}


def _decide(profile_id, status, at):
    consent.record(
        [
            consent.Decision(
                profile_id=profile_id, channel="email", purpose="marketing", status=status,
                source="test", decided_at=at, evidence="form",
            )
        ],
        at=at,
    )  # fmt: skip


def _lived():
    rides = Counter(
        (r.profile_id, r.order_id, r.entered_at, r.entry, r.is_holdout, r.outcome, r.node,
         r.due_at, r.finished_at)
        for r in Enrollment.objects.all()
    )  # fmt: skip
    passed = Counter(
        (p.enrollment.profile_id, p.enrollment.entered_at, p.step, p.at, p.result, p.reason)
        for p in Passage.objects.select_related("enrollment")
    )
    origin = Journey.objects.get().origin
    said = Counter(
        (m.profile_id, m.step, m.reason, None if m.reason else _second(m.due_at))
        for m in Message.objects.filter(origin=origin)
    )
    return rides, passed, said


def _replayed(told):
    asked = setting([("trip", told)], since=BEGIN, until=END)
    (ids,) = profiles.blocks(100)
    found = list(lives.live(asked.parts[0], ids, asked))
    rides = [ride for life in found for ride in life.course.rides]
    written = [letter for life in found for letter in letters.of(0, life)]
    letters.address(written, asked)
    letters.Desk(asked).decide(written, letters.others(ids.tolist(), asked))
    return (
        Counter(
            (r.spot.profile_id, r.order_id, r.spot.entered_at, r.entry, r.is_holdout,
             r.spot.outcome, r.spot.node, r.spot.due_at, r.spot.finished_at)
            for r in rides
        ),
        Counter(
            (r.spot.profile_id, r.spot.entered_at, p.step, p.at, p.result, p.reason)
            for r in rides
            for p in r.passages
        ),
        Counter(
            (one.profile_id, one.step, one.reason, None if one.reason else _second(one.due_at))
            for one in written
        ),
    )  # fmt: skip
