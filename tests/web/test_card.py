"""The card of a customer: facts, contacts, consents, and the line of time."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.utils import translation
from tests.web import company as made_up
from tests.web import plans, rides

from pusula.lake.as_of import AsOf
from pusula.lib import clock
from pusula.orders import machine
from pusula.orders import queries as orders
from pusula.orders.models import Order
from pusula.outbox.models import Message
from pusula.profiles.models import IdentifierKind, Profile
from pusula.segments.everybody import rebuild
from pusula.segments.models import CutPoint
from pusula.web import facts, timeline
from pusula.web.models import Disclosure

pytestmark = pytest.mark.django_db


@pytest.fixture
def card(company):
    return f"/customers/{company.elif_.pk}/"


@pytest.fixture
def limits(company) -> None:
    """Publish what everybody spends on average."""
    rebuild.everybody(at=made_up.NOW)


@pytest.fixture
def guest(company) -> Profile:
    return made_up.profile("Yeni", "Misafir", created=2)


def page(client, path: str, language: str = "tr", **query: object) -> str:
    client.cookies["django_language"] = language
    answer = client.get(path, query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def found(profile: Profile, as_of: AsOf | None = None) -> list[facts.Fact]:
    return facts.facts_of(profile.pk, list(orders.of_profile(profile.pk)), as_of=as_of)


def told(profile: Profile, as_of: AsOf | None = None) -> list[str]:
    return [fact.text for fact in found(profile, as_of)]


def test_facts_are_sentences(deniz, card, limits):
    shown = page(deniz, card)
    for sentence in (
        "Son konaklaması 199 gün önceydi; ortalama 49 günde bir geliyor.",
        "8 konaklamada toplam ₺194.300 harcadı; en çok Bodrum bölgesini seçti.",
        "9 rezervasyonun 1 tanesini iptal etti.",
        "Son 30 günde 1 kez rezervasyonu yarıda bıraktı.",
    ):
        assert sentence in shown


def test_facts_are_sentences_in_english_too(deniz, card, limits):
    shown = page(deniz, card, "en")
    assert "Last stay was 199 days ago; usually comes every 49 days." in shown
    assert "Left a booking unfinished 1 time in the last 30 days." in shown


def test_each_fact_opens_to_the_rows_behind_it(deniz, card, limits):
    shown = page(deniz, card)
    (why,) = re.findall(r"<summary>Son 30 günde 1 kez.*?</details>", shown)
    assert "<b>Rezervasyonu yarıda bıraktı</b> <small>Lodos Mavi Koy · Ödeme</small>" in why
    (why,) = re.findall(r"<summary>9 rezervasyonun.*?</details>", shown)
    assert why.count("<li>") == 1
    assert "iptal" in why
    (why,) = re.findall(r"<summary>8 konaklamada.*?</details>", shown)
    assert why.count("<li>") == 6
    assert f'href="{card}?show=orders#timeline"' in why


def test_a_fact_says_when_it_ends_by_itself(company):
    (fact,) = [fact for fact in found(company.elif_) if fact.key == "booking-abandoned"]
    assert fact.changes == "Yeni veri gelmezse 7 Aralık 2026 tarihine kadar böyle kalır."


def test_one_stay_has_no_rhythm(guest):
    made_up.stay(guest, "T1", 12, 2, 10_000)
    assert "Tek konaklaması 10 gün önceydi." in told(guest)


def test_a_stay_ahead_and_a_stay_now_are_told_first(guest):
    made_up.stay(guest, "T1", -12, 5, 10_000, status=machine.CONFIRMED)
    made_up.stay(guest, "T3", -40, 5, 10_000, status=machine.CONFIRMED, hotel=1)
    made_up.stay(guest, "T2", 1, 4, 10_000, status=machine.IN_HOUSE)
    assert told(guest)[:2] == [
        "Şu anda konaklıyor: Lodos Mavi Koy, çıkış 25 Kasım 2026.",
        "Sıradaki konaklaması 12 gün sonra başlıyor: Lodos Mavi Koy, 4 Aralık 2026.",
    ]


def test_somebody_who_comes_for_the_first_time_is_called_so(guest):
    made_up.stay(guest, "T1", -12, 5, 10_000, status=machine.CONFIRMED)
    assert told(guest)[0] == "İlk kez gelecek."


def test_a_stay_worth_more_than_the_average_is_said_in_per_cent(guest, limits):
    mean = CutPoint.objects.get(key__contains="avg.net_amount.row-mean").value
    made_up.stay(guest, "T1", 40, 2, round(mean * 1.2 / 100))
    assert "Konaklama başına harcaması ortalamanın %20 üzerinde." in told(guest)


def test_spending_near_the_average_is_called_so(guest, limits):
    mean = CutPoint.objects.get(key__contains="avg.net_amount.row-mean").value
    made_up.stay(guest, "T1", 40, 2, round(mean / 100))
    assert "Konaklama başına harcaması ortalamaya yakın." in told(guest)


def test_nothing_is_compared_with_a_mean_that_nobody_has_published(guest):
    made_up.stay(guest, "T1", 40, 2, 10_000)
    assert not [sentence for sentence in told(guest) if "ortalama" in sentence]


def test_a_shop_speaks_of_orders(guest, limits):
    for number, ago in enumerate((40, 70, 100)):
        made_up.stay(guest, f"T{number}", ago, 2, 5_000)
    Order.objects.filter(profile=guest).update(starts_on=None, ends_on=None, region="")
    shown = told(guest)
    assert any(sentence.startswith("Son siparişi ") for sentence in shown)
    assert "Son 30 günde alışverişi yok." in shown
    assert "3 siparişte toplam ₺15.000 harcadı." in shown
    assert any(sentence.startswith("Sepeti ortalamanın %") for sentence in shown)


def test_a_birthday_is_said_two_weeks_ahead(guest):
    made_up.trait(guest, "birth_date", made_up.TODAY.replace(year=1990) + dt.timedelta(days=13))
    assert told(guest) == ["Doğum günü önümüzdeki 14 gün içinde."]


def test_a_card_can_be_asked_as_of_a_past_moment(guest):
    made_up.event(guest, "Booking Abandoned", 15)
    before = made_up.moment(20)
    Profile.objects.filter(pk=guest.pk).update(recorded_at=0, created_at=0)
    assert told(guest, AsOf(before, made_up.NOW)) == []
    assert len(told(guest, AsOf(made_up.moment(10), made_up.NOW))) == 1


def test_without_orders_facts_fall_back_to_visits(guest):
    assert told(guest) == []
    for ago in (1, 2, 3):
        made_up.event(guest, "Hotel Searched", ago)
    assert told(guest) == ["Son 30 günde 3 otel araması yaptı, rezervasyona başlamadı."]


def test_a_customer_nothing_is_known_of_has_a_card_that_says_so(deniz, guest):
    shown = page(deniz, f"/customers/{guest.pk}/")
    for words in (
        "Söyleyecek bir şey henüz yok",
        "Hiçbir segmentte değil.",
        "kayıt yok",
        "Puanı yok",
    ):
        assert words in shown


def test_contacts_are_masked_until_somebody_asks_and_that_is_written_down(deniz, card, company):
    shown = page(deniz, card)
    assert "0532 ••• •• 41" in shown
    assert "el•••@example.com" in shown
    assert "123 45 41" not in shown
    assert not Disclosure.objects.exists()
    answer = deniz.post(f"{card}disclose/")
    assert "0532 123 45 41" in answer.content.decode()
    assert "elif.dogan@example.com" in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    written = Disclosure.objects.values_list("user", "profile_id", "kind", "at")
    assert sorted(written) == [
        (company.user.pk, company.elif_.pk, "email", made_up.NOW),
        (company.user.pk, company.elif_.pk, "phone", made_up.NOW),
    ]
    assert "0532 ••• •• 41" in page(deniz, card)


def test_no_address_of_a_page_shows_a_contact_unasked(deniz, card):
    assert deniz.get(f"{card}disclose/").status_code == 405


def test_htmx_gets_the_contacts_alone(deniz, card):
    part = deniz.post(f"{card}disclose/", headers={"hx-request": "true"}).content.decode()
    assert "0532 123 45 41" in part
    assert "<h1>" not in part


def test_consents_say_channel_status_source_and_date(deniz, card):
    shown = page(deniz, card)
    assert '<span>E-posta</span> <span class="yes">İzin var</span>' in shown
    assert "1 Nisan 2025, web formu · Kayıt formu 2025-03" in shown
    assert '<span>Telefonla arama</span> <span class="bad">Reddetti</span>' in shown
    assert '<span>SMS</span> <span class="no">İzin yok</span> <small>kayıt yok</small>' in shown


def test_segments_say_since_when_and_lead_to_why(deniz, card, company):
    shown = page(deniz, card)
    assert '<a href="/segments/high-value/">Yüksek değerli misafirler</a>' in shown
    assert "12 Ekim 2026 tarihinden beri" in shown
    assert f"/segments/high-value/why/?profile={company.elif_.pk}" in shown


def test_the_newest_rfm_score_is_shown_with_its_day(deniz, card):
    shown = page(deniz, card)
    assert "Şampiyonlar" in shown
    assert "199 gün" in shown
    assert "1 Kas 2026" in shown


def test_age_is_counted_from_the_birthday(deniz, card):
    assert "34 yaşında" in page(deniz, card)


# ----------------------------------------------------------------------------------- timeline --


def everything(profile_id: int, facet: str) -> list[timeline.Item]:
    items, before = [], None
    while True:
        shown = timeline.page(profile_id, facet, before)
        items += [item for entry in shown.entries for item in entry.items]
        if not shown.next_before:
            return items
        before = timeline.Position.read(shown.next_before)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_pages_of_the_timeline_show_everything_once_newest_first(company, monkeypatch, size):
    who = company.elif_
    for name in ("Hotel Viewed", "Email Clicked", "Call Received"):
        made_up.event(who, name, 15)  # all at the moment of the abandoned booking
    plans.finished()
    monkeypatch.setattr(timeline, "PAGE", size)
    items = everything(who.pk, "all")
    positions = [item.position for item in items]
    assert positions == sorted(set(positions), reverse=True)
    assert len(items) == 9 + 14 + 3 + 2 + 1  # stays, events, events, consents, a campaign


def test_facets_divide_the_timeline(company):
    parts = [set(everything(company.elif_.pk, facet)) for facet in ("orders", "web", "contact")]
    assert set.union(*parts) == set(everything(company.elif_.pk, "all"))
    assert sum(len(part) for part in parts) == len(set.union(*parts))


def test_repeated_visits_are_one_entry_and_stays_are_not(company):
    entries = timeline.page(company.elif_.pk, "all", None).entries
    searched = [entry for entry in entries if entry.newest.title == "Otel aradı"]
    assert [len(entry.items) for entry in searched] == [12]
    assert all(len(e.items) == 1 for e in entries if e.newest.icon == "bed-double")


def test_the_timeline_can_be_shown_by_facet_without_scripts(deniz, card):
    shown = page(deniz, card, show="orders")
    assert "Bodrum, 3 gece" in shown
    assert "Otel aradı" not in shown
    assert f'href="{card}?show=orders" hx-get="{card}?show=orders"' in shown


@pytest.mark.parametrize(
    "query", [{"show": "x"}, {"before": "x"}, {"before": "1.2"}, {"before": "a.b.c"}]
)
def test_a_strange_address_shows_the_newest_of_everything(deniz, card, query):
    assert "Rezervasyonu yarıda bıraktı" in page(deniz, card, **query)


def test_older_items_are_a_page_of_their_own_and_a_part_for_htmx(deniz, card, monkeypatch):
    monkeypatch.setattr(timeline, "PAGE", 5)
    before = re.search(r"before=([\d.]+)", page(deniz, card, show="orders"))[1]
    whole = page(deniz, card, show="orders", before=before)
    assert "En yenilere dön" in whole
    part = deniz.get(card, {"show": "orders", "before": before}, headers={"hx-request": "true"})
    assert part.content.decode().strip().startswith("<li>")


def test_messages_say_what_became_of_them_and_silence_says_why(deniz, company):
    campaign = plans.finished()
    reader = campaign.assignments.filter(arm="treated").order_by("profile_id")[1].profile_id
    shown = page(deniz, f"/customers/{reader}/", show="contact")
    assert "E-posta: Bahar daveti" in shown
    held_out = campaign.assignments.filter(arm="holdout").first().profile_id
    shown = page(deniz, f"/customers/{held_out}/", show="contact")
    assert "Gönderilmedi: Bahar daveti" in shown
    assert "kontrol grubu" in shown


def test_a_stay_ahead_stands_on_top(guest):
    made_up.stay(guest, "T1", -12, 5, 10_000, status=machine.CONFIRMED)
    made_up.event(guest, "Hotel Viewed", 1)
    first = timeline.page(guest.pk, "all", None).entries[0].newest
    assert first.title == "Bodrum, 5 gece"
    assert first.detail.startswith("onaylı · ₺10.000")
    assert first.at == clock.start_of(made_up.TODAY + dt.timedelta(days=12), made_up.ZONE)


def test_a_nameless_customer_has_a_name_for_us(deniz, guest):
    Profile.objects.filter(pk=guest.pk).update(first_name="", last_name="", name_key="")
    assert "Adı bilinmeyen müşteri" in page(deniz, f"/customers/{guest.pk}/")


def test_identifiers_of_systems_are_no_contacts(deniz, company):
    made_up.identify(company.elif_, IdentifierKind.KEY, "crm:77")
    assert "crm:77" not in page(deniz, f"/customers/{company.elif_.pk}/")


def test_an_order_says_its_room_why_it_was_cancelled_and_that_a_browser_alone_told_of_it(company):
    order = company.elif_.orders.order_by("-ordered_at").first()
    order.room_type, order.board = "Deluxe", "HB"
    item = timeline.order_item(order)
    assert "Deluxe" in item.detail
    assert "HB" in item.detail
    assert "website" not in item.detail
    order.status, order.cancel_reason, order.is_claimed = "cancelled", "price", True
    with translation.override("en"):
        said = timeline.order_item(order).detail
    assert "price too high" in said
    assert "told by a website, not yet by your own system" in said


@pytest.mark.parametrize(
    ("language", "title"), [("tr", "Yarım kalan rezervasyon"), ("en", "Abandoned booking")]
)
def test_a_message_of_a_journey_is_called_by_the_title_of_the_journey(
    deniz, company, language, title
):
    journey = rides.publish(exit_when=None, goal=None, holdout=0, steps=[rides.mail("hello")])
    rides.come_in(journey.key, company.elif_, ago=1)
    assert Message.objects.filter(profile=company.elif_, origin=journey.origin).exists()
    shown = page(deniz, f"/customers/{company.elif_.pk}/", language, show="contact")
    assert f": {title}</b>" in shown
    assert journey.origin not in shown
