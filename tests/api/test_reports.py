"""The doors of providers: what is told is applied once, in any order, and only if it is signed."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import json
import random
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from django.test import Client
from tests.channels.test_bounces import dsn
from tests.outbox.people import consented, in_line, profiles
from tests.simulators.whatsapp import CloudApi

from pusula.api import reports as doors
from pusula.channels.port import Report, ReportKind
from pusula.consent.models import Consent, Suppression
from pusula.events.models import Event
from pusula.lib import clock
from pusula.outbox import machine, reports, returns
from pusula.outbox.models import Hold, Message, Receipt

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "door-key-4711"
TOPIC = "arn:aws:sns:eu-central-1:1:bounces"


@pytest.fixture
def sent(settings: Any, tmp_path: Path) -> list[Message]:
    """Three guests have got a mail; the settings name no provider yet."""
    settings.PUSULA_CHANNELS = {}
    settings.PUSULA_HOME = tmp_path
    people = profiles(3)
    consented(people)
    in_line(people)
    at = clock.now() - clock.HOUR
    Message.objects.update(state=machine.SENT, gated_at=at, settled_at=at)
    return list(Message.objects.order_by("pk"))


def set_up(settings: Any, channel: str, provider: str, **told: str) -> None:
    keep_secret(settings, channel, "report_key")
    settings.PUSULA_CHANNELS = {channel: {"provider": provider, **told}}


def keep_secret(settings: Any, channel: str, name: str) -> None:
    folder = Path(settings.PUSULA_HOME) / "secrets" / channel
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(KEY)


def tell(path: str, body: bytes, **headers: str) -> Any:
    return Client().post(
        f"/hooks/reports/{path}", body, content_type="application/json", headers=headers
    )


def closed() -> list[tuple[str, str]]:
    return list(Suppression.objects.order_by("pk").values_list("address", "reason"))


def test_a_door_of_a_provider_that_is_not_set_up_does_not_exist(
    sent: list[Message], settings: Any
) -> None:
    set_up(settings, "email", "mailgun")
    assert tell("email/sendgrid", b"[]").status_code == 404
    assert tell("sms/verimor/x", b"[]").status_code == 404
    assert tell("nothing/at-all", b"[]").status_code == 404
    settings.PUSULA_CHANNELS = {}
    assert tell("email/mailgun", b"[]").status_code == 404


def test_a_bounce_closes_the_address_before_it_is_answered_and_once(
    sent: list[Message], settings: Any
) -> None:
    set_up(settings, "email", "mailbox")
    body = dsn(to="info@deniz.example", message_id=sent[0].token)
    assert tell(f"email/mailbox/{KEY}", body).json() == {"n_new": 1, "n_same": 0, "n_unknown": 0}
    assert closed() == [(sent[0].address, "hard_bounce")]
    assert tell(f"email/mailbox/{KEY}", body).json()["n_same"] == 1
    assert Receipt.objects.count() == 1
    assert list(Event.objects.values_list("name", flat=True)) == ["Email Bounced"]


def test_a_policy_bounce_closes_nobody_and_holds_nothing(
    sent: list[Message], settings: Any
) -> None:
    set_up(settings, "email", "mailbox")
    tell(f"email/mailbox/{KEY}", dsn(to="x@y.example", status="5.7.1", message_id=sent[0].token))
    assert closed() == []
    assert not Hold.objects.exists()
    assert Receipt.objects.get().kind == "rejected"


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("mailgun", '{"signature": {"timestamp": "\\ud800", "token": "a", "signature": "b"}}'),
        ("mailgun", '{"signature": {"timestamp": "1", "token": "a", "signature": "\\udfff"}}'),
        ("ses", '{"SignatureVersion": ["1"]}'),
        ("ses", '{"SignatureVersion": "1", "Message": "\\ud800", "Signature": "\\ud800"}'),
    ],
)
def test_what_no_signature_can_be_of_is_forged_and_breaks_nothing(
    sent: list[Message], settings: Any, monkeypatch: pytest.MonkeyPatch, provider: str, body: str
) -> None:
    monkeypatch.setattr(doors, "_certificate", lambda _url: b"none")
    set_up(settings, "email", provider, topic=TOPIC)
    told = json.loads(body)
    if provider == "ses":
        name = "SimpleNotificationService-0.pem"
        where = f"https://sns.eu-central-1.amazonaws.com/{name}"
        told |= {"TopicArn": TOPIC, "Type": "Notification", "SigningCertURL": where}
    assert tell(f"email/{provider}", json.dumps(told).encode()).status_code == 403


@pytest.mark.parametrize("key", ["", "/wrong", f"/{KEY}x"])
def test_a_door_whose_address_is_its_secret_is_shut_to_all_others(
    sent: list[Message], settings: Any, key: str
) -> None:
    set_up(settings, "email", "mailbox")
    answer = tell(f"email/mailbox{key}", dsn(message_id=sent[0].token))
    assert answer.status_code == 403
    assert KEY not in answer.content.decode()
    assert closed() == []


def mailgun(message: Message, event: str, *, at: int | None = None, **told: object) -> bytes:
    moment = str((at or clock.now()) // clock.SECOND)
    mark = hmac.new(KEY.encode(), f"{moment}nonce".encode(), "sha256").hexdigest()
    return json.dumps(
        {
            "signature": {"timestamp": moment, "token": "nonce", "signature": mark},
            "event-data": {
                "id": f"{event}-{message.pk}", "event": event,
                "message": {"headers": {"message-id": f"{message.token}@deniz.example"}}, **told,
            },
        }
    ).encode()  # fmt: skip


def test_a_complaint_is_a_refusal_and_closes_the_address_for_advertising(
    sent: list[Message], settings: Any
) -> None:
    set_up(settings, "email", "mailgun")
    assert tell("email/mailgun", mailgun(sent[1], "complained")).status_code == 200
    assert closed() == [(sent[1].address, "complaint")]
    assert Suppression.objects.get().scope == "commercial"
    decided = Consent.objects.get(profile_id=sent[1].profile_id, channel="email")
    assert decided.status == "refused"


def test_old_forged_and_damaged_reports_are_refused(sent: list[Message], settings: Any) -> None:
    set_up(settings, "email", "mailgun")
    good = mailgun(sent[0], "complained")
    old = mailgun(sent[0], "complained", at=clock.now() - 3 * clock.DAY)
    for body in (b"{", b"[]", b'{"signature": 1}', good.replace(b"nonce", b"other"), old):
        assert tell("email/mailgun", body).status_code == 403
    assert closed() == []


def test_soft_bounces_close_an_address_only_when_there_are_enough_and_nothing_good_between(
    sent: list[Message], settings: Any
) -> None:
    set_up(settings, "email", "mailgun")
    Message.objects.update(address=sent[0].address, step="s")  # three messages to one inbox
    soft = {"severity": "permanent", "delivery-status": {"enhanced-code": "5.2.2"}}
    for message in sent[:2]:
        tell("email/mailgun", mailgun(message, "failed", **soft))
        tell("email/mailgun", mailgun(message, "failed", **soft))  # told again counts once
    assert closed() == []
    tell("email/mailgun", mailgun(sent[2], "delivered"))
    tell("email/mailgun", mailgun(sent[2], "failed", **soft))
    assert closed() == []
    Receipt.objects.filter(kind="delivered").delete()
    Receipt.objects.filter(kind="soft_bounced", message=sent[2]).delete()
    tell("email/mailgun", mailgun(sent[2], "failed", **soft))
    assert [address for address, _reason in closed()] == [sent[0].address]


def test_whatever_the_order_and_however_often_the_end_is_the_same(
    sent: list[Message], settings: Any
) -> None:
    set_up(settings, "email", "mailgun")
    hard = {"severity": "permanent", "delivery-status": {"enhanced-code": "5.1.1"}}
    bodies = [
        mailgun(sent[0], "delivered"), mailgun(sent[0], "complained"),
        mailgun(sent[1], "failed", **hard), mailgun(sent[2], "unsubscribed"),
    ] * 3  # fmt: skip
    random.Random(7).shuffle(bodies)  # noqa: S311 - an order, the same each time
    for body in bodies:
        assert tell("email/mailgun", body).status_code == 200
    assert sorted(Receipt.objects.values_list("kind", flat=True)) == [
        "bounced", "complained", "delivered", "unsubscribed",
    ]  # fmt: skip
    assert sorted(closed()) == sorted(
        [(sent[0].address, "complaint"), (sent[1].address, "hard_bounce")]
    )
    refused = Consent.objects.filter(status="refused").values_list("profile_id", flat=True)
    assert sorted(refused) == sorted([sent[0].profile_id, sent[2].profile_id])


def test_sendgrid_signs_the_moment_and_the_body(sent: list[Message], settings: Any) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = base64.b64encode(
        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()
    set_up(settings, "email", "sendgrid", public_key=public)
    body = json.dumps(
        [
            {"event": "bounce", "type": "bounce", "status": "5.1.1", "sg_event_id": "e1",
             "smtp-id": f"<{sent[0].token}@deniz.example>"},
            {"event": "bounce", "type": "blocked", "status": "5.1.1", "sg_event_id": "e2",
             "smtp-id": f"<{sent[1].token}@deniz.example>"},
            {"event": "processed", "sg_event_id": "e3"}, "nonsense",
        ]
    ).encode()  # fmt: skip

    def signed(told: bytes, at: int) -> dict[str, str]:
        moment = str(at // clock.SECOND)
        mark = key.sign(moment.encode() + told, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(mark).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": moment,
        }

    now = clock.now()
    good = signed(body, now)
    assert tell("email/sendgrid", body + b" ", **good).status_code == 403
    assert tell("email/sendgrid", body).status_code == 403
    old = signed(body, now - 3 * clock.DAY)
    assert tell("email/sendgrid", body, **old).status_code == 403
    assert closed() == []
    assert tell("email/sendgrid", body, **good).json()["n_new"] == 2
    assert closed() == [(sent[0].address, "hard_bounce")]  # who was blocked has a good address


def test_amazon_signs_by_a_certificate_of_its_own_and_for_our_topic(
    sent: list[Message], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(settings, "email", "ses", topic=TOPIC)
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    monkeypatch.setattr(doors, "_certificate", lambda _url: certificate.public_bytes(Encoding.PEM))

    def notification(topic: str = TOPIC, where: str = "sns.eu-central-1.amazonaws.com") -> bytes:
        event = {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": "Permanent", "feedbackId": "f1",
                "bouncedRecipients": [{"status": "5.1.1", "diagnosticCode": "smtp; 550"}],
            },
            "mail": {"source": returns_path(sent[0]), "messageId": "m1"},
        }  # fmt: skip
        told = {
            "Type": "Notification", "MessageId": "1", "TopicArn": topic,
            "Message": json.dumps(event), "Timestamp": now.isoformat(), "SignatureVersion": "2",
            "SigningCertURL": f"https://{where}/SimpleNotificationService-0a.pem",
        }  # fmt: skip
        fields = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
        signed = "".join(f"{field}\n{told[field]}\n" for field in fields).encode()
        mark = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return json.dumps({**told, "Signature": base64.b64encode(mark).decode()}).encode()

    def returns_path(message: Message) -> str:
        settings.PUSULA_CHANNELS["email"]["bounce_address"] = "b@b.deniz.example"
        return returns.tokens().return_path(message.token)

    for body in (
        notification(topic="arn:aws:sns:eu-central-1:2:bounces"),
        notification(where="sns.eu-central-1.amazonaws.com.evil.example"),
        notification(where="evil.example/?sns.eu-central-1.amazonaws.com"),
        notification().replace(b"Permanent", b"Permanent "),
    ):
        assert tell("email/ses", body).status_code == 403
    assert closed() == []
    assert tell("email/ses", notification()).json()["n_new"] == 1
    assert closed() == [(sent[0].address, "hard_bounce")]


def test_statuses_of_whatsapp_are_signed_and_an_opt_out_there_is_one_here(
    sent: list[Message], settings: Any
) -> None:
    Message.objects.update(channel="whatsapp")
    api = CloudApi(secret=KEY)
    keep_secret(settings, "whatsapp", "app_secret")
    keep_secret(settings, "whatsapp", "verify_token")
    settings.PUSULA_CHANNELS = {"whatsapp": {"number_id": "1055"}}
    body, headers = api.status(
        "wamid.1", "failed", biz_opaque_callback_data=sent[0].token,
        errors=[{"code": 131050, "title": "stopped marketing"}],
    )  # fmt: skip
    assert tell("whatsapp/whatsapp", body, **{"X-Hub-Signature-256": "sha256=0"}).status_code == 403
    assert tell("whatsapp/whatsapp", body).status_code == 403
    assert tell("whatsapp/whatsapp", body, **headers).json()["n_new"] == 1
    decided = Consent.objects.get(profile_id=sent[0].profile_id, channel="whatsapp")
    assert decided.status == "refused"
    asked = "/hooks/reports/whatsapp/whatsapp?hub.challenge=4711&hub.verify_token="
    assert Client().get(asked + KEY).content == b"4711"
    assert Client().get(asked + "x").status_code == 403


def test_verimor_pushes_to_an_address_with_a_secret(sent: list[Message], settings: Any) -> None:
    Message.objects.update(channel="sms")
    set_up(settings, "sms", "verimor")
    row = {"message_id": sent[0].token, "status": "DELIVERED", "campaign_id": 1, "dest": "905"}
    assert tell("sms/verimor/no", json.dumps([row]).encode()).status_code == 403
    assert tell(f"sms/verimor/{KEY}", json.dumps([row]).encode()).json()["n_new"] == 1
    assert Receipt.objects.get().kind == "delivered"


def test_no_get_changes_anything(sent: list[Message], settings: Any) -> None:
    set_up(settings, "email", "mailbox")
    assert Client().get(f"/hooks/reports/email/mailbox/{KEY}").status_code == 405
    assert Receipt.objects.count() == 0


def test_a_flood_is_taken_at_a_steady_price(sent: list[Message], settings: Any) -> None:
    set_up(settings, "email", "mailgun")
    for n in range(150):
        body = mailgun(sent[n % 3], "delivered").replace(b"delivered-", b"%d-" % n)
        assert tell("email/mailgun", body).status_code == 200
    assert Receipt.objects.count() == 150
    assert reports.MOST_SOFT == 3


def bounce(message: Message) -> Report:
    return Report(
        kind=ReportKind.BOUNCED, key=f"b{message.pk}", at=clock.now(), token=message.token
    )


def test_far_more_closed_addresses_than_usual_hold_the_channel_until_a_person_has_looked(
    settings: Any, tmp_path: Path
) -> None:
    settings.PUSULA_HOME = tmp_path
    people = profiles(1_200)
    in_line(people)
    at = clock.now()
    Message.objects.update(state=machine.SENT, gated_at=at, settled_at=at)
    bad = list(Message.objects.order_by("pk")[:60])
    reports.apply(map(bounce, bad[:59]), channel="email", at=at)
    assert not Hold.objects.exists()
    reports.apply(map(bounce, bad[59:]), channel="email", at=at + 2 * clock.HOUR)
    assert not Hold.objects.exists()
    reports.apply(map(bounce, Message.objects.order_by("-pk")[:60]), channel="email", at=at)
    assert Hold.objects.get(origin="channel:email").reason == "spike"
