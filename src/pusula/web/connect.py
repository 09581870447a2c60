"""How a program is connected: for each client what to write, with the key of the source in it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pusula.sources.models import KeyKind, SourceKind


@dataclass(frozen=True)
class Client:
    """A client that works as it is; ``code`` has HOST, URL and KEY where ours stand."""

    name: str
    title: str | Promise
    about: str | Promise
    key: KeyKind
    code: str

    def written(self, key: str) -> str:
        """Return the code with our address and ``key`` in it."""
        url = settings.PUSULA.public_url
        host = url.partition("://")[2]
        return self.code.replace("URL", url).replace("HOST", host).replace("KEY", key)


_SEGMENT_SNIPPET = """\
// in Segment's own snippet, before analytics.load(…)
analytics._cdn = "URL";
analytics.load("KEY");"""

CLIENTS = (
    Client(
        "pusula",
        _("Pusula's own snippet"),
        _("4 KB, without cookies; stores nothing on the device before consent."),
        KeyKind.WRITE,
        """\
<script async src="URL/pusula.js" data-key="KEY"></script>

// in a script of your site
window.pusula = window.pusula || function () { (pusula.q = pusula.q || []).push(arguments) };
pusula("search", { destination: { city: "Bodrum" }, check_in: "2027-07-04", nights: 7 });
pusula("booking", "started", { booking_id: "B-1001", value: 18450, currency: "TRY" });
pusula("identify", "10027", { tier: "gold" });
pusula("consent", true);""",
    ),
    Client(
        "analytics.js",
        "Segment analytics.js",
        _("Segment's snippet with another host; nothing else changes."),
        KeyKind.WRITE,
        _SEGMENT_SNIPPET,
    ),
    Client(
        "rudder-js",
        "RudderStack JavaScript",
        "@rudderstack/analytics-js",
        KeyKind.WRITE,
        """\
import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";

const analytics = new RudderAnalytics();
analytics.load("KEY", "URL", { configUrl: "URL" });""",
    ),
    Client(
        "jitsu-js",
        "Jitsu JavaScript",
        "@jitsu/js",
        KeyKind.WRITE,
        """\
import { jitsuAnalytics } from "@jitsu/js";

const analytics = jitsuAnalytics({ host: "URL", writeKey: "pusula:KEY" });""",
    ),
    Client(
        "segment-node",
        "Segment Node",
        "@segment/analytics-node",
        KeyKind.SERVER,
        """\
import { Analytics } from "@segment/analytics-node";

const analytics = new Analytics({ writeKey: "KEY", host: "URL" });""",
    ),
    Client(
        "rudder-node",
        "RudderStack Node",
        "@rudderstack/rudder-sdk-node",
        KeyKind.SERVER,
        """\
const Analytics = require("@rudderstack/rudder-sdk-node");

const analytics = new Analytics("KEY", { dataPlaneUrl: "URL" });""",
    ),
    Client(
        "segment-python",
        "Segment Python",
        "segment-analytics-python",
        KeyKind.SERVER,
        """\
import segment.analytics as analytics

analytics.write_key = "KEY"
analytics.host = "URL\"""",
    ),
    Client(
        "rudder-python",
        "RudderStack Python",
        "rudder-sdk-python",
        KeyKind.SERVER,
        """\
import rudderstack.analytics as analytics

analytics.write_key = "KEY"
analytics.dataPlaneUrl = "URL\"""",
    ),
    Client(
        "http",
        "HTTP",
        _("Any program: one request, answered when it is on disk."),
        KeyKind.SERVER,
        """\
curl -u KEY: URL/v1/track -d '{
  "userId": "10027",
  "event": "Stay Searched",
  "messageId": "a number of your own",
  "properties": {"region": "Bodrum", "nights": 7}
}'""",
    ),
)
# What systems that push send, and the path of the address at which they do.
DOORS: dict[SourceKind, tuple[str | Promise, str]] = {
    SourceKind.OTA: (
        _(
            "Give the channel manager this address. A key that should not stand in it can be given "
            "as the password of Basic authentication instead."
        ),
        "/hooks/ota/SLUG/KEY",
    ),
    SourceKind.MEWS: (
        _("Mews may call this address when something changes; what changed is then asked for."),
        "/hooks/mews/SLUG/KEY",
    ),
    SourceKind.CALLS: (
        _("The switchboard sends the records of its calls here, as JSON or CSV."),
        "/hooks/calls/SLUG/KEY",
    ),
}
PUSH_WORKER = 'importScripts("URL");'


@dataclass(frozen=True)
class Door:
    """The address at which a system that pushes knocks."""

    about: str | Promise
    address: str


def door(kind: SourceKind, slug: str, key: str) -> Door | None:
    """Return the door of a source of ``kind``, or ``None`` if nobody pushes to it."""
    if kind not in DOORS:
        return None
    about, path = DOORS[kind]
    address = settings.PUSULA.public_url + path.replace("SLUG", slug).replace("KEY", key)
    return Door(about, address)


def push_worker() -> str:
    """Return the one line of a site's own ``/pusula-sw.js``."""
    return PUSH_WORKER.replace("URL", settings.PUSULA.public_url + reverse("push-worker"))
