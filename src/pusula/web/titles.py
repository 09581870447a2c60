"""What the pages call things whose names are data: segments, traits, events, channels, states."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from pusula.consent.models import Channel
from pusula.events import vocabulary
from pusula.orders import machine as orders
from pusula.outbox.models import ReceiptKind
from pusula.predict import behaviour_words
from pusula.rfm import words as rfm
from pusula.segments import queries as segments
from pusula.segments.models import Segment

CHANNELS: dict[str, tuple[str, str | Promise]] = {
    Channel.EMAIL: ("mail", _("E-mail")),
    Channel.SMS: ("message-square", _("SMS")),
    Channel.WHATSAPP: ("message-circle", _("WhatsApp")),
    Channel.CALL: ("phone", _("Phone call")),
    Channel.WEBPUSH: ("bell", _("Web push")),
}
ORDER_STATES: dict[str, str | Promise] = {
    orders.PENDING: _("on option"),
    orders.CONFIRMED: _("confirmed"),
    orders.IN_HOUSE: _("in house"),
    orders.COMPLETED: _("completed"),
    orders.CANCELLED: _("cancelled"),
    orders.NO_SHOW: _("did not come"),
}
CANCEL_REASONS: dict[str, str | Promise] = {
    "guest": _("the guest wished it"),
    "elsewhere": _("booked elsewhere"),
    "price": _("price too high"),
    "complaint": _("complaint"),
    "force_majeure": _("force majeure"),
    "unconfirmed": _("not confirmed or paid"),
    "abandoned": _("booking abandoned"),
    "hotel": _("by the hotel"),
    "no_show": _("did not come"),
    orders.REPLACED: _("booked anew"),
    "other": _("other reason"),
}
RECEIPTS: dict[str, str | Promise] = {
    ReceiptKind.OPENED: _("opened"),
    ReceiptKind.CLICKED: _("clicked"),
    ReceiptKind.BOUNCED: _("came back"),
    ReceiptKind.COMPLAINED: _("reported as spam"),
    ReceiptKind.UNSUBSCRIBED: _("unsubscribed"),
}
TRAITS: dict[str, str | Promise] = {
    "birth_date": _("Date of birth"),
    "claimed_email": _("E-mail, as said on a page"),
    "claimed_phone": _("Phone, as said on a page"),
    "company_id": _("Number of the company"),
    "company_name": _("Company"),
    "city": _("City"),
    "country": _("Country"),
    "gender": _("Gender"),
    "preferred_room": _("Preferred room"),
    "language": _("Language"),
    "postal_code": _("Postal code"),
    "member_since": _("Member since"),
    "registered_on": _("Registered"),
    "tier": _("Membership"),
    **{name: behaviour_words.TITLES[name] for name in ("lifecycle", "best_channel", "send_hour")},
}


def segment_title(segment: Segment) -> str:
    """Return a segment's title in the active language; its key where it has none yet."""
    titles = segments.words(segment)["title"]
    return titles.get(get_language()) or titles.get("en") or segment.key


def channel(name: str) -> tuple[str, str]:
    """Return icon and title of a channel."""
    icon, title = CHANNELS[name]
    return icon, str(title)


def event(name: str) -> tuple[str, str]:
    """Return icon and title of an event; one we do not know is called as its sender calls it."""
    known = vocabulary.events().get(name)
    if known is None:
        return "activity", name
    return known.icon, known.title(get_language() or "en")


def trait(name: str) -> str:
    """Return the title of a trait; one we do not know is called as its source calls it."""
    return str(TRAITS.get(name, name))


def trait_value(name: str, value: str) -> str:
    """Return what a trait's value is called; most are called as they are."""
    if name == "rfm_group":
        return rfm.title(value)
    if name == "lifecycle":
        return str(behaviour_words.STAGES.get(value, value))
    return channel(value)[1] if name == "best_channel" and value in CHANNELS else value


def customer(name: str) -> str:
    """Return a customer's name, or what we call one whose name we do not know."""
    return name or gettext("Nameless customer")
