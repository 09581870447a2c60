"""A newcomer loads the demo company, twice, and serves it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

PUSULA = [sys.executable, "-m", "pusula.ops.main"]


@pytest.fixture
def environment(tmp_path):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PUSULA_", "DJANGO_"))}
    return kept | {"PUSULA_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"}


def pusula(environment, *arguments):
    return subprocess.run(
        [*PUSULA, *arguments], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_demo_loads_and_a_second_time_changes_nothing(environment):
    first = pusula(environment, "demo", "--once", "--guests", "2000")
    assert first.returncode == 0, first.stderr
    assert "demo" in first.stdout
    again = pusula(environment, "demo", "--once", "--guests", "2000")
    assert again.returncode == 0, again.stderr
    # Every import of the second time finds every row as known.
    reports = re.findall(r": ([\d.,]+) (?:new|yeni)", again.stdout)
    assert reports == ["0"] * 4


@pytest.mark.slow
def test_serving_answers_asks_for_a_login_and_stops_when_told(environment):
    assert pusula(environment, "init").returncode == 0
    environment["PUSULA_SMTP_URL"] = "smtp://127.0.0.1:9"  # nothing is due, so nobody calls there
    serving = subprocess.Popen(
        [*PUSULA, "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert serving.stdout is not None
        with serving.stdout as said:
            line = said.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert address
        page = _first_answer(address[0] + "/")
        assert "password" in page
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address[0], timeout=5)  # noqa: S310 - our own address


def _first_answer(address: str) -> str:
    """Return what the server says once it listens; each refused try is quick."""
    for _attempt in range(600):
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310
                text: str = answer.read().decode()
                return text
        except urllib.error.URLError:
            subprocess.run(["sleep", "0.1"], check=True)
    raise AssertionError("the server never answered")
