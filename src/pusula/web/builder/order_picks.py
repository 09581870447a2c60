"""What a condition can ask for of orders, stays and products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext

from pusula.orders import queries as orders
from pusula.segments.language.schema import Schema
from pusula.web.builder.choices import Choices
from pusula.web.builder.pick import Pick
from pusula.web.builder.rows import RowsEditor


@dataclass
class OrderPicks:
    """The entries that measure orders and their items, by the question that they answer."""

    schema: Schema
    choices: Choices

    @cached_property
    def _has_stays(self) -> bool:
        return orders.has_stays()

    def bought(self) -> Iterator[Pick]:
        """Yield what asks what they bought."""
        stays = self._has_stays
        done: dict[str, str | list[str]] = {"status": ["completed"]}
        by = {"w.by": "ends_on"} if stays else {}
        yield self._orders(
            "count",
            gettext("Number of stays") if stays else gettext("Number of orders"),
            gettext("How often; 0 for never"),
            {"op": "at_least", "v": "1", "w": "last:12 months", **by, **done},
        )
        yield self._orders(
            "sum",
            gettext("Total spending"),
            gettext("The amounts of their orders together"),
            {"op": "at_least", "c": "net_amount", "w": "last:12 months", **by, **done},
        )
        yield self._orders(
            "avg",
            gettext("Spending per order"),
            gettext("The mean amount of their orders"),
            {"op": "at_least", "c": "net_amount", "w": "last:12 months", **by, **done},
        )
        yield self._orders(
            "max",
            gettext("Largest order"),
            gettext("The highest amount or number of nights"),
            {"op": "at_least", "c": "net_amount", **done},
        )
        yield self._orders(
            "min",
            gettext("Smallest order"),
            gettext("The lowest amount or number of nights"),
            {"op": "at_least", "c": "net_amount", **done},
        )
        if stays:
            yield self._short(
                "orders.count!upcoming",
                gettext("Upcoming booking"),
                gettext("A confirmed stay that starts today or later"),
                {
                    "op": "at_least",
                    "v": "1",
                    "w": "from:today",
                    "w.by": "starts_on",
                    "status": ["confirmed"],
                },
            )
            yield self._short(
                "orders.count!region",
                gettext("Stayed in a region"),
                gettext("At least one completed stay there"),
                {
                    "op": "at_least",
                    "v": "1",
                    "w": "last:24 months",
                    "w.by": "ends_on",
                    "filters": "a",
                    "a.c": "region",
                    "a.op": "in",
                    "status": ["completed"],
                },
            )
        yield self._short(
            "orders.count!cancelled",
            gettext("Cancellations"),
            gettext("How often they cancelled"),
            {"op": "at_least", "v": "1", "w": "last:12 months", "status": ["cancelled"]},
        )  # fmt: skip
        yield self._orders(
            "distinct",
            gettext("Different hotels, regions, channels")
            if stays
            else gettext("Different values of a column"),
            gettext("How many different ones their orders have"),
            {"op": "at_least", "v": "2", "c": "property" if stays else "channel", **done},
        )
        if "items" in self.schema.relations:
            yield from self._items()

    def when(self) -> Iterator[Pick]:
        """Yield what asks when and how regularly they bought."""
        stays = self._has_stays
        day = "ends_on" if stays else "ordered_at"
        done: dict[str, str | list[str]] = {"status": ["completed"]}
        yield self._orders(
            "latest",
            gettext("Last stay") if stays else gettext("Last order"),
            gettext("How long ago the last one was"),
            {"op": "more_than", "v": "180", "u": "day", "c": day, **done},
        )
        yield self._orders(
            "earliest",
            gettext("First stay") if stays else gettext("First order"),
            gettext("How long ago the first one was"),
            {"op": "last", "v": "30", "u": "day", "c": day, **done},
        )
        if stays:
            yield self._orders(
                "years_in_same_season",
                gettext("Returns in the same season"),
                gettext("In how many different years they came in the same season"),
                {"op": "at_least", "v": "2", "c": "starts_on", **done},
            )
        given = (
            (
                "months",
                gettext("Months with orders"),
                gettext("In how many different months they bought"),
                {"op": "at_least", "v": "3", "c": day, "w": "last:12 months"},
            ),
            (
                "years",
                gettext("Years with orders"),
                gettext("In how many different years they bought"),
                {"op": "at_least", "v": "2", "c": day},
            ),
            (
                "usual_gap",
                gettext("Usual time between orders"),
                gettext("The mean number of days from one to the next"),
                {"op": "at_most", "v": "90", "c": day},
            ),
            (
                "overdue",
                gettext("Overdue for their own rhythm"),
                gettext("Time since the last order as a multiple of their usual gap"),
                {"op": "at_least", "v": "2", "c": day},
            ),
        )
        for measure, title, hint, preset in given:
            yield self._orders(measure, title, hint, {**preset, **done})
        yield from self._ends()

    def compared(self) -> Iterator[Pick]:
        """Yield what compares their orders with everybody's."""
        by = {"w.by": "ends_on"} if self._has_stays else {}
        done: dict[str, str | list[str]] = {"status": ["completed"]}
        yield self._short(
            "orders.sum!top",
            gettext("Highest spending"),
            gettext("The top share of all customers by what they spent"),
            {"op": "top", "v": "10", "c": "net_amount", "w": "last:24 months", **by, **done},
        )
        yield self._short(
            "orders.avg!mean",
            gettext("Spends above average"),
            gettext("Per order, compared with everybody’s mean"),
            {"op": "above_mean", "v": "20", "c": "net_amount", "w": "last:24 months", **by, **done},
        )

    def _ends(self) -> Iterator[Pick]:
        stays = self._has_stays
        preset = {"op": "in", "c": "region" if stays else "channel", "status": ["completed"]}
        hint = gettext("Where, through which channel, for how much it was")
        last = (
            gettext("A value of the last stay") if stays else gettext("A value of the last order")
        )
        first = (
            gettext("A value of the first stay") if stays else gettext("A value of the first order")
        )
        yield self._orders("last", last, hint, preset)
        yield self._orders("first", first, hint, preset)

    def _items(self) -> Iterator[Pick]:
        given = (
            (
                "count",
                gettext("Products bought"),
                gettext("How many lines of orders, of which products"),
                {"op": "at_least", "v": "1"},
            ),
            (
                "sum",
                gettext("Spending on products"),
                gettext("Amount or quantity of the lines together"),
                {"op": "at_least", "c": "amount"},
            ),
            (
                "distinct",
                gettext("Different products"),
                gettext("How many different ones"),
                {"op": "at_least", "v": "2", "c": "sku"},
            ),
        )
        for measure, title, hint, preset in given:
            editor = RowsEditor(self.schema, self.choices, "items", measure)
            yield Pick(
                f"items.{measure}", title, hint, editor, "items", {**preset, "w": "last:12 months"}
            )

    def _orders(
        self, measure: str, title: str, hint: str, preset: Mapping[str, str | list[str]]
    ) -> Pick:
        editor = RowsEditor(self.schema, self.choices, "orders", measure)
        return Pick(f"orders.{measure}", title, hint, editor, "orders", preset)

    def _short(self, key: str, title: str, hint: str, preset: dict[str, str | list[str]]) -> Pick:
        """Return an entry that is a usual use of another one."""
        kind, _, name = key.partition("!")
        editor = RowsEditor(
            self.schema, self.choices, kind.partition(".")[0], kind.partition(".")[2]
        )
        return Pick(f"{kind}!{name}", title, hint, editor, "orders", preset, leads_to=kind)
