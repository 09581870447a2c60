"""What the tests of the doors for machines share: a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.api.served import Served


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server that runs; a test that kills it starts it again."""
    server = Served(tmp_path_factory.mktemp("served"))
    try:
        server.start()
        yield server
    finally:
        server.close()
