"""What all tests share: where the real data is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real data sets; skip where it is not at hand."""
    default = ROOT.parent / "shared" / "data"
    folder = Path(os.environ.get("PUSULA_TEST_DATA", default))
    if not (folder / "online_retail.parquet").exists():
        pytest.skip("the real data sets are not here; name their folder in PUSULA_TEST_DATA")
    return folder
