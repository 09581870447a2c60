"""Mails that come back: classes, return paths, and what a stranger can do by writing one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.channels.email.bounces import classified, reports
from pusula.channels.email.tokens import Tokens
from pusula.channels.port import ChannelError, ReportKind
from pusula.lib import ids

TOKENS = Tokens(b"k" * 32, "b@b.m.deniz.example")
TOKEN = "4rX2-_aZ09bcdefghijklA"

DSN = """\
From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="x"

--x
Content-Type: text/plain

Your mail did not arrive.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ayse@example.com
Action: {action}
Status: {status}
Diagnostic-Code: {said}

--x
Content-Type: text/rfc822-headers

From: Deniz Otel <kampanya@deniz.example>
Message-ID: <{message_id}@deniz.example>

--x--
"""
ARF = """\
From: feedback@arf.mail.yahoo.com
To: fbl@m.deniz.example
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="x"

--x
Content-Type: text/plain

A complaint.
--x
Content-Type: message/feedback-report

Feedback-Type: {sort}
User-Agent: Yahoo!-Mail-Feedback/2.0
Version: 1
Original-Mail-From: <{sender}>
Original-Rcpt-To: ayse@example.com

--x
Content-Type: message/rfc822

From: Deniz Otel <kampanya@deniz.example>
Message-ID: <{message_id}@deniz.example>
Subject: Erken rezervasyon

...
--x--
"""


def dsn(
    *,
    to: str = "",
    action: str = "failed",
    status: str = "5.1.1",
    said: str = "smtp; 550 no such user",
    message_id: str = TOKEN,
) -> bytes:
    to = to or TOKENS.return_path(TOKEN)
    return DSN.format(
        to=to, action=action, status=status, said=said, message_id=message_id
    ).encode()


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        ("5.1.1", "", "bounced"), ("5.1.2", "", "bounced"), ("5.1.10", "", "bounced"),
        ("5.2.1", "", "bounced"), ("5.4.4", "", "bounced"),
        ("5.2.2", "", "soft_bounced"), ("4.2.2", "", "soft_bounced"), ("5.2.3", "", "soft_bounced"),
        ("4.4.1", "", "soft_bounced"), ("5.4.7", "", "soft_bounced"), ("4.0.0", "", "soft_bounced"),
        ("5.7.1", "", "policy"), ("5.7.26", "", "policy"), ("5.7.515", "", "policy"),
        ("4.7.0", "", "policy"), ("5.6.0", "", "rejected"), ("5.0.0", "", "rejected"),
        ("", "smtp; 550 5.1.1 unknown user", "bounced"), ("", "550 go away", "rejected"),
        ("", "552 mailbox full", "soft_bounced"), ("", "451 later", "soft_bounced"),
        ("", "", "rejected"), ("nonsense", "ş", "rejected"),
    ],
)  # fmt: skip
def test_a_bounce_means_what_its_status_says_and_a_bare_550_closes_nobody(
    status: str, said: str, kind: str
) -> None:
    assert classified(status, said) == kind


def test_a_delivery_report_is_read_and_names_its_message_by_its_return_path() -> None:
    (report,) = reports(dsn(message_id="unknown"), TOKENS)
    assert (report.kind, report.token) == (ReportKind.BOUNCED, TOKEN)
    assert report.words == "5.1.1 smtp; 550 no such user"
    (again,) = reports(dsn(), TOKENS)
    assert again.key == report.key


def test_it_is_found_by_the_message_it_sends_back_where_the_return_path_is_lost() -> None:
    (report,) = reports(dsn(to="info@deniz.example"), TOKENS)
    assert report.token == TOKEN


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded", ""])
def test_a_delay_is_no_bounce(action: str) -> None:
    assert reports(dsn(action=action), TOKENS) == []


def test_a_complaint_is_read_by_its_sender_or_by_what_it_sends_back() -> None:
    for sender, message_id in ((TOKENS.return_path(TOKEN), "x"), ("k@deniz.example", TOKEN)):
        raw = ARF.format(sort="abuse", sender=sender, message_id=message_id).encode()
        (report,) = reports(raw, TOKENS)
        assert (report.kind, report.token) == (ReportKind.COMPLAINED, TOKEN)
    assert reports(ARF.format(sort="not-spam", sender="", message_id=TOKEN).encode(), TOKENS) == []


def test_a_forged_return_path_names_nobody() -> None:
    good = TOKENS.return_path(TOKEN)
    local, _at, domain = good.partition("@")
    forged = [
        f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}",
        f"b+{'a' * 26}.{local.rpartition('.')[2]}@{domain}",
        Tokens(b"other" * 8, "b@b.m.deniz.example").return_path(TOKEN),
    ]
    for address in forged:
        assert TOKENS.of_address(address) == ""
        assert reports(dsn(to=address, message_id="unknown"), TOKENS) == []


@given(st.binary(min_size=16, max_size=16))
def test_every_token_survives_its_return_path_also_where_case_is_lost(raw: bytes) -> None:
    token = ids.base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    path = TOKENS.return_path(token)
    assert len(path.partition("@")[0]) <= 64
    assert TOKENS.of_address(path) == TOKENS.of_address(path.upper()) == token


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    assert reports(raw, TOKENS) == []
    assert isinstance(reports(dsn()[:200] + raw + dsn()[200:], TOKENS), list)


@pytest.mark.parametrize("base", ["b", "a very long one@x.com", "b+c@x.com", "x" * 30 + "@x.com"])
def test_a_base_on_which_no_return_path_fits_is_refused(base: str) -> None:
    with pytest.raises(ChannelError, match="bounce_address"):
        Tokens(b"k", base)
