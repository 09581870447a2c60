"""Messages at random: each is understood or refused, means one thing, and holds up nobody."""

import json
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.json import encode
from msgspec.structs import replace
from tests.pipeline.company import NOW
from tests.pipeline.sent import (
    holder,
    identify,
    message,
    told_by_history,
    told_now,
    track,
    traits_of,
)

from pusula.events import vocabulary
from pusula.events.models import Event
from pusula.lib import clock
from pusula.pipeline import appender, live, messages, queries
from pusula.pipeline.entries import is_name
from pusula.pipeline.envelope import TYPES
from pusula.pipeline.messages import Company
from pusula.pipeline.queries import Logged
from pusula.pipeline.refusals import RefusedError

COMPANY = Company("TR", "TRY", "Europe/Istanbul")
ODD = ["2026-05-31", "1e400", "12,5", "elif@example.com", "TRY", "\0", "undefined"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(ODD),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = (
    "userId", "anonymousId", "previousId", "groupId", "event", "name", "timestamp", "sentAt",
    "originalTimestamp", "traits", "properties", "context",
)  # fmt: skip
PROPERTIES = (
    "order_id", "revenue", "total", "tax", "products", "currency", "check_in", "check_out",
    "nights", "adults", "price", "quantity", "destination", "exchange_rate", "status", "reason",
)  # fmt: skip
PRODUCTS = st.lists(st.dictionaries(st.sampled_from(["price", "quantity", "sku", "name"]), JSON))
DETAILS = st.dictionaries(st.sampled_from(PROPERTIES), JSON | PRODUCTS)
DEALS = st.sampled_from([event.name for event in vocabulary.events().values() if event.deal])


@st.composite
def any_message(draw):
    """Draw a message whose parts are mostly of the wrong kind, and its type."""
    fields = draw(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8))
    kind = draw(st.sampled_from(TYPES))
    if draw(st.booleans()):
        fields |= {"event": draw(DEALS), "properties": draw(DETAILS), "userId": "7"}
        fields.pop("context", None)
        kind = "track"
    return message(kind, **fields, trusted=draw(st.booleans()))


def read(entry):
    """Return what an entry says, or the reason why it says nothing."""
    held = Logged(1, "message", "web", "web:1", entry.body, None, NOW)
    try:
        return messages.read(held, COMPANY, latest=NOW)
    except RefusedError as error:
        return str(error)


@settings(max_examples=200, deadline=None)
@given(any_message())
def test_any_message_is_understood_or_refused_with_a_reason(entry):
    reading = read(entry)
    if isinstance(reading, str):
        assert reading
        return
    for one in reading.told:
        assert one.at <= NOW
        assert one.key or one.anonymous or one.email or one.phone
        if one.kind == "event":
            assert is_name(one.body.name)
            assert all(map(is_name, one.body.properties))
            json.dumps(one.body.properties, allow_nan=False).encode()
        if one.kind == "order":
            assert abs(one.body.net_minor) <= 10**15
            assert one.deal
        if not one.trusted:
            assert one.email is one.phone is None


@settings(max_examples=200, deadline=None)
@given(any_message())
def test_a_message_means_the_same_each_time(entry):
    assert read(entry) == read(entry)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(any_message(), max_size=12))
@pytest.mark.django_db(databases=["default", "log"])
def test_whatever_comes_the_neighbours_are_taken_over_and_nothing_waits(entries):
    before, n = Event.objects.filter(name="Good").count(), uuid4().hex
    good = [track("Good", {"n": 1}, anonymousId=f"good-{n}") for _ in range(2)]
    fresh = [replace(one, message_id=f"web:{uuid4().hex}") for one in (good[0], *entries, good[1])]
    appender.append(fresh)
    live.step(at=clock.now() + clock.SECOND)
    assert Event.objects.filter(name="Good").count() == before + 2
    assert queries.lag().n_entries == 0


USERS = st.sampled_from(["1", "2", None])
DEVICES = st.sampled_from(["a", "b", None])
TRAITS = st.dictionaries(st.sampled_from(["city", "tier"]), st.sampled_from(["x", "y", "z"]))


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example is several steps
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(st.tuples(USERS, DEVICES, TRAITS, st.booleans()), max_size=5), max_size=4))
@pytest.mark.django_db(databases=["default", "log"])
def test_browsers_and_programs_in_any_order_leave_what_the_programs_said_last(steps):
    """Whoever signs in on which device: traits are as the history tells them."""
    run, last = uuid4().hex, {}
    for told in steps:
        entries = []
        for user, device, traits, is_program in told:
            trusted = is_program and user is not None  # else: of whoever has the device
            own = {"userId": user and f"{user}-{run}", "anonymousId": device and f"{device}-{run}"}
            one = identify(traits, trusted=trusted, **own)
            entries.append(replace(one, message_id=f"web:{uuid4().hex}"))
            if trusted:
                last.setdefault(user, {}).update(traits)
        appender.append(entries)
        live.step(at=clock.now() + clock.SECOND)
    assert told_now() == told_by_history()
    for user, traits in last.items():
        known = traits_of(holder("key", f"web:{user}-{run}"))
        assert {name: known[name] for name in traits} == traits


MINOR = st.integers(0, 10**13)


@given(st.lists(st.tuples(MINOR, st.integers(1, 50)), max_size=8), MINOR, st.booleans())
def test_amounts_are_exact_to_the_last_kurus(lines, discount, are_texts):
    def amount(minor):
        text = f"{minor // 100}.{minor % 100:02d}"
        return text if are_texts else Raw(text.encode())

    products = [{"price": amount(minor), "quantity": n} for minor, n in lines]
    properties = {"order_id": "1", "products": products, "discount": amount(discount)}
    net = sum(minor * n for minor, n in lines) - discount
    body = encode({"type": "track", "trusted": True, "message": {
        "userId": "7", "event": "Order Completed", "properties": properties,
    }})  # fmt: skip
    held = Logged(1, "message", "web", "web:1", body.decode(), None, NOW)
    reading = messages.read(held, COMPANY, latest=NOW)
    orders = [one for one in reading.told if one.kind == "order"]
    if not lines:
        assert "no amount" in str(reading.problem)
    elif abs(net) > 10**15 or any(minor * n > 10**15 for minor, n in lines):
        assert reading.problem
    else:
        assert orders[0].body.net_minor == net
        assert [item.amount_minor for item in orders[0].items] == [m * n for m, n in lines]
