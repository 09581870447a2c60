"""Finding people by what somebody types, and reading many at once."""

from __future__ import annotations

import pytest

from pusula.profiles import queries
from pusula.profiles.actions import Facts, Value, record
from pusula.profiles.models import IdentifierKind, TraitKind
from pusula.profiles.resolve import Reference, resolve

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> dict[str, int]:
    """Return the ids of four guests by first name."""
    references = [
        Reference("pms:10", "ayse@example.com", "+905321234567", 1),
        Reference("pms:11", "ayse@example.com", None, 1),
        Reference("shop:10", None, "+4930123456", 1),
        Reference("pms:12", None, None, 1),
    ]
    ids = resolve(references, source="pms", at=1).profile_ids.tolist()
    names = [("Ayşe", "Çağlar"), ("İBRAHİM", "Işık"), ("Анна", "Иванова"), ("", "")]
    facts = [
        Facts(one, *name, traits={"city": Value(TraitKind.TEXT, "Muğla")} if name[0] else {})
        for one, name in zip(ids, names, strict=True)
    ]
    record(facts, source="pms", at=2)
    return dict(zip(("ayse", "ibrahim", "anna", "nobody"), ids, strict=True))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ayse", ["ayse"]),
        ("ÇAĞLAR ayş", ["ayse"]),
        ("caglar", ["ayse"]),
        ("ağlar", []),
        ("ibrahim isik", ["ibrahim"]),
        ("IBRAHIM", ["ibrahim"]),
        ("ıbrahım", ["ibrahim"]),
        ("анна", ["anna"]),
        ("%", []),
        ("", []),
    ],
)
def test_a_name_is_found_by_the_beginnings_of_its_words(people, text, found):
    assert [one.pk for one in queries.by_name(text)] == [people[name] for name in found]


def test_people_are_found_by_their_identifiers(people):
    phone = queries.by_identifier(IdentifierKind.PHONE, "+905321234567")
    assert [one.pk for one in phone] == [people["ayse"]]
    mail = queries.by_email_start("AYSE@exam")
    assert {one.pk for one in mail} == {people["ayse"], people["ibrahim"]}
    assert [one.pk for one in queries.by_key("10", ["pms"])] == [people["ayse"]]
    assert [one.pk for one in queries.by_key("pms:10", [])] == [people["ayse"]]


def test_pages_follow_each_other_without_gap_or_repeat_and_the_nameless_come_last(people):
    seen, after = [], None
    while page := queries.page(queries.everybody(), after, 1):
        seen += page
        after = page[-1]
    assert {one.pk for one in seen} == set(people.values())
    assert len(seen) == 4
    assert seen[-1].pk == people["nobody"]
    whole = queries.page(queries.everybody(), None, 10)
    assert [one.pk for one in whole] == [one.pk for one in seen]


def test_a_misspelt_name_has_neighbours(people):
    assert [one.pk for one in queries.with_names_like("ayse caglr")] == [people["ayse"]]
    assert queries.with_names_like("...") == []


def test_facts_of_many_come_at_once(people):
    ids = list(people.values())
    texts = queries.texts_of(ids, "city")
    assert texts == {people[name]: "Muğla" for name in ("ayse", "ibrahim", "anna")}
    assert queries.values_of(IdentifierKind.EMAIL, ids) == {"ayse@example.com"}
    assert queries.holders(IdentifierKind.EMAIL, ["ayse@example.com", "x@example.com"]) == {
        "ayse@example.com": [people["ayse"], people["ibrahim"]]
    }
    assert list(queries.traits_of(people["ayse"])) == ["city"]
    kinds = [one.kind for one in queries.identifiers_of(people["ayse"])]
    assert kinds == ["email", "key", "phone"]


def test_facts_that_say_nothing_change_nothing(people):
    assert record([Facts(people["ayse"])], source="pms", at=9).tolist() == []
    told = Facts(people["ayse"], traits={"city": Value(TraitKind.TEXT, "Muğla")})
    assert record([told], source="pms", at=9).tolist() == []
    moved = Facts(people["ayse"], traits={"city": Value(TraitKind.NUMBER, 48.0)})
    assert record([moved], source="pms", at=9).tolist() == [people["ayse"]]
