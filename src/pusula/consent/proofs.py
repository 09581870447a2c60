"""What proves a decision, in parts that can be checked and shown."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed

# The parts, and how long each may be.
PARTS = {
    "text": 60,  # the ConsentText that was shown: purpose/channel/language/version
    "text_digest": 64,  # SHA-256 of its words
    "network": 45,  # where it came from, cut so that it names no household
    "form": 80,
    "recording": 120,  # the number of a call's recording
    "operator": 120,
    "note": 400,
    "iys_source": 40,  # how İYS calls the way it was given: HS_WEB
    "transaction": 80,  # its number in another registry
    "action": 80,  # the code, click or signature by which it was given
}
_V4_BITS, _V6_BITS = 24, 48


class BadProofError(PusulaError):
    """A proof says something that none may hold."""

    code = "bad_proof"


def checked(proof: Mapping[str, object]) -> dict[str, str]:
    """Return ``proof`` without empty parts; raise ``BadProofError`` for what is no part of one."""
    found: dict[str, str] = {}
    for name, value in proof.items():
        if name not in PARTS:
            raise _bad(name, Saying("is no part of a proof; there are %(known)s",
                                    {"known": ", ".join(PARTS)}))  # fmt: skip
        if not isinstance(value, str) or len(value) > PARTS[name] or "\0" in value:
            raise _bad(name, Saying("a text of at most %(n)s characters", {"n": PARTS[name]}))
        if value.strip():
            found[name] = value.strip()
    return found


def _bad(name: str, why: Saying) -> BadProofError:
    return BadProofError(placed(f"proof.{name}", why))


def network(address: str) -> str:
    """Return the network of an IP address, /24 or /48; empty if it is none."""
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    bits = _V4_BITS if ip.version == 4 else _V6_BITS  # noqa: PLR2004 - the version's name
    return str(ipaddress.ip_network((ip, bits), strict=False))
