"""Time from an edit of a definition to its counts, over a company made up for it, on SQLite.

Usage: python bench/builder.py [profiles] (default 30000; 2.5 orders and 3 events each). With
CHROMIUM=/path/to/chromium also from the key that is pressed to the number that is seen.
Aim at 300,000 profiles: 350 ms on the server, which leaves 250 ms for the pause while one types.
"""

from __future__ import annotations

import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

N_ORDERS, N_EVENTS = 2.51, 3.0  # of each profile, on average
REGIONS = ["Bodrum", "Çeşme", "Kapadokya", "Antalya", "Fethiye", "Kuşadası"]
NAMES = ["Hotel Searched", "Hotel Viewed", "Booking Abandoned", "Email Opened"]
ROWS = 100_000
CANCELLED, GRANTED = 0.12, 0.7  # shares
FINE = 200


def batches(n: int) -> Iterator[range]:
    """Yield the numbers 1 to ``n`` in ranges that fit into memory as rows."""
    for start in range(1, n + 1, ROWS):
        yield range(start, min(start + ROWS, n + 1))


def insert(table: str, values: dict[str, Any], n: int) -> None:
    """Write ``n`` rows; each value is a constant or an array of them."""
    columns = ", ".join(values)
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        for part in batches(n):
            rows = zip(
                *(
                    value[part.start - 1 : part.stop - 1].tolist()
                    if isinstance(value, np.ndarray)
                    else [value] * len(part)
                    for value in values.values()
                ),
                strict=True,
            )
            cursor.executemany(f"insert into {table} ({columns}) values ({marks})", list(rows))


def build(n: int) -> None:
    """Write the company."""
    random = np.random.default_rng(11)
    now = clock.now()
    today = now // clock.DAY
    ids = np.arange(1, n + 1)
    created = now - random.integers(0, 1_400 * clock.DAY, n)
    name = np.array([f"misafir {i}" for i in ids])
    with transaction.atomic():
        insert("profiles_profile", {"id": ids, "first_name": "Misafir", "last_name": "",
               "name_key": name, "created_at": created, "recorded_at": created}, n)  # fmt: skip
        orders(random, n, round(n * N_ORDERS), now, today)
        events(random, n, round(n * N_EVENTS), now)
        cities = np.array(["İstanbul", "Ankara", "İzmir", "Bursa"])[random.integers(0, 4, n)]
        folded = np.array([fold(city) for city in cities])
        insert("profiles_trait", {"profile_id": ids, "name": "city", "kind": "text", "text": cities,
               "text_fold": folded, "source": "pms", "updated_at": now}, n)  # fmt: skip
        consents(random, n, now)


def orders(random: Any, n: int, n_orders: int, now: int, today: int) -> None:
    """Write stays of the last four years and the next three months."""
    starts = random.integers(today - 1_400, today + 90, n_orders)
    at = np.minimum(starts * clock.DAY - 20 * clock.DAY, now - clock.HOUR)
    days = np.array(np.datetime64("1970-01-01") + starts, str)
    ends = np.array(np.datetime64("1970-01-01") + starts + 4, str)
    status = np.where(starts > today, "confirmed", "completed")
    status = np.where(random.random(n_orders) < CANCELLED, "cancelled", status)
    net = random.integers(300_000, 9_000_000, n_orders)
    ids = np.arange(1, n_orders + 1)
    insert("orders_order", {
        "id": ids, "profile_id": np.sort(random.integers(1, n + 1, n_orders)), "source": "pms",
        "source_id": np.array([f"R{i}" for i in ids]), "status": status, "ordered_at": at,
        "status_at": at, "starts_on": days, "ends_on": ends, "property": "Lodos",
        "region": np.array(REGIONS)[random.integers(0, len(REGIONS), n_orders)],
        "room_type": "", "board": "", "channel": "Web", "currency": "TRY", "gross_minor": net,
        "net_minor": net, "gross_base_minor": net, "net_base_minor": net, "recorded_at": at,
    }, n_orders)  # fmt: skip


def events(random: Any, n: int, n_events: int, now: int) -> None:
    """Write events of the last year."""
    ids = np.arange(1, n_events + 1)
    at = now - random.integers(clock.MINUTE, 365 * clock.DAY, n_events)
    insert("events_event", {
        "id": ids, "profile_id": np.sort(random.integers(1, n + 1, n_events)),
        "name": np.array(NAMES)[random.integers(0, len(NAMES), n_events)], "at": at,
        "recorded_at": at, "dedupe_key": np.array([f"e{i}" for i in ids]), "source": "web",
        "properties": "{}",
    }, n_events)  # fmt: skip


def consents(random: Any, n: int, now: int) -> None:
    """Write an address and a decision about e-mail for most."""
    ids = np.arange(1, n + 1)
    has = ids[random.random(n) < GRANTED]
    entries = np.arange(1, len(has) + 1)
    insert("profiles_identifier", {"profile_id": ids, "kind": "email",
           "value": np.array([f"m{i}@example.com" for i in ids]), "source": "pms",
           "recorded_at": now}, n)  # fmt: skip
    common = {"profile_id": has, "channel": "email", "purpose": "marketing", "status": "granted",
              "decided_at": now - clock.DAY}  # fmt: skip
    keys = np.array([f"c{i}" for i in has])
    insert("consent_consententry", {"id": entries, **common, "source": "web", "evidence": "",
           "address": "", "proof": "{}",
           "recorded_at": now, "dedupe_key": keys}, len(has))  # fmt: skip
    insert("consent_consent", {**common, "entry_id": entries}, len(has))


def definition() -> dict[str, Any]:
    """Return the nine conditions of the design's picture."""
    stays = {"where": {"status": {"is": "completed"}}, "by": "ends_on"}
    bodrum = {"status": {"is": "completed"}, "region": {"in": ["Bodrum", "Çeşme"]}}
    web = {"within": {"last": "30 days"}}
    ahead = {"count": {"at_least": 1}, "where": {"status": {"is": "confirmed"}}}
    return {
        "all": [
            {"orders": {"count": {"at_least": 2}, **stays, "within": {"last": "24 months"}}},
            {"orders": {"latest": "ends_on", "where": {"status": {"is": "completed"}},
                        "is": {"between": ["540 days ago", "180 days ago"]}}},
            {"any": [
                {"orders": {"count": {"at_least": 1}, "where": bodrum}},
                {"orders": {"sum": "net_amount", "is": {"at_least": "40000 TRY"}, **stays,
                            "within": {"last": "12 months"}}},
                {"all": [
                    {"events": {"name": "Hotel Searched", "count": {"at_least": 1}, **web}},
                    {"events": {"name": "Booking Abandoned", "count": {"at_least": 1}, **web}},
                ]},
            ]},
            {"trait": {"city": {"in": ["İzmir", "Ankara", "İstanbul"]}}},
            {"not": {"any": [
                {"orders": {**ahead, "by": "starts_on", "within": {"from": "today"}}},
                {"consent": {"channel": "email", "purpose": "marketing", "is": "refused"}},
            ]}},
        ]
    }  # fmt: skip


def main(n: int) -> None:
    """Build, read, edit, and print the times."""
    began = time.perf_counter()
    build(n)
    print(f"{n:,} profiles written in {time.perf_counter() - began:.1f} s")
    user = User.objects.create_user("bench")
    client = Client(HTTP_HOST="localhost")
    client.force_login(user)
    draft = documents.draft_of({"where": definition()}, Picker())

    def counted() -> tuple[float, int, Any]:
        sent: dict[str, list[str]] = {}
        for name, value in draft.pairs():
            sent.setdefault(name, []).append(value)
        start = time.perf_counter()
        answer = client.post("/segments/+build/count/", sent)
        return (time.perf_counter() - start) * 1000, answer.status_code, answer.context["result"]

    began = time.perf_counter()
    while (result := counted()[2]).reading:
        time.sleep(0.2)
    held = counting.STORE.held
    print(f"facts read in {time.perf_counter() - began:.1f} s: {held.n_bytes / 2**20:.0f} MB kept")
    leaf = draft.inc.parts[0]
    searches = draft.inc.parts[2].parts[2].parts[0]
    for title, field, values in (
        ("one condition over orders", (leaf, "v"), ["3", "4", "5", "6", "1"]),
        ("one condition over events", (searches, "v"), list("23456")),
        ("what was counted before", (leaf, "v"), ["3", "4", "5", "6", "1"]),
    ):
        times = []
        for value in values:
            field[0].fields.put(field[1], value)
            took, status, result = counted()
            assert status == FINE, status
            times.append(took)
        usual, most = statistics.median(times), max(times)
        print(f"{title}: {usual:.0f} ms (most {most:.0f}), {result.n:,} found")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


# Runs in the page: presses a key and tells after how many milliseconds the number is another one.
TYPE = """([box, big, value]) => new Promise((done) => {
  const field = document.getElementById(box), before = document.querySelector(big).textContent;
  let began;
  new MutationObserver((_, watch) => {
    const shown = document.querySelector(big);
    if (!shown || shown.textContent === before) return;
    watch.disconnect();
    requestAnimationFrame(() => done(performance.now() - began));
  }).observe(document.body, {childList: true, subtree: true, characterData: true});
  began = performance.now();
  field.value = value;
  field.dispatchEvent(new InputEvent("input", {bubbles: true}));
})"""


def seen(chromium: str) -> None:
    """Type in a browser at a server of its own, and print after how long numbers are seen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    actions.apply(
        [
            (
                "bench",
                {
                    "segment": "bench",
                    "title": {"en": "Bench", "tr": "Deneme"},
                    "where": definition(),
                },
            )
        ]
    )
    os.environ["PUSULA_PUBLIC_URL"] = url
    link = subprocess.run(
        [sys.executable, "-m", "pusula.ops.main", "login-link", "bench"],
        capture_output=True, text=True, check=True,
    ).stdout.split()[-1]  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "asginl", "--no-ws", "--port", str(port),
         "--log-level", "warning", "pusula.config.asgi:application"],
    )  # fmt: skip
    try:
        with sync_playwright() as playwright:
            page = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            ).new_page(locale="en-GB")
            _typed(page, url, link)
    finally:
        server.terminate()
        server.wait(30)


def _typed(page: Any, url: str, link: str) -> None:
    for _try in range(100):
        with suppress(Exception):
            page.goto(link)
            break
        time.sleep(0.2)
    page.locator(".btn--primary").first.click()
    page.goto(f"{url}/segments/bench/edit/")
    page.locator("#big b").wait_for(timeout=120_000)
    for title, box, values in (
        ("key to number, orders", "n1.v", ["3", "4", "5", "6", "1"]),
        ("key to number, counted before", "n1.v", ["3", "4", "5", "6", "1"]),
    ):
        times = []
        for value in values:
            page.wait_for_timeout(1_000)  # then the slow panels of the edit before have begun
            expect(page.locator(".htmx-request, .skeleton")).to_have_count(0, timeout=60_000)
            times.append(page.evaluate(TYPE, [box, "#big b", value]))
        print(f"{title}: {statistics.median(times):.0f} ms (most {max(times):.0f})")


if __name__ == "__main__":
    home = tempfile.mkdtemp()
    os.environ |= {"PUSULA_HOME": home, "DJANGO_SETTINGS_MODULE": "pusula.config.settings"}
    import django

    django.setup()
    import numpy as np
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.test import Client
    from django.test.utils import setup_test_environment

    from pusula.lib import clock
    from pusula.lib.text import fold
    from pusula.segments import actions, counting
    from pusula.web.builder import documents
    from pusula.web.builder.picks import Picker

    setup_test_environment()  # answers keep their context
    call_command("migrate", verbosity=0)
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000)
        if chromium := os.environ.get("CHROMIUM"):
            from playwright.sync_api import expect, sync_playwright

            seen(chromium)
    finally:
        for file in sorted(Path(home).rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
