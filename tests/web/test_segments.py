"""Segments: the list, the page of one, and why somebody is in it or not."""

from __future__ import annotations

import pytest
from tests.web import company as made_up
from tests.web import plans, rides

from pusula.journeys.models import Enrollment
from pusula.lib.sayings import Saying, kept
from pusula.profiles.models import Identifier, Profile
from pusula.segments import counting
from pusula.segments.everybody import rebuild
from pusula.segments.language import DefinitionError
from pusula.segments.models import Membership, Segment, SegmentSize
from pusula.segments.publishing import publication
from pusula.web.builder import naming

pytestmark = pytest.mark.django_db


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_list_shows_titles_in_the_language_of_the_person(deniz, language):
    shown = page(deniz, "/segments/", language)
    title = {"tr": "Yüksek değerli misafirler", "en": "High-value guests"}[language]
    assert title in shown


def test_the_list_is_in_the_order_of_the_turkish_alphabet(deniz):
    Segment.objects.filter(key="lapsing").update(key="zz")
    shown = page(deniz, "/segments/", "tr")
    titles = ["Kaybedilmek üzere olan", "Sadık misafirler", "Yüksek değerli misafirler"]
    assert sorted(titles, key=shown.index) == titles


def test_a_row_says_size_share_change_and_use(deniz):
    plans.draft()
    shown = page(deniz, "/segments/")
    assert "36</td>" in shown
    assert "45.0%" in shown
    assert "<b>20.0%</b> smaller" in shown
    assert "1 campaign<" in shown
    assert 'class="spark"' in shown


def test_a_segment_that_was_evaluated_once_has_no_change(deniz):
    SegmentSize.objects.all().delete()
    assert "evaluated once" in page(deniz, "/segments/")


def test_a_stale_segment_says_since_when_and_why(deniz):
    Segment.objects.filter(key="lapsing").update(
        stale_since_at=made_up.moment(0.05), error="where.orders: no such column"
    )
    assert "could not be evaluated. Its members are those of 12:48" in page(deniz, "/segments/")
    shown = page(deniz, "/segments/lapsing/")
    assert "Out of date" in shown
    assert "where.orders: no such column" in shown


@pytest.mark.parametrize(
    ("language", "said"), [("tr", "where.x: Mesaj boş."), ("en", "where.x: The message is empty.")]
)
def test_why_a_segment_is_stale_is_said_in_the_language_of_the_page(deniz, language, said):
    error = DefinitionError("where.x", Saying("The message is empty."))
    Segment.objects.filter(key="lapsing").update(
        stale_since_at=made_up.moment(0.05), error=kept(error.saying)
    )
    assert said in page(deniz, "/segments/lapsing/", language)


def test_an_archived_segment_is_not_shown(deniz):
    Segment.objects.filter(key="lapsing").update(archived_at=made_up.NOW)
    assert '"/segments/lapsing/"' not in page(deniz, "/segments/")
    assert "about to lapse" in page(deniz, "/segments/+archived/")
    assert deniz.get("/segments/lapsing/").status_code == 404


@pytest.mark.parametrize("language", ["tr", "en"])
def test_without_segments_the_page_says_how_to_get_some(deniz, language):
    Segment.objects.update(archived_at=made_up.NOW)
    assert "pusula segments apply --shipped" in page(deniz, "/segments/", language)


def test_the_page_of_a_segment_says_its_condition_in_plain_words(deniz):
    assert "en az 2 sipariş" in page(deniz, "/segments/repeat-guests/", "tr")
    assert "at least 2 orders" in page(deniz, "/segments/repeat-guests/")


def test_the_page_of_a_segment_shows_people_reach_history_and_overlap(deniz):
    shown = page(deniz, "/segments/repeat-guests/")
    assert "<b>36</b>" in shown
    assert "8 of 36" in shown
    assert "Size of the segment: 45 at first, 36 now." in shown
    assert "16 customers in both" in shown
    shown_members = shown[shown.index('id="members"') :]
    members = Membership.objects.filter(segment__key="repeat-guests")
    linked = [m for m in members if f'"/customers/{m.profile_id}/"' in shown_members]
    assert len(linked) == 8


def test_reach_is_counted_as_the_builder_counts_it(deniz, company):
    before = deniz.get("/segments/repeat-guests/").context["reach"]
    inside = Membership.objects.filter(segment__key="repeat-guests", left_at=None)
    granted = Profile.objects.filter(
        pk__in=inside.values("profile"), consents__channel="email", consents__status="granted"
    )
    assert before[0][2] == granted.count() > 0
    Identifier.objects.filter(profile__in=granted, kind="email").delete()
    counting.STORE.forget()
    assert deniz.get("/segments/repeat-guests/").context["reach"][0][2] == 0
    assert deniz.get("/segments/repeat-guests/reach/").context["reach"][0][2] == 0


def test_reach_is_asked_for_again_while_the_facts_are_read(deniz, monkeypatch):
    monkeypatch.setattr(counting.STORE, "counts", lambda *_, **__: counting.Reading(1, 2))
    shown = page(deniz, "/segments/repeat-guests/")
    assert 'hx-get="/segments/repeat-guests/reach/"' in shown


def test_nobody_waits_for_the_counts_of_ready_segments(deniz, monkeypatch):
    asked = []

    def counts(conditions, *, patience_s=None):
        asked.append(patience_s)
        return counting.Reading(1, 2)

    Segment.objects.update(archived_at=made_up.NOW)
    monkeypatch.setattr(counting.STORE, "counts", counts)
    starters = deniz.get("/segments/").context["starters"]
    assert len(starters) > 1
    assert {starter.n for starter in starters} == {None}
    assert asked == [0]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2027-01-01"])
def test_a_day_that_cannot_be_told_says_so(deniz, day):
    assert "Choose a day that has begun." in page(deniz, f"/segments/repeat-guests/?on={day}")


def test_more_than_three_are_not_dropped_in_silence(deniz):
    keys = "&".join(f"key={s.key}" for s in Segment.objects.all()[:2])
    assert "Three at most" not in page(deniz, f"/segments/+compare/?{keys}")
    assert "Three at most" in page(deniz, f"/segments/+compare/?{keys}&key=a&key=b")


def test_a_second_segment_of_the_same_name_is_refused(deniz):
    titles = [s.versions.first().definition["title"]["tr"] for s in Segment.objects.all()[:1]]
    words = {"title_tr": titles[0].upper(), "title_en": "", "description_tr": "",
             "description_en": "", "key": ""}  # fmt: skip
    assert naming.problem(words, None)
    assert not naming.problem(words | {"title_tr": "Yepyeni", "title_en": "Yepyeni"}, None)


def test_reach_counts_only_members_who_granted(deniz, company):
    shown = page(deniz, "/segments/high-value/")
    members = Profile.objects.filter(memberships__segment__key="high-value")
    n = members.filter(consents__channel="email", consents__status="granted").count()
    assert 0 < n < 8
    reach = shown[shown.index("May be reached, by channel") :]
    assert f"<b>{n}</b>" in reach[: reach.index("SMS")]


def test_entries_and_exits_are_added_up_by_day(deniz, company):
    rows = Membership.objects.filter(segment=company.segments["high-value"])
    for row in rows[:3]:
        Membership.objects.filter(pk=row.pk).update(left_at=made_up.moment(2))
    for row in rows[3:5]:
        Membership.objects.filter(pk=row.pk).update(entered_at=made_up.moment(2.1))
    shown = page(deniz, "/segments/high-value/")
    assert '20 Nov 2026</th><td class="num">2</td><td class="num">3</td>' in shown


def test_a_condition_that_cannot_be_read_any_more_does_not_break_the_page(deniz, company):
    version = company.segments["lapsing"].version
    type(version).objects.filter(pk=version.pk).update(definition={"title": {"en": "Broken"}})
    assert "The conditions name something this installation no longer has" in page(
        deniz, "/segments/lapsing/"
    )


def test_a_segment_before_its_first_evaluation_says_so(deniz):
    Segment.objects.filter(key="lapsing").update(evaluated_at=None, version=None, n_members=0)
    Membership.objects.filter(segment__key="lapsing").delete()
    SegmentSize.objects.all().delete()
    assert "pusula run" in page(deniz, "/segments/lapsing/")


def test_an_unused_segment_offers_a_campaign_that_speaks_to_it(deniz):
    assert "/campaigns/+new/?audience=high-value" in page(deniz, "/segments/high-value/")
    new = page(deniz, "/campaigns/+new/?audience=high-value")
    assert 'value="high-value" id="id_audience_0"' in new or "checked" in new


def test_why_shows_each_condition_with_what_was_found(deniz, company):
    shown = page(deniz, f"/segments/repeat-guests/why/?profile={company.elif_.pk}")
    assert "Elif Doğan</b>" in shown
    assert "at least 2 orders" in shown
    assert "Found: " in shown


def test_why_agrees_with_the_evaluation(deniz, company):
    rebuild.everybody(at=made_up.NOW)
    segment = company.segments["repeat-guests"]
    inside = Membership.objects.filter(segment=segment, left_at=None).values("profile_id")
    someone = Profile.objects.filter(pk__in=inside).first()
    nobody = Profile.objects.exclude(pk__in=inside).first()
    assert someone is not None
    assert nobody is not None
    address = "/segments/repeat-guests/why/?profile="
    assert "</b> meets the conditions" in page(deniz, f"{address}{someone.pk}")
    assert "</b> does not meet the conditions" in page(deniz, f"{address}{nobody.pk}")


@pytest.mark.parametrize("language", ["tr", "en"])
def test_why_finds_people_by_name(deniz, company, language):
    shown = page(deniz, "/segments/repeat-guests/why/?q=elif+dogan", language)
    assert f"?profile={company.elif_.pk}" in shown
    page(deniz, "/segments/repeat-guests/why/", language)


def test_the_list_is_searched_and_narrowed_by_the_address(deniz):
    plans.draft()
    everything = page(deniz, "/segments/")
    assert everything.count('name="key"') >= 3
    found = page(deniz, "/segments/?q=lapse&show=all")
    assert "about to lapse" in found
    assert '"/segments/high-value/"' not in found
    assert '"/segments/high-value/"' in page(deniz, "/segments/?show=unused")
    assert "No segment is like this" in page(deniz, "/segments/?q=nothing+like+it")
    assert page(deniz, "/segments/?show=nonsense").count("spark") == everything.count("spark")


def test_ready_segments_are_offered_with_their_count_and_used(deniz, company):
    shown = page(deniz, "/segments/")
    assert "Guests with an upcoming booking" in shown
    answer = deniz.post("/segments/+use/", {"key": "has-upcoming-booking"})
    assert answer["Location"] == "/segments/has-upcoming-booking/change/"
    assert deniz.post("/segments/+use/", {"key": "no-such"}).status_code == 404


def test_two_or_three_segments_are_compared(deniz):
    shown = page(deniz, "/segments/+compare/?key=lapsing&key=repeat-guests&key=high-value")
    assert "16</b>" in shown
    assert "8 customers are in all three." in shown
    assert "Choose two or three segments" in page(deniz, "/segments/+compare/?key=lapsing")


def test_a_segment_is_archived_and_taken_back_with_its_history(deniz):
    assert deniz.post("/segments/lapsing/archive/")["Location"] == "/segments/+archived/"
    assert deniz.get("/segments/lapsing/").status_code == 404
    assert "about to lapse" in page(deniz, "/segments/+archived/")
    assert deniz.post("/segments/lapsing/return/")["Location"] == "/segments/lapsing/"
    assert "Out of date" in page(deniz, "/segments/lapsing/")


def test_a_segment_that_a_campaign_speaks_to_is_not_archived(deniz):
    plans.draft()
    deniz.cookies["django_language"] = "en"
    deniz.post("/segments/repeat-guests/archive/")
    assert "finish or change that first" in page(deniz, "/segments/repeat-guests/")
    assert Segment.objects.get(key="repeat-guests").archived_at is None


def test_a_segment_that_a_journey_is_under_way_with_is_in_use(deniz):
    rides.publish(exit_when=[{"where": {"segment": "high-value"}}])
    deniz.cookies["django_language"] = "en"
    shown = page(deniz, "/segments/high-value/")
    assert '<a href="/journeys/abandoned/">Abandoned booking</a>' in shown
    assert "<span>used by 1 journey</span>" in shown
    assert "<span></span>" not in shown
    assert '"/segments/high-value/"' not in page(deniz, "/segments/?show=unused")
    assert "1 journey" in page(deniz, "/segments/?show=used")
    deniz.post("/segments/high-value/archive/")
    refused = page(deniz, "/segments/high-value/")
    assert "The journey “Abandoned booking” speaks of it" in refused
    assert Segment.objects.get(key="high-value").archived_at is None


def test_people_on_an_older_version_keep_its_segments_in_use(deniz, company):
    nobody = {"all": [{"segment": "high-value"}, {"trait": {"city": {"is": "Nowhere"}}}]}
    rides.publish(exit_when=[{"where": nobody}], holdout="0 %")
    elif_ = Profile.objects.get(first_name="Elif", last_name="Doğan")
    assert rides.come_in("abandoned", elif_, 10)
    rides.publish(ago=5, exit_when=None, holdout="0 %")
    assert '"/segments/high-value/"' not in page(deniz, "/segments/?show=unused")
    Enrollment.objects.update(state="finished", finished_at=made_up.NOW, outcome="done")
    assert '"/segments/high-value/"' in page(deniz, "/segments/?show=unused")


def test_the_definition_is_handed_out_as_a_file(deniz):
    answer = deniz.get("/segments/repeat-guests/export/")
    assert answer["Content-Disposition"] == 'attachment; filename="repeat-guests.yaml"'
    assert "count: {at_least: 2}" in answer.content.decode()


def test_versions_show_what_changed_and_can_be_restored(deniz, company):
    first = company.segments["repeat-guests"].version
    other = {**first.definition, "where": {"trait": {"city": {"is": "Bursa"}}}}
    publication.propose(other, by="deniz")
    shown = page(deniz, "/segments/repeat-guests/")
    versions = shown[shown.index('id="versions"') :]
    assert versions.index("Version 2") < versions.index("Version 1")
    assert "“Bursa”" in versions
    assert "No more:" in versions
    while publication.work_once("test"):
        pass
    publication.confirm(publication.open_publications()["repeat-guests"])
    assert publication.work_once("test")
    answer = deniz.post("/segments/repeat-guests/restore/", {"version": "1"})
    assert answer["Location"] == "/segments/repeat-guests/change/"
    newest = Segment.objects.get(key="repeat-guests").versions.order_by("-number").first()
    assert (newest.number, newest.definition["where"]) == (3, first.definition["where"])
    assert deniz.post("/segments/repeat-guests/restore/", {"version": "99"}).status_code == 404


def test_a_segment_is_shown_as_it_was_on_a_day(deniz, company):
    now = page(deniz, "/segments/repeat-guests/?on=2026-11-22")
    rebuild.everybody(at=made_up.NOW)
    n = Membership.objects.filter(segment__key="repeat-guests", left_at=None).count()
    assert f"<b>{n}</b> <span>customers on 22 Nov 2026" in now
    before = page(deniz, "/segments/repeat-guests/?on=2020-01-01")
    assert "<b>0</b> <span>customers on 1 Jan 2020" in before
    assert "As it was on a day" in page(deniz, "/segments/repeat-guests/?on=tomorrow")


def test_why_tells_the_records_behind_and_when_it_could_change(deniz, company):
    shown = page(deniz, f"/segments/repeat-guests/why/?profile={company.elif_.pk}")
    assert "records behind it" in shown
    assert "Could change by itself:" in shown


def test_segments_are_for_people_who_have_signed_in(client):
    for path in (
        "/segments/",
        "/segments/lapsing/",
        "/segments/lapsing/why/",
        "/segments/+new/",
        "/segments/lapsing/edit/",
        "/segments/lapsing/export/",
    ):
        assert client.get(path)["Location"].startswith("/login/")
