"""What the pages of pilots show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy

from pusula.measurement.pilot import sentences
from pusula.measurement.pilot.definition import Definition, restored
from pusula.measurement.pilot.models import PLANNED, RUNNING, STOPPED, Pilot
from pusula.measurement.pilot.plan import Expected
from pusula.measurement.pilot.report import Advice, Outcome, Report
from pusula.measurement.pilot.words import KINDS, LEFT_OUT, scenario_title
from pusula.segments import queries as segments
from pusula.segments import spoken
from pusula.web import formats, titles
from pusula.web.charts.effect import Effect, effect
from pusula.web.charts.figure import Figure

# State: tone of its badge, words.
STATES: dict[str, tuple[str, str | Promise]] = {
    PLANNED: ("", pgettext_lazy("state of a pilot", "Planned")),
    RUNNING: ("info", pgettext_lazy("state of a pilot", "Under way")),
    STOPPED: ("warn", pgettext_lazy("state of a pilot", "Stopped")),
}
_OVER = ("good", pgettext_lazy("state of a pilot", "Over"))


@dataclass(frozen=True, slots=True)
class Row:
    """A pilot in the list."""

    pilot: Pilot
    title: str
    state: tuple[str, str | Promise]
    headline: str
    day: int | None
    days: int


@dataclass(frozen=True, slots=True)
class Block:
    """A scenario on the page of its pilot."""

    outcome: Outcome
    title: str
    kind: str
    advice: str
    tone: str
    verdict: str
    reasons: list[str]
    money: str
    arms: list[tuple[str, ...]]
    heard: list[tuple[str, str]]
    chart: Figure | None


@dataclass(frozen=True, slots=True)
class Page:
    """A pilot as its page shows it."""

    found: Report
    title: str
    state: tuple[str, str | Promise]
    headline: str
    blocks: list[Block]
    unmeasured: list[str]

    @property
    def n_treated(self) -> int:
        """How many people are in the groups that get messages."""
        return sum(one.measured.result.treated.n for one in self.found.outcomes)

    @property
    def n_control(self) -> int:
        """How many people are in the control groups."""
        return sum(one.measured.result.holdout.n for one in self.found.outcomes)

    @property
    def n_sent(self) -> int:
        """How many messages were sent."""
        return sum(one.measured.heard.n_sent for one in self.found.outcomes)


@dataclass(frozen=True, slots=True)
class Hope:
    """A scenario before it begins."""

    one: Expected
    title: str
    kind: str
    left_out: list[tuple[int, str]]

    @property
    def points(self) -> str:
        """By how many percentage points more are hoped to order."""
        return formats.number((self.one.hoped or 0) * 100, 1)


def zone() -> str:
    """Return the company's time zone."""
    return str(settings.PUSULA.time_zone)


def title(told: Definition) -> str:
    """Return what a pilot is called."""
    return told.title.of(spoken.language())


def row(one: Pilot, found: Report | None) -> Row:
    """Return a pilot as the list shows it; ``None``: it is not counted yet."""
    if found is None:
        told = restored(one.definition)
        return Row(one, title(told), STATES[one.state], gettext("is being counted"), None,
                   told.days)  # fmt: skip
    told = found.definition
    return Row(one, title(told), _state(found), sentences.headline(found), found.day, told.days)


def page(found: Report) -> Page:
    """Return a pilot as its page shows it."""
    return Page(
        found=found,
        title=title(found.definition),
        state=_state(found),
        headline=sentences.headline(found),
        blocks=[_block(found, one) for one in found.outcomes],
        unmeasured=sentences.unmeasured(found),
    )


def expected(told: Definition, found: Sequence[Expected]) -> list[Hope]:
    """Return the scenarios as they are before the start."""
    return [
        Hope(
            one,
            scenario_title(told, one.scenario),
            str(KINDS[one.scenario]),
            [(n, _left_out(code)) for code, n in one.left_out.items()],
        )
        for one in found
    ]


def _left_out(code: str) -> str:
    if code in LEFT_OUT:
        return str(LEFT_OUT[code])
    return gettext("are in the segment “%(segment)s”") % {
        "segment": _segment(code.removeprefix("segment:"))
    }


def _segment(key: str) -> str:
    found = segments.by_key(key)
    return titles.segment_title(found) if found else key


def _state(found: Report) -> tuple[str, str | Promise]:
    is_over = found.pilot.state == RUNNING and found.is_over
    return _OVER if is_over else STATES[found.pilot.state]


def _block(found: Report, one: Outcome) -> Block:
    kind = one.measured.scenario.scenario
    return Block(
        outcome=one,
        title=scenario_title(found.definition, kind),
        kind=str(KINDS[kind]),
        advice=str(sentences.ADVICE[one.advice]),
        tone=sentences.TONES[one.advice],
        verdict=sentences.verdict(one),
        reasons=sentences.reasons(one),
        money=sentences.money(one) if one.advice is not Advice.TOO_EARLY else "",
        arms=list(sentences.arms(one)),
        heard=list(sentences.heard(one)),
        chart=_chart(one),
    )


def _chart(one: Outcome) -> Figure | None:
    rates = one.measured.result.rates
    if one.advice is Advice.TOO_EARLY or rates is None:
        return None
    name = gettext("Difference of those who ordered, points")
    shown = Effect(
        name, rates.interval.low * 100, rates.difference * 100, rates.interval.high * 100
    )
    head = (gettext("What"), gettext("Low"), gettext("Estimate"), gettext("High"))
    return effect(
        [shown],
        sentence=sentences.verdict(one),
        head=head,
        form=lambda value: formats.number(value, 1),
    )
