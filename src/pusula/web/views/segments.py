"""Segments: who is in them, how they change, what they overlap with, who uses them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe

from pusula.campaigns.models import Campaign
from pusula.consent import queries as consents
from pusula.consent.models import Channel
from pusula.lib import clock, text
from pusula.orders import queries as orders
from pusula.profiles import queries as profiles
from pusula.profiles.models import Profile
from pusula.segments import catalog, queries
from pusula.segments.language import DefinitionError, parse, sentence
from pusula.segments.models import Membership, Segment
from pusula.web import formats, search, titles
from pusula.web.card import Permission, list_permissions
from pusula.web.charts.axes import Point
from pusula.web.charts.figure import Figure
from pusula.web.charts.line import line, spark
from pusula.web.request import asked, searched, whole
from pusula.web.why import why as explained

PURPOSE = "marketing"
PERIOD_DAYS = 30
_SAMPLE = 8
_OVERLAPS = 6
_HITS = 8
_LONGEST_LINE = 120  # points: more are not told apart


@dataclass(frozen=True)
class Change:
    """How a size moved from its first evaluation in the period to now."""

    n: int
    share: float | None  # of the size at the beginning; none if that was 0
    since_on: dt.date

    @property
    def size(self) -> str:
        """How large the change is: as a share where there was something to begin with."""
        return (
            formats.number(abs(self.n)) if self.share is None else formats.percent(abs(self.share))
        )


@dataclass(frozen=True)
class Row:
    """A segment as the list shows it."""

    segment: Segment
    title: str
    description: str
    share: float
    change: Change | None
    line: SafeString
    campaigns: list[Campaign]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the segments in use, by title in the order of the Turkish alphabet."""
    found = queries.active().prefetch_related("audience_of", "excluded_from")
    sizes = queries.all_sizes(_period_start())
    n_profiles = profiles.everybody().count()
    rows = [_row(segment, sizes.get(segment.pk, []), n_profiles) for segment in found]
    rows.sort(key=lambda row: text.sort_key(row.title))
    stale = [row for row in rows if row.segment.stale_since_at is not None]
    context = {"rows": rows, "stale": stale, "n_profiles": n_profiles, "period": PERIOD_DAYS}
    return render(request, "web/segments/index.html", context)


@require_safe
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """Show one segment."""
    segment = queries.by_key(key)
    if segment is None:
        raise Http404(key)
    n_profiles = profiles.everybody().count()
    sizes = queries.sizes(segment, _period_start())
    others = [other for other in queries.active() if other.pk != segment.pk]
    overlaps = queries.overlap(segment, others)[:_OVERLAPS] if segment.n_members else []
    context = {
        "segment": segment,
        "title": titles.segment_title(segment),
        "description": _description(segment),
        "sentence": _sentence(segment),
        "n_profiles": n_profiles,
        "period": PERIOD_DAYS,
        "reach": _reach(segment),
        "change": _change(sizes, segment),
        "chart": _chart(sizes),
        "turns": _turns(segment),
        "overlaps": [(other, titles.segment_title(other), n) for other, n in overlaps],
        "members": _members(queries.sample(segment, _SAMPLE)),
        "has_stays": orders.has_stays(),
        "campaigns": _campaigns(segment),
    }
    return render(request, "web/segments/detail.html", context)


@require_safe
def why(request: HttpRequest, key: str) -> HttpResponse:
    """Show why the customer ``profile`` is in a segment or not; ``q`` finds one."""
    segment = queries.by_key(key)
    if segment is None:
        raise Http404(key)
    text_, wanted = searched(request), whole(asked(request, "profile"))
    profile = Profile.objects.filter(pk=wanted).first() if wanted is not None else None
    people = profiles.page(search.find(text_).profiles, None, _HITS) if text_ else []
    context = {
        "segment": segment,
        "title": titles.segment_title(segment),
        "text": text_,
        "people": [(person, titles.customer(person.name)) for person in people],
        "profile": profile,
        "name": titles.customer(profile.name) if profile else "",
        "why": explained(segment, profile) if profile else None,
    }
    return render(request, "web/segments/why.html", context)


def _period_start() -> int:
    return clock.now() - PERIOD_DAYS * clock.DAY


def _row(segment: Segment, sizes: list[tuple[int, int]], n_profiles: int) -> Row:
    return Row(
        segment=segment,
        title=titles.segment_title(segment),
        description=_description(segment),
        share=segment.n_members / n_profiles if n_profiles else 0.0,
        change=_change(sizes, segment),
        line=spark([n for _, n in _thinned(sizes)]),
        campaigns=_campaigns(segment),
    )


def _campaigns(segment: Segment) -> list[Campaign]:
    """Return the campaigns that speak of a segment, as audience or as exclusion, newest first."""
    found = {*segment.audience_of.all(), *segment.excluded_from.all()}
    return sorted(found, key=lambda campaign: -campaign.created_at)


def _description(segment: Segment) -> str:
    words = segment.version.definition.get("description", {}) if segment.version else {}
    description: str = words.get(get_language()) or words.get("en") or ""
    return description


def _sentence(segment: Segment) -> str:
    """Return the condition in plain words; empty where it cannot be read any more."""
    if segment.version is None:
        return ""
    named = {other.key: titles.segment_title(other) for other in queries.active()}
    try:
        definition = parse(segment.version.definition, catalog.schema())
    except DefinitionError:
        return ""
    return sentence(definition, "tr" if get_language() == "tr" else "en", named)


def _change(sizes: list[tuple[int, int]], segment: Segment) -> Change | None:
    if len(sizes) < 2:  # noqa: PLR2004 - one evaluation is no change
        return None
    at, first = sizes[0]
    n = segment.n_members - first
    since_on = clock.day_of(at, settings.PUSULA.time_zone)
    return Change(n=n, share=n / first if first else None, since_on=since_on)


def _thinned(sizes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the sizes, at most ``_LONGEST_LINE`` of them, the last one always."""
    step = -(-len(sizes) // _LONGEST_LINE) or 1
    return list(reversed(sizes[::-1][::step]))


def _chart(sizes: list[tuple[int, int]]) -> Figure | None:
    if len(sizes) < 2:  # noqa: PLR2004 - a line needs two ends
        return None
    zone = settings.PUSULA.time_zone
    points = [
        Point(formats.short_day(clock.day_of(at, zone)), formats.moment(at), n)
        for at, n in _thinned(sizes)
    ]
    said = gettext("Size of the segment: %(first)s at first, %(last)s now.") % {
        "first": formats.number(sizes[0][1]),
        "last": formats.number(sizes[-1][1]),
    }
    return line(points, sentence=said, head=(gettext("Evaluated"), gettext("Customers")))


@dataclass(frozen=True)
class Day:
    """Entries and exits of one day."""

    on: dt.date
    entered: int
    left: int


def _turns(segment: Segment) -> list[Day]:
    """Return the days of the period on which somebody entered or left, the newest first."""
    zone = settings.PUSULA.time_zone
    days: dict[dt.date, list[int]] = {}
    for turn in queries.turns(segment, _period_start()):
        counts = days.setdefault(clock.day_of(turn.at, zone), [0, 0])
        counts[0] += turn.entered
        counts[1] += turn.left
    return [Day(on, entered, left) for on, (entered, left) in days.items()]


def _reach(segment: Segment) -> list[tuple[str, str, int]]:
    """Return icon, title and how many members may be reached, by channel."""
    granted = queries.reach(segment, PURPOSE)
    return [(*titles.channel(channel), granted.get(channel, 0)) for channel in Channel.values]


@dataclass(frozen=True)
class Member:
    """A member as the sample shows them."""

    membership: Membership
    name: str
    city: str
    summary: orders.Summary | None
    permissions: list[Permission]


def _members(memberships: list[Membership]) -> list[Member]:
    ids = [membership.profile_id for membership in memberships]
    cities, sums = profiles.texts_of(ids, "city"), orders.summaries(ids)
    permits = consents.statuses(ids, PURPOSE)
    return [
        Member(
            membership=membership,
            name=titles.customer(membership.profile.name),
            city=cities.get(membership.profile_id, ""),
            summary=sums.get(membership.profile_id),
            permissions=list_permissions(
                permits.get(membership.profile_id, {}), ("email", "sms", "call")
            ),
        )
        for membership in memberships
    ]
