"""Campaigns: plan, preview, send, watch, measure."""

from __future__ import annotations

import pytest
from django.utils import translation
from tests.web import company as made_up
from tests.web import plans

from pusula.campaigns import actions, audience, checklist, machine, queries, templates
from pusula.campaigns.models import Arm, Campaign
from pusula.campaigns.templates import Says
from pusula.consent import actions as consents
from pusula.lib import clock
from pusula.lib.sayings import Saying, kept
from pusula.outbox.models import Hold, Message, Sender
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Profile
from pusula.segments.models import Segment
from pusula.web.views import campaigns as views

pytestmark = pytest.mark.django_db

TYPED = {
    "title": "Şubat daveti",
    "goal": "loyalty",
    "purpose": "marketing",
    "message_class": "commercial",
    "priority": "5",
    "quiet_hours": "wait",
    "not_after_hours": "24",
    "audience": ["repeat-guests"],
    "exclusions": ["lapsing"],
    "holdout": "12,5",
    "window_days": "14",
    "conversion_event": "",
    "message_cost": "0,05",
    "fixed_cost": "1500",
    "margin": "35",
    "subject": "{{ profile.first_name }}, bahar geldi",
    "html": plans.HTML,
    "text": "",
}


@pytest.fixture(autouse=True)
def _mail_server(settings):
    settings.PUSULA_SMTP_URL = "smtp://127.0.0.1:2525"


def page(client, path: str, language: str = "en", status: int = 200) -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == status, path
    return " ".join(answer.content.decode().split())


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("language", ["tr", "en"])
def test_without_campaigns_the_list_says_what_one_is(deniz, language):
    assert "/campaigns/+new/" in page(deniz, "/campaigns/", language)


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_list_shows_state_goal_and_people(deniz, language):
    plans.draft("taslak")
    plans.finished("biten")
    shown = page(deniz, "/campaigns/", language)
    assert "/campaigns/taslak/" in shown
    assert "/campaigns/biten/" in shown


def test_a_campaign_whose_messages_have_settled_is_being_measured_in_the_list(deniz):
    plans.settle(plans.started())
    shown = page(deniz, "/campaigns/")
    assert "Being measured" in shown
    assert Campaign.objects.get().state == machine.SENDING


def test_a_campaign_without_a_control_group_is_listed_with_none(deniz):
    plans.started(holdout="0", exclusions=[])
    page(deniz, "/campaigns/")
    [(_campaign, _goal, _state, sizes)] = deniz.get("/campaigns/").context["rows"]
    assert sizes["holdout"] == 0
    assert sizes["treated"] == Message.objects.count()


# The form


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_form_is_there_empty_and_filled(deniz, language):
    assert 'name="subject"' in page(deniz, "/campaigns/+new/", language)
    plans.draft()
    assert "Bahar daveti" in page(deniz, "/campaigns/bahar/edit/", language)


def test_what_is_typed_becomes_a_draft_and_nothing_is_sent(deniz):
    deniz.cookies["django_language"] = "tr"
    answer = deniz.post("/campaigns/+new/", TYPED)
    assert answer["Location"] == "/campaigns/subat-daveti/"
    campaign = Campaign.objects.get()
    assert (campaign.title, campaign.state) == ("Şubat daveti", machine.DRAFT)
    assert campaign.holdout_share == pytest.approx(0.125)
    assert (campaign.message_cost_minor, campaign.fixed_cost_minor) == (5, 150_000)
    assert [s.key for s in campaign.audience.all()] == ["repeat-guests"]
    assert [s.key for s in campaign.exclusions.all()] == ["lapsing"]
    assert campaign.template.subject == TYPED["subject"]
    assert Message.objects.count() == 0


def test_two_campaigns_of_the_same_name_get_different_addresses(deniz):
    for _ in range(2):
        deniz.post("/campaigns/+new/", TYPED)
    assert set(Campaign.objects.values_list("key", flat=True)) == {
        "subat-daveti",
        "subat-daveti-2",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": ""}, "id_title_error"),
        ({"audience": []}, "id_audience_error"),
        ({"exclusions": ["repeat-guests"]}, "A segment cannot be spoken to and left out."),
        ({"holdout": "95"}, "id_holdout_error"),
        ({"window_days": "0"}, "id_window_days_error"),
        ({"message_cost": "-1"}, "id_message_cost_error"),
        ({"fixed_cost": "1e400"}, "id_fixed_cost_error"),
        ({"margin": "NaN"}, "id_margin_error"),
        ({"html": "", "text": " "}, "Write the message, as HTML or as text."),
    ],
)
def test_a_field_that_cannot_be_says_so_beside_it_and_keeps_the_rest(deniz, change, said):
    deniz.cookies["django_language"] = "en"
    answer = deniz.post("/campaigns/+new/", TYPED | {"holdout": "10", "message_cost": "0"} | change)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert 'value="{{ profile.first_name }}, bahar geldi"' in text_of(answer)
    assert not Campaign.objects.exists()


def test_a_draft_is_changed_and_keeps_its_address(deniz):
    plans.draft()
    deniz.cookies["django_language"] = "tr"
    deniz.post("/campaigns/bahar/edit/", TYPED | {"title": "Yaz daveti"})
    campaign = Campaign.objects.get()
    assert (campaign.key, campaign.title) == ("bahar", "Yaz daveti")


def test_a_campaign_that_has_started_cannot_be_edited(deniz):
    plans.started()
    assert deniz.post("/campaigns/bahar/edit/", TYPED)["Location"] == "/campaigns/bahar/"
    assert Campaign.objects.get().title == "Bahar daveti"


# The preview


def test_the_preview_is_the_message_of_a_real_customer(deniz, company):
    deniz.cookies["django_language"] = "en"
    shown = text_of(deniz.post("/campaigns/+preview/", TYPED | {"person": company.elif_.pk}))
    assert "as <b>Elif Doğan</b> gets it" in shown
    assert "Elif, bahar geldi" in shown
    mail = deniz.post("/campaigns/+preview/mail/", TYPED | {"person": company.elif_.pk})
    assert "<h1>Merhaba Elif</h1>" in text_of(mail)
    assert "sandbox" in mail["Content-Security-Policy"]


def test_next_and_previous_lead_through_the_audience_and_nobody_else(deniz):
    members = sorted(
        Profile.objects.filter(memberships__segment__key="high-value").values_list("pk", flat=True)
    )
    typed = TYPED | {"audience": ["high-value"], "exclusions": []}
    seen, here = [], members[0]
    while here:
        answer = deniz.post("/campaigns/+preview/", typed | {"to": here})
        seen.append(here)
        here = answer.context["preview"].person.following
    assert seen == members


def test_the_longest_name_and_the_nameless_are_one_press_away(deniz, company):
    Profile.objects.filter(pk=company.elif_.pk).update(first_name="", last_name="", name_key="")
    answer = deniz.post("/campaigns/+preview/", TYPED)
    person = answer.context["preview"].person
    assert person.nameless == company.elif_.pk
    longest = Profile.objects.get(pk=person.longest)
    assert len(longest.name_key) == max(
        len(p.name_key) for p in Profile.objects.filter(memberships__segment__key="repeat-guests")
    )


def test_a_mistake_in_the_template_is_named_with_its_line(deniz):
    deniz.cookies["django_language"] = "en"
    broken = TYPED | {"html": "<p>a</p>\n{% if %}{{ unsubscribe_url }}"}
    answer = deniz.post("/campaigns/+preview/", broken)
    assert answer.status_code == 200
    assert "HTML, line 2" in text_of(answer)


def test_an_unknown_field_and_a_missing_way_out_are_remarked(deniz):
    deniz.cookies["django_language"] = "en"
    shown = text_of(deniz.post("/campaigns/+preview/", TYPED | {"html": "{{ profile.ad }}"}))
    assert "profile.ad" in shown
    assert "There is no way to unsubscribe" in shown


def test_names_cannot_write_html_into_the_mail(deniz, company):
    Profile.objects.filter(pk=company.elif_.pk).update(first_name="<script>x</script>")
    mail = deniz.post("/campaigns/+preview/mail/", TYPED | {"person": company.elif_.pk})
    assert "<script>" not in text_of(mail)


def test_without_scripts_the_preview_buttons_show_the_page_and_save_nothing(deniz, company):
    answer = deniz.post("/campaigns/+new/", TYPED | {"title": "", "to": company.elif_.pk})
    assert answer.status_code == 200
    assert "Elif Doğan" in text_of(answer)
    assert plans.HTML.split("<p>")[0] in answer.context["form"]["html"].value()
    assert not Campaign.objects.exists()


def test_a_preview_of_nothing_is_no_mistake(deniz):
    deniz.cookies["django_language"] = "en"
    shown = page(deniz, "/campaigns/+new/")
    assert "The message appears here while you write it." in shown
    assert "checklist__error" not in shown


# The draft and its confirmation


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_draft_shows_checklist_people_and_message(deniz, language):
    plans.draft()
    shown = page(deniz, "/campaigns/bahar/", language)
    assert 'class="checklist"' in shown
    assert "/campaigns/bahar/send/" in shown
    assert "Elif, bahar geldi" in shown


def test_a_draft_that_must_not_be_sent_offers_no_sending(deniz):
    plans.draft()
    Segment.objects.filter(key="repeat-guests").update(stale_since_at=1, error="broken")
    shown = page(deniz, "/campaigns/bahar/")
    assert "/campaigns/bahar/send/" not in shown
    assert "checklist__error" in shown
    assert deniz.get("/campaigns/bahar/send/")["Location"] == "/campaigns/bahar/"
    deniz.post("/campaigns/bahar/send/", {"people": "8"})
    assert not Message.objects.exists()


def n_people() -> int:
    return audience.plan(Campaign.objects.get()).sizes()[Arm.TREATED]


@pytest.mark.parametrize("language", ["tr", "en"])
def test_sending_asks_for_the_number_of_people(deniz, language):
    plans.draft()
    shown = page(deniz, "/campaigns/bahar/send/", language)
    assert 'name="people"' in shown
    assert f"<b>{n_people()}</b>" in shown


@pytest.mark.parametrize("typed", ["", "evet", "1", "9999"])
def test_another_number_sends_nothing(deniz, typed):
    plans.draft()
    answer = deniz.post("/campaigns/bahar/send/", {"people": typed})
    assert answer.status_code == 422
    assert not Message.objects.exists()
    assert Campaign.objects.get().state == machine.DRAFT


def test_the_right_number_starts_the_campaign_once(deniz):
    plans.draft()
    n = n_people()
    for _ in range(2):
        answer = deniz.post("/campaigns/bahar/send/", {"people": f" {n} "})
        assert answer["Location"] == "/campaigns/bahar/"
    assert Campaign.objects.get().state == machine.SENDING
    assert Message.objects.count() == n


def test_the_number_must_hold_at_the_moment_of_sending(deniz, company):
    plans.draft()
    n = n_people()
    one = next(iter(audience.plan(Campaign.objects.get()).of(Arm.TREATED)))
    made_up.decide(Profile.objects.get(pk=one.profile_id), "email", "refused", 0)
    answer = deniz.post("/campaigns/bahar/send/", {"people": str(n)})
    assert n_people() == n - 1
    assert answer.status_code == 422


def test_a_number_that_changes_while_it_is_checked_sends_nothing(deniz, monkeypatch):
    plans.draft()
    deniz.cookies["django_language"] = "en"
    n = n_people()
    look = views.checklist.preflight

    def look_and_change(campaign, at):
        found = look(campaign, at)
        one = next(iter(found.plan.of(Arm.TREATED)))
        made_up.decide(Profile.objects.get(pk=one.profile_id), "email", "refused", 0)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(views.checklist, "preflight", look_and_change)
        deniz.post("/campaigns/bahar/send/", {"people": str(n)})
    assert Campaign.objects.get().state == machine.DRAFT
    assert not Message.objects.exists()
    said = f"The number of people has changed: {n - 1} would get the message now. Look again."
    assert said in page(deniz, "/campaigns/bahar/")


def test_looking_at_the_confirmation_starts_nothing(deniz):
    plans.draft()
    page(deniz, "/campaigns/bahar/send/")
    assert Campaign.objects.get().state == machine.DRAFT


# Sending


def test_the_progress_asks_again_until_everything_has_settled(deniz):
    campaign = plans.started()
    plans.settle(campaign, n_pending=2)
    shown = page(deniz, "/campaigns/bahar/")
    assert 'hx-trigger="every 2s"' in shown
    assert "No sender is at work" in shown
    part = text_of(deniz.get("/campaigns/bahar/", headers={"HX-Request": "true"}))
    assert part.startswith("<div")
    plans.settle(campaign)
    over = deniz.get("/campaigns/bahar/", headers={"HX-Request": "true"})
    assert over["HX-Refresh"] == "true"


def test_a_sender_at_work_and_a_pause_are_told_apart(deniz):
    campaign = plans.started()
    Sender.objects.create(
        owner="a", host="h", started_at=1, heartbeat_at=made_up.NOW - clock.SECOND
    )
    assert "No sender is at work" not in page(deniz, "/campaigns/bahar/")
    Hold.objects.create(origin=campaign.origin, reason="paused", since_at=1)
    assert "pusula sender resume" in page(deniz, "/campaigns/bahar/")
    said = Saying("there is nobody at the address")
    Hold.objects.update(reason="returns", detail=kept(said))
    shown = page(deniz, "/campaigns/bahar/")
    assert "Held back by itself" in shown
    assert "there is nobody at the address. Look where" in shown
    assert f"pusula sender resume {campaign.origin}" in shown


def test_everybody_not_sent_to_has_a_reason_and_can_be_looked_up(deniz):
    campaign = plans.started()
    plans.settle(campaign)
    total = 0
    for one in queries.unsent(campaign):
        address = f"/campaigns/bahar/unsent/?state={one.state}&reason={one.reason}"
        answer = deniz.get(address)
        assert answer.context["n"] == one.n, address
        total += one.n
    n_sent = Message.objects.filter(state="sent").count()
    assert total + n_sent == 36


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_reasons_are_words(deniz, language):
    plans.settle(plans.started())
    shown = page(deniz, "/campaigns/bahar/", language)
    assert "hard_bounce" not in shown.replace("reason=hard_bounce", "")
    page(deniz, "/campaigns/bahar/unsent/?state=failed&reason=hard_bounce", language)
    page(deniz, "/campaigns/bahar/unsent/?reason=nobody", language)


# The result


def test_before_the_end_there_is_a_day_and_no_comparison(deniz):
    plans.settle(plans.started(ago=6))
    shown = page(deniz, "/campaigns/bahar/")
    assert "Too early: day 6 of 14." in shown
    assert "verdict--neutral" in shown
    assert "p-value" not in shown
    assert 'class="effect' not in shown


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_result_says_verdict_effect_rates_and_details(deniz, language):
    people = list(Profile.objects.order_by("pk").values_list("pk", flat=True))
    campaign = plans.adopted(people)
    for place, profile_id in enumerate(people[:30]):
        plans.book(profile_id, f"y{place}", campaign)
    shown = page(deniz, "/campaigns/yaz/", language)
    assert "verdict--good" in shown
    assert 'class="effect__range"' in shown
    assert shown.count('<dl class="kpis">') == 1
    if language == "en":
        assert "It worked" in shown
        assert "75.00%" in shown
        assert "p-value of the shares" in shown


def test_a_result_without_difference_has_no_colour(deniz):
    people = list(Profile.objects.order_by("pk").values_list("pk", flat=True))
    campaign = plans.adopted(people)
    for place, profile_id in enumerate(people[:70:2]):
        plans.book(profile_id, f"y{place}", campaign)
    shown = page(deniz, "/campaigns/yaz/")
    assert "No difference seen." in shown
    assert "verdict--neutral" in shown
    assert "effect--unsure" in shown


def test_a_broken_split_is_a_warning_that_takes_the_colour_away(deniz):
    people = list(Profile.objects.order_by("pk").values_list("pk", flat=True))
    campaign = plans.adopted(people, n_treated=70)
    for place, profile_id in enumerate(people[:60]):
        plans.book(profile_id, f"y{place}", campaign)
    shown = page(deniz, "/campaigns/yaz/")
    assert "do not rely on this result" in shown
    assert "verdict--good" not in shown


def test_opens_are_counted_of_what_was_sent(deniz):
    plans.finished()
    shown = page(deniz, "/campaigns/bahar/")
    n_sent = Message.objects.filter(state="sent").count()
    n_opened = Message.objects.filter(receipts__kind="opened").distinct().count()
    assert f"<b>{n_sent}</b>" in shown
    opened = shown[shown.index("Opened") :]
    assert f"<b>{n_opened}</b>" in opened[: opened.index("Clicked")]


def test_the_saved_message_is_shown_as_it_was_frozen(deniz, company):
    plans.started()
    actions.create(plans.definition("other", title="Yenisi"), made_up.NOW)
    mail = deniz.get(f"/campaigns/bahar/mail/?person={company.elif_.pk}")
    assert "Merhaba Elif" in text_of(mail)
    assert "sandbox" in mail["Content-Security-Policy"]


def test_what_is_not_there_is_404(deniz):
    for path in ("", "edit/", "send/", "mail/", "unsent/"):
        assert deniz.get(f"/campaigns/none/{path}").status_code == 404


def test_campaigns_are_for_people_who_have_signed_in(client):
    for path in ("/campaigns/", "/campaigns/+new/", "/campaigns/bahar/", "/campaigns/bahar/send/"):
        assert client.get(path)["Location"].startswith("/login/")


def scheduled(deniz, **typed: str):
    """Post the form of sending "later"; return the answer."""
    plans.draft("yaz")
    n = audience.plan(Campaign.objects.get()).n_messages
    given = {"people": str(n), "later": "1", "starts": "2099-01-01T10:00"} | typed
    return deniz.post("/campaigns/yaz/send/", given)


@pytest.fixture
def in_a_week() -> str:
    return clock.to_datetime(clock.now() + 7 * clock.DAY, "Europe/Istanbul").strftime(
        "%Y-%m-%dT10:00"
    )


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_campaign_is_scheduled_where_it_is_sent_and_called_back(
    deniz, company, language, in_a_week
):
    assert scheduled(deniz, starts=in_a_week).status_code == 302
    campaign = Campaign.objects.get()
    assert campaign.state == machine.SCHEDULED
    assert clock.to_datetime(campaign.starts_at, "Europe/Istanbul").hour == 10
    shown = page(deniz, "/campaigns/yaz/", language)
    assert "/campaigns/yaz/call-back/" in shown
    assert "/campaigns/yaz/send/" not in shown
    assert "/campaigns/yaz/edit/" not in shown
    assert deniz.get("/campaigns/yaz/send/").status_code == 302
    assert deniz.get("/campaigns/yaz/call-back/").status_code == 405
    assert deniz.post("/campaigns/yaz/call-back/").status_code == 302
    assert Campaign.objects.get().state == machine.DRAFT
    assert "/campaigns/yaz/edit/" in page(deniz, "/campaigns/yaz/", language)
    assert set(AuditEntry.objects.values_list("verb", flat=True)) >= {
        "campaign.scheduled", "campaign.called_back",
    }  # fmt: skip
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "typed",
    [{"starts": ""}, {"starts": "tomorrow"}, {"starts": "2001-01-01T10:00"},
     {"starts": "2099-01-01T10:00"}, {"starts": "2026-12-01T10:00+03:00"},
     {"starts": "0001-01-01T00:00"}, {"starts": "9999-12-31T23:59"}, {"people": "1"}],
)  # fmt: skip
def test_a_moment_or_number_that_cannot_be_meant_schedules_nothing(deniz, company, typed):
    answer = scheduled(deniz, **typed)
    assert answer.status_code == 422
    assert Campaign.objects.get().state == machine.DRAFT


def test_what_kept_a_scheduled_campaign_from_beginning_is_said_on_its_page(deniz, company):
    plans.draft("yaz")
    Campaign.objects.update(trouble="by now it would be too late")
    shown = page(deniz, "/campaigns/yaz/")
    assert "did not begin: by now it would be too late" in shown


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_calendar_shows_campaigns_holidays_and_the_months_beside(
    deniz, company, language, in_a_week
):
    scheduled(deniz, starts=in_a_week)
    month = in_a_week[:7]
    shown = page(deniz, f"/campaigns/+calendar/?month={month}", language)
    assert "/campaigns/yaz/" in shown
    assert "10:00" in shown
    assert "Cumhuriyet" in page(deniz, "/campaigns/+calendar/?month=2026-10", "tr")
    assert "Republic Day" in page(deniz, "/campaigns/+calendar/?month=2026-10", "en")
    schools = page(deniz, "/campaigns/+calendar/?month=2026-01", "en")
    assert "winter school break" in schools
    assert "?month=2025-12" in schools
    assert "?month=2026-02" in schools


@pytest.mark.parametrize("month", ["", "2026-13", "0001-01", "9999-12", "x\0", "2026-1-1"])
def test_a_month_that_there_is_not_is_this_one(deniz, month):
    shown = page(deniz, f"/campaigns/+calendar/?month={month.replace(chr(0), '%00')}")
    assert 'aria-current="date"' in shown


def test_the_calendar_says_how_many_get_their_second_message_of_the_week(deniz, company, in_a_week):
    plans.draft("kis", exclusions=[])
    plans.draft("yaz", exclusions=[])
    at = clock.now() + 7 * clock.DAY
    Campaign.objects.update(state=machine.SCHEDULED, starts_at=at)
    local = clock.to_datetime(at, "Europe/Istanbul")
    shown = page(deniz, f"/campaigns/+calendar/?month={local:%Y-%m}")
    n = audience.plan(Campaign.objects.first()).sizes()
    assert f"{sum(n.values()) - n[Arm.EXCLUDED]} people would get 2 messages" in shown


@pytest.fixture
def text(settings, monkeypatch):
    """Return a template of SMS, with a provider that would carry it."""
    settings.PUSULA_CHANNELS = {"sms": {"provider": "netgsm", "user": "u", "sender": "LODOS"}}
    monkeypatch.setenv("PUSULA_SMS_PASSWORD", "p")
    says = {"": Says(text="Merhaba {{ profile.first_name }}, bahar geldi {{ unsubscribe_url }}")}
    return templates.save(None, name="Bahar SMS", channel="sms", says=says, by="deniz", at=1)


def test_a_template_chosen_in_the_form_brings_its_channel_and_its_text(deniz, company, text):
    assert "Bahar SMS" in page(deniz, "/campaigns/+new/", "tr")
    typed = TYPED | {"template": str(text.pk), "subject": "", "html": "", "exclusions": []}
    shown = text_of(deniz.post("/campaigns/+preview/", typed))
    assert "bahar geldi" in shown
    assert deniz.post("/campaigns/+new/", typed).status_code == 302
    campaign = Campaign.objects.get()
    assert (campaign.channel, campaign.template) == ("sms", text)
    assert "bahar geldi" in page(deniz, f"/campaigns/{campaign.key}/", "tr")
    edit = page(deniz, f"/campaigns/{campaign.key}/edit/", "tr")
    assert f'value="{text.pk}" selected' in edit
    assert TYPED["subject"] not in edit


def test_a_campaign_of_texts_puts_texts_in_line(deniz, company, text):
    now = clock.now()
    granted = [
        consents.Decision(
            profile_id=pk, channel="sms", purpose="marketing", status="granted", source="web",
            decided_at=now, evidence="form",
        )
        for pk in Profile.objects.values_list("pk", flat=True)
    ]  # fmt: skip
    consents.record(granted, at=now)
    campaign = plans.draft("texts", channel="sms", template="Bahar SMS", exclusions=[])
    actions.start(campaign, clock.now())
    found = Message.objects.filter(origin=campaign.origin)
    assert found.filter(state="pending").exists()
    assert {(one.channel, one.content.channel) for one in found} == {("sms", "sms")}


def test_without_a_provider_or_on_the_phone_a_campaign_cannot_start(company, text, settings):
    campaign = plans.draft("texts", channel="sms", template="Bahar SMS", exclusions=[])
    with translation.override("en"):
        found = checklist.preflight(campaign, clock.now())
        assert "The provider of the channel is set." in [item.text for item in found.items]
        settings.PUSULA_CHANNELS = {}
        said = checklist.preflight(campaign, clock.now()).errors
        assert any("Nothing carries this channel" in one for one in said)
        Campaign.objects.update(channel="call")
        said = checklist.preflight(Campaign.objects.get(), clock.now()).errors
        assert any("calls nobody" in one for one in said)
