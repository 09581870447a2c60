"""What the first page tells: how the period went, whom it reaches, what to do first."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext

from pusula.campaigns import machine
from pusula.campaigns import queries as campaigns
from pusula.lib import clock
from pusula.measurement.reports.glance import Glance
from pusula.orders.queries import Turnover
from pusula.profiles import queries as profiles
from pusula.rfm import queries as rfm
from pusula.segments import queries as segments
from pusula.segments.models import Segment
from pusula.web import formats, titles
from pusula.web.card import PURPOSE
from pusula.web.charts.axes import Point
from pusula.web.charts.columns import columns
from pusula.web.charts.figure import Figure
from pusula.web.report_period import PRESETS

USUAL_PERIOD = 28
_SEGMENTS_SHOWN = 8


@dataclass(frozen=True)
class Period:
    """How the days up to yesterday went, beside as many days before them."""

    days: int
    now: Turnover
    before: Turnover
    chart: Figure

    @property
    def change(self) -> float | None:
        """Growth of the turnover as a share; ``None`` where there was none before."""
        before = self.before.net_minor
        return self.now.net_minor / before - 1 if before > 0 else None


@dataclass(frozen=True)
class Step:
    """A step of setting up, done or not."""

    title: str
    text: str
    is_done: bool
    href: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reach:
    """How many customers a channel may reach."""

    icon: str
    title: str
    n: int


def asked(days: int) -> dict[str, object]:
    """Return the question about a period of ``days`` that the figures answer."""
    return {"days": days, "channels": list(titles.CHANNELS), "purpose": PURPOSE}


def period(days: int, found: Glance) -> Period:
    """Return how the period of ``days`` (one of ``PRESETS``) went."""
    return Period(days, found.now, found.before, _chart(found))


def headline(shown: Period) -> str:
    """Return the sentence on top of the page."""
    title = str(PRESETS[shown.days])
    values = {
        "period": title,
        "amount": formats.amount(shown.now.net_minor, settings.PUSULA.currency),
        "percent": formats.percent(abs(shown.change or 0), 0),
    }
    if shown.change is None:
        return gettext("Net revenue of the last %(period)s: %(amount)s.") % values
    if shown.change >= 0:
        form = gettext(
            "Net revenue of the last %(period)s: %(amount)s, %(percent)s more than in "
            "the same time before."
        )
    else:
        form = gettext(
            "Net revenue of the last %(period)s: %(amount)s, %(percent)s less than in "
            "the same time before."
        )
    return form % values


def steps() -> list[Step]:
    """Return the way from an empty installation to the first campaign."""
    has_customers = profiles.everybody().exists()
    return [
        Step(
            gettext("Bring in your data"),
            gettext("Guests, bookings or orders, consents: files as your systems export them."),
            has_customers,
            reverse("imports"),
        ),
        Step(
            gettext("Apply the first segments"),
            gettext("Five come along; who is in them is worked out for everybody:"),
            segments.active().filter(evaluated_at__isnull=False).exists(),
            reverse("segments"),
            ("pusula segments apply --shipped", "pusula run"),
        ),
        Step(
            gettext("Compute RFM"),
            gettext("Who buys recently, often, and for much:"),
            rfm.latest() is not None,
            reverse("rfm"),
            ("pusula rfm run",),
        ),
        Step(
            gettext("Send the first campaign"),
            gettext("To a segment, with a control group that shows what it earned."),
            campaigns.campaigns().exclude(state=machine.DRAFT).exists(),
            reverse("campaigns"),
        ),
    ]


def reaches(found: Glance) -> list[Reach]:
    """Return how many customers may be reached on each channel."""
    return [Reach(*titles.channel(name), found.reach[name]) for name in titles.CHANNELS]


def _chart(found: Glance) -> Figure:
    currency = settings.PUSULA.currency
    days = found.period.columns
    points = []
    for first, after, turnover in zip(days, days[1:], found.columns, strict=False):
        last = after - dt.timedelta(days=1)
        name = formats.day(first)
        if first != last:
            name = f"{formats.short_day(first)} – {formats.day(last)}"
        points.append(Point(formats.short_day(first), name, turnover.net_minor / 100))
    sentence = gettext("Net revenue by the day of booking, %(first)s to %(last)s") % {
        "first": formats.day(days[0]),
        "last": formats.day(found.period.last_on),
    }
    return columns(
        points,
        sentence=sentence,
        head=(gettext("Days"), gettext("Net revenue")),
        form=lambda value: formats.amount(round(value * 100), currency),
    )


def changed_most(days: int) -> list[tuple[Segment, float | None]]:
    """Return the segments whose size changed by the most people in ``days``, and their growth."""
    changes = size_changes(days)

    def people(segment: Segment) -> float:
        share = changes.get(segment.pk, 0.0)
        return abs(segment.n_members * share / (1 + share)) if share > -1 else 0.0

    found = sorted(segments.active(), key=people, reverse=True)[:_SEGMENTS_SHOWN]
    return [(segment, changes.get(segment.pk)) for segment in found]


def size_changes(days: int) -> dict[int, float]:
    """Return the growth of each segment in ``days`` as a share.

    Segments that have not been counted for a day yet, or began empty, are left out.
    """
    changes = {}
    for segment, sizes in segments.all_sizes(clock.now() - days * clock.DAY).items():
        (first_at, first), (last_at, last) = sizes[0], sizes[-1]
        if first and last_at - first_at >= clock.DAY:
            changes[segment] = last / first - 1
    return changes
