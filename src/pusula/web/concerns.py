"""What needs attention: sentences for the first page, and where to see to each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext, ngettext

from pusula.campaigns import machine
from pusula.campaigns import queries as campaigns
from pusula.consent.iys import queries as iys
from pusula.journeys import queries as journeys
from pusula.lib import clock, sayings
from pusula.measurement.reports import names
from pusula.outbox import queries as outbox
from pusula.outbox.spikes import ORIGIN_HOLD, SPIKE_HOLD
from pusula.privacy import requests
from pusula.rfm import alerts as rfm_alerts
from pusula.rfm import queries as rfm
from pusula.rfm import sentences as rfm_sentences
from pusula.rfm import versions as rfm_versions
from pusula.segments import queries as segments
from pusula.segments import spoken
from pusula.sources import queries as sources
from pusula.sources.models import ImportState
from pusula.web import formats, titles
from pusula.web.overview import size_changes

_SHRUNK_BY = 0.2
_SHRUNK_WITHIN_DAYS = 30
_DATA_LATE_DAYS = 7
_RFM_OLD_DAYS = 35
_IMPORTS_LOOKED_AT = 5
_CAMPAIGNS_LOOKED_AT = 20
_RESULT_NEW_DAYS = 30
_TONES = ("bad", "warn", "good", "")  # the worst first


@dataclass(frozen=True)
class Concern:
    """Something that wants a person: a sentence, and where to see to it."""

    icon: str
    tone: str
    text: str
    href: str = ""


def concerns(stuck: Mapping[int, int]) -> list[Concern]:
    """Return what needs attention, the worst first; ``stuck`` are people who cannot go on."""
    found = [
        *_requests(),
        *_registry(),
        *_messages(),
        *_journeys(stuck),
        *_imports(),
        *_late_data(),
        *_segments(),
        *_rfm(),
        *_campaigns(),
    ]
    return sorted(found, key=lambda concern: _TONES.index(concern.tone))


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
    holds = outbox.holds()
    for hold in holds:
        if hold.reason == ORIGIN_HOLD:
            text = gettext("“%(title)s” is held back by itself: %(why)s.")
            title = names.origins({hold.origin}).get(hold.origin, hold.origin)
            why = sayings.told(hold.detail, gettext)
            waiting = reverse("sending") + f"?{urlencode({'origin': hold.origin})}"
            yield Concern("shield-alert", "bad", text % {"title": title, "why": why}, waiting)
    held = [
        hold
        for hold in holds
        if hold.reason != ORIGIN_HOLD and not hold.origin.startswith("journey:")
    ]
    if any(hold.reason == SPIKE_HOLD for hold in held):
        text = gettext(
            "Sending is held back: within an hour far more addresses bounced or complained than "
            "usual. Look whether it is true before you let it go on."
        )
        yield Concern("shield-alert", "bad", text, reverse("consent-blocked"))
    elif held:
        text = gettext("Sending is held back; messages wait until it is lifted.")
        yield Concern("pause", "warn", text)


def _journeys(stuck: Mapping[int, int]) -> Iterator[Concern]:
    for journey in journeys.all_journeys().filter(pk__in=stuck) if stuck else ():
        n = stuck[journey.pk]
        form = ngettext(
            "%(n)s person cannot go on in the journey “%(title)s”.",
            "%(n)s people cannot go on in the journey “%(title)s”.",
            n,
        )
        title = journeys.title(journey, spoken.language())
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
