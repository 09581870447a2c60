"""The company of the tests of pages, and a real server."""

from __future__ import annotations

from tests.api.conftest import served
from tests.web.conftest import _fixed_clock, company, deniz

__all__ = ["_fixed_clock", "company", "deniz", "served"]
