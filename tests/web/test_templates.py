"""Templates: the list, the editor with its preview, versions, languages, hostile ones."""

from __future__ import annotations

import pytest
from tests.web import rides

from pusula.campaigns import templates
from pusula.campaigns.models import Template, TemplateVersion
from pusula.campaigns.templates import Says
from pusula.lib import clock
from pusula.privacy.models import AuditEntry

pytestmark = pytest.mark.django_db

HTML = (
    '<p>Merhaba {{ profile.first_name | default: "misafirimiz" }}</p>'
    '<a href="{{ unsubscribe_url }}">Çıkın</a>'
)
TYPED = {
    "channel": "email",
    "name": "Bahar daveti",
    "subject": "Bahar geldi",
    "preheader": "Erken rezervasyonda indirim",
    "html": HTML,
    "text": "",
    "note": "",
}


def page(client, path: str, language: str = "en", status: int = 200) -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == status, path
    return " ".join(answer.content.decode().split())


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def bahar(deniz) -> Template:
    return templates.save(
        None, name="Bahar", says={"": Says(subject="Bahar geldi", html=HTML)}, by="deniz", at=1
    )


@pytest.mark.parametrize("language", ["tr", "en"])
def test_without_templates_the_list_says_what_one_is(deniz, language):
    assert "/templates/+new/" in page(deniz, "/templates/", language)


@pytest.mark.parametrize("language", ["tr", "en"])
@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp", "webpush"])
def test_each_channel_has_its_own_form(deniz, channel, language):
    shown = page(deniz, f"/templates/+new/?channel={channel}", language)
    assert ('name="html"' in shown) == (channel == "email")
    assert ('name="approved"' in shown) == (channel == "whatsapp")
    assert ('name="url"' in shown) == (channel == "webpush")


def test_there_is_no_form_for_what_has_no_templates(deniz):
    page(deniz, "/templates/+new/?channel=call", status=404)
    page(deniz, "/templates/+new/?channel=pigeon", status=404)


def test_what_is_typed_is_saved_as_the_first_version(deniz):
    answer = deniz.post("/templates/+new/", TYPED)
    template = Template.objects.get()
    assert answer["Location"] == f"/templates/{template.pk}/"
    assert (template.name, template.channel, template.number) == ("Bahar daveti", "email", 1)
    version = TemplateVersion.objects.get()
    assert version.made_by == "deniz"
    assert version.says[""]["preheader"] == "Erken rezervasyonda indirim"
    assert AuditEntry.objects.filter(verb="template.saved").count() == 1


def test_the_next_saving_is_the_next_version_and_the_first_stays(deniz, bahar):
    deniz.post(f"/templates/{bahar.pk}/", {**TYPED, "number": "1", "note": "Daha kısa"})
    assert [v.says[""]["subject"] for v in TemplateVersion.objects.order_by("number")] == [
        "Bahar geldi",
        "Bahar geldi",
    ]
    shown = page(deniz, f"/templates/{bahar.pk}/versions/")
    assert "Daha kısa" in shown
    assert "Erken rezervasyonda" not in page(deniz, f"/templates/{bahar.pk}/versions/?number=1")


def test_saving_the_same_again_makes_no_version(deniz, bahar):
    given = {**TYPED, "name": "Bahar", "preheader": "", "number": "1"}
    deniz.post(f"/templates/{bahar.pk}/", given)
    assert TemplateVersion.objects.count() == 1


def test_an_earlier_version_comes_back_as_a_new_one(deniz, bahar):
    deniz.post(f"/templates/{bahar.pk}/", {**TYPED, "name": "Bahar", "number": "1"})
    deniz.post(f"/templates/{bahar.pk}/restore/", {"number": "1"})
    bahar.refresh_from_db()
    assert (bahar.number, bahar.preheader) == (3, "")
    assert deniz.post(f"/templates/{bahar.pk}/restore/", {"number": "9"}).status_code == 404


def test_who_saves_over_somebody_elses_version_is_told_and_keeps_what_they_typed(deniz, bahar):
    deniz.post(f"/templates/{bahar.pk}/", {**TYPED, "number": "1"})
    deniz.cookies["django_language"] = "en"
    answer = deniz.post(f"/templates/{bahar.pk}/", {**TYPED, "subject": "Mine", "number": "1"})
    assert answer.status_code == 422
    assert "Somebody else has saved" in text_of(answer)
    assert 'value="Mine"' in text_of(answer)
    assert TemplateVersion.objects.count() == 2


def test_two_templates_have_two_names(deniz, bahar):
    deniz.cookies["django_language"] = "en"
    answer = deniz.post("/templates/+new/", {**TYPED, "name": "Bahar"})
    assert answer.status_code == 422
    assert "There is a template called Bahar already" in text_of(answer)
    assert Template.objects.count() == 1


def test_the_preview_is_a_customers_own_and_names_what_is_missing(deniz, company):
    deniz.cookies["django_language"] = "en"
    asked = {**TYPED, "person": str(company.elif_.pk), "subject": "{{ profile.first_name }}, bahar"}
    shown = text_of(deniz.post("/templates/+preview/", asked))
    assert f"{company.elif_.first_name}, bahar" in shown
    assert "Erken rezervasyonda indirim" in shown
    asked["subject"] = "{{ traits.nothing_of_the_kind }}"
    shown = text_of(deniz.post("/templates/+preview/", asked))
    assert "There is no variable traits.nothing_of_the_kind" in shown


def test_without_scripts_a_button_shows_the_next_customer_and_saves_nothing(deniz, company):
    answer = deniz.post("/templates/+new/", {**TYPED, "to": str(company.elif_.pk)})
    assert answer.status_code == 200
    assert "Bahar geldi" in text_of(answer)
    assert not Template.objects.exists()


def test_the_frame_runs_nothing_and_reaches_nothing(deniz):
    html = "<p>Merhaba</p><script>alert(1)</script>"
    answer = deniz.post("/templates/+preview/html/", {**TYPED, "html": html})
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups" in policy
    assert "allow-same-origin" not in policy
    assert "allow-scripts" not in policy
    frame = page(deniz, "/templates/+new/")
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame


def test_the_preheader_is_in_the_mail_and_not_in_its_text(deniz, company):
    shown = text_of(deniz.post("/templates/+preview/html/", TYPED))
    assert "Erken rezervasyonda indirim" in shown
    asked = {**TYPED, "person": str(company.elif_.pk)}
    preview = deniz.post("/templates/+preview/", asked).context["preview"]
    assert "Erken" not in preview.text
    assert preview.snippet == "Erken rezervasyonda indirim"


def test_an_sms_is_shown_with_what_it_costs(deniz, company):
    asked = {"channel": "sms", "name": "x", "text": "ş" * 80, "person": str(company.elif_.pk)}
    found = deniz.post("/templates/+preview/", asked).context["preview"]
    assert (found.sms_parts.n_parts, found.sms_parts.alphabet) == (2, "turkish")
    found = deniz.post("/templates/+preview/", {**asked, "is_plain": "on"}).context["preview"]
    assert found.sms_parts.n_parts == 1


def test_a_language_is_added_changed_and_removed(deniz, bahar):
    given = {**TYPED, "name": "Bahar", "subject": "Spring is here", "preheader": ""}
    deniz.post(f"/templates/{bahar.pk}/?language=en", {**given, "number": "1"})
    bahar.refresh_from_db()
    assert (bahar.subject, bahar.languages["en"]["subject"]) == ("Bahar geldi", "Spring is here")
    assert "Spring is here" in page(deniz, f"/templates/{bahar.pk}/?language=en")
    deniz.post(f"/templates/{bahar.pk}/?language=en", {**given, "number": "2", "drop": "1"})
    bahar.refresh_from_db()
    assert (bahar.languages, bahar.number) == ({}, 3)
    page(deniz, f"/templates/{bahar.pk}/?language=xx", status=404)


def test_an_archived_template_is_offered_to_nobody_and_comes_back(deniz, bahar):
    deniz.post(f"/templates/{bahar.pk}/archive/")
    assert not templates.usable().exists()
    assert "Bahar" not in page(deniz, "/templates/").split("<main")[1].split("toast")[0]
    assert "Bahar" in page(deniz, "/templates/?show=archive")
    deniz.post(f"/templates/{bahar.pk}/archive/")
    assert templates.usable().get() == bahar


def test_a_campaigns_own_template_is_nobody_elses(deniz):
    own = Template.objects.create(name="campaign:yaz", subject="x", text="x", updated_at=1)
    page(deniz, f"/templates/{own.pk}/", status=404)
    answer = deniz.post("/templates/+new/", {**TYPED, "name": "campaign:kis"})
    assert answer.status_code == 422


HOSTILE = {
    "endless": ("html", "{% for a in (1..9999) %}{% for b in (1..999) %}x{% endfor %}{% endfor %}"),
    "huge": ("html", "{{ 'x' | prepend: 'x' }}{{ (1..9000) | join: '" + "y" * 200 + "' }}"),
    "range": ("html", "{{ (1..30000000) | join: '' }}"),
    "file": ("html", "{% render '/etc/passwd' %}"),
    "include": ("subject", "{% include 'x' %}"),
    "unclosed": ("html", "<p>{% if profile.first_name %}"),
    "safe": ("html", "{{ profile.first_name | safe }}"),
    "preheader": ("preheader", "{{ profile.first_name | nothing }}"),
    "mjml": ("html", "<mjml><mj-body><mj-include path='/etc/passwd' /></mj-body></mjml>"),
    "own tag": ("html", "{% pusula_link %}x{% endpusula_link %}"),
}


@pytest.mark.parametrize(("part", "source"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_template_is_refused_with_the_place_and_never_kept(deniz, part, source):
    deniz.cookies["django_language"] = "en"
    before = clock.now()
    answer = deniz.post("/templates/+new/", {**TYPED, part: source})
    assert answer.status_code == 422
    assert clock.now() - before < 20 * clock.SECOND
    shown = text_of(answer).casefold()
    assert {"subject": "subject", "preheader": "preheader", "html": "html"}[part] in shown
    assert "cannot be filled and was not saved" in shown
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    "source",
    [
        "{{ profile.__class__.__mro__ }}",
        "{{ settings.SECRET_KEY }}",
        "{{ company.__init__.__globals__ }}",
        "{{ traits.__class__ }}",
        "{{ profile['__dict__'] }}",
    ],
)
def test_attributes_of_our_own_objects_are_no_variables(deniz, company, source):
    asked = {**TYPED, "html": f"<p>{source}</p>", "person": str(company.elif_.pk)}
    found = deniz.post("/templates/+preview/", asked).context["preview"]
    assert "class" not in found.html
    assert any(is_error for is_error, _ in found.remarks)


def test_what_no_database_keeps_is_refused(deniz):
    answer = deniz.post("/templates/+new/", {**TYPED, "subject": "a\0b"})
    assert answer.status_code == 422
    assert not Template.objects.exists()


def test_a_version_shows_what_is_new_in_it(deniz, bahar):
    typed = {**TYPED, "name": "Bahar", "preheader": "", "number": "1"}
    deniz.post(f"/templates/{bahar.pk}/", {**typed, "subject": "Yaz geldi"})
    shown = page(deniz, f"/templates/{bahar.pk}/versions/")
    assert "<del>Bahar geldi</del><ins>Yaz geldi</ins>" in shown
    assert "<ins>" not in page(deniz, f"/templates/{bahar.pk}/versions/?number=1")


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_journey_that_uses_a_template_is_called_in_the_language_of_the_page(
    deniz, company, language
):
    rides.publish()
    template = Template.objects.get(name="davet-sms")
    assert rides.TITLE[language] in page(deniz, f"/templates/{template.pk}/", language)
