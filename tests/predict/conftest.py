"""What the tests of predictions share: a clock that stands still after all days they learn from."""

from __future__ import annotations

import pytest

from pusula.lib import clock

NOW = 1_790_000_000_000_000  # 2026-09-21


@pytest.fixture(autouse=True)
def _fixed_clock(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
