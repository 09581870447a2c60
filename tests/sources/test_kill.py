"""An import is killed with -9 anywhere: nothing of it is seen, and the next one finishes it."""

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

pytestmark = pytest.mark.django_db  # runs on PostgreSQL too, in a database of its own

ROOT = Path(__file__).resolve().parents[2]
N_ORDERS = 1_500
N_KILLS = 7
MAP = """
source = "shop"
[columns]
source_id = "no"
profile_key = "who"
email = "mail"
ordered_at = "at"
sku = "sku"
quantity = "n"
unit_price = "price"
[constants]
status = "completed"
"""


class Place:
    """A home folder with a database of its own, and eyes that look at it from outside."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.url = url
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PUSULA_")}
        self.environment = {
            **kept,
            "PUSULA_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "pusula.config.settings",
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        }
        if url:
            self.environment["PUSULA_DATABASE_URL"] = url

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            check=False, capture_output=True, text=True, env=self.environment, cwd=ROOT,
        )  # fmt: skip

    def pusula(self, *arguments: str) -> str:
        done = self.python("-m", "pusula.ops.main", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        connect: Callable[..., Any] = psycopg.connect if self.url else sqlite3.connect
        with connect(self.url or str(self.home / "pusula.db")) as connection:
            return list(connection.execute(sql).fetchall())

    def counts(self) -> dict[str, int]:
        tables = ("profiles_profile", "profiles_identifier", "orders_order", "orders_orderitem",
                  "orders_orderchange")  # fmt: skip
        return {table: self.ask(f"select count(*) from {table}")[0][0] for table in tables}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Return an empty installation on SQLite, or on PostgreSQL where the tests run on it."""
    url = os.environ.get("PUSULA_DATABASE_URL", "")
    if not url.startswith("postgres"):
        found = Place(tmp_path / "home", "")
        found.pusula("init")
        yield found
        return
    name = f"pusula_import_{uuid.uuid4().hex[:12]}"
    server = urlsplit(url)
    admin = server._replace(path="/postgres").geturl()
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    try:
        found = Place(tmp_path / "home", server._replace(path=f"/{name}").geturl())
        found.pusula("init")
        yield found
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def sales(tmp_path: Path) -> tuple[str, str, str]:
    """Return what to import: orders of three lines for a third as many people."""
    file, mapping = tmp_path / "sales.csv", tmp_path / "MAP.toml"
    lines = ["no,who,mail,at,sku,n,price"]
    for order in range(N_ORDERS):
        who = order % (N_ORDERS // 3)
        lines += [f"{order},{who},p{who}@example.com,2024-02-03 10:00,s{n},2,1.25" for n in "abc"]
    file.write_text("\n".join(lines))
    mapping.write_text(MAP)
    return "orders", str(file), str(mapping)


WHOLE = {
    "profiles_profile": N_ORDERS // 3,
    "profiles_identifier": N_ORDERS // 3 * 2,
    "orders_order": N_ORDERS,
    "orders_orderitem": N_ORDERS * 3,
    "orders_orderchange": N_ORDERS,
}


def test_a_killed_import_leaves_nothing_to_see_and_the_next_one_finishes_it(place, sales):
    script = str(Path(__file__).with_name("killed.py"))
    # A dry run neither begins (two statements) nor ends (the last) an import.
    last = int(place.python(script, *sales, "0").stdout) + 2
    dice = random.Random(20_260_914)  # noqa: S311 - a test's dice
    points = sorted({1, last, *dice.sample(range(2, last), N_KILLS - 2)})

    n_begun = 0
    for point in points:
        killed = place.python(script, *sales, str(point))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        n_begun += bool(place.ask("select id from sources_import where state = 'reading'"))
        assert not any(place.counts().values()), f"seen after a kill before statement {point}"

    report = json.loads(place.pusula("import", *sales[:2], "--map", sales[2], "--json"))
    assert (report["n_new"], report["n_rejected"]) == (N_ORDERS, 0)
    assert place.counts() == WHOLE
    states = place.ask("select state, count(*) from sources_import group by state order by state")
    assert n_begun > N_KILLS / 2
    assert states == [("done", 1), ("failed", n_begun)]
    assert not list((place.home / "imports").glob("*.spool"))

    again = json.loads(place.pusula("import", *sales[:2], "--map", sales[2], "--json"))
    assert (again["n_new"], again["n_changed"], again["n_same"]) == (0, 0, N_ORDERS)
    assert place.counts() == WHOLE


def test_the_command_names_a_bad_file_in_one_sentence_and_fails(place, sales, tmp_path):
    empty = tmp_path / "empty.csv"
    empty.touch()
    done = place.python("-m", "pusula.ops.main", "import", "orders", str(empty), "--map", sales[2])
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("pusula: empty.csv: ")
    assert len(done.stderr.splitlines()) == 1
