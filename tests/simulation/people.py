"""What people and systems ask of the company: they tell, refuse, complain, merge, and want out."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.simulation import company
from tests.simulation.seen import EVERYBODY, Asked, Told
from tests.simulation.stage import dice

from pusula.channels.port import Report, ReportKind
from pusula.lib import clock
from pusula.outbox import receipts, reports
from pusula.outbox.models import Message
from pusula.pipeline import appender, identity
from pusula.pipeline.appender import Entry
from pusula.pipeline.identity import UnknownMergeError
from pusula.privacy import erasure
from pusula.profiles.models import Identifier, Merge

if TYPE_CHECKING:
    from tests.simulation.wire import Arrived
    from tests.simulation.world import World

_MOST_ASKED = 50  # that wait for their answer


def ask(world: World) -> None:
    """Let somebody ask for something."""
    drawn = dice.roll.random()
    for share, kind, do in (
        (0.06, "refusals", _refuse), (0.02, "complaints", _complain), (0.02, "erasures", _erase),
        (0.04, "merges", _merge), (0.03, "merges", _part), (0.03, "imports", _bring_file),
    ):  # fmt: skip
        if 0 <= drawn < share and kind in world.faults:
            do(world)
            return
        drawn -= share
    if len(world.asked) < _MOST_ASKED:
        _tell(world)


def profile_of(person: int) -> int | None:
    """Return the profile that the person's e-mail leads to, if it is known."""
    held = Identifier.objects.filter(value=company.email_of(person))
    return held.values_list("profile_id", flat=True).first()


def _there(world: World) -> list[int]:
    return [person for person in EVERYBODY if person not in world.seen.gone]


def _tell(world: World) -> None:
    people = _there(world)
    if not people:
        return
    person = dice.roll.choice(people)
    names = (company.ABANDONED,) * 5 + (company.BOUGHT, company.SIGNED_IN)
    name = dice.roll.choice(names)
    key = f"web:{world.number()}"
    body = json.dumps({"email": company.email_of(person), "name": name})
    told = world.seen.told[key] = Told(person, name)

    def answered() -> None:
        told.is_acked = True

    entry = Entry("event", "web", key, body)
    world.asked.append(Asked(lambda: appender.append([entry]), answered))


def _one_that_arrived(world: World, channel: str = "") -> Arrived | None:
    found = [one for one in world.post.arrived if channel in {"", one.channel}]
    return dice.roll.choice(found) if found else None


def _refuse(world: World) -> None:
    """Somebody presses the link in a mail."""
    mail = _one_that_arrived(world, "email")
    if mail is None:
        return
    person = company.person_of(mail.address)

    def do() -> None:
        message = Message.objects.filter(token=mail.token).first()
        if message is not None:
            receipts.unsubscribe(message, at=clock.now())

    def answered() -> None:
        _close(world, mail.address)
        world.seen.said_no.append((world.post.tick(), person, mail.channel))

    world.asked.append(Asked(do, answered))


def _complain(world: World) -> None:
    """A mailbox provider, or a company of texts, tells of a complaint."""
    one = _one_that_arrived(world)
    if one is None:
        return
    told = Report(kind=ReportKind.COMPLAINED, key=f"complaint:{one.token}", token=one.token)

    def do() -> None:
        reports.apply([told], channel=one.channel, at=clock.now())

    world.asked.append(Asked(do, lambda: _close(world, one.address)))


def _close(world: World, address: str) -> None:
    world.counts["refused"] += 1
    world.seen.refused.setdefault(address, world.post.tick())


def _erase(world: World) -> None:
    people = _there(world)
    if len(people) <= company.N_PEOPLE // 2:
        return
    person = dice.roll.choice(people)
    alike = {person}  # whoever is merged with them is the same person

    def do() -> None:
        while (found := profile_of(person)) is not None:
            with suppress(erasure.UnknownPersonError):
                erasure.begin(found, actor="dpo")
                alike.update(one for one in EVERYBODY if profile_of(one) == found)
            if profile_of(person) == found:
                return  # else merged or parted in between

    def answered() -> None:
        world.seen.wants_out.add(person)
        world.seen.erasing.update(alike - world.seen.erased.keys())

    world.asked.append(Asked(do, answered))
    if "merges" in world.faults and dice.roll.random() < 0.5:
        _merge(world, person)


def _merge(world: World, with_: int | None = None) -> None:
    """The PMS finds that two guests are one; of one of them it may be known who."""
    people = [person for person in _there(world) if person != with_]
    if len(people) < 2:
        return
    winner, loser = (company.NUMBERS[person] for person in dice.roll.sample(people, 2))
    if with_ is not None:
        winner, loser = dice.roll.sample([company.NUMBERS[with_], winner], 2)
    key = f"merge:{world.number()}"
    world.asked.append(Asked(lambda: identity.merge(winner, loser, message_id=key), lambda: None))


def _part(world: World) -> None:
    """Somebody of the company finds that two who were merged are two after all."""
    held = Merge.objects.filter(undone_at=None).order_by("pk")
    merges = list(held.values_list("pk", flat=True))
    if not merges:
        return
    merge = dice.roll.choice(merges)

    def do() -> None:
        with suppress(UnknownMergeError):
            identity.unmerge(merge)

    world.asked.append(Asked(do, lambda: None))


def _bring_file(world: World) -> None:
    world.files.write(_there(world))
