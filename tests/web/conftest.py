"""What the tests of pages share: a small company, a fixed clock, a signed-in client."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from tests.web import company as made_up

from pusula.lib import clock
from pusula.segments import counting


@pytest.fixture(autouse=True)
def _fixed_clock(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: made_up.NOW)
    cache.clear()
    counting.STORE.forget()


@pytest.fixture
def company(db) -> made_up.Company:
    return made_up.build()


@pytest.fixture
def deniz(company) -> Client:
    """Return the browser of Deniz, who has signed in."""
    client = Client()
    client.force_login(company.user)
    return client
