"""What browser libraries ask for before they send: where to send, and nothing else to load."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from pusula.api.intake.bodies import Headers
from pusula.sources.keys import GoodKey


def segment(key: str, scope: Any, headers: Headers) -> dict[str, Any]:
    """Return the settings of analytics.js: it sends to the address it asked at."""
    host, protocol = _address(scope, headers)
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "apiHost": f"{host}/v1",
                "protocol": protocol,
                "unbundledIntegrations": [],
                "addBundledMetadata": True,
            }
        },
        "plan": {"track": {"__default": {"enabled": True}}},
        "edgeFunction": {},
    }


def rudderstack(told: str, key: GoodKey) -> dict[str, Any]:
    """Return the source configuration of RudderStack's library."""
    off = {"enabled": False}
    return {
        "source": {
            "id": key.source,
            "name": key.title or key.source,
            "writeKey": told,
            "enabled": True,
            "workspaceId": "pusula",
            "config": {"statsCollection": {"errors": off, "metrics": off}},
            "destinations": [],
            "dataplanes": {},
        },
        "updatedAt": "2026-01-01T00:00:00.000Z",
    }


def _address(scope: Any, headers: Headers) -> tuple[str, str]:
    """Return host and scheme under which we were asked, else the public ones."""
    public = urlsplit(settings.PUSULA.public_url)
    host = headers.get(b"host", b"").decode("latin-1")
    domain, _port = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return public.netloc, public.scheme
    # In front of the public address stands a proxy that speaks TLS; we are asked without.
    return host, public.scheme if domain == public.hostname else scope["scheme"]
