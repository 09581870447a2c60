"""The report of a pilot as PDF: two or three pages that can be handed round."""

from __future__ import annotations

import functools
import io
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.utils.translation import gettext as _
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from pusula.lib import clock
from pusula.measurement.pilot import sentences
from pusula.measurement.pilot.plan import Expected
from pusula.measurement.pilot.report import Advice, Outcome, Report
from pusula.measurement.pilot.words import KINDS, scenario_title
from pusula.measurement.reports.words import day, number, percent
from pusula.segments import spoken

_WEIGHTS = {"": 400, "B": 650}
_PARTS = {"Inter": "inter-latin", "InterExt": "inter-latin-ext"}
_INK, _SOFT, _LINE = (21, 32, 43), (92, 104, 117), (226, 230, 234)
_TONES = {
    Advice.SCALE: ((23, 112, 63), (230, 243, 235)),
    Advice.CHANGE: ((127, 83, 0), (250, 241, 222)),
    Advice.STOP: ((179, 38, 30), (252, 233, 231)),
    Advice.TOO_EARLY: ((69, 82, 95), (243, 245, 247)),
}
_BAR_HEIGHT = 7.0


def pdf(found: Report) -> bytes:
    """Return the report as a PDF in the active language; the same report gives the same bytes."""
    with tempfile.TemporaryDirectory() as fonts:
        return _written(found, _Page(Path(fonts)))


def _written(found: Report, page: _Page) -> bytes:
    page.title(found.definition.title.of(spoken.language()), settings.PUSULA.name, _period(found))
    page.lead(sentences.headline(found))
    for one in found.outcomes:
        _scenario(page, found, one)
    page.heading(_("What was agreed before it began"))
    _agreed(page, found)
    page.heading(_("What this report does not tell"))
    page.points(sentences.unmeasured(found))
    return page.output(at=found.at)


def _period(found: Report) -> str:
    zone = settings.PUSULA.time_zone
    first, last = found.definition.starts_on, clock.day_of(found.ends_at - 1, zone)
    return f"{day(first)} – {day(last)}"


def _scenario(page: _Page, found: Report, one: Outcome) -> None:
    title = scenario_title(found.definition, one.measured.scenario.scenario)
    kind = str(KINDS[one.measured.scenario.scenario])
    page.scenario(title, kind, str(sentences.ADVICE[one.advice]), one.advice)
    page.text(sentences.verdict(one))
    if one.advice is not Advice.TOO_EARLY and one.measured.result.rates is not None:
        interval = one.measured.result.rates.interval
        page.interval(one.measured.result.rates.difference, interval.low, interval.high)
        page.points(sentences.reasons(one))
        page.text(sentences.money(one))
    page.table(
        [_("Group"), _("People"), _("Ordered"), _("Rate"), _("Revenue per person")],
        sentences.arms(one),
    )
    page.table([_("Messages and calls"), ""], sentences.heard(one))


def _agreed(page: _Page, found: Report) -> None:
    told = found.definition
    page.points(
        [
            _("Counted is who orders within %(days)s days; each scenario holds out %(share)s.")
            % {"days": number(told.days), "share": percent(float(told.holdout))},
            _("A scenario is stopped if more than %(out)s unsubscribe or %(complain)s complain.")
            % {
                "out": percent(float(told.limits.unsubscribed), 2),
                "complain": percent(float(told.limits.complained), 2),
            },
            *(_hoped(found, one.expected) for one in found.outcomes if one.expected is not None),
        ]
    )


def _hoped(found: Report, one: Expected) -> str:
    values = {
        "scenario": scenario_title(found.definition, one.scenario),
        "hoped": percent(None if one.hoped is None else (one.base_rate or 0) + one.hoped, 2),
        "rate": percent(one.base_rate, 2),
        "n": number(one.n_people),
    }
    return (
        _("%(scenario)s: %(n)s people; hoped for was that %(rate)s ordering become %(hoped)s.")
        % values
    )


class _Paper(FPDF):
    """A4 with the number of the page at its foot."""

    def footer(self) -> None:
        """Write the number of the page."""
        self.set_y(-12)
        self.set_font("Inter", "", 8)
        self.set_text_color(*_SOFT)
        self.cell(0, 5, f"Pusula · {self.page_no()}", align="R")


class _Page:
    """Paper with our type, colours and parts; ``fonts`` is a folder for their files."""

    def __init__(self, fonts: Path) -> None:
        self._paper = _Paper(format="A4")
        self._paper.set_margins(18, 16, 18)
        self._paper.set_auto_page_break(auto=True, margin=18)
        for family, name in _PARTS.items():
            for style, weight in _WEIGHTS.items():
                file = fonts / f"{name}-{weight}.ttf"
                file.write_bytes(_font(name, weight))
                self._paper.add_font(family, style, file)
        self._paper.set_fallback_fonts(["InterExt"], exact_match=False)
        self._paper.set_lang(spoken.language())
        self._paper.add_page()

    def output(self, *, at: int) -> bytes:
        """Return the file; ``at`` is the moment it says it was made."""
        self._paper.set_creation_date(datetime.fromtimestamp(at // 1_000_000, tz=UTC))
        return bytes(self._paper.output())

    def _ink(self, size: float, style: str = "", colour: tuple[int, int, int] = _INK) -> None:
        self._paper.set_font("Inter", style, size)
        self._paper.set_text_color(*colour)

    def title(self, title: str, company: str, period: str) -> None:
        """Write the head of the report."""
        self._ink(9, colour=_SOFT)
        self._line(f"{company} · {period}", 5)
        self._ink(20, "B")
        self._line(title, 10)
        self._paper.set_title(title)

    def lead(self, text: str) -> None:
        """Write the one sentence that matters."""
        self._ink(12, "B")
        self._line(text, 6.5)
        self._paper.ln(2)

    def heading(self, text: str) -> None:
        """Write a heading."""
        self._paper.ln(3)
        self._keep(24)
        self._ink(12, "B")
        self._line(text, 7)

    def scenario(self, title: str, kind: str, advice: str, tone: Advice) -> None:
        """Write the head of a scenario with its advice as a label."""
        self._paper.ln(3)
        self._keep(60)
        self._paper.set_draw_color(*_LINE)
        self._paper.line(
            self._paper.l_margin,
            self._paper.get_y(),
            self._paper.w - self._paper.r_margin,
            self._paper.get_y(),
        )
        self._paper.ln(3)
        ink, ground = _TONES[tone]
        self._ink(10, "B", ink)
        self._paper.set_fill_color(*ground)
        width = self._paper.get_string_width(advice) + 6
        self._paper.cell(width, 6.5, advice, align="C", fill=True)
        self._ink(13, "B")
        self._paper.cell(0, 6.5, f"  {title}")
        self._ink(9, colour=_SOFT)
        self._paper.set_x(self._paper.l_margin)
        self._paper.cell(0, 6.5, kind, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._paper.ln(1.5)

    def text(self, text: str) -> None:
        """Write a paragraph."""
        if text:
            self._ink(10)
            self._line(text, 5)

    def points(self, points: Iterable[str]) -> None:
        """Write a list."""
        self._ink(10)
        for one in points:
            self._paper.set_x(self._paper.l_margin + 1)
            self._paper.cell(4, 5, "·")
            self._paper.multi_cell(0, 5, one, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def interval(self, middle: float, low: float, high: float) -> None:
        """Draw a difference of shares with its interval on a line with zero."""
        self._paper.ln(1)
        self._keep(_BAR_HEIGHT + 6)
        width, top = 110.0, self._paper.get_y() + 1
        left = self._paper.l_margin + 30
        reach = max(abs(low), abs(high), 1e-6) * 1.1

        def x(value: float) -> float:
            return left + width * (value + reach) / (2 * reach)

        self._paper.set_draw_color(*_LINE)
        self._paper.line(left, top + _BAR_HEIGHT / 2, left + width, top + _BAR_HEIGHT / 2)
        self._paper.set_fill_color(86, 163, 170)
        self._paper.rect(x(low), top + _BAR_HEIGHT / 2 - 1.2, x(high) - x(low), 2.4, style="F")
        self._paper.set_fill_color(11, 107, 116)
        self._paper.rect(x(middle) - 0.6, top + 1, 1.2, _BAR_HEIGHT - 2, style="F")
        self._paper.set_draw_color(*_INK)
        self._paper.line(x(0), top, x(0), top + _BAR_HEIGHT)
        self._ink(8, colour=_SOFT)
        for value, at in ((low, x(low)), (0.0, x(0)), (high, x(high))):
            self._paper.set_xy(at - 12, top + _BAR_HEIGHT)
            self._paper.cell(24, 4, number(value * 100, 2) if value else "0", align="C")
        self._paper.set_xy(self._paper.l_margin, top)
        self._paper.cell(28, _BAR_HEIGHT, _("Difference, points"))
        self._paper.set_xy(self._paper.l_margin, top + _BAR_HEIGHT + 5)

    def table(self, head: list[str], rows: Iterable[Iterable[str]]) -> None:
        """Write a table: the first column words, the others figures."""
        self._paper.ln(1.5)
        self._ink(9)
        self._paper.set_draw_color(*_LINE)
        self._paper.set_fill_color(255)
        with self._paper.table(
            text_align=("LEFT", *("RIGHT",) * (len(head) - 1)),
            col_widths=(46, *((54 / (len(head) - 1),) * (len(head) - 1))),
            borders_layout="HORIZONTAL_LINES",
            line_height=5.5,
            padding=(0.6, 0),
            headings_style=FontFace(emphasis="BOLD", color=_SOFT),
        ) as made:
            for cells in (head, *rows):
                row = made.row()
                for cell in cells:
                    row.cell(cell)
        self._paper.ln(1)

    def _line(self, text: str, height: float) -> None:
        self._paper.multi_cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _keep(self, height: float) -> None:
        """Begin a page if so much would not fit on this one."""
        if self._paper.will_page_break(height):
            self._paper.add_page()


@functools.cache
def _font(name: str, weight: int) -> bytes:
    """Return one of our fonts at a weight as TrueType."""
    file = finders.find(f"web/font/{name}.woff2")
    if file is None:
        raise FileNotFoundError(name)
    variable = TTFont(str(file))
    variable.flavor = None
    fixed = instancer.instantiateVariableFont(variable, {"wght": weight})
    out = io.BytesIO()
    fixed.save(out)
    return out.getvalue()
