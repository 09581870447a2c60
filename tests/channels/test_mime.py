"""A mail is bytes every program reads alike, and no value can write a header."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from pusula.channels.email.address import AddressError, on_the_wire, split_sender
from pusula.channels.email.mime import Mail, composed, encoded

MAIL = Mail(
    sender="Deniz Otel & Şubeleri <kampanya@deniz.example>",
    to="ayse@example.com",
    subject="Sizi özledik, İpek Hanım",
    text="Merhaba Ayşe\n.\nson",
    html="<p>Merhaba Ayşe</p>",
    token="tok-EN_1",
    at=1_790_000_000_000_000,
    unsubscribe_url="https://p.example/u/tok.mac/",
    feedback="campaign:12",
)


def parsed(mail: Mail) -> EmailMessage:
    return message_from_bytes(composed(mail), policy=default)


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


def test_a_mail_reads_back_as_it_was_written():
    message = parsed(MAIL)
    assert message["From"] == "Deniz Otel & Şubeleri <kampanya@deniz.example>"
    assert message["To"] == "ayse@example.com"
    assert message["Subject"] == "Sizi özledik, İpek Hanım"
    assert message["Message-ID"] == "<tok-EN_1@deniz.example>"
    assert message["Date"].datetime.timestamp() == 1_790_000_000
    assert message.get_content_type() == "multipart/alternative"
    assert body(message, "plain").rstrip("\n") == "Merhaba Ayşe\n.\nson"
    assert body(message, "html").rstrip("\n") == "<p>Merhaba Ayşe</p>"
    assert not message.defects


def test_mailbox_providers_find_the_one_click_address_and_the_mailing():
    message = parsed(MAIL)
    assert message["List-Unsubscribe"] == "<https://p.example/u/tok.mac/>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Feedback-ID"] == "campaign.12:deniz.example:pusula"
    assert message["Precedence"] == "bulk"


def test_a_mail_without_html_is_plain_text_alone():
    message = parsed(replace(MAIL, html=""))
    assert message.get_content_type() == "text/plain"
    assert message.get_content().strip().startswith("Merhaba")


def test_every_line_is_short_ascii_with_crlf():
    raw = composed(replace(MAIL, html="<p>" + "ş" * 5_000 + "</p>", text="a" * 5_000))
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 120


@pytest.mark.parametrize("length", [1, 44, 45, 46, 300])
@pytest.mark.parametrize("letter", ["a", "ş", "€", "🏖"])
def test_a_subject_of_any_length_is_split_between_letters(letter, length):
    subject = (letter * length)[:length]
    value = encoded(subject)
    assert max(len(line) for line in value.split("\r\n")) <= 76
    assert parsed(replace(MAIL, subject=subject))["Subject"] == subject


HOSTILE = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x00", "\x85", "\u2028", "\u2029", "\r\n\r\n"]


@pytest.mark.parametrize("ending", HOSTILE, ids=ascii)
def test_no_value_can_begin_a_header_or_end_them(ending):
    evil = f"x{ending}Bcc: evil@example.com"
    message = parsed(replace(MAIL, subject=evil, feedback="campaign:1"))
    assert "Bcc" not in message
    raw = composed(replace(MAIL, subject=evil)).replace(ending.encode(), b"\n").lower()
    assert b"\nbcc:" not in raw
    for field in ("sender", "to", "token", "unsubscribe_url", "feedback"):
        with pytest.raises(AddressError):
            composed(replace(MAIL, **{field: getattr(MAIL, field) + ending + "Bcc: e@x.example"}))


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("ayse.yilmaz+otel@example.com", "ayse.yilmaz+otel@example.com"),
        ("info@çeşme.example", "info@xn--eme-1la51d.example"),
        ("o'neill@example.co.uk", "o'neill@example.co.uk"),
    ],
)
def test_addresses_as_the_wire_wants_them(address, wire):
    assert on_the_wire(address) == wire


@pytest.mark.parametrize(
    "address",
    [
        "", "a", "@b.example", "a@", "a@b", "a b@c.example", "a@b.example,c@d.example",
        '"x" <a@b.example>', "a@b.example>", "<a@b.example", "a@b..example", "a@-b.example",
        "a@b.example\r\nRCPT TO:<x@y.example>", "a@b.example\n", "ş@b.example", "a..b@c.example",
        "x" * 65 + "@b.example", "a@" + "b" * 64 + ".example", "a@" + "bb." * 90 + "example",
        "a@b@c.example", "a@[127.0.0.1]",
    ],
)  # fmt: skip
def test_what_is_no_single_mailbox_never_reaches_the_wire(address):
    if address.strip() == "a@b.example":
        assert on_the_wire(address) == "a@b.example"  # outer white space is only spelling
        return
    with pytest.raises(AddressError):
        on_the_wire(address)


def test_a_sender_without_a_name_and_with_an_awkward_one():
    assert split_sender("otel@deniz.example") == ("", "otel@deniz.example")
    assert parsed(replace(MAIL, sender="otel@deniz.example"))["From"] == "otel@deniz.example"
    quoted = parsed(replace(MAIL, sender='"Otel, ""Deniz""" <otel@deniz.example>'))
    assert quoted["From"].addresses[0].addr_spec == "otel@deniz.example"
    with pytest.raises(AddressError):
        split_sender("Deniz Otel")
