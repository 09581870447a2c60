"""Every page is looked at in a browser: none can be added and forgotten."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from django.urls import resolve
from tests.browser.pages import DOORS, NO_PAGES, PAGES

from pusula.web.urls import urlpatterns


def methods(view: Callable[..., Any]) -> set[str]:
    """Return what a view answers to, by the decorator that says so; none of a class."""
    one: Callable[..., Any] | None = view
    while one is not None:
        held = inspect.getclosurevars(one).nonlocals if inspect.isfunction(one) else {}
        if "request_method_list" in held:
            return set(held["request_method_list"])
        one = getattr(one, "__wrapped__", None)
    return set()


def name_of(address: str) -> str:
    path = re.sub(r"\{\w+\}", "1", address.partition("?")[0])
    return resolve(path).url_name or ""


def test_every_page_is_in_the_list_that_browsers_look_at():
    seen = {name_of(address) for address in (*PAGES.values(), *DOORS.values())}
    asked = {str(one.name) for one in urlpatterns if "GET" in methods(one.callback)}
    assert len(asked) > 80
    assert asked - seen - NO_PAGES == set()


def test_what_is_said_to_be_no_page_is_there_and_looked_at_nowhere():
    known = {str(one.name) for one in urlpatterns if "GET" in methods(one.callback)}
    seen = {name_of(address) for address in PAGES.values()}
    assert known >= NO_PAGES
    assert not NO_PAGES & seen
