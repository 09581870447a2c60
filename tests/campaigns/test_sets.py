"""A campaign's people as a set that segments ask for, and what reach says of its channel."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from django.db import connection

from pusula.campaigns import actions, audience
from pusula.consent import relations as consents
from pusula.consent.actions import suppress
from pusula.segments import catalog, facts, kernel
from pusula.segments.language import parse
from pusula.segments.models import ProfileSet, SetMember

pytestmark = pytest.mark.django_db

NOW = 1_790_000_000_000_000


def ids_of(*people):
    return np.array(sorted(person.pk for person in people), np.int64)


def test_a_campaign_that_starts_is_a_set_with_its_arms(hotel):
    guests = [hotel.guest(f"Guest{i}") for i in range(30)]
    refuser = hotel.guest("Refuser", consent="refused")
    hotel.segment("lapsing", *guests, refuser)
    campaign = hotel.campaign(holdout=0.4)
    actions.start(campaign, NOW)
    chosen = dict(campaign.assignments.exclude(arm="excluded").values_list("profile_id", "arm"))
    members = SetMember.objects.filter(set__sort="campaign", set__key="winback")
    assert dict(members.values_list("profile_id", "arm")) == chosen
    assert set(members.values_list("since_at", flat=True)) == {NOW}
    assert set(chosen.values()) == {"treated", "holdout"}
    schema = catalog.schema()
    where = {"campaign": {"key": "winback", "arm": "holdout"}}
    document = {"segment": "a", "title": {"tr": "a", "en": "a"}, "where": where}
    plan = kernel.compile({"a": parse(document, schema)}, schema, {})
    ids = ids_of(*guests, refuser)
    members = plan.evaluate(facts.block(ids, plan.requirements), NOW).members["a"]
    assert {i for i, arm in chosen.items() if arm == "holdout"} == set(ids[members].tolist())


def test_reach_says_what_a_campaign_would_meet(hotel):
    reachable = hotel.guest("Ada")
    refused = hotel.guest("Ece", consent="refused")
    silent = hotel.guest("Can", consent=None)
    nowhere = hotel.guest("Nil", email=None)
    closed = hotel.guest("Ali", consent="refused")
    moved = hotel.guest("Oya")
    shares_inbox = hotel.guest("Efe", email="ece@example.com")
    suppress("email", "ali@example.com", reason="hard_bounce", at=1)
    suppress("email", "oya@example.com", reason="hard_bounce", at=1)
    hotel.identify(moved, "email", "new@example.com", at=5)
    everybody = (reachable, refused, silent, nowhere, closed, moved, shares_inbox)
    pairs = (("email", "marketing"), ("sms", "marketing"), ("webpush", "marketing"))
    found = consents.reach(ids_of(*everybody), pairs).to_pylist()
    states = {(row["profile_id"], row["channel"]): row["state"] for row in found}
    assert len(found) == len(pairs) * len(everybody)
    assert [states[person.pk, "email"] for person in everybody] == [
        "reachable", "no_consent", "no_consent", "no_address", "suppressed", "reachable",
        "no_consent",
    ]  # fmt: skip
    assert {state for (_, channel), state in states.items() if channel != "email"} == {"no_address"}
    assert len(consents.reach(np.empty(0, np.int64), pairs)) == 0


def test_reach_and_a_campaign_agree_about_everybody(hotel):
    people = [
        hotel.guest("Ada"),
        hotel.guest("Ece", consent="refused"),
        hotel.guest("Can", consent=None),
        hotel.guest("Nil", email=None),
        hotel.guest("Oya"),
        hotel.guest("Efe", email="ece@example.com"),
    ]
    suppress("email", "oya@example.com", reason="hard_bounce", at=1)
    hotel.segment("lapsing", *people)
    plan = audience.plan(hotel.campaign())
    reached = consents.reach(ids_of(*people), [("email", "marketing")]).to_pylist()
    assert {row["profile_id"] for row in reached if row["state"] == "reachable"} == {
        one.profile_id for one in plan.candidates if not one.reason
    }


def test_campaigns_that_started_before_become_sets_too(hotel):
    guests = [hotel.guest(f"Guest{i}") for i in range(20)]
    hotel.segment("lapsing", *guests, hotel.guest("Refuser", consent="refused"))
    actions.start(hotel.campaign(holdout=0.3), NOW)
    hotel.campaign(campaign="later")
    columns = ("set__sort", "set__key", "set__title", "set__created_at", "profile_id", "arm")
    written = list(SetMember.objects.order_by("profile_id").values_list(*columns, "since_at"))
    ProfileSet.objects.all().delete()
    migration = import_module("pusula.campaigns.migrations.0003_segment_engine_sets")
    with connection.cursor() as cursor:
        cursor.execute(migration.SETS)
        cursor.execute(migration.MEMBERS)
    made = list(SetMember.objects.order_by("profile_id").values_list(*columns, "since_at"))
    assert made == written != []
    assert ProfileSet.objects.count() == 1
