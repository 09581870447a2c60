"""What has to be in order before a pilot begins: looked at by the program, or ticked by people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db.models import Max
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pusula.campaigns import checklist as campaigns
from pusula.campaigns import templates, words
from pusula.campaigns.checklist import Item, Level
from pusula.campaigns.models import FrozenTemplate, Template, Trial
from pusula.events.models import Event
from pusula.lib import clock
from pusula.measurement.pilot import building
from pusula.measurement.pilot.definition import Definition
from pusula.measurement.pilot.models import Pilot
from pusula.measurement.pilot.plan import Expected
from pusula.measurement.pilot.words import scenario_title
from pusula.measurement.reports.names import CHANNELS
from pusula.measurement.reports.words import number, percent
from pusula.orders.models import Order
from pusula.segments import queries as segments

FRESH = 48 * clock.HOUR
_EVALUATED = 24 * clock.HOUR
_EXAMPLES = ("example.com", "www.example.com")
# What no program can see; the codes are kept with who ticked them.
BY_PEOPLE: dict[str, str | Promise] = {
    "law": gettext_lazy("Whoever answers for data protection has read the messages and the plan."),
    "claims": gettext_lazy("Every claim and figure in the messages is true of the company."),
    "pages": gettext_lazy("The pages that the buttons lead to are there and count bookings."),
    "agents": gettext_lazy("The call centre knows the script, the offer and how to note outcomes."),
    "quiet": gettext_lazy("No other campaign speaks to these people during the pilot."),
    "reception": gettext_lazy("Reception and reservations know the offer and how long it holds."),
    "owner": gettext_lazy("Somebody is named who looks every day and may stop it."),
}


@dataclass(frozen=True, slots=True)
class Point:
    """Something people have to see to; ``by`` and ``at`` of who says it is done."""

    code: str
    text: str
    by: str = ""
    at: int | None = None


def look(definition: Definition, expected: Sequence[Expected], *, at: int) -> list[Item]:
    """Return what the program can see by itself, a sentence each."""
    return [
        *_people(definition, expected),
        *_segments(definition, at),
        *_data(at),
        *_templates(definition),
        *_routes(definition),
        _site(definition),
        _trial(definition),
        Item("holdout", Level.OK, _("Each scenario holds out %(share)s of its people.")
             % {"share": percent(float(definition.holdout))}),
    ]  # fmt: skip


def by_people(pilot: Pilot | None) -> list[Point]:
    """Return what people have to see to, and who has."""
    ticks = {one.item: one for one in pilot.ticks.all()} if pilot is not None else {}
    return [
        Point(code, str(text), *((ticks[code].by, ticks[code].at) if code in ticks else ()))
        for code, text in BY_PEOPLE.items()
    ]


def _people(definition: Definition, expected: Sequence[Expected]) -> Iterator[Item]:
    for one in expected:
        title = scenario_title(definition, one.scenario)
        if not one.n_treated or not one.n_control:
            text = _("%(scenario)s: nobody is left to write to, or nobody to measure against.")
            yield Item("people", Level.ERROR, text % {"scenario": title})
            continue
        yield _power(title, one)


def _power(title: str, one: Expected) -> Item:
    if one.base_rate is None or one.detectable is None or one.hoped is None:
        text = _("%(scenario)s: nobody of them ordered lately, so nobody can say what it may show.")
        return Item("power", Level.WARNING, text % {"scenario": title})
    values = {
        "scenario": title,
        "rate": percent(one.base_rate),
        "hoped": percent(one.base_rate + one.hoped),
        "n": number(one.n_people),
        "needed": number(one.needed or 0),
        "seen": percent(one.base_rate + one.detectable),
    }
    if one.may_show:
        text = _("%(scenario)s: %(n)s people are enough to see %(rate)s become %(hoped)s.")
        return Item("power", Level.OK, text % values)
    if one.base_rate + one.detectable >= 1:
        text = _("%(scenario)s: %(n)s people are too few to show any effect.")
        return Item("power", Level.WARNING, text % values)
    text = _(
        "%(scenario)s: to see %(rate)s become %(hoped)s takes %(needed)s people; you have %(n)s. "
        "This pilot mostly sees a rise to %(seen)s and above."
    )
    return Item("power", Level.WARNING, text % values)


def _segments(definition: Definition, at: int) -> Iterator[Item]:
    old = []
    for key in definition.used():
        segment = segments.by_key(key)
        if segment is None or segment.evaluated_at is None:
            text = _("The segment %(key)s has never been evaluated: run `pusula run`.")
            yield Item("segments", Level.ERROR, text % {"key": key})
        elif at - segment.evaluated_at > _EVALUATED:
            old.append(key)
    if old:
        text = _("Evaluated more than a day ago: %(keys)s. Run `pusula run`.")
        yield Item("segments", Level.WARNING, text % {"keys": ", ".join(old)})
    else:
        yield Item("segments", Level.OK, _("All segments are up to date."))


def _data(at: int) -> Iterator[Item]:
    newest = Order.objects.aggregate(newest=Max("recorded_at"))["newest"]
    if newest is None:
        text = _("There are no orders: without them nothing is measured.")
        yield Item("data", Level.ERROR, text)
    elif at - newest > FRESH:
        days = (at - newest) // clock.DAY
        form = ngettext(
            "No order has come in for %(n)s day: bookings of the pilot would not be seen.",
            "No order has come in for %(n)s days: bookings of the pilot would not be seen.",
            days,
        )
        yield Item("data", Level.WARNING, form % {"n": number(days)})
    else:
        yield Item("data", Level.OK, _("Orders are coming in."))
    if not Event.objects.filter(recorded_at__gt=at - FRESH).exists():
        text = _("No event has come in for two days: is the site telling us what visitors do?")
        yield Item("events", Level.WARNING, text)


def _templates(definition: Definition) -> Iterator[Item]:
    found = []
    for template in templates_of(definition):
        for language, said in templates.all_said(template).items():
            for problem in templates.check(template.channel, said):
                level = Level.ERROR if problem.is_error else Level.WARNING
                text = f"{template.name}: {words.problem(problem, language)}"
                found.append(Item("templates", level, text))
    yield from found or [Item("templates", Level.OK, _("The templates have no errors."))]


def templates_of(definition: Definition) -> list[Template]:
    """Return the templates of a pilot."""
    names = [
        letter.name for one in definition.scenarios for letter in building.letters(definition, one)
    ]
    names += [one.whatsapp_template for one in definition.scenarios if one.whatsapp_template]
    return list(Template.objects.filter(name__in=names).order_by("name"))


def _routes(definition: Definition) -> Iterator[Item]:
    first = {one.routes[0] for one in definition.scenarios}
    for route in dict.fromkeys(route for one in definition.scenarios for route in one.routes):
        for item in campaigns.carrier(route):
            # Whom a later route would reach is reached by none then, which the plan has counted.
            is_spare = item.level is Level.ERROR and route not in first
            level = Level.WARNING if is_spare else item.level
            yield Item("routes", level, f"{CHANNELS[route]}: {item.text}")


def _site(definition: Definition) -> Item:
    if (urlsplit(definition.site).hostname or "") in _EXAMPLES:
        text = _("The buttons lead to an example: write the address of your site as `site`.")
        return Item("site", Level.ERROR, text)
    return Item("site", Level.OK, _("The buttons lead to %(site)s.") % {"site": definition.site})


def _trial(definition: Definition) -> Item:
    contents = FrozenTemplate.objects.filter(version__template__in=templates_of(definition))
    sent = Trial.objects.filter(content__in=contents.values("content"), sent_at__isnull=False)
    if sent.exists():
        return Item("trial", Level.OK, _("A test mail was sent."))
    text = _("No test mail of its templates was sent yet.")
    return Item("trial", Level.WARNING, text)
