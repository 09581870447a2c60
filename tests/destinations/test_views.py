"""The views say what the files say, live, and stand in nobody's way."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from django.db import connection, models

from pusula.config import home as folder
from pusula.config.commands import init
from pusula.destinations.bi import actions, catalog, queries, views
from pusula.orders.models import Order

pytestmark = pytest.mark.django_db


def plain(value):
    """Return what a driver gives as what a file holds; SQLite has no times and no decimals."""
    match value:
        case Decimal() | float():
            return round(float(value), 3)
        case dt.datetime():
            told = value.astimezone(dt.UTC) if value.tzinfo else value
            return told.replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
        case dt.date():
            return value.isoformat()
        case bool():
            return int(value)
        case _:
            return value


def test_views_hold_the_same_rows_as_the_files(written):
    views.install(at=1)
    assert views.installed() == [f"bi_{name}" for name in catalog.NAMES]
    for table in catalog.tables():
        file = pq.read_table(written / f"{table.name}.parquet")
        counted = [column.name for column in table.columns if column.counted]
        file = file.drop_columns(counted)
        with connection.cursor() as cursor:
            cursor.execute(f"select * from bi_{table.name}")
            assert [column[0] for column in cursor.description] == file.column_names
            seen = sorted(repr([plain(v) for v in row]) for row in cursor.fetchall())
        told = zip(*(column.to_pylist() for column in file.columns), strict=True)
        assert seen == sorted(repr([plain(v) for v in row]) for row in told), table.name


def test_a_view_is_as_of_now(company):
    views.install(at=1)
    Order.objects.filter(profile=company.elif_).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "select n_orders from bi_master_table where profile_id = %s", [company.elif_.pk]
        )
        assert cursor.fetchone() == (0,)


def test_who_could_read_the_views_still_can_when_they_are_made_anew(company):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no roles")
    with connection.cursor() as cursor:
        cursor.execute("create role analyst_of_a_test")
        views.install(at=1)
        cursor.execute("grant select on bi_orders to analyst_of_a_test")
        views.stand_aside()
        views.stand_again(at=2)
        cursor.execute("set local role analyst_of_a_test")
        cursor.execute("select count(*) from bi_orders")
        assert cursor.fetchone() == (_n_orders(cursor),)
        with pytest.raises(Exception, match="permission denied"):
            cursor.execute("select count(*) from orders_order")


def _n_orders(cursor):
    cursor.execute("reset role")
    n = Order.objects.count()
    cursor.execute("set local role analyst_of_a_test")
    return n


def test_dropped_views_do_not_come_back(company):
    views.install(at=1)
    assert views.drop() == len(catalog.NAMES)
    assert views.installed() == []
    views.stand_again(at=2)
    assert views.installed() == []
    assert queries.chosen().views_at is None


def test_names_and_addresses_go_out_of_the_views_with_the_next_making(company):
    actions.choose(with_identifiers=True)
    views.install(at=1)
    assert "email" in _columns()
    actions.choose(with_identifiers=False)
    views.install(at=2)
    assert "email" not in _columns()


def _columns():
    with connection.cursor() as cursor:
        cursor.execute("select * from bi_master_table limit 1")
        return {column[0] for column in cursor.description}


@pytest.mark.django_db(transaction=True, databases=["default", "log"])
def test_tables_can_be_changed_though_views_read_them(company, home):
    views.install(at=1)
    folder.create(home)
    column = Order._meta.get_field("region")
    told = CliRunner().invoke(init, [])
    assert told.exit_code == 0, told.output
    assert len(views.installed()) == len(catalog.NAMES)
    longer = models.CharField(max_length=121, blank=True)
    longer.set_attributes_from_name("region")
    longer.model = Order
    views.stand_aside()
    change(column, longer)
    change(longer, column)
    views.stand_again(at=2)
    assert len(views.installed()) == len(catalog.NAMES)
    views.drop()


def change(old, new):
    with connection.schema_editor() as editor:  # SQLite makes the table anew
        editor.alter_field(Order, old, new)
