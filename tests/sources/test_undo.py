"""An import taken back leaves things as they were, but for refusals and for what others changed."""

from __future__ import annotations

import random

import pytest
from django.db import DatabaseError, connection
from django.forms.models import model_to_dict
from tests.sources.test_import import MAPS, TABLES, anything, kind_of

from pusula.consent.models import Consent, ConsentEntry, Status
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order, OrderItem
from pusula.profiles import actions as profiles
from pusula.profiles.models import Identifier, Profile, Trait, TraitChange, TraitKind
from pusula.segments.models import Debt
from pusula.sources import journal, undo
from pusula.sources.journal import Holds
from pusula.sources.models import Import, ImportPage, ImportState
from pusula.sources.undo import UndoError

pytestmark = pytest.mark.django_db

GUESTS = """
source = "pms"
[columns]
profile_key = "no"
email = "mail"
full_name = "name"
[traits]
city = "city"
"""
ORDERS = """guest,mail,tel,no,state,since,made,net
1,,,A,completed,,2024-01-01,10.5
2,,,B,completed,,2024-01-01,5
"""
CONSENTS = MAPS["consents"].replace('"pms"', '"crm"')


def world() -> dict[str, list[dict[str, object]]]:
    """Return all that was told, without the numbers of rows that are derived."""
    found = {}
    for model in (*TABLES, TraitChange):
        told = [model_to_dict(row) for row in model.objects.order_by("pk")]
        if model in {OrderItem, Consent}:
            for row in told:
                row.pop("id")
                row.pop("entry", None)
        found[model.__name__] = sorted(told, key=repr)
    return found


@pytest.mark.parametrize("name", [name for name in MAPS if name != "consents"])
@pytest.mark.parametrize("seed", range(4))
def test_an_import_that_is_undone_leaves_everything_as_it_was(bring, name, seed):
    dice = random.Random(seed)  # noqa: S311 - a test's dice
    for number in range(dice.randint(0, 3)):
        before = dice.choice(list(MAPS))
        bring(kind_of(before), anything(100 * seed + number, 150), MAPS[before])
    as_it_was = world()

    report = bring(kind_of(name), anything(1_000 + seed, 150), MAPS[name])
    assert world() != as_it_was
    found = undo.undo(report.import_id)

    assert world() == as_it_was
    assert found.undone.n_orders_left == found.undone.n_changed_since == 0
    assert set(found.touched) >= set(Profile.objects.values_list("pk", flat=True)) & set(
        report.touched
    )
    assert Import.objects.get(pk=report.import_id).state == ImportState.UNDONE
    assert not ImportPage.objects.filter(brought_id=report.import_id).exists()
    again = bring(kind_of(name), anything(1_000 + seed, 150), MAPS[name])
    assert (again.n_new, again.n_changed) == (report.n_new, report.n_changed)


@pytest.mark.parametrize("seed", range(4))
def test_the_refusals_of_an_import_stay_when_it_is_undone(bring, seed):
    bring("profiles", anything(seed), MAPS["profiles"])
    bring("consents", anything(50 + seed), MAPS["consents"])
    as_it_was = world()
    held = {(one["profile"], one["channel"]): one["status"] for one in as_it_was["Consent"]}

    report = bring("consents", anything(90 + seed), CONSENTS)
    refusals = ConsentEntry.objects.filter(source="crm", status=Status.REFUSED)
    n_refusals, refused = len(refusals), set(refusals.values_list("profile_id", "channel"))
    found = undo.undo(report.import_id)

    assert found.undone.n_grants_withdrawn > 10
    assert found.undone.n_refusals_kept == n_refusals == refusals.count()
    assert not ConsentEntry.objects.filter(source="crm", status=Status.GRANTED).exists()
    for consent in Consent.objects.all():
        subject = (consent.profile_id, consent.channel)
        if subject not in refused:
            assert held[subject] == consent.status
        elif held.get(subject) == Status.REFUSED:
            assert consent.status == Status.REFUSED
    # Whoever refused still holds the address that the refusal speaks of.
    refusing = {profile_id for profile_id, _channel in refused}
    assert refusing <= set(Identifier.objects.values_list("profile_id", flat=True))
    kept = list(ImportPage.objects.filter(brought_id=report.import_id))
    assert {page.holds for page in kept} == {Holds.GRANTS}


def test_what_somebody_else_changed_since_stays_and_is_listed(bring):
    report = bring("orders", ORDERS, MAPS["orders"])
    bring("orders", ORDERS.replace("10.5", "99"), MAPS["orders"])

    found = undo.undo(report.import_id).undone

    assert (found.n_orders_removed, found.n_orders_left) == (1, 1)
    assert found.orders_left == ["A"]
    assert (found.n_profiles_removed, found.n_profiles_left) == (1, 1)
    assert Order.objects.get().net_minor == 9_900


def test_names_and_traits_that_were_changed_since_stay(bring):
    bring("profiles", "no,mail,name,city\n1,e@example.com,Elif Doğan,Bursa", GUESTS)
    report = bring("profiles", "no,mail,name,city\n1,e@example.com,Elif Kaya,İzmir", GUESTS)
    elif_ = Profile.objects.get()
    value = profiles.Value(TraitKind.TEXT, "Muğla")
    facts = profiles.Facts(elif_.pk, last_name="Şahin", traits={"city": value})
    profiles.record([facts], source="web", at=clock.now())

    found = undo.undo(report.import_id).undone

    elif_.refresh_from_db()
    assert (elif_.last_name, Trait.objects.get().text) == ("Şahin", "Muğla")
    assert found.n_changed_since == 1
    assert not TraitChange.objects.filter(text="İzmir").exists()


def test_a_person_of_whom_more_is_known_by_now_stays(bring):
    report = bring("profiles", "no,mail,name,city\n1,,Elif,\n2,,Ali,", GUESTS)
    elif_ = Profile.objects.get(first_name="Elif")
    Event.objects.create(
        profile=elif_, name="Hotel Searched", at=1, recorded_at=2, dedupe_key="web:1", source="web"
    )
    found = undo.undo(report.import_id).undone
    assert (found.n_profiles_removed, found.profiles_left) == (1, [elif_.pk])
    assert list(Profile.objects.all()) == [elif_]


def test_the_preview_counts_the_same_and_writes_nothing(bring):
    report = bring("orders", ORDERS, MAPS["orders"])
    before = world()
    preview = undo.undo(report.import_id, dry_run=True)
    assert world() == before
    assert Import.objects.get().state == ImportState.DONE
    assert undo.undo(report.import_id).undone == preview.undone
    assert Debt.objects.count() == 1  # the import's: nobody is left to be evaluated


def test_an_import_is_undone_once_and_for_thirty_days(bring):
    report = bring("orders", ORDERS, MAPS["orders"])
    late = clock.now() + undo.KEPT_FOR
    with pytest.raises(UndoError, match="30 days"):
        undo.undo(report.import_id, at=late)
    undo.undo(report.import_id)
    with pytest.raises(UndoError, match="already"):
        undo.undo(report.import_id)


def test_what_it_takes_to_undo_is_forgotten_after_thirty_days(bring):
    bring("orders", ORDERS, MAPS["orders"])
    undo.forget_old(clock.now() + undo.KEPT_FOR - clock.DAY)
    assert ImportPage.objects.exists()
    undo.forget_old(clock.now() + undo.KEPT_FOR + clock.DAY)
    assert not ImportPage.objects.exists()


def test_an_undo_that_is_stopped_leaves_the_import_whole(bring):
    bring("orders", ORDERS, MAPS["orders"])
    report = bring("orders", ORDERS.replace("10.5", "12"), MAPS["orders"])
    before = world()
    n_statements = 0

    def count(execute, sql, params, many, context):
        nonlocal n_statements
        n_statements += 1
        if n_statements == stop_at:
            raise DatabaseError("stopped")
        return execute(sql, params, many, context)

    stop_at = 0
    with connection.execute_wrapper(count):
        undo.undo(report.import_id, dry_run=True)
    for point in range(2, n_statements, 5):
        stop_at, n_statements = point, 0
        with connection.execute_wrapper(count), pytest.raises(DatabaseError):
            undo.undo(report.import_id)
        assert world() == before
        assert Import.objects.get(pk=report.import_id).state == ImportState.DONE


def test_what_is_kept_of_a_person_is_erased(bring):
    bring("profiles", "no,mail,name,city\n1,,Elif Doğan,\n2,,Ali Kaya,", GUESTS)
    report = bring("profiles", "no,mail,name,city\n1,,Elif Kaya,\n2,,Ali Can,", GUESTS)
    elif_ = Profile.objects.get(first_name="Elif")
    journal.erase([elif_.pk])
    assert [one.before[0] for one in journal.names(report.import_id)] == ["Ali"]
    assert elif_.pk not in journal.ids(report.import_id, Holds.TOUCHED)
