"""``pusula journeys result``: what a journey caused, and what is ascribed to its messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

import click
from django.conf import settings
from django.utils.translation import gettext

from pusula.journeys import called, queries
from pusula.lib import clock
from pusula.measurement.experiments import queries as experiments
from pusula.measurement.experiments.earned import Earned
from pusula.measurement.results.campaign import ArmResult
from pusula.measurement.results.journey import JourneyResult, journey_result
from pusula.measurement.stats import Seen
from pusula.ops.figures import amount, number, p_value, percent
from pusula.segments import spoken


@click.command()
@click.argument("key")
@click.option("--days", type=click.IntRange(1, 365), default=14, help="So long an order counts.")
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def result(key: str, days: int, as_json: bool) -> None:
    """Compare who came in on the journey KEY with who was held out, by orders in the window."""
    journey = queries.by_key(key)
    if journey is None:
        raise click.UsageError(gettext("there is no journey %(key)s") % {"key": key})
    at = clock.now()
    found = journey_result(journey, window_days=days, at=at)
    so_far = experiments.so_far(journey, days, at)
    last = so_far.course.last if so_far else None
    seen, earned = (last[0] if last else None), (so_far.earned if so_far else None)
    if as_json:
        click.echo(json.dumps(_as_dict(found, seen, earned), ensure_ascii=False, indent=2))
        return
    for title, arm in ((gettext("Came in"), found.treated), (gettext("Held out"), found.holdout)):
        click.echo(f"{title}: {_said(arm)}")
    if seen is None:
        click.echo(gettext("Too few orders so far to say what it caused."))
    else:
        shares = {"points": seen.difference, "low": seen.interval.low, "high": seen.interval.high}
        words = {name: number(share * 100, 1) for name, share in shares.items()}
        click.echo(
            gettext("Difference: %(points)s points (95%% CI %(low)s to %(high)s)") % words
            + f", p = {p_value(seen.p)}"
        )
    for line in _returns(earned) if earned else ():
        click.echo(line)
    click.echo(gettext("Orders behind the messages, by the last one before each:"))
    steps = called.steps(((journey.origin, step) for step in found.by_step), spoken.language())
    for step, credit in found.by_step.items():
        name = steps.get((journey.origin, step))
        shown = f"{name} ({step})" if name else step
        click.echo(f"  {shown}: {number(credit.n_orders)}, {_amount(credit.revenue_minor)}")


def _returns(earned: Earned) -> Iterator[str]:
    gained = earned.gained
    low, high = round(gained.interval.low), round(gained.interval.high)
    words = {"amount": _amount(round(gained.revenue)), "low": _amount(low), "high": _amount(high)}
    yield gettext("Additional net revenue: %(amount)s (95%% CI %(low)s to %(high)s)") % words
    yield gettext("Cost of its messages: %(amount)s") % {"amount": _amount(round(gained.cost))}
    if earned.unpriced:
        yield gettext(
            "Not counted: %(channels)s, which has no price; "
            "set it with pusula sending price CHANNEL AMOUNT."
        ) % {"channels": ", ".join(earned.unpriced)}
    elif gained.roi is not None and gained.roi_interval is not None:
        around = gained.roi_interval
        shares = {"roi": gained.roi, "low": around.low, "high": around.high}
        words = {name: percent(share, 0) for name, share in shares.items()}
        yield gettext("Return on cost: %(roi)s (95%% CI %(low)s to %(high)s)") % words


def _said(arm: ArmResult) -> str:
    converted = f"{number(arm.n_conversions)} ({percent(arm.rate.value)})"
    return f"{number(arm.n)}, {converted}, {_amount(arm.revenue_minor)}"


def _amount(minor: int) -> str:
    return amount(minor, settings.PUSULA.currency)


def _as_dict(found: JourneyResult, seen: Seen | None, earned: Earned | None) -> dict[str, object]:
    arms = {
        name: {
            "n": arm.n, "n_conversions": arm.n_conversions, "revenue_minor": arm.revenue_minor,
        }
        for name, arm in (("treated", found.treated), ("holdout", found.holdout))
    }  # fmt: skip
    difference = None
    if seen is not None:
        difference = {
            "rate": seen.difference,
            "interval": [seen.interval.low, seen.interval.high],
            "p": seen.p,
        }
    return {
        "currency": settings.PUSULA.currency,
        "window_days": found.window_days,
        **arms,
        "difference": difference,
        "returns": _gained(earned) if earned else None,
        "n_goals": found.n_goals,
        "credited": {
            step: {"n_orders": one.n_orders, "revenue_minor": one.revenue_minor}
            for step, one in found.by_step.items()
        },
    }


def _gained(earned: Earned) -> dict[str, object]:
    gained, around = earned.gained, earned.gained.roi_interval
    return {
        "n_treated": earned.n_treated,
        "revenue_minor": round(gained.revenue),
        "revenue_interval_minor": asdict(gained.interval),
        "cost_minor": round(gained.cost),
        "unpriced": list(earned.unpriced),
        "roi": gained.roi if earned.has_return else None,
        "roi_interval": asdict(around) if around and earned.has_return else None,
    }
