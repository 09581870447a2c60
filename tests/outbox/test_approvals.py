"""WhatsApp templates that Meta pauses, rejects or reclassifies: what uses them waits."""

from __future__ import annotations

import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from tests.outbox.asking import limits
from tests.outbox.test_posting import Scripted, guests, phone, post

from pusula.channels.whatsapp.approvals import changes
from pusula.lib import clock
from pusula.outbox import actions, approvals, machine, policies
from pusula.outbox.models import Approval, Message
from pusula.outbox.reasons import Reason

pytestmark = pytest.mark.django_db(transaction=True)
NAME, LANGUAGE, SECRET = "bahar_daveti", "tr", "door-key-4711"
ACCOUNT = "102290129340398"
FIELDS = {
    "event": "message_template_status_update",
    "new_category": "template_category_update",
    "new_quality_score": "message_template_quality_update",
}


def told(at_s: int = 0, *, name: str = NAME, of: str = ACCOUNT, **value: object) -> bytes:
    """Return what Meta posts of a template."""
    field = next(FIELDS[key] for key in FIELDS if key in value)
    whole = {"message_template_name": name, "message_template_language": LANGUAGE, **value}
    change = {"field": field, "value": whole}
    return json.dumps({"entry": [{"id": of, "time": at_s, "changes": [change]}]}).encode()


def hear(at_s: int = 0, **value: object) -> int:
    return approvals.apply(changes(told(at_s, **value), account_id=ACCOUNT), at=clock.now())


def in_line(n: int = 1, *, is_commercial: bool = True) -> None:
    people = guests(n, "whatsapp")
    now = clock.now()
    frozen = actions.freeze(
        channel="whatsapp", sender="", subject="", text="", html="",
        details={"template": NAME, "language": LANGUAGE, "body": ["{{ profile.last_name }}"]},
    )  # fmt: skip
    actions.reserve(
        actions.Draft(
            dedupe_key=f"campaign:1:{person.pk}", origin="campaign:1", profile_id=person.pk,
            content_id=frozen.pk, channel="whatsapp", purpose="marketing", address=phone(i),
            due_at=now, not_after_at=now + clock.DAY, is_commercial=is_commercial,
        )
        for i, person in enumerate(people)
    )  # fmt: skip


def sent(tmp_path: Path) -> int:
    provider = Scripted(channel="whatsapp")
    post(provider, tmp_path)
    return len(provider.taken)


@pytest.mark.parametrize("event", ["PAUSED", "REJECTED", "DISABLED", "PENDING_DELETION"])
def test_what_uses_a_template_that_whatsapp_blocks_waits_with_the_reason(tmp_path, event):
    in_line(2)
    hear(event=event, reason="NONE", other_info={"description": "low quality"})
    assert sent(tmp_path) == 0
    for message in Message.objects.all():
        assert (message.state, message.reason) == (machine.PENDING, Reason.TEMPLATE)
        assert message.detail == f"{NAME} (tr): {event} low quality"
        assert message.due_at > clock.now()


def test_when_it_is_allowed_again_what_waited_leaves_at_once(tmp_path):
    in_line()
    hear(event="PAUSED")
    sent(tmp_path)
    assert hear(event="APPROVED") == 1
    assert sent(tmp_path) == 1
    assert Message.objects.get().reason == ""


def test_what_waits_for_the_morning_too_does_not_leave_at_night(tmp_path):
    in_line()
    hear(event="PAUSED")
    sent(tmp_path)
    now = clock.now()
    local = clock.to_datetime(now, "Europe/Istanbul")
    limits(f"quiet: [{{from: '{local:%H:%M}', to: '{local + timedelta(hours=2):%H:%M}'}}]")
    number = policies.current().number
    # As it stands once the night has put it off.
    Message.objects.update(
        due_at=now + 2 * clock.HOUR, open_until_at=now + 24 * clock.HOUR, policy=number
    )
    hear(event="APPROVED")
    assert sent(tmp_path) == 0
    assert Message.objects.get().due_at > now + clock.HOUR


def test_waiting_for_a_template_is_no_try_after_which_the_next_wait_is_longer(tmp_path):
    in_line()
    hear(event="PAUSED")
    for _ in range(3):
        sent(tmp_path)
        Message.objects.update(due_at=clock.now())
    assert Message.objects.get().n_attempts == 0


def test_a_message_that_only_informs_does_not_leave_with_a_template_called_marketing(tmp_path):
    in_line(is_commercial=False)
    hear(new_category="MARKETING", previous_category="UTILITY")
    assert sent(tmp_path) == 0
    hear(new_category="UTILITY")
    assert sent(tmp_path) == 1


def test_marketing_with_a_consent_leaves_with_a_template_called_marketing(tmp_path):
    in_line()
    hear(new_category="MARKETING")
    assert sent(tmp_path) == 1


def test_another_template_holds_nobody(tmp_path):
    in_line()
    hear(event="PAUSED", name="another")
    assert sent(tmp_path) == 1


def test_what_comes_late_or_twice_changes_nothing():
    assert hear(1_790_000_200, event="APPROVED") == 1
    assert hear(1_790_000_200, event="APPROVED") == 0
    assert hear(1_790_000_100, event="PAUSED") == 0
    assert hear(1_790_000_100, new_quality_score="RED") == 1, "quality is another matter"
    held = Approval.objects.get()
    assert (held.status, held.quality) == ("APPROVED", "RED")


@pytest.mark.parametrize("account_id", ["", "999"])
def test_news_of_templates_that_are_not_ours_changes_nothing(account_id):
    for body in (told(event="PAUSED"), told(event="PAUSED", of="")):
        assert changes(body, account_id=account_id) == []


def test_an_announced_category_is_kept_beside_the_one_that_holds():
    hear(new_category="UTILITY", correct_category="MARKETING", category_update_timestamp=9)
    held = Approval.objects.get()
    assert (held.category, held.next_category) == ("UTILITY", "MARKETING")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"entry": 1}', b'{"entry": [{"changes": [{"field": "messages"}]}]}',
        told(event=None), told(event={"a": []}, name=""),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out(body):
    assert changes(body, account_id=ACCOUNT) == []


def test_only_what_meta_has_signed_of_our_account_is_believed(settings: Any, tmp_path: Path):
    settings.PUSULA_HOME = tmp_path
    settings.PUSULA_CHANNELS = {"whatsapp": {"number_id": "1055", "account_id": ACCOUNT}}
    folder = tmp_path / "secrets" / "whatsapp"
    folder.mkdir(parents=True)
    (folder / "app_secret").write_text(SECRET)

    def tell(body: bytes, signature: str = "") -> int:
        good = "sha256=" + hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        return Client().post(
            "/hooks/reports/whatsapp/whatsapp", body, content_type="application/json",
            headers={
                "X-Hub-Signature-256": signature or good, "Content-Length": str(len(body)),
            },
        ).status_code  # fmt: skip

    assert tell(told(event="PAUSED"), "sha256=0") == 403
    assert tell(told(event="PAUSED", of="another")) == 200, "the app serves others too"
    assert not Approval.objects.exists()
    assert tell(told(event="PAUSED")) == 200
    assert Approval.objects.get().status == "PAUSED"
