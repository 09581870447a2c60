"""Signing in: by password, by a link that works once, and what is closed to everybody else."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import get_resolver, reverse
from tests.web import company as made_up

from pusula.lib import clock
from pusula.web import actions
from pusula.web.models import LoginLink

PASSWORD = "pusula-ile-yol"
PUBLIC = {"login", "login-link", "logout", "set-language", "set-theme"}


@pytest.fixture
def user(db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_user("deniz", password=PASSWORD)


@pytest.fixture
def visitor():
    return Client()


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.parametrize(
    "pattern", get_resolver("pusula.web.urls").url_patterns, ids=lambda p: p.name
)
def test_every_page_but_the_doors_asks_to_sign_in(db, visitor, pattern):
    if pattern.name in PUBLIC:
        return
    given = {"str": "x", "slug": "x", "int": 1}
    converters = pattern.pattern.converters
    kwargs = {
        name: given[type(c).__name__.removesuffix("Converter").lower().replace("string", "str")]
        for name, c in converters.items()
    }
    answer = visitor.get(reverse(pattern.name, kwargs=kwargs))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(reverse("login") + "?next=")


def test_a_password_signs_in_and_leads_where_one_wanted_to_go(user, visitor):
    answer = visitor.post(
        "/login/", {"username": "deniz", "password": PASSWORD, "next": "/customers/"}
    )
    assert answer.headers["Location"] == "/customers/"
    assert is_signed_in(visitor)


def test_a_wrong_password_says_what_to_check_and_keeps_the_name(user, visitor):
    page = visitor.post("/login/", {"username": "deniz", "password": "x"}).content.decode()
    assert "Kullanıcı adı ile parola eşleşmiyor" in page
    assert 'value="deniz"' in page
    assert not is_signed_in(visitor)


def test_signing_in_never_leads_to_another_site(user, visitor):
    answer = visitor.post(
        "/login/", {"username": "deniz", "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert answer.headers["Location"] == "/"


def test_signing_out_takes_a_post(user, visitor):
    visitor.force_login(user)
    assert visitor.get("/logout/").status_code == 405
    visitor.post("/logout/")
    assert not is_signed_in(visitor)


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(user, visitor):
    visitor.post("/login/", {"username": "deniz", "password": PASSWORD})
    cookie = visitor.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_login_link_signs_in_once(user, visitor):
    link = reverse("login-link", args=[actions.issue_login_link(user, valid_for=clock.HOUR)])
    assert visitor.post(link).headers["Location"] == "/"
    assert is_signed_in(visitor)
    again = Client()
    assert again.post(link).status_code == 410
    assert not is_signed_in(again)


def test_opening_a_login_link_spends_nothing(user, visitor):
    link = reverse("login-link", args=[actions.issue_login_link(user, valid_for=clock.HOUR)])
    for _ in range(3):
        answer = visitor.get(link)
        assert answer.status_code == 200
        assert "no-store" in answer.headers["Cache-Control"]
    assert not is_signed_in(visitor)
    assert LoginLink.objects.get().used_at is None


def test_a_login_link_holds_until_its_hour_is_over(user, visitor, monkeypatch):
    token = actions.issue_login_link(user, valid_for=clock.HOUR)
    monkeypatch.setattr(clock, "now", lambda: made_up.NOW + clock.HOUR)
    assert visitor.get(reverse("login-link", args=[token])).status_code == 410
    assert actions.redeem_login_link(token) is None


def test_the_link_of_a_blocked_user_signs_nobody_in(user, visitor):
    token = actions.issue_login_link(user, valid_for=clock.HOUR)
    User.objects.update(is_active=False)
    assert visitor.post(reverse("login-link", args=[token])).status_code == 410


def test_the_database_never_holds_the_token_itself(user):
    token = actions.issue_login_link(user, valid_for=clock.HOUR)
    assert token not in str(LoginLink.objects.values().get())


@pytest.mark.django_db(transaction=True)
def test_of_two_who_come_at_once_one_is_signed_in():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time; the race is PostgreSQL's")
    user = User.objects.create_user("deniz")
    token = actions.issue_login_link(user, valid_for=clock.HOUR)
    start, found = threading.Barrier(8), []

    def redeem() -> None:
        start.wait()
        found.append(actions.redeem_login_link(token))
        connection.close()

    threads = [threading.Thread(target=redeem) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one for one in found if one] == [user]
