"""The list of customers: finding them, paging, and what each row says."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

import pytest
from django.utils import translation
from tests.web import company as made_up

from pusula.profiles.models import IdentifierKind, Profile
from pusula.web import formats
from pusula.web.views import customers as views

pytestmark = pytest.mark.django_db


def page(client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def names(client, **query: object) -> list[str]:
    return [row.name for row in client.get("/customers/", query).context["rows"]]


@pytest.mark.parametrize(
    "typed",
    [
        "Elif Doğan",
        "ELİF DOĞAN",
        "elif dogan",
        "dogan elif",
        "eli dog",
        "0532 123 45 41",
        "+90 (532) 123 45 41",
        "00905321234541",
        "5321234541",
        "elif.dogan@example.com",
        "ELIF.DOGAN@EXAMPLE.COM",
        "elif.dogan@",
        "R0000001",
        "r0000001",
        "M000001",
        "pms:M000001",
    ],
)
def test_elif_is_found_however_somebody_writes_it(deniz, company, typed):
    assert names(deniz, q=typed) == ["Elif Doğan"]


@pytest.mark.parametrize("typed", ["%", "_", "*", "'; --", "\\", "İ" * 300, "0532 000 00 00"])
def test_what_leads_to_nobody_is_said_with_how_it_was_read(deniz, typed):
    shown = page(deniz, "/customers/?" + urlencode({"q": typed}))
    assert "Müşteri bulunamadı" in shown
    assert "şöyle arandı" in shown


def test_a_misspelt_name_offers_the_nearest(deniz):
    shown = page(deniz, "/customers/?q=Elf+Dogan")
    assert "Bunlardan birini mi arıyordunuz?" in shown
    assert ">Elif Doğan</a>" in shown


def test_a_phone_nobody_has_is_shown_as_it_was_understood(deniz):
    assert "0532 999 88 77 telefon numarası" in page(deniz, "/customers/?q=5329998877")


def test_a_row_says_city_group_stays_spending_and_consents(deniz, company):
    (row,) = deniz.get("/customers/?q=elif+dogan").context["rows"]
    assert (row.city, row.group, row.sums.n, row.sums.net_minor) == (
        "Bursa", "Şampiyonlar", 8, 19_430_000,
    )  # fmt: skip
    shown = page(deniz, "/customers/?q=elif+dogan")
    assert "₺194.300" in shown
    last = made_up.TODAY - dt.timedelta(days=199)
    with translation.override("tr"):
        assert formats.day(last) in shown
    assert "E-posta: İzin var" in shown
    assert "Telefonla arama: Reddetti" in shown


def test_pages_follow_each_other_by_name_and_lose_nobody(deniz, monkeypatch):
    Profile.objects.create(created_at=made_up.NOW, recorded_at=made_up.NOW)
    monkeypatch.setattr(views, "PAGE", 7)
    seen, after = [], ""
    while after is not None:
        context = deniz.get("/customers/", {"after": after}).context
        seen += [row.profile for row in context["rows"]]
        after = context["next_after"]
    assert len(seen) == len({profile.pk for profile in seen}) == Profile.objects.count()
    keys = [profile.name_key for profile in seen]
    assert keys[:-1] == sorted(keys[:-1])
    assert keys[-1] == ""


def test_paging_keeps_the_search(deniz, monkeypatch):
    monkeypatch.setattr(views, "PAGE", 2)
    shown = page(deniz, "/customers/?q=a")
    assert 'href="?q=a&amp;after=' in shown


@pytest.mark.parametrize("after", ["x", "-1", "99999999", "1.5", "9" * 40])
def test_a_page_that_is_none_is_the_first(deniz, after):
    assert deniz.get("/customers/", {"after": after}).context["is_first"]


def test_people_who_share_a_phone_are_all_found(deniz, company):
    other = made_up.profile("Can", "Doğan")
    made_up.identify(other, IdentifierKind.PHONE, "+905321234541")
    assert names(deniz, q="0532 123 45 41") == ["Can Doğan", "Elif Doğan"]


def test_before_there_is_anybody_the_page_says_where_customers_come_from(deniz):
    made_up.forget_everybody()
    assert "Henüz müşteri yok" in page(deniz, "/customers/")


def test_a_search_takes_a_bounded_number_of_queries(deniz, django_assert_max_num_queries):
    with django_assert_max_num_queries(24):
        page(deniz, "/customers/")
