"""Who a row speaks of: known, found, made, or left open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from pusula.profiles.models import Identifier, Profile
from pusula.profiles.resolve import AMBIGUOUS, Reference, resolve

pytestmark = pytest.mark.django_db


def who(key: str | None = None, email: str | None = None, phone: str | None = None) -> Reference:
    return Reference(key, email, phone, at=7)


def lead(*references: Reference, source: str = "pms") -> list[int]:
    return resolve(references, source=source, at=9).profile_ids.tolist()


def values(profile_id: int) -> set[str]:
    return set(Identifier.objects.filter(profile_id=profile_id).values_list("value", flat=True))


def test_a_key_is_one_person_for_ever():
    first, again = lead(who("pms:1", "a@x.tr"), who("pms:1", "b@x.tr"))
    assert first == again == lead(who("pms:1"))[0]
    assert values(first) == {"pms:1", "a@x.tr", "b@x.tr"}
    profile = Profile.objects.get()
    assert (profile.created_at, profile.recorded_at) == (7, 9)


def test_an_unknown_key_goes_to_the_one_who_holds_the_address_and_has_no_key_yet():
    [found] = lead(who(email="a@x.tr"))
    assert lead(who("pms:1", "a@x.tr")) == [found]
    [another] = lead(who("pms:2", "a@x.tr"))
    assert another != found, "the address has an owner with a number of this source"
    assert lead(who("shop:9", phone="+905321234567"), source="shop")[0] not in {found, another}


def test_a_key_of_another_source_joins_by_the_address():
    [guest] = lead(who("pms:1", "a@x.tr"))
    assert lead(who("shop:9", "a@x.tr"), source="shop") == [guest]
    assert values(guest) == {"pms:1", "shop:9", "a@x.tr"}


def test_without_a_key_an_address_leads_to_its_only_holder():
    [guest] = lead(who("pms:1", "a@x.tr", "+905321234567"))
    assert lead(who(email="a@x.tr"), who(phone="+905321234567")) == [guest, guest]
    assert lead(who(email="new@x.tr", phone="+905321234567")) == [guest]
    assert "new@x.tr" in values(guest), "nobody else holds it"


def test_an_address_that_several_hold_leads_to_nobody_by_itself():
    lead(who("pms:1", "a@x.tr"), who("pms:2", "a@x.tr"))
    assert lead(who(email="a@x.tr")) == [AMBIGUOUS]
    [third] = lead(who("pms:3", "a@x.tr"))
    assert Profile.objects.count() == 3
    assert values(third) == {"pms:3", "a@x.tr"}


def test_a_new_address_beside_a_phone_that_several_share_is_somebody_new():
    phone = "+905321234567"
    lead(who("pms:1", phone=phone), who("pms:2", phone=phone))
    assert lead(who(phone=phone)) == [AMBIGUOUS]
    [third] = lead(who(email="a@x.tr", phone=phone))
    assert third != AMBIGUOUS
    assert values(third) == {"a@x.tr"}, "the phone stays with those who have it"


def test_without_a_key_no_address_of_somebody_else_is_learned():
    ayse, ali = lead(who("pms:1", "a@x.tr"), who("pms:2", phone="+905321234567"))
    assert lead(who(email="a@x.tr", phone="+905321234567")) == [ayse]
    assert lead(who(phone="+905321234567")) == [ali]


def test_those_who_are_new_or_know_more_are_named():
    found = resolve([who("pms:1"), who("pms:2")], source="pms", at=9)
    assert found.created.tolist() == found.learned.tolist() == found.profile_ids.tolist()
    again = resolve([who("pms:1"), who("pms:2", "a@x.tr")], source="pms", at=9)
    assert again.created.tolist() == []
    assert again.learned.tolist() == [found.profile_ids[1]]


OPTIONAL = {
    "key": st.none() | st.sampled_from(["pms:1", "pms:2", "pms:3"]),
    "email": st.none() | st.sampled_from(["a@x.tr", "b@x.tr"]),
    "phone": st.none() | st.sampled_from(["+905321234567", "+905321234568"]),
}
REFERENCES = st.lists(st.builds(who, **OPTIONAL).filter(lambda one: any(one[:3])), max_size=6)


class AnyReferences(TestCase):
    """The law: what rows without a key lead to, they lead to again, whatever stood in the file."""

    @given(REFERENCES)
    def test_the_same_references_again_lead_to_the_same_profiles(self, references):
        keyed = [one for one in references if one.key]
        bare = [one for one in references if not one.key]
        first = [*lead(*keyed), *lead(*bare)]
        n = (Profile.objects.count(), Identifier.objects.count())
        assert [*lead(*keyed), *lead(*bare)] == first
        assert (Profile.objects.count(), Identifier.objects.count()) == n
        one_by_one = [lead(one)[0] for one in [*keyed, *bare]]
        assert one_by_one == first
