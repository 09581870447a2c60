"""Journeys on the command line: files in and out, who is where, and why somebody is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from django.utils import translation
from tests.journeys.scene import document, mail, profile_of, publish, say, step, templates, wait

from pusula.journeys import actions
from pusula.journeys.models import Enrollment, Journey, JourneyVersion
from pusula.ops.journeys import journeys
from pusula.outbox.models import Message

pytestmark = pytest.mark.django_db(databases=["default", "log"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    templates()
    steps = [wait("pause", "1 hour"), mail()]
    entry = [{"event": {"name": "Hotel Searched"}}, {"api": True}]
    text = yaml.safe_dump(document(steps=steps, entry=entry), allow_unicode=True)
    (tmp_path / "hello.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def run(*arguments: Any) -> str:
    with translation.override("en"):
        result = CliRunner().invoke(journeys, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def test_files_are_planned_applied_and_written_back(folder, tmp_path):
    assert "+ Wait 1 hour." in run("plan", folder)
    assert not Journey.objects.exists()
    assert "version 1 published" in run("apply", folder)
    assert "unchanged" in run("apply", folder)
    assert "unchanged" in run("plan", folder)
    run("export", tmp_path / "out")
    written = yaml.safe_load((tmp_path / "out" / "hello.yaml").read_text(encoding="utf-8"))
    assert written == JourneyVersion.objects.get().definition
    assert json.loads(run("schema"))["title"] == "A journey of Pusula"


def test_a_draft_is_published_once_and_no_other_name(folder):
    run("packs", "add", "abandoned-booking", "--flavour", "hotel", "--language", "tr")
    assert Journey.objects.get().state == "draft"
    assert "version 1 published" in run("publish", Journey.objects.get().key)
    assert Journey.objects.get().state == "live"
    assert "unchanged" in run("publish", Journey.objects.get().key)
    assert CliRunner().invoke(journeys, ["publish", "gone"]).exit_code == 2


def test_somebody_is_traced_and_the_journey_paused_resumed_and_archived(folder):
    run("apply", folder)
    at = (Journey.objects.get().since_at or 0) + 10
    say("elif@example.com", at=at)
    step(at + 1)
    elif_ = profile_of("elif@example.com")
    assert "waits at the step “Wait 1 hour”" in run("why-not", "hello", elif_)
    assert "·: Came in (when “Searched for a hotel” happens)" in run("trace", elif_)
    run("pause", "hello")
    assert json.loads(run("list", "--json"))[0]["state"] == "paused"
    run("resume", "hello")
    assert "Came in." not in run("enroll", "hello", elif_)  # still in
    assert "1 people left" in run("archive", "hello")
    assert Enrollment.objects.get().outcome == "archived"
    assert "hello" in run("list")


def test_the_list_shows_whole_keys():
    for key in ("abandoned-booking-again", "pre-arrival-upsell"):
        publish(key, title={"tr": "Varış öncesi ek satış", "en": "Pre-arrival upsell of rooms"})
    assert "  abandoned-booking-again  " in run("list")


def test_a_trace_says_steps_results_and_messages_in_words(folder):
    draws = {
        "id": "draw",
        "split": [{"name": "a", "share": "50 %"}, {"name": "b", "share": "50 %"}],
    }
    actions.add_codes("welcome", ["A1"])
    jump = {"id": "jump", "continue": "mail"}
    ways = [{"when": {"orders": {"count": {"at_least": 3}}}, "steps": [wait("w", "1 hour")]}]
    fork = {"id": "fork", "branch": {"ways": ways, "else": [jump]}}
    steps = [{"id": "code", "coupon": {"pool": "welcome"}}, draws, fork, mail()]
    publish("gift", steps=steps, entry=[{"event": {"name": "Hotel Searched"}}])
    at = (Journey.objects.get().since_at or 0) + 10
    say("elif@example.com", at=at)
    step(at + 1)
    told = run("trace", profile_of("elif@example.com"))
    assert "gift v1: Came to the end" in told
    assert "(code): Code reserved" in told
    assert "(draw): Variant " in told
    assert "Continue with this step: Merhaba (jump): Continued further down" in told
    assert "Merhaba (mail): Asked for → Waiting\n" in told
    Message.objects.update(state="skipped", reason="no_consent")
    told = run("trace", profile_of("elif@example.com"))
    assert "Merhaba (mail): Asked for → Not sent: No consent for this channel" in told
    Journey.objects.update(version=None)
    JourneyVersion.objects.update(definition={})
    assert "mail: Asked for → Not sent" in run("trace", profile_of("elif@example.com"))
