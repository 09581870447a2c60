"""Whose address a request comes from: the proxies that we named are believed, and nobody else."""

from __future__ import annotations

import asyncio

import pytest

from pusula.config import asgi, proxies
from pusula.config.home import SettingsError

OURS = proxies.trusted("127.0.0.1, 10.0.0.0/8, fd00::/8")


def client(peer, *told, trusted=OURS):
    headers = [(b"host", b"x"), *((b"x-forwarded-for", one.encode()) for one in told)]
    scope = {"type": "http", "client": (peer, 5), "headers": headers}
    return proxies.seen_through(scope, trusted)["client"][0]


@pytest.mark.parametrize(
    ("peer", "told", "seen"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7, 10.1.1.1"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7", "10.1.1.1"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("fd00::1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("::ffff:127.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["10.1.1.1"], "10.1.1.1"),  # one of our own machines
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7, unknown, 10.1.1.1"], "10.1.1.1"),
    ],
)
def test_the_client_is_the_last_who_is_no_proxy_of_ours(peer, told, seen):
    assert client(peer, *told) == seen


def test_what_a_client_writes_before_its_own_address_is_not_believed():
    assert client("127.0.0.1", "192.0.2.1, 203.0.113.7") == "203.0.113.7"
    assert client("127.0.0.1", "192.0.2.1", "203.0.113.7, 10.1.1.1") == "203.0.113.7"


def test_a_stranger_is_not_asked_for_whom_he_speaks():
    assert client("203.0.113.7", "192.0.2.1") == "203.0.113.7"
    assert client("127.0.0.1", "192.0.2.1", trusted=proxies.trusted("")) == "127.0.0.1"


def test_a_setting_that_is_no_network_is_refused_with_the_way_out():
    with pytest.raises(SettingsError, match=r"PUSULA_PROXIES.*write 127.0.0.1,10.0.0.0/8"):
        proxies.trusted("10.0.0.1/8")


def test_every_page_and_the_tracking_api_hear_of_the_clients_address(monkeypatch, settings):
    heard = []

    async def hear(scope, _receive, _send):
        heard.append(scope["client"][0])

    monkeypatch.setattr(asgi, "_intake", hear)
    monkeypatch.setattr(asgi, "_pages", hear)
    settings.PUSULA_PROXIES = OURS
    headers = [(b"x-forwarded-for", b"203.0.113.7")]
    for path in ("/v1/track", "/forms/bulten/"):
        scope = {"type": "http", "path": path, "client": ("127.0.0.1", 5), "headers": headers}
        asyncio.run(asgi.application(scope, None, None))
    assert heard == ["203.0.113.7"] * 2
