"""The English words of the language: columns, states, measures, units."""

from __future__ import annotations

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COLUMNS = {
    "status": "status",
    "property": "property",
    "region": "region",
    "room_type": "room type",
    "board": "board",
    "channel": "channel",
    "source": "source",
    "rate_code": "rate code",
    "market_code": "market code",
    "source_code": "booking source code",
    "cancel_reason": "reason for cancelling",
    "ordered_at": "order date",
    "cancelled_at": "cancellation date",
    "starts_on": "start date",
    "ends_on": "end date",
    "nights": "number of nights",
    "lead_days": "number of days booked ahead",
    "rooms": "number of rooms",
    "adults": "number of adults",
    "children": "number of children",
    "net_amount": "net amount",
    "gross_amount": "gross amount",
    "sku": "product code",
    "name": "product name",
    "quantity": "quantity",
    "amount": "amount",
}
STATES = {
    "pending": "pending",
    "confirmed": "confirmed",
    "in_house": "in-house",
    "completed": "completed",
    "cancelled": "cancelled",
    "no_show": "no-show",
}
HAPPENED = {"cancelled_at": "cancelled", "starts_on": "starting", "ends_on": "ending"}
CHANNELS = {
    "email": "e-mail",
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "call": "phone",
    "webpush": "web push",
}
OPERATORS = {
    "at_least": "at least",
    "at_most": "at most",
    "more_than": "more than",
    "less_than": "less than",
}
# What is measured of a column {0} over rows {1}, one of them {2}.
MEASURES = {
    "distinct": "the number of different values of {0} of {1}",
    "sum": "the total {0} of {1}",
    "avg": "the average {0} of {1}",
    "min": "the lowest {0} of {1}",
    "max": "the highest {0} of {1}",
    "latest": "the latest {0} of {1}",
    "earliest": "the earliest {0} of {1}",
    "first": "the {0} of the first {2}",
    "last": "the {0} of the last {2}",
    "usual_gap": "the usual number of days between {1}",
    "longest_gap": "the largest number of days between {1}",
    "last_gap": "the number of days between the last two {1}",
    "overdue": "the time since the last {2}, in multiples of the usual time between them,",
}
UNITS = {"days": "day", "weeks": "week", "months": "month", "years": "year"}
ANCHORS = {
    "first_order": "the first order",
    "last_order": "the last order",
    "created": "the first contact",
}
