"""``pusula orders``: how many orders stood where on a day."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click
from django.conf import settings
from django.utils.translation import gettext as _

from pusula.ops.figures import number
from pusula.orders import queries
from pusula.orders.queries import States


@click.group()
def orders() -> None:
    """Orders and bookings."""


@orders.command()
@click.option(
    "--as-of",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="The day at whose end the orders are counted, as they were known then.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")
def states(day: datetime, as_json: bool) -> None:
    """Count orders known, upcoming, in house, departed and cancelled at the end of a day."""
    found = queries.states_at(day.date(), settings.PUSULA.time_zone)
    if as_json:
        told = {**asdict(found), "as_of_on": found.as_of_on.isoformat()}
        click.echo(json.dumps(told, indent=2))
        return
    for title, n in _titled(found):
        click.echo(f"{title:<28}{number(n):>12}")


def _titled(found: States) -> list[tuple[str, int]]:
    return [
        (_("Known"), found.known),
        (_("Upcoming"), found.upcoming),
        (_("In house"), found.in_house),
        (_("Departed"), found.departed),
        (_("Cancelled or no-show"), found.cancelled),
    ]
