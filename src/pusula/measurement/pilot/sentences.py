"""What a pilot came to, in sentences of the active language."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from pusula.lib import clock
from pusula.measurement.pilot.report import Advice, Outcome, Report, Why
from pusula.measurement.pilot.words import scenario_title
from pusula.measurement.reports.words import amount, day, number, p_value, percent
from pusula.measurement.stats import ALPHA

ADVICE: dict[Advice, str | Promise] = {
    Advice.SCALE: pgettext_lazy("advice on a scenario", "Scale"),
    Advice.CHANGE: pgettext_lazy("advice on a scenario", "Change"),
    Advice.STOP: pgettext_lazy("advice on a scenario", "Stop"),
    Advice.TOO_EARLY: pgettext_lazy("advice on a scenario", "Too early"),
}
TONES = {Advice.SCALE: "good", Advice.CHANGE: "warn", Advice.STOP: "bad", Advice.TOO_EARLY: ""}
_REASONS: dict[Why, str | Promise] = {
    Why.HARM: gettext_lazy("Fewer people ordered than in the control group."),
    Why.UNSUBSCRIBED: gettext_lazy("More people unsubscribed than was agreed beforehand."),
    Why.COMPLAINED: gettext_lazy("More people complained than was agreed beforehand."),
    Why.SPLIT: gettext_lazy(
        "The groups do not have the sizes of an honest lot: something went wrong, and nothing can "
        "be read from them."
    ),
    Why.PAID: gettext_lazy("It brought more orders than it would have seen anyway, and paid."),
    Why.COSTS: gettext_lazy("It brought more orders, and cost more than they earned."),
    Why.NO_EFFECT: gettext_lazy(
        "No effect was seen, though one as large as hoped for would mostly have shown: change the "
        "offer or the audience."
    ),
    Why.TOO_FEW: gettext_lazy(
        "No effect was seen, and with so few people one as large as hoped for need not have "
        "shown: go on longer or with more people."
    ),
    Why.UNHEARD: gettext_lazy(
        "Hardly anybody clicked: change subject, words or the moment before the offer."
    ),
    Why.NOBODY: gettext_lazy("One of the groups is empty: nothing can be compared."),
}


def headline(found: Report) -> str:
    """Return the whole in one sentence."""
    if found.pilot.registered_at is None:
        return _("Not started: nobody gets anything yet.")
    if not found.is_over:
        return _("Day %(day)s of %(days)s. The report comes on %(when)s.") % {
            "day": number(found.day),
            "days": number(found.definition.days),
            "when": day(clock.day_of(found.ends_at, settings.PUSULA.time_zone)),
        }
    parts = []
    for advice in (Advice.SCALE, Advice.CHANGE, Advice.STOP):
        titles = [
            scenario_title(found.definition, one.measured.scenario.scenario)
            for one in found.outcomes
            if one.advice is advice
        ]
        if titles:
            parts.append(f"{ADVICE[advice]}: {', '.join(titles)}")
    return ". ".join(parts) + "."


def verdict(one: Outcome) -> str:
    """Return what a scenario caused, in one sentence; nothing before its days are over."""
    rates = one.measured.result.rates
    if one.advice is Advice.TOO_EARLY:
        return _("Too early to say.")
    if rates is None:
        return str(_REASONS[Why.NOBODY])
    said = p_value(one.p or 0)
    values = {
        "treated": percent(rates.treated.value, 2),
        "control": percent(rates.control.value, 2),
        "low": number(rates.interval.low * 100, 2),
        "high": number(rates.interval.high * 100, 2),
        "p": said if said.startswith("<") else f"= {said}",
    }
    return (
        _(
            "%(treated)s of those written to ordered, %(control)s of the control group; the "
            "difference is between %(low)s and %(high)s points (95%% confidence, p %(p)s)."
        )
        % values
    )


def reasons(one: Outcome) -> list[str]:
    """Return why a scenario is advised as it is."""
    said = [str(_REASONS[why]) for why in one.reasons]
    rates = one.measured.result.rates
    if rates is not None and one.p is not None and one.p >= ALPHA and not rates.interval.has(0):
        said.append(
            _(
                "Taken alone it would pass for a difference; of several scenarios tried at once "
                "one looks so by chance, which is why its p is corrected."
            )
        )
    return said


def money(one: Outcome) -> str:
    """Return what a scenario brought beyond the control group and what it cost."""
    gained = one.measured.gained
    if gained is None:
        return ""
    currency = settings.PUSULA.currency
    return _(
        "Extra revenue %(revenue)s (%(low)s to %(high)s), cost %(cost)s, profit %(profit)s."
    ) % {
        "revenue": amount(gained.revenue, currency),
        "low": amount(gained.interval.low, currency),
        "high": amount(gained.interval.high, currency),
        "cost": amount(gained.cost, currency),
        "profit": amount(gained.profit, currency),
    }


def heard(one: Outcome) -> Iterator[tuple[str, str]]:
    """Yield what became of the messages and calls: a name and a figure each."""
    found = one.measured.heard
    yield _("Messages sent"), number(found.n_sent)
    for name, n in (
        (_("Opened, as far as people can be told from machines"), found.n_opened),
        (_("Clicked"), found.n_clicked),
        (_("Unsubscribed"), found.n_unsubscribed),
        (_("Complained"), found.n_complained),
    ):
        yield name, f"{number(n)} · {percent(found.share(n), 2)}"
    if found.n_calls:
        yield _("Calls made"), number(found.n_calls)


def unmeasured(found: Report) -> list[str]:
    """Return what this report cannot tell, so that nobody reads it into it."""
    said = [_("What happens after the last day is not in here.")]
    if not found.is_as_registered:
        text = _("Something was changed after the start: it is not the pilot that was registered.")
        said.insert(0, text)
    if found.pilot.stopped_at is not None and found.pilot.stopped_at < found.ends_at:
        said.insert(0, _("It was stopped before its last day: not everybody got what was planned."))
    return said


def people(n: int) -> str:
    """Return ``6.910 kişi``."""
    return ngettext("%(n)s person", "%(n)s people", n) % {"n": number(n)}


def arms(one: Outcome) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield what each group did: name, people, how many ordered, share, revenue per person."""
    currency = settings.PUSULA.currency
    result = one.measured.result
    for name, arm in ((_("Written to"), result.treated), (_("Control group"), result.holdout)):
        yield (
            name,
            number(arm.n),
            number(arm.n_conversions),
            percent(arm.rate.value, 2),
            amount(arm.amounts.mean, currency),
        )
