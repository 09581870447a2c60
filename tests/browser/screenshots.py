"""Draw the pages of a loaded installation into build/screenshots: in light, dark and on a phone.

make demo ARGS=--once && make screenshots
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "screenshots"
LOOKS = {
    "light": ({"width": 1440, "height": 1000}, "light"),
    "dark": ({"width": 1440, "height": 1000}, "dark"),
    "phone": ({"width": 390, "height": 844}, "light"),
}

sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pusula.config.settings")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright keeps an event loop in this thread
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.test import Client  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from pusula.campaigns.models import Campaign  # noqa: E402
from pusula.rfm.models import RfmScore  # noqa: E402
from pusula.segments.models import Segment  # noqa: E402


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_args: object) -> None:
        """Say nothing: the program prints the files it writes."""


def pages() -> Iterator[tuple[str, str]]:
    """Yield name and address of what there is to see."""
    yield from (("overview", "/"), ("customers", "/customers/"), ("segments", "/segments/"))
    yield from (("rfm", "/rfm/"), ("campaigns", "/campaigns/"), ("imports", "/imports/"))
    best = RfmScore.objects.order_by("-run__as_of_on", "-monetary_minor").first()
    if best:
        yield "card", f"/customers/{best.profile_id}/"
    largest = Segment.objects.order_by("-n_members").first()
    if largest:
        yield "segment", f"/segments/{largest.key}/"
    for campaign in Campaign.objects.order_by("pk"):
        yield f"campaign-{campaign.key}", f"/campaigns/{campaign.key}/"


def main() -> None:
    """Serve the installation to a browser and draw every page in every look."""
    user = User.objects.filter(is_active=True).first()
    if user is None:
        sys.exit("Nothing is loaded here yet: make demo ARGS=--once")
    client = Client()
    client.force_login(user)
    session = client.cookies["sessionid"].value
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    OUT.mkdir(parents=True, exist_ok=True)
    found = list(pages())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        for look, (size, scheme) in LOOKS.items():
            context = browser.new_context(viewport=size, color_scheme=scheme, locale="tr-TR")
            context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
            page = context.new_page()
            for name, address in found:
                page.goto(url + address)
                file = OUT / f"{name}-{look}.png"
                page.screenshot(path=file, full_page=True, animations="disabled")
                print(file.relative_to(ROOT))
        browser.close()


if __name__ == "__main__":
    main()
