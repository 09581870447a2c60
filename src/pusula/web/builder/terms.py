"""What columns, units, measures and comparisons are called in the builder."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

Words = dict[str, str | Promise]

UNITS: Words = {
    "second": _("seconds"),
    "minute": _("minutes"),
    "hour": _("hours"),
    "day": _("days"),
    "week": _("weeks"),
    "month": _("months"),
    "year": _("years"),
}
COLUMNS: Words = {
    "status": _("State"),
    "property": _("Hotel"),
    "region": _("Region"),
    "room_type": _("Room type"),
    "board": _("Board"),
    "channel": _("Sales channel"),
    "source": _("Source system"),
    "rate_code": _("Rate code"),
    "market_code": _("Market code"),
    "source_code": _("Booking source code"),
    "cancel_reason": _("Reason for cancelling"),
    "ordered_at": _("Day of booking"),
    "cancelled_at": _("Day of cancellation"),
    "starts_on": _("Arrival"),
    "ends_on": _("Departure"),
    "nights": _("Nights"),
    "lead_days": _("Days booked ahead"),
    "rooms": _("Rooms"),
    "adults": _("Adults"),
    "children": _("Children"),
    "net_amount": _("Net amount"),
    "gross_amount": _("Gross amount"),
    "sku": _("Product code"),
    "name": _("Product"),
    "quantity": _("Quantity"),
    "amount": _("Amount"),
    "at": _("Time"),
}
COMPARISONS: Words = {
    "at_least": _("at least"),
    "at_most": _("at most"),
    "more_than": _("more than"),
    "less_than": _("less than"),
    "is": pgettext_lazy("comparison", "exactly"),
    "is_not": pgettext_lazy("comparison", "other than"),
    "between": _("between"),
}
TEXT_TESTS: Words = {
    "in": _("is one of"),
    "not_in": _("is none of"),
    "contains": _("contains"),
    "starts": _("begins with"),
    "ends": _("ends with"),
    "matches": _("matches the pattern"),
}
LIST_TESTS: Words = {
    "has_any": _("has any of"),
    "has_all": _("has all of"),
}
MEASURES: Words = {
    "count": pgettext_lazy("measure", "how often"),
    "latest": pgettext_lazy("measure", "the last time"),
    "earliest": pgettext_lazy("measure", "the first time"),
    "distinct": pgettext_lazy("measure", "different values of"),
    "sum": pgettext_lazy("measure", "the sum of"),
    "avg": pgettext_lazy("measure", "the mean of"),
    "first": pgettext_lazy("measure", "in the first one, the value of"),
    "last": pgettext_lazy("measure", "in the last one, the value of"),
    "days": pgettext_lazy("measure", "on how many days"),
    "months": pgettext_lazy("measure", "in how many months"),
}
MEASURED_UNITS: Words = {
    "count": pgettext_lazy("unit of a count", "times"),
    "usual_gap": pgettext_lazy("unit", "days"),
    "longest_gap": pgettext_lazy("unit", "days"),
    "last_gap": pgettext_lazy("unit", "days"),
    "overdue": pgettext_lazy("unit", "times the usual gap"),
    "days": pgettext_lazy("unit", "days"),
    "weeks": pgettext_lazy("unit", "weeks"),
    "months": pgettext_lazy("unit", "months"),
    "years": pgettext_lazy("unit", "years"),
    "years_in_same_season": pgettext_lazy("unit", "years"),
}
YES_NO: Words = {"yes": _("yes"), "no": _("no")}
KNOWN: Words = {"known": _("is known"), "unknown": _("is not known")}


def length(amount: int, unit: str) -> str:
    """Return ``24 months`` in the active language."""
    forms = {
        "second": ngettext("%(n)d second", "%(n)d seconds", amount),
        "minute": ngettext("%(n)d minute", "%(n)d minutes", amount),
        "hour": ngettext("%(n)d hour", "%(n)d hours", amount),
        "day": ngettext("%(n)d day", "%(n)d days", amount),
        "week": ngettext("%(n)d week", "%(n)d weeks", amount),
        "month": ngettext("%(n)d month", "%(n)d months", amount),
        "year": ngettext("%(n)d year", "%(n)d years", amount),
    }
    return forms[unit] % {"n": amount}
