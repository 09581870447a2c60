"""Our own snippet in Chromium: small, stores nothing before consent, loses nothing."""

from __future__ import annotations

import gzip
import json
import urllib.request

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.clients import trouble
from tests.clients.installation import ROOT, Installation, Keys
from tests.clients.trouble import Trouble

FILE = ROOT / "src/pusula/api/static/api/pusula.js"
MOST_BYTES = 5 * 1024
# What a careful hotel allows: its own scripts and ours, no inline code, no eval, no styles.
POLICY = (
    "default-src 'none'; script-src 'self' {url}; connect-src {url}; img-src data:;"
    " worker-src 'self'"
)
STORED = "[Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]"
NOTHING = [[], [], ""]
VAPID = "BNbxGYNMhEIi9zrneh7mqV4oUanjLUK3m-mYZBc62frMKrEoMk88r3Lk596T0ck9xlT-aok0fO1KXBLV4-XqxYM"
# Notes whatever is put into the storage of the browser, also what is soon taken out again.
WATCH = """
window.put = [];
const setItem = Storage.prototype.setItem;
Storage.prototype.setItem = function (name, value) {
  put.push(name);
  setItem.call(this, name, value);
};
"""
# Stands for the push service of the browser's maker, which is not on this machine.
PUSH_SERVICE = """
Notification.requestPermission = async () => "granted";
PushManager.prototype.getSubscription = async () => null;
PushManager.prototype.subscribe = async (asked) => ({
  options: asked,
  toJSON: () => ({
    endpoint: "https://push.example/abc",
    expirationTime: null,
    keys: { p256dh: "key-" + asked.applicationServerKey.length, auth: "secret" },
  }),
});
"""


class Visit:
    """A visitor on the hotel's site."""

    def __init__(self, page: Page, installation: Installation, source: Keys) -> None:
        self.page = page
        self.installation = installation
        self.slug = source.slug

    def loaded(self) -> Visit:
        """Wait until the snippet is there."""
        self.page.wait_for_load_state("load")
        return self

    def does(self, script: str) -> object:
        """Run a script as the site's own would."""
        return self.page.evaluate(script)

    def told(self, n: int) -> list[dict[str, object]]:
        """Return what has arrived when it is ``n`` messages."""
        for _look in range(200):
            found = [one.message for one in self.installation.told(self.slug)]
            if len(found) >= n:
                break
            self.page.wait_for_timeout(50)
        assert len(found) == n, [(one["type"], one.get("event")) for one in found]
        return found


@pytest.fixture
def visit(page: Page, shop, installation: Installation, source: Keys):
    """Return a function that opens a page of the hotel, by itself under a strict policy."""

    def opened(name: str = "snippet", *, url: str = installation.url) -> Visit:
        shop.words = {"URL": url, "KEY": source.write}
        shop.headers = {"Content-Security-Policy": POLICY.format(url=url)}
        page.goto(shop.page(name))
        return Visit(page, installation, source).loaded()

    yield opened
    shop.words, shop.headers = {}, {}


def test_it_is_small():
    assert len(gzip.compress(FILE.read_bytes(), 9)) <= MOST_BYTES


def test_it_is_served_with_a_check_and_an_address_that_never_changes(installation):
    def get(path: str, **headers: str):
        request = urllib.request.Request(installation.url + path, headers=headers)  # noqa: S310
        return urllib.request.urlopen(request, timeout=30)  # noqa: S310

    with get("/pusula.js", **{"Accept-Encoding": "gzip"}) as answer:
        body = gzip.decompress(answer.read())
        assert body == FILE.read_bytes()
        assert "max-age=3600" in answer.headers["Cache-Control"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert "Set-Cookie" not in answer.headers
        version = answer.headers["ETag"].strip('"')
    with get(f"/pusula.{version}.js") as answer:
        assert answer.read() == body
        assert "immutable" in answer.headers["Cache-Control"]
    with get("/pusula.0123456789ab.js") as answer:  # of an older version: leads to the newest
        assert answer.url.endswith("/pusula.js")


def test_before_consent_it_tells_but_stores_nothing(visit, page, errors, context: BrowserContext):
    page.add_init_script(WATCH)
    site = visit()
    page_view, search = site.told(2)
    assert (page_view["type"], search["event"]) == ("page", "Stay Searched")
    assert search["properties"] == {"region": "Çeşme", "nights": 7}
    assert page_view["anonymousId"] == search["anonymousId"]
    assert site.does("put") == []
    assert site.does(STORED) == NOTHING
    assert context.cookies() == []
    site = visit()
    assert site.told(4)[2]["anonymousId"] != page_view["anonymousId"]  # nobody is known again
    assert errors == []


def test_with_consent_the_visitor_is_known_again_and_forgotten_on_no(visit, errors):
    site = visit()
    first = site.told(2)[0]["anonymousId"]
    site.does("pusula.consent(true)")
    assert site.does("Object.keys(localStorage)") == ["pusula"]
    site = visit()
    assert {one["anonymousId"] for one in site.told(4)} == {first}
    site.does("pusula.consent(false)")
    assert site.does(STORED) == NOTHING
    site = visit()
    assert site.told(6)[-1]["anonymousId"] != first
    assert errors == []


def test_a_site_may_hold_everything_until_consent(visit, errors):
    site = visit("hold")
    site.page.wait_for_timeout(400)
    assert site.installation.told(site.slug) == []
    site.does("pusula.consent(true)")
    assert [one["type"] for one in site.told(2)] == ["page", "track"]
    site = visit("hold")
    site.told(4)
    site.does("pusula.consent(false); pusula('track', 'Stay Viewed', {})")
    site.page.wait_for_timeout(400)
    assert len(site.installation.told(site.slug)) == 4
    assert errors == []


def test_calls_become_the_words_of_the_vocabulary(visit, errors):
    site = visit()
    site.does("""() => {
        pusula.consent(true);
        pusula.booking("started", { booking_id: "B-7", value: 18450 });
        pusula.booking("guest-details", { booking_id: "B-7" });
        pusula.identify("misafir-7", { city: "İzmir" });
        pusula.track("Stay Viewed", { hotel_id: "deniz" });
        pusula.booking("completed", { booking_id: "B-7", value: 18450 });
    }""")
    told = site.told(7)[2:]
    names = [one.get("event", one["type"]) for one in told]
    assert names == [
        "Booking Started", "Booking Step Viewed", "identify", "Stay Viewed", "Booking Completed",
    ]  # fmt: skip
    assert told[1]["properties"] == {"step": "guest-details", "booking_id": "B-7"}
    assert [one.get("userId") for one in told] == [None, None, *["misafir-7"] * 3]
    assert site.installation.quarantined(site.slug) == []
    events = site.installation.events(site.slug)
    (guest,) = site.installation.leads_to("key", f"{site.slug}:misafir-7")
    assert {one.profile_id for one in events} == {guest}
    assert errors == []


def test_a_bad_line_makes_it_repeat_and_each_part_counts_once(visit, installation):
    plan = (trouble.REFUSE, trouble.LOSE, trouble.SLOW_DOWN, trouble.TWICE)
    with Trouble(installation.url, plan).open() as line:
        site = visit(url=line.url)
        site.does("for (let n = 0; n < 60; n++) pusula.track('Stay Viewed', { position: n })")
        told = site.told(62)
    assert set(line.met) >= set(plan)
    views = [one for one in told if one.get("event") == "Stay Viewed"]
    assert sorted(one["properties"]["position"] for one in views) == list(range(60))


def test_what_is_said_while_the_page_is_left_arrives(visit, errors):
    site = visit()
    site.told(2)
    site.does("""() => addEventListener("pagehide", () => 0) ||
        (pusula.track("Booking Abandoned", {}), location.assign("about:blank"))""")
    assert site.told(3)[2]["event"] == "Booking Abandoned"
    assert errors == []


def test_with_consent_what_could_not_be_sent_is_sent_on_the_next_page(visit, installation):
    with Trouble(installation.url, [trouble.PASS, *[trouble.REFUSE] * 50]).open() as line:
        site = visit(url=line.url)
        site.told(2)
        site.does("pusula.consent(true)")
        site.does("pusula.track('Stay Wishlisted', { hotel_id: 'deniz' })")
        site.page.wait_for_timeout(300)
        assert "pusula.queue" in site.does("Object.keys(localStorage)")
        site.page.goto("about:blank")
        site.told(2)
    site = visit()
    assert "Stay Wishlisted" in {one.get("event") for one in site.told(5)}
    site.page.wait_for_timeout(300)
    assert site.does("Object.keys(localStorage)") == ["pusula"]


def test_a_key_that_ended_is_given_up_and_not_asked_again(visit, installation, source):
    site = visit()
    site.told(2)
    installation.revoke(source.write)
    with site.page.expect_response("**/v1/b") as answered:
        site.does("pusula.track('Stay Viewed', {})")
    assert answered.value.status == 401
    site.page.wait_for_timeout(1500)
    assert len(installation.told(source.slug)) == 2


def test_a_visitor_who_agreed_subscribes_to_pushes(visit, page, errors, source, installation):
    page.add_init_script(PUSH_SERVICE)
    site = visit()
    site.told(2)
    assert site.does(f"pusula.push('{VAPID}')") is False  # nobody has agreed yet
    site.does("pusula.consent(true)")
    assert site.does(f"pusula.push('{VAPID}')") is True
    subscribed = site.told(3)[2]
    assert subscribed["event"] == "Push Subscribed"
    assert isinstance(subscribed["properties"].pop("asked"), bool)
    assert subscribed["properties"] == {
        "endpoint": "https://push.example/abc", "expires": None, "p256dh": "key-65",
        "auth": "secret", "vapid_key": VAPID,
    }  # fmt: skip
    worker = page.context.service_workers[0].url if page.context.service_workers else ""
    assert "/pusula-sw.js?" in worker
    assert errors == []


def test_a_click_on_a_push_is_told_once_by_the_worker(visit, page, errors):
    page.add_init_script(PUSH_SERVICE)
    site = visit()
    site.told(2)
    site.does(f"pusula.consent(true), pusula.push('{VAPID}')")
    site.told(3)
    worker = page.context.service_workers[0]
    payload = json.dumps({"id": "d-42", "notification": {"title": "Merhaba", "navigate": "/x"}})
    worker.evaluate(
        """(payload) => {
          self.registration.showNotification = async () => {};
          const event = new PushEvent("push", { data: payload });
          self.dispatchEvent(event);
          self.dispatchEvent(new PushEvent("push", { data: payload }));
        }""",
        payload,
    )
    received = site.told(4)[3]
    assert (received["event"], received["properties"]["push_id"]) == (
        "Push Notification Received", "d-42",
    )  # fmt: skip
    assert received["anonymousId"] == site.does("pusula.id()")
    worker.evaluate(
        """() => {
          const event = new ExtendableEvent("pushsubscriptionchange");
          const told = (endpoint) => ({ endpoint, keys: { p256dh: "k", auth: "s" } });
          event.oldSubscription = told("https://push.example/abc");
          event.newSubscription = { toJSON: () => told("https://push.example/def") };
          self.dispatchEvent(event);
        }"""
    )
    renewed = site.told(5)[4]
    assert renewed["event"] == "Push Subscribed"
    assert renewed["properties"] == {
        "endpoint": "https://push.example/def", "p256dh": "k", "auth": "s", "vapid_key": VAPID,
        "replaces": "https://push.example/abc",
    }  # fmt: skip
    expect(page.locator("h1")).to_be_visible()
    assert errors == []
