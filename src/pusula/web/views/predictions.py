"""Predictions: every model with its quality, its card, and the people behind its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from pusula.lib import clock
from pusula.lib.text import sort_key
from pusula.outbox import suggesting
from pusula.predict import answers, bought, queries, recommendations, words
from pusula.predict.cards import Card
from pusula.predict.models import ModelVersion, Recommendation, Verdict
from pusula.predict.queries import Tenth
from pusula.profiles.models import Profile, Score
from pusula.web import formats, prediction_words, suggestions, titles
from pusula.web.charts.axes import Point
from pusula.web.charts.calibration import Bin, calibration
from pusula.web.charts.columns import columns
from pusula.web.charts.figure import Figure
from pusula.web.prediction_words import Quality
from pusula.web.request import asked, plain, signed_in, whole

PAGE = 50
ANSWERED_WITHIN = 90 * clock.DAY


@dataclass(frozen=True)
class Row:
    """A model in the list."""

    version: ModelVersion
    title: str
    sentence: str
    quality: Quality
    withheld: str  # the reason in a sentence


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the models: what each says, of which day, how good it is beside the naive way."""
    rows = [_row(version) for version in queries.currents()]
    since_at = clock.now() - ANSWERED_WITHIN
    context = {
        "rows": sorted(rows, key=lambda row: (bool(row.withheld), sort_key(row.title))),
        "n_withheld": sum(bool(row.withheld) for row in rows),
        "answered": suggestions.answered(answers.counts(since_at)),
        "answered_days": ANSWERED_WITHIN // clock.DAY,
    }
    return render(request, "web/predictions/index.html", context)


@require_safe
def show(request: HttpRequest, model: str) -> HttpResponse:
    """Show the card of a model: its newest version, or the one that ``version`` names."""
    version = _version(model, asked(request, "version"))
    card = queries.card(version)
    kind = bought.kind_of(model)
    tenths = [] if kind or card.withheld else queries.tenths(version)
    context = {
        "version": version,
        "card": card,
        "title": words.title(model),
        "sentence": words.sentence(model),
        "method": words.said(words.METHODS, card.method),
        "baseline": words.said(words.METHODS, card.baseline) if card.baseline else "",
        "quality": prediction_words.quality(card),
        "withheld": words.note(card.withheld) if card.withheld else "",
        "notes": [words.note(note) for note in card.notes],
        "avoid": [words.said(words.AVOID, code) for code in card.avoid],
        "metrics": _metrics(card),
        "methods": _methods(version, card) if kind else [],
        "heads": [prediction_words.short(metric.name) for metric in card.metrics],
        "legend": [
            (prediction_words.short(metric.name), words.said(words.METRICS, metric.name))
            for metric in card.metrics
        ],
        "calibration": _calibration(card),
        "backtest": _backtest(card),
        "rows_by": words.said(words.ROWS, card.rows_by),
        "tenths": _tenths(model, tenths),
        "chart": _spread(model, tenths) if tenths else None,
        "versions": _versions(model),
        "is_recommender": kind is not None,
        **(_recommended(version) if kind else {}),
    }
    return render(request, "web/predictions/card.html", context)


@require_safe
def people(request: HttpRequest, model: str) -> HttpResponse:
    """List those whom a model scored (``decile``), or to whom it recommends a thing (``code``)."""
    version = _version(model)
    if bought.kind_of(model):
        return _fans(request, version)
    tenth = whole(asked(request, "decile")) or 0
    found = queries.scored(version)
    if tenth:
        found = found.filter(decile=tenth)
    rows = list(_behind(found.select_related("profile"), asked(request, "after"))[: PAGE + 1])
    form = prediction_words.form_of(model)
    shown = [(one.profile, form(one.value), one.decile) for one in rows[:PAGE]]
    context = {
        "what": gettext("Decile %(n)s") % {"n": tenth} if tenth else gettext("Everybody scored"),
        "n": found.count(),
        "rows": [_person(profile, value, decile) for profile, value, decile in shown],
        "value_head": words.title(model),
        "other_head": gettext("Decile"),
        "yaml": _segment_of_tenth(model, tenth) if tenth else "",
    }
    filters = {"decile": tenth} if tenth else {}
    return _listed(request, version, rows, filters, context)


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Write down what the agent did with the suggestion on a customer's card."""
    profile = get_object_or_404(Profile, pk=pk)
    key, verdict = plain(request.POST.get("suggestion", "")), request.POST.get("verdict", "")
    by = signed_in(request).get_username()
    if suggesting.answer(profile.pk, key, verdict, by=by, at=clock.now()):
        accepted = verdict == Verdict.ACCEPTED
        said = gettext("Noted as done.") if accepted else gettext("Noted: not now.")
        messages.success(request, said)
    return redirect("customer", pk)


def _fans(request: HttpRequest, version: ModelVersion) -> HttpResponse:
    """List those to whom a thing is recommended first."""
    code = asked(request, "code")
    found = recommendations.people(version, code)
    rows = list(_behind_list(found, asked(request, "after"))[: PAGE + 1])
    first = rows[0] if rows else None
    context = {
        "what": first.name if code and first else gettext("Everybody with a recommendation"),
        "n": found.count(),
        "rows": [_person(one.profile, one.name, one.reason_name) for one in rows[:PAGE]],
        "value_head": gettext("Recommended first"),
        "other_head": gettext("Because of"),
        "yaml": _segment_of_thing(version.model, first.name) if code and first else "",
        "is_text": True,
    }
    return _listed(request, version, rows, {"code": code} if code else {}, context)


def _listed(
    request: HttpRequest,
    version: ModelVersion,
    rows: Sequence[Score | Recommendation],
    filters: Mapping[str, object],
    context: dict[str, object],
) -> HttpResponse:
    last = rows[PAGE - 1].pk if len(rows) > PAGE else None
    context |= {
        "version": version,
        "title": words.title(version.model),
        "is_first": "after" not in request.GET,
        "first": urlencode(filters),
        "more": urlencode({**filters, "after": last}) if last else "",
    }
    return render(request, "web/predictions/people.html", context)


def _version(model: str, number: str = "") -> ModelVersion:
    """Return a version of a model; without one there is no such page."""
    wanted = whole(number) if number else None
    if wanted is None:
        version = queries.current(model)
    else:
        version = queries.versions(model).filter(number=wanted).first()
    if version is None:
        raise Http404(model)
    return version


def _row(version: ModelVersion) -> Row:
    card = queries.card(version)
    return Row(
        version=version,
        title=words.title(version.model),
        sentence=words.sentence(version.model),
        quality=prediction_words.quality(card),
        withheld=words.note(card.withheld) if card.withheld else "",
    )


def _person(profile: Profile, value: str, other: object) -> tuple[int, str, str, object]:
    return profile.pk, titles.customer(profile.name), value, other


def _behind(found: QuerySet[Score], after: str) -> QuerySet[Score]:
    """Return the scores behind the one numbered ``after``: the highest first, then by person."""
    pk = whole(after)
    last = found.filter(pk=pk).first() if pk is not None else None
    if last is None:
        return found
    alike = Q(value=last.value, profile_id__gt=last.profile_id)
    return found.filter(alike | Q(value__lt=last.value))


def _behind_list(found: QuerySet[Recommendation], after: str) -> QuerySet[Recommendation]:
    pk = whole(after)
    last = found.filter(pk=pk).first() if pk is not None else None
    if last is None:
        return found
    return found.filter(Q(score=last.score, pk__gt=last.pk) | Q(score__lt=last.score))


def _segment_of_tenth(model: str, tenth: int) -> str:
    return f"score: {{model: {model}, decile: {{is: {tenth}}}}}"


def _segment_of_thing(model: str, name: str) -> str:
    quoted = name.replace("'", "''")
    return f"trait: {{{model}: {{is: '{quoted}'}}}}"


def _metrics(card: Card) -> list[tuple[str, str, str, str, bool | None]]:
    """Return name, model, baseline, real figure, and whether the model is better."""
    return [
        (
            words.said(words.METRICS, metric.name),
            prediction_words.metric_figure(metric, metric.model),
            prediction_words.metric_figure(metric, metric.baseline),
            prediction_words.metric_figure(metric, metric.target),
            metric.is_better,
        )
        for metric in card.metrics
    ]


def _methods(version: ModelVersion, card: Card) -> list[tuple[str, bool, list[str]]]:
    """Return every way that was tried: its words, whether it was chosen, its figures."""
    tried = version.parameters.get("methods", {})
    return [
        (
            words.said(words.METHODS, method),
            method == card.method,
            _figures(figures, card),
        )
        for method, figures in tried.items()
    ]


def _figures(found: Mapping[str, float], card: Card) -> list[str]:
    """Return the figures of the card's metrics; a dash where a version did not measure one."""
    return [
        prediction_words.metric_figure(metric, found.get(metric.name)) for metric in card.metrics
    ]


def _calibration(card: Card) -> Figure | None:
    if not card.calibration:
        return None
    return calibration(
        [Bin(one.predicted, one.observed, one.n) for one in card.calibration],
        sentence=gettext(
            "What was predicted against what came; on the dashed line both are equal."
        ),
        head=(gettext("Predicted"), gettext("Came"), gettext("Customers")),
        form=prediction_words.form_of(card.model),
        axis=prediction_words.axis_of(card.model),
    )


def _backtest(card: Card) -> list[tuple[str, int, str, str, str]]:
    form = prediction_words.form_of(card.model)
    return [
        (
            prediction_words.class_name(card, row.name),
            row.n,
            form(row.observed),
            form(row.model),
            formats.NOTHING if row.baseline is None else form(row.baseline),
        )
        for row in card.backtest
    ]


def _tenths(model: str, found: Sequence[Tenth]) -> list[tuple[Tenth, str, str, str]]:
    """Return each decile with its mean and range in words, and the address of its people."""
    form = prediction_words.form_of(model)
    address = reverse("prediction-people", args=[model])
    return [
        (
            tenth,
            form(tenth.mean),
            f"{form(tenth.low)} – {form(tenth.high)}",
            f"{address}?decile={tenth.decile}",
        )
        for tenth in found
    ]


def _spread(model: str, found: Sequence[Tenth]) -> Figure:
    """Return the mean score of each decile as columns, the lowest first."""
    form, scale = prediction_words.column_form(model)
    points = [
        Point(
            formats.number(tenth.decile),
            gettext("Decile %(n)s") % {"n": tenth.decile},
            max(tenth.mean, 0.0) * scale,
        )
        for tenth in reversed(found)
    ]
    return columns(
        points,
        sentence=gettext("The mean score of each decile, from the lowest to the highest."),
        head=(gettext("Decile"), gettext("Mean score")),
        form=form,
    )


def _versions(model: str) -> list[tuple[ModelVersion, Quality, str]]:
    """Return the versions that are kept, how good each was, and why it gave no scores."""
    found = [(version, queries.card(version)) for version in queries.versions(model)]
    return [
        (
            version,
            prediction_words.quality(card),
            words.note(card.withheld) if card.withheld else "",
        )
        for version, card in found
    ]


def _recommended(version: ModelVersion) -> dict[str, object]:
    """Return what a recommender puts first most often, and what is bought together."""
    n_people = recommendations.n_people(version)
    address = reverse("prediction-people", args=[version.model])
    firsts = [
        (one["name"], one["n"], f"{address}?{urlencode({'code': one['code']})}")
        for one in recommendations.firsts(version)
    ]
    return {
        "n_people": n_people,
        "people_address": address,
        "firsts": firsts,
        "most": max((n for _, n, _ in firsts), default=0),
        "companions": recommendations.companions(version),
    }
