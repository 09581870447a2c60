"""The result of a campaign as tables of the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pusula.measurement.experiments.verdict import variant_verdict, verdict
from pusula.measurement.results.campaign import ArmResult, Effect, Phase, Result
from pusula.ops.figures import amount, number, p_value, percent


def show(found: Result) -> None:
    """Print the figures of a campaign and its verdict."""
    campaign, console = found.campaign, Console()
    console.print(f"[bold]{escape(campaign.title)}[/bold]  {escape(campaign.key)}")
    said = verdict(found)
    if said.warning:
        console.print(escape(said.warning), style="yellow")
    console.print(escape(said.sentence))
    if found.phase is Phase.NOT_STARTED:
        return
    console.print(_arms(found))
    if found.overall is None or found.phase is not Phase.READY:
        return
    console.print(_effects(found, found.overall))
    for effect in found.variants:
        console.print(
            f"{escape(effect.arm.name)}: {escape(variant_verdict(found, effect).sentence)}"
        )


def _arms(found: Result) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for heading in (
        gettext("People"),
        gettext("Converted"),
        "%",
        gettext("Net revenue"),
        gettext("per head"),
    ):
        table.add_column(heading, justify="right")
    arms: Iterable[tuple[str, ArmResult]] = [
        (gettext("Sent to"), found.treated),
        *((effect.arm.name, effect.arm) for effect in found.variants),
        (gettext("Control group"), found.holdout),
    ]
    for name, arm in arms:
        table.add_row(
            escape(name),
            number(arm.n),
            number(arm.n_conversions),
            percent(arm.rate.value, 2),
            amount(arm.revenue_minor, found.campaign.currency),
            amount(arm.amounts.mean, found.campaign.currency),
        )
    return table


def _effects(found: Result, overall: Effect) -> Table:
    """Return differences to the control group, one column per comparison."""
    currency = found.campaign.currency
    effects = [(gettext("Sent to"), overall), *((e.arm.name, e) for e in found.variants)]
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(gettext("Against the control group"))
    for name, _effect in effects:
        table.add_column(escape(name), justify="right")
    lines = [_lines(effect, currency) for _name, effect in effects]
    for cells in zip(*lines, strict=True):
        table.add_row(cells[0][0], *(value for _label, value in cells))
    return table


def _lines(effect: Effect, currency: str) -> list[tuple[str, str]]:
    rates, means, gained = effect.rates, effect.means, effect.gained
    interval = rates.interval
    return [
        (gettext("Difference, points"), number(rates.difference * 100, 2)),
        (gettext("Interval (95%)"), _range(interval.low * 100, interval.high * 100)),
        ("p", p_value(effect.p)),
        (gettext("Extra conversions"), number(effect.n_incremental, 1)),
        (gettext("Extra revenue per head"), amount(means.difference, currency)),
        ("p", p_value(means.p)),
        (gettext("Extra revenue"), amount(gained.revenue, currency)),
        (gettext("Cost"), amount(gained.cost, currency)),
        (gettext("Profit at a margin of %(margin)s") % {"margin": percent(gained.margin, 0)},
         amount(gained.profit, currency)),
        (gettext("Return on cost"), percent(gained.roi, 0)),
    ]  # fmt: skip


def _range(low: float, high: float) -> str:
    return f"{number(low, 2)} … {number(high, 2)}"
