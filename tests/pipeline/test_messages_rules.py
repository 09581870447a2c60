"""How a source's messages are understood: from its settings, through the log, to the step."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.pipeline.company import NOW
from tests.pipeline.sent import come_in, holder, identify, reasons, track, traits_of

from pusula.api.intake import messages as intake
from pusula.events import vocabulary
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order
from pusula.pipeline import live, messages
from pusula.pipeline.entries import RefusedError, is_name
from pusula.pipeline.envelope import BadRulesError, check_rules
from pusula.pipeline.messages import Company
from pusula.pipeline.queries import Logged
from pusula.sources import keys
from pusula.sources.models import KeyKind, Source

COMPANY = Company("TR", "TRY", "Europe/Istanbul")
DATABASE = pytest.mark.django_db(databases=["default", "log"])


def logged(body, at=NOW):
    return Logged(1, "message", "web", "web:1", body, None, at)


@DATABASE
def test_the_settings_of_a_source_come_with_its_messages(company):
    tracking = {
        "user_ids": "crm", "protected_traits": ["Üyelik"], "orders": "none",
        "rates": {"EUR": 47.25}, "sells": "stays", "time_zone": "UTC", "browser_users": "followed",
    }  # fmt: skip
    check_rules(tracking)
    source = Source.objects.create(
        slug="web", kind="website", created_at=NOW, settings={"tracking": tracking}
    )
    _row, key = keys.issue(source, KeyKind.WRITE)
    good = keys.good(NOW)[keys.digest(key)]
    body = b'{"userId": "7", "traits": {"plan": "a", "\xc3\x9cyelik": "Alt\xc4\xb1n"}}'
    sender = intake.Sender(good.source, good.may_set_all, key, good.rules)
    come_in(NOW, *intake.read_one(body, "identify").entries(sender))
    assert reasons() == []
    assert traits_of(holder("key", "crm:7")) == {"plan": "a"}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"user_id": "crm"}, "user_id"),
        ({"user_ids": "a:b"}, "user_ids"),
        ({"browser_users": "believed"}, "browser_users"),
        ({"rates": {"XXX": 1}}, "XXX"),
        ({"rates": {"EUR": 0}}, "that of EUR is above 0"),
        ({"rates": {"EUR": "many"}}, "rates"),
        ({"time_zone": "Mars/Base"}, "Mars/Base"),
        ({"protected_traits": ["$.a"]}, "protected_traits"),
        ({"orders": ""}, "orders"),
    ],
)
def test_settings_that_cannot_be_used_are_named(wrong, reason):
    with pytest.raises(BadRulesError, match="tracking: ") as caught:
        check_rules(wrong)
    assert reason in caught.value.message


def test_the_vocabulary_is_whole():
    for name, event in vocabulary.events().items():
        assert is_name(name)
        assert event.tr
        assert event.en
        assert event.deal in {"", *vocabulary.DEALS}
        assert event.stay in {"", *vocabulary.events()}
    assert {event.deal for event in vocabulary.events().values()} == {"", *vocabulary.DEALS}
    assert vocabulary.title("Order Completed", "tr") == "Sipariş verdi"
    assert vocabulary.title("Order Completed", "en") == "Placed an order"
    assert vocabulary.title("Somersault Turned", "tr") == "Somersault Turned"
    assert vocabulary.property_title("nights", "tr") == "gece sayısı"
    assert vocabulary.property_title("somersaults", "en") == "somersaults"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["2026-05-31", "1e400", "12,5", "elif@example.com", "TRY", "\0", "undefined"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
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
    """Draw a message whose parts are mostly of the wrong kind."""
    fields = draw(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8))
    if draw(st.booleans()):
        fields |= {"event": draw(DEALS), "properties": draw(DETAILS), "userId": "7"}
        fields.pop("context", None)
    return track("", **fields, trusted=draw(st.booleans())).body if False else fields  # noqa: SIM210
