"""The first page: how the period went, what needs attention, what to do first."""

from __future__ import annotations

import pytest
from tests.web import company as made_up
from tests.web import plans

from pusula.campaigns.models import Campaign
from pusula.consent.models import IysSubmission
from pusula.lib import clock
from pusula.lib.sayings import Saying, kept
from pusula.measurement.reports import answers, measured
from pusula.measurement.reports.glance import Glance
from pusula.orders import machine
from pusula.orders.models import Order
from pusula.outbox import actions as outbox
from pusula.outbox.models import Hold, Message
from pusula.rfm.models import RfmRun
from pusula.segments.models import Segment
from pusula.sources.models import Import
from pusula.web import concerns as attention
from pusula.web import overview
from pusula.web.concerns import Concern
from pusula.web.report_period import PRESETS

pytestmark = pytest.mark.django_db


def page(client, path: str = "/", language: str = "tr") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def glance(days: int) -> Glance:
    return measured.GLANCE.count(overview.asked(days))


def shown_concerns() -> list[Concern]:
    return attention.concerns(glance(28).stuck)


def concerns() -> list[str]:
    return [concern.text for concern in shown_concerns()]


@pytest.fixture
def two_bookings(company):
    """Leave one booking in the last four weeks and one, worth half, in the four before."""
    Order.objects.all().delete()
    made_up.stay(company.elif_, "N1", -16, 3, 30_000, status=machine.CONFIRMED)
    made_up.stay(company.elif_, "B1", 15, 3, 15_000)


def test_a_sentence_says_how_the_period_went(deniz, two_bookings):
    shown = page(deniz)
    assert "Son 4 hafta içinde net gelir ₺30.000 oldu; önceki aynı süreye göre %100 arttı." in shown
    shown = page(deniz, language="en")
    assert "Net revenue of the last 4 weeks: ₺30,000, 100% more than in the same time" in shown


def test_without_a_past_there_is_no_comparison(deniz, two_bookings):
    assert "Son 52 hafta içinde net gelir ₺45.000 oldu." in page(deniz, "/?days=364")


def test_cancelled_bookings_are_worth_nothing(deniz, two_bookings):
    Order.objects.filter(source_id="N1").update(status=machine.CANCELLED)
    assert overview.period(28, glance(28)).now.n == 0
    assert "Bu dönemde rezervasyon yok" in page(deniz)


@pytest.mark.parametrize("days", list(PRESETS))
def test_the_columns_of_a_period_add_up_to_its_revenue(deniz, company, days):
    shown = overview.period(days, glance(days))
    orders = Order.objects.filter(status__in=machine.ALIVE)
    assert shown.now.n <= orders.count()
    rows = shown.chart.table.rows
    assert len(rows) == days // {7: 1, 28: 1, 91: 7, 364: 28}[days]


@pytest.mark.parametrize("days", ["x", "0", "-7", "9999999999", "29", ""])
def test_a_period_we_do_not_offer_is_the_usual_one(deniz, days):
    answer = deniz.get("/", {"days": days})
    assert answer.context["period"].days == overview.USUAL_PERIOD


def test_figures_name_customers_revenue_bookings_stays_and_reach(deniz):
    shown = page(deniz)
    for words in (
        "Müşteriler",
        "Net gelir",
        "Rezervasyon",
        "Gelecek konaklama",
        "E-postayla ulaşılabilir",
    ):
        assert words in shown
    assert '<a href="/customers/">80</a>' in shown


def test_segments_lead_to_their_pages(deniz):
    assert '<a href="/segments/lapsing/">Kaybedilmek üzere olan sadık misafirler</a>' in page(deniz)


def test_an_empty_installation_shows_the_way_to_the_first_campaign(deniz):
    made_up.forget_everybody()
    RfmRun.objects.all().delete()
    Segment.objects.update(evaluated_at=None)
    shown = page(deniz)
    assert "Pusula’ya hoş geldiniz" in shown
    assert [step.is_done for step in overview.steps()] == [False] * 4
    assert "<code>pusula rfm run</code>" in shown


def test_only_the_steps_still_to_take_are_shown(deniz):
    shown = page(deniz)
    assert "İlk kampanyayı gönderin" in shown
    assert "Verinizi getirin" not in shown
    plans.finished()
    assert "Sıradaki adımlar" not in page(deniz)


def test_nothing_wrong_is_said_too(deniz):
    Import.objects.update(n_rejected=0)
    Segment.objects.update(archived_at=made_up.NOW)
    assert concerns() == []
    assert "Şu anda sizi bekleyen bir şey yok." in page(deniz)


def test_before_a_large_company_is_counted_it_is_not_told_that_nothing_is_wrong(deniz, monkeypatch):
    Import.objects.update(n_rejected=0)
    Segment.objects.update(archived_at=made_up.NOW)
    monkeypatch.setattr(answers, "MOST_AT_ONCE", -1)
    assert "Dikkat isteyenler" not in page(deniz)  # who cannot go on is not known yet
    answers.work(at=clock.now())
    assert "Şu anda sizi bekleyen bir şey yok." in page(deniz)


def test_imports_that_failed_or_left_rows_out_are_named(deniz):
    assert "bookings.csv dosyasında 10 satır okunamadı." in concerns()
    Import.objects.update(state="failed", error="line 1: no header")
    assert concerns()[0] == "bookings.csv dosyası içe aktarılamadı: line 1: no header"


def test_old_data_and_an_old_rfm_are_named(deniz):
    Import.objects.update(started_at=made_up.moment(9))
    RfmRun.objects.update(as_of_on=made_up.day(60))
    assert "En yeni veri 9 gün önce geldi; sayılar orada bitiyor." in concerns()
    assert "RFM en son 23 Eyl 2026 günü için hesaplandı." in concerns()


def test_a_stale_segment_comes_before_a_shrunken_one(deniz):
    Segment.objects.filter(key="lapsing").update(stale_since_at=made_up.moment(1), error="x")
    texts = concerns()
    stale = "“Kaybedilmek üzere olan sadık misafirler” segmenti hesaplanamadı; güncel değil."
    shrunk = "“Yüksek değerli misafirler” segmenti 30 günde %53 küçüldü."
    assert texts.index(stale) < texts.index(shrunk)


def test_doubtful_messages_and_held_sending_come_first(deniz):
    campaign = plans.started()
    Message.objects.filter(origin=campaign.origin).update(state="unknown", reason="sender_died")
    Hold.objects.create(reason="paused", since_at=made_up.NOW)
    assert "mesajın ulaşıp ulaşmadığı bilinmiyor" in concerns()[0]
    assert "Gönderim durduruldu; yeniden açılana kadar mesajlar bekliyor." in concerns()


def test_a_draft_and_a_new_result_are_named(deniz):
    plans.finished("bahar")
    Campaign.objects.filter(key="bahar").update(title="Bahar")
    plans.draft("yaz", title="Yaz")
    texts = concerns()
    assert "“Bahar” kampanyası bitti: sonucu hazır." in texts
    assert "“Yaz” kampanyası taslak: gözden geçirip gönderin." in texts


def test_a_shop_speaks_of_orders(deniz):
    Order.objects.update(starts_on=None, ends_on=None)
    shown = page(deniz)
    assert "Sipariş" in shown
    assert "Gelecek konaklama" not in shown


def test_the_page_takes_a_bounded_number_of_queries(deniz, django_assert_max_num_queries):
    with django_assert_max_num_queries(42):
        page(deniz)


def test_what_iys_must_be_told_soon_or_should_know_already_is_urgent(deniz, company):
    told = {
        "type": "EPOSTA", "recipient_type": "BIREYSEL", "status": "RET", "source": "HS_WEB",
        "decided_at": 1, "created_at": 1,
    }  # fmt: skip
    now = clock.now()
    for number, due_at in enumerate((now - 1, now + clock.HOUR, now + 9 * clock.DAY)):
        IysSubmission.objects.create(
            dedupe_key=str(number), recipient=f"p{number}@example.com", due_at=due_at, **told
        )
    IysSubmission.objects.filter(dedupe_key="2").update(state="registered")
    shown = [one for one in shown_concerns() if one.icon == "landmark"]
    assert [(one.tone, one.href) for one in shown] == [
        ("bad", "/consents/iys/"), ("warn", "/consents/iys/"),
    ]  # fmt: skip
    assert 'href="/consents/iys/"' in page(deniz)
    IysSubmission.objects.filter(due_at__lt=now + clock.DAY).update(state="registered")
    assert not [one for one in shown_concerns() if one.icon == "landmark"]


def test_a_channel_held_because_many_addresses_were_closed_says_so(deniz):
    outbox.hold("channel:email", reason="spike", at=clock.now())
    [held] = [one for one in shown_concerns() if one.icon == "shield-alert"]
    assert (held.tone, held.href) == ("bad", "/consents/blocked/")
    assert f'href="{held.href}"' in page(deniz)


def test_a_campaign_held_by_itself_says_why_and_leads_to_what_waits(deniz):
    said = Saying("there is nobody at the address")
    outbox.hold("campaign:7", reason="returns", detail=kept(said), at=clock.now())
    [held] = [one for one in shown_concerns() if one.icon == "shield-alert"]
    assert "bu adreste kimse yok" in held.text  # in the language of the page
    assert held.href == "/sending/?origin=campaign%3A7"
    assert f'href="{held.href}"' in page(deniz)


def test_the_segments_that_changed_by_the_most_people_come_first(deniz, monkeypatch):
    sizes = {"lapsing": (10, 1.0), "high-value": (4, -0.5), "repeat-guests": (60, 0.1)}
    for key, (n, _share) in sizes.items():
        Segment.objects.filter(key=key).update(n_members=n)
    ids = dict(Segment.objects.values_list("key", "pk"))
    changes = {ids[key]: share for key, (_n, share) in sizes.items()}
    monkeypatch.setattr(overview, "size_changes", lambda _days: changes)
    monkeypatch.setattr(overview, "_SEGMENTS_SHOWN", 3)
    found = [(segment.key, change) for segment, change in overview.changed_most(28)]
    # 60 were 54.5, 10 were 5, 4 were 8.
    assert found == [("repeat-guests", 0.1), ("lapsing", 1.0), ("high-value", -0.5)]
    assert '<a class="link" href="/segments/">All segments</a>' in page(deniz, language="en")


def test_the_figures_of_the_period_lead_to_what_is_behind_them(deniz, company):
    shown = page(deniz, "/?days=91")
    for address in ("/reports/?days=91", "/reports/orders/?days=91", "/consents/"):
        assert f'<dd><a href="{address}">' in shown
        assert deniz.get(address).status_code == 200
