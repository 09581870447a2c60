"""From the requests of an event loop to the log: one hand-over for many, each answered alone."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from django.db import DatabaseError, OperationalError, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.intake import KEYS, SERVER, WRITE, Api, call, good_key
from tests.pipeline.company import told

from pusula.api.intake.line import Line
from pusula.pipeline import appender
from pusula.pipeline.appender import Appender, BusyError, Entry
from pusula.pipeline.models import LogEntry

WITH_COMMITS = pytest.mark.django_db(databases=["default", "log"], transaction=True)


def event(number):
    return {"event": "Hotel Searched", "messageId": str(number)}


def entry(number, source="web"):
    return Entry("message", source, f"{source}:{number}", json.dumps({"n": number}))


def in_the_log():
    return list(LogEntry.objects.order_by("id").values_list("message_id", flat=True))


@pytest.fixture
def log():
    log = Appender()
    yield log
    log.close()


@pytest.fixture
def api(log):
    return Api(given={"line": Line(lambda: log)})


def at_once(api, *bodies):
    """Send all ``bodies`` in one turn of the event loop; return the statuses."""

    async def run():
        calls = [call(api.app, "POST", "/v1/track", body, key=WRITE) for body in bodies]
        return [answer.status for answer in await asyncio.gather(*calls)]

    return asyncio.run(run())


@WITH_COMMITS
def test_requests_that_come_together_are_committed_together(api, monkeypatch):
    groups = []
    write = appender._append
    monkeypatch.setattr(appender, "_append", lambda e: groups.append(len(e)) or write(e))
    assert at_once(api, *map(event, range(30))) == [200] * 30
    assert sorted(in_the_log()) == sorted(f"web:{n}" for n in range(30))
    assert len(groups) <= 3
    assert at_once(api, event(1), event(2)) == [200, 200]  # told again
    assert len(in_the_log()) == 30


@WITH_COMMITS
def test_whoever_has_the_write_key_cannot_use_up_the_ids_of_a_server(log):
    server = good_key(SERVER, source="web", may_set_all=True)
    api = Api(held=[KEYS[0], server], given={"line": Line(lambda: log)})
    body = {"event": "Order Completed", "messageId": "order-1"}
    for own_id in ("order-1", "/server:order-1", "server:order-1", ":order-1"):
        api.post("/v1/track", body | {"messageId": own_id}, key=WRITE)
    assert len(in_the_log()) == 4
    for _again in range(2):
        assert api.post("/v1/track", body, key=SERVER).status == 200
    api.post("/v1/track", body, key=WRITE)
    trusted = [json.loads(one.body)["trusted"] for one in LogEntry.objects.order_by("id")]
    assert trusted == [False] * 4 + [True]
    # Those of write keys are called as they always were: what is known stays known.
    assert in_the_log()[0] == "web:order-1"


@WITH_COMMITS
def test_nobody_is_answered_before_the_commit(api, monkeypatch):
    write, go_on = appender._append, threading.Event()
    monkeypatch.setattr(appender, "_append", lambda e: go_on.wait(10) and write(e))

    async def run():
        one = asyncio.ensure_future(call(api.app, "POST", "/v1/track", event(1), key=WRITE))
        for _turn in range(50):
            await asyncio.sleep(0.001)
            assert not one.done()
        go_on.set()
        return (await one).status

    assert asyncio.run(run()) == 200


@WITH_COMMITS
@pytest.mark.parametrize("words", ["disk I/O error", "database or disk is full"])
def test_a_commit_that_fails_is_503_for_all_of_them_and_leaves_nothing(api, monkeypatch, words):
    at_once(api, event(0))

    with monkeypatch.context() as patch:
        patch.setattr(appender.transaction.Atomic, "__exit__", fail_after_rollback(words))
        assert at_once(api, event(1), event(2)) == [503, 503]
    assert at_once(api, event(2), event(3)) == [200, 200]
    assert in_the_log() == ["web:0", "web:2", "web:3"]


def fail_after_rollback(words):
    leave = appender.transaction.Atomic.__exit__

    def exit_(self, *_error):
        error = OperationalError(words)
        leave(self, OperationalError, error, None)
        raise error

    return exit_


@WITH_COMMITS
def test_what_one_request_brought_does_not_cost_the_others(api, monkeypatch):
    write = appender._write

    def refuse(entries):
        if any(one.message_id == "web:3" for one in entries):
            raise DatabaseError("no")
        return write(entries)

    monkeypatch.setattr(appender, "_write", refuse)
    assert at_once(api, *map(event, range(6))) == [200, 200, 200, 503, 200, 200]
    assert sorted(in_the_log()) == ["web:0", "web:1", "web:2", "web:4", "web:5"]


@WITH_COMMITS
def test_a_full_line_is_503_and_takes_nothing(api, monkeypatch):
    monkeypatch.setattr("pusula.api.intake.line.MOST_WAITING", 3)
    statuses = at_once(api, *map(event, range(9)))
    assert sorted(set(statuses)) == [200, 503]
    assert len(in_the_log()) == statuses.count(200)


@WITH_COMMITS
def test_a_closed_log_is_503(api, log):
    log.close()
    assert at_once(api, event(1), event(2)) == [503, 503]


def test_who_hangs_up_while_waiting_does_not_stop_the_line():
    began, go_on = threading.Event(), threading.Event()

    class Slow(Appender):
        def _write(self, group):
            began.set()
            go_on.wait(10)
            for waiting in group:
                waiting.future.set_result(None)

    async def run():
        line = Line(Slow)
        first = asyncio.ensure_future(line.append([entry(1)]))
        await asyncio.to_thread(began.wait, 10)
        second = asyncio.ensure_future(line.append([entry(2)]))
        third = asyncio.ensure_future(line.append([entry(3)]))
        await asyncio.sleep(0)
        second.cancel()
        go_on.set()
        await first
        await third
        line._appender.close()

    asyncio.run(run())
    connections["log"].close()


def test_a_busy_appender_is_said_to_all_who_came_with_it():
    class Busy:
        def submit(self, _entries):
            raise BusyError("later")

    async def run():
        line = Line(Busy)
        return await asyncio.gather(
            line.append([entry(1)]), line.append([entry(2)]), return_exceptions=True
        )

    assert [type(one) for one in asyncio.run(run())] == [BusyError, BusyError]


texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))


@pytest.mark.django_db(databases=["default", "log"])
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(texts, st.none() | st.integers(-(2**63), 2**63 - 1)), max_size=5))
def test_a_body_is_in_the_log_as_it_was_told(bodies):
    LogEntry.objects.all().delete()
    told(*(Entry("message", "web", f"web:{n}", b, at) for n, (b, at) in enumerate(bodies)))
    held = LogEntry.objects.order_by("id").values_list("body", "occurred_at")
    assert list(held) == bodies


@pytest.mark.django_db(databases=["default", "log"])
def test_large_bodies_go_in_several_statements(monkeypatch):
    monkeypatch.setattr(appender, "_STATEMENT", 100)
    told(*(Entry("message", "web", f"web:{n}", "x" * (n * 10)) for n in range(30)))
    sizes = [len(body) for body in LogEntry.objects.order_by("id").values_list("body", flat=True)]
    assert sizes == [n * 10 for n in range(30)]
