"""The database looks at tables that have grown before everybody is evaluated."""

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
