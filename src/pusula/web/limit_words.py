"""The limits of all messages as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pusula.lib import clock
from pusula.outbox.rules.policy import Policy
from pusula.web import formats, titles


def lines(policy: Policy) -> list[str]:
    """Return a sentence for each limit."""
    return [*_caps(policy), *_quiet(policy), *_budgets(policy), *_holdout(policy)]


def _caps(policy: Policy) -> Iterator[str]:
    for cap in policy.caps:
        channel = _channel(cap.channel) if cap.channel else _("all channels together")
        form = ngettext(
            "At most %(n)s commercial message in %(window)s: %(channel)s",
            "At most %(n)s commercial messages in %(window)s: %(channel)s",
            cap.most,
        )
        words = {"n": formats.number(cap.most), "window": window(cap.window), "channel": channel}
        yield form % words


def _quiet(policy: Policy) -> Iterator[str]:
    for part in policy.quiet:
        channels = ", ".join(_channel(channel) for channel in part.channels)
        text = _("Quiet from %(starts)s to %(ends)s on the customer's own clock: %(channels)s")
        words = {"starts": part.starts, "ends": part.ends, "channels": channels}
        yield text % words


def _budgets(policy: Policy) -> Iterator[str]:
    for budget in policy.budgets:
        hourly, daily = (
            _("At most %(n)s an hour: %(channel)s"),
            _("At most %(n)s a day: %(channel)s"),
        )
        text = hourly if budget.per == "hour" else daily
        words = {"n": formats.number(budget.most), "channel": _channel(budget.channel)}
        yield text % words


def _holdout(policy: Policy) -> Iterator[str]:
    if policy.holdout:
        text = _("%(share)s of all customers get no commercial message at all (draw “%(name)s”)")
        words = {"share": formats.percent(policy.holdout.share), "name": policy.holdout.name}
        yield text % words


def _channel(name: str) -> str:
    return titles.channel(name)[1]


def window(length: int) -> str:
    """Return a length of time in the largest unit that fits."""
    for unit, singular, plural in (
        (clock.DAY, "%(n)s day", "%(n)s days"),
        (clock.HOUR, "%(n)s hour", "%(n)s hours"),
    ):
        if length % unit == 0:
            n = length // unit
            return ngettext(singular, plural, n) % {"n": formats.number(n)}
    n = length // clock.MINUTE
    return ngettext("%(n)s minute", "%(n)s minutes", n) % {"n": formats.number(n)}
