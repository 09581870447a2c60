"""The tracking API: three dialects, the key in its four places, one answer."""

import asyncio
import base64
import gzip
import json
import time
import tracemalloc

import pytest
from django.db import OperationalError
from tests.api.intake import (
    COUNTED,
    KEYS,
    NARROW,
    SERVER,
    WRITE,
    Api,
    call,
    good_key,
)

from pusula.api.intake import bodies, paths
from pusula.api.intake.answers import RefusedError
from pusula.api.intake.keyring import Keyring
from pusula.api.intake.limits import LARGEST_BATCH, MOST_EVENTS, Held, Patience, Quotas
from pusula.api.intake.paths import Does
from pusula.pipeline.appender import BadEntryError, BusyError
from pusula.sources.keys import GoodKey

EVENT = {"event": "Hotel Searched", "messageId": "m1", "anonymousId": "a1"}
TAKING = [a for a in paths.ADDRESSES if a.does in {Does.ONE, Does.MANY}]


@pytest.fixture
def api():
    return Api()


@pytest.mark.parametrize("address", TAKING, ids=lambda address: address.path)
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_address_takes_messages_with_and_without_a_slash_at_its_end(api, address, slash):
    body = EVENT if address.does == Does.ONE else {"batch": [EVENT | {"type": "track"}]}
    answer = api.post(address.path + slash, body)
    assert (answer.status, answer.body) == (200, b'{"success":true}')
    assert answer.headers["content-type"] == "application/json"
    [entry] = api.log.entries
    assert (entry.kind, entry.source, entry.message_id) == ("message", "web", "web:m1")
    [told] = api.log.bodies
    assert told["type"] == (address.type or "track")
    assert told["message"]["event"] == "Hotel Searched"
    assert (told["trusted"], told["sent_at"]) == (False, None)


def test_the_message_stands_in_the_log_as_it_was_sent(api):
    raw = b' {"event" : "x","n":1.50, "t":"\xc4\xb0", "messageId":"m"}'
    assert api.post("/v1/track", raw).status == 200
    assert raw.decode() in api.log.entries[0].body


@pytest.mark.parametrize(
    "given",
    [
        {"key": WRITE},
        {"x_write_key": WRITE},
        {"x_write_key": f"kid:{WRITE}"},
        {"authorization": "Basic " + base64.b64encode(f"{WRITE}:secret".encode()).decode()},
    ],
)
def test_a_key_is_found_in_each_header(api, given):
    assert api.post("/v1/track", EVENT, **{"key": None} | given).status == 200


def test_a_key_is_found_in_the_body_and_in_the_query(api):
    assert api.post("/v1/track", EVENT | {"writeKey": WRITE}, key=None).status == 200
    batch = {"writeKey": WRITE, "batch": []}
    bearer = {"authorization": "Bearer eyJhbGciOi"}
    assert api.post("/v1/batch", batch, key=None, **bearer).status == 200
    assert api.post(f"/beacon/v1/batch?writeKey={WRITE}", {"batch": []}, key=None).status == 200


def test_a_masked_key_in_the_body_does_not_stand_against_the_one_in_the_header(api):
    body = EVENT | {"writeKey": "kid:***"}
    assert api.post("/api/s/track", body, key=None, x_write_key=f"kid:{WRITE}").status == 200


@pytest.mark.parametrize("key", [None, "", "wk_other", "ş", "x" * 500, WRITE.upper(), "\x00"])
def test_an_unknown_key_is_refused_with_401_and_nothing_is_read(api, key):
    answer = api.post("/v1/track", b"not even JSON" if key else EVENT, key=key)
    assert answer.status == 401
    assert answer.json["error"]["code"] == "key"
    assert api.log.entries == []


@pytest.mark.parametrize("header", ["Basic %%%", "Basic /w==", "Basic", "Digest x", "Basic Og=="])
def test_a_header_that_holds_no_key_is_like_none(api, header):
    assert api.post("/v1/track", EVENT, key=None, authorization=header).status == 401


def test_bodies_are_read_as_json_whatever_their_type(api):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json", ""):
        assert api.post("/v1/track", EVENT, content_type=kind).status == 200
    assert api.post("/v1/track", EVENT, content_encoding="gzip").status == 200
    assert len(api.log.entries) == 5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed"), (b"{", "malformed"), (b"[]", "not_a_message"), (b"5", "not_a_message"),
        (b'{"a":NaN}', "malformed"), (b'{"a":"\xff"}', "malformed"), (b'{"a":"\0"}', "malformed"),
        (b'{"a":1}}', "malformed"), (b"\xef\xbb\xbf{}", "malformed"),
        (b'{"a":' + b"[" * 9_000 + b"]" * 9_000 + b"}", "malformed"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_with_400(api, body, code):
    answer = api.post("/v1/track", body)
    assert (answer.status, answer.json["error"]["code"]) == (400, code)
    assert api.log.entries == []


def test_a_batch_without_a_list_is_refused_with_400(api):
    for body in ({}, {"batch": {}}, {"batch": None}, []):
        assert api.post("/v1/batch", body).status == 400


def test_one_bad_event_is_put_aside_with_its_reason_and_costs_the_others_nothing(api):
    good = [{"type": "track", "event": "x", "messageId": n} for n in range(3)]
    large = {"type": "track", "messageId": "l", "event": "x" * 40_000}
    bad = [5, None, "x", [], {"messageId": "n"}, {"type": "buy"}, {"type": 7}, large]
    body = {"batch": [good[0], *bad, *good[1:]], "sentAt": "2026-05-31T10:00:00Z"}
    assert api.post("/v1/batch", body).status == 200
    told = api.log.bodies
    assert [one["message"] for one in told] == body["batch"]
    refused = [one.get("refused", "") for one in told]
    assert [bool(one) for one in refused] == [False, *[True] * 8, False, False]
    assert "not a JSON object" in refused[1]
    assert "one of identify, track" in refused[5]
    assert "40048 bytes" in refused[8]
    assert {one["sent_at"] for one in told} == {"2026-05-31T10:00:00Z"}
    assert len(set(api.log.ids)) == len(told)


def test_what_is_told_once_for_the_batch_is_kept_with_each(api):
    context, integrations = {"ip": "::1"}, {"All": True}
    item = {"type": "page", "sentAt": "2026-05-31T10:00:00Z"}
    body = {"batch": [item, item], "context": context, "integrations": integrations}
    api.post("/v1/batch", body)
    api.post("/v1/batch", {"batch": [item], "context": None})
    first, second, third = api.log.bodies
    assert first == second
    assert first["batch"] == {"context": context, "integrations": integrations}
    assert first["sent_at"] == "2026-05-31T10:00:00Z"
    assert "batch" not in third


@pytest.mark.parametrize("n", [1, 30])
def test_half_an_emoji_does_not_cost_the_batch(api, n):
    raw = r'{"batch":[{"type":"track","event":"a\ud83d","p":"\\ud83d \ud83d\ude00"}%s]}' % (
        ',{"type":"page"}' * (n - 1)
    )
    assert api.post("/v1/batch", raw.encode()).status == 200
    assert len(api.log.entries) == n
    assert api.log.bodies[0]["message"] == {"type": "track", "event": "a�", "p": r"\ud83d 😀"}


def test_ids_are_the_clients_own_or_made(api):
    for own_id in ("a", 7, "x" * 300, "a\u0007b", None, "", {"a": 1}, True, "İ"):
        assert api.post("/v1/track", {"messageId": own_id}).status == 200
    first, second, long, bell, *made, letter = api.log.ids
    assert (first, second, letter) == ("web:a", "web:7", "web:İ")
    assert long.startswith("web:sha256-")
    assert bell.startswith("web:sha256-")
    assert len(set(made)) == 4
    assert api.post("/v1/track", {"messageId": "x" * 300}).status == 200
    assert api.log.ids[-1] == long


def test_only_a_server_key_is_trusted_and_it_is_not_kept(api):
    body = {"batch": [{"type": "track", "writeKey": SERVER, "p": f"a {SERVER}"}]}
    assert api.post("/v1/batch", body | {"writeKey": SERVER}, key=None).status == 200
    assert api.post("/v1/track", EVENT | {"writeKey": SERVER}, key=SERVER).status == 200
    kid = {"x_write_key": f"kid:{SERVER}"}
    assert api.post("/v1/track", EVENT | {"writeKey": SERVER}, key=None, **kid).status == 200
    assert [one["trusted"] for one in api.log.bodies] == [True] * 3
    assert not any(SERVER in entry.body for entry in api.log.entries)
    assert {entry.source for entry in api.log.entries} == {"crm"}


def test_a_message_cannot_say_itself_that_it_is_trusted(api):
    raw = b'{"trusted":true,"type":"identify","refused":"","message":{"trusted":true}}'
    api.post("/v1/identify", raw)
    assert api.log.bodies[0]["trusted"] is False


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://www.ornek.com", 200), ("https://WWW.ornek.com", 200), ("https://a.otel.com", 200),
        ("https://a.b.otel.com", 200), ("https://otel.com", 403), ("http://www.ornek.com", 403),
        ("https://www.ornek.com.evil.com", 403), ("https://evilotel.com", 403), ("null", 403),
        ("https://www.ornek.com:8443", 403), (None, 403), ("", 403), ("\xff", 403),
    ],
)  # fmt: skip
def test_a_key_with_origins_is_taken_from_these_only(api, origin, status):
    given = {} if origin is None else {"origin": origin}
    assert api.post("/v1/track", EVENT, key=NARROW, **given).status == status
    assert len(api.log.entries) == (status == 200)


def test_a_page_of_any_origin_may_ask_and_read_the_answer(api):
    for address in paths.ADDRESSES:
        answer = api.call("OPTIONS", address.path.format(writeKey=WRITE), origin="https://x.com")
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == "https://x.com"
        for name in ("Authorization", "Content-Type", "AnonymousId", "X-Write-Key"):
            assert name in answer.headers["access-control-allow-headers"]
        assert answer.headers["access-control-max-age"].isdigit()
    answer = api.post("/v1/t", EVENT, origin="https://x.com")
    assert answer.headers["access-control-allow-origin"] == "https://x.com"
    assert answer.headers["vary"] == "Origin"
    refused = api.post("/v1/t", EVENT, key="no", origin="https://x.com")
    assert refused.headers["access-control-allow-origin"] == "https://x.com"
    assert "access-control-allow-origin" not in api.post("/v1/t", EVENT).headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "post", "X"])
def test_nothing_can_be_read_or_removed_where_messages_are_taken(api, method):
    answer = api.call(method, "/v1/track", key=SERVER)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST, OPTIONS"


def test_a_quota_ends_with_429_and_whole_seconds_and_comes_back():
    now = [0.0]
    api = Api(given={"quotas": Quotas(lambda: now[0])})
    batch = {"batch": [{"type": "page"}] * 6}
    assert api.post("/v1/batch", batch, key=COUNTED).status == 200
    refused = api.post("/v1/batch", batch, key=COUNTED)
    assert (refused.status, refused.headers["retry-after"]) == (429, "12")
    assert len(api.log.entries) == 6
    now[0] = 12.0
    assert api.post("/v1/batch", batch, key=COUNTED).status == 200
    assert api.post("/v1/batch", batch).status == 200  # another key
    now[0] = 200.0
    assert api.post("/v1/batch", {"batch": [{"type": "page"}] * 50}, key=COUNTED).status == 200
    refused = api.post("/v1/track", EVENT, key=COUNTED)  # paid for afterwards
    assert (refused.status, refused.headers["retry-after"]) == (429, "246")


def test_events_that_are_too_large_count_as_several():
    api = Api(given={"quotas": Quotas(lambda: 0.0)})
    large = {"type": "track", "event": "x" * 300_000}
    assert api.post("/v1/batch", {"batch": [large]}, key=COUNTED).status == 200
    assert api.post("/v1/track", EVENT, key=COUNTED).status == 429


def test_sizes_are_bounded_before_and_after_unzipping(api):
    zeros = {"batch": [], "x": "0" * LARGEST_BATCH}
    for answer in (
        api.post("/v1/track", EVENT | {"event": "x" * 32_768}),
        api.post("/v1/track", EVENT | {"event": "x" * 99_000}),
        api.post("/v1/track", EVENT | {"event": "x" * 99_000}, content_encoding="gzip"),
        api.post("/v1/batch", zeros),
        api.post("/v1/batch", zeros, content_encoding="gzip"),
        api.post("/v1/batch", b"{}", content_length=str(LARGEST_BATCH + 1)),
        api.post("/v1/batch", {"batch": [{"type": "page"}] * (MOST_EVENTS + 1)}),
        api.post("/v1/batch", {"batch": [{"type": "page"}] * 2_000, "context": {"x": "x" * 3_000}}),
    ):
        assert answer.status == 413
    assert api.log.entries == []
    fitting = {"batch": [{"type": "page"}] * MOST_EVENTS, "x": "0" * (LARGEST_BATCH - 60_000)}
    assert api.post("/v1/batch", fitting).status == 200


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip"])
def test_other_codings_are_refused_with_415(api, coding):
    assert api.post("/v1/track", b"{}", content_encoding=coding).status == 415


def test_what_is_no_gzip_or_ends_early_is_refused_with_400(api):
    whole = gzip.compress(json.dumps(EVENT).encode())
    for raw in (b"{}", whole[:-4], whole + b"more", whole + whole):
        assert api.post("/v1/track", raw, content_encoding="gzip").status == 400


def test_a_gzip_bomb_never_unfolds():
    bomb = gzip.compress(b"0" * (64 * 2**20))
    tracemalloc.start()
    with pytest.raises(RefusedError, match="at most"):
        bodies.inflate(bomb, LARGEST_BATCH)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * LARGEST_BATCH


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationalError("database or disk is full"), "database"),
        (OperationalError("disk I/O error"), "database"),
        (BusyError("20000 entries wait to be written: try again in 3 s", 3), "busy"),
        (BadEntryError("no place in the log"), "bad_entry"),
    ],
)
def test_what_cannot_be_written_is_never_200(api, error, code):
    api.log.error = error
    answer = api.post("/v1/track", EVENT)
    assert answer.status == (400 if code == "bad_entry" else 503)
    assert answer.json["error"]["code"] == code
    expected = {"database": "2", "busy": "3", "bad_entry": None}
    assert answer.headers.get("retry-after") == expected[code]
    assert "disk" not in answer.json["error"]["message"]  # the machine is nobody's business
    api.log.error = None
    assert api.post("/v1/track", EVENT).status == 200


def test_bodies_under_way_are_bounded_together():
    api = Api(given={"held": Held(most=100)})
    assert api.post("/v1/track", EVENT | {"event": "x" * 200}).status == 503
    assert api.post("/v1/track", EVENT | {"event": "x" * 20}).status == 200
    assert api.app.held.n == 0


def test_a_body_that_does_not_come_is_not_waited_for():
    async def wait():
        app = Api(given={"patience": Patience(0.01)}).app
        never = asyncio.Event()
        sent = []
        scope = {"method": "POST", "path": "/v1/track", "query_string": b"", "headers": []}

        async def receive():
            await never.wait()

        async def send(message):
            sent.append(message)

        await asyncio.wait_for(app(scope, receive, send), 10)
        assert app.held.n == 0
        return sent[0]["status"]

    assert asyncio.run(wait()) == 408


@pytest.mark.parametrize("given", [{}, {"content_length": "5242880"}])
@pytest.mark.parametrize(("key", "status"), [(WRITE, 413), ("wk_other", 401)])
def test_who_is_refused_has_been_listened_to_and_nothing_was_kept(given, key, status):
    """Hung up on while it sends, a client would take it for trouble and try again for ever."""
    api = Api()
    reads = []

    async def run():
        parts = [b"x" * 2**20] * 5

        async def receive():
            reads.append(api.app.held.n)
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        sent = []

        async def send(message):
            sent.append(message)

        headers = [(b"x-write-key", key.encode())]
        headers += [(k.replace("_", "-").encode(), v.encode()) for k, v in given.items()]
        scope = {"method": "POST", "path": "/v1/track", "query_string": b"", "headers": headers}
        await api.app(scope, receive, send)
        return sent[0]["status"]

    assert asyncio.run(run()) == status
    assert len(reads) == 5
    assert max(reads) < 2**17


def test_a_task_that_ended_is_not_waited_for_any_more():
    async def run():
        patience = Patience()
        app = Api(given={"patience": patience}).app
        for body in (b"{}", b"x", b"x" * 2**20):
            await call(app, "POST", "/v1/track", body, key=WRITE)
        return patience._young | patience._old | patience._ended

    assert asyncio.run(run()) == set()


def test_who_hangs_up_gets_no_answer_and_leaves_nothing():
    async def hang_up():
        api = Api()
        parts = [
            {"type": "http.request", "body": b'{"a":', "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive():
            return parts.pop(0)

        async def send(_message):
            pytest.fail("nobody is there")

        scope = {"method": "POST", "path": "/v1/track", "query_string": b"", "headers": []}
        await api.app(scope, receive, send)
        assert api.app.held.n == 0
        assert api.log.entries == []

    asyncio.run(hang_up())


def test_settings_tell_a_library_to_send_where_it_asked(api):
    answer = api.call("GET", f"/v1/projects/{WRITE}/settings", host="127.0.0.1:9000")
    segment = answer.json["integrations"]["Segment.io"]
    assert segment["apiKey"] == WRITE
    assert (segment["apiHost"], segment["protocol"]) == ("127.0.0.1:9000/v1", "http")
    strange = api.call("GET", f"/v1/projects/{WRITE}/settings/", host="evil.example")
    assert strange.json["integrations"]["Segment.io"]["apiHost"] == "127.0.0.1:8000/v1"
    config = api.call("GET", f"/sourceConfig/?p=npm&v=3&writeKey={WRITE}").json
    assert config["source"]["writeKey"] == WRITE
    assert config["source"]["enabled"] is True
    assert api.call("GET", "/sourceConfig/", key=WRITE).status == 200
    assert api.call("HEAD", f"/v1/projects/{WRITE}/settings").body == b""


@pytest.mark.parametrize("key", ["", "wk_other", SERVER, "a/b"])
def test_settings_are_told_for_write_keys_only(api, key):
    assert api.call("GET", f"/v1/projects/{key}/settings").status in {401, 404}
    assert api.call("GET", f"/sourceConfig/?writeKey={key}").status == 401


def test_no_address_tells_with_any_key_what_is_in_the_log(api):
    """A write key can only append: no answer holds a word of what was told before."""
    api.post("/v1/identify", {"userId": "secret-7", "traits": {"email": "elif@example.com"}})
    for address in paths.ADDRESSES:
        for key in (WRITE, SERVER):
            for method in ("GET", "POST", "HEAD", "OPTIONS"):
                path = address.path.format(writeKey=key)
                answer = api.call(method, path, {"batch": [], "userId": "secret-7"}, key=key)
                assert b"secret-7" not in answer.body
                assert b"elif" not in answer.body


def test_a_revoked_key_ends_within_seconds_and_a_new_one_is_known():
    now, held = [10**15], {key.digest: key for key in KEYS}
    reads = []

    def good(at):
        reads.append(at)
        return dict(held)

    async def use() -> None:
        app = Api(given={"keys": Keyring(good, lambda: now[0])}).app

        async def status(key: str) -> int:
            answer = await call(app, "POST", "/v1/track", EVENT, key=key)
            await asyncio.gather(*(t for t in [app.keys._reading] if t))
            return answer.status

        assert await status(WRITE) == 200
        for _ in range(20):
            assert await status("wk_stranger") == 401
        assert len(reads) == 1
        del held[KEYS[0].digest]
        held.update({(new := good_key("wk_new")).digest: new})
        now[0] += 5_000_000
        assert await status(WRITE) == 401
        assert await status("wk_new") == 200
        assert len(reads) == 2

    asyncio.run(use())


def test_an_old_key_is_good_until_it_expires():
    now = [1_000_000]
    old = good_key("wk_old", expires_at=3_000_000)

    async def use() -> list[int]:
        ring = Keyring(lambda _at: {old.digest: old}, lambda: now[0])
        app = Api(given={"keys": ring}).app
        found = []
        for at in (1_000_000, 2_999_999, 3_000_000):
            now[0] = at
            found.append((await call(app, "POST", "/v1/track", EVENT, key="wk_old")).status)
        return found

    assert asyncio.run(use()) == [200, 200, 401]


def test_keys_that_cannot_be_read_are_503():
    def locked(_at: int) -> dict[str, GoodKey]:
        raise OperationalError("locked")

    api = Api(given={"keys": Keyring(locked)})
    assert api.post("/v1/track", EVENT).status == 503


def test_ten_thousand_names_and_years_far_away_are_taken_as_they_are(api):
    names = {"type": "track", "properties": {f"n{n}": 1 for n in range(10_000)}}
    far = {"type": "track", "timestamp": "9999-12-31T23:59:59Z", "sentAt": "x" * 5_000}
    huge = {"type": "track", "n": 10**400}
    assert api.post("/v1/batch", {"batch": [names, far, huge]}).status == 200
    assert "bytes" in api.log.bodies[0]["refused"]
    assert api.log.bodies[1]["sent_at"] is None


def test_reading_a_body_of_many_equal_names_takes_no_time(api):
    raw = b"{" + b",".join(b'"a":{"a":1}' for _ in range(2_700)) + b"}"
    began = time.process_time()
    assert api.post("/v1/track", raw).status == 200
    assert time.process_time() - began < 1
