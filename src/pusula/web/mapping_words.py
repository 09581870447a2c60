"""What the mapping form calls fields, types, statuses and stages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from pusula.sources.look import cells
from pusula.web.codes import Words

FIELDS: Words = {
    "profile_key": _("Customer number"),
    "email": _("E-mail"),
    "phone": _("Phone"),
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "full_name": _("First and last name"),
    "created_at": _("Known since"),
    "source_id": _("Order or booking number"),
    "ordered_at": _("Ordered or booked on"),
    "status": pgettext_lazy("field of a file", "Status"),
    "status_at": _("Status since"),
    "cancelled_at": _("Cancelled on"),
    "starts_on": _("Arrival"),
    "ends_on": _("Departure"),
    "nights": _("Nights"),
    "property": _("Hotel or shop"),
    "region": _("Region"),
    "room_type": _("Room type"),
    "board": _("Board"),
    "channel": pgettext_lazy("field of a file", "Channel"),
    "adults": _("Adults"),
    "children": _("Children"),
    "currency": _("Currency"),
    "gross_amount": _("Gross amount"),
    "net_amount": _("Amount"),
    "nightly_amount": _("Amount of one night"),
    "exchange_rate": _("Exchange rate"),
    "line_no": _("Line number"),
    "sku": _("Product code"),
    "item_name": _("Product"),
    "quantity": _("Quantity"),
    "unit_price": _("Unit price"),
    "event_id": _("Event number"),
    "name": _("Name of the event"),
    "at": pgettext_lazy("field of a file", "When"),
    "purpose": _("Purpose"),
    "decided_at": _("Decided on"),
    "evidence": _("Evidence"),
    "entry_id": _("Number of the record"),
    "address": _("Contact point"),
}
KINDS: Words = {
    cells.TEXT: pgettext_lazy("kind of cells", "Text"),
    cells.NUMBER: pgettext_lazy("kind of cells", "Number"),
    cells.DAY: pgettext_lazy("kind of cells", "Date"),
    cells.MOMENT: pgettext_lazy("kind of cells", "Date and time"),
    cells.BOOL: pgettext_lazy("kind of cells", "Yes or no"),
    cells.EMAIL: pgettext_lazy("kind of cells", "E-mail"),
    cells.PHONE: pgettext_lazy("kind of cells", "Phone"),
    cells.EMPTY: pgettext_lazy("kind of cells", "Empty"),
}
TYPES: Words = {
    "text": pgettext_lazy("kind of cells", "Text"),
    "number": pgettext_lazy("kind of cells", "Number"),
    "day": pgettext_lazy("kind of cells", "Date"),
    "bool": pgettext_lazy("kind of cells", "Yes or no"),
}
# What a word of the file can mean, by field.
MEANINGS: dict[tuple[str, str], Words] = {
    ("orders", "status"): {
        "pending": pgettext_lazy("status of an order", "Pending, option"),
        "confirmed": pgettext_lazy("status of an order", "Confirmed"),
        "in_house": pgettext_lazy("status of an order", "In house"),
        "completed": pgettext_lazy("status of an order", "Completed, stayed"),
        "cancelled": pgettext_lazy("status of an order", "Cancelled"),
        "no_show": pgettext_lazy("status of an order", "No-show"),
    },
    ("consents", "channel"): {
        "email": _("E-mail"),
        "sms": _("SMS"),
        "call": _("Phone call"),
        "whatsapp": _("WhatsApp"),
        "webpush": _("Web push"),
    },
    ("consents", "status"): {
        "granted": pgettext_lazy("a consent", "Granted"),
        "refused": pgettext_lazy("a consent", "Refused"),
    },
}
STAGES: Words = {
    "looking": _("The columns are being looked at."),
    "reading": _("The rows are being read and checked."),
    "people": _("The customers are being found."),
    "writing": _("The rows are being written."),
    "orders": _("The orders are being taken back."),
    "events": _("The events are being taken back."),
    "consents": _("The consents are being taken back."),
    "segments": _("The segments are being evaluated."),
}
# The columns of the rows shown as they were read.
SAMPLE: Words = FIELDS | {
    "line": _("Line"),
    "key": _("Customer number"),
    "net_minor": _("Amount"),
    "gross_minor": _("Gross amount"),
}
