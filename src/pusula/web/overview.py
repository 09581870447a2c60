"""What the first page tells: how the period went, what needs attention, what to do first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from pusula.campaigns import machine
from pusula.campaigns import queries as campaigns
from pusula.consent import queries as consents
from pusula.consent.iys import queries as iys
from pusula.journeys import figures
from pusula.journeys import queries as journeys
from pusula.lib import clock
from pusula.orders import queries as orders
from pusula.orders.queries import Turnover
from pusula.outbox import queries as outbox
from pusula.outbox.spikes import SPIKE_HOLD
from pusula.privacy import requests
from pusula.profiles import queries as profiles
from pusula.rfm import alerts as rfm_alerts
from pusula.rfm import queries as rfm
from pusula.rfm import sentences as rfm_sentences
from pusula.rfm import versions as rfm_versions
from pusula.segments import queries as segments
from pusula.segments.models import Segment
from pusula.sources import queries as sources
from pusula.sources.models import ImportState
from pusula.web import formats, journey_words, titles
from pusula.web.card import PURPOSE
from pusula.web.charts.axes import Point
from pusula.web.charts.columns import columns
from pusula.web.charts.figure import Figure

# Days of the period: its title, and the days of one column of the chart. Whole weeks, so that a
# period has as many Saturdays as the one before it.
PERIODS: dict[int, tuple[str | Promise, int]] = {
    7: (_("7 days"), 1),
    28: (_("4 weeks"), 1),
    91: (_("13 weeks"), 7),
    364: (_("52 weeks"), 28),
}
USUAL_PERIOD = 28
_SHRUNK_BY = 0.2
_SHRUNK_WITHIN_DAYS = 30
_DATA_LATE_DAYS = 7
_RFM_OLD_DAYS = 35
_IMPORTS_LOOKED_AT = 5
_CAMPAIGNS_LOOKED_AT = 20
_RESULT_NEW_DAYS = 30
_SEGMENTS_SHOWN = 8
_TONES = ("bad", "warn", "good", "")  # the worst first


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
class Concern:
    """Something that wants a person: a sentence, and where to see to it."""

    icon: str
    tone: str
    text: str
    href: str = ""


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


def period(days: int) -> Period:
    """Return the period of ``days`` (one of ``PERIODS``) that ended yesterday."""
    zone, today = settings.PUSULA.time_zone, formats.today()

    def days_ago(n: int) -> int:
        return clock.start_of(today - dt.timedelta(days=n), zone)

    now = orders.turnover(days_ago(days), days_ago(0))
    before = orders.turnover(days_ago(2 * days), days_ago(days))
    return Period(days, now, before, _chart(days, today))


def headline(shown: Period) -> str:
    """Return the sentence on top of the page."""
    title = str(PERIODS[shown.days][0])
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


def concerns() -> list[Concern]:
    """Return what needs attention, the worst first."""
    found = [
        *_requests(),
        *_registry(),
        *_messages(),
        *_journeys(),
        *_imports(),
        *_late_data(),
        *_segments(),
        *_rfm(),
        *_campaigns(),
    ]
    return sorted(found, key=lambda concern: _TONES.index(concern.tone))


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


def reaches() -> list[Reach]:
    """Return how many customers may be reached on each channel."""
    return [
        Reach(*titles.channel(name), consents.n_granted(name, PURPOSE)) for name in titles.CHANNELS
    ]


def _chart(days: int, today: dt.date) -> Figure:
    zone, currency = settings.PUSULA.time_zone, settings.PUSULA.currency
    step = PERIODS[days][1]
    starts = [today - dt.timedelta(days=n) for n in range(days, -1, -step)]
    found = orders.turnovers([clock.start_of(day, zone) for day in starts])
    points = []
    for first, after, turnover in zip(starts, starts[1:], found, strict=False):
        last = after - dt.timedelta(days=1)
        name = formats.day(first)
        if first != last:
            name = f"{formats.short_day(first)} – {formats.day(last)}"
        points.append(Point(formats.short_day(first), name, turnover.net_minor / 100))
    sentence = gettext("Net revenue by the day of booking, %(first)s to %(last)s") % {
        "first": formats.day(starts[0]),
        "last": formats.day(starts[-1] - dt.timedelta(days=1)),
    }
    return columns(
        points,
        sentence=sentence,
        head=(gettext("Days"), gettext("Net revenue")),
        form=lambda value: formats.amount(round(value * 100), currency),
    )


def _requests() -> Iterator[Concern]:
    late, soon = requests.pressing(clock.now())
    if late:
        form = ngettext(
            "%(n)s request of a person about their data is late.",
            "%(n)s requests of people about their data are late.",
            late,
        )
        yield Concern("shield-check", "bad", form % {"n": late}, reverse("privacy"))
    if soon:
        form = ngettext(
            "%(n)s request of a person about their data is to be answered within 7 days.",
            "%(n)s requests of people about their data are to be answered within 7 days.",
            soon,
        )
        yield Concern("shield-check", "warn", form % {"n": soon}, reverse("privacy"))


def _registry() -> Iterator[Concern]:
    at = clock.now()
    n_overdue = iys.overdue(at).count()
    if n_overdue:
        form = ngettext(
            "%(n)s decision should have been told to İYS by now: three business days are over.",
            "%(n)s decisions should have been told to İYS by now: three business days are over.",
            n_overdue,
        )
        text = form % {"n": formats.number(n_overdue)}
        yield Concern("landmark", "bad", text, reverse("consent-registry"))
    if n_soon := iys.late(at).count() - n_overdue:
        form = ngettext(
            "%(n)s decision must be told to İYS by the end of the next business day.",
            "%(n)s decisions must be told to İYS by the end of the next business day.",
            n_soon,
        )
        text = form % {"n": formats.number(n_soon)}
        yield Concern("landmark", "warn", text, reverse("consent-registry"))


def _imports() -> Iterator[Concern]:
    for done in sources.newest()[:_IMPORTS_LOOKED_AT]:
        href = reverse("import", args=[done.pk])
        if done.state == ImportState.FAILED:
            text = gettext("The import of %(file)s failed: %(error)s")
            values = {"file": done.file_name, "error": done.error}
            yield Concern("file-x", "bad", text % values, href)
        elif done.n_rejected:
            form = ngettext(
                "%(n)s row of %(file)s could not be read.",
                "%(n)s rows of %(file)s could not be read.",
                done.n_rejected,
            )
            values = {"n": formats.number(done.n_rejected), "file": done.file_name}
            yield Concern("file-exclamation-point", "warn", form % values, href)


def _late_data() -> Iterator[Concern]:
    newest = sources.newest().filter(state=ImportState.DONE).first()
    if newest and newest.started_at < clock.now() - _DATA_LATE_DAYS * clock.DAY:
        text = gettext("The newest data came %(when)s; the figures end there.")
        values = {"when": formats.ago(newest.started_at)}
        yield Concern("clock-alert", "warn", text % values, reverse("imports"))


def _segments() -> Iterator[Concern]:
    changes = size_changes(_SHRUNK_WITHIN_DAYS)
    for segment in segments.active():
        title = titles.segment_title(segment)
        href = reverse("segment", args=[segment.key])
        change = changes.get(segment.pk)
        if segment.stale_since_at is not None:
            text = gettext("The segment “%(title)s” could not be evaluated; it is out of date.")
            yield Concern("circle-alert", "bad", text % {"title": title}, href)
        elif change is not None and change <= -_SHRUNK_BY:
            text = gettext("The segment “%(title)s” shrank by %(percent)s in 30 days.")
            values = {"title": title, "percent": formats.percent(-change, 0)}
            yield Concern("trending-down", "warn", text % values, href)


def _rfm() -> Iterator[Concern]:
    run = rfm.latest()
    asked = rfm_versions.waiting()
    if asked and asked.error:
        text = gettext("RFM rules could not be brought into force")
        yield Concern("grid-3x3", "bad", text, reverse("rfm-waiting"))
    held = rfm_versions.current()
    if held and rfm_versions.proposal(held):
        text = gettext("New RFM limits wait to be taken over")
        yield Concern("grid-3x3", "warn", text, reverse("rfm-settings"))
    if run and not held and (formats.today() - run.as_of_on).days > _RFM_OLD_DAYS:
        text = gettext("RFM was last computed as of %(day)s.") % {"day": formats.day(run.as_of_on)}
        yield Concern("grid-3x3", "warn", text, reverse("rfm"))
    for alert in rfm_alerts.open_alerts():
        yield Concern("grid-3x3", "warn", rfm_sentences.alert(alert), reverse("rfm-alerts"))


def _messages() -> Iterator[Concern]:
    if n := outbox.n_doubtful():
        form = ngettext(
            "Nobody knows whether %(n)s message arrived: the connection broke before the answer.",
            "Nobody knows whether %(n)s messages arrived: the connection broke before the answer.",
            n,
        )
        yield Concern("mail-question-mark", "bad", form % {"n": formats.number(n)})
    held = [hold for hold in outbox.holds() if not hold.origin.startswith("journey:")]
    if any(hold.reason == SPIKE_HOLD for hold in held):
        text = gettext(
            "Sending is held back: within an hour far more addresses bounced or complained than "
            "usual. Look whether it is true before you let it go on."
        )
        yield Concern("shield-alert", "bad", text, reverse("consent-blocked"))
    elif held:
        text = gettext("Sending is held back; messages wait until it is lifted.")
        yield Concern("pause", "warn", text)


def _journeys() -> Iterator[Concern]:
    failing = figures.errors()
    for journey in journeys.all_journeys().filter(pk__in=failing) if failing else ():
        n = journeys.put_off(journey).count()
        form = ngettext(
            "%(n)s person cannot go on in the journey “%(title)s”.",
            "%(n)s people cannot go on in the journey “%(title)s”.",
            n,
        )
        title = journeys.title(journey, journey_words.language())
        text = form % {"n": formats.number(n), "title": title}
        yield Concern("route", "bad", text, reverse("journey", args=[journey.key]))


def _campaigns() -> Iterator[Concern]:
    now = clock.now()
    for campaign in campaigns.campaigns()[:_CAMPAIGNS_LOOKED_AT]:
        href = reverse("campaign", args=[campaign.key])
        ended = campaign.window_ends_at or now
        if campaign.state == machine.DRAFT:
            text = gettext("The campaign “%(title)s” is a draft: look it over and send it.")
            yield Concern("megaphone", "", text % {"title": campaign.title}, href)
        elif now - _RESULT_NEW_DAYS * clock.DAY < ended < now:
            text = gettext("The campaign “%(title)s” is over: its result is there.")
            yield Concern("flag", "good", text % {"title": campaign.title}, href)


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
