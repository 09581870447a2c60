"""Journeys as pages: how they fare, who is where, and pausing and ending them."""

from __future__ import annotations

import re

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.web import company as made_up
from tests.web import rides

from pusula.campaigns.models import Template
from pusula.journeys import figures, versions
from pusula.journeys.models import Enrollment, Journey
from pusula.lib.sayings import Saying, kept
from pusula.outbox import doubts
from pusula.outbox.models import Hold, Message
from pusula.outbox.spikes import ORIGIN_HOLD
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db
PATHS = (
    "/journeys/",
    "/journeys/+import/",
    "/journeys/abandoned/",
    "/journeys/abandoned/export/",
    "/journeys/abandoned/people/",
    "/journeys/abandoned/people/1/",
    "/journeys/abandoned/state/?to=archived",
)


def page(client, path: str, language: str = "en", status: int = 200) -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == status, path
    return " ".join(answer.content.decode().split())


def words(html: str) -> str:
    """Return what a page says, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def journey(company) -> Journey:
    return rides.under_way()


def test_without_journeys_the_list_names_what_there_is_to_start_from(deniz):
    shown = page(deniz, "/journeys/")
    assert "No journeys yet" in shown
    assert "Abandoned booking" in shown


@pytest.mark.parametrize("path", PATHS)
def test_only_those_who_have_signed_in_see_journeys(db, path):
    assert Client().get(path).status_code == 302


@pytest.mark.parametrize(
    "path", ["/journeys/gone/", "/journeys/gone/people/", "/journeys/gone/people/1/",
             "/journeys/gone/export/", "/journeys/gone/state/?to=paused"],
)  # fmt: skip
def test_there_is_no_page_of_a_journey_that_is_not_there(deniz, path):
    page(deniz, path, status=404)


def test_there_is_no_page_of_a_version_person_or_state_that_is_not_there(deniz, journey):
    for path in ("?version=99", "?version=x", "people/999999/", "state/?to=flying", "state/"):
        page(deniz, f"/journeys/abandoned/{path}", status=404)


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_list_says_how_each_journey_fared_lately(deniz, journey, language):
    Enrollment.objects.filter(pk__in=[r.pk for r in journey.enrollments.all()[:3]]).update(
        outcome="goal", is_holdout=False
    )
    n_held_out = Enrollment.objects.filter(is_holdout=True).count()
    [row] = deniz.get("/journeys/").context["rows"]
    assert (row["lately"].n_entered, row["goal"].n) == (24, 3)
    assert row["goal"].conversion == 3 / (24 - n_held_out)
    assert row["lately"].n_waiting + row["lately"].n_finished == 24
    page(deniz, "/journeys/", language)


def test_the_list_and_the_page_count_a_goal_that_is_reached_on_the_way_alike(deniz, company):
    steps = [{"id": "won", "goal": True}, {"id": "day", "wait": {"for": "2 days"}}]
    journey = rides.publish(exit_when=None, goal=None, holdout=0, steps=steps)
    for profile in Profile.objects.order_by("pk")[:4]:
        rides.come_in(journey.key, profile, ago=3)
    [row] = deniz.get("/journeys/").context["rows"]
    assert (row["goal"].n, row["goal"].conversion) == (4, 1.0)
    assert deniz.get("/journeys/abandoned/").context["goal"] == row["goal"]
    rides.publish("plain", goal=None, steps=[{"id": "day", "wait": {"for": "2 days"}}])
    assert deniz.get("/journeys/plain/").context["goal"] is None


def test_each_version_tells_its_own_messages_and_people_and_leads_to_them(deniz, company):
    steps = [rides.mail("hello"), {"id": "day", "wait": {"for": "2 days"}}]
    journey = rides.publish(exit_when=None, goal=None, holdout=0, steps=steps)
    first, second, third = Profile.objects.order_by("pk")[:3]
    rides.come_in(journey.key, first, ago=1.5)
    rides.come_in(journey.key, second, ago=1.4)
    rides.publish(ago=1.2, exit_when=None, goal=None, holdout=0, priority=2, steps=steps)
    rides.come_in(journey.key, third, ago=1)
    assert Message.objects.filter(origin=journey.origin).count() == 3
    for number, people in ((1, {first.pk, second.pk}), (2, {third.pk})):
        shown = page(deniz, f"/journeys/abandoned/?version={number}")
        tree = deniz.get(f"/journeys/abandoned/?version={number}").context["tree"]
        [card] = [card for card in tree.cards if card.key == "hello"]
        assert card.n_in == len(people)
        assert card.n_sent + card.n_open + card.n_refused == len(people)
        waiting = f"?step=day&amp;version={number}"
        assert waiting in shown
        listed = deniz.get(f"/journeys/abandoned/people/{waiting}".replace("&amp;", "&"))
        assert {row["ride"].profile_id for row in listed.context["rows"]} == people
        narrowed = f"/sending/?days=365&origin={journey.origin}&step=hello&version={number}"
        rows = deniz.get(narrowed).context["rows"]
        assert {row["message"].profile_id for row in rows} == people
        assert f"Version {number}" in page(deniz, narrowed)


def test_a_message_sent_anew_stays_with_the_version_it_was_asked_for_on(deniz, company):
    steps = [rides.mail("hello"), {"id": "day", "wait": {"for": "2 days"}}]
    journey = rides.publish(exit_when=None, goal=None, holdout=0, steps=steps)
    first, second = Profile.objects.order_by("pk")[:2]
    rides.come_in(journey.key, first, ago=1.5)
    rides.publish(ago=1.2, exit_when=None, goal=None, holdout=0, priority=2, steps=steps)
    rides.come_in(journey.key, second, ago=1)
    old = Message.objects.get(profile=first)
    Message.objects.filter(pk=old.pk).update(state="unknown", reason="")
    doubts.resend(old.pk, by="deniz", at=made_up.NOW)
    mine = figures.messages(journey.versions.get(number=1))
    assert set(mine.values_list("profile_id", flat=True)) == {first.pk}
    assert mine.count() == 2


def test_what_cannot_go_on_is_named_with_the_way_out(deniz, journey):
    rides.put_off(journey, "there is no <b>template</b>")
    for path in ("/journeys/", "/journeys/abandoned/"):
        shown = page(deniz, path)
        assert "cannot go on" in shown
        assert "there is no &lt;b&gt;template&lt;/b&gt;" in shown
    assert deniz.get("/journeys/abandoned/people/?fails=1").context["n"] == 1


@pytest.mark.parametrize("language", ["tr", "en"])
def test_everybody_who_came_to_a_step_waits_went_on_or_left(deniz, journey, language):
    page(deniz, "/journeys/abandoned/", language)
    context = deniz.get("/journeys/abandoned/").context
    cards = [card for card in context["tree"].cards if card.number]
    assert [card.number for card in cards] == list(range(1, 14))
    for card in cards:
        assert card.n_in == card.n_waiting + card.n_on + card.n_left, card
    assert sum(card.n_waiting for card in cards) == context["counts"].n_waiting
    entry, end = context["tree"].cards[0], context["tree"].cards[-1]
    assert entry.n_in == 24
    left = sum(n for _, _, n in context["outcomes"])
    assert left + context["counts"].n_waiting == 24
    assert end.n_in == {code: n for code, _, n in context["outcomes"]}.get("done", 0)


def test_the_tree_and_the_list_hold_the_same_steps(deniz, journey):
    tree = deniz.get("/journeys/abandoned/").context["tree"]
    drawn = {box.what.key for box in tree.boxes}
    assert drawn == {card.key for card in tree.cards if card.key}
    shown = page(deniz, "/journeys/abandoned/")
    for key in drawn:
        assert f'id="step-{key}"' in shown
        assert f'href="#step-{key}"' in shown


def test_every_refusal_of_a_step_opens_its_messages(deniz, journey):
    tree = deniz.get("/journeys/abandoned/").context["tree"]
    shown = page(deniz, "/journeys/abandoned/")
    refused = [(card.key, one) for card in tree.cards for one in card.refusals]
    assert refused
    for step, one in refused:
        query = (
            f"origin={journey.origin}&amp;step={step}&amp;state={one.state}&amp;reason={one.code}"
        )
        assert query in shown
        listed = deniz.get(f"/sending/?days=365&{query.replace('&amp;', '&')}").context["n"]
        assert listed == one.n
    n = Message.objects.filter(origin=journey.origin, state="skipped").count()
    assert sum(one.n for _, one in refused) == n


def test_names_are_data_and_never_markup(deniz, company):
    evil = "<script>alert(1)</script>"
    rides.publish("evil", title={"tr": evil, "en": evil}, description={"tr": evil, "en": evil})
    person = made_up.profile(evil, "</b>", created=1)
    rides.come_in("evil", person, 1)
    for path in ("", "people/", f"people/{person.pk}/", "state/?to=archived", "people/?q=alert"):
        shown = page(deniz, f"/journeys/evil/{path}")
        assert "<script>alert" not in shown
    assert "<script>alert" not in page(deniz, "/journeys/")
    assert "<script>alert" not in page(deniz, f"/customers/{person.pk}/")


def test_a_definition_that_speaks_of_what_is_gone_says_so_and_shows_the_rest(deniz, journey):
    version = journey.versions.get()
    version.definition["who"] = {"trait": {"shoe_size": {"is": 44}}}
    version.save(update_fields=["definition"])
    shown = page(deniz, "/journeys/abandoned/")
    assert "not here any more" in shown
    assert "shoe_size" in shown
    page(deniz, "/journeys/abandoned/people/")
    page(deniz, f"/journeys/abandoned/people/{journey.enrollments.first().profile_id}/")


@pytest.mark.parametrize("language", ["tr", "en"])
def test_versions_say_what_they_changed(deniz, journey, language):
    steps = rides.document()["steps"]
    steps[0] = {"id": "pause", "wait": {"for": "45 minutes"}}
    rides.publish("abandoned", ago=1, steps=steps)
    newer, first = deniz.get("/journeys/abandoned/").context["versions"]
    assert newer.is_current
    assert [line for line in newer.differences.added if "45" in line]
    assert [line for line in newer.differences.removed if "30" in line]
    assert len(newer.differences.added) == 1
    assert first.n_waiting == journey.enrollments.filter(state="waiting").count()
    old = page(deniz, "/journeys/abandoned/?version=1", language)
    assert "30 dakika" in old if language == "tr" else "Wait 30 minutes" in old


def test_a_draft_says_that_nobody_comes_in_on_it(deniz, company):
    rides.publish()
    rides.save(title={"tr": "Yeni", "en": "New name"})
    shown = page(deniz, "/journeys/abandoned/")
    assert "Version 2 is a draft" in shown
    assert "Called “New name” from here on" in shown


def test_a_journey_is_handed_out_as_a_file_and_taken_back_as_a_draft(deniz, company):
    rides.publish()
    answer = deniz.get("/journeys/abandoned/export/")
    assert answer["Content-Disposition"] == 'attachment; filename="abandoned.yaml"'
    document = yaml.safe_load(answer.content)
    document["journey"] = "copy"
    text = yaml.safe_dump(document)
    file = SimpleUploadedFile("copy.yaml", text.encode())
    assert deniz.post("/journeys/+import/", {"file": file}).status_code == 302
    copy = Journey.objects.get(key="copy")
    assert (copy.state, copy.version) == ("draft", None)
    assert copy.versions.get().created_by == "deniz"
    assert AuditEntry.objects.filter(verb="journey.applied").count() == 1
    deniz.post("/journeys/+import/", {"text": text})
    assert copy.versions.count() == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "journey: x",
        "[1, 2",
        "journey: x\n" * 50_000,
        "\x00",
        "steps: [{id: a, wait: {for: 1}}]",
    ],
)
def test_what_is_no_journey_is_refused_with_its_place(deniz, company, text):
    answer = deniz.post("/journeys/+import/", {"text": text})
    assert answer.status_code == 422
    assert answer.context["problem"]
    assert not Journey.objects.exists()


def test_pausing_is_one_press_and_going_on_says_first_what_it_does(deniz, journey):
    assert deniz.post("/journeys/abandoned/state/", {"to": "paused"}).status_code == 302
    journey.refresh_from_db()
    assert journey.state == "paused"
    assert Hold.objects.filter(origin=journey.origin).exists()
    assert "Paused: nobody comes in" in page(deniz, "/journeys/abandoned/")
    assert "at once." in page(deniz, "/journeys/abandoned/state/?to=live")
    journey.refresh_from_db()
    assert journey.state == "paused"
    deniz.post("/journeys/abandoned/state/", {"to": "live"})
    journey.refresh_from_db()
    assert journey.state == "live"
    assert not Hold.objects.filter(origin=journey.origin).exists()
    verbs = AuditEntry.objects.filter(object="journey:abandoned").values_list("verb", flat=True)
    assert set(verbs) == {"journey.paused", "journey.resumed"}


def test_a_journey_is_archived_only_with_the_number_of_those_who_leave(deniz, journey):
    n = journey.enrollments.filter(state="waiting").count()
    asked = page(deniz, "/journeys/abandoned/state/?to=archived")
    assert re.search(rf"\b{n} (person|people) on it", asked)
    for typed in ("", "x", str(n + 1)):
        answer = deniz.post("/journeys/abandoned/state/", {"to": "archived", "people": typed})
        assert answer.status_code == 422
    journey.refresh_from_db()
    assert journey.state == "live"
    deniz.post("/journeys/abandoned/state/", {"to": "archived", "people": str(n)})
    journey.refresh_from_db()
    assert journey.state == "archived"
    assert not journey.enrollments.filter(state="waiting").exists()
    assert "/journeys/abandoned/" not in page(deniz, "/journeys/")
    assert "/journeys/abandoned/" in page(deniz, "/journeys/?show=archived")


def test_a_state_that_cannot_follow_changes_nothing(deniz, company):
    rides.save("season")
    for to in ("live", "paused"):
        answer = deniz.post("/journeys/season/state/", {"to": to})
        assert answer.status_code == 302
    assert Journey.objects.get(key="season").state == "draft"


def test_no_get_changes_a_journey(deniz, journey):
    for to in ("paused", "archived"):
        deniz.get(f"/journeys/abandoned/state/?to={to}")
    journey.refresh_from_db()
    assert journey.state == "live"
    for path in ("", "people/", "export/"):
        assert deniz.post(f"/journeys/abandoned/{path}").status_code == 405
    outsider = Client(enforce_csrf_checks=True)
    outsider.cookies = deniz.cookies
    assert outsider.post("/journeys/abandoned/state/", {"to": "paused"}).status_code == 403


def test_the_overview_names_a_journey_that_fails_and_not_one_that_is_paused(deniz, journey):
    deniz.post("/journeys/abandoned/state/", {"to": "paused"})
    assert "Sending is held back" not in page(deniz, "/")
    assert "in the journey" not in page(deniz, "/")
    rides.put_off(journey)
    shown = page(deniz, "/")
    assert "1 person cannot go on in the journey “Abandoned booking”." in shown
    assert "/journeys/abandoned/" in shown


def test_messages_that_are_held_back_are_said_so(deniz, journey):
    Hold.objects.create(origin="", reason="paused", since_at=made_up.NOW)
    assert "Messages are held back" in page(deniz, "/journeys/abandoned/")


def test_a_journey_that_is_held_by_itself_says_why(deniz, journey):
    Message.objects.filter(origin=journey.origin).update(state="pending")
    why = kept(Saying("%(n)s addresses closed within an hour", {"n": 7}))
    Hold.objects.create(origin=journey.origin, reason=ORIGIN_HOLD, detail=why, since_at=made_up.NOW)
    shown = page(deniz, "/journeys/abandoned/")
    assert "<b>7 addresses closed within an hour</b>" in shown
    assert f"pusula sender resume {journey.origin}" in shown


def test_a_page_asks_the_same_number_of_questions_however_many_are_on_it(
    deniz, company, django_assert_max_num_queries
):
    rides.under_way()
    with django_assert_max_num_queries(60):
        deniz.get("/journeys/abandoned/")
    with django_assert_max_num_queries(30):
        deniz.get("/journeys/abandoned/people/")


def test_templates_that_are_gone_do_not_take_the_page_with_them(deniz, journey):
    Template.objects.all().update(archived_at=1)
    assert "“Merhaba”" in page(deniz, "/journeys/abandoned/")
    assert versions.names() is not None


def test_people_page_by_page_are_each_there_once(deniz, company, monkeypatch):
    rides.publish(holdout="1 %")
    for number, profile in enumerate(Profile.objects.order_by("pk")[:30]):
        rides.come_in("abandoned", profile, 1 + (number // 7))
    monkeypatch.setattr("pusula.web.views.journey_people.PAGE", 8)
    seen: list[int] = []
    path = "/journeys/abandoned/people/"
    while path:
        context = deniz.get(path).context
        seen += [row["ride"].pk for row in context["rows"]]
        path = (
            context["next_before"]
            and f"/journeys/abandoned/people/?before={context['next_before']}"
        )
    assert len(seen) == len(set(seen)) == 30


def test_people_are_narrowed_by_step_and_by_how_they_left(deniz, journey):
    for step in ("answer", "call"):
        context = deniz.get(f"/journeys/abandoned/people/?step={step}").context
        assert {row["ride"].node for row in context["rows"]} <= {step}
    for outcome in ("done", "exited", "holdout"):
        context = deniz.get(f"/journeys/abandoned/people/?state={outcome}").context
        assert {row["ride"].outcome for row in context["rows"]} <= {outcome}
    assert "Nobody like this" in page(deniz, "/journeys/abandoned/people/?step=gone")
    assert deniz.get("/journeys/abandoned/people/?state=flying&before=x").context["n"] == 24


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_trace_tells_each_decision_with_its_reason_and_moment(deniz, journey, language):
    for ride in journey.enrollments.all():
        path = f"/journeys/abandoned/people/{ride.profile_id}/"
        [shown] = deniz.get(path).context["rides"]
        assert len(shown.passed) == ride.passages.count()
        assert [one.at for one in shown.passed] == sorted(one.at for one in shown.passed)
    shown = words(page(deniz, path, language))
    assert ("bir program ya da kişi eklediğinde" in shown) or ("puts them in" in shown)


def test_why_somebody_got_nothing_is_said_on_their_page(deniz, journey):
    refused = Message.objects.filter(origin=journey.origin, reason="no_consent").first()
    shown = words(page(deniz, f"/journeys/abandoned/people/{refused.profile_id}/"))
    assert "No consent for this channel" in shown
    held_out = journey.enrollments.filter(is_holdout=True).first()
    shown = words(page(deniz, f"/journeys/abandoned/people/{held_out.profile_id}/"))
    assert "In the control group: gets nothing." in shown


def test_somebody_who_was_never_on_it_is_told_why(deniz, journey):
    person = made_up.profile("Yeni", "Misafir", created=1)
    found = page(deniz, "/journeys/abandoned/people/?q=misafir")
    assert f"/journeys/abandoned/people/{person.pk}/" in found
    shown = page(deniz, f"/journeys/abandoned/people/{person.pk}/")
    assert "Was never on this journey" in shown
    assert "Nothing that happened has brought them in so far." in shown


def test_the_card_of_a_customer_leads_to_their_journeys(deniz, journey):
    waiting = journey.enrollments.filter(state="waiting").first()
    shown = page(deniz, f"/customers/{waiting.profile_id}/")
    assert f"/journeys/abandoned/people/{waiting.profile_id}/" in shown
    assert "on it, waits until" in shown
    outside = made_up.profile("Yeni", "Misafir", created=1)
    assert "h-journeys" not in page(deniz, f"/customers/{outside.pk}/")


def test_an_earlier_version_is_taken_up_again_by_way_of_a_draft(deniz, company):
    steps = [{"id": "day", "wait": {"for": "2 days"}}]
    journey = rides.publish(exit_when=None, holdout=0, steps=steps)
    profile = Profile.objects.order_by("pk").first()
    assert "Back to version" not in page(deniz, "/journeys/abandoned/", "en")
    rides.publish(ago=1.2, exit_when=None, holdout=0, priority=2, steps=steps)
    rides.come_in(journey.key, profile, ago=1)
    assert "Back to version 1" in page(deniz, "/journeys/abandoned/", "en")
    path = "/journeys/abandoned/publish/1/"
    assert deniz.get(path).status_code == 405
    answer = deniz.post(path)
    assert answer.headers["Location"] == "/journeys/abandoned/publish/"
    first, second, third = journey.versions.order_by("number")
    assert third.definition == first.definition != second.definition
    assert third.published_at is None
    deniz.post(path)  # a draft of somebody is not written over
    assert journey.versions.count() == 3
    mark = deniz.get("/journeys/abandoned/publish/").context["mark"]
    deniz.post(
        "/journeys/abandoned/publish/", {"mark": mark, "decision": "publish", "people": "move"}
    )
    assert Journey.objects.get(key="abandoned").version.number == 3
    assert Enrollment.objects.get().version.number == 3


def test_only_a_published_version_can_be_taken_up(deniz, company):
    rides.save()
    for number in (1, 9):
        assert deniz.post(f"/journeys/abandoned/publish/{number}/").status_code == 404


def test_a_copy_begins_with_what_a_journey_says_and_has_a_key_of_its_own(deniz, journey):
    shown = deniz.get("/journeys/+new/?copy=abandoned")
    desk = shown.context["desk"]
    assert desk.said.journey is not None or set(desk.said.problems) <= {"j"}
    steps = [node.fields.one("id") for node in desk.draft.lists["steps"].below]
    assert steps == [one["id"] for one in journey.version.definition["steps"]]
    assert desk.draft.head.fields.one("key") == ""
    page(deniz, "/journeys/+new/?copy=gone", status=404)
    page(deniz, "/journeys/+new/?copy=abandoned&version=99", status=404)


def test_a_step_is_called_by_its_message_wherever_it_is_listed(deniz, company):
    journey = rides.under_way()
    message = Message.objects.filter(origin=journey.origin, step="loyal").first()
    assert message is not None
    for path in (
        "/journeys/abandoned/",
        f"/journeys/abandoned/people/{message.profile_id}/",
        "/sending/?days=365",
        f"/sending/?days=365&origin={journey.origin}&step=loyal",
        f"/customers/{message.profile_id}/",
    ):
        shown = page(deniz, path)
        assert "Merhaba" in shown
        assert "davet-email" not in shown
        assert ">loyal<" not in shown
