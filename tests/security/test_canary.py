"""A made-up person and a made-up secret pushed through every door: no log and no error names them.

The server runs as it is served, its output is kept, and everything it wrote beside the database
is read afterwards.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from tests.api.served import Served

EMAIL = "kanarya.misafir@canary.example"
PHONE = "+905559871234"
SECRET = "kanarya-parola-7f3a"
FORGED = "x\r\n[ERROR] forged line\x1b[31m"
PERSONAL = re.compile(rb"kanarya|5559871234", re.IGNORECASE)
DATABASES = re.compile(r"\.db(-wal|-shm|-journal)?$")


class Loud(Served):
    """A server whose output is kept."""

    @property
    def output(self) -> Path:
        """Return the file with what it printed."""
        return self.folder / "output.txt"

    def start(self) -> None:
        """Serve, with the output in a file."""
        real = subprocess.Popen
        out = self.output.open("ab")

        def kept(*args, **named):
            return real(*args, **(named | {"stdout": out, "stderr": out}))

        subprocess.Popen = kept
        try:
            super().start()
        finally:
            subprocess.Popen = real
            out.close()


@pytest.fixture(scope="module")
def loud(tmp_path_factory):
    server = Loud(tmp_path_factory.mktemp("canary"))
    try:
        server.start()
        yield server
    finally:
        server.close()


def told(server: Loud) -> list[tuple[str, int]]:
    """Say the canary at every door; return what was answered."""
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    message = {
        "type": "identify", "userId": EMAIL, "messageId": f"m-{EMAIL}",
        "traits": {"email": EMAIL, "phone": PHONE, "password": SECRET},
    }  # fmt: skip
    calls = [
        ("POST", "/v1/identify", json.dumps(message).encode(), {}),
        ("POST", "/v1/identify", json.dumps(message).encode()[:-9], {}),
        ("POST", f"/v1/track?email={EMAIL}", b"[" * 5_000 + EMAIL.encode(), {}),
        ("POST", "/v1/track", b"{" + b'"' + EMAIL.encode() + b'\xff"', {}),
        ("POST", "/v1/track", b"\x1f\x8b" + EMAIL.encode(), {"Content_Encoding": "gzip"}),
        ("POST", "/v1/track", b"{}", {"Authorization": f"Basic {SECRET}"}),
        ("POST", "/v1/track", b"{}", {"X_Write_Key": SECRET, "Authorization": ""}),
        ("GET", f"/v1/projects/{SECRET}/settings", None, {}),
        ("GET", f"/{EMAIL}", None, {}),
        ("GET", f"/customers/?q={EMAIL}", None, {}),
        ("GET", f"/login/{SECRET}/", None, {}),
        ("GET", f"/login/?next=//{EMAIL}", None, {}),
        ("POST", "/login/", f"username={EMAIL}&password={SECRET}".encode(), form),
        ("POST", "/login/", b"username=%ff" + SECRET.encode(), {"Content_Type": SECRET}),
        ("GET", f"/u/{SECRET}/", None, {}),
        ("POST", f"/u/{SECRET}/", f"List-Unsubscribe=One-Click&e={EMAIL}".encode(), form),
        ("GET", f"/p/{SECRET}/", None, {}),
        ("GET", f"/c/{SECRET}/?u=https://{EMAIL}", None, {}),
        ("GET", f"/o/{SECRET}.gif", None, {}),
        ("POST", f"/sign-up/{SECRET}/", f"email={EMAIL}&name={FORGED}".encode(), form),
        ("GET", "/", None, {"Host": EMAIL}),
        ("GET", "/", None, {"User_Agent": SECRET, "Referer": f"https://x/?e={EMAIL}"}),
        ("GET", "/", None, {"X_Forwarded_For": EMAIL, "Cookie": f"sessionid={SECRET}"}),
        ("DELETE", f"/v1/track/{EMAIL}", None, {}),
        ("POST", f"/webhooks/mews/{SECRET}/", json.dumps({"e": EMAIL}).encode(), {}),
    ]
    answered = []
    for method, path, body, headers in calls:
        status, got, content = server.ask(method, path, body, **headers)
        answered.append((f"{method} {path[:12]}", status))
        assert got.get("referrer-policy", "same-origin") in {"same-origin", "no-referrer"}
        if status >= 400:
            # What stands in the address is the visitor's own; a link back may say it again.
            assert PERSONAL.search(path.encode()) or not PERSONAL.search(content), path
            assert "max-age" not in got.get("cache-control", "")
    return answered


def test_no_log_and_no_error_names_a_person_or_a_secret_or_takes_a_forged_line(loud):
    answered = told(loud)
    assert [one for one in answered if one[1] >= 500] == []
    assert {status for _path, status in answered} >= {200, 400, 401, 404}
    assert loud.process is not None
    os.killpg(loud.process.pid, signal.SIGTERM)
    loud.process.wait(30)
    loud.process = None

    written = [
        file
        for file in loud.folder.rglob("*")
        if file.is_file() and not DATABASES.search(file.name)
    ]
    assert loud.output in written
    for file in written:
        content = file.read_bytes()
        assert not PERSONAL.search(content), (file.name, PERSONAL.search(content))
        assert b"\x1b[31m" not in content
        assert b"\n[ERROR] forged" not in content


def test_the_canary_would_be_found(loud):
    loud.output.write_text(f"GET /customers/?q={EMAIL}")
    assert PERSONAL.search(loud.output.read_bytes())
    loud.output.write_text("")
