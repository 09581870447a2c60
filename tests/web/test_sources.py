"""Sources and the live debugger: added, keyed, limited, looked at, tried again."""

from __future__ import annotations

import json
import re

import pytest
from django.utils import translation
from django.utils.translation import gettext
from tests.web import company as made_up

from pusula.consent.models import IysState
from pusula.lib import clock
from pusula.lib.sayings import Saying, placed
from pusula.pipeline import appender, live, queries
from pusula.pipeline.appender import Entry
from pusula.privacy.models import AuditEntry
from pusula.sources import health, keys, known
from pusula.sources.models import KeyKind, Source, SourceKind, WriteKey

pytestmark = pytest.mark.django_db(databases=["default", "log"])


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def message(number: int, *, source="web", trusted=False, **told) -> Entry:
    """Return what the tracking API appends for a message."""
    kind = told.pop("type", "track")
    envelope = {"type": kind, "trusted": trusted, "sent_at": None, "message": told}
    body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
    return Entry("message", source, f"{source}:{number}", body)


def heard(*entries: Entry) -> None:
    """Append ``entries`` and let the step take them over."""
    appender.append(entries)
    live.step(at=made_up.NOW)


@pytest.fixture
def web(company) -> Source:
    return known.add("web", SourceKind.WEBSITE, "Web sitesi")


def test_without_sources_the_page_says_what_to_do(deniz):
    assert "No source is connected yet" in page(deniz, "/sources/")
    assert "Nothing has come in yet" in page(deniz, "/sources/+live/")


def test_a_website_gets_a_name_and_a_key_with_every_snippet_filled_in(deniz):
    answer = deniz.post("/sources/+new/", {"title": "Site", "slug": "web", "kind": "website"})
    text = answer.content.decode()
    (key,) = WriteKey.objects.all()
    assert key.kind == KeyKind.WRITE
    assert text.count(key.shown) >= 5
    assert "data-key=&quot;" + key.shown in text
    assert AuditEntry.objects.filter(verb="source.created", object="web").exists()
    assert AuditEntry.objects.filter(verb="key.issued", object="web").exists()


def test_a_name_that_cannot_be_or_is_taken_is_refused_beside_its_field(deniz, web):
    for slug in ("Web Site", "web"):
        given = {"title": "Site", "slug": slug, "kind": "website"}
        answer = deniz.post("/sources/+new/", given)
        assert answer.status_code == 422
        assert b"field__error" in answer.content
    assert Source.objects.count() == 1


def test_a_server_key_is_shown_once_and_never_again(deniz):
    given = {"title": "Rezervasyon", "slug": "booking", "kind": "server"}
    answer = deniz.post("/sources/+new/", given)
    (secret,) = set(re.findall(r"sk_[\w-]{22}", answer.content.decode()))
    assert keys.digest(secret) == WriteKey.objects.get().digest
    assert "no-store" in answer["Cache-Control"]
    assert secret not in page(deniz, "/sources/booking/")


def test_a_key_is_replaced_limited_and_revoked(deniz, web):
    key, _secret = keys.issue(web, KeyKind.WRITE)
    deniz.post(f"/sources/web/keys/{key.pk}/rotate/")
    new = WriteKey.objects.latest("pk")
    assert new.pk != key.pk
    key.refresh_from_db()
    assert key.expires_at == made_up.NOW + keys.GRACE
    given = {
        "origins": "https://www.otel.example\nhttps://*.otel.example",
        "quota_per_minute": "600",
    }
    deniz.post(f"/sources/web/keys/{new.pk}/limit/", given)
    new.refresh_from_db()
    assert new.origins == ["https://*.otel.example", "https://www.otel.example"]
    assert new.quota_per_minute == 600
    deniz.post(f"/sources/web/keys/{new.pk}/limit/", {"origins": "not an origin"})
    assert WriteKey.objects.get(pk=new.pk).origins == new.origins
    deniz.post(f"/sources/web/keys/{new.pk}/revoke/")
    assert WriteKey.objects.get(pk=new.pk).revoked_at == made_up.NOW
    assert AuditEntry.objects.filter(verb="key.revoked", object="web").count() == 1


def test_a_key_of_another_source_is_not_found_here(deniz, web):
    other, _secret = keys.issue(known.add("other", SourceKind.SERVER), KeyKind.SERVER)
    assert deniz.post(f"/sources/web/keys/{other.pk}/revoke/").status_code == 404
    assert WriteKey.objects.get(pk=other.pk).revoked_at is None


def test_a_late_and_a_failing_source_say_so(deniz, web):
    Source.objects.filter(pk=web.pk).update(
        expected_every_s=3600, last_data_at=made_up.NOW - 3 * clock.HOUR
    )
    assert "Late" in page(deniz, "/sources/")
    assert "Data is late" in page(deniz, "/sources/web/")
    Source.objects.filter(pk=web.pk).update(last_error="401: no such client", last_error_at=1)
    assert "401: no such client" in page(deniz, "/sources/web/")


def test_settings_are_saved_and_a_source_is_switched_off(deniz, web):
    deniz.post("/sources/web/change/", {"title": "Yeni ad", "expected_every_s": "3600"})
    deniz.post("/sources/web/switch/", {"to": "off"})
    web.refresh_from_db()
    assert (web.title, web.expected_every_s, web.is_enabled) == ("Yeni ad", 3600, False)
    assert "Kapalı" in page(deniz, "/sources/web/", "tr") or "Switched off" in page(
        deniz, "/sources/web/"
    )


def test_the_debugger_says_what_became_of_each_entry_and_whom_it_reached(deniz, web, company):
    heard(
        message(1, event="Stay Searched", anonymousId="a-1", properties={"region": "Bodrum"}),
        message(2, event="Stay Viewed", anonymousId="a-1"),
        message(3, event="", anonymousId="a-1"),
    )
    appender.append([message(4, event="Booking Started", anonymousId="a-1")])
    text = page(deniz, "/sources/+live/")
    for word in ("Stay Searched", "Booking Started", "Taken over", "Waiting", "Put aside"):
        assert word in text
    reason = str(queries.quarantined().get().why)
    assert reason[:40].replace("'", "&#x27;") in text
    assert text.count('href="/customers/') >= 2  # both events lead to the visitor
    only = page(deniz, "/sources/+live/?state=quarantined")
    assert "Stay Searched" not in only
    assert "/sources/+live/3/" in only
    assert "Booking Started" not in page(deniz, "/sources/+live/?type=identify")
    assert "Nothing of this has come lately" in page(deniz, "/sources/+live/?source=other")


def test_the_list_asks_for_itself_again_until_paused(deniz, web):
    heard(message(1, event="Stay Searched", anonymousId="a-1"))
    assert 'hx-trigger="every 2s"' in page(deniz, "/sources/+live/")
    assert 'hx-trigger="every 2s"' not in page(deniz, "/sources/+live/?pause=1")
    part = deniz.get("/sources/+live/", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div class="region')


def test_pages_of_the_list_show_every_entry_once(deniz, web):
    heard(*(message(n, event=f"Event {n:03}", anonymousId="a-1") for n in range(95)))
    seen: list[str] = []
    path = "/sources/+live/"
    while path:
        text = page(deniz, path)
        seen += re.findall(r">(Event \d{3})<", text)
        found = re.search(r'id="next" href="(\?[^"]+)"', text)
        path = f"/sources/+live/{found[1].replace('&amp;', '&')}" if found else ""
    assert sorted(seen) == [f"Event {n:03}" for n in range(95)]


def test_an_entry_hides_what_is_personal_until_somebody_asks_for_it(deniz, web):
    traits = {"email": "elif.dogan@example.com", "firstName": "Elif", "phone": "+905321234567"}
    traits |= {"nights": 3, "note": "ara 0532 123 45 67"}
    url = "https://otel.example/?m=elif.dogan@example.com&on=2027-07-04"
    heard(message(1, type="identify", userId="7", traits=traits, context={"page": {"url": url}}))
    text = page(deniz, "/sources/+live/1/").partition("<pre")[2].partition("</pre>")[0]
    for personal in ("elif.dogan", "Elif", "1234567", "123 45 67"):
        assert personal not in text
    for kept in ("firstName", "nights", "2027-07-04", "el•••@example.com"):
        assert kept in text
    answer = deniz.post("/sources/+live/1/disclose/")
    assert b"elif.dogan@example.com" in answer.content
    assert "no-store" in answer["Cache-Control"]
    assert AuditEntry.objects.get(verb="entry.disclosed").object == "1"


def test_what_was_put_aside_is_tried_again_or_deleted(deniz, web):
    heard(
        Entry("event", "web", "web:1", '{"key": "7"}'),
        message(2, event="", anonymousId="a"),
        message(3, event="Stay Viewed", anonymousId="a"),
    )
    assert queries.quarantined().count() == 2
    deniz.post("/sources/+live/1/retry/")
    assert queries.quarantined().get(entry_id=1).n_tries == 2
    assert deniz.post("/sources/+live/1/forget/").status_code == 302
    assert [row.entry_id for row in queries.quarantined()] == [2]
    assert queries.entries([1]) == []
    assert deniz.get("/sources/+live/1/").status_code == 404
    assert AuditEntry.objects.filter(verb="quarantine.given_up").count() == 1


def test_pages_of_sources_are_for_people_who_have_signed_in(client):
    for path in ("/sources/", "/sources/+live/", "/sources/+live/1/", "/sources/web/"):
        assert client.get(path)["Location"].startswith("/login/")


@pytest.mark.parametrize(
    ("kind", "path"),
    [("ota", "/hooks/ota/cm/"), ("mews", "/hooks/mews/cm/"), ("calls", "/hooks/calls/cm/")],
)
def test_a_system_that_pushes_gets_its_address_and_a_secret_key(deniz, kind, path):
    given = {"title": "SiteMinder", "slug": "cm", "kind": kind}
    text = deniz.post("/sources/+new/", given).content.decode()
    (secret,) = set(re.findall(r"sk_[\w-]{22}", text))
    assert WriteKey.objects.get().kind == KeyKind.SERVER
    assert path + secret in text
    later = page(deniz, "/sources/cm/")
    assert path + "sk_…" in later
    assert 'value="write"' not in later
    deniz.post("/sources/cm/keys/", {"kind": "write"})
    assert {key.kind for key in WriteKey.objects.all()} == {KeyKind.SERVER}


def test_only_websites_and_apps_are_offered_public_keys(deniz, web):
    shop = known.add("shop", SourceKind.SERVER)
    assert 'value="write"' in page(deniz, "/sources/web/")
    assert 'value="write"' not in page(deniz, "/sources/shop/")
    for source in (web, shop):
        deniz.post(f"/sources/{source.slug}/keys/", {"kind": "write"})
    held = WriteKey.objects.values_list("source__slug", "kind")
    assert sorted(held) == [("shop", "server"), ("web", "write")]


def test_how_often_data_is_expected_may_be_what_a_command_has_set(deniz, web):
    Source.objects.filter(pk=web.pk).update(expected_every_s=7_200)
    text = page(deniz, "/sources/web/")
    assert '<option value="7200" selected>2 hours</option>' in text
    assert "field__error" not in text
    deniz.post("/sources/web/change/", {"title": "Site", "expected_every_s": "7200"})
    web.refresh_from_db()
    assert (web.title, web.expected_every_s) == ("Site", 7_200)


def test_the_state_at_iys_is_no_day_of_registration():
    with translation.override("tr"):
        assert str(IysState.REGISTERED.label) == "Kayıtlı"


def test_why_something_was_put_aside_is_said_in_the_language_of_the_page(deniz, web):
    heard(Entry("event", "web", "web:1", '{"phone": "12", "name": "Hotel Searched"}'))
    health.failed(web, placed("phone", Saying("not a phone number")), clock.now())
    with translation.override("tr"):
        said = f"phone: {gettext('not a phone number')}"
    for path in ("/sources/", "/sources/web/", "/sources/+live/", "/sources/+live/1/"):
        assert said in page(deniz, path, "tr"), path
        assert "phone: not a phone number" in page(deniz, path, "en"), path
    Source.objects.update(last_error="phone: of an older time")
    assert "phone: of an older time" in page(deniz, "/sources/web/", "tr"), "it stands as it is"
