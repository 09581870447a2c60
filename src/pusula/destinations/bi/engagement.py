"""The fact tables of what we said and to whom: messages, receipts, campaigns, journeys."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from pusula.destinations.bi.tables import Column, Kind, Maker, Table, profile, same

_ORIGINS = """outbox_message m
  left join campaigns_campaign c on m.origin = 'campaign:' || cast(c.id as text)
  left join journeys_journey j on m.origin = 'journey:' || cast(j.id as text)"""


def messages() -> Table:
    """Return the table of messages: what was decided, sent or not, and why not."""
    m = Maker("m", "outbox_message")
    columns = (
        m("message_id", Kind.KEY, _("Number of the message in Pusula"), of="id"),
        profile("m.profile_id"),
        m(
            "campaign",
            Kind.TEXT,
            _("Key of the campaign that asked for it"),
            of="origin",
            sql="c.key",
        ),
        m(
            "journey",
            Kind.TEXT,
            _("Key of the journey that asked for it"),
            of="origin",
            sql="j.key",
        ),
        m("step", Kind.TEXT, _("Step of the journey")),
        m("order_id", Kind.KEY, _("Order that the message is about")),
        m("channel", Kind.TEXT, _("email, sms, whatsapp, call or webpush")),
        m("purpose", Kind.TEXT, _("Purpose of the consent it needs")),
        m.flag("is_commercial", _("Needs an approval by law 6563")),
        m("state", Kind.TEXT, _("pending, sending, sent, skipped, failed or unknown")),
        m("reason", Kind.TEXT, _("Why it was skipped, failed or is unknown")),
        m("created_at", Kind.MOMENT, _("When it was decided")),
        m("due_at", Kind.MOMENT, _("When it is to leave")),
        m("settled_at", Kind.MOMENT, _("When it left, or was given up")),
    )
    return Table(
        "messages",
        _("One row for each message, sent or not"),
        same(_ORIGINS),
        "m.profile_id",
        "m.id",
        columns,
    )


def receipts() -> Table:
    """Return the table of what became of messages."""
    r, m = Maker("r", "outbox_receipt"), Maker("m", "outbox_message")
    columns = (
        r("receipt_id", Kind.KEY, _("Number of the receipt in Pusula"), of="id"),
        r("message_id", Kind.KEY, _("Message it is about")),
        profile("m.profile_id"),
        m("channel", Kind.TEXT, _("email, sms, whatsapp, call or webpush")),
        r("kind", Kind.TEXT, _("delivered, opened, clicked, unsubscribed, bounced, complained …")),
        r("at", Kind.MOMENT, _("When we heard of it")),
        r.flag("is_machine", _("A mail program or scanner did it, not the person")),
    )
    return Table(
        "receipts",
        _("One row for each thing that became of a message"),
        same("outbox_message m join outbox_receipt r on r.message_id = m.id"),
        "m.profile_id",
        "r.id",
        columns,
    )


def campaign_assignments() -> Table:
    """Return the table of what campaigns decided about their candidates."""
    a = Maker("a", "campaigns_assignment")
    columns = (
        Column(
            "campaign",
            Kind.TEXT,
            "c.key",
            _("Key of the campaign"),
            source="campaigns_campaign.key",
        ),
        profile("a.profile_id"),
        a("arm", Kind.TEXT, _("treated, holdout or excluded")),
        a("variant", Kind.TEXT, _("Variant of the treatment")),
        a("reason", Kind.TEXT, _("Why the customer was left out")),
        a("assigned_at", Kind.MOMENT, _("When it was decided")),
    )
    return Table(
        "campaign_assignments",
        _("One row for each candidate of a campaign"),
        same("campaigns_assignment a join campaigns_campaign c on c.id = a.campaign_id"),
        "a.profile_id",
        "a.id",
        columns,
    )


def journey_enrollments() -> Table:
    """Return the table of who went through which journey."""
    e = Maker("e", "journeys_enrollment")
    columns = (
        e("enrollment_id", Kind.KEY, _("Number of the enrollment in Pusula"), of="id"),
        Column(
            "journey", Kind.TEXT, "j.key", _("Key of the journey"), source="journeys_journey.key"
        ),
        Column(
            "version",
            Kind.COUNT,
            "v.number",
            _("Version of the journey"),
            source="journeys_journeyversion.number",
        ),
        profile("e.profile_id"),
        e("order_id", Kind.KEY, _("Order it is about")),
        e("state", Kind.TEXT, _("waiting or finished")),
        e("node", Kind.TEXT, _("Step the customer waits at, or left from")),
        e("outcome", Kind.TEXT, _("How it ended")),
        e.flag("is_holdout", _("In the control group of the journey: gets nothing")),
        e("entered_at", Kind.MOMENT, _("When the customer came in")),
        e("finished_at", Kind.MOMENT, _("When it ended")),
    )
    return Table(
        "journey_enrollments",
        _("One row for each time a customer entered a journey"),
        same("""journeys_enrollment e join journeys_journey j on j.id = e.journey_id
  join journeys_journeyversion v on v.id = e.version_id"""),
        "e.profile_id",
        "e.id",
        columns,
    )
