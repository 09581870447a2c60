"""The database looks at tables that have grown, and joins what it has not looked at as a whole."""

from __future__ import annotations

import pytest
from django.db import connection

from pusula.lake import rows, statistics

COLUMNS = ("first_name", "last_name", "name_key", "created_at", "recorded_at")


def known_size():
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("select max(stat) from sqlite_stat1 where tbl = 'profiles_profile'")
            return int((cursor.fetchone()[0] or "0").split()[0])
        cursor.execute("select reltuples from pg_class where relname = 'profiles_profile'")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_a_table_that_has_grown_is_looked_at():
    people = (("Ada", "Kaya", f"ada kaya {i}", i, i) for i in range(20_000))
    rows.insert(connection, "profiles_profile", COLUMNS, people)
    statistics.refresh(connection)
    assert known_size() == pytest.approx(20_000, rel=0.2)


@pytest.mark.django_db
def test_a_table_that_was_empty_a_moment_ago_is_not_walked_along_for_each_row_of_another():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite goes by its indexes, whatever the size")
    join = "explain select 1 from profiles_trait t left join profiles_trait n on n.text = t.text"

    def plan():
        with connection.cursor() as cursor:
            cursor.execute(join)
            return " ".join(line for (line,) in cursor.fetchall())

    with connection.cursor() as cursor:
        cursor.execute("set local enable_hashjoin = off")
        cursor.execute("set local enable_mergejoin = off")
    assert "Nested Loop" in plan()
    with statistics.about_everybody(connection), connection.cursor() as cursor:
        cursor.execute("set local enable_hashjoin = on")
        assert "Hash" in plan()
        cursor.execute("set local enable_hashjoin = off")
    assert "Nested Loop" in plan()
