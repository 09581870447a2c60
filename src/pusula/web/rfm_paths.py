"""The moves over several RFM runs as the page shows them: matrix, paths, sizes run by run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext

from pusula.rfm import figures, sentences, words
from pusula.rfm.matrix import Group, Matrix
from pusula.rfm.models import RfmRun
from pusula.rfm.moves import ANY, Path
from pusula.rfm.steps import Hindrance
from pusula.web import formats, rfm_moves
from pusula.web.charts import sankey
from pusula.web.charts.figure import Figure
from pusula.web.charts.heat import level
from pusula.web.charts.stages import stages
from pusula.web.rfm_moves import OTHERS

NONE = "-"  # in an address: was not in that run
TOP = 12
_MOST_BETWEEN = 2


@dataclass(frozen=True)
class Cell:
    """A number of the matrix; ``barred`` says why nobody can be here."""

    n: int
    share: float | None
    level: int
    label: str
    href: str
    barred: str


@dataclass(frozen=True)
class Row:
    """A group before, and where those who were in it are after."""

    title: str
    tone: str
    n: int
    cells: list[Cell]


@dataclass(frozen=True)
class Way:
    """A path with its share of those that are shown."""

    stops: list[tuple[str, str]]  # title and colour of each group
    n: int
    share: float
    href: str


def title(group: Group) -> str:
    """Return what people call a group; who was in none was not scored."""
    if group == ANY:
        return gettext("any group")
    return gettext("Not scored") if group is None else words.title(group)


def between(runs: Sequence[RfmRun], before: RfmRun, after: RfmRun) -> list[RfmRun]:
    """Return ``before``, up to two of ``runs`` evenly chosen from between, and ``after``."""
    inside = sorted(
        (run for run in runs if before.as_of_on < run.as_of_on < after.as_of_on),
        key=lambda run: run.as_of_on,
    )
    n = min(len(inside), _MOST_BETWEEN)
    chosen = [inside[(place + 1) * (len(inside) + 1) // (n + 1) - 1] for place in range(n)]
    return [before, *chosen, after]


def people_address(runs: Iterable[RfmRun], groups: Iterable[Group]) -> str:
    """Return the address of the people who were in ``groups`` in ``runs``."""
    asked = [("run", str(run.pk)) for run in runs]
    asked += [("group", NONE if group is None else group) for group in groups]
    return f"{reverse('rfm-movers')}?{urlencode(asked)}"


def rows(found: Matrix) -> list[Row]:
    """Return the matrix, shaded by the share of each row that moved to a column."""
    barred = {(old, new): why for old, new, why in found.impossible()}
    names = list(found.before.groups)
    cells = {(old, new): (n, share) for old, new, n, share in found.cells()}
    return [
        Row(
            title(row),
            "none" if row is None else rfm_moves.tone(row, names),
            sum(found.n(row, column) for column in found.columns),
            [
                _cell(found, row, column, cells[row, column], barred.get((row or "", column or "")))
                for column in ordered(found.columns)
                if (row, column) in cells
            ],
        )
        for row in ordered(found.rows)
    ]


def ordered(groups: Sequence[Group]) -> list[Group]:
    """Return groups from the best to the lost; those who were not scored last."""
    named = rfm_moves.ordered(group for group in groups if group is not None)
    return [*named, None] if None in groups else [*named]


def _cell(
    found: Matrix,
    row: Group,
    column: Group,
    cell: tuple[int, float | None],
    why: Hindrance | None,
) -> Cell:
    n, share = cell
    barred = ""
    if why is not None and not n and row is not None and column is not None:
        barred = sentences.hindrance(why, row, column)
    shade = level(round(1_000 * (share or 0)), 1_000) if n else 0
    href = people_address([found.before, found.after], [row, column]) if n else ""
    return Cell(n, share, shade, f"{title(row)} → {title(column)}", href, barred)


def barred(found: Matrix) -> list[str]:
    """Return why steps are impossible, those from the best groups to the fading ones first."""
    told = [
        (_rank(old, new), sentences.hindrance(why, old, new))
        for old, new, why in found.impossible()
        if not found.n(old, new) and old != new
    ]
    return [sentence for _rank_, sentence in sorted(told)]


def _rank(old: str, new: str) -> tuple[bool, int]:
    is_slide = old in rfm_moves.VALUED and new in rfm_moves.FADING
    place = rfm_moves.FADING.index(new) if new in rfm_moves.FADING else len(rfm_moves.FADING)
    return (not is_slide, rfm_moves.VALUED.index(old) if is_slide else place)


def ways(runs: Sequence[RfmRun], gone: Sequence[Path]) -> list[Way]:
    """Return the paths most people took."""
    n_all = sum(path.n for path in gone)
    names = list(runs[-1].groups)
    return [
        Way(
            [
                (title(group), "none" if group is None else rfm_moves.tone(group, names))
                for group in path.groups
            ],
            path.n,
            path.n / n_all,
            people_address(runs, path.groups) if any(path.groups) else "",
        )
        for path in gone[:TOP]
    ]


def chart(runs: Sequence[RfmRun], gone: Iterable[Path], shown: Sequence[str]) -> Figure | None:
    """Return the paths through the groups ``shown``; all other groups are one band."""
    counts: Counter[tuple[str, ...]] = Counter()
    for path in gone:
        way = tuple(group if group and group in shown else OTHERS for group in path.groups)
        if any(way):
            counts[way] += path.n
    if not counts:
        return None
    names = list(runs[-1].groups)
    drawn = [sankey.Group(name, words.title(name), rfm_moves.tone(name, names)) for name in shown]
    if any(OTHERS in way for way in counts):
        drawn.append(sankey.Group(OTHERS, gettext("Others"), "none"))
    days = [formats.day(run.as_of_on) for run in runs]
    values = {"before": days[0], "after": days[-1]}
    return stages(
        drawn,
        counts,
        sentence=gettext("Paths through the groups from %(before)s to %(after)s.") % values,
        moments=days,
        head=(*days, gettext("Customers")),
    )


@dataclass(frozen=True)
class Size:
    """What a group had in one run; ``change`` is its growth since the run before."""

    n: int
    share: float
    revenue_minor: int
    change: float | None
    href: str


def sizes(runs: Sequence[RfmRun]) -> list[tuple[str, str, list[Size]]]:
    """Return title, colour and sizes of each group over ``runs``, as the newest names them."""
    found = figures.of_runs(runs)
    names = rfm_moves.ordered(runs[-1].groups)
    return [
        (
            words.title(group),
            rfm_moves.tone(group, names),
            [
                _size(group, run, found, runs[place - 1] if place else None)
                for place, run in enumerate(runs)
            ],
        )
        for group in names
    ]


def _size(
    group: str, run: RfmRun, found: dict[int, dict[str, figures.Size]], before: RfmRun | None
) -> Size:
    nothing = figures.Size(0, 0)
    held = found[run.pk].get(group, nothing)
    old = found[before.pk].get(group, nothing).n if before else 0
    return Size(
        n=held.n,
        share=held.n / run.n_profiles if run.n_profiles else 0.0,
        revenue_minor=held.revenue_minor,
        change=held.n / old - 1 if old else None,
        href=f"{reverse('rfm-people', args=[run.pk])}?{urlencode({'group': group})}",
    )
