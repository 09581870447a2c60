"""Encryption by the vectors of RFC 8291, the key of RFC 8292, and what a push service is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.channels.contract import CASES
from tests.simulators.push_service import Browser, padded

from pusula.channels.port import ChannelError, Outgoing, Result
from pusula.channels.webpush import encryption, provider, vapid
from pusula.channels.webpush.encryption import Keys, SubscriptionError
from pusula.lib import clock

WEBPUSH = next(case for case in CASES if case.name == "webpush")


def test_the_example_of_rfc_8291_comes_out_bit_for_bit() -> None:
    ours = ec.derive_private_key(
        int.from_bytes(padded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()
    )
    keys = Keys(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    )
    body = encryption._encrypted(
        b"When I grow up, I want to be a watermelon", keys, ours, padded("DGv6ra1nlYgDCS1FRnbzlw")
    )
    assert encryption.encoded(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
        "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
        "lcy4a-fN"
    )


def test_the_largest_text_fills_what_every_service_takes_and_one_byte_more_is_refused() -> None:
    browser = Browser()
    keys = Keys(**browser.keys)
    body = encryption.encrypted(b"x" * encryption.LARGEST, keys)
    assert len(body) == 4_096
    assert browser.read(body) == b"x" * encryption.LARGEST
    with pytest.raises(ChannelError, match=r"3,994 bytes"):
        encryption.encrypted(b"x" * (encryption.LARGEST + 1), keys)


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("", ""),
        ("şşş", "BTBZMqHH6r4Tts7J_aSIgg"),
        ("AAAA", "BTBZMqHH6r4Tts7J_aSIgg"),
        (Browser().keys["p256dh"], "AAAA"),
        ("B" + "A" * 86, "BTBZMqHH6r4Tts7J_aSIgg"),  # 65 bytes, and not on the curve
    ],
    ids=["empty", "no base64", "too short", "short secret", "off the curve"],
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(SubscriptionError):
        encryption.encrypted(b"hello", Keys(p256dh, auth))


@pytest.mark.parametrize(
    ("endpoint", "may"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/x", True),
        ("https://web.push.apple.com/x", True),
        ("https://db5p.notify.windows.com/w/?token=x", True),
        ("https://fcm.googleapis.com.evil.example/x", False),
        ("https://evilpush.apple.com/x", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("https://fcm.googleapis.com@evil.example/", False),
        ("https://[::1]/", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_only_the_push_services_there_are_get_called(endpoint: str, may: bool) -> None:
    assert provider.may_call(endpoint) is may


def test_a_push_says_what_it_should_and_how_long_it_is_of_use() -> None:
    at = clock.now()
    with WEBPUSH.staged() as stage:
        (one, *_rest) = stage.messages
        told = {
            **one.details, "icon": "https://otel.example/i.png", "topic": "b-42",
            "urgency": "high", "ttl_s": 3_600,
        }  # fmt: skip
        stage.messages = [
            Outgoing(
                id=1, token="t" * 22, address="a", title="Odanız hazır", text="Şükrü Bey",
                details=told, not_after_at=at + 600 * clock.SECOND,
            )
        ]  # fmt: skip
        (outcome,) = stage.send()
        (asked,) = stage.company.taken
        shown = stage.company.browsers["b1"].shown
    assert outcome.result == Result.ACCEPTED
    assert shown == [
        {
            "web_push": 8030,
            "id": "t" * 22,
            "notification": {
                "title": "Odanız hazır",
                "body": "Şükrü Bey",
                "icon": "https://otel.example/i.png",
                "navigate": "https://otel.example/",
            },
        }
    ]
    assert 590 <= int(asked.headers["ttl"]) <= 600  # never longer than the message is of use
    assert (asked.headers["urgency"], asked.headers["topic"]) == ("high", "b-42")
    assert b"Odan" not in asked.body


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (201, "accepted"), (200, "accepted"), (202, "accepted"), (404, "bad_address"),
        (410, "bad_address"), (400, "policy"), (401, "policy"), (403, "policy"),
        (413, "rejected"), (429, "later"), (500, "later"), (503, "later"), (301, "rejected"),
    ],
)  # fmt: skip
def test_only_a_browser_that_is_gone_is_given_up_for_a_status(status: int, result: str) -> None:
    with WEBPUSH.staged() as stage:
        stage.messages = stage.messages[:1]
        stage.company.statuses = {"as_told": status}
        stage.company.next_result = "as_told"
        (outcome,) = stage.send()
    assert outcome.result == result


def test_a_browser_that_subscribed_with_another_key_is_given_up_and_nobody_is_asked() -> None:
    with WEBPUSH.staged() as stage:
        one = stage.messages[0]
        told = {**one.details, "vapid_key": "BAnother"}
        stage.messages = [Outgoing(id=1, token="t", address="a", title="x", text="y", details=told)]
        (outcome,) = stage.send()
        assert stage.behaviour.asked == []
    assert outcome.result == Result.BAD_ADDRESS


def test_the_word_of_the_key_is_signed_once_for_each_service_and_for_less_than_a_day() -> None:
    ours = vapid.Vapid(ec.generate_private_key(ec.SECP256R1()), "mailto:it@deniz.example")
    at = clock.now()
    first = ours.authorization("https://fcm.googleapis.com/x", at=at)
    assert ours.authorization("https://fcm.googleapis.com/y", at=at + clock.HOUR) == first
    other = ours.authorization("https://web.push.apple.com/x", at=at)
    claims = [json.loads(padded(word.split("t=")[1].split(".")[1])) for word in (first, other)]
    assert [one["aud"] for one in claims] == [
        "https://fcm.googleapis.com",
        "https://web.push.apple.com",
    ]
    assert all(0 < one["exp"] - at // clock.SECOND <= 86_400 for one in claims)
    assert ours.authorization("https://fcm.googleapis.com/x", at=at + 20 * clock.HOUR) != first
    back = ours.authorization("https://fcm.googleapis.com/x", at=at - 20 * clock.HOUR)
    exp = json.loads(padded(back.split("t=")[1].split(".")[1]))["exp"]
    assert exp <= at // clock.SECOND - 20 * 3_600 + 86_400  # also where the clock was set back


@pytest.mark.parametrize("subject", ["", "it@deniz.example", "mailto:root@localhost"])
def test_a_subject_that_apple_refuses_is_refused_at_the_start(subject: str) -> None:
    with pytest.raises(ChannelError, match="subject"):
        vapid.Vapid(ec.generate_private_key(ec.SECP256R1()), subject)


def test_the_key_is_made_once_readable_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "webpush.pem"
    vapid.make_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(padded(vapid.public_key(vapid.read_key(file)))) == 65
    with pytest.raises(ChannelError, match="there already"):
        vapid.make_key(file)
    file.write_text("nonsense")
    with pytest.raises(ChannelError, match="pusula webpush keys"):
        vapid.read_key(file)
