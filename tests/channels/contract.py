"""What every provider promises, and the cases: each provider with its simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from tests.simulators.channel_http import Behaviour, serving
from tests.simulators.push_service import PushService
from tests.simulators.sms import IletiMerkezi, Netgsm, Verimor
from tests.simulators.whatsapp import CloudApi

from pusula.channels.outbound import Outbound
from pusula.channels.port import Outcome, Outgoing, Provider
from pusula.channels.sms import iletimerkezi, netgsm, verimor
from pusula.channels.webpush.provider import WebPush
from pusula.channels.webpush.vapid import Vapid
from pusula.channels.whatsapp.provider import WhatsApp

SECRET = "geheim-4711"


@dataclass
class Stage:
    """A provider, the company it speaks to, and messages that suit both."""

    provider: Provider
    company: Any
    behaviour: Behaviour
    messages: list[Outgoing] = field(default_factory=list)

    def send(self) -> list[Outcome]:
        return sorted(self.provider.send(self.messages), key=lambda one: one.id)


@dataclass(frozen=True)
class Case:
    name: str
    company: Callable[[str], Any]
    provider: Callable[[Outbound, str, Any], Provider]
    messages: Callable[[str, Any], list[Outgoing]]
    # What the company's words for each result come to, where it is not the result itself.
    differs: dict[str, str] = field(default_factory=dict)
    n_in_request: int = 1  # of the three messages, each with a text of its own
    is_gateway: bool = False

    @contextmanager
    def staged(self, *, total_s: float = 2.0) -> Iterator[Stage]:
        behaviour = Behaviour(lambda asked: company(asked))  # noqa: PLW0108 - it needs the address first
        with serving(behaviour) as url:
            company = self.company(url)
            out = Outbound(trusted={"127.0.0.1"}, connect_s=0.5, total_s=total_s)
            provider = self.provider(out, url, company)
            yield Stage(provider, company, behaviour, self.messages(url, company))
            out.close()


def _texts(_url: str, _company: Any) -> list[Outgoing]:
    return [
        Outgoing(id=n, token=f"token-{n}", address=f"+90532000000{n}", text=f"Merhaba {n}")
        for n in (1, 2, 3)
    ]


def _templates(_url: str, _company: Any) -> list[Outgoing]:
    told = {"template": "konaklama_oncesi", "language": "tr", "body": {"ad": "Ayşe", "otel": "D"}}
    return [
        Outgoing(id=n, token=f"token-{n}", address=f"+90532000000{n}", details=told)
        for n in (1, 2, 3)
    ]


def _pushes(_url: str, service: PushService) -> list[Outgoing]:
    return [
        Outgoing(
            id=n, token=f"token-{n}", address=f"digest-{n}", title="Odanız hazır", text=f"{n}",
            details={**service.subscribe(f"b{n}"), "url": "https://otel.example/"},
        )
        for n in (1, 2, 3)
    ]  # fmt: skip


def _vapid() -> Vapid:
    return Vapid(ec.generate_private_key(ec.SECP256R1()), "mailto:it@deniz.example")


_VAPID = _vapid()

CASES = [
    Case(
        "netgsm", lambda _url: Netgsm(),
        lambda out, url, it: netgsm.Netgsm(out, it.user, it.password, it.sender, url), _texts,
        {"bad_address": "accepted"},  # it only says so in its report
        n_in_request=3,
        is_gateway=True,
    ),
    Case(
        "iletimerkezi", lambda _url: IletiMerkezi(),
        lambda out, url, it: iletimerkezi.IletiMerkezi(out, it.user, it.password, it.sender, url),
        _texts,
        is_gateway=True,
    ),
    Case(
        "verimor", lambda _url: Verimor(),
        lambda out, url, it: verimor.Verimor(out, it.user, it.password, it.sender, url), _texts,
        n_in_request=3,
        is_gateway=True,
    ),
    Case(
        "whatsapp", lambda _url: CloudApi(),
        lambda out, url, it: WhatsApp(out, it.number_id, it.token, url), _templates,
        {"bad_address": "rejected"},  # its word for that has other meanings too
    ),
    Case(
        "webpush", lambda url: PushService(_VAPID.public_key, url),
        lambda out, _url, _it: WebPush(_VAPID, out, ("127.0.0.1",)), _pushes,
    ),
]  # fmt: skip
