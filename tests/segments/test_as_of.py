"""Segments at past moments: what was so, what was believed, and what is known of it today."""

import datetime as dt
import random

import numpy as np
import pytest

from pusula.consent import actions as consents
from pusula.events import actions as events
from pusula.lake.as_of import AsOf, Span
from pusula.lib import clock
from pusula.orders import actions as orders
from pusula.profiles import actions as profiles
from pusula.profiles.models import Identifier, Profile, Trait, TraitKind
from pusula.segments import catalog, facts, history
from pusula.segments.kernel import Requirements
from pusula.segments.language import parse
from pusula.segments.models import CutPoint, Segment, SegmentSize, SegmentVersion

pytestmark = pytest.mark.django_db

TITLE = {"tr": "Deneme", "en": "Trial"}
EVER = "2999-01-01"


def moment(text):
    return clock.from_datetime(dt.datetime.fromisoformat(text), "Europe/Istanbul")


def guest(name="Elif", created="2020-01-01", recorded="2020-01-01"):
    made = Profile.objects.create(
        first_name=name, created_at=moment(created), recorded_at=moment(recorded)
    )
    return made.pk


def order(profile_id, number="1", *, ordered, told, status="confirmed", net=1_000_00, **said):
    """Let a source say of an order, at ``told``, how it stands."""
    for name in ("status_at", "cancelled_at"):
        if name in said:
            said[name] = moment(said[name])
    version = orders.Version(
        source_id=number, profile_id=profile_id, status=status, ordered_at=moment(ordered),
        currency="TRY", gross_minor=net, net_minor=net, gross_base_minor=net, net_base_minor=net,
        **said,
    )  # fmt: skip
    orders.record([version], source="pms", at=moment(told), tz="Europe/Istanbul")


def definitions(where, **others):
    found = {"trial": where, **others}
    return {
        key: parse({"segment": key, "title": TITLE, "where": each}, catalog.schema())
        for key, each in found.items()
    }


def members(where, at, known=None, **others):
    """Return who was in a segment at ``at``, as known then or at ``known``."""
    as_of = AsOf(moment(at), moment(known or at))
    return history.members_at(definitions(where, **others), as_of)["trial"].tolist()


def having(status, **more):
    return {"orders": {"count": {"at_least": 1}, "where": {"status": {"is": status}}, **more}}


def test_a_cancellation_does_not_leak_back():
    elif_ = guest()
    order(elif_, ordered="2026-03-01", told="2026-03-01")
    order(
        elif_, ordered="2026-03-01", told="2026-04-10", status="cancelled", status_at="2026-04-09"
    )

    assert members(having("confirmed"), "2026-04-09", EVER) == [elif_], "not at the moment itself"
    assert members(having("confirmed"), "2026-04-09T00:00:01", EVER) == []
    assert members(having("cancelled"), "2026-04-09T00:00:01", EVER) == [elif_]
    # Nobody had told us yet.
    assert members(having("confirmed"), "2026-04-09T12:00:00") == [elif_]
    assert members(having("cancelled"), "2026-04-09T12:00:00") == []
    assert members(having("cancelled"), "2026-04-10") == [elif_]
    assert members(having("confirmed"), "2026-04-10") == [], "one version at every moment"


def test_what_was_imported_later_is_known_today_and_was_not_known_then():
    elif_ = guest(recorded="2026-05-01")
    order(elif_, ordered="2026-01-10", told="2026-05-01")

    assert members(having("confirmed"), "2026-01-11", EVER) == [elif_]
    assert members(having("confirmed"), "2026-01-11") == []
    assert members(having("confirmed"), "2026-05-01") == [elif_]
    assert members(having("confirmed"), "2026-01-10", EVER) == [], "not before it was made"


def test_every_column_of_an_order_is_kept_as_it_was():
    elif_ = guest()
    said = {"region": "Bodrum", "starts_on": dt.date(2026, 7, 1), "ends_on": dt.date(2026, 7, 8),
            "adults": 2, "board": "HB"}  # fmt: skip
    order(elif_, ordered="2026-03-01", told="2026-03-01", **said)
    said |= {"region": "Çeşme", "ends_on": dt.date(2026, 7, 4), "adults": 3, "board": "AI"}
    order(elif_, ordered="2026-03-01", told="2026-04-01", net=500_00, **said)

    def rows(at):
        columns = tuple(sorted(facts.orders.COLUMNS.keys() | {"nights"} - {"profile_id"}))
        columns = tuple(c for c in columns if c != "profile_id")
        needs = Requirements(columns, None, (), (), (), (), consents=False)
        as_of = AsOf(moment(at), moment(at))
        return facts.block(np.array([elif_]), needs, as_of).orders.to_pylist()

    (before,), (after,) = rows("2026-03-15"), rows("2026-04-02")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"region", "ends_on", "adults", "board", "nights", "net_amount",
                       "gross_amount"}  # fmt: skip
    assert (before["region"], before["nights"], before["net_amount"]) == ("bodrum", 7, 1_000_00)
    assert (after["region"], after["nights"], after["source"]) == ("çeşme", 3, "pms")
    needs = Requirements(
        tuple(sorted(after.keys() - {"profile_id"})), None, (), (), (), (), consents=False
    )
    assert facts.block(np.array([elif_]), needs).orders.select(list(after)).to_pylist() == [after]


def test_an_order_that_passed_to_another_customer_was_the_first_ones_before():
    elif_, ali = guest(), guest("Ali")
    line = orders.Item(1, "A", "Breakfast", 2, 100)
    order(elif_, ordered="2026-03-01", told="2026-03-01", items=(line,))
    order(ali, ordered="2026-03-01", told="2026-04-01")

    assert members(having("confirmed"), "2026-03-15") == [elif_]
    assert members(having("confirmed"), "2026-04-01") == [ali], "at the moment itself one has it"
    assert members(having("confirmed"), "2026-04-02") == [ali]
    needs = Requirements(("status",), ("status",), (), (), (), (), consents=False)
    for day, n in [("2026-03-15", 1), ("2026-04-02", 0)]:
        alone = facts.block(np.array([elif_]), needs, AsOf(moment(day), moment(day)))
        assert (len(alone.orders), len(alone.items)) == (n, n), "also asked about alone"


def test_the_first_value_of_a_trait_holds_ever_and_later_ones_since_they_were_told():
    elif_ = guest()

    def told(city, at):
        value = profiles.Value(TraitKind.TEXT, city)
        profiles.record(
            [profiles.Facts(elif_, traits={"city": value})], source="crm", at=moment(at)
        )

    told("Bodrum", "2026-03-01")
    told("İzmir", "2026-04-01")
    told("İzmir", "2026-04-05")
    in_bodrum, in_izmir = ({"trait": {"city": {"is": city}}} for city in ("bodrum", "izmir"))

    assert members(in_bodrum, "2025-01-01", EVER) == [elif_]
    assert members(in_bodrum, "2026-02-01") == [], "nobody had told us"
    assert members(in_bodrum, "2026-03-02") == members(in_bodrum, "2026-03-31", EVER) == [elif_]
    assert members(in_izmir, "2026-03-31", EVER) == []
    assert members(in_izmir, "2026-04-02") == members(in_izmir, "2026-04-02", EVER) == [elif_]
    assert members(in_bodrum, "2026-04-02") == []


def test_traits_that_one_statement_writes_for_all_have_a_history_too():
    elif_, ali = guest(), guest("Ali")

    def write(group, score, profile_ids, at):
        Trait.objects.filter(name__in=["rfm_group", "rfm_r"]).delete()
        for profile_id in profile_ids:
            told = {"profile_id": profile_id, "source": "rfm", "updated_at": moment(at)}
            Trait.objects.create(name="rfm_group", kind="text", text=group, text_fold=group, **told)
            Trait.objects.create(name="rfm_r", kind="number", number=score, **told)
        profiles.note_history(["rfm_group", "rfm_r"], at=moment(at))

    write("champions", 5, [elif_, ali], "2026-03-01")
    write("champions", 5, [elif_, ali], "2026-03-10")
    write("at risk", 2, [elif_], "2026-04-01")
    champions, low = (
        {"trait": {"rfm_group": {"is": "champions"}}},
        {"trait": {"rfm_r": {"at_most": 2}}},
    )

    assert members(champions, "2026-02-28", EVER) == []
    assert members(champions, "2026-03-15", EVER) == [elif_, ali]
    assert members(champions, "2026-04-02", EVER) == []
    assert members(low, "2026-04-02") == [elif_]
    assert members({"not": {"trait": {"rfm_r": "known"}}}, "2026-04-02") == [ali]
    assert Profile.objects.get(pk=ali).trait_changes.count() == 4, "only differences are noted"


def test_consents_hold_as_the_ledger_said_then():
    elif_ = guest()

    def decided(status, on, told=None, evidence=""):
        decision = consents.Decision(
            profile_id=elif_, channel="email", purpose="marketing", status=status, source="web",
            decided_at=moment(on), evidence=evidence,
        )  # fmt: skip
        consents.record([decision], at=moment(told or on))

    decided("granted", "2026-01-01")
    decided("refused", "2026-02-01", told="2026-02-20")
    decided("granted", "2026-03-01")  # without evidence: not followed
    decided("granted", "2026-04-01", evidence="form 7")
    decided("refused", "2026-03-15", told="2026-04-20")  # an old refusal, told late

    def status(at, known=None):
        asked = {"channel": "email", "purpose": "marketing"}
        found = [
            word
            for word in ("granted", "refused", "unknown")
            if members({"consent": {**asked, "is": word}}, at, known)
        ]
        (word,) = found
        return word

    assert status("2025-12-31", EVER) == "unknown"
    assert status("2026-01-15") == status("2026-01-15", EVER) == "granted"
    assert status("2026-02-10") == "granted", "the refusal was not known"
    assert status("2026-02-10", EVER) == "refused"
    assert status("2026-03-10") == status("2026-03-10", EVER) == "refused"
    assert status("2026-04-02") == status("2026-04-02", EVER) == "granted"
    assert status("2026-05-01") == "granted"


def test_consents_and_reach_of_then_are_what_the_present_tables_said_then():
    chance = random.Random(5)  # noqa: S311 - chance that can be repeated
    people = np.array([guest(name) for name in ("Elif", "Ali", "Ayşe", "Can")])
    for place, address in enumerate(["desk@a.co", "desk@a.co", "ayse@a.co"]):
        Identifier.objects.create(
            profile_id=people[place], kind="email", value=address, source="pms", recorded_at=0
        )
    pairs = [("email", "marketing")]
    needs = Requirements(None, None, (), (), (), (), consents=True, reach=tuple(pairs))
    seen, at = [], moment("2026-01-01")
    for turn in range(80):
        at += chance.randint(1, 3) * clock.HOUR
        decision = consents.Decision(
            profile_id=int(chance.choice(people)), channel="email", purpose="marketing",
            status=chance.choice(["granted", "granted", "refused"]), source="web",
            decided_at=at - chance.choice([0, 0, 1, 2 * clock.HOUR, 9 * clock.HOUR]),
            evidence=chance.choice(["", f"form {turn}"]), dedupe_key=str(turn),
        )  # fmt: skip
        consents.record([decision], at=at)
        if turn in (30, 60):
            consents.suppress(
                "email", f"{'desk' if turn == 30 else 'ayse'}@a.co", reason="x", at=at
            )
        now = facts.block(people, needs)
        seen.append((at, sorted_rows(now.consents), sorted_rows(now.reach)))
    together = facts.during(people, needs, Span(seen[0][0], at, None))
    for at, decided, reached in seen:
        for then in (facts.block(people, needs, AsOf(at, at)), together.at(at)):
            assert sorted_rows(then.consents) == decided
            assert sorted_rows(then.reach) == reached
    states = {row["state"] for _, _, reached in seen for row in reached}
    assert states == {"reachable", "no_consent", "suppressed", "no_address"}


def sorted_rows(table):
    return sorted(table.to_pylist(), key=str)


def test_events_count_since_they_were_told_or_since_they_happened():
    elif_ = guest()
    event = events.NewEvent(elif_, "Hotel Searched", moment("2026-03-01"), "web:1", {"n": 2})
    events.append([event], source="web", at=moment("2026-03-20"))
    searched = {"events": {"name": "Hotel Searched", "where": {"n": {"at_least": 2}},
                           "count": {"at_least": 1}, "within": {"last": "30 days"}}}  # fmt: skip

    assert members(searched, "2026-03-10", EVER) == [elif_]
    assert members(searched, "2026-03-10") == []
    assert members(searched, "2026-03-20") == [elif_]
    assert members(searched, "2026-03-31T00:00:01") == []


def test_somebody_exists_from_their_first_trace():
    old = guest("Old", created="2025-01-01", recorded="2025-01-01")
    imported = guest("Imported", created="2026-04-01", recorded="2026-05-01")
    order(imported, ordered="2026-02-01", told="2026-05-01")
    seen = guest("Seen", created="2026-04-01", recorded="2026-05-01")
    event = events.NewEvent(seen, "Hotel Searched", moment("2026-03-01"), "web:1")
    events.append([event], source="web", at=moment("2026-05-01"))
    idle = {"not": having("completed")}

    assert members(idle, "2026-01-01", EVER) == [old]
    assert members(idle, "2026-02-02", EVER) == [old, imported]
    assert members(idle, "2026-03-02", EVER) == [old, imported, seen]
    assert members(idle, "2026-04-30") == [old]
    assert members(idle, "2026-05-01") == [old, imported, seen]


def test_many_moments_are_answered_as_one_by_one(monkeypatch):
    monkeypatch.setattr(history, "BLOCK", 3)
    people = [guest(str(number)) for number in range(8)]
    for number, person in enumerate(people):
        for turn in range(number % 4):
            day = f"2026-0{1 + turn}-{10 + number}"
            told = f"2026-0{2 + turn}-01"
            order(person, f"{number}-{turn}", ordered=day, told=told, status="completed")
    where = {"orders": {"count": {"at_least": 1}, "within": {"last": "45 days"}}}
    others = {"named": {"not": {"segment": "trial"}}}
    days = [f"2026-0{month}-{day}" for month in range(1, 7) for day in ("01", "05", "20")]
    moments = [moment(day) for day in days]

    for known in (None, EVER):
        known_at = known and moment(known)
        found = history.counts(definitions(where, **others), moments, known_at=known_at)
        before = set()
        for day, count in zip(days, found["trial"], strict=True):
            now = set(members(where, day, known, **others))
            assert count[1:] == (len(now), len(now - before), len(before - now))
            before = now
        for trial, named in zip(found["trial"], found["named"], strict=True):
            assert trial.n_members + named.n_members == len(people)
        assert max(count.n_members for count in found["trial"]) > 3


def test_limits_set_by_the_data_are_those_published_then_or_else_those_of_then():
    people = [guest(str(number)) for number in range(10)]
    for number, person in enumerate(people):
        order(person, str(number), ordered="2026-01-01", told="2026-01-01", net=(number + 1) * 100)
    order(people[0], "rich", ordered="2026-03-01", told="2026-03-01", net=100_000)
    top = {"orders": {"sum": "net_amount", "is": {"top": "10 %"}}}

    assert members(top, "2026-02-01") == [people[9]]
    assert members(top, "2026-03-02") == [people[0]]
    (key,) = history.kernel.compile(definitions(top), catalog.schema(), {}).populations
    published = moment("2026-02-15")
    CutPoint.objects.create(key=key, value=350, n_population=10, published_at=published)
    assert members(top, "2026-02-14T23:59:59", EVER) == [people[9]]
    assert members(top, "2026-02-15") == people[3:]
    assert members(top, "2026-03-02", EVER) == [people[0], *people[3:]]


def stored_version(where, *, published):
    segment, _ = Segment.objects.get_or_create(key="trial", defaults={"created_at": 0})
    definition = {"segment": "trial", "title": TITLE, "where": where}
    return SegmentVersion.objects.create(
        segment=segment, number=segment.versions.count() + 1, definition=definition, created_at=0,
        published_at=moment(published),
    )  # fmt: skip


def test_a_new_segment_gets_thirteen_weeks_of_sizes_and_only_once():
    now = moment("2026-06-01")
    elif_ = guest(recorded="2026-05-30")
    order(elif_, ordered="2026-05-01", told="2026-05-30")
    version = stored_version(having("confirmed"), published="2026-06-01")
    history.record_back_cast([version], now=now)

    rows = SegmentSize.objects.order_by("at").values_list("at", "n_members", "is_back_cast")
    moments = [now - week * 7 * clock.DAY for week in range(13, 0, -1)]
    assert list(rows) == [(at, int(at > moment("2026-05-01")), True) for at in moments]
    history.record_back_cast([version], now=now + clock.DAY)
    assert len(rows.all()) == 13


def test_a_stored_segment_is_asked_about_as_it_was_shown_then():
    old = stored_version(having("confirmed"), published="2026-01-01")
    new = stored_version(having("completed"), published="2026-03-01")
    Segment.objects.update(version=new)
    found = {day: history.stored(["trial"], shown_at=moment(day)) for day in ("2026-02-01", EVER)}
    schema = catalog.schema()
    assert found["2026-02-01"] == {"trial": parse(old.definition, schema)}
    assert found[EVER] == history.stored(["trial"]) == {"trial": parse(new.definition, schema)}
    early = history.stored(["trial"], shown_at=moment("2025-01-01"))
    assert early == history.stored(["trial"]), "nothing was shown: as it is now"


def test_why_somebody_was_in_is_told_with_the_values_of_then():
    elif_ = guest()
    order(elif_, "1", ordered="2026-01-10", told="2026-01-10")
    order(elif_, "2", ordered="2026-03-10", told="2026-03-10")
    asked = definitions({"orders": {"count": {"at_least": 2}}})
    then, later = (
        history.explain(asked, "trial", elif_, AsOf(moment(day), moment(day)))
        for day in ("2026-02-01", "2026-04-01")
    )
    assert (then.holds, then.value) == (False, 1)
    assert (later.holds, later.value) == (True, 2)
    with pytest.raises(history.UnknownThenError, match="not known yet"):
        history.explain(asked, "trial", elif_, AsOf(moment("2019-01-01"), moment("2019-01-01")))


def test_a_sample_is_spread_over_the_members():
    assert history.sample(np.arange(100), 4).tolist() == [0, 25, 50, 75]
    assert history.sample(np.arange(3), 4).tolist() == [0, 1, 2]
