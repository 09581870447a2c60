"""Proposals from the database and back: made, decided, not asked twice, forgotten."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from click.testing import CliRunner

from pusula.lib import clock
from pusula.ops.identity import identity as command
from pusula.pipeline import identity, linkage, live
from pusula.pipeline import proposals as deciding
from pusula.profiles import candidates, person, proposals
from pusula.profiles.linkage import model, records
from pusula.profiles.linkage.scoring import Scorer
from pusula.profiles.models import (
    Compared,
    Comparison,
    Identifier,
    IdentifierKind,
    Merge,
    Profile,
    Proposal,
    ProposalState,
    Trait,
    TraitChange,
    TraitKind,
)
from pusula.profiles.proposals import ProposalError

pytestmark = pytest.mark.django_db(databases=["default", "log"])

GIVEN = [
    "Ayşe",
    "Mehmet",
    "Fatma",
    "Ali",
    "Zeynep",
    "Can",
    "Elif",
    "Emre",
    "Derya",
    "Kerem",
    "Selin",
    "Murat",
    "İrem",
    "Ozan",
]
FAMILY = [
    "Yılmaz",
    "Kaya",
    "Demir",
    "Çelik",
    "Şahin",
    "Öztürk",
    "Aydın",
    "Arslan",
    "Doğan",
    "Kılıç",
    "Polat",
]


def add(given: str, family: str, *, born: str, email: str = "", phone: str = "") -> int:
    one = Profile.objects.create(
        first_name=given, last_name=family, created_at=1, recorded_at=1, name_key=f"{given} x"
    )
    for kind, value in ((IdentifierKind.EMAIL, email), (IdentifierKind.PHONE, phone)):
        if value:
            Identifier.objects.create(
                profile=one, kind=kind, value=value, source="pms", recorded_at=1
            )
    said = {"profile": one, "name": "birth_date", "kind": TraitKind.DAY, "day": born}
    Trait.objects.create(**said, source="pms", updated_at=1)
    TraitChange.objects.create(**said, source="pms", changed_at=1, recorded_at=1)
    return one.pk


@pytest.fixture
def town(company) -> tuple[int, int]:
    """Return one person who is there twice among a hundred and fifty."""
    for i in range(150):
        add(
            GIVEN[i % 14],
            FAMILY[i % 11],
            born=f"{1950 + i % 53}-{1 + i % 12:02}-{1 + i % 28:02}",
            email=f"{i}@example.com",
        )
    first = add("Şükrü", "ÇAĞLAR", born="1971-04-23", email="s.c@example.com", phone="+905321")
    again = add("Sn. CAGLAR", "SUKRU", born="1971-04-23", email="sc@example.com", phone="+905321")
    return first, again


def test_a_person_written_twice_is_proposed_with_evidence_and_without_values(town) -> None:
    outcome = linkage.propose()

    held = proposals.queue().get()
    assert (held.one_id, held.other_id) == town
    assert outcome.n_open == outcome.n_new == 1
    assert held.evidence["phone"][0] == "same"
    assert held.evidence["given"][0] == held.evidence["family"][0] == "swapped"
    assert "caglar" not in json.dumps(held.evidence)
    last = proposals.last()
    assert last is not None
    assert last.n_profiles == 152


def test_an_accepted_proposal_is_a_merge_that_can_be_undone_and_is_not_asked_again(town) -> None:
    linkage.propose()
    held = proposals.queue().get()
    assert deciding.accept(held.pk, actor="ada") == town
    live.step(at=clock.now())

    merge = Merge.objects.get()
    assert (merge.winner_id, merge.loser_id, merge.reason, merge.actor) == (
        *town,
        "proposal",
        "ada",
    )
    held.refresh_from_db()
    assert proposals.merge_of(held) == merge
    with pytest.raises(ProposalError):
        deciding.accept(held.pk, actor="ada")

    identity.unmerge(merge.pk, actor="ada")
    live.step(at=clock.now())
    assert linkage.propose().n_open == 0


def test_a_rejected_pair_is_asked_again_only_if_other_fields_agree_or_differ(town) -> None:
    linkage.propose()
    held = proposals.queue().get()
    deciding.reject(held.pk, actor="ada")

    add("Nazlı", "Ekinci", born="1990-01-02")  # weights change a little
    assert linkage.propose().n_open == 0
    held.refresh_from_db()
    assert (held.state, held.decided_by) == (ProposalState.REJECTED, "ada")

    Identifier.objects.filter(profile_id=town[1], kind="email").update(value="s.c@example.com")
    assert linkage.propose().n_open == 1


def test_what_nothing_speaks_for_any_more_is_stale(town) -> None:
    linkage.propose()
    Profile.objects.filter(pk=town[1]).update(first_name="Nazlı", last_name="Ekinci")
    Trait.objects.filter(profile_id=town[1]).update(day="1990-01-02")
    Identifier.objects.filter(profile_id=town[1]).delete()

    outcome = linkage.propose()

    assert (outcome.n_open, outcome.n_stale) == (0, 1)
    assert Proposal.objects.get().state == ProposalState.STALE


def test_certain_ones_are_merged_only_when_asked_and_never_around_a_rejection(town) -> None:
    first, again = town
    third = add("Şükrü", "Çağlar", born="1971-04-23", email="s.c@example.com", phone="+905321")
    linkage.propose()
    assert Merge.objects.count() == 0
    assert Proposal.objects.update(certain=True) == 3
    deciding.reject(Proposal.objects.get(one_id=first, other_id=again).pk, actor="ada")

    assert deciding.accept_certain() == []

    Proposal.objects.filter(state=ProposalState.REJECTED).delete()
    asked = deciding.accept_certain()
    assert len(asked) == len(Proposal.objects.filter(state=ProposalState.ACCEPTED)) == 2
    live.step(at=clock.now())
    assert set(
        Profile.objects.filter(pk__in=[first, again, third]).values_list("pk", flat=True)
    ) == {first}


def test_an_office_address_and_a_name_alone_propose_nobody(company) -> None:
    for i in range(30):
        add(GIVEN[i % 14], FAMILY[i % 11], born=f"1960-01-{i % 28 + 1:02}", email="info@otel.com")

    told = pa.concat_tables(values for _names, values in candidates.parts()).to_pylist()
    assert {one["value"] for one in told if one["field"] == "email"} == {None}
    linkage.propose()
    assert not proposals.queue().filter(evidence__email__0="same").exists()


def test_what_is_proposed_of_a_person_is_told_and_erased_with_them(town) -> None:
    linkage.propose()

    assert "proposal of a merge" in {name for name, _ in person.told_of(town[0])}
    person.erase([town[1]])
    assert not Proposal.objects.exists()


def test_the_command_line_proposes_lists_and_decides(town) -> None:
    def run(*words: str) -> str:
        result = CliRunner().invoke(command, list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    assert json.loads(run("propose", "--json"))["open"] == 1
    (told,) = json.loads(run("review", "--json"))
    assert told["customers"] == list(town)
    assert str(told["proposal"]) in run("review")
    run("reject", str(told["proposal"]))
    assert json.loads(run("review", "--json")) == []


def test_who_is_stopped_between_decision_and_log_loses_no_merge(town, monkeypatch) -> None:
    def stop(_entries):
        raise KeyboardInterrupt

    linkage.propose()
    held = proposals.queue().get()
    monkeypatch.setattr(identity.appender, "append", stop)
    with pytest.raises(KeyboardInterrupt):
        deciding.accept(held.pk, actor="ada")
    monkeypatch.undo()
    live.step(at=clock.now())
    assert Merge.objects.count() == 0

    for _again in range(2):
        linkage.propose()
    live.step(at=clock.now())

    merge = Merge.objects.get()
    assert ((merge.winner_id, merge.loser_id), merge.actor) == (town, "ada")
    identity.unmerge(merge.pk)
    live.step(at=clock.now())
    deciding.tell_again()
    live.step(at=clock.now())
    assert Profile.objects.filter(pk__in=town).count() == 2, "an undone merge stays undone"


def test_only_those_who_changed_are_compared_again(town) -> None:
    assert linkage.propose().n_changed == 152
    assert linkage.propose().n_changed == 0
    Identifier.objects.filter(value="s.c@example.com").update(value="sukru@example.com")
    new = add("Nazlı", "Ekinci", born="1990-01-02")
    outcome = linkage.propose()
    assert (outcome.n_changed, outcome.n_open, outcome.n_stale) == (2, 1, 0)
    again = add("Nazlı", "Ekinci", born="1990-01-02", phone="+905329")
    assert linkage.propose().n_changed == 1
    found = Proposal.objects.filter(state=ProposalState.OPEN).values_list("one_id", "other_id")
    assert set(found) == {town, (new, again)}


def test_what_was_found_bit_by_bit_is_what_is_found_of_everybody_at_once(town) -> None:
    linkage.propose()
    people = list(Profile.objects.order_by("pk").values_list("pk", flat=True))
    for i in range(0, 60, 7):
        add(GIVEN[i % 14], FAMILY[i % 11], born=f"{1950 + i % 53}-{1 + i % 12:02}-{1 + i % 28:02}")
        Profile.objects.filter(pk=people[i + 1]).update(first_name="Ayşegül")
        linkage.propose(bucket=3)
    bit_by_bit = pairs()
    assert len(bit_by_bit) > 3
    held = Comparison.objects.exclude(model={}).get().model["settings"]
    with records.opened("1GB", None) as db:
        records.collect(db, candidates.parts())
        columns = records.clean(db)
        records.digests(db, columns, "")
        (bucket,) = records.buckets(db, 1000)
        found = list(Scorer(db, columns, held).pairs(bucket, least=model.PROPOSED))
    assert bit_by_bit == {(pair.one, pair.other) for pair in found}


def pairs() -> set[tuple[int, int]]:
    found = Proposal.objects.filter(state=ProposalState.OPEN)
    return set(found.values_list("one_id", "other_id"))


def test_who_is_stopped_goes_on_where_it_was(town) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int, _all: int) -> None:
        if done >= 60:
            raise StoppedError

    with pytest.raises(StoppedError):
        linkage.propose(bucket=30, on_progress=stop)
    assert proposals.last() is None, "it came to no end"
    assert Comparison.objects.get().n_compared == 60
    told: list[tuple[int, int]] = []
    outcome = linkage.propose(bucket=30, on_progress=lambda *at: told.append(at))
    assert outcome.n_changed == 92
    assert told == [(30, 92), (60, 92), (90, 92), (92, 92)]
    assert pairs() == {town}


def test_everybody_is_compared_when_asked_for_or_when_there_are_many_more(town) -> None:
    linkage.propose()
    assert linkage.propose(everybody=True).n_changed == 152
    for i in range(80):
        add(GIVEN[i % 13], f"{FAMILY[i % 11]}lar", born=f"{1930 + i}-01-02")
    assert linkage.propose().n_changed == 232


def test_the_proposals_of_who_has_gone_are_stale(town) -> None:
    linkage.propose()
    Profile.objects.filter(pk=town[1]).delete()
    outcome = linkage.propose()
    assert (outcome.n_open, outcome.n_stale, outcome.n_changed) == (0, 1, 0)
    assert not Compared.objects.filter(pk=town[1]).exists()
