"""People are added with the rights they need, and are out at once when they are disabled."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from pusula.lib import clock
from pusula.ops import users
from pusula.privacy.models import AuditEntry
from pusula.web.actions import issue_login_link

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def run(*words: str) -> str:
    return CliRunner().invoke(users.users, words, catch_exceptions=False).output


def may(login: str) -> set[str]:
    user = User.objects.get(username=login)
    return {right for right, name in users.RIGHTS.items() if user.has_perm(name)}


def test_somebody_is_added_with_the_rights_named_and_no_password():
    assert "pusula login-link ayse" in run("add", "ayse", "--right", "supervise-calls")
    assert may("ayse") == {"supervise-calls"}
    assert not User.objects.get().has_usable_password()
    assert not User.objects.get().is_superuser
    run("grant", "ayse", "decide-approvals")
    run("revoke", "ayse", "supervise-calls")
    assert may("ayse") == {"decide-approvals"}
    assert "decide-approvals" in run("list")
    verbs = AuditEntry.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["user.created", "user.granted", "user.revoked"]


def test_every_right_is_one_that_pages_ask_for():
    run("add", "boss", "--all-rights")
    assert may("boss") == set(users.RIGHTS)
    for right in users.RIGHTS:
        run("add", f"u-{right}", "--right", right)
        assert may(f"u-{right}") == {right}


def test_whoever_is_disabled_is_out_with_the_next_click():
    run("add", "boss", "--all-rights")
    run("add", "ayse")
    link = issue_login_link(User.objects.get(username="ayse"), valid_for=clock.HOUR)
    browser = Client()
    browser.post(reverse("login-link", args=[link]))
    assert browser.get("/customers/").status_code == 200
    run("disable", "ayse")
    assert browser.get("/customers/").status_code == 302
    assert "disabled" in run("list")
    run("enable", "ayse")
    assert User.objects.get(username="ayse").is_active


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["disable", "boss"], "only administrator"),
        (["revoke", "boss", "erase-people"], "all rights"),
        (["grant", "nobody", "erase-people"], "There is no user nobody"),
        (["add", "BOSS"], "already"),
        (["add", "two words"], "no space"),
    ],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(words, said):
    run("add", "boss", "--all-rights")
    with pytest.raises(users.UserError, match=said):
        run(*words)
    assert list(User.objects.values_list("username", "is_active")) == [("boss", True)]
