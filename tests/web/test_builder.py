"""The builder: a form that is a tree, edited by buttons, saying a definition and its counts."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest
from tests.web import company as made_up

from pusula.consent.models import Channel
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.profiles.models import Profile, Score
from pusula.segments import catalog, counting
from pusula.segments.everybody import rebuild
from pusula.segments.language import parse_condition
from pusula.segments.models import Membership, Publication, Segment
from pusula.segments.publishing import publication
from pusula.web.builder import documents, past, undo
from pusula.web.builder.draft import Draft, from_pairs
from pusula.web.builder.picks import Picker

pytestmark = pytest.mark.django_db

REPEAT = {"orders": {"count": {"at_least": 2}, "within": {"last": "12 months"}}}
BODRUM = {
    "orders": {
        "count": {"at_least": 1},
        "where": {"region": {"in": ["Bodrum", "Kapadokya"]}, "status": {"is": "completed"}},
        "by": "ends_on",
        "within": {"last": "24 months"},
    }
}
SEARCHED = {"events": {"name": "Hotel Searched", "count": {"at_least": 2}}}
MAIL = {"consent": {"channel": "email", "purpose": "marketing", "is": "granted"}}


def drafted(where: dict[str, Any], **words: str) -> Draft:
    draft = documents.draft_of({"where": where}, Picker())
    draft.words |= words
    return draft


def fields(draft: Draft, **more: Any) -> dict[str, Any]:
    """Return what a browser would send for ``draft``."""
    found: dict[str, Any] = {}
    for name, value in draft.pairs():
        found.setdefault(name, []).append(value)
    return found | more


def post(client, draft: Draft, op: str = "draw", **more: Any):
    return client.post("/segments/+new/", fields(draft, op=op, **more))


def sent_back(answer) -> Draft:
    """Return the draft that the page of ``answer`` would send: what is drawn is the state."""
    return answer.context["draft"]


def where(draft: Draft) -> dict[str, Any]:
    return documents.say(draft, Picker()).document


# ------------------------------------------------------------------------- trees and documents --


ROUND_TRIPS = [
    REPEAT,
    BODRUM,
    SEARCHED,
    MAIL,
    {"all": [REPEAT, {"any": [BODRUM, SEARCHED, {"all": [MAIL, REPEAT]}]}, {"not": SEARCHED}]},
    {"all": [REPEAT, {"not": {"any": [SEARCHED, BODRUM]}}]},
    {"any": [REPEAT, {"not": MAIL}]},
    {"not": MAIL},
    {"trait": {"city": {"in": ["İzmir", "Ankara"]}}},
    {"trait": {"city": {"contains": "bul"}}},
    {"trait": {"city": "unknown"}},
    {"trait": {"rfm_group": {"is": "champions"}}},
    {"trait": {"birth_date": {"anniversary": {"next": "7 days"}}}},
    {"trait": {"birth_date": {"month": ["june", "july"]}}},
    {"orders": {"sum": "net_amount", "is": {"between": ["1000 TRY", "40000 TRY"]}}},
    {"orders": {"sum": "net_amount", "is": {"top": "10 %"}, "where": {"nights": {"more_than": 2}}}},
    {"orders": {"avg": "net_amount", "is": {"of_mean": {"at_least": "120 %"}}}},
    {"orders": {"latest": "ends_on", "is": {"between": ["540 days ago", "180 days ago"]}}},
    {"orders": {"count": {"is": 0}, "by": "starts_on", "within": {"from": "today"}}},
    {"orders": {"count": {"at_least": 1}, "within": {"this": "month"}}},
    {"orders": {"count": {"at_least": 1}, "within": {"from": "2026-06-01", "to": "2026-09-01"}}},
    {"orders": {"years_in_same_season": "starts_on", "is": {"at_least": 2}}},
    {"orders": {"overdue": {"at_least": 2}}},
    {"items": {"sum": "amount", "is": {"at_least": "100 TRY"}, "where": {"sku": {"is": "A1"}}}},
    {"events": {"name": ["Hotel Searched", "Called"], "latest": "at", "is": {"last": "3 days"}}},
    {"events": {"name": "Hotel Searched", "count": {"is": 0}, "where": {"region": {"is": "Kaş"}}}},
    {"segment": "repeat-guests"},
    {"reach": {"channel": "sms", "purpose": "marketing", "is": "suppressed"}},
    {"bucket": {"name": "spring", "from": "10 %", "to": "20 %"}},
    {"score": {"model": "churn", "decile": {"at_least": 9}}},
    {
        "sequence": {
            "steps": [
                {"events": {"name": "Hotel Searched"}},
                {"events": {"name": "Hotel Viewed"}, "within": "2 hours"},
                {"without": {"events": {"name": "Booking Started"}}, "for": "7 days"},
            ],
            "same": "hotel",
            "within": {"last": "30 days"},
            "count": {"at_least": 1},
        }
    },
]  # fmt: skip


@pytest.fixture
def scored(company) -> None:
    Score.objects.create(
        profile=company.elif_, model="churn", value=0.4, decile=9, scored_at=made_up.NOW
    )
    counting.STORE.forget()


@pytest.mark.usefixtures("scored")
def test_a_definition_becomes_a_form_and_the_same_definition_again():
    picker = Picker()
    for document in ROUND_TRIPS:
        asked = parse_condition(document, picker.schema)
        sent = from_pairs(documents.draft_of({"where": document}, picker).pairs())
        said = documents.say(sent, picker)
        assert said.problems == {}, document
        assert said.condition == asked, document


@pytest.mark.usefixtures("scored")
def test_nearly_everything_has_boxes_of_its_own():
    picker = Picker()
    drafts = [documents.draft_of({"where": document}, picker) for document in ROUND_TRIPS]
    leaves = [leaf for draft in drafts for leaf in draft.leaves()]
    assert [leaf for leaf in leaves if leaf.kind == "yaml"] == []


def test_what_has_no_boxes_is_a_box_of_yaml_that_can_be_edited(company):
    odd = {"orders": {"share": {"channel": {"is": "Web"}}, "is": {"at_least": "50 %"}}}
    draft = drafted({"all": [REPEAT, odd]})
    leaf = draft.inc.parts[1]
    assert leaf.kind == "yaml"
    assert "share" in leaf.fields.one("y")
    assert parse_condition(where(draft), catalog.schema()) == parse_condition(
        {"all": [REPEAT, odd]}, catalog.schema()
    )


@pytest.mark.parametrize("language", ["tr", "en"])
def test_numbers_are_read_as_the_language_writes_them(deniz, language):
    deniz.cookies["django_language"] = language
    draft = drafted({"orders": {"sum": "net_amount", "is": {"at_least": "1 TRY"}}})
    typed = {"tr": "40.000,5", "en": "40,000.5"}[language]
    draft.inc.parts[0].fields.put("v", typed)
    answer = post(deniz, draft, "yaml")
    assert "40000.5 TRY" in answer.content.decode()


def test_an_incomplete_condition_is_named_and_left_out(deniz):
    draft = drafted({"all": [REPEAT, SEARCHED]})
    draft.inc.parts[1].fields.put("v", "")
    answer = post(deniz, draft)
    shown = answer.content.decode()
    assert where(draft) == REPEAT | {}
    assert "1 koşul eksik" in shown or "1 condition is incomplete" in shown


# --------------------------------------------------------------------------------------- edits --


def steps(client, draft: Draft, *ops: str) -> Draft:
    """Press buttons one after another, each time sending what the page holds."""
    past = future = ""
    for op in ops:
        answer = client.post("/segments/+new/", fields(draft, op=op, past=past, future=future))
        assert answer.status_code == 200, op
        draft, past, future = sent_back(answer), answer.context["past"], answer.context["future"]
    return draft


def tree(draft: Draft) -> list[Any]:
    return json.loads(draft.tree)


def test_conditions_are_added_moved_wrapped_copied_and_removed(deniz):
    draft = drafted({"all": [REPEAT, MAIL]})
    n1, n2 = (part.id for part in draft.inc.parts)
    assert [p.id for p in steps(deniz, draft, f"up:{n2}").inc.parts] == [n2, n1]
    assert [p.id for p in steps(deniz, draft, f"up:{n1}").inc.parts] == [n1, n2]
    added = steps(deniz, draft, "add:inc")
    assert len(added.inc.parts) == 3
    wrapped = steps(deniz, draft, f"wrap:{n2}")
    assert wrapped.inc.parts[1].join == "any"
    assert [p.id for p in wrapped.inc.parts[1].parts] == [n2]
    group = wrapped.inc.parts[1].id
    assert tree(steps(deniz, wrapped, f"unwrap:{group}")) == tree(draft)
    copied = steps(deniz, wrapped, f"copy:{group}")
    assert len({node.id for node, _ in copied.nodes()}) == len(list(copied.nodes())) == 7
    assert where(copied)["all"][1] == where(copied)["all"][2]
    assert where(steps(deniz, draft, f"remove:{n1}")) == MAIL
    assert where(steps(deniz, draft, f"negate:{n2}"))["all"][1] == {"not": MAIL}
    assert where(steps(deniz, draft, f"exclude:{n2}")) == {"all": [REPEAT, {"not": MAIL}]}


def test_undo_and_redo_go_through_every_step_and_what_was_typed(deniz):
    first = drafted(REPEAT)
    leaf = first.inc.parts[0].id
    answer = deniz.post("/segments/+new/", fields(first, op="draw"))
    typed = sent_back(answer)
    typed.inc.parts[0].fields.put("v", "7")
    answer = deniz.post(
        "/segments/+new/", fields(typed, op=f"copy:{leaf}", past=answer.context["past"])
    )
    for op, n, value in (("undo", 1, "7"), ("undo", 1, "2"), ("redo", 1, "7"), ("redo", 2, "7")):
        sent = fields(
            sent_back(answer), op=op, past=answer.context["past"], future=answer.context["future"]
        )
        answer = deniz.post("/segments/+new/", sent)
        parts = sent_back(answer).inc.parts
        assert (len(parts), parts[0].fields.one("v")) == (n, value), op


def test_a_new_pick_fills_in_what_is_usual(deniz):
    draft = steps(deniz, drafted(REPEAT), "add:inc")
    leaf = draft.inc.parts[1]
    sent = fields(draft, op=f"draw:{leaf.id}") | {
        f"{leaf.id}.was": [""], f"{leaf.id}.k": ["orders.sum!top"],
    }  # fmt: skip
    found = sent_back(deniz.post("/segments/+new/", sent)).inc.parts[1]
    assert found.kind == "orders.sum"
    assert found.fields.one("op") == "top"


def test_the_yaml_of_the_whole_is_edited_and_becomes_the_form(deniz):
    draft = drafted({"all": [REPEAT, MAIL]})
    text = "any:\n  - trait: {city: {is: Bursa}}\n  - segment: repeat-guests\n"
    after = sent_back(post(deniz, draft, "form", yaml=text))
    assert where(after) == {
        "any": [{"trait": {"city": {"in": ["Bursa"]}}}, {"segment": "repeat-guests"}]
    }
    broken = post(deniz, draft, "form", yaml="any:\n  - trait: {town: {is: Bursa}}\n")
    assert "where.any[0].trait.town" in broken.content.decode()
    assert where(sent_back(broken)) == where(draft)


# -------------------------------------------------------------------------------------- counts --


def test_counts_equal_those_of_the_evaluation(deniz):
    for document in ({"all": [REPEAT, MAIL]}, {"any": [REPEAT, {"not": MAIL}]}, BODRUM):
        answer = deniz.post("/segments/+build/count/", fields(drafted(document)))
        result = answer.context["result"]
        Segment.objects.filter(key="lapsing").first().versions.update(
            definition={"segment": "lapsing", "title": {"tr": "a", "en": "a"}, "where": document}
        )
        rebuild.everybody(at=made_up.NOW)
        members = Membership.objects.filter(segment__key="lapsing", left_at=None)
        assert result.n == members.count() > 0
        assert result.n_all == Profile.objects.count()
        counting.STORE.forget()


def test_reach_counts_those_whom_a_message_would_find(deniz):
    answer = deniz.post("/segments/+build/count/", fields(drafted(REPEAT)))
    reach = {title: n for _, title, n in answer.context["result"].reach}
    rebuild.everybody(at=made_up.NOW)
    members = Membership.objects.filter(segment__key="repeat-guests", left_at=None)
    granted = Profile.objects.filter(
        pk__in=members.values("profile"), consents__channel=Channel.EMAIL,
        consents__status="granted",
    )  # fmt: skip
    assert next(iter(reach.values())) == granted.count() > 0


def test_nobody_is_explained_by_the_narrowest_condition(deniz):
    narrow = {"orders": {"count": {"at_least": 900}}}
    deniz.cookies["django_language"] = "en"
    answer = deniz.post("/segments/+build/count/", fields(drafted({"all": [REPEAT, narrow]})))
    result = answer.context["result"]
    assert result.n == 0
    assert result.narrowest.n == next(iter(result.by_node.values())) > 0
    assert "at least 900 orders" in answer.content.decode()


def test_who_is_left_out_is_said_beside_the_count(deniz):
    document = {"all": [REPEAT, {"not": MAIL}]}
    result = deniz.post("/segments/+build/count/", fields(drafted(document))).context["result"]
    whole = deniz.post("/segments/+build/count/", fields(drafted(REPEAT))).context["result"]
    assert result.n_before == whole.n > result.n


def test_new_facts_are_counted_at_once(deniz, company):
    asked = fields(drafted({"events": {"name": "Email Opened", "count": {"at_least": 1}}}))
    before = deniz.post("/segments/+build/count/", asked).context["result"]
    someone = Profile.objects.exclude(pk=company.elif_.pk).first()
    made_up.event(someone, "Email Opened", 1)
    after = deniz.post("/segments/+build/count/", asked).context["result"]
    assert (before.n, after.n) == (1, 2)
    assert after.is_exact


def test_panels_show_people_overlap_and_the_past(deniz):
    asked = fields(drafted(REPEAT))
    people = deniz.post("/segments/+build/sample/", asked).context["people"]
    assert len(people) == 6
    overlap = deniz.post("/segments/+build/overlap/", asked).context["overlaps"]
    assert overlap
    assert overlap[0].n >= overlap[-1].n
    sizes = deniz.post("/segments/+build/past/", asked)
    assert 'class="chart"' in sizes.content.decode()


def test_many_customers_are_looked_back_on_in_the_background(deniz, monkeypatch):
    asked = fields(drafted(REPEAT))
    path = "/segments/+build/past/"
    expected = deniz.post(path, asked).content.decode()
    monkeypatch.setattr(counting, "SMALL", 10)
    release = threading.Event()

    def find(_asked, _weeks):
        release.wait(30)
        return [(made_up.NOW, 1), (made_up.NOW, 2)]

    monkeypatch.setattr(past._Asked, "find", find)
    monkeypatch.setattr(past, "REST_S", 0.0)
    past.PAST.forget()
    waiting = deniz.post(path, asked).content.decode()
    assert 'hx-post="/segments/+build/past/"' in waiting
    assert "<progress" in waiting
    assert 'class="chart"' not in waiting
    release.set()
    past.PAST.join(30)
    found = deniz.post(path, asked).content.decode()
    assert 'class="chart"' in found
    assert 'class="chart"' in expected
    past.PAST.forget()


def test_why_a_past_cannot_be_told_is_said(deniz, monkeypatch):
    def find(_asked, _weeks):
        raise PusulaError("no such past")

    asked = fields(drafted(REPEAT))
    deniz.post("/segments/+build/count/", asked)  # so that the facts are there
    monkeypatch.setattr(past._Asked, "find", find)
    monkeypatch.setattr(past, "REST_S", 0.0)
    monkeypatch.setattr(counting, "SMALL", 10)
    past.PAST.forget()
    deniz.post("/segments/+build/past/", asked)
    past.PAST.join(30)
    assert "no such past" in deniz.post("/segments/+build/past/", asked).content.decode()
    past.PAST.forget()


def test_a_draft_says_why_somebody_would_be_in_it(deniz, company):
    deniz.cookies["django_language"] = "en"
    draft = drafted({"all": [REPEAT, SEARCHED]})
    path = "/segments/+build/why/"
    shown = deniz.post(path, fields(draft, who="elif dogan")).content.decode()
    assert "<b>Elif Doğan</b> meets the conditions" in shown
    assert "Found: 12" in shown
    assert "No customer found" in deniz.post(path, fields(draft, who="nobody")).content.decode()
    many = deniz.post(path, fields(draft, who="e")).context["hits"]
    assert len(many) > 1
    one = deniz.post(path, fields(draft, who="e", person=str(many[0][0].pk)))
    assert many[0][1] in one.content.decode()


# ----------------------------------------------------------------------------- hostile input --


HOSTILE: list[dict[str, str]] = [
        {"tree": "["},
        {"tree": "[" * 100_000},
        {"tree": '[["inc","all",0,[]]]'},
        {"tree": '[["exc","any",0,[]],["inc","all",0,[]]]'},
        {"tree": '[["inc","all",0,[["n1",0],["n1",0]]],["exc","any",0,[]]]'},
        {"tree": '[["inc","all",0,[["../x",0]]],["exc","any",0,[]]]'},
        {"tree": json.dumps([["inc", "all", 0, [[f"n{i}", 0] for i in range(999)]], []])},
        {"tree": "", "title_tr": "x" * 30_000},
        {"past": "no such thing"},
        {"past": undo.pack([[("tree", "x" * 3_000_000)]])},
        {"past": undo.pack([[("tree", "[]")]]), "op": "undo"},
]  # fmt: skip


def test_a_form_that_is_none_of_ours_is_refused(deniz):
    for sent in HOSTILE:
        assert deniz.post("/segments/+new/", sent).status_code == 400, str(sent)[:80]
    deep: list[Any] = ["n0", 0]
    for i in range(1, 40):
        deep = [f"n{i}", "all", 0, [deep]]
    bad = {"tree": json.dumps([["inc", "all", 0, [deep]], ["exc", "any", 0, []]])}
    assert deniz.post("/segments/+build/count/", bad).status_code == 400


def test_an_unknown_button_changes_nothing(deniz):
    draft = drafted(REPEAT)
    for op in ("", "nonsense", "up:inc", "remove:nobody", "unwrap:n1", "add:n1", "pick:n1:none"):
        after = steps(deniz, draft, op)
        assert [p.id for p in after.inc.parts] == ["n1"], op


def test_a_tree_deeper_than_the_language_allows_says_so(deniz):
    document: dict[str, Any] = REPEAT
    draft = drafted(document)
    for _ in range(9):
        draft = steps(deniz, draft, "wrap:n1")
    answer = post(deniz, draft)
    assert answer.status_code == 200
    assert "iç içe" in answer.content.decode()


def test_foreign_values_are_shown_as_text(deniz):
    draft = drafted({"trait": {"city": {"in": ["<script>alert(1)</script>"]}}})
    shown = post(deniz, draft).content.decode()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert" in shown


# ---------------------------------------------------------------------------------------- save --


def test_saving_proposes_previews_and_publishes(deniz):
    draft = drafted({"all": [REPEAT, MAIL]}, title_en="Reachable repeat guests")
    answer = post(deniz, draft, "save")
    assert answer.status_code == 302
    assert answer["Location"] == "/segments/reachable-repeat-guests/change/"
    assert deniz.get(answer["Location"]).context["state"] == "working"
    assert publication.work_once("test")
    shown = deniz.get(answer["Location"])
    assert shown.context["state"] == "ready"
    change = shown.context["change"]
    assert change.n_entering == change.n_members > 0
    deniz.post(answer["Location"], {"decision": "publish", "publication": change.pk})
    assert deniz.get(answer["Location"]).context["state"] == "publishing"
    assert publication.work_once("test")
    assert deniz.get(answer["Location"])["Location"] == "/segments/reachable-repeat-guests/"
    segment = Segment.objects.get(key="reachable-repeat-guests")
    assert segment.n_members == change.n_members
    assert segment.versions.get().definition["title"]["tr"] == "Reachable repeat guests"
    assert deniz.get("/segments/reachable-repeat-guests/").status_code == 200


def test_a_change_can_be_discarded(deniz):
    post(deniz, drafted(REPEAT, title_tr="Deneme"), "save")
    given = {"decision": "discard", "publication": Publication.objects.get().pk}
    assert deniz.post("/segments/deneme/change/", given)["Location"] == "/segments/"
    assert not Segment.objects.filter(key="deneme").exists()
    assert Publication.objects.count() == 0


@pytest.mark.parametrize("language", ["tr", "en"])
def test_an_error_keeps_the_form(deniz, language):
    deniz.cookies["django_language"] = language
    draft = drafted(REPEAT, description_en="Kept")
    answer = post(deniz, draft, "save")
    assert answer.status_code == 422
    assert where(sent_back(answer)) == where(draft)
    assert "Kept" in answer.content.decode()
    draft.words["title_tr"] = "Ad"
    draft.inc.parts[0].fields.put("v", "")
    assert post(deniz, draft, "save").status_code == 422


def test_a_segment_is_edited_from_its_newest_version(deniz):
    answer = deniz.get("/segments/repeat-guests/edit/")
    draft = sent_back(answer)
    assert where(draft) == REPEAT
    draft.inc.parts[0].fields.put("v", "3")
    base = answer.context["desk"].base
    saved = deniz.post("/segments/repeat-guests/edit/", fields(draft, op="save", base=base))
    assert saved["Location"] == "/segments/repeat-guests/change/"
    version = Segment.objects.get(key="repeat-guests").versions.order_by("-number").first()
    assert version.definition["where"]["orders"]["count"] == {"at_least": 3}
    assert version.created_by == "deniz"
    assert (
        "/segments/repeat-guests/change/" in deniz.get("/segments/repeat-guests/").content.decode()
    )


EDIT = "/segments/repeat-guests/edit/"


def test_who_saves_over_the_change_of_another_is_told_first(deniz):
    mine, theirs = deniz.get(EDIT), deniz.get(EDIT)
    sent_back(theirs).inc.parts[0].fields.put("v", "4")
    sent = fields(sent_back(theirs), op="save", base=theirs.context["desk"].base)
    assert deniz.post(EDIT, sent).status_code == 302
    sent_back(mine).inc.parts[0].fields.put("v", "5")
    sent = fields(sent_back(mine), op="save", base=mine.context["desk"].base)
    warned = deniz.post(EDIT, sent)
    assert warned.status_code == 422
    assert "deniz" in warned.context["problem"]
    newest = Segment.objects.get(key="repeat-guests").versions.order_by("-number")
    assert newest.first().definition["where"]["orders"]["count"] == {"at_least": 4}
    again = fields(sent_back(warned), op="save", base=warned.context["desk"].base)
    assert f'name="base" value="{again["base"]}"' in warned.content.decode()
    assert deniz.post(EDIT, again).status_code == 302
    assert newest.first().definition["where"]["orders"]["count"] == {"at_least": 5}


def test_a_button_pressed_twice_makes_one_segment(deniz):
    before = Segment.objects.count()
    draft = drafted(REPEAT, title_tr="Bir kez")
    answers = [post(deniz, draft, "save") for _ in range(2)]
    assert [answer["Location"] for answer in answers] == ["/segments/bir-kez/change/"] * 2
    assert Segment.objects.count() == before + 1
    other = post(deniz, drafted(REPEAT, title_tr="Başka"), "save")
    assert other["Location"] == "/segments/baska/change/"


@pytest.mark.parametrize("decision", ["publish", "discard"])
def test_nobody_decides_about_a_change_they_have_not_seen(deniz, decision):
    post(deniz, drafted(REPEAT, title_tr="Deneme"), "save")
    seen = Publication.objects.get()
    draft = drafted(MAIL, title_tr="Deneme")
    base = seen.version_id
    deniz.post("/segments/deneme/edit/", fields(draft, op="save", base=base))
    newer = Publication.objects.get()
    assert newer.pk != seen.pk
    deniz.post("/segments/deneme/change/", {"decision": decision, "publication": seen.pk})
    newer.refresh_from_db()
    assert newer.confirmed_at is None


def test_a_definition_that_cannot_be_read_is_opened_as_text(deniz):
    broken = {"odd": 1, "other": 2}
    versions = Segment.objects.get(key="repeat-guests").versions
    versions.update(definition={"segment": "repeat-guests", "title": {}, "where": broken})
    answer = deniz.get(EDIT)
    assert answer.context["desk"].in_yaml
    assert "odd: 1" in answer.context["desk"].yaml
    assert answer.context["desk"].yaml_error


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_pages_speak_both_languages(deniz, language):
    deniz.cookies["django_language"] = language
    for path in ("/segments/+new/", "/segments/repeat-guests/edit/", "/segments/+archived/"):
        answer = deniz.get(path)
        assert answer.status_code == 200
        assert f'<html lang="{language}"' in answer.content.decode()


def test_without_scripts_the_page_itself_holds_counts_and_people(deniz):
    answer = post(deniz, drafted({"all": [REPEAT, MAIL]}))
    shown = answer.content.decode()
    assert re.search(r'id="c-n1"[^>]*><b>\d+</b>', shown)
    assert len(answer.context["people"]) == 6
    assert clock.now() == made_up.NOW
