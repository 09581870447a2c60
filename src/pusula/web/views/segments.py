"""Segments: who is in them, how they change, what they overlap with, who uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from pusula.campaigns.models import Campaign
from pusula.lib import clock, text
from pusula.lib.errors import PusulaError
from pusula.orders import queries as orders
from pusula.profiles import queries as profiles
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids
from pusula.segments import catalog, counting, queries, spoken
from pusula.segments.counting import Reading
from pusula.segments.language import Condition, DefinitionError, parse, parse_condition
from pusula.segments.models import Drift, Publication, Segment
from pusula.segments.publishing import publication
from pusula.web import people, search, segment_charts, segment_past, titles
from pusula.web.builder import results
from pusula.web.builder.outline import Point, outline
from pusula.web.charts.line import spark
from pusula.web.request import asked, asked_all, searched, whole
from pusula.web.segment_pages import Change, campaigns_of, change, journeys
from pusula.web.why import why as explained

PURPOSE = "marketing"
PERIOD_DAYS = 30
_BACK_DAYS = 98  # of the size chart of one segment: what was worked out for before it existed
_SAMPLE = 8
_OVERLAPS = 6
_HITS = 8
_COMPARED = 3
_VERSIONS = 10
STATES = ("all", "used", "unused", "stale")


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
    journeys: list[tuple[str, str]]
    has_drift: bool
    is_waiting: bool


@dataclass(frozen=True)
class Starter:
    """A definition that comes with the program; ``n`` is how many it would have here."""

    key: str
    title: str
    description: str
    n: int | None


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the segments in use, by title in the order of the Turkish alphabet."""
    found = queries.active().prefetch_related("audience_of", "excluded_from")
    sizes = queries.all_sizes(_period_start())
    n_profiles = profiles.everybody().count()
    drifts = set(Drift.objects.filter(seen_at=None).values_list("segment_id", flat=True))
    waiting, used = publication.open_publications(), journeys()
    rows = [
        _row(s, sizes.get(s.pk, []), n_profiles, drifts=drifts, waiting=waiting, used=used)
        for s in found
    ]
    rows.sort(key=lambda row: text.sort_key(row.title))
    words, state = searched(request), asked(request, "show")
    state = state if state in STATES else "all"
    context = {
        "all_rows": rows,
        "rows": [row for row in rows if _is_asked(row, words, state)],
        "stale": [row for row in rows if row.segment.stale_since_at is not None],
        "n_profiles": n_profiles,
        "period": PERIOD_DAYS,
        "text": words,
        "state": state,
        "starters": [] if words or state != "all" else _starters({row.segment.key for row in rows}),
        "n_archived": Segment.objects.exclude(archived_at=None).count(),
    }
    return render(request, "web/segments/index.html", context)


@require_safe
def archived(request: HttpRequest) -> HttpResponse:
    """List the segments in the archive, the last one put there first."""
    found = Segment.objects.exclude(archived_at=None).order_by("-archived_at")
    rows = [(segment, titles.segment_title(segment)) for segment in found]
    return render(request, "web/segments/archived.html", {"rows": rows})


@dataclass(frozen=True)
class Shared:
    """How many two segments share."""

    first: Segment
    first_title: str
    second: Segment
    second_title: str
    n: int


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Show what two or three segments share."""
    keys = asked_all(request, "key")
    chosen = [s for s in (queries.by_key(key) for key in keys[:_COMPARED]) if s is not None]
    members = {s.pk: queries.member_ids(s) for s in chosen}
    shared = [
        Shared(a, titles.segment_title(a), b, titles.segment_title(b), _common(members, a, b))
        for i, a in enumerate(chosen)
        for b in chosen[i + 1 :]
    ]
    everywhere = None
    if len(chosen) == _COMPARED:
        first, *others = members.values()
        for other in others:
            first = np.intersect1d(first, other, assume_unique=True)
        everywhere = len(first)
    context = {
        "rows": [(s, titles.segment_title(s)) for s in chosen],
        "shared": shared,
        "n_dropped": len(keys[_COMPARED:]),
        "everywhere": everywhere,
        "most": max([1, *(s.n_members for s in chosen)]),
    }
    return render(request, "web/segments/compare.html", context)


@require_safe
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """Show one segment, as it is now or as it was on the day ``?on=``."""
    segment = _segment(key)
    n_profiles = profiles.everybody().count()
    sizes = queries.sizes(segment, _period_start())
    others = [other for other in queries.active() if other.pk != segment.pk]
    overlaps = queries.overlap(segment, others)[:_OVERLAPS] if segment.n_members else []
    sample = queries.sample(segment, _SAMPLE)
    since = {membership.profile_id: membership.entered_at for membership in sample}
    points, is_readable = _outline(segment)
    context = {
        "segment": segment,
        "title": titles.segment_title(segment),
        "description": _description(segment),
        "outline": points,
        "is_readable": is_readable,
        "n_profiles": n_profiles,
        "period": PERIOD_DAYS,
        "reach": results.reach_of(segment) if segment.n_members else [],
        "change": change(sizes, segment),
        "chart": segment_past.chart(segment),
        "has_past": segment.sizes.filter(is_back_cast=True).exists(),
        "turns": segment_past.turns(segment, _period_start()),
        "overlaps": [(other, titles.segment_title(other), n) for other, n in overlaps],
        "people": people.people(since, since),
        "shows_since": True,
        "has_stays": orders.has_stays(),
        "campaigns": campaigns_of(segment),
        "journeys": journeys().get(key, []),
        "waiting": publication.open_publications().get(key),
        "versions": segment_past.versions(segment),
        "drift": Drift.objects.filter(segment=segment, seen_at=None).order_by("-found_at").first(),
        "then": segment_past.then(segment, asked(request, "on")),
    }
    return render(request, "web/segments/detail.html", context)


@require_safe
def reach(request: HttpRequest, key: str) -> HttpResponse:
    """Show how many members a message would reach, for htmx, once the facts are read."""
    segment = _segment(key)
    context = {"segment": segment, "reach": results.reach_of(segment)}
    return render(request, "web/segments/_reach.html", context)


@require_safe
def why(request: HttpRequest, key: str) -> HttpResponse:
    """Show why the customer ``profile`` is in a segment or not; ``q`` finds one."""
    segment = _segment(key)
    text_, wanted = searched(request), whole(asked(request, "profile"))
    profile = Profile.objects.filter(pk=wanted).first() if wanted is not None else None
    found = profiles.page(search.find(text_).profiles, None, _HITS) if text_ else []
    context = {
        "segment": segment,
        "title": titles.segment_title(segment),
        "text": text_,
        "people": [(person, titles.customer(person.name)) for person in found],
        "profile": profile,
        "name": titles.customer(profile.name) if profile else "",
        "why": explained(segment, profile) if profile else None,
    }
    return render(request, "web/segments/why.html", context)


def _segment(key: str) -> Segment:
    segment = queries.by_key(key)
    if segment is None:
        raise Http404(key)
    return segment


def _period_start() -> int:
    return clock.now() - PERIOD_DAYS * clock.DAY


def _row(
    segment: Segment,
    sizes: list[tuple[int, int]],
    n_profiles: int,
    *,
    drifts: set[int],
    waiting: Mapping[str, Publication],
    used: Mapping[str, list[tuple[str, str]]],
) -> Row:
    return Row(
        segment=segment,
        title=titles.segment_title(segment),
        description=_description(segment),
        share=segment.n_members / n_profiles if n_profiles else 0.0,
        change=change(sizes, segment),
        line=spark([n for _, n in segment_charts.thinned(sizes)]),
        campaigns=campaigns_of(segment),
        journeys=used.get(segment.key, []),
        has_drift=segment.pk in drifts,
        is_waiting=segment.key in waiting,
    )


def _is_asked(row: Row, words: str, state: str) -> bool:
    """Return whether the list asks for a row: by words of its names, and by its state."""
    names = text.name_key(f"{row.title} {row.description} {row.segment.key}")
    by_state = {
        "all": True,
        "used": bool(row.campaigns or row.journeys),
        "unused": not (row.campaigns or row.journeys),
        "stale": row.segment.stale_since_at is not None or row.has_drift,
    }
    return by_state[state] and all(word in names for word in text.name_key(words).split())


def _starters(taken: set[str]) -> list[Starter]:
    """Return what comes with the program and is not used yet, each with its count here."""
    language = spoken.language()
    schema = counting.STORE.schema()
    found = []
    for _, document in catalog.shipped():
        try:
            definition = parse(document, schema)
        except DefinitionError:
            continue
        if definition.key not in taken:
            found.append(definition)
    sizes = _starter_sizes([definition.where for definition in found])
    return [
        Starter(
            key=definition.key,
            title=getattr(definition.title, language),
            description=getattr(definition.description, language, ""),
            n=n,
        )
        for definition, n in zip(found, sizes, strict=True)
    ]


def _starter_sizes(conditions: list[Condition]) -> list[int | None]:
    """Return how many each would have; ``None`` while the facts are read: nobody waits for them."""
    nothing: list[int | None] = [None] * len(conditions)
    if not conditions:
        return nothing
    try:
        counts = counting.STORE.counts(conditions, patience_s=0)
        if isinstance(counts, Reading):
            return nothing
        counts.fill(conditions)
        return [counts.n(counts.holds(condition)) for condition in conditions]
    except PusulaError:
        return nothing


def _common(members: Mapping[int, Ids], first: Segment, second: Segment) -> int:
    return len(np.intersect1d(members[first.pk], members[second.pk], assume_unique=True))


def _description(segment: Segment) -> str:
    words = segment.version.definition.get("description", {}) if segment.version else {}
    description: str = words.get(get_language()) or words.get("en") or ""
    return description


def _outline(segment: Segment) -> tuple[list[Point], bool]:
    """Return the condition in plain words, and whether it can still be read."""
    version = segment.version or segment.versions.order_by("-number").first()
    if version is None:
        return [], True
    named = {other.key: titles.segment_title(other) for other in queries.active()}
    try:
        condition = parse_condition(version.definition.get("where"), counting.STORE.schema())
    except DefinitionError:
        return [], False
    return outline(condition, named), True
