"""Write the files of Lodos Otelleri, a made-up Turkish hotel group, as its systems export them.

``python examples/hotel/generate.py --out DIR``; README.md beside this file tells what is in them.
The same guests, seed and day give the same bytes.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from lodos import files, mails
from lodos.bookings import settle
from lodos.calls import draw_calls
from lodos.campaign import NAME, assign, planted_trips
from lodos.company import CANCELLED, CONFIRMED, NO_SHOW, PENDING, World
from lodos.consents import draw_consents
from lodos.events import in_order
from lodos.guests import TURKISH, draw_people
from lodos.trips import draw_trips, registered
from lodos.visits import draw_visits

from pusula.lib import clock

FEWEST_GUESTS = 100
TIME_ZONE = "Europe/Istanbul"


@dataclass(frozen=True)
class Summary:
    """What was written, and the truth behind it. Shares are of all guests or of all bookings."""

    today: date
    n_guests: int
    n_shared_emails: int  # addresses that two guests have
    n_bookings: int  # good rows of bookings.csv
    n_bad_rows: int  # further rows of bookings.csv
    n_events: int  # different events
    n_repeated_events: int  # further lines of events.jsonl, each the same as the line before
    n_consents: int
    foreign_share: float
    email_granted_share: float
    upcoming_share: float  # guests who are expected today or later
    cancelled_share: float
    no_show_share: float
    campaign: str
    assigned_on: date
    n_treated: int
    n_holdout: int
    n_planted: int  # bookings that the campaign caused
    true_effect: float  # planted bookings per treated guest


def generate(out: Path, *, guests: int, seed: int, today: date) -> Summary:
    """Write guests, bookings, consents, events and, last, the campaign into the folder ``out``.

    ``today`` is the day on whose morning the systems export. Raises ``ValueError`` for fewer than
    100 guests: with fewer the company has no shape.
    """
    if guests < FEWEST_GUESTS:
        raise ValueError(f"{guests} guests are too few: ask for {FEWEST_GUESTS} or more")
    company = _draw(World(guests, seed, today))
    out.mkdir(parents=True, exist_ok=True)
    files.write_guests(out / "guests.csv", company)
    files.write_bookings(out / "bookings.csv", company)
    files.write_consents(out / "consents.csv", company)
    n_repeated = files.write_events(out / "events.jsonl", company)
    files.write_campaign(out / "campaign.csv", company)
    return _summary(company, n_repeated)


def _draw(world: World) -> files.Company:
    people = draw_people(world)
    trips = draw_trips(world, people)
    registered_s = registered(world, people, trips)
    consents = draw_consents(world, people, registered_s)
    assignment = assign(world, consents, registered_s)
    planted = planted_trips(world, people, assignment, trips)
    bookings = settle(world, people, trips, "bookings", firm=False).and_(
        settle(world, people, planted, "planted bookings", firm=True)
    )
    events = in_order(
        world,
        [
            *draw_visits(world, people, registered_s, bookings),
            mails.draw_answers(world, people, consents, assignment),
            draw_calls(world, people, registered_s, bookings),
        ],
    )
    return files.Company(
        world, people, registered_s, bookings, consents, assignment, planted.guest.size, events
    )


def _summary(company: files.Company, n_repeated: int) -> Summary:
    world, people, bookings = company.world, company.people, company.bookings
    expected = np.isin(bookings.status, (PENDING, CONFIRMED))
    treated = int(company.assignment.treated.sum())
    return Summary(
        today=world.today,
        n_guests=people.size,
        n_shared_emails=int(people.shares_email.sum()) // 2,
        n_bookings=bookings.status.size,
        n_bad_rows=len(files.BAD_ROWS),
        n_events=company.events.kind.size,
        n_repeated_events=n_repeated,
        n_consents=company.consents.guest.size,
        foreign_share=float((people.country != TURKISH).mean()),
        email_granted_share=float(company.consents.email_granted(world.export_s).mean()),
        upcoming_share=np.unique(bookings.trips.guest[expected]).size / people.size,
        cancelled_share=float((bookings.status == CANCELLED).mean()),
        no_show_share=float((bookings.status == NO_SHOW).mean()),
        campaign=NAME,
        assigned_on=company.assignment.assigned_on,
        n_treated=treated,
        n_holdout=company.assignment.guest.size - treated,
        n_planted=company.n_planted,
        true_effect=company.n_planted / treated,
    )


def main() -> None:
    """Read the command line, write the files, print the summary."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--guests", type=int, default=25_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--today",
        type=date.fromisoformat,
        default=clock.day_of(clock.now(), TIME_ZONE),
        help="day of the export, YYYY-MM-DD; default: the present day in Istanbul",
    )
    wish = parser.parse_args()
    summary = generate(wish.out, guests=wish.guests, seed=wish.seed, today=wish.today)
    for name, value in asdict(summary).items():
        print(f"{name:20} {value:.4f}" if isinstance(value, float) else f"{name:20} {value}")


if __name__ == "__main__":
    main()
