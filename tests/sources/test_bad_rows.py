"""Bad rows: each named with line, column, value and reason; the good ones around them load."""

from __future__ import annotations

import pytest

from pusula.lib.spreadsheets import guarded
from pusula.orders.models import Order, OrderChange, OrderItem
from pusula.profiles.models import Identifier, Profile
from pusula.sources.errors import MappingError
from pusula.sources.models import Import

pytestmark = pytest.mark.django_db

MAP = """
source = "pms"
[file]
separator = ";"
[columns]
source_id = "no"
profile_key = "guest"
email = "mail"
phone = "tel"
status = "state"
ordered_at = "made"
starts_on = "from"
ends_on = "to"
net_amount = "net"
currency = "cur"
channel = "via"
[rates]
EUR = 40
"""
HEADER = "no;guest;mail;tel;state;made;from;to;net;cur;via"
GOOD = "1;10;;;completed;2024-01-05;2024-02-01;2024-02-03;100.00;TRY;web"
BAD = {
    "30.02.2024 is no day": ("made", "30.02.2024", "not a date"),
    "negative price": ("net", "-5", "a negative amount"),
    "no number": ("net", "bin lira", "not a number"),
    "too much money": ("net", "99999999999999", "larger than any amount"),
    "no amount": ("net", "", "is empty"),
    "unknown currency": ("cur", "DOGE", "unknown currency"),
    "currency without a rate": ("cur", "USD", "no exchange rate for USD"),
    "unknown status": ("state", "parked", "unknown word"),
    "no order number": ("no", "", "is empty"),
    "nobody": ("guest", "", "says of no profile"),
    "a stay that ends first": ("to", "2024-01-31", "ends before it begins"),
    "a year that is none": ("from", "0024-02-01", "the year 24"),
    "a day to come": ("made", "2999-01-01", "is not in 1900"),
    "too long": ("via", "x" * 61, "longer than 60 characters"),
}


def spoil(column: str, value: str) -> str:
    cells = dict(zip(HEADER.split(";"), GOOD.split(";"), strict=True))
    return ";".join({**cells, "no": "2", column: value}.values())


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_named_and_the_rest_loads(bring, rejected, case):
    column, value, reason = BAD[case]

    report = bring("orders", "\n".join([HEADER, GOOD, spoil(column, value)]), MAP)

    assert (report.n_rows, report.n_new, report.n_rejected) == (2, 1, 1)
    assert Order.objects.get().source_id == "1"
    [[line, named, shown, why]] = rejected(report)
    assert (line, named, shown.removeprefix("'")) == ("3", column, value)
    assert reason in why
    assert (report.reasons[0].n, report.reasons[0].line) == (1, 3)
    stored = Import.objects.get()
    assert (stored.n_rejected, stored.reject_file) == (1, f"{stored.pk}-rejected.csv")
    assert stored.reasons[0]["column"] == column


def test_rows_without_fault_are_loaded_in_full(bring):
    report = bring("orders", f"{HEADER}\n{GOOD}", MAP)
    assert (report.n_new, report.n_rejected, report.reject_file) == (1, 0, None)
    order = Order.objects.get()
    assert (order.currency, order.net_minor, order.net_base_minor) == ("TRY", 10000, 10000)
    assert (order.gross_minor, order.channel, str(order.ends_on)) == (10000, "web", "2024-02-03")


def test_other_currencies_are_kept_and_turned_into_the_companys(bring):
    bring("orders", f"{HEADER}\n{spoil('cur', '€')}", MAP)
    order = Order.objects.get()
    assert (order.currency, order.net_minor, order.net_base_minor) == ("EUR", 10000, 400000)


def test_the_rate_of_the_row_goes_before_the_fixed_one(bring):
    mapping = MAP.replace('channel = "via"', 'exchange_rate = "via"')
    bring("orders", f"{HEADER}\n{spoil('cur', 'EUR').replace('web', '41.505')}", mapping)
    assert Order.objects.get().net_base_minor == 415050


def test_formula_looking_text_is_stored_as_text_and_guarded_in_the_reject_file(bring, rejected):
    cells = {"via": '=HYPERLINK("http://x";"y")'.replace(";", ","), "net": "=1+1"}
    evil = spoil("via", '"' + cells["via"].replace('"', '""') + '"')

    report = bring("orders", "\n".join([HEADER, evil, spoil("net", cells["net"])]), MAP)

    assert Order.objects.get().channel == cells["via"]
    assert rejected(report)[0][2] == "'=1+1"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1"])
def test_what_a_spreadsheet_takes_for_a_formula_is_guarded(text):
    assert guarded(text) == f"'{text}"
    assert guarded("1=1") == "1=1"


def test_an_unreadable_address_beside_a_number_is_left_out_and_listed(bring, rejected):
    row = "2;11;ayse@;0532 12;completed;2024-01-05;;;5;TRY;"

    report = bring("orders", f"{HEADER}\n{row}", MAP)

    assert (report.n_new, report.n_rejected) == (1, 0)
    assert [found[1:] for found in rejected(report)] == [
        ["mail", "ayse@", "not an e-mail address; the row was loaded without it"],
        ["tel", "0532 12", "not a phone number; the row was loaded without it"],
    ]
    assert list(Identifier.objects.values_list("value", flat=True)) == ["pms:11"]


def test_an_unreadable_address_alone_costs_the_row(bring, rejected):
    report = bring("orders", f"{HEADER}\n2;;ayse@;;completed;2024-01-05;;;5;TRY;", MAP)
    assert (report.n_new, report.n_rejected) == (0, 1)
    assert rejected(report) == [["2", "mail", "ayse@", "not an e-mail address"]]
    assert not Profile.objects.exists()


ITEMS_MAP = """
source = "shop"
[columns]
source_id = "no"
profile_key = "who"
ordered_at = "at"
sku = "sku"
quantity = "n"
unit_price = "price"
currency = "cur"
[constants]
status = "completed"
[rates]
EUR = 40
"""
ITEMS = [
    "no,who,at,sku,n,price,cur",
    "A,1,2024-01-05 10:01,mug,2,2.5,TRY",
    "B,2,2024-01-05 11:00,pot,1,30,TRY",
    "A,1,2024-01-05 10:00,jar,3,0.333,TRY",
    "C,1,2024-01-06 10:00,mug,-2,2.5,TRY",
]


def test_the_lines_of_an_order_become_one_order(bring):
    report = bring("orders", "\n".join(ITEMS), ITEMS_MAP)
    assert (report.n_rows, report.n_new, report.n_rejected) == (4, 3, 0)
    order = Order.objects.get(source_id="A")
    assert order.net_minor == 500 + 100
    assert order.ordered_at == 1704438000000000  # 10:00 in Istanbul, the earliest line
    lines = OrderItem.objects.filter(order=order).values_list("line_no", "sku", "amount_minor")
    assert list(lines) == [(1, "mug", 500), (2, "jar", 100)]
    assert Order.objects.get(source_id="C").net_minor == -500, "a return"


def test_an_order_with_one_bad_line_is_not_loaded_in_part(bring, rejected):
    bad = [*ITEMS[:3], ITEMS[3].replace("0.333", "-1"), ITEMS[4]]
    report = bring("orders", "\n".join(bad), ITEMS_MAP)
    assert (report.n_rows, report.n_new, report.n_rejected) == (4, 2, 2)
    assert not Order.objects.filter(source_id="A").exists()
    assert rejected(report) == [
        ["4", "price", "'-1", "a negative price"],
        ["2", "no", "A", "another line of this order (line 4) was rejected"],
    ]


def test_an_order_in_two_currencies_is_rejected(bring, rejected):
    mixed = [*ITEMS[:3], ITEMS[3].replace("TRY", "EUR")]
    report = bring("orders", "\n".join(mixed), ITEMS_MAP)
    assert (report.n_new, report.n_rejected) == (1, 2)
    assert {row[3] for row in rejected(report)} == {
        "the lines of this order are in several currencies"
    }


def test_two_lines_of_one_number_are_rejected(bring, rejected):
    mapping = ITEMS_MAP.replace("[columns]", '[columns]\nline_no = "n"')
    report = bring("orders", "\n".join([*ITEMS[:3], ITEMS[3].replace("3,", "2,", 1)]), mapping)
    assert (report.n_new, report.n_rejected) == (1, 2)
    assert "same number" in rejected(report)[0][3]


def test_a_new_export_of_an_order_replaces_its_lines(bring):
    bring("orders", "\n".join(ITEMS), ITEMS_MAP)
    report = bring("orders", "\n".join([ITEMS[0], ITEMS[1].replace("2.5", "3")]), ITEMS_MAP)
    assert (report.n_changed, report.n_same) == (1, 0)
    order = Order.objects.get(source_id="A")
    assert order.net_minor == 600
    assert list(OrderItem.objects.filter(order=order).values_list("sku")) == [("mug",)]
    assert OrderChange.objects.filter(order=order).count() == 2


def test_filtered_rows_are_counted_and_not_read(bring):
    mapping = ITEMS_MAP + '[filter]\nsku = { not = ["POT", ""] }\nno = { not_starts = "c" }\n'
    report = bring("orders", "\n".join(ITEMS), mapping)
    assert (report.n_rows, report.n_new, report.n_filtered) == (4, 1, 2)


def test_returns_are_negative_only_where_the_mapping_says_so(bring):
    refund = f"{HEADER}\n{spoil('net', '-5')}"
    assert bring("orders", refund, MAP).n_rejected == 1
    assert bring("orders", refund, MAP.replace("[file]", "returns = true\n[file]")).n_new == 1
    assert Order.objects.get().net_minor == -500


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (
            'ordred_at = "made"',
            "ordred_at: is not known here; did you mean “ordered_at”?",
        ),
        (
            '[constants]\nchannel = "x"',
            "[constants] channel: has a column too",
        ),
        ('[constants]\nadults = "two"', "[constants] adults: not a number"),
        ('[columnz]\na = "b"', "columnz: is not known here; did you mean “columns”?"),
        ("[file2]\na = 1", "file2: is not known here; did you mean “file”?"),
        ("[rates]\nEUR = -1", "[rates] EUR: is a positive number"),
        ("[rates]\nEURO = 1", "[rates] EURO: unknown currency"),
        ("status_at = 5", "[columns] status_at: is a column's name in quotes"),
        ('[values.statsu]\na = "b"', "[values] statsu: is not known here; did you mean “status”?"),
        ("[values.status]\na = 1", "[values.status] a: is a text in quotes"),
        ('[filter]\nno = "x"', '[filter] no: is written { is = ["…"] }'),
        ('[filter]\nno = { like = "x" }', "[filter.no] like: is not known here"),
        ("broken", "not a TOML file"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_named_with_its_place(bring, line, word):
    mapping = MAP.partition("[rates]")[0] + line
    with pytest.raises(MappingError) as error:
        bring("orders", f"{HEADER}\n{GOOD}", mapping)
    assert word in error.value.message
    assert "MAP.toml" in error.value.message
    assert not Import.objects.exclude(state="failed").exists()


@pytest.mark.parametrize(
    ("mapping", "word"),
    [
        ('source = "a b"', "source: name the system"),
        ('source = "a"\nreturns = 1', "returns: is true or false"),
        ('source = "a"\n[file]\nformat = "cvs"', "[file] format: did you mean “csv”?"),
        ('source = "a"\n[file]\nencoding = "turkish"', "[file] encoding: is no encoding"),
        ('source = "a"\n[file]\nseparator = ";;"', "[file] separator: is one character"),
        ('source = "a"\n[file]\ndecimal = "*"', "[file] decimal: is “.” or “,”"),
        ('source = "a"\n[file]\ntime_zone = "Istanbul"', "[file] time_zone: is no time zone"),
        ('source = "a"\n[file]\nheader_line = 0', "[file] header_line: is the number of a line"),
        ('source = "a"\n[columns]\nstatus = "s"', "needs one of profile_key, email and phone"),
        ('source = "a"\n[columns]\nphone = "s"', "[columns]: source_id is missing"),
    ],
)
def test_a_mapping_says_what_it_must(bring, mapping, word):
    with pytest.raises(MappingError) as error:
        bring("orders", "a;b", mapping)
    assert word in error.value.message
