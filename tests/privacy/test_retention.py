"""How long data is kept: each kind by its own days, shown before it goes, and never the unread."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner

from pusula.events.models import Event
from pusula.lib import clock
from pusula.ops.privacy import privacy
from pusula.pipeline import live
from pusula.pipeline.appender import Entry, append
from pusula.pipeline.models import LogEntry
from pusula.privacy import audit, export, retention, upkeep
from pusula.privacy.models import AuditEntry, RetentionRun
from pusula.privacy.verify import verify
from pusula.segments import queries as segments

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])


def test_what_is_too_old_is_told_and_then_deleted(elif_, stays, home, monkeypatch):
    (home / "imports").mkdir()
    (home / "imports" / "1-rejected.csv").write_text("x")
    (home / "imports" / "2-rejected.csv").write_text("x")
    os.utime(home / "imports" / "1-rejected.csv", (1, 1))
    live.step()
    append([Entry("event", "pms", "pms:young", json.dumps({"key": "10027", "name": "A"}))])
    LogEntry.objects.filter(message_id="pms:10027:e").update(recorded_at=1)
    retention.set_days("events", 20_000, actor="deniz")
    Event.objects.filter(profile=elif_).update(at=1)
    due = retention.due(clock.now())
    assert (due["log"], due["imports"], due["events"]) == (1, 1, 1)
    counts = retention.run(actor="deniz")
    assert (counts["log"], counts["imports"], counts["events"]) == (1, 1, 1)
    assert [path.name for path in (home / "imports").glob("*.csv")] == ["2-rejected.csv"]
    assert segments.debts()  # segments that counted those events follow with the next run
    assert RetentionRun.objects.get().counts == counts
    assert not any(retention.due(clock.now()).values())


def test_what_nobody_has_read_stays_however_old_it_is(elif_):
    LogEntry.objects.update(recorded_at=1)
    assert retention.due(clock.now())["log"] == 0
    assert retention.run(actor="deniz")["log"] == 0


def test_the_audit_log_is_kept_for_three_years_at_least(monkeypatch):
    with pytest.raises(retention.RetentionError):
        retention.set_days("audit", 365, actor="deniz")
    audit.record("deniz", "user.signed_in")
    later = clock.now() + 2_000 * clock.DAY
    monkeypatch.setattr(clock, "now", lambda: later)
    retention.set_days("audit", 1_200, actor="deniz")
    assert retention.run(actor="deniz")["audit"] == 1
    assert verify().broken is None
    assert not AuditEntry.objects.filter(pk=1).exists()


def test_a_night_removes_expired_exports_and_signs_the_log(elif_, home, monkeypatch):
    made = export.make(elif_.pk, actor="deniz", reason="request")
    path = home / "exports" / made.file_name
    assert path.is_file()
    later = clock.now() + 2 * clock.DAY
    monkeypatch.setattr(clock, "now", lambda: later)
    upkeep.tend()
    assert not path.exists()
    made.refresh_from_db()
    assert made.removed_at == later
    assert verify().n_seals >= 1


def test_the_command_shows_days_and_what_would_go(elif_):
    run = CliRunner().invoke
    assert "365 days" in run(privacy, ["retention", "show"]).output
    assert "90 days" in run(privacy, ["retention", "set", "log", "90"]).output
    assert run(privacy, ["retention", "set", "log", "nonsense"]).exit_code != 0
    assert "log" in run(privacy, ["retention", "run", "--dry-run"]).output
    assert RetentionRun.objects.count() == 0


def test_a_request_is_registered_and_settled_by_command(elif_):
    run = CliRunner().invoke
    said = run(privacy, ["request", "access", str(elif_.pk), "--proof", "kep"]).output
    number = said.split()[2].rstrip(";")
    assert said.startswith("Request number")
    assert "Access" in run(privacy, ["status"]).output
    assert run(privacy, ["settle", number, "refused"]).exit_code != 0
    assert "settled" in run(privacy, ["settle", number, "answered", "--answer", "sent"]).output
