"""Which identifiers say that two records are one person, and which never do."""

from __future__ import annotations

import random

import pytest

from pusula.lib.text import person_key
from pusula.profiles import actions, documents, merging, rules
from pusula.profiles.contacts import ContactError
from pusula.profiles.models import Identifier, IdentifierKind, Profile
from pusula.profiles.resolve import AMBIGUOUS, Reference, Resolution, resolve

pytestmark = pytest.mark.django_db


def who(key: str | None = None, **said: str) -> Reference:
    told = {"email": None, "phone": None, **said}
    return Reference(key, at=7, **told)


def found(*references: Reference, source: str = "pms") -> Resolution:
    return resolve(references, source=source, at=9)


def lead(*references: Reference, source: str = "pms") -> list[int]:
    return found(*references, source=source).profile_ids.tolist()


def named(profile_id: int, name: str) -> None:
    actions.record([actions.Facts(profile_id, name)], source="pms", at=9)


@pytest.mark.parametrize("address", [
    "info@otel.com", "rezervasyon@otel.com.tr", "Satış@otel.com", "sales2@x.com", "ön.büro@x.tr",
    "reservations.antalya@x.com", "muhasebe_1@x.tr", "resepsiyon+1@x.tr",
])  # fmt: skip
def test_an_address_of_an_office_is_known_by_its_name(address):
    assert rules.is_role(address)


@pytest.mark.parametrize(
    "address", ["ayse@otel.com", "informatik@x.de", "salih@x.tr", "ali.info@x"]
)
def test_an_address_of_a_person_is_not_taken_for_one_of_an_office(address):
    assert not rules.is_role(address)


@pytest.mark.parametrize(("one", "other", "is_same", "is_other"), [
    ("Ayşe Yılmaz", "YILMAZ AYSE", True, False),
    ("Sn. Ayşe Nur Yılmaz", "ayşe yılmaz", True, False),
    ("Ayşe Yılmaz", "Ayşe Demir", False, False),  # she may have married
    ("Ayşe Yılmaz", "Mehmet Yılmaz", False, True),
    ("Yılmaz Ayşe", "Mehmet Yılmaz", False, True),
    ("Ayşe", "Ayşe Yılmaz", False, False),
    ("", "Ayşe", False, False),
    ("Иван Петров", "Петров Иван", True, False),
    ("محمد علي", "علي محمد", True, False),
])  # fmt: skip
def test_names_speak_for_or_against_one_person(one, other, is_same, is_other):
    pair = person_key(one), person_key(other)
    assert (rules.agree(*pair), rules.contradict(*pair)) == (is_same, is_other)


@pytest.mark.parametrize("number", ["10000000078", "19191919190", "76558242278"])
def test_an_identity_number_is_kept_as_a_digest_of_this_installation_alone(number, settings):
    assert documents.is_national_id(number)
    digest = documents.national_id(number)
    assert digest is not None
    assert number not in digest
    assert documents.national_id(f" {number[:3]} {number[3:]} ") == digest
    settings.SECRET_KEY = "another"
    assert documents.national_id(number) != digest


def test_a_number_whose_check_digits_do_not_fit_is_refused_without_being_told():
    for number in ("12345678901", "01000000146", "1234567890", "19191919191"):
        with pytest.raises(ContactError) as error:
            documents.national_id(number)
        assert number not in error.value.message
    dice = random.Random(4)  # noqa: S311 - a test's dice
    valid = [str(dice.randrange(10**10, 10**11)) for _ in range(20_000)]
    share = sum(map(documents.is_national_id, valid)) / len(valid)
    assert 0.005 < share < 0.015, "two check digits let one of a hundred pass"


@pytest.mark.parametrize("text", ["", "  ", "00000000000", "11111111110", "11111111111"])
def test_what_is_typed_instead_of_an_identity_number_leads_to_nobody(text):
    assert documents.national_id(text) is None


@pytest.mark.parametrize("text", ["", "-", "YOK", "0", "xxxxxx", "pasaport", "000000", "AB"])
def test_a_blank_document_leads_to_nobody(text):
    assert documents.document(text) is None


def test_a_document_is_read_whatever_stands_between_its_digits():
    assert documents.document("U 1234-567") == documents.document("u1234567") is not None


def test_an_identity_number_joins_an_unknown_number_of_any_source():
    [guest] = lead(who("pms:1", national_id="n1"))
    assert lead(who("pms:2", national_id="n1")) == [guest]
    assert lead(who("crm:9", national_id="n1"), source="crm") == [guest]
    assert lead(who("crm:8", loyalty="club:5"), who("pms:7", loyalty="club:5")) != [guest] * 2


def test_a_name_speaks_against_a_number_that_was_typed_for_somebody_else():
    [guest] = lead(who("pms:1", national_id="n1"))
    named(guest, "Ayşe Yılmaz")
    assert lead(who("pms:2", national_id="n1", name="mehmet yilmaz")) != [guest]


def test_one_document_on_thousands_of_guests_joins_nobody():
    blank = [who(f"pms:{n}", document="blank") for n in range(300)]
    assert len(set(lead(*blank))) == 300
    for number in (5, 6):
        [guest] = lead(who(f"pms:{number}"))
        named(guest, "Ayşe Yılmaz")
    assert lead(who("pms:1000", document="blank", name="ayse yilmaz")) != [guest]


def test_a_document_and_the_name_together_join():
    [guest] = lead(who("pms:1", document="d1"))
    named(guest, "Ayşe Yılmaz")
    assert lead(who("crm:1", document="d1", name="yilmaz ayse"), source="crm") == [guest]
    assert lead(who("crm:2", document="d1"), source="crm") != [guest]


def test_an_office_address_joins_no_number_and_means_no_numbered_person():
    [guest] = lead(who("pms:1", email="info@x.tr"))
    assert lead(who("shop:1", email="info@x.tr"), source="shop") != [guest]
    [office] = lead(who(email="sales@y.tr"))
    assert lead(who(email="sales@y.tr")) == [office], "the office itself is a customer"
    assert lead(who(email="info@x.tr")) == [AMBIGUOUS]


def test_a_family_shares_a_phone_and_stays_a_family():
    phone = "+905321234567"
    [ayse] = lead(who("pms:1", phone=phone))
    named(ayse, "Ayşe Yılmaz")
    mehmet = lead(who("shop:1", phone=phone, name="mehmet yilmaz"), source="shop")
    assert mehmet != [ayse]
    assert lead(who(phone=phone, name="mehmet yilmaz")) == [AMBIGUOUS]
    [ayla] = lead(who("pms:9", phone="+905320000009"))
    named(ayla, "Ayla Kaya")
    assert lead(who("shop:2", phone="+905320000009", name="ayla kaya"), source="shop") == [ayla]


def test_a_verified_address_joins_a_second_number_of_the_same_source():
    [guest] = lead(who("pms:1", email="a@x.tr"))
    assert lead(who("pms:2", email="a@x.tr")) != [guest]
    Identifier.objects.filter(value="b@x.tr").delete()
    [other] = lead(who("pms:3", email="b@x.tr"))
    assert actions.verify(other, IdentifierKind.EMAIL, "b@x.tr", at=9)
    assert not actions.verify(other, IdentifierKind.EMAIL, "b@x.tr", at=10), "it was before"
    assert lead(who("pms:4", email="b@x.tr")) == [other]


def test_two_known_people_with_one_identity_number_are_one_if_their_names_say_so():
    ayse, twin, other = lead(who("pms:1", national_id="n1"), who("pms:2"), who("pms:3"))
    for profile_id, name in ((ayse, "Ayşe Yılmaz"), (twin, "AYSE YILMAZ"), (other, "Can Ok")):
        named(profile_id, name)
    [join] = found(who("pms:2", national_id="n1")).joins
    assert (join.winner, join.loser, join.kind) == (ayse, twin, IdentifierKind.NATIONAL_ID)
    assert found(who("pms:3", national_id="n1")).joins == []


def test_a_visitor_becomes_whoever_they_say_they_are():
    [visitor] = lead(who(anonymous="web:d1"), source="web")
    assert lead(who(anonymous="web:d1"), source="web") == [visitor]
    assert lead(who("web:1", anonymous="web:d1"), source="web") == [visitor], "nobody else is known"
    assert lead(who("web:1"), source="web") == [visitor]


def test_a_visitor_joins_somebody_who_is_known_already():
    [guest] = lead(who("pms:1"))
    [visitor] = lead(who(anonymous="web:d1"), source="web")
    told = found(who("pms:1", anonymous="web:d1"), who(anonymous="web:d1"), source="web")
    [join] = told.joins
    assert (join.winner, join.loser) == (guest, visitor)
    assert told.profile_ids.tolist() == [guest, guest]
    assert told.origins == [None, visitor], "an un-merge gives the device back"


def test_the_device_of_somebody_known_passes_on_and_takes_nothing_with_it():
    [ayse, again] = lead(who("web:1", anonymous="web:d1"), who(anonymous="web:d1"), source="web")
    assert ayse == again
    told = found(who("web:2", anonymous="web:d1"), who(anonymous="web:d1"), source="web")
    assert told.joins == []
    [ali, now] = told.profile_ids.tolist()
    assert ali == now != ayse
    assert Identifier.objects.get(kind="anonymous").profile_id == ali


def test_a_device_beside_an_address_that_may_be_of_several_stands_for_itself():
    lead(who("pms:1", email="a@x.tr"), who("pms:2", email="a@x.tr"))
    [visitor] = lead(who(email="a@x.tr", anonymous="web:d1"), source="web")
    assert lead(who(anonymous="web:d1"), source="web") == [visitor] != [AMBIGUOUS]


def test_old_numbers_lead_on_and_numbers_nobody_had_lead_nowhere():
    one, other = lead(who("pms:1"), who("pms:2"))
    assert merging.current([one, other, 999_999]) == {one: one, other: other}
    assert merging.everyone_in(one) == {one}
    assert Profile.objects.count() == 2


def test_a_row_that_proves_three_to_be_one_says_so_of_all_three():
    first, second, third = lead(
        who("pms:1", national_id="n1"), who("pms:2", loyalty="c:1"), who("pms:3")
    )
    for profile_id in (first, second, third):
        named(profile_id, "Ayşe Yılmaz")
    joins = found(who("pms:3", national_id="n1", loyalty="c:1")).joins
    assert [(one.winner, one.loser) for one in joins] == [(first, third), (first, second)]
