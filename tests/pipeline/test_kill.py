"""The step killed after each of its statements, and the live process with -9: no harm is done."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection, connections, transaction
from tests.pipeline.company import BIG_BASKET, NOW, SEARCHED, TITLE, event, order, told

from pusula.lib import clock
from pusula.pipeline import live
from pusula.pipeline.appender import Entry

ROOT = Path(__file__).resolve().parents[2]

# What the main database holds, without numbers that only count rows.
STATE = {
    "people": "select kind, value, profile_id from profiles_identifier",
    "events": "select profile_id, name, at, recorded_at, dedupe_key, properties from events_event",
    "orders": "select source_id, profile_id, status, net_minor, recorded_at from orders_order",
    "changes": "select o.source_id, c.changed_at, c.status, c.net_base_minor"
    " from orders_orderchange c join orders_order o on o.id = c.order_id",
    "traits": "select profile_id, name, text, number, updated_at from profiles_trait",
    "consents": "select profile_id, channel, status, decided_at from consent_consent",
    "ledger": "select profile_id, status, decided_at, dedupe_key from consent_consententry",
    "memberships": "select segment_id, profile_id, version_id, entered_at, left_at, cause"
    " from segments_membership",
    "moves": "select s.segment_id, s.profile_id, m.is_entry, m.cause"
    " from segments_move m join segments_membership s on s.id = m.membership_id",
    "sizes": "select id, n_members from segments_segment",
    "due": "select profile_id, due_at, evaluated_at from segments_due",
    "offset": "select consumer, entry_id, at from pipeline_offset",
    "quarantine": "select entry_id, kind, reason, n_tries from pipeline_quarantine",
}


def state() -> dict[str, list[Any]]:
    found = {}
    with connection.cursor() as cursor:
        for name, sql in STATE.items():
            cursor.execute(sql)
            found[name] = sorted(map(repr, cursor.fetchall()))
    return found


class Killed(BaseException):
    """Stands for kill -9: nothing in the program may catch it."""


class Killer:
    """Lets ``n`` statements through and none behind them; counts those that came."""

    def __init__(self, n: int) -> None:
        self.n_left = n
        self.n_seen = 0

    def __call__(self, execute: Callable[..., Any], sql: str, *given: Any) -> Any:
        self.n_seen += 1
        result = execute(sql, *given)
        self.n_left -= 1
        if self.n_left < 0:
            raise Killed(sql)
        return result


def a_bit_of_everything() -> None:
    trait = {"key": "7", "email": "elif@example.com", "traits": {"tier": "gold", "age": 41}}
    decision = {"email": "elif@example.com", "channel": "email", "purpose": "marketing"}
    told(
        Entry("trait", "crm", "crm:1", json.dumps(trait)),
        event(11, "elif@example.com", at=NOW - 5),
        event(12, "elif@example.com", at=NOW - 4),
        event(13, "known@example.com", at=NOW - 4),
        Entry("event", "web", "web:bad", "{"),
        order(11, "elif@example.com", 700_00, NOW - clock.DAY),
        order(12, "elif@example.com", 900_00, NOW - clock.DAY, status="confirmed"),
        order(10, "known@example.com", 1_00, NOW - clock.DAY),
        order(12, "elif@example.com", 900_00, NOW - clock.DAY, status="cancelled"),
        Entry("consent", "web", "web:c", json.dumps({**decision, "status": "refused"})),
    )


@pytest.mark.django_db(databases=["default", "log"])
def test_a_step_killed_after_each_statement_and_run_again_is_as_if_undisturbed(company):
    told(
        event(1, "known@example.com", at=NOW - 7 * clock.DAY + 3 * clock.HOUR),
        event(2, "known@example.com", at=NOW - 1),
        order(10, "known@example.com", 3000_00, NOW - clock.DAY),
    )
    live.step(at=NOW)
    assert len(company("searched")) == len(company("big-basket")) == 1
    a_bit_of_everything()
    before, at = state(), NOW + 4 * clock.HOUR  # somebody is due by then
    ids = settled_sequences()
    with transaction.atomic():
        watch = Killer(10**6)
        with connection.execute_wrapper(watch), connections["log"].execute_wrapper(watch):
            stepped = live.step(at=at)
        undisturbed = state()
        transaction.set_rollback(True)
    assert stepped.n_due == stepped.n_quarantined == 1
    assert (stepped.moves.n_entered, stepped.moves.n_left) == (3, 2)
    assert watch.n_seen > 40
    for n in range(watch.n_seen):
        killer = Killer(n)
        with transaction.atomic():
            reset_sequences(ids)
            with (
                pytest.raises(Killed),
                connection.execute_wrapper(killer),
                connections["log"].execute_wrapper(killer),
            ):
                live.step(at=at)
            is_committed = n == watch.n_seen - 1  # the last statement ends the transaction
            assert state() == (undisturbed if is_committed else before), f"killed after {n + 1}"
            reset_sequences(ids)
            live.step(at=at)
            assert state() == undisturbed, f"run again after {n + 1}"
            transaction.set_rollback(True)
    reset_sequences(ids)
    live.step(at=at)
    assert state() == undisturbed
    assert live.step(at=at + 1).n_entries == 0


def settled_sequences() -> int:
    """Return where PostgreSQL's number of profiles stands: a rollback does not turn it back."""
    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("select last_value from profiles_profile_id_seq")
        return int(cursor.fetchone()[0])


def reset_sequences(last: int) -> None:
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("select setval('profiles_profile_id_seq', %s)", [last])


# Applies the definitions of a folder and shows their members, which are nobody yet.
SHOW = """
import pathlib, sys, django
django.setup()
from pusula.lib import clock
from pusula.segments import actions, catalog
from pusula.segments.everybody import rebuild
actions.apply(catalog.read_folder(pathlib.Path(sys.argv[1])))
rebuild.everybody(at=clock.now())
"""


class Home:
    """A home folder with databases of its own, and eyes that look at them from outside."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PUSULA_")}
        self.environment = {
            **kept,
            "PUSULA_HOME": str(folder),
            "DJANGO_SETTINGS_MODULE": "pusula.config.settings",
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        }
        if url:
            self.environment["PUSULA_DATABASE_URL"] = url

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments], env=self.environment, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str, told: str = "") -> str:
        process = self.start("-m", "pusula.ops.main", *arguments)
        out, error = process.communicate(told, timeout=120)
        assert process.returncode == 0, error
        return out

    def ask(self, sql: str, *, of_log: bool = False) -> list[Any]:
        if self.url:
            with psycopg.connect(self.url) as database:
                return sorted(map(tuple, database.execute(sql).fetchall()))
        file = sqlite3.connect(self.folder / ("log.db" if of_log else "pusula.db"))
        try:
            return sorted(file.execute(sql).fetchall())
        finally:
            file.close()

    def facts(self) -> dict[str, list[Any]]:
        """Return what does not depend on when, and in how many steps, it was found."""
        person = "join profiles_identifier i on i.profile_id = x.profile_id and i.kind = 'email'"
        return {
            "events": self.ask(f"select i.value, x.dedupe_key, x.at from events_event x {person}"),
            "orders": self.ask(
                f"select i.value, x.source_id, x.status, x.net_minor from orders_order x {person}"
            ),
            "members": self.ask(
                "select i.value, s.key from segments_membership x"
                f" join segments_segment s on s.id = x.segment_id {person} where left_at is null"
            ),
            "sizes": self.ask("select key, n_members from segments_segment"),
            "offset": self.ask("select entry_id from pipeline_offset"),
            "aside": self.ask("select entry_id from pipeline_quarantine"),
        }


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Callable[[str], Home]]:
    """Return a maker of empty installations on SQLite, or on PostgreSQL where the tests run."""
    url = os.environ.get("PUSULA_DATABASE_URL", "")
    names = []

    def make(name: str) -> Home:
        own = ""
        if url.startswith("postgres"):
            names.append(f"pusula_live_{uuid.uuid4().hex[:12]}")
            server = urlsplit(url)
            with psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True) as a:
                a.execute(f'create database "{names[-1]}"')
            own = server._replace(path=f"/{names[-1]}").geturl()
        home = Home(tmp_path / name, own)
        home.run("init")
        definitions = tmp_path / f"{name}-segments"
        definitions.mkdir()
        for key, where in {"searched": SEARCHED, "big-basket": BIG_BASKET}.items():
            text = json.dumps({"segment": key, "title": TITLE, "where": where})
            (definitions / f"{key}.yaml").write_text(text, encoding="utf-8")
        home.start("-c", SHOW, str(definitions)).communicate(timeout=60)
        return home

    yield make
    for name in names:
        with psycopg.connect(
            urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True
        ) as a:
            a.execute(f'drop database "{name}" with (force)')


def lines(seed: int, n: int) -> list[str]:
    """Return what a client tells the log: events and orders of a few people, some of it poison."""
    rng = random.Random(seed)  # noqa: S311 - the same every time
    now = clock.now()
    found = []
    for number in range(n):
        email = f"guest{rng.randrange(12)}@example.com"
        one: dict[str, Any] = {"id": number, "email": email, "at": now - rng.randrange(clock.DAY)}
        kind = rng.random()
        if kind < 0.6:
            one |= {"name": "Hotel Searched", "properties": {"nights": rng.randrange(9)}}
        elif kind < 0.98:
            one |= {
                "kind": "order", "source_id": str(rng.randrange(n // 4)), "status": "completed",
                "ordered_at": now - clock.DAY, "net_minor": rng.randrange(1_00, 900_00),
            }  # fmt: skip
        found.append(json.dumps(one))
    return found


@pytest.mark.django_db
def test_a_live_process_killed_with_9_while_a_client_appends_ends_as_if_undisturbed(homes):
    home, twin = homes("killed"), homes("twin")
    rng = random.Random(5)  # noqa: S311 - the same every time
    parts = [lines(seed, 60) for seed in range(4)]
    every = [line.replace('"id": ', f'"id": "{k}-').replace(', "email"', '", "email"', 1)
             for k, part in enumerate(parts) for line in part]  # fmt: skip
    acked = set()
    for start in range(0, len(every), 60):
        process = home.start("-m", "pusula.ops.main", "live")
        part = every[start : start + 60]
        file = home.folder / "told.jsonl"
        file.write_text("\n".join(part), encoding="utf-8")
        client = home.start(
            "-m", "pusula.ops.main", "events", "append", str(file), "--source", "web"
        )
        # The process is killed while the client appends, or while it steps: whichever comes.
        if rng.random() < 0.5:
            client.wait(60)
            wait_for_some_steps(home, rng.randrange(60))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        _out, error = client.communicate(timeout=60)
        assert client.returncode == 0, error
        acked |= {f"web:{json.loads(line)['id']}" for line in part}
    held = {row[0] for row in home.ask("select message_id from pipeline_logentry", of_log=True)}
    assert acked <= held
    home.run("live", "--once")
    twin.run("events", "append", "-", "--source", "web", told="\n".join(every))
    twin.run("live", "--once")
    facts = home.facts()
    assert facts == twin.facts()
    assert facts["offset"] == [(len(every),)]
    assert facts["members"]
    assert facts["aside"]


def wait_for_some_steps(home: Home, n: int) -> None:
    """Wait until the process has read ``n`` entries more, or a while."""
    first = offset(home)
    for _look in range(200):
        if offset(home) >= first + n:
            return


def offset(home: Home) -> int:
    rows = home.ask("select entry_id from pipeline_offset")
    return int(rows[0][0]) if rows else 0
