"""Merges and un-merges in any order: undone, everything is as if nobody had ever been merged."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.pipeline.company import BIG_BASKET, IDLE, NOW, SEARCHED, define
from tests.segments.test_live_agreement import undone

from pusula.campaigns.models import Assignment, Campaign
from pusula.consent.models import Consent, ConsentEntry
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order, OrderChange
from pusula.pipeline import appender, identity, live
from pusula.pipeline.appender import Entry
from pusula.pipeline.models import Quarantine
from pusula.profiles import merging
from pusula.profiles.models import Identifier, Merge, Profile, Score, Shelved, Trait
from pusula.rfm.models import RfmRun, RfmScore
from pusula.segments.everybody import rebuild
from pusula.segments.models import Membership, ProfileSet, SetMember

pytestmark = pytest.mark.django_db(databases=["default", "log"])
KEYS = ["1", "2", "3", "4"]
CITIES = ["Ankara", "Bursa", "İzmir"]
N_HISTORIES = 40 if connection.vendor == "sqlite" else 12


class World:
    """A company in which people are told of, merged and parted, each at a moment of its own."""

    def __init__(self) -> None:
        self.moment = NOW
        self.n = 0
        self.steps = live.Live()
        for key, where in (("searched", SEARCHED), ("idle", IDLE), ("big-basket", BIG_BASKET)):
            define(key, where)
        rebuild.everybody(at=NOW - clock.DAY)
        for key in KEYS:
            self.tell(key, "trait", {"first_name": f"Kişi {key}", "email": f"{key}@x.tr"})
        # One address that two of them hold, one draw of a campaign and one run with all of them.
        for key in KEYS[:2]:
            self.tell(key, "trait", {"email": "family@x.tr"})
        self._rows_of_once()

    def _rows_of_once(self) -> None:
        ids = [self.number(key) for key in KEYS]
        campaign = Campaign.objects.create(
            key="spring", title="Spring", goal="loyalty", currency="TRY", created_at=1
        )
        run = RfmRun.objects.create(
            as_of_on="2026-05-01", config={}, config_key="x", edges={}, n_profiles=4,
            currency="TRY", created_at=1,
        )  # fmt: skip
        held = ProfileSet.objects.create(sort="list", key="vip", created_at=1)
        for place, profile_id in enumerate(ids):
            Assignment.objects.create(
                campaign=campaign, profile_id=profile_id, assigned_at=9 - place,
                arm="treated" if place % 2 else "holdout",
            )  # fmt: skip
            Score.objects.create(profile_id=profile_id, model="churn", value=place, scored_at=5)
            RfmScore.objects.create(
                run=run, profile_id=profile_id, recency_days=place, frequency=1,
                monetary_minor=1, r=1, f=1, m=1, group="at_risk",
            )  # fmt: skip
            if place:
                SetMember.objects.create(set=held, profile_id=profile_id, since_at=9 - place)

    def number(self, key: str) -> int:
        """Return the number under which the person with ``key`` stands now."""
        return Identifier.objects.get(kind="key", value=f"pms:{key}").profile_id

    def own_number(self, key: str) -> int:
        held = Identifier.objects.get(kind="key", value=f"pms:{key}")
        return held.origin_id or held.profile_id

    def tell(self, key: str, kind: str, body: dict[str, Any]) -> None:
        self.n += 1
        entry = Entry(kind, "pms", f"pms:{self.n}", json.dumps({"key": key, **body}), self.moment)
        appender.append([entry])
        self.step()

    def step(self) -> None:
        self.moment += clock.MINUTE
        self.steps.step(at=self.moment, due_seconds=60)

    def do(self, act: tuple[Any, ...], *, may_merge: bool) -> None:
        match act:
            case ("event", key, _):
                self.tell(key, "event", {"name": "Hotel Searched"})
            case ("order", key, (number, net)):
                said = {"source_id": number, "status": "completed", "ordered_at": NOW,
                        "net_minor": net}  # fmt: skip
                self.tell(key, "order", said)
            case ("trait", key, (name, value)):
                self.tell(key, "trait", {"traits": {name: value}})
            case ("name", key, name):
                self.tell(key, "trait", {"first_name": name})
            case ("consent", key, (status, evidence)):
                said = {"channel": "email", "purpose": "marketing", "status": status}
                self.tell(key, "consent", said | {"evidence": evidence})
            case ("merge", one, other):
                if may_merge:
                    identity.merge(self.own_number(one), self.own_number(other))
                self.step()
            case ("unmerge", _, place):
                held = Merge.objects.filter(undone_at=None).order_by("pk")
                if may_merge and held:
                    identity.unmerge(held[place % len(held)].pk)
                self.step()

    def undo_all(self) -> None:
        """Undo what is left of merges, in no particular order."""
        for pk in Merge.objects.filter(undone_at=None).order_by("loser_id").values_list("pk"):
            identity.unmerge(pk[0])
        self.step()

    def told(self) -> dict[str, Any]:
        """Return all that is known of everybody, by their number in the source."""
        return {key: self.told_of(self.number(key)) for key in KEYS}

    def told_of(self, profile_id: int) -> dict[str, Any]:
        def rows(model: Any, *columns: str) -> Counter[tuple[Any, ...]]:
            held = model.objects.filter(profile_id=profile_id)
            return Counter(held.values_list(*columns))

        return {
            "profile": rows_of(Profile.objects.filter(pk=profile_id)),
            "identifiers": rows(Identifier, "kind", "value", "origin_id"),
            "traits": rows(Trait, "name", "text", "number", "source"),
            "events": rows(Event, "name", "dedupe_key", "origin_id"),
            "orders": rows(Order, "source_id", "net_minor", "origin_id"),
            "versions": rows(OrderChange, "order__source_id", "net_base_minor", "origin_id"),
            "ledger": rows(ConsentEntry, "status", "dedupe_key", "origin_id"),
            "consents": rows(Consent, "channel", "status", "decided_at"),
            "scores": rows(Score, "model", "value", "origin_id"),
            "rfm": rows(RfmScore, "recency_days", "origin_id"),
            "sets": rows(SetMember, "since_at", "origin_id"),
            "assignments": rows(Assignment, "arm", "assigned_at", "origin_id"),
            "segments": Counter(
                Membership.objects.filter(profile_id=profile_id, left_at=None).values_list(
                    "segment__key"
                )
            ),
        }


def rows_of(profiles: Any) -> list[tuple[Any, ...]]:
    return list(profiles.values_list("first_name", "last_name", "name_key", "created_at"))


KEY = st.sampled_from(KEYS)
ACTS = st.one_of(
    st.tuples(st.just("event"), KEY, st.none()),
    st.tuples(
        st.just("order"), KEY, st.tuples(st.sampled_from("xyz"), st.sampled_from([50_000, 99_000]))
    ),
    st.tuples(st.just("trait"), KEY, st.tuples(st.just("city"), st.sampled_from(CITIES))),
    st.tuples(st.just("name"), KEY, st.sampled_from(["Ayşe", "Ali"])),
    st.tuples(
        st.just("consent"),
        KEY,
        st.tuples(st.sampled_from(["granted", "refused"]), st.sampled_from(["", "form"])),
    ),
    st.tuples(st.just("merge"), KEY, KEY),
    st.tuples(st.just("merge"), KEY, KEY),
    st.tuples(st.just("unmerge"), st.none(), st.integers(0, 3)),
)


def end_of(acts: list[tuple[Any, ...]], *, may_merge: bool) -> dict[str, Any]:
    """Return what a company knows after ``acts``, with the merges among them undone or left out."""
    with undone("log"), undone("default"):
        world = World()
        for act in acts:
            world.do(act, may_merge=may_merge)
            if may_merge:
                check(world)
        world.undo_all()
        assert Quarantine.objects.count() == 0
        assert Shelved.objects.count() == 0
        assert not rebuild.everybody(at=world.moment + 1).drift
        return world.told()


def check(world: World) -> None:
    """Nobody is named who is merged, and whoever is left has it all."""
    losers = set(Merge.objects.filter(undone_at=None).values_list("loser_id", flat=True))
    present = set(Profile.objects.values_list("pk", flat=True))
    assert not losers & present
    own = {world.own_number(key) for key in KEYS}
    assert {n for pk in present for n in merging.everyone_in(pk)} == own
    for model in (Event, Order, Membership, Shelved, Identifier, Assignment):
        assert set(model.objects.values_list("profile_id", flat=True)) <= present
    for refused in ConsentEntry.objects.filter(status="refused"):
        held = Consent.objects.get(profile_id=refused.profile_id, channel=refused.channel)
        assert held.status == "refused" or (
            held.entry.evidence and held.decided_at > refused.decided_at
        )


@settings(
    max_examples=N_HISTORIES, deadline=None, derandomize=True,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(acts=st.lists(ACTS, min_size=4, max_size=14))
def test_undone_merges_leave_everybody_as_if_they_had_never_been(acts):
    assert end_of(acts, may_merge=True) == end_of(acts, may_merge=False)
