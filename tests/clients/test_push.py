"""A push from our provider to a real browser's worker: encrypted, decrypted, shown, clicked, told.

Chromium takes pushes from its maker's service alone, so a service of ours stands between: it checks
the key and decrypts as the browser would, and DevTools hands what it read to the real worker.
"""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page
from tests.channels.contract import CASES
from tests.clients.test_snippet import Visit, visit  # noqa: F401 - a fixture

from pusula.channels.port import Outgoing, Result

WEBPUSH = next(case for case in CASES if case.name == "webpush")
SUBSCRIBES = """
Notification.requestPermission = async () => "granted";
PushManager.prototype.getSubscription = async () => null;
PushManager.prototype.subscribe = async (asked) => ({
  options: asked, toJSON: () => ({ endpoint: ENDPOINT, expirationTime: null, keys: KEYS }),
});
"""


def test_a_push_of_ours_is_shown_by_a_real_browser_and_its_click_comes_back(
    visit,  # noqa: F811 - the fixture
    page: Page,
    errors: list[str],
    shop,
) -> None:
    with WEBPUSH.staged() as stage:
        told = stage.company.subscribe("chromium")
        endpoint = told.pop("endpoint")
        page.context.grant_permissions(["notifications"])
        page.add_init_script(
            SUBSCRIBES.replace("ENDPOINT", json.dumps(endpoint)).replace("KEYS", json.dumps(told))
        )
        site: Visit = visit()
        site.told(2)
        registrations: list[dict] = []
        devtools = page.context.new_cdp_session(page)
        devtools.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda said: registrations.extend(said["registrations"]),
        )
        devtools.send("ServiceWorker.enable")
        site.does(f"pusula.consent(true), pusula.push('{stage.company.public_key}')")
        subscribed = site.told(3)[2]["properties"]
        stage.messages = [
            Outgoing(
                id=1, token="t" * 22, address="a", title="Odanız hazır", text="Şükrü Bey, buyurun",
                details={**subscribed, "url": "/oda", "tag": "b-42"},
            )
        ]  # fmt: skip
        (outcome,) = stage.send()
        read = stage.company.browsers["chromium"].shown
    assert outcome.result == Result.ACCEPTED
    (mine,) = {one["registrationId"]: one for one in registrations}.values()
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    devtools.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": "/".join(page.url.split("/")[:3]),
            "registrationId": mine["registrationId"],
            "data": json.dumps(read[0]),
        },
    )
    received = site.told(4)[3]
    assert received["event"] == "Push Notification Received"
    assert received["properties"]["push_id"] == "t" * 22
    shown = page.evaluate(
        """async () => (await (await navigator.serviceWorker.ready).getNotifications())
          .map((one) => [one.title, one.body, one.tag, one.data.url])"""
    )
    if not shown:
        pytest.skip("this Chromium keeps no notifications without a screen")
    assert shown == [["Odanız hazır", "Şükrü Bey, buyurun", "b-42", "/oda"]]
    worker = page.context.service_workers[0]
    worker.evaluate(
        """async () => {
          const [notification] = await self.registration.getNotifications();
          self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
        }"""
    )
    tapped = site.told(5)[4]
    assert (tapped["event"], tapped["properties"]["url"]) == ("Push Notification Tapped", "/oda")
    assert errors == []
