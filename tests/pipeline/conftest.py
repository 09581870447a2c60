"""What the tests of the pipeline share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.pipeline.company import BIG_BASKET, IDLE, NOW, SEARCHED, define, members

from pusula.lib import clock
from pusula.segments.everybody import rebuild


@pytest.fixture
def company(request: pytest.FixtureRequest) -> Callable[[str], list[int]]:
    """Return ``members`` of an installation with three segments, shown and empty."""
    request.getfixturevalue("db")
    define("searched", SEARCHED)
    define("idle", IDLE)
    define("big-basket", BIG_BASKET)
    rebuild.everybody(at=NOW - clock.DAY)
    return members
