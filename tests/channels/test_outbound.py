"""The one way out: what it never calls, and that it calls whom it looked at."""

from __future__ import annotations

import socket
import threading

import httpcore
import pytest
from tests.simulators.channel_http import Behaviour, Told, serving

from pusula.channels.outbound import ForbiddenError, InDoubtError, NotSentError, Outbound, is_public

PRIVATE = [
    "127.0.0.1", "0.0.0.0",  # noqa: S104 - never bound to
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1",
    "fe80::1%eth0", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_of_our_own_network_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://x/", "//x/",
        "https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://0x7f.1/",
        "https://017700000001/", "https://0/", "https://localhost/", "https://10.0.0.1:8443/",
        "https://user:pw@example.com/", "https://exa mple.com/", "https://example.com\\@evil/",
        "https://crm.otel.example/", "https://CRM.otel.example./", "https://", "", "https://[",
        "https://ex\r\nample.com/", "https://example.com:99999/",
    ],
)  # fmt: skip
def test_what_is_never_called_is_refused_when_saved_and_when_called(url: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        if host.replace(".", "").replace("x", "").isalnum() and not host[:1].isdigit():
            return ["127.0.0.1"] if host == "localhost" else ["93.184.216.34"]
        return [str(one[4][0]) for one in socket.getaddrinfo(host, port)]

    out = Outbound(own_hosts={"crm.otel.example"}, resolve=resolve)
    with pytest.raises(NotSentError):
        out.check(url)
    with pytest.raises(NotSentError):
        out.call("POST", url, body=b"x")


def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    out = Outbound(resolve=lambda _host, _port: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(ForbiddenError, match="private network"):
        out.call("GET", "https://example.com/")


def test_a_name_is_asked_for_once_so_a_second_answer_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    called: list[str] = []

    def connect(_self: object, host: str, *_more: object) -> None:
        called.append(host)
        raise httpcore.ConnectError

    monkeypatch.setattr(
        httpcore.SyncBackend, "connect_tcp",
        connect,
    )  # fmt: skip
    out = Outbound(resolve=lambda _host, _port: next(answers))
    with pytest.raises(NotSentError):
        out.call("GET", "https://rebinding.example/")
    assert called == ["93.184.216.34"]


def test_a_redirect_is_an_answer_like_others() -> None:
    with serving(Behaviour(lambda _asked: Told(302, b"", {"Location": "http://10.0.0.1/"}))) as url:
        out = Outbound(trusted={"127.0.0.1"})
        answer = out.call("GET", url)
        out.close()
    assert (answer.status, answer.headers["location"]) == (302, "http://10.0.0.1/")


def test_an_answer_without_end_is_cut_off() -> None:
    behaviour = Behaviour(lambda _asked: Told(200), manner="flood")
    with serving(behaviour) as url:
        out = Outbound(trusted={"127.0.0.1"}, largest=1_000)
        answer = out.call("GET", url)
        out.close()
    assert (len(answer.body), answer.is_whole) == (1_000, False)


@pytest.mark.parametrize("manner", ["silent", "drip", "hangup"])
def test_a_call_ends_in_time_whatever_the_other_end_does(manner: str) -> None:
    behaviour = Behaviour(lambda _asked: Told(200), manner=manner)
    with serving(behaviour) as url:
        out = Outbound(trusted={"127.0.0.1"}, total_s=0.3)
        with pytest.raises(InDoubtError):
            out.call("POST", f"{url}/secret-path", body=b"secret-body")
        out.close()


def test_errors_quote_neither_path_nor_body() -> None:
    behaviour = Behaviour(lambda _asked: Told(200), manner="hangup")
    with serving(behaviour) as url:
        out = Outbound(trusted={"127.0.0.1"}, total_s=0.3)
        with pytest.raises(InDoubtError) as caught:
            out.call("POST", f"{url}/secret-path?key=secret", body=b"secret-body")
        out.close()
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_connections_are_kept_and_each_exchange_has_its_own_time() -> None:
    with serving(Behaviour(lambda asked: Told(200, asked.body))) as url:
        out = Outbound(trusted={"127.0.0.1"}, total_s=0.5)
        for n in range(20):
            assert out.call("POST", url, body=b"%d" % n).body == b"%d" % n
            threading.Event().wait(0.04)
        out.close()
