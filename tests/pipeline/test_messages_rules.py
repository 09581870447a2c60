"""How a source's messages are understood: from its settings, through the log, to the step."""

import pytest
from tests.pipeline.company import NOW
from tests.pipeline.sent import come_in, holder, reasons, traits_of

from pusula.api.intake import messages as intake
from pusula.events import vocabulary
from pusula.pipeline.entries import is_name
from pusula.pipeline.envelope import BadRulesError, check_rules
from pusula.sources import keys
from pusula.sources.models import KeyKind, Source


@pytest.mark.django_db(databases=["default", "log"])
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
