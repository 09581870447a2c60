"""The areas of the product as the side menu lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pusula.web import mails


@dataclass(frozen=True)
class Area:
    """An entry of the menu: a lucide icon, its words, and the URL name it leads to.

    ``is_there`` says whether this installation has the area at all.
    """

    icon: str
    title: str | Promise
    url_name: str
    is_there: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Entry:
    """An area as one request sees it."""

    area: Area
    href: str
    is_current: bool


GROUPS: tuple[tuple[str | Promise, tuple[Area, ...]], ...] = (
    (
        "",
        (
            Area("layout-dashboard", _("Overview"), "overview"),
            Area("users", _("Customers"), "customers"),
            Area("chart-pie", _("Segments"), "segments"),
            Area("grid-3x3", _("RFM"), "rfm"),
        ),
    ),
    (
        _("Engagement"),
        (
            Area("megaphone", _("Campaigns"), "campaigns"),
            Area("route", _("Journeys"), "journeys"),
            Area("layout-template", _("Templates"), "templates"),
            Area("send", _("Messages"), "sending"),
            Area("phone-call", _("Calls"), "tasks"),
            Area("shield-check", _("Consents"), "consents"),
            Area("inbox", _("Sent mail"), "inbox", lambda: mails.folder().is_dir()),
        ),
    ),
    (
        _("Measurement"),
        (
            Area("flask-conical", _("Experiments"), "experiments"),
            Area("chart-no-axes-column", _("Reports"), "reports"),
            Area("rocket", _("Pilots"), "pilots"),
            Area("telescope", _("Predictions"), "predictions"),
        ),
    ),
    (
        _("Data"),
        (
            Area("plug", _("Sources"), "sources"),
            Area("database", _("Import"), "imports"),
            Area("table-2", _("Analysts’ tables"), "bi"),
            Area("lock", _("Privacy"), "privacy"),
        ),
    ),
)


def menu(request: HttpRequest) -> list[tuple[str | Promise, list[Entry]]]:
    """Return the groups of the menu; an area is current on every page below its address."""
    return [
        (title, [_entry(area, request.path) for area in areas if area.is_there()])
        for title, areas in GROUPS
    ]


def _entry(area: Area, path: str) -> Entry:
    href = reverse(area.url_name)
    is_current = path == href or (href != "/" and path.startswith(href))
    return Entry(area, href, is_current)
