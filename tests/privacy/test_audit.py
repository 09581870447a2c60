"""The audit log: one chain, in the caller's transaction, and what happens when it is tampered."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.db import connection, transaction
from django.utils import translation

import pusula
from pusula.lib import clock
from pusula.ops.audit import audit as command
from pusula.privacy import audit, seals
from pusula.privacy.models import AuditEntry, AuditHead
from pusula.privacy.sentences import SENTENCES, sentence
from pusula.privacy.verify import verify

DAY = clock.DAY
AT = 1_780_000_000_000_000

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture(autouse=True)
def home(settings, tmp_path: Path) -> Path:
    settings.PUSULA_HOME = tmp_path
    return tmp_path


def three(monkeypatch) -> None:
    for n, verb in enumerate(("user.signed_in", "segment.archived", "campaign.started")):
        monkeypatch.setattr(clock, "now", lambda n=n: AT + n * DAY)
        audit.record("ayşe", verb, "segment:vip", n=n)


def broken() -> tuple[int, str] | None:
    found = verify().broken
    return (found.n, found.why) if found else None


def test_an_untouched_log_is_whole_and_counts_its_entries(monkeypatch):
    three(monkeypatch)
    found = verify()
    assert (found.n_entries, found.broken) == (3, None)
    assert list(AuditEntry.objects.order_by("id").values_list("id", flat=True)) == [1, 2, 3]


def test_an_empty_log_is_whole():
    assert verify().broken is None


@pytest.mark.parametrize(
    "change",
    [{"actor": "mehmet"}, {"detail": '{"n":9}'}, {"at": AT + 5}, {"verb": "x"}, {"object": "y"}],
)
def test_an_edited_entry_is_named(monkeypatch, change):
    three(monkeypatch)
    AuditEntry.objects.filter(pk=2).update(**change)
    assert broken()[0] == 2


def test_an_edited_entry_with_its_digest_made_anew_breaks_the_next(monkeypatch):
    three(monkeypatch)
    first, second = AuditEntry.objects.order_by("id")[:2]
    second.actor = "mehmet"
    second.digest = audit.digest(second, first.digest)
    second.save(update_fields=["actor", "digest"])
    assert broken()[0] == 3


def test_a_removed_entry_is_named(monkeypatch):
    three(monkeypatch)
    AuditEntry.objects.filter(pk=2).delete()
    assert broken() == (2, "entries 2 to 2 are missing")


def test_entries_that_changed_places_are_found(monkeypatch):
    three(monkeypatch)
    AuditEntry.objects.filter(pk=2).update(id=99)
    AuditEntry.objects.filter(pk=3).update(id=2)
    AuditEntry.objects.filter(pk=99).update(id=3)
    assert broken()[0] == 2


def test_a_log_cut_off_at_its_end_is_found_by_its_head(monkeypatch):
    three(monkeypatch)
    AuditEntry.objects.filter(pk=3).delete()
    assert broken()[0] == 3


def test_a_log_cut_off_together_with_its_head_is_found_by_the_signed_heads(monkeypatch):
    three(monkeypatch)
    last = AuditEntry.objects.get(pk=3)
    seals.seal(3, last.digest, last.at)
    AuditEntry.objects.filter(pk=3).delete()
    AuditHead.objects.update(n=2, digest=AuditEntry.objects.get(pk=2).digest)
    assert broken() == (3, "entries 3 to 3 are missing")


def test_a_log_written_anew_contradicts_its_signed_head(monkeypatch):
    three(monkeypatch)
    last = AuditEntry.objects.get(pk=3)
    seals.seal(3, last.digest, last.at)
    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()
    three(monkeypatch)
    for entry in AuditEntry.objects.filter(pk=1):
        entry.actor = "mehmet"
        before = audit.START
        for each in [entry, *AuditEntry.objects.filter(pk__gt=1).order_by("id")]:
            each.digest = before = audit.digest(each, before)
            each.save(update_fields=["actor", "digest"])
    AuditHead.objects.update(digest=before)
    assert broken()[0] == 3
    assert "signed on 2026-05-30" in broken()[1]


def test_a_head_signed_by_somebody_else_is_found(monkeypatch, settings):
    three(monkeypatch)
    last = AuditEntry.objects.get(pk=3)
    seals.seal(3, last.digest, last.at)
    settings.SECRET_KEY = "another"
    assert "signature" in broken()[1]


@pytest.mark.django_db(transaction=True)
def test_the_end_is_signed_once_a_day_when_the_transaction_is_committed(monkeypatch, home):
    three(monkeypatch)
    audit.record("ayşe", "user.signed_in")
    assert [seal.n for seal in seals.seals()] == [1, 2, 3]
    assert (home / "audit" / "heads").stat().st_mode & 0o777 == 0o600
    assert verify().broken is None


def test_what_is_rolled_back_was_never_recorded():
    with transaction.atomic():
        audit.record("ayşe", "user.signed_in")
        transaction.set_rollback(True)
    audit.record("ayşe", "user.signed_in")
    assert AuditEntry.objects.get().pk == 1
    assert verify().broken is None


def test_forgetting_by_age_keeps_the_rest_checkable(monkeypatch):
    three(monkeypatch)
    assert audit.forget(AT + 2 * DAY) == 2
    found = verify()
    assert (found.n_entries, found.broken) == (2, None)
    assert audit.forget(AT + 2 * DAY) == 0


def test_a_beginning_taken_away_by_hand_is_found(monkeypatch):
    three(monkeypatch)
    second = AuditEntry.objects.get(pk=2)
    AuditEntry.objects.filter(pk__lte=2).delete()
    AuditHead.objects.update(kept_after=2, kept_after_digest=second.digest)
    assert broken()[0] == 3


def test_addresses_and_phone_numbers_never_enter_it():
    audit.record(
        "ayşe", "import.done", "file:ali@ev.example", names=["+905321234541", {"a": "05321234541"}]
    )
    entry = AuditEntry.objects.get()
    assert "ev.example" not in entry.object
    assert "532" not in entry.detail


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_moment_make_one_chain():
    if connection.vendor == "sqlite":
        pytest.skip("the tests' SQLite lives in memory and takes one writer; it locks as a whole")

    def write(name: str) -> None:
        try:
            for n in range(10):
                audit.record(name, "list.put", "list:a", n=n)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=[f"w{n}"]) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (verify().n_entries, verify().broken) == (40, None)


def test_each_verb_is_a_sentence_in_both_languages():
    for verb in SENTENCES:
        entry = AuditEntry(actor="ayşe", verb=verb, object="segment:vip", detail="{}")
        for language in ("en", "tr"):
            with translation.override(language):
                assert "%(" not in sentence(entry)


def test_each_verb_that_is_written_has_its_sentence():
    written = set()
    for file in Path(pusula.__file__).parent.rglob("*.py"):
        told = file.read_text(encoding="utf-8")
        written |= set(re.findall(r'record\([^"]*"([a-z_]+\.[a-z_]+)"', told))
    assert len(written) > 90
    assert written - set(SENTENCES) == set()


def test_a_sentence_names_who_what_and_how_many():
    audit.record("cli:root", "campaign.started", "campaign:bodrum", n=412)
    with translation.override("en"):
        said = sentence(AuditEntry.objects.get())
    assert said == "root on the command line started the campaign bodrum for 412 people."


def test_counts_in_a_sentence_are_grouped_as_the_language_does():
    audit.record("deniz", "import.done", "import:4", new=337_624, changed=0)
    with translation.override("tr"):
        assert "337.624" in sentence(AuditEntry.objects.get())


def test_the_command_names_the_first_broken_entry(monkeypatch):
    three(monkeypatch)
    assert "3 entries" in CliRunner().invoke(command, ["verify"]).output
    AuditEntry.objects.filter(pk=2).update(actor="mehmet")
    result = CliRunner().invoke(command, ["verify"])
    assert result.exit_code == 1
    assert "Broken at entry 2" in result.output
