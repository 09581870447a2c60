"""Definitions on their way to being shown: who would enter and leave, asked, then done at once."""

import datetime as dt
import threading

import numpy as np
import pytest
from django.db import connection

from pusula.campaigns.audience import trouble_with
from pusula.lib import clock
from pusula.orders.models import Order
from pusula.profiles.models import Profile, Trait
from pusula.segments import actions, evaluate, queries
from pusula.segments.everybody import rebuild
from pusula.segments.language import DefinitionError, SegmentReferenceError
from pusula.segments.models import (
    CutPoint,
    Due,
    Membership,
    Publication,
    Segment,
    SegmentSize,
    SegmentVersion,
)
from pusula.segments.publishing import changeset, preview, publication, takeover
from pusula.segments.publishing.changeset import State

pytestmark = pytest.mark.django_db

NOW = clock.from_datetime(dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC))
TITLE = {"tr": "Deneme", "en": "Trial"}


@pytest.fixture(autouse=True)
def at(monkeypatch):
    """Return a clock that goes on when told to."""

    class Clock:
        now = NOW

    monkeypatch.setattr(clock, "now", lambda: Clock.now)
    return Clock


def guest(name="Elif", orders=0, net=100_00):
    profile = Profile.objects.create(first_name=name, created_at=0, recorded_at=0)
    for number in range(orders):
        order(profile, number, net)
    return profile


def order(profile, number=0, net=100_00, days_ago=40):
    return Order.objects.create(
        profile=profile, source="pms", source_id=f"{profile.pk}-{number}", status="completed",
        ordered_at=NOW - days_ago * clock.DAY + number, status_at=0, currency="TRY",
        gross_minor=net, net_minor=net, gross_base_minor=net, net_base_minor=net,
        recorded_at=NOW,
    )  # fmt: skip


def doc(key="trial", **where):
    return {"segment": key, "title": TITLE, "where": where}


def at_least(n, key="trial", **more):
    return doc(key, orders={"count": {"at_least": n}, **more})


def naming(name, key):
    return doc(key, segment=name)


def compare(*documents, prune=False):
    return changeset.compare([(d["segment"], d) for d in documents], prune=prune)


def take(*documents, prune=False):
    return publication.apply(compare(*documents, prune=prune))


def members(key="trial"):
    return queries.member_ids(Segment.objects.get(key=key)).tolist()


def states(changes):
    return {entry.key: entry.state for entry in changes.entries}


def work():
    """Do all background work."""
    while publication.work_once("worker"):
        pass


# What would change.


def test_a_plan_counts_who_enters_and_leaves_and_changes_nothing():
    once, twice = guest("Elif", 1), guest("Ali", 2)
    guest("Can")
    take(at_least(2))
    changes = compare(at_least(1))
    found = changes.preview(at=NOW).changes["trial"]
    assert (found.n_members, found.n_entering, found.n_leaving) == (2, 1, 0)
    assert found.entering == (once.pk,)
    assert members() == [twice.pk]
    assert SegmentVersion.objects.count() == 1


def test_what_a_plan_counts_is_what_taking_it_over_does():
    for n in range(12):
        guest(str(n), n % 4, net=(n + 1) * 100_00)
    take(at_least(2), naming("trial", "same"))
    top = doc("top", orders={"sum": "net_amount", "is": {"top": "30 %"}})
    changes = compare(at_least(3), top, naming("trial", "same"))
    expected = changes.preview(at=NOW).changes
    moves = publication.apply(changes)
    assert {key: (m.n_entered, m.n_left) for key, m in moves.items()} == {
        key: (c.n_entering, c.n_leaving) for key, c in expected.items()
    }
    assert {key: len(members(key)) for key in expected} == {
        key: c.n_members for key, c in expected.items()
    }
    assert set(expected) == {"trial", "top", "same"}
    outcome = rebuild.everybody(at=NOW)
    assert all(not m.n_entered and not m.n_left for m in outcome.moves.values())


def test_a_limit_that_nobody_has_published_is_measured_for_the_preview_and_published_with_it():
    rich = [guest(str(n), 1, net=(n + 1) * 100_00) for n in range(20)]
    changes = compare(doc("top", orders={"sum": "net_amount", "is": {"top": "10 %"}}))
    assert changes.preview(at=NOW).changes["top"].n_entering == 2
    assert not CutPoint.objects.exists()
    publication.apply(changes)
    assert members("top") == [rich[18].pk, rich[19].pk]
    assert CutPoint.objects.get().n_population == 20


def test_each_segment_says_what_becomes_of_it():
    guest("Elif", 2)
    take(
        at_least(1, "same"), at_least(2, "other"), naming("other", "follower"), at_least(9, "gone")
    )
    changes = compare(
        at_least(1, "same"), at_least(3, "other"), naming("other", "follower"), at_least(1, "fresh")
    )
    assert states(changes) == {
        "same": State.UNCHANGED,
        "other": State.CHANGED,
        "follower": State.FOLLOWING,
        "gone": State.REMOVED,
        "fresh": State.NEW,
    }
    assert set(changes.preview(at=NOW).changes) == {"other", "fresh", "follower"}


def test_what_was_taken_over_for_later_still_waits():
    guest("Elif", 2)
    publication.take_over(compare(at_least(1)))
    changes = compare(at_least(1))
    assert states(changes) == {"trial": State.WAITING}
    publication.apply(changes)
    assert len(members()) == 1
    assert SegmentVersion.objects.count() == 1
    assert compare(at_least(1)).is_empty


def test_a_preview_of_blocks_counts_what_one_block_counts(monkeypatch):
    for n in range(30):
        guest(str(n), n % 3)
    whole = compare(at_least(1)).preview(at=NOW).changes["trial"]
    monkeypatch.setattr(preview, "BLOCK", 7)
    heard = []
    parts = compare(at_least(1)).preview(at=NOW, on_progress=lambda *done: heard.append(done))
    assert parts.changes["trial"].n_members == whole.n_members == 20
    assert heard[-1] == (30, 30)


# Taking over: all or nothing, and only what was looked at.


def test_members_are_shown_at_once():
    elif_ = guest("Elif", 2)
    take(at_least(2))
    segment = Segment.objects.get()
    assert members() == [elif_.pk]
    assert (segment.n_members, segment.evaluated_at) == (1, NOW)
    assert segment.version.published_at == NOW
    assert trouble_with(segment) == ""
    assert SegmentSize.objects.get().n_members == 1


def test_one_bad_definition_stops_all():
    take(at_least(1))
    with pytest.raises(DefinitionError, match=r"bad: where\.orders"):
        compare(at_least(2), doc("bad", orders={"cuont": {"at_least": 1}}))
    with pytest.raises(SegmentReferenceError, match="nobody"):
        take(at_least(2), naming("nobody", "lost"))
    assert SegmentVersion.objects.count() == 1


def test_a_circle_is_refused():
    with pytest.raises(SegmentReferenceError, match="circle"):
        compare(naming("b", "a"), naming("a", "b"))


def test_a_saved_plan_holds_only_while_nobody_changed_the_segments():
    guest("Elif", 2)
    take(at_least(1))
    saved = compare(at_least(2)).saved()
    assert states(changeset.restored(saved)) == {"trial": State.CHANGED}
    take(at_least(3))
    with pytest.raises(changeset.ChangesetOutdatedError):
        changeset.restored(saved)
    with pytest.raises(changeset.ChangesetFileError):
        changeset.restored("{}")


def test_a_change_by_somebody_else_while_everybody_is_evaluated_stops_it():
    guest("Elif", 2)
    mine = compare(at_least(1))
    take(at_least(5))
    with pytest.raises(changeset.ChangesetOutdatedError):
        publication.apply(mine)
    assert members() == []


def test_a_definition_that_cannot_be_evaluated_is_not_shown(monkeypatch):
    trait = Trait.objects.create(
        profile=guest(), name="tier", kind="text", text="Altın", text_fold="altın", source="crm",
        updated_at=0,
    )  # fmt: skip
    changes = compare(doc(trait={"tier": {"is": "ALTIN"}}))
    trait.delete()
    with pytest.raises(takeover.NotPublishableError, match="tier"):
        publication.apply(changes)
    assert not Segment.objects.exists()


def test_a_live_step_meanwhile_has_the_last_word(monkeypatch):
    elif_, ali = guest("Elif", 2), guest("Ali", 2)
    take(at_least(9, "other"))
    changes = compare(at_least(2), at_least(9, "other"))
    plain = takeover.evaluated

    def and_then_an_order_is_deleted(*args, **named):
        found = plain(*args, **named)
        Order.objects.filter(profile=ali).delete()
        evaluate.touched(np.array([ali.pk]), at=NOW + 1, cause="live")
        return found

    monkeypatch.setattr(takeover, "evaluated", and_then_an_order_is_deleted)
    publication.apply(changes)
    assert members() == [elif_.pk]


def test_somebody_who_is_deleted_meanwhile_is_left_out(monkeypatch):
    elif_, ali = guest("Elif", 2), guest("Ali", 2)
    changes = compare(at_least(2))
    plain = takeover.evaluated

    def and_then_somebody_is_deleted(*args, **named):
        found = plain(*args, **named)
        ali.delete()
        return found

    monkeypatch.setattr(takeover, "evaluated", and_then_somebody_is_deleted)
    publication.apply(changes)
    assert members() == [elif_.pk]


def test_profiles_come_back_when_the_new_meaning_can_change():
    elif_ = guest("Elif", 1)
    take(at_least(9))
    rebuild.everybody(at=NOW)
    assert Due.objects.get().due_at is None
    take(at_least(1, within={"last": "60 days"}))
    due_at = Due.objects.get(profile=elif_).due_at
    assert due_at is not None
    assert NOW < due_at <= NOW + 20 * clock.DAY + 1


def test_pruned_segments_are_put_away_and_can_come_back(at):
    elif_ = guest("Elif", 1)
    take(at_least(1), at_least(1, "gone"))
    take(at_least(1), prune=True)
    assert [s.key for s in queries.active()] == ["trial"]
    at.now = NOW + clock.DAY
    actions.unarchive("gone")
    back = Segment.objects.get(key="gone")
    assert "gone" in trouble_with(back)
    rebuild.everybody(at=at.now)
    back.refresh_from_db()
    assert trouble_with(back) == ""
    assert members("gone") == [elif_.pk]


def test_a_segment_that_another_names_is_not_put_away():
    take(at_least(1), naming("trial", "other"))
    with pytest.raises(actions.SegmentInUseError, match="other names the segment trial"):
        actions.archive(["trial"], NOW)
    actions.archive(["trial", "other"], NOW)
    assert not queries.active().exists()


@pytest.mark.django_db(transaction=True)
def test_live_steps_are_not_held_up_while_everybody_is_evaluated(monkeypatch):
    if connection.vendor == "sqlite":
        pytest.skip("the tests' SQLite database in memory is not shared between threads")
    guests = [guest(str(n), 2) for n in range(20)]
    take(at_least(9, "other"))
    changes = compare(at_least(2), at_least(9, "other"))
    plain, stepped = takeover.evaluated, []

    def live_step() -> None:
        try:
            Order.objects.filter(profile=guests[0]).delete()
            evaluate.touched(np.array([guests[0].pk]), at=NOW + 1, cause="live")
            stepped.append(True)
        finally:
            connection.close()

    def beside_a_live_step(*args, **named):
        found = plain(*args, **named)
        thread = threading.Thread(target=live_step)
        thread.start()
        thread.join(30)
        return found

    monkeypatch.setattr(takeover, "evaluated", beside_a_live_step)
    publication.apply(changes)
    assert stepped == [True]
    assert members() == [each.pk for each in guests[1:]]


# A version that somebody makes on a page.


def test_a_proposal_is_previewed_then_confirmed_then_shown():
    once, twice = guest("Elif", 1), guest("Ali", 2)
    take(at_least(2))
    made = publication.propose(at_least(1), by="deniz")
    assert members() == [twice.pk]
    work()
    made.refresh_from_db()
    assert (made.previewed_at, made.n_members, made.n_entering, made.n_leaving) == (NOW, 2, 1, 0)
    assert (made.n_done, made.n_all) == (2, 2)
    assert members() == [twice.pk]
    publication.confirm(made)
    work()
    made.refresh_from_db()
    assert made.finished_at == NOW
    assert members() == [once.pk, twice.pk]
    shown = Segment.objects.get().version
    assert (shown.number, shown.created_by, shown.published_at) == (2, "deniz", NOW)
    assert publication.open_publications() == {}


def test_a_proposal_is_kept_out_of_full_evaluations_and_campaigns():
    guest("Elif", 1)
    publication.propose(at_least(1))
    rebuild.everybody(at=NOW)
    segment = Segment.objects.get()
    assert segment.version is None
    assert "not been evaluated" in trouble_with(segment) or trouble_with(segment)


def test_what_is_shown_stays_ready_for_campaigns_while_a_change_waits_to_be_confirmed():
    guest("Elif", 1)
    take(at_least(1))
    made = publication.propose(at_least(2))
    work()
    segment = Segment.objects.get()
    assert trouble_with(segment) == ""
    publication.confirm(made)
    assert trouble_with(segment) != ""
    work()
    segment.refresh_from_db()
    assert trouble_with(segment) == ""


def test_a_new_proposal_takes_the_place_of_one_that_nobody_confirmed():
    guest("Elif", 1)
    publication.propose(at_least(1))
    publication.propose(at_least(2))
    assert SegmentVersion.objects.count() == 1
    made = Publication.objects.get()
    publication.confirm(made)
    with pytest.raises(publication.PublicationError):
        publication.propose(at_least(3))


def test_a_discarded_proposal_leaves_no_trace():
    made = publication.propose(at_least(1))
    publication.discard(made)
    assert not Segment.objects.exists()
    take(at_least(1))
    publication.discard(publication.propose(at_least(2)))
    assert SegmentVersion.objects.count() == 1
    with pytest.raises(publication.PublicationError):
        publication.discard(made)


def test_a_proposal_that_says_what_is_shown_is_refused():
    take(at_least(1))
    with pytest.raises(publication.PublicationError):
        publication.propose(at_least(1))


def test_a_proposal_with_a_mistake_or_a_circle_is_refused_at_once():
    take(at_least(1), naming("trial", "other"))
    with pytest.raises(DefinitionError):
        publication.propose(doc(trait={"nothing": "known"}))
    with pytest.raises(SegmentReferenceError, match="circle"):
        publication.propose(naming("other", "trial"))
    assert not Publication.objects.exists()


def test_a_field_that_is_deleted_meanwhile_is_told_and_can_be_tried_again():
    trait = Trait.objects.create(
        profile=guest(), name="tier", kind="text", text="Altın", text_fold="altın", source="crm",
        updated_at=0,
    )  # fmt: skip
    made = publication.propose(doc(trait={"tier": {"is": "ALTIN"}}))
    trait.delete()
    publication.confirm(made)
    work()
    made.refresh_from_db()
    assert "tier" in made.error
    assert made.finished_at is None
    assert publication.open_publications().keys() == {"trial"}
    Trait.objects.create(
        profile=guest(), name="tier", kind="text", text="Altın", text_fold="altın", source="crm",
        updated_at=0,
    )  # fmt: skip
    publication.retry(made)
    work()
    made.refresh_from_db()
    assert made.finished_at == NOW
    assert len(members()) == 1


def test_a_worker_that_stopped_is_relieved_and_cannot_come_back(at, monkeypatch):
    guest("Elif", 1)
    made = publication.propose(at_least(1))
    publication.confirm(made)
    plain = takeover.evaluated

    def stopped_for_long(*args, **named):
        found = plain(*args, **named)
        monkeypatch.setattr(takeover, "evaluated", plain)
        at.now += publication.LEASE + 1
        assert publication.work_once("the relief")
        return found

    monkeypatch.setattr(takeover, "evaluated", stopped_for_long)
    assert publication.work_once("the first")
    made.refresh_from_db()
    assert made.owner == "the relief"
    assert made.finished_at == at.now
    assert Membership.objects.count() == 1


def test_a_worker_whose_work_was_taken_over_publishes_nothing(monkeypatch):
    guest("Elif", 1)
    made = publication.propose(at_least(1))
    publication.confirm(made)
    plain = takeover.evaluated

    def taken_over_meanwhile(*args, **named):
        found = plain(*args, **named)
        Publication.objects.update(owner="the relief")
        return found

    monkeypatch.setattr(takeover, "evaluated", taken_over_meanwhile)
    assert publication.work_once("the first")
    made.refresh_from_db()
    assert (made.owner, made.finished_at) == ("the relief", None)
    assert not Membership.objects.exists()


def test_a_living_worker_is_left_alone(at):
    guest("Elif", 1)
    made = publication.propose(at_least(1))
    Publication.objects.filter(pk=made.pk).update(owner="another", heartbeat_at=NOW)
    assert not publication.work_once("worker")
    at.now += publication.LEASE + 1
    assert publication.work_once("worker")


def test_an_older_proposal_does_not_undo_a_newer_definition():
    guest("Elif", 1)
    take(at_least(1))
    made = publication.propose(at_least(2))
    take(at_least(3))
    with pytest.raises(publication.PublicationError):
        publication.confirm(made)


def test_an_older_version_comes_back_as_a_new_one():
    elif_ = guest("Elif", 1)
    take(at_least(1))
    take(at_least(2))
    made = publication.restore(Segment.objects.get(), 1, by="deniz")
    publication.confirm(made)
    work()
    assert members() == [elif_.pk]
    assert Segment.objects.get().version.number == 3


# Beside a full run.


def test_a_run_that_ends_while_a_change_is_published_has_its_limits_heeded(monkeypatch):
    """Members by limits that hold no more would differ from what everybody else compares with."""
    rich = {"sum": "net_amount", "is": {"top": "50 %"}}
    guests = [guest(str(n), 1, net=n * 100_00) for n in range(1, 5)]
    take(doc("rich", orders=rich))
    changes = compare(doc("rich", orders=rich), doc("poor", all=[{"orders": rich}]))
    plain = takeover.evaluated

    def and_then_a_run_ends(*args, **named):
        found = plain(*args, **named)
        Order.objects.filter(profile=guests[0]).update(net_base_minor=900_00)
        rebuild.everybody(at=NOW + clock.HOUR)
        return found

    monkeypatch.setattr(takeover, "evaluated", and_then_a_run_ends)
    with pytest.raises(takeover.LimitsChangedError):
        publication.apply(changes)
    monkeypatch.setattr(takeover, "evaluated", plain)
    publication.apply(changes)
    assert members("poor") == members("rich") == [guests[0].pk, guests[3].pk]


def test_a_segment_that_names_one_that_is_published_meanwhile_is_left_by_the_run(monkeypatch):
    """The run knows the old meaning; its differences would undo what was just shown."""
    elif_, ali = guest("Elif", 1), guest("Ali", 2)
    take(at_least(1, "base"), naming("base", "follower"))
    plain = rebuild.settle
    Membership.objects.filter(profile=elif_, segment__key="follower").delete()  # so it has to enter

    def after_a_publication(*args, **named):
        monkeypatch.setattr(rebuild, "settle", plain)
        take(at_least(2, "base"), naming("base", "follower"))
        return plain(*args, **named)

    monkeypatch.setattr(rebuild, "settle", after_a_publication)
    rebuild.everybody(at=NOW)
    assert members("base") == members("follower") == [ali.pk]


def test_a_run_does_not_put_back_the_moment_that_a_new_meaning_needs(monkeypatch):
    elif_ = guest("Elif", 1)
    take(at_least(1, "year", within={"last": "365 days"}))
    rebuild.everybody(at=NOW)
    Due.objects.update(due_at=NOW + 5_000 * clock.DAY)  # so the run has to write one
    plain = rebuild.settle

    def after_a_publication(*args, **named):
        take(at_least(1, "year", within={"last": "365 days"}), at_least(
            1, "trial", within={"last": "60 days"}
        ))  # fmt: skip
        return plain(*args, **named)

    monkeypatch.setattr(rebuild, "settle", after_a_publication)
    rebuild.everybody(at=NOW + 1)
    assert Due.objects.get(profile=elif_).due_at <= NOW + 20 * clock.DAY + 1


def test_a_new_meaning_begins_no_earlier_than_it_is_shown(at, monkeypatch):
    """Somebody's window ends while everybody is evaluated: they leave after they have entered."""
    guest("Elif", 1)
    rebuild.everybody(at=NOW)
    evaluate.touched(np.array([Profile.objects.get().pk]), at=NOW, cause="import")
    plain = takeover.evaluated

    def slowly(*args, **named):
        found = plain(*args, **named)
        at.now += 30 * clock.DAY
        return found

    monkeypatch.setattr(takeover, "evaluated", slowly)
    take(at_least(1, within={"last": "60 days"}))
    (membership,) = Membership.objects.all()
    assert Due.objects.get().due_at > membership.entered_at
