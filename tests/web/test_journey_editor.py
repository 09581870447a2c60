"""The editor of journeys: a form that is a tree, edited by buttons, kept as a draft, published."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from tests.web import rides

from pusula.journeys import machine, queries, versions
from pusula.journeys.models import Enrollment, Journey, JourneyVersion
from pusula.privacy.models import AuditEntry
from pusula.web.journey_form import trial
from pusula.web.journey_form.draft import Draft, Node

pytestmark = pytest.mark.django_db
NEW = "/journeys/+new/?blank=1"


def fields(answer: Any, **more: Any) -> dict[str, Any]:
    """Return what a browser would send for the page of ``answer``."""
    context = answer.context
    desk = context["desk"]
    sent: dict[str, Any] = {
        "state": context["draft_state"], "drawn": desk.drawn, "open": desk.opened,
        "plus": desk.plus, "taken": desk.taken, "back": context["back"],
        "ahead": context["ahead"], "base": desk.base,
    }  # fmt: skip
    for name in desk.drawn.split():
        node = desk.draft.find(name)
        is_condition = name == desk.opened and desk.condition is not None
        for field, values in node.fields.items():
            sent[field if is_condition else f"{name}.{field}"] = values
    if desk.yaml:
        sent |= {"text": desk.yaml, "drawn": ""}
    return sent | more


def press(client, answer, op, **more):
    path = answer.request["PATH_INFO"]
    found = client.post(path, fields(answer, op=op, **more))
    assert found.status_code in (200, 302, 422), found
    return found


def steps(answer) -> list[Node]:
    return answer.context["desk"].draft.lists["steps"].below


def draft(answer) -> Draft:
    return answer.context["desk"].draft


def added(client, answer, where: str, kind: str, **more: Any):
    """Press a plus, then the kind."""
    answer = press(client, answer, f"plus:{where}", **more)
    return press(client, answer, f"new:{where}:{kind}")


def open_(client, answer, name: str):
    """Open the step called ``name``."""
    node = next(n for n in draft(answer).nodes() if n.fields.one("id") == name)
    return press(client, answer, f"open:{node.id}"), node.id


# -- looking --------------------------------------------------------------------------------------


def test_a_new_journey_begins_with_a_ready_one_or_with_nothing(deniz):
    page = deniz.get("/journeys/+new/").content.decode()
    assert 'name="pack"' in page
    assert "?blank=1" in page
    blank = deniz.get(NEW)
    assert steps(blank) == []
    assert set(blank.context["desk"].said.problems) == {"j", "entries", "steps"}


def test_a_journey_opens_with_all_its_steps_and_nothing_to_mend(deniz):
    rides.save()
    page = deniz.get("/journeys/abandoned/edit/")
    assert page.context["desk"].said.problems == {}
    assert [step.kind for step in steps(page)] == ["wait", "branch", "first", "message"]
    assert "30" in page.content.decode()


@pytest.mark.parametrize("name", ["pause", "who", "loyal", "call", "lot", "answer", "stop"])
def test_the_sheet_of_each_step_opens_and_sends_back_what_it_shows(deniz, name):
    rides.save()
    page = deniz.get("/journeys/abandoned/edit/")
    before = page.context["desk"].document()
    page, _node = open_(deniz, page, name)
    assert 'class="sheet"' in page.content.decode()
    page = press(deniz, page, "draw")
    assert page.context["desk"].said.problems == {}
    assert page.context["desk"].document() == before


# -- writing --------------------------------------------------------------------------------------


def test_a_journey_is_written_from_nothing_and_kept_as_a_draft(deniz):
    rides.save("other")
    deniz.cookies["django_language"] = "en"
    page = deniz.get(NEW)
    page = added(deniz, page, "entries:0", "event", **{"j.title_en": "Come back"})
    node = page.context["desk"].opened
    page = press(deniz, page, "close", **{f"{node}.names": ["Booking Started"]})
    page = added(deniz, page, "steps:0", "wait")
    wait = page.context["desk"].opened
    page = press(deniz, page, "close", **{f"{wait}.for.v": "30", f"{wait}.for.u": "minute"})
    page = added(deniz, page, "steps:1", "message")
    message = page.context["desk"].opened
    assert page.context["desk"].said.problems == {message: "Choose a template."}
    page = press(deniz, page, "close", **{f"{message}.a.t": "davet-email"})
    assert page.context["desk"].said.problems == {}
    answer = press(deniz, page, "save")
    assert answer.url == "/journeys/come-back/publish/"
    version = queries.newest(Journey.objects.get(key="come-back"))
    assert version.published_at is None
    assert version.definition["title"] == {"tr": "Come back", "en": "Come back"}
    assert version.definition["entry"] == [{"event": {"name": "Booking Started"}}]
    assert version.definition["steps"] == [
        {"id": "wait", "wait": {"for": "30 minutes"}},
        {"id": "message", "message": {"ways": [{"channel": "email", "template": "davet-email"}]}},
    ]
    assert AuditEntry.objects.get(verb="journey.drafted").object == "journey:come-back"


def test_a_condition_of_a_branch_is_edited_with_the_boxes_of_segments(deniz):
    rides.save()
    page = deniz.get("/journeys/abandoned/edit/")
    way = next(node for node in draft(page).nodes() if node.kind == "way")
    page = press(deniz, page, f"open:{way.id}")
    assert 'name="n1.k"' in page.content.decode()
    page = press(deniz, page, "add:inc")
    assert way.id in page.context["desk"].said.problems
    page = press(deniz, page, "remove:n2")
    assert page.context["desk"].said.problems == {}
    page = press(deniz, page, "draw:n1", **{"n1.v": "7"})
    branch = page.context["desk"].document()["steps"][1]["branch"]
    assert branch["ways"][0]["when"] == {"orders": {"count": {"at_least": 7}}}


def test_what_is_changed_can_be_taken_back_and_done_again(deniz):
    rides.save()
    page = deniz.get("/journeys/abandoned/edit/")
    first = steps(page)[0].id
    page = press(deniz, page, f"remove:{first}")
    assert [step.kind for step in steps(page)] == ["branch", "first", "message"]
    page = press(deniz, page, "undo")
    assert [step.kind for step in steps(page)] == ["wait", "branch", "first", "message"]
    page = press(deniz, page, "redo")
    assert [step.kind for step in steps(page)] == ["branch", "first", "message"]


def test_steps_move_within_their_list_out_of_it_and_anywhere(deniz):
    rides.save()
    page = deniz.get("/journeys/abandoned/edit/")
    wait = steps(page)[0].id
    page = press(deniz, page, f"down:{wait}")
    assert [step.kind for step in steps(page)] == ["branch", "wait", "first", "message"]
    way = steps(page)[0].below[0]
    page = press(deniz, page, f"take:{wait}")
    page = press(deniz, page, f"put:{way.id}:0")
    assert [step.kind for step in steps(page)] == ["branch", "first", "message"]
    assert [step.kind for step in steps(page)[0].below[0].below] == ["wait", "message", "task"]
    page = press(deniz, page, f"up:{wait}")
    assert [step.kind for step in steps(page)] == ["wait", "branch", "first", "message"]


def test_no_step_can_be_put_into_itself(deniz):
    rides.save()
    page = deniz.get("/journeys/abandoned/edit/")
    branch = steps(page)[1]
    page = press(deniz, page, f"take:{branch.id}")
    page = press(deniz, page, f"put:{branch.below[0].id}:0")
    assert [step.kind for step in steps(page)] == ["wait", "branch", "first", "message"]


def test_a_copy_has_names_of_its_own_all_the_way_down(deniz):
    rides.save()
    page = deniz.get("/journeys/abandoned/edit/")
    page = press(deniz, page, f"copy:{steps(page)[1].id}")
    assert page.context["desk"].said.problems == {}
    assert [step.kind for step in steps(page)] == ["wait", "branch", "branch", "first", "message"]


def test_what_the_language_refuses_is_named_at_its_step(deniz):
    rides.save()
    page = deniz.get("/journeys/abandoned/edit/")
    page = press(deniz, page, f"copy:{steps(page)[0].id}")
    copy = steps(page)[1].id
    page = press(deniz, page, "draw", **{f"{copy}.id": "pause"})
    assert page.context["desk"].said.problems == {copy: "id: 'pause' adında başka bir adım var"}
    answer = press(deniz, page, "save")
    assert answer.status_code == 422
    assert queries.newest(Journey.objects.get()).definition["steps"][1]["id"] == "who"


def test_the_same_journey_is_written_as_yaml_and_handed_out_as_a_file(deniz):
    rides.save()
    page = press(deniz, deniz.get("/journeys/abandoned/edit/"), "yaml")
    text = page.context["desk"].yaml
    assert text.startswith("journey: abandoned\n")
    page = press(deniz, page, "form", text=text.replace("30 minutes", "45 minutes"))
    assert page.context["desk"].document()["steps"][0] == {
        "id": "pause", "wait": {"for": "45 minutes"},
    }  # fmt: skip
    broken = press(deniz, press(deniz, page, "yaml"), "form", text="steps: [")
    assert broken.context["desk"].yaml_error
    file = press(deniz, page, "download")
    assert file.headers["Content-Disposition"] == 'attachment; filename="abandoned.yaml"'
    assert b"45 minutes" in file.content


# -- two people, and people under way -------------------------------------------------------------


def test_nobody_overwrites_what_somebody_else_saved_meanwhile(deniz):
    rides.save()
    mine = deniz.get("/journeys/abandoned/edit/")
    rides.save(description={"tr": "Yeni", "en": "New"}, ago=0)
    answer = press(deniz, mine, "save", **{"j.description_en": ["Mine"]})
    assert answer.status_code == 422
    assert "deniz" in answer.context["problem"]
    assert queries.newest(Journey.objects.get()).definition["description"]["en"] == "New"
    answer = press(deniz, answer, "save")
    assert answer.status_code == 302
    assert queries.newest(Journey.objects.get()).definition["description"]["en"] == "Mine"


def changed(deniz):
    page = deniz.get("/journeys/abandoned/edit/")
    page, node = open_(deniz, page, "pause")
    return press(deniz, page, "save", **{f"{node}.for.v": "45", f"{node}.for.u": "minute"})


def test_publishing_shows_what_changes_and_leaves_people_where_they_are(deniz):
    journey = rides.under_way()
    n = Enrollment.objects.filter(state=machine.WAITING).count()
    address = changed(deniz).url
    page = deniz.get(address)
    said = page.context["differences"]
    assert (len(said.added), len(said.removed)) == (1, 1)
    assert page.context["plan"].n_waiting == n > 0
    answer = deniz.post(address, {"mark": page.context["mark"], "decision": "publish"})
    assert answer.url == "/journeys/abandoned/"
    journey.refresh_from_db()
    assert journey.version.number == 2
    assert Enrollment.objects.filter(state=machine.WAITING, version__number=1).count() == n


def test_people_are_put_on_the_new_version_where_somebody_chooses_so(deniz):
    rides.under_way()
    n = Enrollment.objects.filter(state=machine.WAITING).count()
    address = changed(deniz).url
    page = deniz.get(address)
    form = {"mark": page.context["mark"], "decision": "publish", "people": "move"}
    deniz.post(address, form)
    assert Enrollment.objects.filter(state=machine.WAITING, version__number=2).count() == n
    assert f'"n":{n}' in AuditEntry.objects.get(verb="journey.migrated").detail


def test_a_draft_that_changed_since_it_was_seen_is_not_published(deniz):
    rides.publish()
    address = changed(deniz).url
    mark = deniz.get(address).context["mark"]
    rides.save(priority=2, ago=-1)
    deniz.post(address, {"mark": mark, "decision": "publish"})
    assert Journey.objects.get().version.number == 1


def test_a_draft_is_discarded(deniz):
    rides.publish()
    address = changed(deniz).url
    mark = deniz.get(address).context["mark"]
    assert deniz.post(address, {"mark": mark, "decision": "discard"}).url == "/journeys/abandoned/"
    assert [v.number for v in Journey.objects.get().versions.all()] == [1]
    assert deniz.get(address).url == "/journeys/abandoned/"


def test_a_draft_that_was_published_meanwhile_is_not_discarded(deniz, monkeypatch):
    rides.publish()
    address = changed(deniz).url
    mark = deniz.get(address).context["mark"]
    stale = JourneyVersion.objects.select_related("journey").get(number=2)
    versions.publish(JourneyVersion.objects.get(number=2))
    monkeypatch.setattr(queries, "newest", lambda _journey: stale)  # read just before
    assert deniz.post(address, {"mark": mark, "decision": "discard"}).url == "/journeys/abandoned/"
    assert Journey.objects.get().version.number == 2


def test_a_ready_journey_is_taken_over_as_a_draft(deniz):
    page = deniz.get("/journeys/+new/")
    name = page.context["packs"][0]["pack"].name
    answer = deniz.post("/journeys/+new/", {"pack": name})
    assert answer.status_code == 302
    assert deniz.get(answer.url).status_code == 200
    assert deniz.post("/journeys/+new/", {"pack": "no-such"}).status_code == 404
    assert Journey.objects.get().state == machine.DRAFT


def test_a_ready_journey_says_what_the_company_lacks_for_it(deniz):
    deniz.cookies["django_language"] = "en"
    answer = deniz.post("/journeys/+new/", {"pack": "abandoned-search"}, follow=True)
    text = " ".join(answer.content.decode().split())
    assert "The buttons lead to an example" in text
    assert "Nobody has told of this event yet" in text


def test_it_is_for_those_who_have_signed_in(client):
    for path in ("/journeys/+new/", "/journeys/x/edit/", "/journeys/x/publish/"):
        assert "/login/" in client.get(path).url
    assert "/login/" in client.post("/journeys/+check/").url


def test_there_is_no_page_of_a_journey_that_is_not_there(deniz):
    assert deniz.get("/journeys/none/edit/").status_code == 404
    assert deniz.get("/journeys/none/publish/").status_code == 404


# -- trying it ------------------------------------------------------------------------------------


def test_a_draft_is_replayed_over_the_last_days(deniz):
    rides.save(entry=[{"order": {}}])
    page = deniz.get("/journeys/abandoned/edit/")
    assert "trial" not in page.context
    page = press(deniz, page, "try")
    assert page.context["trial"].journey == "abandoned"
    part = deniz.post("/journeys/+try/", fields(page, ask="1"))
    assert part.context["trial"] == page.context["trial"]


def test_many_customers_are_replayed_in_the_background(deniz, monkeypatch):
    monkeypatch.setattr(trial.counting, "SMALL", 0)
    told = threading.Event()
    result = object()

    def run(_document, *, progress, **_more):
        progress(5, 10)
        told.wait(10)
        return result

    monkeypatch.setattr(trial.backtest, "run", run)
    rides.save()
    page = deniz.get("/journeys/abandoned/edit/")
    journey = page.context["desk"].said.journey
    trials = trial.Trials()
    assert trials.found(journey) is None
    assert isinstance(trials.ask(journey), trial.Running)
    told.set()
    trials.join(10)
    assert trials.found(journey) is result


def test_no_more_drafts_wait_to_be_replayed_than_end_in_time(deniz, monkeypatch):
    monkeypatch.setattr(trial.counting, "SMALL", 0)
    told = threading.Event()
    monkeypatch.setattr(trial.backtest, "run", lambda *_args, **_more: told.wait(10) and None)
    rides.save()
    journey = deniz.get("/journeys/abandoned/edit/").context["desk"].said.journey
    trials = trial.Trials()
    for n in range(10):
        assert isinstance(trials.ask(replace(journey, key=f"draft-{n}")), trial.Running)
    assert isinstance(trials.ask(replace(journey, key="draft-3")), trial.Running), (
        "it waits already"
    )
    with pytest.raises(trial.backtest.BacktestError):
        trials.ask(replace(journey, key="one-more"))
    told.set()
    trials.join(10)


def test_what_cannot_be_replayed_says_why(deniz, monkeypatch):
    def run(*_args, **_more):
        raise trial.backtest.BacktestError("there is no history")

    monkeypatch.setattr(trial.backtest, "run", run)
    rides.save()
    page = press(deniz, deniz.get("/journeys/abandoned/edit/"), "try")
    assert page.context["trial_error"] == "there is no history"


def test_who_waits_at_a_step_that_is_gone_goes_to_the_one_that_stands_for_it(deniz):
    rides.under_way()
    waiting = Enrollment.objects.filter(state=machine.WAITING, node="answer")
    n = waiting.count()
    page, node = open_(deniz, deniz.get("/journeys/abandoned/edit/"), "answer")
    address = press(deniz, page, "save", **{f"{node}.id": "reply"}).url
    page = deniz.get(address)
    assert [(lost.step, lost.n) for lost in page.context["plan"].lost] == [("answer", n)]
    form = {"mark": page.context["mark"], "decision": "publish", "people": "move"}
    refused = deniz.post(address, form)
    assert refused.status_code == 422
    assert Journey.objects.get().version.number == 1
    assert deniz.post(address, form | {"step.answer": "reply"}).status_code == 302
    assert Enrollment.objects.filter(version__number=2, node="reply").count() == n > 0


def test_a_button_pressed_twice_makes_one_journey(deniz):
    rides.save("other")
    deniz.cookies["django_language"] = "en"
    page = added(deniz, deniz.get(NEW), "entries:0", "api", **{"j.title_en": "Twice"})
    page = added(deniz, page, "steps:0", "exit")
    first, second = press(deniz, page, "save"), press(deniz, page, "save")
    assert first.url == second.url == "/journeys/twice/publish/"
    page = press(deniz, page, "draw", **{"j.key": "other", "j.title_en": "Another"})
    assert press(deniz, page, "save").context["problem"].startswith("There is a journey")
    assert Journey.objects.count() == 2
