"""What must hold of a world: judged from outside, and by what the databases say in the end.

From outside: what was answered, and what arrived. What is wrong begins with the promise that it
breaks (``docs/reliability.md``) in a word or two, which the exam asks for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from django.db import connections
from tests.simulation import company, identity, limits, stage
from tests.simulation.company import ABANDONED, BOUGHT, CART, SIGNED_IN, TWICE, WELCOME
from tests.simulation.seen import EVERYBODY
from tests.simulation.stage import HOME
from tests.simulation.world import World

from pusula.campaigns import machine as campaigns
from pusula.campaigns.models import Arm, Assignment, Campaign
from pusula.events.models import Event
from pusula.journeys import queries as journeys
from pusula.journeys.models import Enrollment, Journey, Passage
from pusula.lib import clock
from pusula.outbox import machine
from pusula.outbox.models import Message, Sender
from pusula.pipeline import batch
from pusula.pipeline.models import LogEntry
from pusula.pipeline.queries import TOMBSTONE
from pusula.profiles.models import Identifier, Shelved
from pusula.segments.models import Membership

# Clocks are looked at before what they are looked at for; a process may be stopped in between.
SLACK = stage.MINUTE
# Whoever is in a segment by these has done nothing that brings them onto a journey.
_STILL = ("definition", "merge", "undo")


def at_once(world: World) -> Iterator[str]:
    """Yield what is wrong already, seen from outside alone."""
    tokens = Counter(one.token for one in world.post.arrived)
    for token, n in tokens.items():
        if n > 1:
            yield f"at most once: message {token} arrived {n} times"
    yield from limits.on_the_wire(world)
    yield from identity.on_the_wire(world)
    for one in world.post.arrived:
        if one.let_go > world.seen.refused.get(one.address, one.let_go):
            yield f"after a no: {one.address} was written to after it had refused, or was erased"


def in_the_end(world: World) -> Iterator[str]:
    """Yield all that is wrong when everything has come to rest."""
    stage.close()  # and with it what killed processes had open
    yield from at_once(world)
    people = {
        person: found.profile_id
        for person in range(company.N_PEOPLE)
        if (found := Identifier.objects.filter(value=company.email_of(person)).first())
    }
    yield from _log(world, people)
    yield from _memberships()
    yield from _entries(world, people)
    yield from _journeys()
    yield from _event_waits(world, people)
    yield from _asked_for(world, people)
    yield from _messages(world)
    yield from _mailing(world)
    yield from world.files.wrong()
    yield from _erased(world)


def reached(world: World) -> Counter[str]:
    """Count in which states messages and people ended, and what befell the world."""
    found: Counter[str] = Counter()
    for state, reason in Message.objects.values_list("state", "reason"):
        found[f"message {state} {reason}".strip()] += 1
    for outcome in Enrollment.objects.values_list("outcome", flat=True):
        found[f"journey {outcome or 'still on'}"] += 1
    for result in Passage.objects.filter(step="first").values_list("result", flat=True):
        found[f"wait for a purchase: {result}"] += 1
    found["erased"] = len(world.seen.erased)
    return found


def _log(world: World, people: dict[int, int]) -> Iterator[str]:
    held = LogEntry.objects.exclude(body=TOMBSTONE)
    keys = held.filter(kind="event").values_list("message_id", flat=True)
    logged = Counter(keys)
    for key, told in world.seen.told.items():
        if told.is_acked and told.person in people and not logged[key]:
            yield f"answered: {key} was answered and is not in the log"
        if logged[key] > 1:
            yield f"once: {key} is in the log {logged[key]} times"
    for key in logged - Counter(set(world.seen.told)):
        yield f"once: {key} is in the log, and nobody told it so"
    keys = Event.objects.values_list("dedupe_key", flat=True)
    happened = Counter(key for key in keys if key.startswith("web:"))
    if happened != logged:
        missing, more = sorted(logged - happened)[:3], sorted(happened - logged)[:3]
        yield f"effects: the log and what came of it differ: missing {missing}, too much {more}"


def _memberships() -> Iterator[str]:
    drift = {key: wrong for key, wrong in batch.run().drift.items() if wrong}
    if drift:
        yield f"effects: memberships are not those of a new evaluation: {drift}"


def _entries(world: World, people: dict[int, int]) -> Iterator[str]:
    """Compare who came in with what happened, for all together who were ever one person.

    Two things at the same moment are one: what a clock that was set says is later counts as now. Of
    people who were two then, they are two.
    """
    entered = Counter(Enrollment.objects.values_list("journey__key", "profile_id"))
    told: dict[tuple[str, int], list[int]] = defaultdict(list)
    events = Event.objects.filter(name__in=(ABANDONED, SIGNED_IN), source="web")
    for profile_id, name, at in events.values_list("profile_id", "name", "at"):
        told[name, profile_id].append(at)
    stays = Counter(
        Membership.objects.filter(segment__key=TWICE).exclude(cause__in=_STILL)
        .values_list("profile_id", flat=True)
    )  # fmt: skip
    for kin in {world.seen.kin_of(person) for person in people}:
        if any(_is_halved(world, person) for person in kin):
            continue  # of people who were one, what is left says too little
        ids = {people[person] for person in kin if person in people}
        abandoned = [at for one in ids for at in told[ABANDONED, one]]
        signed_in = [at for one in ids for at in told[SIGNED_IN, one]]
        n_stays = sum(stays[one] for one in ids)
        for key, least, most in (
            (CART, len(set(abandoned)), len(abandoned) if len(kin) > 1 else len(set(abandoned))),
            (WELCOME, int(bool(signed_in)), min(len(signed_in), len(kin))),
            (TWICE, n_stays, n_stays),
        ):
            n = sum(entered[key, one] for one in ids)
            if not least <= n <= most:
                yield (
                    f"entries: customers {sorted(kin)} came into {key} {n} times for {least} to "
                    f"{most} occasions"
                )


def _journeys() -> Iterator[str]:
    now = clock.now()
    waiting = Enrollment.objects.filter(state="waiting")
    for ride in waiting.filter(due_at__lte=now):
        yield f"waits: enrollment {ride.pk} still waits at {ride.node}, since {ride.due_at}"
    for ride in Enrollment.objects.exclude(error=""):
        yield f"nobody lost: enrollment {ride.pk} could not move: {ride.error}"
    for ride in Enrollment.objects.all():
        if (ride.state == "waiting") != (ride.outcome == ""):
            yield f"nobody lost: enrollment {ride.pk} is {ride.state} and ended as {ride.outcome!r}"
    for journey in Journey.objects.all():
        n_entered = journey.enrollments.count()
        counts = journeys.counts(journey)
        if counts.n_entered != n_entered:
            yield f"nobody lost: {journey.key} says {counts.n_entered} came in, and {n_entered} did"
        if counts.n_waiting + sum(counts.outcomes.values()) != n_entered:
            yield f"nobody lost: of {journey.key} the numbers do not add up: {counts}"


def _event_waits(world: World, people: dict[int, int]) -> Iterator[str]:
    """Compare how waits for a purchase ended with when people bought, as it was written down."""
    bought: dict[int, list[tuple[int, int]]] = defaultdict(list)
    events = Event.objects.filter(name=BOUGHT, source="web")
    for profile_id, at, recorded_at in events.values_list("profile_id", "at", "recorded_at"):
        bought[profile_id].append((min(at, recorded_at), recorded_at))
    alone = [people[one] for one in people if len(world.seen.kin_of(one)) == 1]
    ended = Passage.objects.filter(step="first", enrollment__profile_id__in=alone)
    for ride, profile_id, result, at in ended.values_list(
        "enrollment_id", "enrollment__profile_id", "result", "at"
    ):
        since = Passage.objects.get(enrollment_id=ride, step="hello").at
        times = [(when, told) for when, told in bought[profile_id] if when > since]
        if result == "then" and at not in {when for when, _told in times}:
            yield f"waits: enrollment {ride} was woken at {at}, and nobody bought then"
        # A clock that is set makes an earlier purchase a later one.
        if result == "else" and "clock" not in world.kinds and any(t < at for _when, t in times):
            yield f"waits: enrollment {ride} slept till {at}, though somebody bought"


def _asked_for(world: World, people: dict[int, int]) -> Iterator[str]:
    """Compare what journeys asked for with the messages there are.

    Of people who were one with somebody erased, a message to that one's address is gone.
    """
    halved = {number for person, number in people.items() if _is_halved(world, person)}
    asked = Passage.objects.filter(result="asked").values_list(
        "enrollment__journey_id", "step", "enrollment_id", "enrollment__entered_at",
        "enrollment__profile_id",
    )  # fmt: skip
    keys = {f"journey:{j}:{step}:{e}": (step, entered_at, p) for j, step, e, entered_at, p in asked}
    messages = {m.dedupe_key: m for m in Message.objects.filter(origin__startswith="journey:")}
    lost = sorted(key for key in keys.keys() - messages.keys() if keys[key][-1] not in halved)
    more = sorted(
        key for key in messages.keys() - keys.keys() if messages[key].profile_id not in halved
    )
    if lost or more:
        yield f"nobody lost: of messages asked for {lost[:3]} are missing, {more[:3]} too much"
    least = {"remind": company.PAUSE, "offer": company.PAUSE + company.DAY}
    for key, (step, entered_at, _profile_id) in keys.items():
        found = messages.get(key)
        if found is None:
            continue
        # Put off under a clock that was set back, it is due before it was asked for.
        if max(found.due_at, found.created_at) < entered_at + least.get(step, 0):
            yield f"waits: {key} is due before its wait is over"


def _is_halved(world: World, person: int) -> bool:
    """Say whether somebody who was ever one person with ``person`` was erased."""
    return bool(world.seen.kin_of(person) & world.seen.erased.keys())


def _messages(world: World) -> Iterator[str]:
    arrived = {one.token: one for one in world.post.arrived}
    n_unknown = 0
    for one in Message.objects.all():
        was_taken = one.token in arrived
        what = f"message {one.dedupe_key} ({one.state} {one.reason})"
        if one.state not in machine.FINAL:
            yield f"over: {what} never came to an end"
        if one.state == machine.SENT and not was_taken:
            yield f"sent or unknown: {what} is called sent, and nobody has it"
        if was_taken and one.state not in {machine.SENT, machine.UNKNOWN}:
            yield f"sent or unknown: {what} is called unsent, and has arrived"
        n_unknown += one.state == machine.UNKNOWN
        if was_taken and arrived[one.token].let_go_at > one.not_after_at + SLACK:
            yield f"latest time: {what} left at {arrived[one.token].let_go_at}, after its last"
        if one.owner:
            yield f"nobody lost: {what} belongs to {one.owner}, who is gone"
    bound = world.post.n_doubts + world.n_cut_off
    if n_unknown > bound:
        yield f"sent or unknown: {n_unknown} messages are in doubt, where only {bound} can be"
    if Sender.objects.exists():
        yield "nobody lost: a sender that is gone is still signed in"


def _mailing(world: World) -> Iterator[str]:
    mailing = Campaign.objects.get(key=company.MAILING)
    if world.counts["mailing to nobody"] and mailing.started_at is None:
        return
    gone = world.seen.erased.keys()
    treated = Assignment.objects.filter(campaign=mailing, arm=Arm.TREATED).count()
    messages = Message.objects.filter(origin=mailing.origin)
    # Of two draws of one person the first counts; the other waits, and its message stays.
    shelved = Shelved.objects.filter(
        table="campaigns_assignment", row__arm=Arm.TREATED, row__campaign_id=mailing.pk
    )
    are_whole = not any(_is_halved(world, person) for person in EVERYBODY if person not in gone)
    if are_whole and treated + shelved.count() != messages.count():
        yield f"over: {treated} were to get the mailing, {messages.count()} messages"
    alone = [
        number
        for person, number in enumerate(company.NUMBERS)
        if len(world.seen.kin_of(person)) == 1
    ]
    held_out = Assignment.objects.filter(campaign=mailing, arm=Arm.HOLDOUT, profile_id__in=alone)
    if messages.filter(profile_id__in=held_out.values("profile_id")).exists():
        yield "over: somebody of the holdout was written to"
    if mailing.state not in {campaigns.RUNNING, campaigns.FINISHED}:
        yield f"over: the mailing is {mailing.state}, and nothing of it is left to be sent"


def _erased(world: World) -> Iterator[str]:
    for person in world.seen.erasing:
        yield f"erased: customer {person} asked to be erased, and is still known"
    for person in world.seen.erased:
        if not world.seen.kin_of(person) & world.seen.wants_out:
            yield f"nobody lost: customer {person} is gone, and nobody asked for that"
        for word in (company.email_of(person), company.phone_of(person)):
            for place in _places_of(word):
                yield f"erased: {place} still names customer {person}, who was erased"


def _places_of(word: str) -> Iterator[str]:
    """Yield the files, and the tables on a server, that hold a word."""
    if stage.IS_POSTGRES:
        with connections["default"].cursor() as cursor:
            cursor.execute("select tablename from pg_tables where schemaname = 'public'")
            for (table,) in cursor.fetchall():
                asked = f'select 1 from "{table}" held where held::text like %s limit 1'
                cursor.execute(asked, [f"%{word}%"])
                if cursor.fetchone():
                    yield table
    else:
        for alias in stage.ALIASES:
            with connections[alias].cursor() as cursor:
                cursor.execute("pragma wal_checkpoint(truncate)")
    for path in HOME.rglob("*"):
        if path.is_file() and word.encode() in path.read_bytes():
            yield path.name
