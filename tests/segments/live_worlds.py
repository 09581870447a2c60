"""Random companies that live for a while: entries come in late, change, pass on; time goes by.

What is fed through the log and the live step is also told to a naive model, which says at any
moment what was known then. Four answers must be one: plain Python's over the model, the members
that live steps wrote, those of a full rebuild, and those worked out from history afterwards.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from itertools import groupby

import time_machine
from django.conf import settings
from tests.segments import histories
from tests.segments.histories import Maker, World
from tests.segments.oracle import Person
from tests.segments.oracle_more import POPULATION_TESTS

from pusula.consent.models import ConsentEntry
from pusula.events.models import Event
from pusula.lake.as_of import AsOf
from pusula.lib import clock
from pusula.orders.models import Order, OrderChange, OrderItem
from pusula.pipeline import appender, live
from pusula.pipeline.appender import Entry
from pusula.profiles.models import Identifier, Profile, TraitChange
from pusula.segments import actions, evaluate, history
from pusula.segments.everybody import rebuild
from pusula.segments.language import parse
from pusula.segments.models import Due, Membership

# What no log entry brings, and what compares with limits that others publish.
UNTOLD = ("reach", "score", "list", "campaign", *POPULATION_TESTS)
KEYS = ["1", "2", "3", "4", "5"]


class LiveMaker(Maker):
    """Makes definitions and entries that the log can bring."""

    def leaf(self, names=()):
        while True:
            made = super().leaf(names)
            if not any(f'"{word}"' in json.dumps(made) for word in UNTOLD):
                return made

    def told(self, number):
        """Return kind, key and body of an entry that says something of somebody."""
        key = self.pick(KEYS)
        kind = self.pick(["order", "order", "order", "event", "event", "event", "trait", "consent"])
        if kind == "order":
            return kind, key, self.order_body(f"o{self.random.randint(1, 9)}")
        if kind == "event":
            return kind, key, self.event_body()
        if kind == "trait":
            return kind, key, {"traits": self.trait_values()}
        evidence = self.pick(["", f"form {number}"])
        status = self.pick(["granted", "granted", "refused"])
        channel = self.pick(["email", "sms"])
        return kind, key, {
            "channel": channel, "purpose": "marketing", "status": status, "evidence": evidence,
        }  # fmt: skip

    def order_body(self, number):
        row = self.order()
        days = [day for day in (row["starts_on"], row["ends_on"]) if day]
        is_cancelled = row["status"] == "cancelled"
        return {
            "source_id": number,
            "status": row["status"],
            "ordered_at": row["ordered_at"],
            "net_minor": row["net_amount"],
            "region": row["region"] or "",
            "room_type": row["room_type"] or "",
            "starts_on": min(days).isoformat() if row["starts_on"] else None,
            "ends_on": max(days).isoformat() if row["ends_on"] else None,
            "cancelled_at": self.moment() if is_cancelled else None,
        }

    def lines(self):
        return [
            {"line_no": n, "name": self.city(), "quantity": self.pick([0, 1, 2, 3]),
             "amount_minor": self.pick([-5_000, 0, 10_000, 10_001, 15_000, 20_001])}
            for n in range(self.pick([0, 1, 2]))
        ]  # fmt: skip

    def event_body(self):
        row = self.event()
        given = {"hotel": row["hotel"], "price": row["price"], "region": self.perhaps(self.city)}
        properties = {name: value for name, value in given.items() if value is not None}
        return {"name": row["name"], "properties": properties}

    def trait_values(self):
        make = {
            "city": lambda: self.pick(histories.CITIES),
            "age": self.number,
            "birthday": lambda: {"day": self.day().isoformat()},
            "vip": lambda: self.often(0.5),
            "tags": lambda: self.random.sample(histories.TAGS, self.random.randint(1, 3)),
        }
        return {name: make[name]() for name in self.some(list(make), 3)}


@dataclass
class Known:
    """Everything told of the company so far, in naive plain Python."""

    created: dict = field(default_factory=dict)  # by key, in the order in which they came
    orders: dict = field(default_factory=dict)  # number → (key, row)
    events: list = field(default_factory=list)  # (key, row)
    traits: list = field(default_factory=list)  # (key, name, since, value), as they were told
    decisions: list = field(default_factory=list)  # (key, channel, decided_at, status, evidence)
    merged: dict = field(default_factory=dict)  # key of who is gone → of who they are part of

    def hear(self, kind, key, body, at):
        self.created.setdefault(key, at)
        if kind == "order":
            items = body.get("items")
            if items is None:
                items = self.orders.get(body["source_id"], (None, None, []))[2]
            self.orders[body["source_id"]] = (key, order_row(body), items)
        elif kind == "event":
            row = {"name": body["name"], "at": at, **body["properties"]}
            self.events.append((key, row))
        elif kind == "consent":
            told = (key, body["channel"], at, body["status"], body["evidence"])
            self.decisions.append(told)

    def hear_traits(self, told, at):
        """Hear (key, values) of one step; what one key says in a row is said once."""

        def sayer(one):
            return None if self.whose(one[0]) == one[0] else one[0]

        for _, group in groupby(told, key=sayer):
            said = {}
            for key, values in group:
                said.setdefault(key, {}).update(values)
            for key, values in said.items():
                for name, value in values.items():
                    self.hear_trait(key, name, value, at)

    def hear_trait(self, key, name, value, at):
        visible = self.traits_of(self.whose(key)).get(name)
        own = [told[3] for told in self.traits if told[:2] == (key, name)]
        if visible != value or own[-1:] != [value]:
            self.traits.append((key, name, 0 if visible is None else at, value))

    def traits_of(self, key):
        told = [one for one in self.traits if self.whose(one[0]) == key]
        return {name: value for _, name, _, value in sorted(told, key=lambda one: one[2])}

    def whose(self, key):
        """Return the key of the person that ``key`` is part of."""
        return self.whose(self.merged[key]) if key in self.merged else key

    def people(self):
        return [key for key in self.created if key not in self.merged]

    def person(self, key, profile_id):
        keys = {one for one in self.created if self.whose(one) == key}
        orders = [(row, items) for owner, row, items in self.orders.values() if owner in keys]
        decided = [told[1:] for told in self.decisions if told[0] in keys]
        return Person(
            id=profile_id,
            created=min(self.created[one] for one in keys),
            orders=[row for row, _ in orders],
            items=[item_row(row, item) for row, items in orders for item in items],
            events=[row for owner, row in self.events if owner in keys],
            traits={name: trait(v) for name, v in self.traits_of(key).items()},
            consents=consents(decided),
        )


def order_row(body):
    starts, ends = (date.fromisoformat(d) if d else None
                    for d in (body["starts_on"], body["ends_on"]))  # fmt: skip
    row = {name: body[name] for name in ("status", "region", "room_type", "ordered_at")}
    nights = (ends - starts).days if starts and ends else None
    return row | {
        "cancelled_at": body["cancelled_at"], "starts_on": starts, "ends_on": ends,
        "nights": nights, "net_amount": body["net_minor"],
    }  # fmt: skip


def item_row(order, item):
    shared = {name: order[name] for name in ("status", "region", "ordered_at")}
    line = {"name": item["name"], "quantity": item["quantity"], "amount": item["amount_minor"]}
    return shared | line


def trait(value):
    if isinstance(value, dict):
        return date.fromisoformat(value["day"])
    return value


def consents(decisions):
    """Return what holds of (channel, decided_at, status, evidence): a refusal needs evidence."""
    holding = {}
    for channel, _, status, evidence in sorted(decisions, key=lambda told: (told[1], told[2])):
        place = (channel, "marketing")
        if holding.get(place) == "refused" and status == "granted" and not evidence:
            continue
        holding[place] = status
    return holding


class Company:
    """One random company; ``live`` makes it live and returns what does not agree."""

    def __init__(self, seed, monkeypatch):
        self.maker = LiveMaker(seed)
        self.random = self.maker.random
        self.world = World(self.maker.definitions(6, 3), [], self.maker.at, self.maker.tz)
        self.known = Known()
        self.asked = []  # moments, and who was in which segment by plain Python
        self.problems = []
        self.n_told = 0
        self.merged_at = 0
        self.steps = live.Live()
        company = replace(settings.PUSULA, time_zone=self.world.tz)
        monkeypatch.setattr(settings, "PUSULA", company)
        for module in (evaluate.catalog, history.catalog, rebuild.catalog):
            monkeypatch.setattr(module, "schema", lambda: self.world.schema)

    def live(self, n_turns=6):
        moment = self.maker.at - self.random.randint(1, 40) * clock.DAY
        self.publish(moment)
        for _ in range(n_turns):
            moment = self.later(moment)
            self.turn(moment)
            self.pass_time(moment)
            moment = self.asked[-1][0]
            if self.problems:
                return self.problems
        self.look_back(moment + clock.HOUR)
        return self.problems

    def publish(self, moment):
        documents = [(f"{key}.yaml", each) for key, each in self.world.definitions.items()]
        with travel(moment):
            actions.apply(documents)
            rebuild.everybody(at=moment)

    def later(self, moment):
        """Return a moment after ``moment``, preferably one at which something is due."""
        due = Due.objects.filter(due_at__gt=moment).order_by("due_at")[:5]
        choices = [moment + self.random.randint(1, 20 * clock.DAY), moment + clock.MINUTE]
        choices += [one.due_at + self.random.choice([-1, 0, 1]) for one in due]
        return max(moment + 10, self.random.choice(choices))

    def turn(self, moment):
        """Tell something just before ``moment`` and let a step take it over then."""
        if self.random.random() < 0.2 and len(self.known.created) > 1:
            self.merge_or_part(moment)
            return
        heard_at = moment - self.random.choice([1, clock.SECOND, 5])
        told = [self.maker.told(self.n_told + n) for n in range(self.random.randint(1, 8))]
        entries = [self.entry(*one, heard_at) for one in told]
        with travel(heard_at):
            appender.append(entries)
        stepped = self.steps.step(at=moment, due_seconds=60)
        if (stepped.n_entries, stepped.n_quarantined) != (len(told), 0):
            self.problems.append(("not taken over", stepped, entries))
        for (kind, key, body), entry in zip(told, entries, strict=True):
            latest = min(heard_at, stepped.at - 1)
            at = latest if entry.occurred_at is None else min(entry.occurred_at, latest)
            self.known.hear(kind, key, body, at)
        traits = [(key, body["traits"]) for kind, key, body in told if kind == "trait"]
        self.known.hear_traits(traits, stepped.at)
        # Who has slept through several flips wakes up at one of them in each step.
        self.compare(self.drain(stepped.at + 1), "after entries")

    def entry(self, kind, key, body, heard_at):
        self.n_told += 1
        is_new = kind == "order" and body["source_id"] not in self.known.orders
        if is_new and self.random.random() < 0.5:
            body["items"] = self.maker.lines()
        occurred = self.random.choice([None, heard_at - 1, self.maker.moment()])
        text = json.dumps({"key": key, **body})
        return Entry(kind, "pms", f"pms:{self.n_told}", text, occurred)

    def merge_or_part(self, moment):
        """Have two people be one, or one of them be somebody again."""
        self.n_told += 1
        known = self.known
        if known.merged and self.random.random() < 0.5:
            gone = self.random.choice(sorted(known.merged))
            held = Identifier.objects.get(kind="key", value=f"pms:{gone}")
            kind, body = "unmerge", {"profile": held.origin_id or held.profile_id}
            del known.merged[gone]
        else:
            into, gone = self.random.sample(list(known.created), 2)
            kind, body = "merge", {"key": into, "gone_key": gone}
            if known.whose(into) != known.whose(gone):
                known.merged[known.whose(gone)] = known.whose(into)
        with travel(moment - 1):
            appender.append([Entry(kind, "pms", f"pms:{self.n_told}", json.dumps(body))])
        stepped = self.steps.step(at=moment, due_seconds=60)
        if stepped.n_quarantined:
            self.problems.append(("not carried out", kind, body))
        self.merged_at = stepped.at
        self.compare(self.drain(stepped.at + 1), f"after a {kind}")

    def drain(self, moment):
        """Let time come to ``moment``, or a little later, with nothing arriving; return when."""
        while (stepped := self.steps.step(at=moment, due_seconds=60)).n_due:
            moment = stepped.at + 1
        return stepped.at

    def pass_time(self, moment):
        for _ in range(self.random.randint(1, 3)):
            moment = self.drain(self.later(moment))
            self.compare(moment, "after time went by")

    def ids(self):
        values = Identifier.objects.filter(kind="key").values_list("value", "profile_id")
        return {value.removeprefix("pms:"): profile_id for value, profile_id in values}

    def expected(self, people, at):
        """Return who of ``people`` is in each segment at ``at``."""
        world = World(self.world.definitions, people, at, self.world.tz)
        oracle = world.oracle
        return {
            key: {person.id for person in people if oracle.holds(document["where"], person)}
            for key, document in self.world.definitions.items()
        }

    def compare(self, at, when):
        ids = self.ids()
        people = [self.known.person(key, ids[key]) for key in self.known.people()]
        expected = self.expected(people, at)
        self.asked.append((at, expected))
        self.differ(when, at, expected, members(Membership.objects.filter(left_at=None)))

    def differ(self, when, at, expected, found):
        for key, ids in expected.items():
            if found.get(key, set()) != ids:
                told = {"expected": sorted(ids), "found": sorted(found.get(key, set()))}
                where = self.world.definitions[key]["where"]
                self.problems.append((when, key, where, told, at, self.world.tz))

    def look_back(self, now):
        """Ask about the past: the intervals, history, what is known now of then, and everybody."""
        now = self.drain(now)
        self.compare(now, "at the end")
        for at, expected in self.asked:
            then = Membership.objects.filter(entered_at__lte=at).exclude(left_at__lte=at)
            self.differ("the intervals", at, expected, members(then, as_they_were=True))
        schema = self.world.schema
        asked = {key: parse(each, schema) for key, each in self.world.definitions.items()}
        lasting = [(at, expected) for at, expected in self.asked if at > self.merged_at]
        counts = history.counts(asked, [at for at, _ in lasting], known_at=None)
        for key, each in counts.items():
            for count, (at, expected) in zip(each, lasting, strict=True):
                if count.n_members != len(expected[key]):
                    self.problems.append(("as known then, counted", key, at, count))
        for at, expected in self.random.sample(lasting, min(3, len(lasting))):
            found = history.members_at(asked, AsOf(at, at))
            self.differ("as known then", at, expected, as_sets(found))
        changes = OrderChange.objects.values_list("changed_at", flat=True)
        changed = [at + self.random.choice([-1, 0, 1]) for at in changes[:50]]
        for at in [self.maker.moment(), *self.random.sample(changed, min(2, len(changed)))]:
            expected = self.expected(people_as_of(at, now), at)
            found = history.members_at(asked, AsOf(at, now))
            self.differ("as known now", at, expected, as_sets(found))
        with travel(now + 1):
            outcome = rebuild.everybody(at=now + 1)
        if outcome.drift:
            self.problems.append(("drift", outcome.drift))
        self.compare(now + 1, "rebuilt")


def travel(moment):
    return time_machine.travel(clock.to_datetime(moment), tick=False)


def members(memberships, *, as_they_were=False):
    """Return who is in each segment; under the number that each had then, or that counts now."""
    found = {}
    for key, *numbers in memberships.values_list("segment__key", "profile_id", "origin_id"):
        profile_id, origin = numbers
        found.setdefault(key, set()).add((as_they_were and origin) or profile_id)
    return found


def as_sets(found):
    return {key: set(ids.tolist()) for key, ids in found.items()}


# What the tables of history say, read row by row


def people_as_of(at, known_at):
    """Return everybody who existed at ``at`` as is known at ``known_at``."""
    holds = partial(counts_at, at, known_at)
    people = {}
    for profile in Profile.objects.order_by("pk"):
        events = Event.objects.filter(profile=profile, recorded_at__lte=known_at)
        orders = Order.objects.filter(profile=profile, recorded_at__lte=known_at)
        traces = [profile.created_at, *(e.at for e in events), *(o.ordered_at for o in orders)]
        if min(min(traces) + 1, profile.recorded_at) > at or profile.recorded_at > known_at:
            continue
        rows = [{"name": e.name, "at": e.at, **e.properties} for e in events]
        person = Person(id=profile.pk, created=profile.created_at, events=rows)
        changes = [c for c in TraitChange.objects.filter(profile=profile) if holds(c.changed_at, c)]
        for change in sorted(changes, key=lambda c: (c.changed_at, c.recorded_at, c.pk)):
            person.traits[change.name] = trait_of(change)
        told = [
            (d.channel, d.decided_at, d.status, d.evidence)
            for d in ConsentEntry.objects.filter(profile=profile).order_by("pk")
            if holds(d.decided_at, d)
        ]
        person.consents = consents(told)
        people[profile.pk] = person
    for order in Order.objects.all():
        versions = [c for c in OrderChange.objects.filter(order=order) if holds(c.changed_at, c)]
        if not versions:
            continue
        newest = max(versions, key=lambda c: (c.changed_at, c.recorded_at, c.pk))
        if newest.profile_id in people:
            row = version_row(newest)
            people[newest.profile_id].orders.append(row)
            for item in OrderItem.objects.filter(order=order):
                people[newest.profile_id].items.append(item_row(row, vars(item)))
    return list(people.values())


def counts_at(at, known_at, changed_at, row):
    return row.recorded_at <= known_at and (changed_at < at or row.recorded_at <= at)


def version_row(version):
    names = ("status", "region", "room_type", "ordered_at", "cancelled_at", "starts_on", "ends_on")
    row = {name: getattr(version, name) for name in names}
    starts, ends = row["starts_on"], row["ends_on"]
    nights = (ends - starts) // timedelta(days=1) if starts and ends else None
    return row | {"nights": nights, "net_amount": version.net_base_minor}


def trait_of(change):
    return {
        "text": change.text,
        "number": change.number,
        "day": change.day,
        "bool": change.number == 1,
        "list": change.text.split("\n"),
    }[change.kind]
