"""What an event says of the order or booking whose number it carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from pusula.events.vocabulary import Known
from pusula.lib import money
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.orders import machine
from pusula.orders.versions import Item
from pusula.pipeline import complaints
from pusula.pipeline.entries import MONEY, Deal, OrderBody, order
from pusula.pipeline.envelope import NONE, OWN, Rules, no_number
from pusula.pipeline.refusals import RefusedError

# Under which names the fields of an order come, the first that is there counts.
NUMBERS = (
    "order_id", "booking_id", "reservation_id", "confirmation_no", "confirmation_number", "orderId",
)  # fmt: skip
ARRIVALS = ("check_in", "checkin_date", "check_in_date", "arrival_date", "starts_on")
DEPARTURES = ("check_out", "checkout_date", "check_out_date", "departure_date", "ends_on")
TEXTS: Mapping[str, Sequence[str]] = {
    "property": ("property", "hotel", "hotel_name", "hotel_id"),
    "region": ("region",),
    "room_type": ("room_type",),
    "board": ("board",),
    "channel": ("channel", "affiliation"),
    "rate_code": ("rate_code",),
    "market_code": ("market_code",),
    "source_code": ("source_code",),
    "confirmation_no": ("confirmation_no", "confirmation_number"),
    "promo_code": ("promo_code", "coupon"),
    "group_id": ("group_id",),
}
COUNTS: Mapping[str, Sequence[str]] = {
    "adults": ("adults", "num_adults"),
    "children": ("children", "num_children"),
    "rooms": ("rooms",),
}
_STATUS = {
    "cancelled": machine.CANCELLED,
    "no_show": machine.NO_SHOW,
    "arrived": machine.IN_HOUSE,
    "left": machine.COMPLETED,
}
_LONGEST_NUMBER = 120
_LONGEST_AMOUNT = 30  # characters: no power of ten makes us count for ever
_MOST_NIGHTS = 1_000
_EXACT = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


@dataclass(frozen=True)
class Dealt:
    """An order as an event tells it, with what it speaks of."""

    body: OrderBody
    said: frozenset[str]
    items: tuple[Item, ...] | None
    deal: Deal


def has_arrival(properties: Mapping[str, Any]) -> bool:
    """Say whether an event is about a stay: whether somebody arrives."""
    return any(properties.get(name) for name in ARRIVALS)


@dataclass(frozen=True)
class Voice:
    """Who tells an event, when it was, and how its source is understood.

    ``currency`` is that of the company.
    """

    source: str
    trusted: bool
    rules: Rules
    at: int
    currency: str


def dealt(event: Known, text: msgspec.Raw, voice: Voice) -> Dealt | None:
    """Return what ``event`` with the properties ``text`` (JSON) says of an order, if anything.

    Raises ``RefusedError`` where it speaks of an order in a way that cannot be understood.
    """
    if voice.rules.orders == NONE:
        return None
    told = _Told(_EXACT.decode(text))
    number = told.number()
    if number is None:
        if event.deal in {"arrived", "left"}:
            return None
        raise RefusedError(
            Saying("%(event)s names no order_id or booking_id", {"event": event.name}), "order"
        )
    try:
        if event.deal == "refunded":
            return _refund(told, number, voice)
        return _version(event, told, number, voice)
    except (RefusedError, msgspec.ValidationError, PusulaError, ValueError) as error:
        raise RefusedError(of_order(number, complaints.why(error))) from error


def of_order(number: str, why: Saying | str) -> Saying:
    """Return what is wrong with an order."""
    return Saying("order %(number)s: %(why)s", {"number": number, "why": why})


def _refund(told: _Told, number: str, voice: Voice) -> Dealt:
    code, net = told.currency(voice.currency), told.net()
    minor = 0 if net is None else money.to_minor(net, code)
    if net is not None and minor <= 0:
        raise RefusedError(Saying("the amount of a refund is above 0"))
    deal = Deal(_owner(voice), may_change=voice.trusted, is_refund=True, refund_minor=minor)
    return Dealt(_body(number, voice.at, {"currency": code}), frozenset(), None, deal)


def _owner(voice: Voice) -> str:
    return voice.source if voice.rules.orders == OWN else voice.rules.orders


def _version(event: Known, told: _Told, number: str, voice: Voice) -> Dealt:
    is_placed = event.deal == "placed"
    code, net = told.currency(voice.currency), told.net()
    if is_placed and net is None:
        raise RefusedError(
            Saying("no amount: revenue, subtotal, total, value, or products with prices")
        )
    fields = told.fields()
    status = _status(event, told, fields, trusted=voice.trusted)
    if status:
        fields |= {"status": status, "status_at": voice.at}
    if event.deal == "cancelled" and (reason := told.text(("cancel_reason", "reason"))):
        fields["cancel_reason"] = reason if reason in machine.CANCEL_REASONS else "other"
    if net is not None:
        fields |= _amounts(told, net, code, voice)
    if event.deal in {"placed", "changed"} and (items := told.items(code)) is not None:
        fields["items"] = items
    body = _body(number, voice.at, fields)
    said, lines = order(body, fields, voice.currency)
    unsaid = set() if is_placed else {"profile_id", "ordered_at"}
    unsaid |= set() if status else {"status"}
    unsaid |= {*MONEY, "currency"} if net is None else set()
    is_own = voice.rules.orders == OWN
    is_made = is_placed or (voice.trusted and event.deal == "changed" and net is not None)
    deal = Deal(
        _owner(voice),
        may_make=is_own and is_made,
        may_change=voice.trusted and (is_own or not is_placed),
        is_announced=is_placed,
    )
    return Dealt(body, said - unsaid, lines, deal)


def _status(event: Known, told: _Told, fields: Mapping[str, Any], *, trusted: bool) -> str:
    """Return what becomes of the order; empty: the event does not say."""
    if event.deal in _STATUS:
        return _STATUS[event.deal]
    if trusted and (given := told.text(("status",))) in machine.STATES:
        return given
    if event.deal == "placed":
        return machine.CONFIRMED if fields.get("starts_on") else machine.COMPLETED
    return ""


def _body(number: str, at: int, fields: Mapping[str, Any]) -> OrderBody:
    default = {"status": machine.COMPLETED, "ordered_at": at, "net_minor": 0, "version_at": at}
    if fields.get("starts_on"):
        default["status"] = machine.CONFIRMED
    return msgspec.convert({**default, "source_id": number, **fields}, OrderBody)


def _amounts(told: _Told, net: Decimal, code: str, voice: Voice) -> dict[str, int | str]:
    gross = net + (told.amount("discount") or 0)
    found: dict[str, int | str] = {
        "currency": code,
        "net_minor": money.to_minor(net, code),
        "gross_minor": money.to_minor(gross, code),
    }
    base = voice.currency
    if code != base:
        rate = told.amount("exchange_rate") or voice.rules.rates.get(code)
        if not rate or rate <= 0:
            told_ = {"code": code, "base": base, "again": code}
            raise RefusedError(
                Saying(
                    "in %(code)s: say exchange_rate (%(base)s for 1 %(again)s) or set rates of the "
                    "source",
                    told_,
                )
            )
        found["net_base_minor"] = money.to_minor(net * rate, base)
        found["gross_base_minor"] = money.to_minor(gross * rate, base)
    return found


class _Told:
    """The properties of an event, numbers exactly as they were written."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given

    def first(self, names: Sequence[str]) -> tuple[str, Any]:
        """Return name and value of the first of ``names`` that says something."""
        for name in names:
            if (value := self.given.get(name)) not in (None, ""):
                return name, value
        return names[0], None

    def number(self) -> str | None:
        """Return the number of the order."""
        name, value = self.first(NUMBERS)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise RefusedError(no_number(str(value)), name)
        text = str(value).strip()
        if not 0 < len(text) <= _LONGEST_NUMBER or not text.isprintable():
            most = {"least": 1, "n": _LONGEST_NUMBER}
            raise RefusedError(Saying("%(least)s to %(n)s visible characters", most), name)
        return text

    def text(self, names: Sequence[str]) -> str:
        """Return a text; numbers count as they are written."""
        name, value = self.first(names)
        if isinstance(value, bool | dict | list):
            raise RefusedError(Saying("a text, not %(given)s", _shown(value)), name)
        return "" if value is None else str(value).strip()

    def amount(self, name: str) -> Decimal | None:
        """Return an amount; ``None`` where none is told."""
        return _amount(name, self.given.get(name))

    def currency(self, default: str) -> str:
        """Return the currency of the amounts."""
        code = self.text(("currency",))
        return money.currency(code) if code else default

    def net(self) -> Decimal | None:
        """Return what the order is worth after discounts, before shipping and tax."""
        for name in ("revenue", "subtotal"):
            if (found := self.amount(name)) is not None:
                return found
        if (total := self.amount("total")) is not None:
            return total - (self.amount("shipping") or 0) - (self.amount("tax") or 0)
        if (value := self.amount("value")) is not None:
            return value
        lines = self._products()
        if not lines or not any("price" in line for line in lines):
            return None
        whole = sum((_price(line) * _quantity(line) for line in lines), Decimal(0))
        return whole - (self.amount("discount") or 0)

    def fields(self) -> dict[str, Any]:
        """Return the fields of the order that the event speaks of, without amounts."""
        found: dict[str, Any] = {}
        for field, names in TEXTS.items():
            if said := self.text(names):
                found[field] = said
        region = self.given.get("destination")
        if (
            "region" not in found
            and isinstance(region, dict)
            and isinstance(region.get("region"), str)
        ):
            found["region"] = region["region"]
        for field, names in COUNTS.items():
            name, value = self.first(names)
            if value is not None:
                found[field] = _whole(name, value)
        return found | self._days()

    def _days(self) -> dict[str, date]:
        found = {
            field: _day(name, value)
            for field, names in (("starts_on", ARRIVALS), ("ends_on", DEPARTURES))
            for name, value in [self.first(names)]
            if value is not None
        }
        nights = self.given.get("nights")
        if "starts_on" in found and "ends_on" not in found and nights not in (None, ""):
            n = _whole("nights", nights)
            if not 0 <= n <= _MOST_NIGHTS:
                most = {"least": 0, "most": _MOST_NIGHTS}
                raise RefusedError(Saying("%(least)s to %(most)s", most), "nights")
            found["ends_on"] = found["starts_on"] + timedelta(n)
        return found

    def items(self, code: str) -> list[dict[str, Any]] | None:
        """Return the lines of the order, the amounts in ``code``; ``None`` if it tells none."""
        lines = self._products()
        if lines is None:
            return None
        return [
            {
                "line_no": number,
                "sku": _Told(line).text(("sku", "product_id")),
                "name": _Told(line).text(("name",)),
                "quantity": _quantity(line),
                "amount_minor": money.to_minor(_price(line) * _quantity(line), code),
            }
            for number, line in enumerate(lines, 1)
        ]

    def _products(self) -> list[dict[str, Any]] | None:
        lines = self.given.get("products")
        if lines is None:
            return None
        if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
            raise RefusedError(Saying("a list of products"), "products")
        return lines


def _shown(value: object) -> dict[str, str]:
    return {"given": f"{str(value)!r:.60}"}


def _amount(name: str, value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        text = str(value).strip()
        try:
            found = Decimal(text) if len(text) <= _LONGEST_AMOUNT else None
        except InvalidOperation:
            found = None
        if found is not None and found.is_finite() and abs(found.adjusted()) <= _LONGEST_AMOUNT:
            return found
    raise RefusedError(Saying("an amount such as 1299.90, not %(given)s", _shown(value)), name)


def _price(line: Mapping[str, Any]) -> Decimal:
    return _amount("price", line.get("price")) or Decimal(0)


def _quantity(line: Mapping[str, Any]) -> int:
    value = line.get("quantity")
    return 1 if value is None else _whole("quantity", value)


def _whole(name: str, value: object) -> int:
    found = _amount(name, value)
    if found is None or found != found.to_integral_value():
        raise RefusedError(Saying("a whole number, not %(given)s", _shown(value)), name)
    return int(found)


def _day(name: str, value: object) -> date:
    """Return the day as the hotel writes it: of a time with a zone, the day that stands there."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    try:
        return date.fromisoformat(text.partition("T")[0].partition(" ")[0])
    except ValueError:
        raise RefusedError(
            Saying("a day such as 2026-05-31, not %(given)s", _shown(value)), name
        ) from None
