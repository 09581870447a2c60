"""Reasons are kept as sentence and values, read in whatever language; older ones stay as they are.

What a row keeps is a sentence of ours around values of strangers, never a sentence of strangers.
"""

from __future__ import annotations

import re

import pytest
from tests.pipeline.sent import come_in, reasons, track

from pusula.lib.sayings import Saying, placed, said
from pusula.pipeline import complaints, queries
from pusula.pipeline.appender import Entry
from pusula.pipeline.models import Quarantine
from pusula.pipeline.refusals import RefusedError, found

pytestmark = pytest.mark.django_db(databases=["default", "log"])
NOW = 1_790_000_000_000_000
_GAP = re.compile(r"%\(\w+\)s")


def marked(reason: Saying | str) -> str:
    """Return a reason with each sentence that has a translation in angles."""

    def mark(sentence: str) -> str:
        return f"«{sentence}»" if any(map(str.isalpha, _GAP.sub("", sentence))) else sentence

    return str(said(reason, mark))


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"phone": "12", "name": "Hotel Searched"}', "phone: «not a phone number»"),
        (
            '{"email": "x", "phone": "12", "name": "Hotel Searched"}',
            "email: «not an e-mail address»; phone: «not a phone number»",
        ),
        ('{"key": "7", "name": 7}', "body: «Expected `str`, got `int` - at `$.name`»"),
        (
            '{"key": "7", "name": "Hotel Searched", "properties": {"$.x": 1}}',
            "properties: «'$.x' is no name: letters, digits, spaces, _ . -»",
        ),
    ],
)
def test_the_sentence_is_read_in_the_language_of_the_reader_and_the_values_stay(body, shown):
    come_in(NOW, Entry("event", "web", "web:1", body))
    aside = queries.quarantined().get()
    assert marked(aside.why) == shown
    assert aside.reason.startswith('{"say"'), "kept with its values apart"


def test_what_is_refused_in_part_says_so_and_names_the_order():
    come_in(NOW, track("Order Completed", {"order_id": "12", "revenue": "many"}, userId="7"))
    assert marked(queries.quarantined().get().why) == (
        "«in part: «order 12: revenue: «an amount such as 1299.90, not 'many'»»»"
    )
    assert reasons() == ["in part: order 12: revenue: an amount such as 1299.90, not 'many'"]


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("phone: not a phone number", "phone: not a phone number"),
        ("in part: traits.x: is not kept", "«in part: traits.x: is not kept»"),
        ("erased", "«erased»"),
        ("IntegrityError: 100 %s", "IntegrityError: 100 %s"),
        ('{"say": "%(x)s", "with": 3}', '{"say": "%(x)s", "with": 3}'),
    ],
)
def test_rows_older_than_sayings_stay_readable(kept, shown):
    Quarantine.objects.create(entry_id=1, kind="event", source="web", reason=kept, since_at=NOW)
    assert marked(queries.quarantined().get().why) == shown


def test_a_message_with_thousands_of_faults_holds_up_nobody():
    come_in(NOW, track("Looked", {f"$.{n}": 1 for n in range(3_000)}, userId="7"))
    aside = queries.quarantined().get()
    shown = marked(aside.why)
    assert shown.startswith("«in part: properties: «'$.0' is no name")
    assert shown.count("is no name") == 8, "a row has no room for more"


def test_what_a_library_says_is_known_and_what_nobody_knows_stands_as_it_is():
    assert marked(complaints.why(ValueError("Input data was truncated"))).startswith("«")
    assert complaints.why(ValueError("100 %")) == "100 %"
    why = Saying("a line_no stands twice")
    assert complaints.why(RefusedError(why, "items")) == placed("items", why)
    assert marked(found("")) == ""
