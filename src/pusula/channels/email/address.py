"""E-mail addresses as the wire wants them; nothing that could end a line or a command passes."""

from __future__ import annotations

import re
from email.utils import parseaddr
from functools import lru_cache

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying

MAX_LENGTH = 254  # RFC 5321 with its erratum: what fits between < and >
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# What nearly every address looks like: what is left out here is looked at part by part.
_USUAL = re.compile(
    rf"(?=.{{6,254}}$)(?=[^@]{{1,64}}@){_LOCAL.pattern}@({_LABEL.pattern}\.)+[A-Za-z]{{2,63}}",
    re.ASCII,
)
_NOT_IN_A_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class AddressError(PusulaError):
    """An address cannot be used on the wire."""

    code = "bad_address"


def on_the_wire(address: str) -> str:
    """Return ``address`` in ASCII, its domain by IDNA; raise ``AddressError`` if it is none.

    One mailbox only, no quoted local parts, no display name.
    """
    if _USUAL.fullmatch(address):
        return address
    local, at, domain = address.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise AddressError(
            Saying("%(address)r has no domain that exists in DNS", {"address": address[:80]})
        ) from error
    labels = domain.split(".")
    is_good = (
        at
        and len(local) <= 64  # noqa: PLR2004 - RFC 5321
        and len(local) + 1 + len(domain) <= MAX_LENGTH
        and _LOCAL.fullmatch(local)
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
    )
    if not is_good:
        raise AddressError(
            Saying("%(address)r is not an e-mail address", {"address": address[:80]})
        )
    return f"{local}@{domain}"


@lru_cache(maxsize=256)
def split_sender(sender: str) -> tuple[str, str]:
    """Return name and address of a From line such as ``Deniz Otel <kampanya@deniz.example>``."""
    if _NOT_IN_A_NAME.search(sender):
        raise AddressError(Saying("the sender has a line break or control character in it"))
    name, address = parseaddr(sender)
    return name, on_the_wire(address)
