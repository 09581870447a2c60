"""The rules and limits of RFM in sentences, and in what two versions of them differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext

from pusula.lib import money
from pusula.orders import machine
from pusula.rfm import cuts as edges
from pusula.rfm import versions
from pusula.rfm.config import Project
from pusula.rfm.cuts import Cuts
from pusula.rfm.models import RfmVersion
from pusula.rfm.rules import Config, Pool, Rerun
from pusula.rfm.words import title

_STATES = {
    machine.PENDING: gettext_lazy("on option"),
    machine.CONFIRMED: gettext_lazy("confirmed"),
    machine.IN_HOUSE: gettext_lazy("in house"),
    machine.COMPLETED: gettext_lazy("completed"),
    machine.CANCELLED: gettext_lazy("cancelled"),
    machine.NO_SHOW: gettext_lazy("did not come"),
}


@dataclass(frozen=True)
class Aspect:
    """One thing that rules say, with what it is about."""

    title: str
    sentence: str


@dataclass(frozen=True)
class Difference:
    """What an aspect said before and says after; empty where there was or is nothing to say."""

    title: str
    before: str
    after: str


def between(before: RfmVersion | None, after: RfmVersion) -> list[Difference]:
    """Return in what two versions differ, rules first, then limits if both have them."""
    if before is None:
        return differing({}, aspects(versions.of(after), edges.read(after.cuts)))
    both = before.cuts and after.cuts
    pair = (
        aspects(versions.of(each), edges.read(each.cuts) if both else None)
        for each in (before, after)
    )
    return differing(*pair)


def differing(old: dict[str, Aspect], new: dict[str, Aspect]) -> list[Difference]:
    """Return the aspects whose sentences are not the same."""
    found = []
    for key in dict.fromkeys([*new, *old]):
        before = old[key].sentence if key in old else ""
        after = new[key].sentence if key in new else ""
        if before != after:
            found.append(Difference((new.get(key) or old[key]).title, before, after))
    return found


def aspects(project: Project, cuts: Cuts | None = None) -> dict[str, Aspect]:
    """Return what ``project`` says, by aspect, and the limits if there are any."""
    rules = project.rules
    found = {
        "pool": Aspect(gettext("Who is graded"), _pool(rules.pool)),
        "exclude": Aspect(gettext("Left out"), _excluded(rules.pool)),
        "look_back": Aspect(gettext("Look-back"), _look_back(rules.look_back_months)),
        "orders": Aspect(gettext("What counts"), _orders(rules)),
        "recency": Aspect(gettext("Recency"), _recency(rules)),
        "frequency": Aspect(gettext("Frequency"), _frequency(rules)),
        "monetary": Aspect(gettext("Monetary value"), _monetary(rules)),
        "groups": Aspect(gettext("Groups"), _groups(rules)),
        "rerun": Aspect(gettext("Measured anew"), _rerun(project.rerun)),
    }
    if cuts is not None and (cuts.frequency or cuts.monetary):
        found |= limits(rules, cuts)
    return {key: aspect for key, aspect in found.items() if aspect.sentence}


def _number(value: float) -> str:
    digits = 0 if float(value).is_integer() else 1
    return str(number_format(value, digits, use_l10n=True, force_grouping=True))


def _pool(pool: Pool) -> str:
    n = pool.min_orders
    if pool.min_orders_in == "ever":
        said = ngettext("At least %(n)s order ever", "At least %(n)s orders ever", n)
    else:
        said = ngettext(
            "At least %(n)s order in the look-back window",
            "At least %(n)s orders in the look-back window",
            n,
        )
    parts = [said % {"n": _number(n)}]
    if (days := pool.ordered_within_days) is not None:
        said = ngettext("the last at most %(n)s day ago", "the last at most %(n)s days ago", days)
        parts.append(said % {"n": _number(days)})
    return ", ".join(parts)


def _excluded(pool: Pool) -> str:
    return "; ".join(f"{each.trait}: {', '.join(each.is_)}" for each in pool.exclude)


def _look_back(months: int | None) -> str:
    if months is None:
        return gettext("All orders ever")
    said = ngettext("The last %(n)s month", "The last %(n)s months", months)
    return said % {"n": _number(months)}


def _orders(rules: Config) -> str:
    orders = rules.orders
    what = {"orders": gettext("Orders"), "stays": gettext("Stays")}[orders.count]
    when = {
        "booking": gettext("by the day of booking"),
        "stay": gettext("by the day of arrival"),
    }[orders.dated_by]
    amount = {
        "net": gettext("net of cancellations and refunds"),
        "gross": gettext("gross, before discounts and refunds"),
    }[orders.amount]
    returns = {
        "subtract": gettext("negative amounts are taken off"),
        "count": gettext("negative amounts count as orders"),
        "drop": gettext("negative amounts are left out"),
    }[orders.returns]
    parts = [what, when, amount, returns]
    if orders.statuses:
        names = ", ".join(str(_STATES[status]) for status in orders.statuses)
        parts.append(gettext("only in these states: %(names)s") % {"names": names})
    return ", ".join(parts)


def _recency(rules: Config) -> str:
    recency = rules.recency
    if recency.cuts:
        said = gettext("Limits of the business: %(days)s days")
        found = said % {"days": ", ".join(map(_number, recency.cuts))}
    else:
        found = _parts(recency.quantiles)
    whole = {
        "calendar_days": gettext("counted by dates"),
        "floor_days": gettext("counted in whole days of 24 hours"),
    }
    return f"{found}, {whole[recency.measure]}"


def _frequency(rules: Config) -> str:
    found = _parts(rules.frequency.quantiles)
    if rules.frequency.ranked:
        return found + ", " + gettext("ties one behind the other")
    return found


def _monetary(rules: Config) -> str:
    found = _parts(rules.monetary.quantiles)
    if rules.monetary.above_zero:
        return found + ", " + gettext("whoever spent nothing is left out")
    return found


def _parts(n: int) -> str:
    return gettext("%(n)s parts of equal size") % {"n": _number(n)}


def _groups(rules: Config) -> str:
    return "; ".join(f"{title(name)}: {', '.join(rules.named_groups[name])}"
                     for name in rules.named_groups)  # fmt: skip


def _rerun(rerun: Rerun) -> str:
    if rerun.every == "never":
        return gettext("Only when somebody asks for it")
    how_often = {"month": gettext("Every month"), "quarter": gettext("Every quarter")}
    then = {
        "ask": gettext("somebody takes the new limits over"),
        "itself": gettext("the new limits are taken over by themselves"),
    }
    return f"{how_often[rerun.every]}, {then[rerun.apply]}"


def limits(rules: Config, cuts: Cuts) -> dict[str, Aspect]:
    """Return from where to where the classes go that the data have set."""
    amounts = [_amount(edge) for edge in cuts.monetary]
    counts = [_count(limit.count, is_shared=limit.tie is not None) for limit in cuts.frequency]
    found = {
        "limits_f": Aspect(gettext("Limits of frequency"), _listed(counts)),
        "limits_m": Aspect(gettext("Limits of monetary value"), _listed(amounts)),
    }
    if rules.recency.cuts:
        return found
    told = [_number(edge) for edge in cuts.recency]
    said = gettext("up to %(limits)s days") % {"limits": ", ".join(told)} if told else ""
    return {"limits_r": Aspect(gettext("Limits of recency"), said), **found}


def _count(count: float, *, is_shared: bool) -> str:
    """Return a limit of frequency; one that parts people with the same count says so."""
    said = pgettext("limit of frequency", "%(n)s (in part)") if is_shared else "%(n)s"
    return said % {"n": _number(count)}


def _amount(minor: float) -> str:
    currency = settings.PUSULA.currency
    return f"{_number(round(float(money.from_minor(round(minor), currency))))} {currency}"


def _listed(parts: Iterable[str]) -> str:
    told = ", ".join(parts)
    return gettext("up to %(limits)s") % {"limits": told} if told else ""
