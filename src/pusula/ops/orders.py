"""``pusula orders``: how many orders stood where on a day."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from pusula.ops.figures import number
from pusula.orders import properties, queries
from pusula.orders.queries import States
from pusula.privacy import audit


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


@orders.command("property")
@click.argument("code")
@click.option("--title", default="", help="What people call it, if not CODE.")
@click.option("--region", default="", help="Such as Bodrum; segments ask for it.")
@click.option("--time-zone", default="", help="Default: the company's.")
@click.option(
    "--rollover", type=click.IntRange(0, 720), default=180, show_default=True,
    help="Minutes past midnight at which the night audit ends the business day.",
)  # fmt: skip
def property_(code: str, title: str, region: str, time_zone: str, rollover: int) -> None:
    """Add the hotel CODE, or change what is known of it; bookings carry its CODE."""
    with transaction.atomic():
        properties.keep(
            code,
            title=title,
            region=region,
            time_zone=time_zone or settings.PUSULA.time_zone,
            rollover_minutes=rollover,
        )
        audit.record(audit.operator(), "property.changed", code)
    click.echo(code)


def _titled(found: States) -> list[tuple[str, int]]:
    return [
        (_("Known"), found.known),
        (_("Upcoming"), found.upcoming),
        (_("In house"), found.in_house),
        (_("Departed"), found.departed),
        (_("Cancelled or no-show"), found.cancelled),
    ]
