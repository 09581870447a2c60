"""The rules of RFM on the pages: the form, what it would do, versions, limits that wait."""

from __future__ import annotations

import re

import pytest
from tests.web import company as made_up

from pusula.lib import clock
from pusula.orders.models import Order, OrderChange
from pusula.pipeline import project
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Profile, Trait
from pusula.rfm import actions, config, live, versions
from pusula.rfm.models import RfmVersion

pytestmark = pytest.mark.django_db
SETTINGS = "/rfm/+settings/"
_INPUT = re.compile(r"<input[^>]*>")
_SELECT = re.compile(r'<select[^>]*name="([^"]+)".*?</select>', re.DOTALL)
_CHOSEN = re.compile(r'<option value="([^"]*)" selected')
_OPTION = re.compile(r'<option value="([^"]*)"')


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def as_typed(shown: str) -> dict[str, object]:
    """Return what a browser would post of the form without anybody typing."""
    form = shown[shown.index('id="rules"') : shown.index('id="h-preview"')]
    found: dict[str, object] = {"names": ""}
    for tag in _INPUT.findall(form):
        name = re.search(r'name="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name is None or name[1] == "csrfmiddlewaretoken":
            continue
        if 'type="checkbox"' in tag:
            if " checked" in tag:
                given = value[1] if value else "on"
                found.setdefault(name[1], [])
                found[name[1]].append(given)
        else:
            found[name[1]] = value[1] if value else ""
    for match in _SELECT.finditer(form):
        chosen = _CHOSEN.search(match[0]) or _OPTION.search(match[0])
        found[match[1]] = chosen[1]
    return found


def posted(client, op: str, language: str = "en", **typed: object):
    given = as_typed(page(client, SETTINGS, language)) | typed
    return client.post(SETTINGS, {**given, "op": op})


@pytest.fixture
def buyers(company):
    """Everybody of the company bought, the later ones more often."""
    for n, profile in enumerate(Profile.objects.order_by("pk")[:40]):
        for k in range(1 + n % 5):
            at = made_up.NOW - (3 * n + 200 * k + 1) * clock.DAY
            made = Order.objects.create(
                profile=profile, source="rfm", source_id=f"{n}-{k}", status="completed",
                ordered_at=at, status_at=at, currency="TRY", gross_minor=1_000_00,
                net_minor=1_000_00, gross_base_minor=1_000_00, net_base_minor=1_000_00,
                recorded_at=at,
            )  # fmt: skip
            OrderChange.objects.create(
                order=made, profile=profile, ordered_at=at, changed_at=at, recorded_at=at,
                status="completed", gross_base_minor=1_000_00, net_base_minor=1_000_00,
            )  # fmt: skip
    return company


@pytest.fixture
def in_force(buyers):
    given = {"look_back_months": 24, "recency": {"cuts": [30, 90, 180, 365]}}
    return project.publish(versions.ask(config.parse_project(given), at=clock.now()))


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_form_says_what_is_in_force_and_posted_untouched_changes_nothing(
    deniz, in_force, language
):
    shown = page(deniz, SETTINGS, language)
    assert 'value="30, 90, 180, 365"' in shown
    answer = posted(deniz, "save", language)
    assert answer.status_code == 302
    assert answer["Location"] == SETTINGS
    assert versions.waiting() is None


def test_before_any_rules_hold_the_form_offers_those_of_the_newest_run(deniz, buyers):
    shown = page(deniz, SETTINGS)
    assert "No rules are in force yet" in shown
    assert RfmVersion.objects.count() == 0


def test_the_look_back_window_is_suggested_from_the_orders_of_the_company(deniz, buyers):
    assert re.search(r"(24|12|6) months suit you", page(deniz, SETTINGS))


def test_who_posts_sees_what_the_rules_would_do_and_nothing_is_kept(deniz, in_force):
    held = Trait.objects.filter(name="rfm_group").order_by("pk").values_list("pk", "text")
    traits = list(held)
    answer = posted(deniz, "preview", cuts="5, 10, 20, 30")
    shown = " ".join(answer.content.decode().split())
    assert answer.status_code == 200
    assert "Change their group" in shown
    assert "Counted over everybody" in shown
    assert list(held.all()) == traits
    assert RfmVersion.objects.count() == 1


def test_htmx_gets_the_preview_alone(deniz, in_force):
    given = as_typed(page(deniz, SETTINGS))
    answer = deniz.post(SETTINGS, {**given, "op": "preview"}, headers={"HX-Request": "true"})
    shown = answer.content.decode()
    assert "<html" not in shown
    assert "kpis" in shown


def test_the_figures_of_the_preview_are_those_after_saving(deniz, in_force):
    shown = " ".join(posted(deniz, "preview", cuts="5, 10, 20, 30").content.decode().split())
    said = re.search(r"<dt>Change their group</dt><dd>([\d,]+)</dd>", shown)
    posted(deniz, "save", cuts="5, 10, 20, 30")
    made = next(project.take_up())
    assert int(said[1]) == made.n_moved > 0


def test_saved_rules_wait_for_the_worker_and_are_in_the_audit_log(deniz, in_force):
    answer = posted(deniz, "save", cuts="10, 20, 30, 40", every="month", apply="itself")
    assert answer["Location"] == "/rfm/+settings/waiting/"
    asked = versions.waiting()
    assert asked.config["recency"]["cuts"] == [10, 20, 30, 40]
    assert asked.rerun == {"every": "month", "apply": "itself"}
    assert "On its way into force" in page(deniz, "/rfm/+settings/waiting/")
    assert "on its way into force" in page(deniz, SETTINGS)
    assert AuditEntry.objects.filter(verb="rfm.asked").count() == 1
    list(project.take_up())
    answer = deniz.get("/rfm/+settings/waiting/", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/rfm/+settings/versions/"


def test_own_names_are_given_in_the_grid(deniz, in_force):
    first = " ".join(posted(deniz, "preview", names="Yaz misafiri").content.decode().split())
    given = as_typed(first) | {"names": "Yaz misafiri", "group.55": "Yaz misafiri"}
    deniz.post(SETTINGS, {**given, "op": "save"})
    groups = versions.waiting().config["groups"]
    assert groups["Yaz misafiri"] == ["55"]
    assert sorted(code for codes in groups.values() for code in codes) == sorted(
        f"{r}{f}" for r in range(1, 6) for f in range(1, 6)
    )


def test_another_number_of_limits_gets_a_grid_of_its_own(deniz, in_force):
    answer = posted(deniz, "save", cuts="30, 60", frequency_quantiles="3")
    assert answer.status_code == 302
    asked = versions.waiting()
    assert sorted(code for codes in asked.config["groups"].values() for code in codes) == [
        f"{r}{f}" for r in range(1, 4) for f in range(1, 4)
    ]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"cuts": "30, 20"}, "Write rising numbers of days"),
        ({"cuts": "x"}, "Write rising numbers of days"),
        ({"cuts": ""}, "Write rising numbers of days"),
        ({"cuts": "1,2,3,4,5,6,7,8,9"}, "At most 8 limits"),
        ({"min_orders": "0"}, "Write a whole number from 1 to 10000"),
        ({"min_orders": "²"}, "Write a whole number"),
        ({"within": "-1"}, "Write a whole number from 0"),
        ({"trait": "tier", "is": ""}, "Write both the property and its values"),
        ({"look_back": "9999999"}, "Write a whole number from 1 to 600"),
        ({"names": "\n".join(map(str, range(99)))}, "At most 20 names"),
        ({"names": "x" * 41}, None),
        ({"count": "nothing"}, "Choose one of these"),
    ],
)
def test_what_nobody_can_mean_is_refused_with_the_place_and_nothing_is_kept(
    deniz, in_force, typed, said
):
    answer = posted(deniz, "save", **typed)
    if said is None:
        assert answer.status_code == 302  # a name that nothing is called
        return
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert versions.waiting() is None


@pytest.mark.parametrize("value", ["\0", "<script>alert(1)</script>", "9" * 5_000, "٣", "' or 1=1"])
def test_hostile_words_in_every_field_are_words(deniz, in_force, value):
    fields = as_typed(page(deniz, SETTINGS))
    hostile = [{name: value} for name in fields if not name.startswith("group.")]
    for typed in [*hostile, dict.fromkeys(fields, value), {"group.55": value}]:
        answer = deniz.post(SETTINGS, {**fields, **typed, "op": "preview"})
        assert answer.status_code in {200, 422}, typed
        assert "<script>alert" not in answer.content.decode()
    hidden = {f"group.{r}{f}": value for r in range(10) for f in range(10)}
    assert posted(deniz, "preview", **hidden).status_code in {200, 422}


def test_versions_stand_with_from_and_until_and_an_old_one_comes_back(deniz, in_force):
    posted(deniz, "save", cuts="10, 20, 30, 40")
    list(project.take_up())
    shown = page(deniz, "/rfm/+settings/versions/")
    assert shown.count("<h2") >= 2
    assert "30, 90, 180, 365 days" in shown
    assert "10, 20, 30, 40 days" in shown
    answer = deniz.post("/rfm/+settings/apply/", {"number": "1"})
    assert answer["Location"] == "/rfm/+settings/waiting/"
    list(project.take_up())
    assert versions.current().restored == 1
    assert "Version 1 came back" in page(deniz, "/rfm/+settings/versions/")


def test_limits_that_wait_are_shown_with_whom_they_would_move_and_taken_over(
    deniz, in_force, monkeypatch
):
    for order in Order.objects.filter(source="rfm")[:30]:
        Order.objects.filter(pk=order.pk).update(net_base_minor=9_000_00)
        order.changes.update(net_base_minor=9_000_00)
    monkeypatch.setattr(clock, "now", lambda: made_up.NOW + 20 * clock.DAY)
    run = actions.run(clock.day_of(clock.now(), "Europe/Istanbul"), versions.of(in_force).rules)
    shown = page(deniz, SETTINGS)
    assert "New limits wait" in shown
    assert "would change the group" in shown
    stale = deniz.post("/rfm/+settings/apply/", {"run": str(run.pk + 1)})
    assert stale["Location"] == "/rfm/+settings/versions/"
    deniz.post("/rfm/+settings/apply/", {"run": str(run.pk)})
    list(project.take_up())
    assert versions.current().cause == "rerun"
    assert "New limits wait" not in page(deniz, SETTINGS)


def test_a_change_is_discarded_and_what_failed_says_why(deniz, in_force):
    posted(deniz, "save", cuts="10, 20, 30, 40")
    RfmVersion.objects.filter(published_at=None).update(error="the disk is full")
    assert "the disk is full" in page(deniz, "/rfm/+settings/waiting/")
    deniz.post("/rfm/+settings/apply/", {"op": "discard"})
    assert versions.waiting() is None


@pytest.mark.parametrize("language", ["tr", "en"])
def test_who_waits_sees_how_far_it_is_and_cannot_take_back_what_is_begun(deniz, in_force, language):
    posted(deniz, "save", cuts="10, 20, 30, 40")
    shown = page(deniz, "/rfm/+settings/waiting/", language)
    assert 'id="discard"' in shown
    assert "<progress" in shown
    begun = {"begun_at": clock.now(), "n_done": 1_500, "n_all": 4_000}
    RfmVersion.objects.filter(published_at=None).update(**begun)
    shown = page(deniz, "/rfm/+settings/waiting/", language)
    assert 'max="4000" value="1500"' in shown
    assert {"tr": "1.500", "en": "1,500 of 4,000 customers"}[language] in shown
    assert 'id="discard"' not in shown
    deniz.post("/rfm/+settings/apply/", {"op": "discard"})
    assert versions.waiting() is not None


@pytest.mark.parametrize("given", [{}, {"number": "99"}, {"number": "²"}, {"run": "x"}])
def test_what_is_not_there_cannot_be_applied(deniz, in_force, given):
    answer = deniz.post("/rfm/+settings/apply/", given)
    assert answer.status_code == 302
    assert versions.waiting() is None


def test_nobody_sees_or_sets_rules_without_signing_in(client, in_force):
    for path in ("", "versions/", "waiting/"):
        assert "/login/" in client.get(f"/rfm/+settings/{path}")["Location"]
    assert client.post("/rfm/+settings/apply/", {"number": "1"}).status_code in {302, 403}
    assert versions.waiting() is None


def test_the_card_tells_how_a_customer_stands_now(deniz, in_force):
    order = Order.objects.filter(source="rfm", status="completed").order_by("-ordered_at").first()
    shown = page(deniz, f"/customers/{order.profile_id}/")
    graded = live.of_profile(order.profile_id, clock.now(), live.in_force())
    assert f"<b>{graded.r}-{graded.f}-{graded.m}</b>" in shown
    assert "as of now" in shown
    Order.objects.filter(profile_id=order.profile_id).update(status="cancelled")
    assert "Not scored" in page(deniz, f"/customers/{order.profile_id}/")
