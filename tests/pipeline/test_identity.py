"""Two profiles become one person: what moves, who asks for it, and what never joins anybody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from tests.pipeline.company import NOW

from pusula.consent.models import Consent
from pusula.events.models import Event
from pusula.lib import clock
from pusula.outbox import machine
from pusula.outbox.models import Content, Message
from pusula.pipeline import appender, identity, live
from pusula.pipeline.appender import Entry
from pusula.pipeline.models import Quarantine
from pusula.profiles import merging
from pusula.profiles.models import Identifier, Merge, Profile, Shelved
from pusula.segments import queries
from pusula.segments.everybody import mirrored
from pusula.segments.models import Due, Membership

pytestmark = pytest.mark.django_db(databases=["default", "log"])
# Rows that name a person by a number that never changes.
NAMED_BY_NUMBER = {
    "web_disclosure", "profiles_merge", "privacy_request", "privacy_export", "privacy_erasure",
}  # fmt: skip


class Log:
    """Tells the log one thing after the other, each a step later."""

    def __init__(self) -> None:
        self.n = 0
        self.moment = NOW

    def tell(self, kind: str, body: dict[str, Any], source: str = "pms") -> None:
        self.append(kind, body, source)
        self.step()

    def append(self, kind: str, body: dict[str, Any], source: str = "pms") -> None:
        self.n += 1
        appender.append([Entry(kind, source, f"{source}:{self.n}", json.dumps(body), self.moment)])

    def step(self) -> live.Stepped:
        self.moment += clock.MINUTE
        return live.step(at=self.moment)

    def searched(self, **who: Any) -> None:
        self.tell("event", {"name": "Hotel Searched", **who})


@pytest.fixture
def log(company) -> Log:
    return Log()


def holder(value: str) -> int:
    return Identifier.objects.get(value=value).profile_id


def n_events(profile_id: int) -> int:
    return Event.objects.filter(profile_id=profile_id).count()


@pytest.fixture
def couple(log) -> tuple[int, int]:
    """Return two people of whom each has searched once."""
    log.searched(key="1")
    log.searched(key="2")
    return holder("pms:1"), holder("pms:2")


def test_a_merged_person_has_done_what_both_did_and_is_a_member_by_it(log, couple, company):
    winner, loser = couple
    assert company("searched") == []
    identity.merge(winner, loser, actor="ayse", evidence={"national_id": True})
    log.step()
    assert company("searched") == [winner]
    assert n_events(winner) == 2
    assert list(Profile.objects.values_list("pk", flat=True)) == [winner]
    [merge] = Merge.objects.all()
    assert (merge.loser_id, merge.winner_id, merge.actor, merge.reason) == (
        loser, winner, "ayse", "manual",
    )  # fmt: skip
    assert merge.merged_at == log.moment

    identity.unmerge(merge.pk, actor="ali", reason="not the same")
    log.step()
    assert company("searched") == []
    assert (n_events(winner), n_events(loser)) == (1, 1)
    merge.refresh_from_db()
    assert (merge.undone_by, merge.undone_at) == ("ali", log.moment)


def test_who_is_merged_leaves_every_segment_and_everybody_hears_of_it(log, couple, company):
    winner, loser = couple
    log.searched(key="2")
    assert company("searched") == [loser]
    identity.merge(winner, loser)
    log.step()
    assert company("searched") == [winner]
    moves = [(move.profile_id, move.is_entry, move.cause) for move in queries.moves_since(0)]
    assert moves == [(loser, True, "live"), (loser, False, "merge"), (winner, True, "live")]
    assert not Due.objects.filter(profile_id=loser).exists()


def test_what_comes_later_through_the_number_of_the_merged_goes_back_with_them(log, couple):
    winner, loser = couple
    identity.merge(winner, loser)
    log.step()
    log.searched(key="2")
    log.tell("event", {"name": "Hotel Searched", "profile": loser})
    log.searched(key="1")
    assert n_events(winner) == 5
    identity.unmerge(Merge.objects.get().pk)
    log.step()
    assert (n_events(winner), n_events(loser)) == (2, 3)


def test_a_merge_and_what_speaks_of_both_may_stand_in_one_step(log, couple):
    winner, loser = couple
    log.append("event", {"name": "Hotel Searched", "key": "2"})
    log.append("merge", {"key": "1", "gone_key": "2"})
    log.append("event", {"name": "Hotel Searched", "key": "2"})
    log.append("unmerge", {"profile": loser})
    log.append("event", {"name": "Hotel Searched", "key": "2"})
    log.append("merge", {"key": "1", "gone_key": "2"})
    assert log.step().n_quarantined == 0
    assert n_events(winner) == 5
    assert Merge.objects.count() == 2


def test_a_merge_told_by_a_source_may_name_people_nobody_knows_yet(log):
    log.tell("merge", {"key": "7", "gone_key": "8"})
    [merge] = Merge.objects.all()
    assert holder("pms:7") == holder("pms:8") == merge.winner_id
    assert (merge.actor, merge.reason) == ("pms", "source")
    log.tell("merge", {"key": "8", "gone_key": "7"})
    assert Merge.objects.count() == 1, "they are one already"


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("merge", {"profile": 1, "gone_profile": 999_999}, "no 999999"),
        ("merge", {"key": "1"}, "gone_profile, gone_key"),
        ("merge", {"key": "1", "email": "a@x.tr", "gone_key": "2"}, "email, phone"),
        ("unmerge", {"key": "1"}, "number of the profile"),
        ("unmerge", {"profile": 1}, "never merged"),
    ],
)
def test_a_merge_that_cannot_be_is_put_aside_with_its_reason(log, kind, body, reason):
    log.searched(key="1")
    first = holder("pms:1")
    log.tell(kind, {**body, **({"profile": first} if body.get("profile") == 1 else {})})
    [aside] = Quarantine.objects.all()
    assert reason in str(aside.why)


def test_an_unmerge_that_is_asked_for_twice_is_done_once(log, couple):
    winner, loser = couple
    identity.merge(winner, loser)
    log.step()
    [merge] = Merge.objects.all()
    identity.unmerge(merge.pk)
    identity.unmerge(merge.pk)
    log.step()
    with pytest.raises(identity.UnknownMergeError):
        identity.unmerge(merge.pk)
    assert Profile.objects.filter(pk__in=couple).count() == 2


def test_who_was_parted_may_be_merged_and_parted_again(log, couple):
    for _time in range(3):
        identity.merge(*couple)
        log.step()
        assert Profile.objects.filter(pk__in=couple).count() == 1
        identity.unmerge(Merge.objects.get(undone_at=None).pk)
        log.step()
        assert Profile.objects.filter(pk__in=couple).count() == 2
    assert Merge.objects.count() == 3


def test_a_step_that_dies_within_a_merge_leaves_no_trace_and_is_done_again(
    log, couple, monkeypatch
):
    winner, loser = couple
    identity.merge(winner, loser)
    monkeypatch.setattr(merging, "close", die)
    with pytest.raises(KeyboardInterrupt):
        log.step()
    assert (n_events(winner), n_events(loser)) == (1, 1)
    assert Shelved.objects.count() == Merge.objects.count() == 0
    monkeypatch.undo()
    log.step()
    assert n_events(winner) == 2


def die(*_args: object, **_more: object) -> None:
    raise KeyboardInterrupt


def test_no_refusal_is_lost_in_a_merge(log):
    for key, status in (("1", "granted"), ("2", "refused")):
        log.tell("consent", {"key": key, "channel": "email", "purpose": "marketing",
                             "status": status})  # fmt: skip
    identity.merge(holder("pms:1"), holder("pms:2"))
    log.step()
    assert [one.status for one in Consent.objects.all()] == ["refused"]
    log.tell("consent", {"key": "1", "channel": "email", "purpose": "marketing",
                         "status": "granted"})  # fmt: skip
    assert Consent.objects.get().status == "refused", "nothing shows that they changed their mind"
    log.tell("consent", {"key": "1", "channel": "email", "purpose": "marketing",
                         "status": "granted", "evidence": "form 9"})  # fmt: skip
    assert Consent.objects.get().status == "granted"
    identity.unmerge(Merge.objects.get().pk)
    log.step()
    status = dict(Consent.objects.values_list("profile_id", "status"))
    assert status == {holder("pms:1"): "granted", holder("pms:2"): "refused"}


def test_one_person_gets_one_message_of_a_mailing(log, couple):
    winner, loser = couple
    content = Content.objects.create(
        channel="email", sender="a@x.tr", subject="s", text="t", html="h", created_at=1
    )
    for number, profile_id in enumerate([loser, winner, winner]):
        Message.objects.create(
            dedupe_key=f"m{number}", origin=f"campaign:{number // 2}", profile_id=profile_id,
            content=content, channel="email", purpose="marketing", address=f"{number}@x.tr",
            token=f"t{number}", due_at=1, not_after_at=9, created_at=1,
        )  # fmt: skip
    identity.merge(winner, loser)
    log.step()
    found = list(Message.objects.order_by("pk").values_list("profile_id", "state", "reason"))
    assert found == [
        (winner, machine.PENDING, ""),
        (winner, machine.SKIPPED, "merged"),
        (winner, machine.PENDING, ""),
    ]


def test_a_merge_takes_nobody_the_word_about_another_booking(log, couple):
    winner, loser = couple
    content = Content.objects.create(
        channel="email", sender="a@x.tr", subject="s", text="t", html="h", created_at=1
    )
    told = (  # whose, which booking, what became of it
        (winner, 1, machine.SENT),
        (winner, 2, machine.PENDING),  # their next booking
        (loser, 3, machine.PENDING),
        (winner, None, machine.SENT),
        (winner, None, machine.PENDING),  # entered again
        (loser, 2, machine.PENDING),  # the same booking, told twice
    )
    for number, (profile_id, order_id, state) in enumerate(told):
        Message.objects.create(
            dedupe_key=f"m{number}", origin="journey:1", step="hello", profile_id=profile_id,
            order_id=order_id, content=content, channel="email", purpose="service",
            is_commercial=False, address=f"{profile_id}@x.tr", token=f"t{number}", state=state,
            due_at=1, not_after_at=9, created_at=1,
        )  # fmt: skip
    identity.merge(winner, loser)
    log.step()
    found = list(Message.objects.order_by("pk").values_list("state", flat=True))
    assert found == [*(state for _who, _order, state in told[:-1]), machine.SKIPPED]


def owned_tables() -> set[str]:
    """Return every table that speaks of a person by the number of the profile."""
    found = set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            is_key = isinstance(field, models.ForeignKey) and field.related_model is Profile
            if is_key or field.column == "profile_id":
                found.add(model._meta.db_table)
    return found - NAMED_BY_NUMBER


def test_a_merge_and_its_undoing_reach_every_table_that_speaks_of_a_person(log, couple):
    winner, loser = couple
    identity.merge(winner, loser)
    with CaptureQueriesContext(connection) as asked:
        log.step()
    assert owned_tables() - written(asked) == set()
    identity.unmerge(Merge.objects.get().pk)
    # Worked out anew by the evaluation of both.
    derived = {"segments_due", "rfm_rfmdue", "predict_lifedue"}
    with CaptureQueriesContext(connection) as asked:
        log.step()
    assert owned_tables() - derived - written(asked) == set()


def written(asked: CaptureQueriesContext) -> set[str]:
    """Return the tables whose rows of a profile were moved, or read to be moved or removed."""
    found = set()
    for query in asked:
        words = query["sql"].replace('"', "").lower().split()
        if words[0] == "update":
            found.add(words[1])
        elif words[0] == "delete" or (words[0] == "select" and "origin_id," in words):
            found.add(words[words.index("from") + 1])
    return found


def test_a_merge_shows_in_the_marks_by_which_a_copy_knows_that_it_is_behind(log, couple):
    first, last = min(couple), max(couple)
    spec = mirrored.NOTHING.__class__(
        orders=("status",), items=("name",), event_names=("*",), event_texts=(),
        event_numbers=(), traits=("city",), consents=True, created=True,
    )  # fmt: skip
    before = mirrored.marks(first, last, spec)
    identity.merge(*couple)
    log.step()
    after = mirrored.marks(first, last, spec)
    assert {name for name in before if before[name] != after[name]} >= {"events", "created"}


def test_whom_a_merge_takes_had_the_flips_that_were_due_before(log, company):
    for key in ("1", "2"):
        log.tell("order", {"key": key, "source_id": key, "status": "completed",
                           "ordered_at": NOW - 29 * clock.DAY, "net_minor": 100})  # fmt: skip
    winner, loser = holder("pms:1"), holder("pms:2")
    due_at = Due.objects.get(profile_id=loser).due_at
    identity.merge(winner, loser)
    live.step(at=NOW + 5 * clock.DAY, limit=1)
    entered = Membership.objects.filter(segment__key="idle").values_list(
        "origin_id", "entered_at", "left_at"
    )
    assert set(entered) == {
        (loser, due_at, NOW + 5 * clock.DAY), (None, due_at, None),
    }  # fmt: skip


def test_no_rule_makes_one_again_of_whom_somebody_parted(log):
    name = {"first_name": "Ayşe", "last_name": "Yılmaz"}
    for key in ("1", "2"):
        log.tell("trait", {"key": key, **name})
    for key in ("1", "2"):
        log.tell("trait", {"key": key, **name, "national_id": "a" * 64})
    [merge] = Merge.objects.all()
    assert merge.reason == "rule"
    assert holder("pms:1") == holder("pms:2")
    identity.unmerge(merge.pk)
    log.step()
    for key in ("1", "2"):
        log.tell("trait", {"key": key, **name, "national_id": "a" * 64})
    assert Merge.objects.count() == 1
    assert holder("pms:1") != holder("pms:2")


def test_a_visitor_who_was_parted_from_a_person_stays_apart_and_the_device_passes_on(log):
    def visits(**who: str) -> None:
        message = {"type": "page", "trusted": False, "message": {"name": "Home", **who}}
        log.tell("message", message, source="web")

    visits(userId="1")
    guest = holder("web:1")
    visits(anonymousId="d1")
    visitor = holder("web:d1")
    visits(userId="1", anonymousId="d1")
    [merge] = Merge.objects.all()
    assert (merge.winner_id, merge.loser_id) == (guest, visitor)
    identity.unmerge(merge.pk)
    log.step()
    assert holder("web:d1") == visitor
    visits(userId="1", anonymousId="d1")
    assert Merge.objects.count() == 1
    assert n_events(visitor) >= 1
    assert holder("web:d1") == guest
