"""Whatever a system answers, its source says what is wrong, and the next booking still comes."""

from __future__ import annotations

import copy
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.simulators import ota as pushed
from tests.simulators.elektraweb import Elektraweb
from tests.simulators.mews import Mews
from tests.simulators.opera import Opera
from tests.sources.hotels import ISTANBUL, hotels, moment, source

from pusula.lib.errors import PusulaError
from pusula.sources.calling import SHAPES
from pusula.sources.elektraweb import read as elektraweb
from pusula.sources.mews import read as mews
from pusula.sources.models import Source
from pusula.sources.needs import Hotel, told
from pusula.sources.opera import read as opera
from pusula.sources.ota import document
from pusula.sources.ota import read as ota

NOW = moment("2026-06-01T12:00")
HOTEL = Hotel("Lodos", "Bodrum", ISTANBUL, 180)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
fuzzed = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def spoil(data: st.DataObject, row: dict) -> dict:
    """Return ``row`` with junk in some place of it."""
    row = place = copy.deepcopy(row)
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not (isinstance(inner, dict | list) and inner) or data.draw(st.booleans()):
            place[key] = data.draw(junk)
            return row
        place = inner


def attempt(read) -> None:
    with suppress(PusulaError, *SHAPES):
        list(read())


@pytest.mark.django_db
@fuzzed
@given(st.data())
def test_mews_may_answer_anything(data):
    made = Mews()
    made.book("r1", "c1", "2026-05-30T10:00:00Z")
    made.know("c1", FirstName="Elif", Email="elif@example.com")
    if not source_of("mews"):
        hotels()
    pms = source_of("mews") or source("mews", "mews", hotels={"hotel-1": "Lodos Çeşme"})
    world = {"row": made.reservations["r1"], "items": made.amounts["r1"],
             "people": made.customers}  # fmt: skip
    world = spoil(data, world)
    attempt(
        lambda: mews.entries(
            world["row"], mews.Known(world["people"], {"r1": world["items"]}, {}), pms,
            told(pms, mews.MewsSettings),
        )
    )  # fmt: skip


@pytest.mark.django_db
@fuzzed
@given(st.data())
def test_opera_may_answer_anything(data):
    made = Opera()
    made.book("101")
    made.know("p1", "Elif")
    pms = source_of("opera") or source("opera", "opera", gateway="http://x", external_system="P")
    world = spoil(data, {"row": made.reservations["101"], "profiles": made.profiles})
    attempt(
        lambda: opera.entries(
            world["row"], world["profiles"], HOTEL, pms, told(pms, opera.OperaSettings)
        )
    )


@pytest.mark.django_db
@fuzzed
@given(st.data())
def test_elektraweb_may_answer_anything(data):
    made = Elektraweb()
    made.book("5")
    pms = source_of("elektra") or source("elektra", "elektraweb", user="x")
    row = spoil(data, made.rows["5"])
    settings_ = told(pms, elektraweb.ElektrawebSettings)
    attempt(lambda: elektraweb.entries(row, "InHouse", HOTEL, pms, told=settings_, at=NOW))


@pytest.mark.django_db
@fuzzed
@given(st.data())
def test_a_pushed_document_may_hold_anything(data):
    whole = pushed.message(pushed.booking(), time="2026-03-01T09:00:05+03:00").decode()
    begin = data.draw(st.integers(0, len(whole) - 1))
    end = min(len(whole), begin + data.draw(st.integers(0, 30)))
    text = data.draw(st.text(max_size=20))
    body = (whole[:begin] + text + whole[end:]).encode("utf-8", "surrogatepass")
    pms = source_of("ota") or source("ota", "ota", hotels={"BOD": "Lodos Bodrum"})

    def read():
        for one in ota.bookings(document.parse(body), pms, NOW):
            assert one.error or one.entries
        return []

    attempt(read)


def source_of(slug: str):
    return Source.objects.filter(slug=slug).first()
