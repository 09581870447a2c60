"""Random companies that live for a while: plain Python, live steps, a rebuild and history agree."""

from __future__ import annotations

import os
import time

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.segments.live_worlds import Company

pytestmark = pytest.mark.django_db(databases=["default", "log"])

# More, from seeds of chance: python -m tests.segments.agreement --live --seconds 600
SECONDS = float(os.environ.get("PUSULA_AGREEMENT_SECONDS", "0"))
SEED = os.environ.get("PUSULA_AGREEMENT_SEED", "")
N_COMPANIES = 20 if connection.vendor == "sqlite" else 6


def problems(seed):
    """Return what does not agree in the company of ``seed``, and leave no trace of it."""
    with pytest.MonkeyPatch.context() as patch, undone("log"), undone("default"):
        return Company(seed, patch).live()


class undone(transaction.Atomic):  # noqa: N801 - read as a verb, as its base class is
    """A transaction that is undone, around what insists on being the outermost one."""

    def __init__(self, database):
        super().__init__(using=database, savepoint=True, durable=False)
        self._from_testcase = True

    def __exit__(self, *error):
        transaction.set_rollback(True, using=self.using)
        super().__exit__(*error)


@pytest.mark.slow
@settings(
    max_examples=N_COMPANIES,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a smaller seed is no simpler company
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32 - 1))
def test_live_members_rebuilt_members_and_history_are_what_plain_python_says(seed):
    assert problems(seed)[:1] == []


@pytest.mark.skipif(not SECONDS, reason="the long run: python -m tests.segments.agreement --live")
def test_random_companies_agree_for_as_long_as_asked():
    end, seed, n = time.monotonic() + SECONDS, int(SEED or time.time()), 0
    while time.monotonic() < end and not (SEED and n):
        assert problems(seed)[:1] == [], f"seed {seed}"
        seed, n = seed + 1, n + 1
    print(f"{n} companies agree, the last of seed {seed - 1}")
