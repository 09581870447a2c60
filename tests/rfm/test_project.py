"""The rules in force as people set them: applied, measured anew, brought back."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner
from django.utils import translation

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops.rfm import rfm
from pusula.orders.models import Order, OrderChange
from pusula.pipeline import grading, project
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Identifier, Profile, Trait
from pusula.rfm import config, preview, versions
from pusula.rfm.models import RfmRun, RfmScore, RfmVersion
from pusula.rfm.versions import VersionError
from pusula.segments import actions as segments
from pusula.segments.everybody import rebuild
from pusula.segments.models import Debt, Membership

pytestmark = pytest.mark.django_db
ZONE = "Europe/Istanbul"
RULES = """
look_back_months = 24
[recency]
measure = "calendar_days"
cuts = [30, 90, 180, 365]
"""
CHAMPIONS = {
    "segment": "champions",
    "title": {"en": "Champions", "tr": "Şampiyonlar"},
    "where": {"trait": {"rfm_group": {"is": "champions"}}},
}


def on(monkeypatch, day: date) -> None:
    """Let it be noon of ``day``."""
    moment = clock.start_of(day, ZONE) + 12 * clock.HOUR
    monkeypatch.setattr(clock, "now", lambda: moment)


def buys(profile: Profile, day: date, *, minor: int = 100_000) -> None:
    at = clock.start_of(day, ZONE) + clock.HOUR
    made = Order.objects.create(
        profile=profile, source="shop", source_id=str(Order.objects.count()), status="completed",
        ordered_at=at, status_at=at, currency="TRY", gross_minor=minor, net_minor=minor,
        gross_base_minor=minor, net_base_minor=minor, recorded_at=at,
    )  # fmt: skip
    OrderChange.objects.create(
        order=made, profile=profile, ordered_at=at, changed_at=at, recorded_at=at,
        status="completed", gross_base_minor=minor, net_base_minor=minor,
    )  # fmt: skip


@pytest.fixture
def shop(monkeypatch):
    """Twenty people; the first ordered once long ago, the last twenty times until yesterday."""
    on(monkeypatch, date(2026, 3, 10))
    for n in range(20):
        profile = Profile.objects.create(created_at=0, recorded_at=0)
        Identifier.objects.create(
            profile=profile, kind="key", value=f"shop:{n:03}", source="shop", recorded_at=0
        )
        for k in range(n + 1):
            buys(profile, clock.add_months(date(2025, 2, 1 + n), k % 13), minor=1_000 * (n + 1))
    return list(Profile.objects.order_by("pk"))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rfm.toml"
    path.write_text(RULES, encoding="utf-8")
    return path


def pusula(*words: object) -> str:
    with translation.override("en"):
        told = CliRunner(env={"COLUMNS": "120"}).invoke(rfm, [str(word) for word in words])
    if told.exception and not isinstance(told.exception, SystemExit):
        raise told.exception
    return told.output


def groups() -> dict[int, str]:
    return dict(Trait.objects.filter(name="rfm_group").values_list("profile_id", "text"))


def test_rules_in_force_grade_everybody_as_a_run_of_that_day_does(shop, file):
    told = json.loads(pusula("apply", file, "--json"))
    assert (told["number"], told["n_graded"], told["as_of_on"]) == (1, 20, "2026-03-10")
    run = RfmRun.objects.get()
    assert groups() == dict(RfmScore.objects.filter(run=run).values_list("profile_id", "group"))
    assert AuditEntry.objects.filter(verb="rfm.published").count() == 1


def test_segments_follow_the_rules_in_force_in_the_same_breath(shop, file):
    segments.apply([("champions.yaml", CHAMPIONS)])
    rebuild.everybody(at=clock.now())
    pusula("apply", file)
    champions = {pk for pk, group in groups().items() if group == "champions"}
    members = Membership.objects.filter(left_at=None)
    assert champions
    assert set(members.values_list("profile_id", flat=True)) == champions
    assert not Debt.objects.exists()


def test_a_dry_run_says_what_would_change_and_what_contradicts_itself(shop, file):
    pusula("apply", file)
    file.write_text(RULES + "[pool]\nordered_within_days = 90\nmin_orders = 4\n", encoding="utf-8")
    told = pusula("apply", file, "--dry-run")
    assert "+ At least 4 orders in the look-back window, the last at most 90 days ago" in told
    assert "nobody can have the recency scores 1, 2, 3." in told
    assert versions.history().count() == 1
    assert RfmRun.objects.count() == 1


def test_versions_say_what_each_changed_and_an_old_one_comes_back_whole(shop, file):
    pusula("apply", file)
    before = groups()
    file.write_text(RULES.replace("30, 90", "5, 10"), encoding="utf-8")
    pusula("apply", file)
    assert groups() != before
    assert "- Limits of the business: 30, 90, 180, 365 days, counted by dates" in pusula("versions")
    assert "+ Limits of the business: 5, 10, 180, 365 days, counted by dates" in pusula("diff", 1)
    pusula("apply", "--version", 1)
    assert groups() == before
    newest = versions.current()
    assert (newest.number, newest.cause, newest.restored) == (3, "restored", 1)
    assert pusula("diff", 1, 3) == "Nothing changed.\n"
    with pytest.raises(VersionError, match="no version 9 that was in force"):
        pusula("apply", "--version", 9)


def test_a_run_by_the_rules_in_force_waits_to_be_taken_over(shop, file, monkeypatch):
    pusula("apply", file)
    before = groups()
    for profile in shop[:10]:
        buys(profile, date(2026, 3, 20), minor=900_000)
    on(monkeypatch, date(2026, 4, 2))
    pusula("run", "--as-of", "2026-04-02")
    assert groups() == before  # what was written past the live step, nobody has heard of yet
    told = pusula("drift")
    assert "customers (" in told
    assert "would change their group" in told
    drift = versions.proposal().drift
    assert drift["n_moved"] == sum(n for *_, n in drift["flows"]) > 0
    pusula("apply", "--proposed")
    run = RfmRun.objects.get(as_of_on=date(2026, 4, 2))
    assert groups() == dict(RfmScore.objects.filter(run=run).values_list("profile_id", "group"))
    assert versions.proposal() is None
    assert "nothing waits" in pusula("drift")


def test_drift_counts_exactly_those_whom_the_new_limits_would_move(shop, file, monkeypatch):
    pusula("apply", file)
    for profile in shop[:10]:
        buys(profile, date(2026, 3, 20), minor=900_000)
    on(monkeypatch, date(2026, 4, 2))
    pusula("run", "--as-of", "2026-04-02")
    run = versions.proposal()
    by_new = dict(RfmScore.objects.filter(run=run).values_list("profile_id", "group"))
    grading.repair()
    by_old = groups()
    assert run.drift["n_moved"] == sum(by_old[pk] != group for pk, group in by_new.items())


def test_other_rules_run_beside_those_in_force_change_nobody(shop, file, tmp_path):
    pusula("apply", file)
    before = groups()
    other = tmp_path / "other.toml"
    other.write_text("[pool]\nmin_orders = 19\n", encoding="utf-8")
    told = json.loads(pusula("run", "--as-of", "2026-03-10", "--config", other, "--json"))
    assert told["n_profiles"] == 2
    assert groups() == before
    assert versions.proposal() is None


@pytest.mark.parametrize(
    ("every", "days"),
    [
        ("month", [date(2026, 4, 1), date(2026, 5, 1)]),
        ("quarter", [date(2026, 4, 1), date(2026, 7, 1)]),
    ],
)
def test_limits_are_measured_anew_once_a_period(shop, file, monkeypatch, every, days):
    file.write_text(RULES + f'[rerun]\nevery = "{every}"\n', encoding="utf-8")
    pusula("apply", file)
    on(monkeypatch, date(2026, 3, 31))
    pusula("due")
    assert RfmRun.objects.count() == 1
    for n, day in enumerate(days):
        on(monkeypatch, day)
        for profile in shop:
            buys(profile, clock.add_months(day, -1), minor=50_000)
        pusula("due")
        pusula("due")
        assert RfmRun.objects.count() == 2 + n
        assert versions.proposal().as_of_on == day
    assert versions.current().number == 1


def test_limits_are_taken_over_by_themselves_where_the_rules_say_so(shop, file, monkeypatch):
    file.write_text(RULES + '[rerun]\nevery = "month"\napply = "itself"\n', encoding="utf-8")
    pusula("apply", file)
    for profile in shop[:10]:
        buys(profile, date(2026, 3, 20), minor=900_000)
    on(monkeypatch, date(2026, 4, 3))
    told = pusula("due")
    assert "would change their group" in told or versions.current().number == 2
    newest = versions.current()
    assert (newest.number, newest.cause, newest.as_of_on) == (2, "rerun", date(2026, 4, 3))
    assert versions.of(newest).rerun.apply == "itself"
    assert versions.proposal() is None


def test_what_is_asked_for_on_the_pages_comes_into_force_by_the_worker(shop):
    versions.ask(config.parse_project({"look_back_months": 12}), by="deniz", at=clock.now())
    assert versions.current() is None
    assert "Version 1 is in force" in pusula("due")
    assert versions.current().asked_by == "deniz"
    assert AuditEntry.objects.get(verb="rfm.published").actor == "deniz"


def test_who_asks_again_takes_the_place_of_who_asked_before(shop):
    versions.ask(config.parse_project({"look_back_months": 12}), by="a", at=clock.now())
    versions.ask(config.parse_project({"look_back_months": 6}), by="b", at=clock.now())
    assert RfmVersion.objects.count() == 1
    pusula("due")
    assert versions.current().config["look_back_months"] == 6


def test_rules_taken_back_while_they_are_measured_never_hold(shop, monkeypatch):
    asked = versions.ask(config.parse_project({}), at=clock.now())
    versions.discard(asked)
    with translation.override("en"), pytest.raises(VersionError, match="taken back meanwhile"):
        project.publish(asked)
    assert groups() == {}
    assert versions.current() is None


def test_rules_that_cannot_be_brought_into_force_say_why_and_are_not_tried_for_ever(
    shop, file, monkeypatch
):
    pusula("apply", file)
    before = groups()
    versions.ask(config.parse_project({}), at=clock.now())

    def refuse(*_: object, **_more: object) -> None:
        raise PusulaError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(project.actions, "run", refuse)
        pusula("due")
    pusula("due")
    assert versions.waiting().error == "the disk is full"
    assert groups() == before
    assert versions.current().number == 1


def test_no_limit_holds_the_number_of_a_customer(shop, file):
    pusula("apply", file)
    stored = json.dumps(versions.current().cuts) + json.dumps(RfmRun.objects.get().cuts)
    keys = Identifier.objects.filter(kind="key").values_list("value", flat=True)
    assert not [key for key in keys if key in stored]


def test_the_same_rules_apply_to_an_empty_company(db, file, monkeypatch):
    on(monkeypatch, date(2026, 3, 10))
    told = json.loads(pusula("apply", file, "--json"))
    assert (told["n_graded"], told["n_moved"]) == (0, 0)
    assert "nobody" not in groups()


def test_a_return_is_no_purchase_that_a_window_should_reach_back_to(monkeypatch):
    on(monkeypatch, date(2026, 6, 1))
    (who,) = Profile.objects.bulk_create([Profile(created_at=0, recorded_at=0)])
    buys(who, date(2024, 1, 10))
    buys(who, date(2026, 5, 1), minor=-5_000)
    assert preview.rhythm(clock.now()) is None
    buys(who, date(2024, 3, 10))
    assert preview.rhythm(clock.now()).months == 6
