"""Anything at all sent to the tracking API: an answer below 500, nothing kept in memory."""

from __future__ import annotations

import gzip
import json
import socket
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from tests.api.intake import SERVER, WRITE, Api

from pusula.api.intake import openapi, paths

GOLDEN = Path(__file__).with_name("openapi.json")
PATHS = [address.path.format(writeKey=WRITE) for address in paths.ADDRESSES]
EXPECTED = {200, 204, 400, 401, 403, 404, 405, 408, 413, 415, 429}

latin = st.text(st.characters(max_codepoint=255), max_size=60)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner)
)
names = st.sampled_from(
    ["type", "messageId", "sentAt", "writeKey", "batch", "context", "integrations", "traits"]
)
messages = st.dictionaries(names | st.text(max_size=9), values, max_size=6)
said = values | messages | st.builds(lambda items: {"batch": items}, st.lists(values | messages))
as_json = said.map(lambda one: json.dumps(one, ensure_ascii=True).encode())
bodies = st.binary(max_size=200) | as_json
cut = st.builds(lambda raw, n: raw[: max(0, len(raw) - n)], bodies, st.integers(0, 9))
zipped = (bodies | cut).map(gzip.compress)
headers = st.dictionaries(
    st.sampled_from(
        ["authorization", "content-type", "content-encoding", "content-length", "origin", "host",
         "x-write-key", "anonymousid"]
    ),
    latin | st.sampled_from(["gzip", f"kid:{WRITE}", "Bearer x", "9" * 5_000, "https://x.com"]),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(["POST", "GET", "HEAD", "OPTIONS", "PUT"]),
    path=st.sampled_from(PATHS) | latin.map(lambda tail: f"/v1/{tail}"),
    query=latin,
    body=bodies | cut | zipped,
    more=headers,
    key=st.sampled_from([None, WRITE, SERVER, "other"]),
)
def test_whatever_comes_there_is_an_answer_below_500(*, method, path, query, body, more, key):
    api = Api()
    named = {name.replace("-", "_"): value for name, value in more.items()}
    answer = api.call(method, f"{path.replace('?', '')}?{query}", body, key=key, **named)
    assert answer.status in EXPECTED
    assert api.app.held.n == 0
    for told in api.log.bodies:  # what is taken over is JSON, with the message as it came
        assert set(told) <= {"type", "trusted", "sent_at", "batch", "refused", "message"}
        assert told["trusted"] is False or key == SERVER or SERVER in str(more) + query


@settings(max_examples=80, deadline=None)
@given(st.lists(values | messages, max_size=6))
def test_of_a_batch_nothing_is_lost(items):
    api = Api()
    answer = api.post("/v1/batch", {"batch": items})
    if answer.status == 200:
        assert len(api.log.entries) == len(items)
    else:  # numbers that JSON does not have
        assert answer.status == 400
        assert api.log.entries == []


def test_the_description_is_the_one_that_was_agreed():
    """Written anew with: python -m tests.api.test_intake_fuzz."""
    assert openapi.document() == json.loads(GOLDEN.read_text(encoding="utf-8"))


schemathesis_config = SchemathesisConfig.from_dict({"generation": {"max-examples": 15}})
# One address of each sort: those beside it are the same, and all are called in test_intake.
schema = schemathesis.openapi.from_dict(openapi.document(), config=schemathesis_config).include(
    path=["/v1/track", "/v1/batch", "/v1/projects/{writeKey}/settings", "/sourceConfig"]
)


@pytest.mark.slow
@schema.parametrize()
@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_server_answers_as_its_description_says(served, case):
    case.headers.pop("Authorization", None)
    case.call_and_validate(
        base_url=f"http://127.0.0.1:{served.port}",
        auth=(served.write, ""),
        excluded_checks=[
            # Bodies are only looked at for what must be known; what they mean is the step's work.
            schemathesis.checks.CHECKS.get_one("negative_data_rejection"),
            schemathesis.checks.CHECKS.get_one("ignored_auth"),
            schemathesis.checks.CHECKS.get_one("unsupported_method"),
        ],
    )


def raw(served, told: bytes, *, then_wait: bool = True) -> bytes:
    """Send bytes as they are; return what comes back until the server hangs up or falls silent."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
        connection.sendall(told)
        if not then_wait:
            return b""
        try:
            return connection.recv(65_536)
        except TimeoutError:
            return b""


def resident(served) -> int:
    """Return how many bytes of memory the server holds."""
    sizes = []
    for pid in served.workers():
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        sizes.append(pages * 4096)
    return sum(sizes)


def test_hostile_requests_are_answered_and_leave_the_memory_flat(served):
    head = f"POST /v1/batch?writeKey={served.write} HTTP/1.1\r\nHost: x\r\n".encode()
    assert b" 400 " in raw(served, b"POST /v1/track HTTP/1.1\r\nHost: x\r\n\r\n")  # no length
    assert b" 400 " in raw(served, head + b"Content-Length: 3\r\n\r\n{{{")
    assert b" 200 " in raw(
        served,
        head + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"bat\r\n8\r\nch":[]}\n\r\n0\r\n\r\n',
    )
    assert b" 413 " in raw(served, head + b"Content-Length: 999999999999\r\n\r\n")
    pages = b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n"
    assert b" 413 " in raw(served, pages)  # nobody is signed in
    raw(served, head + b"Content-Length: 100\r\n\r\n{", then_wait=False)  # hangs up
    deep = b'{"batch":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}"
    bomb = gzip.compress(b"0" * (100 * 2**20))
    wide = json.dumps({"batch": [{"type": "track", "p": {f"n{n}": n for n in range(10_000)}}]})

    def attack() -> None:
        assert served.ask("POST", "/v1/batch", deep)[0] == 400
        assert served.ask("POST", "/v1/batch", bomb, content_encoding="gzip")[0] == 413
        assert served.ask("POST", "/v1/batch", wide.encode())[0] == 200
        assert served.ask("POST", "/v1/track", b"0" * 2**20)[0] == 413

    for _ in range(5):
        attack()
    before = resident(served)
    for _ in range(20):
        attack()
    assert resident(served) < before + 24 * 2**20
    assert served.ask("POST", "/v1/track", {"event": "x"})[0] == 200


def main() -> None:
    """Write the golden file anew."""
    text = json.dumps(openapi.document(), indent=1, ensure_ascii=False)
    GOLDEN.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
