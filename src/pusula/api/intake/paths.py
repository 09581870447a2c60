"""The addresses of the tracking API in its three dialects, and what each of them takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TYPES = ("identify", "track", "page", "screen", "group", "alias")
_SHORT = {kind[0]: kind for kind in TYPES}  # as analytics.js calls them


class Does(StrEnum):
    """What an address is for."""

    ONE = "one"  # takes one message
    MANY = "many"  # takes a batch
    SETTINGS = "settings"  # tells analytics.js where to send
    SOURCE_CONFIG = "source_config"  # tells RudderStack's library where to send
    OPENAPI = "openapi"


@dataclass(frozen=True, slots=True)
class Address:
    """An address as it is documented; ``type`` is that of the one message it takes."""

    path: str
    does: Does
    dialect: str
    type: str = ""

    @property
    def methods(self) -> str:
        """The methods it answers, as headers list them."""
        return "POST, OPTIONS" if self.does in {Does.ONE, Does.MANY} else "GET, HEAD, OPTIONS"


SETTINGS = Address("/v1/projects/{writeKey}/settings", Does.SETTINGS, "Segment")
ADDRESSES = (
    *(Address(f"/v1/{kind}", Does.ONE, "Segment, RudderStack", kind) for kind in TYPES),
    Address("/v1/batch", Does.MANY, "Segment, RudderStack"),
    *(Address(f"/v1/{short}", Does.ONE, "Segment", kind) for short, kind in _SHORT.items()),
    Address("/v1/b", Does.MANY, "Segment"),
    Address("/beacon/v1/batch", Does.MANY, "RudderStack"),
    *(Address(f"/api/s/{kind}", Does.ONE, "Jitsu", kind) for kind in TYPES),
    Address("/api/s/batch", Does.MANY, "Jitsu"),
    *(Address(f"/api/s/s2s/{kind}", Does.ONE, "Jitsu", kind) for kind in TYPES),
    Address("/api/s/s2s/batch", Does.MANY, "Jitsu"),
    SETTINGS,
    Address("/sourceConfig", Does.SOURCE_CONFIG, "RudderStack"),
    Address("/v1/openapi.json", Does.OPENAPI, "Pusula"),
)
_BY_PATH = {
    path: address
    for address in ADDRESSES
    if address is not SETTINGS
    for path in (address.path, f"{address.path}/")
}
_BEFORE_KEY, _BEHIND_KEY = "/v1/projects/", "/settings"


def find(path: str) -> Address | None:
    """Return what stands at ``path``, with or without a slash at its end; ``None``: not ours."""
    address = _BY_PATH.get(path)
    if address is None and path.startswith(_BEFORE_KEY) and key_in(path):
        return SETTINGS
    return address


def key_in(path: str) -> str:
    """Return the key in the path of ``SETTINGS``; empty if it is another path."""
    told = path.rstrip("/")
    if not told.startswith(_BEFORE_KEY) or not told.endswith(_BEHIND_KEY):
        return ""
    key = told[len(_BEFORE_KEY) : -len(_BEHIND_KEY)]
    return "" if "/" in key else key
