"""E-mails and phones as people write them."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pusula.profiles import contacts
from pusula.profiles.contacts import ContactError, email, phone


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Reasons are compared word by word."""
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    "text",
    ["0532 123 45 67", "5321234567", "00905321234567", "90 532 123 45 67", "0(532) 123-45-67",
     "5321234567.0", "+90 532 123 45 67", "0532 123 45 67 / 0542 765 43 21",
     "yok; 0532 123 45 67"],
)  # fmt: skip
def test_one_number_in_every_spelling(text):
    assert phone(text, "TR") == "+905321234567"


def test_a_number_from_abroad_keeps_its_country():
    assert phone("+49 30 123456", "TR") == "+4930123456"


@pytest.mark.parametrize(
    "text", ["", "-", "5555555555", "5000000000", "0 532 111 11 11", "0", "000"]
)
def test_a_filler_number_leads_to_nobody(text):
    assert phone(text, "TR") is None


def test_what_excel_has_shortened_is_not_guessed():
    with pytest.raises(ContactError, match="Excel has shortened"):
        phone("5,32123E+09", "TR")


@pytest.mark.parametrize("text", ["0532 123", "dahili 12", "12345678901234567890"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ContactError, match="not a phone number"):
        phone(text, "TR")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("AYSE@Example.COM", "ayse@example.com"),
        (" mailto:ayse@example.com ", "ayse@example.com"),
        ("<ayse@example.com>", "ayse@example.com"),
        ("ayse@example.com; ali@example.com", "ayse@example.com"),
        ("- ayse@example.com", "ayse@example.com"),
        ("INFO@otel.com.tr", "info@otel.com.tr"),
    ],
)
def test_an_address_in_every_spelling(text, address):
    assert email(text) == address


@pytest.mark.parametrize(
    "text",
    ["", " - ", "yok@yok.com", "a@a.com", "noemail@hotel.com", "test@test.com",
     "kemal.12345@guest.booking.com", "x1y2@m.expediapartnercentral.com"],
)  # fmt: skip
def test_fillers_and_the_relays_of_portals_lead_to_nobody(text):
    assert email(text) is None


@pytest.mark.parametrize("text", ["yok", "ayse@", "@example.com", "ayse@otel", "İnfo@otel.com"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ContactError, match="not an e-mail address"):
        email(text)


@given(
    st.from_regex(
        r"[a-zA-Z0-9._+-]{1,40}@[a-z0-9.-]{1,24}\.(com|com\.tr|test|local|localhost|xn--p1ai|t|c0m)",
        fullmatch=True,
    )
)
@settings(
    max_examples=300, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_what_looks_plain_is_read_as_all_the_rules_read_it(text):
    quick = _answer(text)
    with mock.patch.object(contacts, "_is_plain", return_value=False):
        assert quick == _answer(text)


def _answer(text):
    try:
        return contacts.email(text)
    except contacts.ContactError:
        return "refused"
