"""RFM: the groups of a run, its grid, the moves since an earlier run, and the rules behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext, pgettext
from django.views.decorators.http import require_safe

from pusula.rfm import alerts, moves, queries, sentences, words
from pusula.rfm.models import RfmRun
from pusula.rfm.queries import Class, Group
from pusula.rfm.rules import Config
from pusula.web import formats, rfm_moves, titles
from pusula.web.charts.axes import Point
from pusula.web.charts.columns import columns
from pusula.web.charts.figure import Figure
from pusula.web.charts.heat import Heat, heat
from pusula.web.charts.treemap import Tile, treemap
from pusula.web.request import asked, asked_all, whole

PAGE = 50
# Below this many scored people a quantile is a handful of them.
FEW_PEOPLE = 500
_BIN_DAYS = 30
_MOST_BINS = 24
_SAID_BY_TABLE = ("empty_groups",)  # the table shows them; no need to warn


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the run the address names, else the newest, against the one it is compared with."""
    runs = list(queries.runs()[:60])
    run = _run(runs, request.GET.get("run", "")) or (runs[0] if runs else None)
    if run is None:
        return render(request, "web/rfm/none.html")
    earlier = [r for r in runs if r.config_key == run.config_key and r.as_of_on < run.as_of_on]
    before = _run(earlier, request.GET.get("before", "")) or (earlier[0] if earlier else None)
    found = {group.name: group for group in queries.groups(run)}
    groups = [found[name] for name in rfm_moves.ordered(found)]
    context = {
        "run": run,
        "runs": runs,
        "before": before,
        "earlier": earlier,
        "rules": _rules(queries.config(run)),
        "pool": _pool(queries.config(run)),
        "alerts": [(alert, sentences.alert(alert)) for alert in alerts.open_alerts()],
        "groups": [(group, *_links(run, group)) for group in groups],
        "treemap": _treemap(run, groups),
        "grid": _grid(run),
        "warnings": [
            words.sentence(w) for w in queries.warnings(run) if w.code not in _SAID_BY_TABLE
        ],
        "is_small": run.n_profiles < FEW_PEOPLE,
        "few_people": FEW_PEOPLE,
        "histogram": _histogram(run) if 0 < run.n_profiles < FEW_PEOPLE else None,
        "scales": _scales(run),
        **(_moves(request, before, run) if before else {}),
    }
    return render(request, "web/rfm/index.html", context)


@require_safe
def people(request: HttpRequest, pk: int) -> HttpResponse:
    """List the people of a group (``group``) or of a cell of the grid (``r``, ``f``)."""
    run = queries.runs().filter(pk=pk).first()
    if run is None:
        raise Http404(str(pk))
    group = asked(request, "group")
    r, f = _score(asked(request, "r")), _score(asked(request, "f"))
    after = whole(asked(request, "after"))
    found = queries.people(run, group, r, f, after=after, n=PAGE)
    filters = {name: value for name, value in (("group", group), ("r", r), ("f", f)) if value}
    more = urlencode({**filters, "after": found.page[-1].pk}) if found.is_more else ""
    context = {
        "run": run,
        "title": _people_title(group, r, f),
        "n": found.n,
        "rows": [(score, titles.customer(score.profile.name)) for score in found.page],
        "is_first": "after" not in request.GET,
        "first": urlencode(filters),
        "more": more,
    }
    return render(request, "web/rfm/people.html", context)


def _run(runs: Sequence[RfmRun], wanted: str) -> RfmRun | None:
    return next((run for run in runs if str(run.pk) == wanted), None)


def _score(wanted: str) -> int:
    return whole(wanted) or 0 if len(wanted) == 1 else 0


def _people_title(group: str, r: int, f: int) -> str:
    if group:
        return words.title(group)
    names = [(pgettext("recency score", "R%(n)s"), r), (pgettext("frequency score", "F%(n)s"), f)]
    parts = [name % {"n": n} for name, n in names if n]
    return " · ".join(parts) or gettext("Everybody scored")


def _people(run: RfmRun, **asked: str | int) -> str:
    return f"{reverse('rfm-people', args=[run.pk])}?{urlencode(asked)}"


def _links(run: RfmRun, group: Group) -> tuple[str, str, str]:
    """Return title, colour class and address of a group."""
    colour = rfm_moves.tone(group.name, list(run.groups))
    return words.title(group.name), colour, _people(run, group=group.name)


def _treemap(run: RfmRun, groups: Sequence[Group]) -> Figure | None:
    if not run.n_profiles:
        return None
    tiles = []
    for group in groups:
        title, colour, href = _links(run, group)
        tiles.append(Tile(title, group.n, colour, href))
    said = gettext("Size of the %(n)s groups, by customers.") % {"n": len(tiles)}
    head = (gettext("Group"), gettext("Customers"), gettext("Share"))
    return treemap(tiles, sentence=said, head=head)


def _grid(run: RfmRun) -> Heat:
    """Return the grid with frequency falling from top to bottom, recency rising to the right."""
    rules = queries.config(run)
    counts = {(cell.r, cell.f): cell.n for cell in queries.grid(run)}
    frequencies = range(rules.frequency.quantiles, 0, -1)
    recencies = range(1, rules.recency.levels + 1)
    return heat(
        [[counts[r, f] for r in recencies] for f in frequencies],
        rows=[pgettext("frequency score", "F%(n)s") % {"n": f} for f in frequencies],
        columns=[pgettext("recency score", "R%(n)s") % {"n": r} for r in recencies],
        corner=gettext("Frequency by recency; 1 is the weakest score"),
        href=lambda i, j: _people(run, f=frequencies[i], r=recencies[j]),
    )


def _moves(request: HttpRequest, before: RfmRun, run: RfmRun) -> dict[str, object]:
    moved = rfm_moves.Moves(moves.transitions(before, run))
    names = rfm_moves.ordered(dict.fromkeys([*run.groups, *before.groups]))
    shown = rfm_moves.chosen(asked_all(request, "show"), names)
    return {
        "moves": moved,
        "headline": rfm_moves.headline(moved, before, names),
        "sankey": rfm_moves.chart(moved, shown, before, run),
        "choices": [(name, words.title(name), name in shown) for name in names],
    }


def _histogram(run: RfmRun) -> Figure:
    """Return how many ordered last in each stretch of thirty days."""
    days = queries.recencies(run)
    n_bins = min(max(days) // _BIN_DAYS + 1, _MOST_BINS)
    counts = [0] * n_bins
    for day in days:
        counts[min(day // _BIN_DAYS, n_bins - 1)] += 1
    points = [
        Point(str(i * _BIN_DAYS), _stretch(i, is_last=i == n_bins - 1), n)
        for i, n in enumerate(counts)
    ]
    return columns(
        points,
        sentence=gettext("Customers by days since their last order."),
        head=(gettext("Days since the last order"), gettext("Customers")),
    )


def _stretch(index: int, *, is_last: bool) -> str:
    low = index * _BIN_DAYS
    if is_last:
        return gettext("%(low)s days or more") % {"low": low}
    return gettext("%(low)s–%(high)s days") % {"low": low, "high": low + _BIN_DAYS - 1}


@dataclass(frozen=True)
class Scale:
    """The classes of one measure, as people read them."""

    title: str
    letter: str
    classes: list[tuple[int, str, int]]  # score, range, people


def _scales(run: RfmRun) -> list[Scale]:
    """Return from which value to which each score goes, as found in the run."""
    measures = (
        (gettext("Recency"), "r", pgettext("recency score", "R%(n)s"), _days),
        (gettext("Frequency"), "f", pgettext("frequency score", "F%(n)s"), _orders),
        (
            gettext("Monetary value"),
            "m",
            pgettext("monetary score", "M%(n)s"),
            lambda minor: formats.amount(minor, run.currency),
        ),
    )
    return [
        Scale(
            title,
            letter.replace("%(n)s", ""),
            [
                (found.score, _range(found, form), found.n)
                for found in queries.classes(run, measure)
            ],
        )
        for title, measure, letter, form in measures
    ]


def _range(found: Class, form: Callable[[int], str]) -> str:
    if found.low == found.high:
        return form(found.low)
    return f"{form(found.low)} – {form(found.high)}"


def _days(n: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", n) % {"n": formats.number(n)}


def _orders(n: int) -> str:
    return ngettext("%(n)s order", "%(n)s orders", n) % {"n": formats.number(n)}


def _rules(rules: Config) -> list[str]:
    """Return what a run did, in a few words each."""
    said = []
    if rules.look_back_months is not None:
        months = rules.look_back_months
        form = ngettext("look-back of %(n)s month", "look-back of %(n)s months", months)
        said.append(form % {"n": months})
    if rules.recency.cuts:
        limits = ", ".join(map(str, rules.recency.cuts))
        said.append(gettext("recency by the limits %(limits)s days") % {"limits": limits})
    else:
        said.append(gettext("recency in %(n)s equal parts") % {"n": rules.recency.quantiles})
    if rules.frequency.quantiles == rules.monetary.quantiles:
        n = rules.frequency.quantiles
        said.append(gettext("frequency and amount in %(n)s equal parts") % {"n": n})
    else:
        said.append(gettext("frequency in %(n)s equal parts") % {"n": rules.frequency.quantiles})
        said.append(gettext("amount in %(n)s equal parts") % {"n": rules.monetary.quantiles})
    return said


def _pool(rules: Config) -> list[str]:
    """Return whom and which orders a run counted, a sentence each."""
    said = []
    least = rules.pool.min_orders
    form = ngettext(
        "Whoever has at least %(n)s order is scored.",
        "Whoever has at least %(n)s orders is scored.",
        least,
    )
    said.append(form % {"n": formats.number(least)})
    if (days := rules.pool.ordered_within_days) is not None:
        form = ngettext(
            "The last order was at most %(n)s day ago.",
            "The last order was at most %(n)s days ago.",
            days,
        )
        said.append(form % {"n": formats.number(days)})
    if rules.monetary.above_zero:
        said.append(gettext("Their orders come to more than nothing."))
    if rules.orders.statuses:
        states = formats.listing(str(titles.ORDER_STATES[s]) for s in rules.orders.statuses)
        said.append(gettext("Orders in these states count: %(states)s.") % {"states": states})
    else:
        said.append(gettext("Cancelled orders and no-shows do not count."))
    for rule in rules.pool.exclude:
        values = {"trait": titles.trait(rule.trait), "words": formats.listing(rule.is_, "or")}
        said.append(gettext("Left out: customers whose %(trait)s is %(words)s.") % values)
    return said
