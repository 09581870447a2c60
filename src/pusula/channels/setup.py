"""Which provider serves which channel, as the settings file says it; secrets stand elsewhere.

    [channels.sms]
    provider = "netgsm"
    user = "8503030303"
    sender = "DENIZOTEL"

A secret (here ``password``) is a file of the home folder, ``secrets/sms/password``, or a variable,
``PUSULA_SMS_PASSWORD``. One written into the settings is refused: those are copied and shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pusula.channels.outbound import Outbound
from pusula.channels.port import ChannelError, Provider
from pusula.channels.sms import iletimerkezi, netgsm, verimor
from pusula.channels.webpush.provider import HOSTS, WebPush
from pusula.channels.webpush.vapid import Vapid, read_key
from pusula.channels.whatsapp import provider as whatsapp

SECRETS = "secrets"  # the folder of the home
VAPID_FILE = "webpush.pem"  # in the home folder, unless the settings name another
_CHANNELS = ("sms", "whatsapp", "webpush", "email")


@dataclass
class Given:
    """The settings of one channel. What nobody took is a mistake."""

    channel: str
    told: Mapping[str, Any]
    home: Path
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    own_hosts: Collection[str] = ()
    taken: set[str] = field(default_factory=set)

    @property
    def place(self) -> str:
        """Where they stand, for errors."""
        return f"[channels.{self.channel}]"

    def text(self, name: str, default: str | None = None) -> str:
        """Return a setting; raise ``ChannelError`` if it is needed and not there."""
        self.taken.add(name)
        value = self.told.get(name, default)
        if not isinstance(value, str) or (not value and default is None):
            raise ChannelError(f"{self.place}: {name} is needed, a text in quotes")
        return value

    def number(self, name: str, default: int) -> int:
        """Return a setting that is a whole number above 0; raise ``ChannelError``."""
        self.taken.add(name)
        value = self.told.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ChannelError(f"{self.place}: {name} is a whole number above 0")
        return value

    def secret(self, name: str) -> str:
        """Return a secret: from the environment, else a file of the home folder.

        Raises ``ChannelError`` if it is in neither, or stands in the settings.
        """
        variable = f"PUSULA_{self.channel}_{name}".upper()
        file = self.home / SECRETS / self.channel / name
        advice = f"write it to {file} or set {variable}"
        if name in self.told:
            raise ChannelError(f"{self.place}: {name} does not belong into the settings: {advice}")
        if found := self.environment.get(variable, "").strip():
            return found
        try:
            found = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            found = ""
        if not found:
            raise ChannelError(f"{self.place}: {name} is missing: {advice}")
        return found

    def url(self, default: str) -> str:
        """Return the address of the provider: an operator may name a test system or a proxy."""
        return self.text("url", default).rstrip("/")

    def outbound(self, *urls: str) -> Outbound:
        """Return the way out to ``urls``, which an operator named and so are trusted."""
        hosts = {urlsplit(url).hostname or "" for url in urls} - {""}
        n = self.number("connections", 8)
        return Outbound(
            own_hosts=self.own_hosts, trusted=hosts, ca=self.text("ca", ""), n_connections=n
        )

    def check_all_taken(self) -> None:
        """Raise ``ChannelError`` for a setting that nothing uses: it is a slip of the pen."""
        if strange := sorted(set(self.told) - self.taken):
            known = ", ".join(sorted(self.taken))
            raise ChannelError(f"{self.place}: {strange[0]} is no setting; there are: {known}")


def _netgsm(given: Given) -> Provider:
    url = given.url(netgsm.URL)
    return netgsm.Netgsm(
        given.outbound(url), given.text("user"), given.secret("password"), given.text("sender"),
        url, given.number("batch", 100),
    )  # fmt: skip


def _iletimerkezi(given: Given) -> Provider:
    url = given.url(iletimerkezi.URL)
    return iletimerkezi.IletiMerkezi(
        given.outbound(url), given.secret("key"), given.secret("hash"), given.text("sender"),
        url, given.number("batch", 100),
    )  # fmt: skip


def _verimor(given: Given) -> Provider:
    url = given.url(verimor.URL)
    return verimor.Verimor(
        given.outbound(url), given.text("user"), given.secret("password"), given.text("sender"),
        url, given.number("batch", 100),
    )  # fmt: skip


def _whatsapp(given: Given) -> Provider:
    url = given.url(whatsapp.URL)
    given.text("account_id")  # whose templates the door of reports hears of
    return whatsapp.WhatsApp(
        given.outbound(url), given.text("number_id"), given.secret("token"), url,
        given.text("version", whatsapp.VERSION), given.number("batch", 16),
    )  # fmt: skip


def _webpush(given: Given) -> Provider:
    file = given.home / given.text("key_file", VAPID_FILE)
    vapid = Vapid(read_key(file), given.text("subject"))
    # A service of the company's own, or of a test: named by the operator, so trusted.
    service = given.text("service", "")
    outbound = given.outbound(service)
    return WebPush(vapid, outbound, push_hosts(given.told), given.number("batch", 32))


def push_hosts(told: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the push services that are called: the known ones, and ``service`` of the settings."""
    service = urlsplit(str(told.get("service") or "")).hostname
    return (*HOSTS, service) if service else HOSTS


BUILDERS: Mapping[tuple[str, str], Callable[[Given], Provider]] = {
    ("sms", "netgsm"): _netgsm,
    ("sms", "iletimerkezi"): _iletimerkezi,
    ("sms", "verimor"): _verimor,
    ("whatsapp", "whatsapp"): _whatsapp,
    ("webpush", "webpush"): _webpush,
}


def names(channel: str) -> list[str]:
    """Return the providers there are for ``channel``."""
    return sorted(name for served, name in BUILDERS if served == channel)


def provider(
    channel: str,
    settings: Mapping[str, Any],
    home: Path,
    *,
    own_hosts: Collection[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Provider | None:
    """Return the provider that ``settings`` (the tables by channel) set up, ``None`` if none is.

    Raises ``ChannelError`` with the place and what is missing; never with a secret.
    """
    if strange := sorted(set(settings) - set(_CHANNELS)):
        raise ChannelError(f"[channels.{strange[0]}]: there are {', '.join(_CHANNELS)}")
    told = settings.get(channel)
    if told is None:
        return None
    if not isinstance(told, Mapping):
        raise ChannelError(f"[channels.{channel}]: a table of settings is needed")
    given = Given(
        channel, told, home, environment if environment is not None else os.environ, own_hosts
    )
    choices = names(channel)
    name = given.text("provider", choices[0] if len(choices) == 1 else None)
    build = BUILDERS.get((channel, name))
    if build is None:
        raise ChannelError(f"{given.place}: provider {name!r} is not one of {', '.join(choices)}")
    found = build(given)
    given.check_all_taken()
    return found
