"""The log: ids in the order of commits, each message once, no answer before the commit."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from tests.pipeline.company import event, told

from pusula.pipeline import appender, queries
from pusula.pipeline.appender import Appended, Appender, BusyError, Entry
from pusula.pipeline.models import LogEntry, LogHead

pytestmark = pytest.mark.django_db(databases=["default", "log"])
WITH_COMMITS = pytest.mark.django_db(databases=["default", "log"], transaction=True)


def entry(number, source="web"):
    return Entry("event", source, f"{source}:{number}", json.dumps({"n": number}))


def ids():
    return list(LogEntry.objects.order_by("id").values_list("id", flat=True))


def test_entries_are_counted_from_one_without_gaps():
    assert told(entry(1), entry(2)) == Appended(1, 2, 2, 0)
    assert told(entry(3)) == Appended(3, 3, 1, 0)
    assert ids() == [1, 2, 3]
    assert queries.head() == 3


def test_a_message_is_written_once_within_a_batch_and_for_ever():
    assert told(entry(1), entry(1), entry(2)) == Appended(1, 2, 2, 1)
    assert told(entry(2), entry(1)) == Appended(None, None, 0, 2)
    assert told(entry(1, "shop")) == Appended(3, 3, 1, 0)
    assert queries.head() == 3


@pytest.mark.parametrize("is_looked_for", [True, False])
def test_known_messages_are_found_by_looking_and_by_running_into_them(is_looked_for, monkeypatch):
    doubt = appender._Doubt()
    monkeypatch.setattr(appender, "_doubt", doubt)
    looked = []
    known = appender._known
    monkeypatch.setattr(appender, "_known", lambda told: looked.append(len(told)) or known(told))
    told(entry(1), entry(2))
    assert looked == []  # nothing was known: nobody looks
    if is_looked_for:
        doubt.begin()
    assert told(entry(3), entry(2), entry(3), entry(4), entry(1)) == Appended(3, 4, 2, 3)
    assert looked == [5]
    assert told(entry(5), entry(4)) == Appended(5, 5, 1, 1)
    assert looked == [5, 2]  # once one was known the next ones are looked for
    monkeypatch.setattr(appender, "_DOUBTED", 3)
    doubt.begin()
    looked.clear()
    for number in range(10, 20):
        told(entry(number))
    assert looked == [1] * 3  # until nothing was known for a while
    assert queries.head() == len(ids()) == 15


def test_many_entries_go_in_groups(monkeypatch):
    monkeypatch.setattr(appender, "GROUP", 4)
    assert appender.append([entry(n) for n in range(10)]) == Appended(1, 10, 10, 0)


def test_an_append_that_fails_leaves_no_gap(monkeypatch):
    told(entry(1))
    with monkeypatch.context() as patch:
        patch.setattr(appender, "_insert", lambda *_given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            told(entry(2), entry(3))
    assert queries.head() == 1
    assert told(entry(4)) == Appended(2, 2, 1, 0)


def test_recorded_times_follow_the_ids():
    told(entry(1), entry(2))
    told(entry(3))
    times = list(LogEntry.objects.order_by("id").values_list("recorded_at", flat=True))
    assert times == sorted(times)


@WITH_COMMITS
def test_an_append_is_never_part_of_another_transaction():
    with (
        pytest.raises(RuntimeError, match="durable"),
        transaction.atomic(using="log"),
    ):
        told(entry(1))


@WITH_COMMITS
def test_an_appender_writes_what_waits_together_and_answers_each_alone(monkeypatch):
    groups = []
    write = appender._append
    began, go_on = threading.Event(), threading.Event()

    def watch(entries):
        groups.append(len(entries))
        began.set()
        go_on.wait(10)
        return write(entries)

    monkeypatch.setattr(appender, "_append", watch)
    log = Appender()
    first = log.submit([entry(1)])
    began.wait(10)
    later = [log.submit([entry(n), entry(1)]) for n in (2, 3, 3)]
    go_on.set()
    log.close()
    assert first.result(10) == Appended(1, 1, 1, 0)
    assert [one.result(10) for one in later] == [
        Appended(2, 2, 1, 1), Appended(3, 3, 1, 1), Appended(None, None, 0, 2),
    ]  # fmt: skip
    assert groups == [1, 6]


@WITH_COMMITS
def test_one_callers_bad_luck_is_not_that_of_the_others(monkeypatch):
    write = appender._write

    def refuse(entries):
        if any(one.source == "bad" for one in entries):
            raise DatabaseError("no")
        return write(entries)

    monkeypatch.setattr(appender, "_write", refuse)
    log = Appender()
    with log._turn:  # nothing is taken before all three are in line
        futures = [log.submit([one]) for one in (entry(1), entry(2, "bad"), entry(3))]
    log.close()
    assert [one.exception() is None for one in futures] == [True, False, True]
    assert ids() == [1, 2]


@WITH_COMMITS
def test_a_full_line_says_when_to_come_again_and_takes_nothing(monkeypatch):
    write, began, go_on = appender._append, threading.Event(), threading.Event()

    def hold(entries):
        began.set()
        return go_on.wait(10) and write(entries)

    monkeypatch.setattr(appender, "_append", hold)
    log = Appender(max_waiting=10)
    taken = [log.submit([entry(0)])]
    assert began.wait(10)  # or the writer may still take with it what is to wait
    for number in range(1, 12):  # one is under way, ten wait
        with suppress(BusyError):
            taken.append(log.submit([entry(number)]))
    with pytest.raises(BusyError, match="try again in 1 s") as busy:
        log.submit([entry(12)])
    assert busy.value.status == 503
    go_on.set()
    log.close()
    assert sum(one.result(10).n_new for one in taken) == len(ids()) == len(taken)
    with pytest.raises(BusyError):
        log.submit([entry(99)])


@pytest.fixture
def postgres():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer; the tests' database in memory cannot wait for it")


def in_threads(work, n):
    """Run ``work(k)`` in ``n`` threads that begin together; return what they returned."""
    start = threading.Barrier(n)

    def run(k):
        start.wait()
        try:
            return work(k)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(n) as pool:
        return [done.result() for done in [pool.submit(run, k) for k in range(n)]]


@WITH_COMMITS
def test_twins_that_come_at_once_are_written_once(postgres):
    batch = [entry(n) for n in range(20)]
    done = in_threads(lambda _k: appender.append(batch), 8)
    assert sum(one.n_new for one in done) == 20
    assert ids() == list(range(1, 21))
    assert LogHead.objects.get().n == 20


@WITH_COMMITS
def test_eight_writers_lose_nothing_for_a_reader_that_follows(postgres):
    """The reader sees each entry once, in the order of ids, while eight writers append."""
    n_writers, n_batches = 8, 30
    writing = threading.Event()
    writing.set()
    seen = []

    def read():
        cursor = 0
        try:
            while True:
                was_writing = writing.is_set()
                found = queries.entries_from(cursor + 1, 50)
                seen.extend(one.id for one in found)
                if found:
                    cursor = found[-1].id
                elif not was_writing:
                    return
        finally:
            connections.close_all()

    def write(k):
        for batch in range(n_batches):
            size = 1 + (k + batch) % 7
            appender.append([event(f"{k}-{batch}-{n}", "x@example.com") for n in range(size)])

    reader = threading.Thread(target=read)
    reader.start()
    in_threads(write, n_writers)
    writing.clear()
    reader.join()
    assert seen == ids() == list(range(1, len(seen) + 1))
    assert len(seen) > n_writers * n_batches


@WITH_COMMITS
def test_a_sequence_in_place_of_the_counter_would_lose_entries(postgres):
    """Why the ids are counted in a row: numbers of a sequence are handed out before the commit."""
    url = connection.get_connection_params()
    del url["cursor_factory"]
    url.pop("context", None)
    with psycopg.connect(**url, autocommit=True) as admin:
        admin.execute("create table naive (id bigserial primary key)")
        try:
            with psycopg.connect(**url) as slow, psycopg.connect(**url) as fast:
                slow.execute("insert into naive default values")
                fast.execute("insert into naive default values")
                fast.commit()
                cursor = admin.execute("select max(id) from naive").fetchone()[0]
                slow.commit()
            late = admin.execute("select id from naive where id > %s", [cursor]).fetchall()
            assert late == []  # a reader that follows ids never hears of the first row
            assert admin.execute("select count(*) from naive").fetchone() == (2,)
        finally:
            admin.execute("drop table naive")


@WITH_COMMITS
def test_a_slow_writer_holds_the_numbers_behind_it_back(postgres):
    """The same race through the appender: the second gets its number when the first commits."""
    order = []
    slow_has_the_head = threading.Event()
    insert = appender._insert

    def slowly(*given):
        if threading.current_thread().name == "slow":
            slow_has_the_head.set()
            time.sleep(0.2)
        insert(*given)

    appender._insert = slowly
    try:

        def append(number):
            try:
                done = appender.append([entry(number)])
                order.append((number, done.first))
            finally:
                connections.close_all()

        first = threading.Thread(target=append, args=(1,), name="slow")
        first.start()
        slow_has_the_head.wait(10)
        append(2)
        first.join()
    finally:
        appender._insert = insert
    assert sorted(order) == [(1, 1), (2, 2)]  # who hears of it first is for the threads to settle


@WITH_COMMITS
def test_who_gives_up_waiting_does_not_stop_the_log(monkeypatch):
    """A client that hangs up cancels its future; the writer must live on for all the others."""
    write, began, go_on = appender._append, threading.Event(), threading.Event()

    def slowly(entries):
        began.set()
        go_on.wait(10)
        return write(entries)

    monkeypatch.setattr(appender, "_append", slowly)
    log = Appender()
    under_way = log.submit([entry(1)])
    began.wait(10)
    waiting = log.submit([entry(2)])
    assert not under_way.cancel()
    assert waiting.cancel()
    go_on.set()
    assert log.submit([entry(3)]).result(10).n_new == 1
    log.close()
    assert list(LogEntry.objects.order_by("id").values_list("message_id", flat=True)) == [
        "web:1", "web:3",
    ]  # fmt: skip


@WITH_COMMITS
def test_a_database_in_trouble_is_asked_once_for_all_who_wait(monkeypatch):
    tries = []

    def locked(entries):
        tries.append(len(entries))
        raise OperationalError("database is locked")

    monkeypatch.setattr(appender, "_append", locked)
    log = Appender()
    with log._turn:
        futures = [log.submit([entry(n)]) for n in range(5)]
    log.close()
    assert all(isinstance(one.exception(), OperationalError) for one in futures)
    assert tries == [5]


@WITH_COMMITS
def test_the_line_is_bounded_by_its_size_too(monkeypatch):
    write, began, go_on = appender._append, threading.Event(), threading.Event()
    monkeypatch.setattr(appender, "_append", lambda e: (began.set(), go_on.wait(10)) and write(e))
    log = Appender(max_size=1_000)
    log.submit([entry(1)])
    began.wait(10)
    large = Entry("event", "web", "web:2", "x" * 900)
    log.submit([large])
    with pytest.raises(BusyError):
        log.submit([Entry("event", "web", "web:3", "x" * 900)])
    go_on.set()
    log.close()
    assert ids() == [1, 2]
