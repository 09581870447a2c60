"""The fact tables: one row for each order, line, event, message, receipt, membership and so on."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from pusula.destinations.bi.tables import CURRENCY, Column, Kind, Maker, Names, Table, profile, same
from pusula.events import relations as events
from pusula.orders import machine

_ALIVE = ", ".join(f"'{state}'" for state in sorted(machine.ALIVE))
_PEOPLE = _("people")


def orders(*, with_identifiers: bool) -> Table:
    """Return the table of orders and bookings as they stand now."""
    o = Maker("o", "orders_order")
    numbers = (
        o("source_no", Kind.TEXT, _("Number of the order in its source"), of="source_id"),
        o("confirmation_no", Kind.TEXT, _("Number that the customer knows the booking by")),
    )
    columns = (
        o("order_id", Kind.KEY, _("Number of the order in Pusula"), of="id"),
        profile("o.profile_id"),
        o("source", Kind.TEXT, _("Source that told of the order")),
        *(numbers if with_identifiers else ()),
        o("status", Kind.TEXT, _("pending, confirmed, in_house, completed, cancelled or no_show")),
        Column(
            "is_alive",
            Kind.BOOL,
            f"case when o.status in ({_ALIVE}) then 1 else 0 end",
            _("Neither cancelled nor a no-show: counts as revenue"),
            source="orders_order.status",
        ),
        o("ordered_at", Kind.MOMENT, _("When it was ordered or booked")),
        o("status_at", Kind.MOMENT, _("Since when it has its status")),
        o("cancelled_at", Kind.MOMENT, _("When it was cancelled")),
        o("starts_on", Kind.DAY, _("Arrival")),
        o("ends_on", Kind.DAY, _("Departure")),
        o("property", Kind.TEXT, _("Code of the hotel")),
        o("region", Kind.TEXT, _("Region of the hotel")),
        o("room_type", Kind.TEXT, _("Room type")),
        o("board", Kind.TEXT, _("Board")),
        o("channel", Kind.TEXT, _("Sales channel")),
        o("rate_code", Kind.TEXT, _("Rate code")),
        o("market_code", Kind.TEXT, _("Market code")),
        o("source_code", Kind.TEXT, _("Where the booking came from, in the words of its system")),
        o("cancel_reason", Kind.TEXT, _("Why it was cancelled")),
        o("rooms", Kind.COUNT, _("Rooms")),
        o("adults", Kind.COUNT, _("Adults"), unit=_PEOPLE),
        o("children", Kind.COUNT, _("Children"), unit=_PEOPLE),
        o("currency", Kind.TEXT, CURRENCY),
        o("gross", Kind.AMOUNT, _("Gross amount"), of="gross_minor", unit="currency"),
        o(
            "net",
            Kind.AMOUNT,
            _("Amount after discounts and refunds"),
            of="net_minor",
            unit="currency",
        ),
        o(
            "gross_company",
            Kind.MONEY,
            _("Gross amount in the company’s currency"),
            of="gross_base_minor",
        ),
        o(
            "net_company",
            Kind.MONEY,
            _("Net amount in the company’s currency"),
            of="net_base_minor",
        ),
    )
    return Table(
        "orders",
        _("One row for each order or booking, as it stands now"),
        same("orders_order o"),
        "o.profile_id",
        "o.id",
        columns,
    )


def order_items() -> Table:
    """Return the table of the lines of orders."""
    i, o = Maker("i", "orders_orderitem"), Maker("o", "orders_order")
    columns = (
        o("order_id", Kind.KEY, _("Number of the order in Pusula"), of="id"),
        i("line_no", Kind.COUNT, _("Number of the line in its order")),
        profile("o.profile_id"),
        i("sku", Kind.TEXT, _("Code of what was bought")),
        i("name", Kind.TEXT, _("Name of what was bought")),
        i("quantity", Kind.COUNT, _("How many")),
        o("currency", Kind.TEXT, CURRENCY),
        i("amount", Kind.AMOUNT, _("Amount of the whole line"), of="amount_minor", unit="currency"),
    )
    return Table(
        "order_items",
        _("One row for each line of an order"),
        same("orders_order o join orders_orderitem i on i.order_id = o.id"),
        "o.profile_id",
        "o.id, i.line_no",
        columns,
    )


def happened(*, texts: Sequence[str], numbers: Sequence[str]) -> Table:
    """Return the table of events with the properties ``texts`` and ``numbers`` as columns."""
    e = Maker("e", "events_event")
    own = (
        e("event_id", Kind.KEY, _("Number of the event in Pusula"), of="id"),
        profile("e.profile_id"),
        e("name", Kind.TEXT, _("What happened, as “Hotel Searched”")),
        e("at", Kind.MOMENT, _("When it happened")),
        e("source", Kind.TEXT, _("Source that told of it")),
    )
    names = Names(column.name for column in own)
    told = _("Property of the event that a segment asks for")
    columns = [
        Column(names.of("p_", word), Kind.TEXT, events.told(word), told,
               source=f"events_event.properties[{word!r}]")
        for word in sorted({*texts, *numbers})
    ]  # fmt: skip
    return Table(
        "events",
        _("One row for each event"),
        same("events_event e"),
        "e.profile_id",
        "e.at, e.id",
        (*own, *columns),
    )


def memberships() -> Table:
    """Return the table of who was in which segment from when to when."""
    m = Maker("m", "segments_membership")
    columns = (
        m("membership_id", Kind.KEY, _("Number of the membership in Pusula"), of="id"),
        profile("m.profile_id"),
        Column(
            "segment", Kind.TEXT, "s.key", _("Key of the segment"), source="segments_segment.key"
        ),
        Column(
            "version",
            Kind.COUNT,
            "v.number",
            _("Version of its definition"),
            source="segments_segmentversion.number",
        ),
        m("entered_at", Kind.MOMENT, _("When the customer came in")),
        m("left_at", Kind.MOMENT, _("When the customer left; empty: is still in")),
        m("cause", Kind.TEXT, _("What brought the customer in: live, time, run, definition …")),
    )
    return Table(
        "memberships",
        _("One row for each time a customer was in a segment"),
        same("""segments_membership m join segments_segment s on s.id = m.segment_id
  join segments_segmentversion v on v.id = m.version_id"""),
        "m.profile_id",
        "m.id",
        columns,
    )


def consents() -> Table:
    """Return the ledger of consents, without evidence and addresses."""
    e = Maker("e", "consent_consententry")
    columns = (
        e("consent_id", Kind.KEY, _("Number of the decision in Pusula"), of="id"),
        profile("e.profile_id"),
        e("channel", Kind.TEXT, _("email, sms, whatsapp, call or webpush")),
        e("purpose", Kind.TEXT, _("What the consent is for")),
        e("status", Kind.TEXT, _("granted or refused")),
        e("source", Kind.TEXT, _("Source that told of it")),
        Column(
            "has_evidence",
            Kind.BOOL,
            "case when e.evidence <> '' then 1 else 0 end",
            _("Whether there is evidence of the decision"),
            source="consent_consententry.evidence",
        ),
        Column(
            "holds_now",
            Kind.BOOL,
            "case when c.id is null then 0 else 1 end",
            _("Whether it is this decision that holds"),
            source="consent_consent.entry_id",
        ),
        e("decided_at", Kind.MOMENT, _("When the person decided")),
        e("recorded_at", Kind.MOMENT, _("When Pusula learned of it")),
    )
    return Table(
        "consents",
        _("One row for each decision about a consent"),
        same("""consent_consententry e left join consent_consent c
  on c.entry_id = e.id and c.profile_id = e.profile_id"""),
        "e.profile_id",
        "e.id",
        columns,
    )


def rfm_history() -> Table:
    """Return the table of scores of every RFM run."""
    s = Maker("s", "rfm_rfmscore")
    columns = (
        Column("run_id", Kind.KEY, "s.run_id", _("Number of the run"), source="rfm_rfmrun.id"),
        Column(
            "as_of_on",
            Kind.DAY,
            "r.as_of_on",
            _("Orders before this day counted"),
            source="rfm_rfmrun.as_of_on",
        ),
        profile("s.profile_id"),
        s("recency_days", Kind.COUNT, _("Days since the last order"), unit=_("days")),
        s("frequency", Kind.COUNT, _("Orders that counted")),
        Column("currency", Kind.TEXT, "r.currency", CURRENCY, source="rfm_rfmrun.currency"),
        s(
            "monetary",
            Kind.AMOUNT,
            _("Sum of the orders that counted"),
            of="monetary_minor",
            unit="currency",
        ),
        s("r", Kind.COUNT, _("Recency score; 1 is the worst")),
        s("f", Kind.COUNT, _("Frequency score; 1 is the worst")),
        s("m", Kind.COUNT, _("Monetary score; 1 is the worst")),
        s("rfm_group", Kind.TEXT, _("RFM group"), of="group", sql='s."group"'),
    )
    return Table(
        "rfm_history",
        _("One row for each customer in each RFM run"),
        same("rfm_rfmscore s join rfm_rfmrun r on r.id = s.run_id and r.is_whole"),
        "s.profile_id",
        "r.as_of_on, s.id",
        columns,
    )
