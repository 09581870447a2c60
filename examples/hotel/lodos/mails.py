"""What guests do with e-mails: opens and clicks of newsletters and of the campaign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lodos.campaign import NAME, Assignment
from lodos.chance import Floats, Ints, Rng, happens, pick
from lodos.company import BODRUM, DAY_S, World, day_of
from lodos.consents import Consents
from lodos.events import CLICKED, DEVICE_SHARES, OPENED, PAST_DAYS, Events, events_of
from lodos.guests import People

EVERY_DAYS = 15
SENT_HOUR_S = 10 * 3_600
CLICKED_SHARE = 0.12  # of the opened
MONTHS = (
    "Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran",
    "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık",
)  # fmt: skip


@dataclass(frozen=True)
class Mailing:
    """One e-mail to many: its name and when it went out."""

    name: str
    sent_s: int


def mailings(world: World, assignment: Assignment) -> list[Mailing]:
    """Return the newsletters of the last twelve months, and the campaign behind them."""
    days = range(world.today_day - PAST_DAYS + 2, world.today_day, EVERY_DAYS)
    newsletters = []
    for number, day in enumerate(days):
        sent = day_of(day)
        word = ("bülteni", "fırsatları")[number % 2]
        name = f"{MONTHS[sent.month - 1]} {sent.year} {word}"
        newsletters.append(Mailing(name, day * DAY_S + SENT_HOUR_S))
    return [*newsletters, Mailing(NAME, assignment.assigned_s)]


def draw_answers(
    world: World, people: People, consents: Consents, assignment: Assignment
) -> Events:
    """Return opens and clicks; each guest has a habit of opening, some open nothing."""
    rng = world.stream("mails")
    habit = rng.beta(0.8, 2.4, people.size)
    *newsletters, campaign = mailings(world, assignment)
    readers, numbers = [], []
    for number, mailing in enumerate(newsletters):
        granted = np.flatnonzero(consents.email_granted(mailing.sent_s))
        readers.append(_who_opens(rng, habit, granted))
        numbers.append(np.full(readers[-1].size, number))
    readers.append(_who_opens(rng, habit, assignment.guest[assignment.treated]))
    numbers.append(np.full(readers[-1].size, len(newsletters)))
    sent_s = np.array([mailing.sent_s for mailing in (*newsletters, campaign)])
    return _opens_and_clicks(rng, people, np.concatenate(readers), np.concatenate(numbers), sent_s)


def _who_opens(rng: Rng, habit: Floats, written_to: Ints) -> Ints:
    return written_to[rng.random(written_to.size) < habit[written_to]]


def _opens_and_clicks(rng: Rng, people: People, guest: Ints, mail: Ints, sent_s: Ints) -> Events:
    opened_s = sent_s[mail] + 60 + rng.exponential(7 * 3_600, guest.size).astype(np.int64)
    device = pick(rng, DEVICE_SHARES, guest.size)
    hotel = pick(rng, (45, 21, 34), guest.size)
    clicks = np.flatnonzero(happens(rng, CLICKED_SHARE, guest.size))
    again = np.concatenate([np.arange(guest.size), clicks])
    wait_s = rng.integers(4, 90, clicks.size)
    return events_of(
        np.concatenate([np.full(guest.size, OPENED), np.full(clicks.size, CLICKED)]),
        guest=guest[again],
        at_s=np.concatenate([opened_s, opened_s[clicks] + wait_s]),
        by_email=people.has_own_email[guest[again]],
        hotel=np.where(mail[again] == sent_s.size - 1, BODRUM, hotel[again]),
        device=device[again],
        mail=mail[again],
    )
