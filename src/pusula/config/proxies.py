"""Whose address a request comes from when proxies stand in front: told by those we trust alone."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from typing import Any

from pusula.config.home import SettingsError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SETTING = "PUSULA_PROXIES"
_HEADER = b"x-forwarded-for"


def trusted(told: str | None = None) -> tuple[Network, ...]:
    """Return the networks of our proxies as ``PUSULA_PROXIES`` lists them; none: nobody is asked.

    Raises ``SettingsError`` for what is no network.
    """
    told = os.environ.get(SETTING, "") if told is None else told
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in told.split(",") if one.strip())
    except ValueError as error:
        raise SettingsError(f"{SETTING}: {error}; write 127.0.0.1,10.0.0.0/8") from error


def seen_through(scope: Mapping[str, Any], proxies: Sequence[Network]) -> Mapping[str, Any]:
    """Return ``scope`` with the address of the client, not that of the proxies it came through.

    Each proxy writes behind the others from whom it heard: read from the end, the first address
    that is none of ours is the client's. What stands before it the client may have made up, and
    of somebody who is no proxy of ours all of it.
    """
    client = scope.get("client")
    if not client or not proxies:
        return scope
    found = _read(client[0])
    told = b",".join(value for name, value in scope["headers"] if name == _HEADER)
    for hop in reversed(told.decode("latin-1").split(",")):
        if found is None or not any(found in network for network in proxies):
            break
        nearer = _read(hop)
        if nearer is None:
            break
        found = nearer
    return scope if found is None else {**scope, "client": (str(found), client[1])}


def _read(told: str) -> Address | None:
    """Return the address in ``told``, which may have a port; ``None`` if there is none."""
    text = told.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
