"""What is left to server keys stays so, however a browser spells or wraps it."""

import pytest
from tests.pipeline.company import NOW
from tests.pipeline.sent import come_in, identify, message

from pusula.profiles.models import Profile, Trait

pytestmark = pytest.mark.django_db(databases=["default", "log"])
RULES = {
    "protected_traits": ["birth_date", "postal_code", "first_name", "company_tier", "tier", "phone"]
}


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"birthday": "1990-05-31"}, "birth_date"),
        ({"dateOfBirth": "1990-05-31"}, "birth_date"),
        ({"zip": "34000"}, "postal_code"),
        ({"address": {"postalCode": "34000"}}, "postal_code"),
        ({"Tier": "gold"}, "Tier"),
        ({"tier": "gold"}, "tier"),
        ({"phone": "+905321234567"}, "claimed_phone"),
    ],
)
def test_a_protected_trait_is_protected_by_all_its_names(company, given, name, trusted):
    come_in(NOW, identify(given, userId="7", rules=RULES, trusted=trusted))
    known = Trait.objects.values_list("name", flat=True)
    assert (name in known) == (trusted and name != "claimed_phone")


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("given", [{"firstName": "Kötü"}, {"name": "Kötü Niyetli"}])
def test_a_protected_name_is_left_to_server_keys(company, given, trusted):
    come_in(NOW, identify(given, userId="7", rules=RULES, trusted=trusted))
    assert bool(Profile.objects.get().first_name) == trusted


@pytest.mark.parametrize("trusted", [False, True])
def test_what_is_said_of_a_company_is_bounded_like_what_is_said_of_a_person(company, trusted):
    said = {"tier": "gold", "plan": "a", "newsletter": True, "password": "hunter2"}
    come_in(
        NOW,
        message("group", userId="7", groupId="g1", traits=said, rules=RULES, trusted=trusted),
    )
    known = set(Trait.objects.values_list("name", flat=True))
    ours = {"company_tier", "company_newsletter"} if trusted else set()
    assert known == {"company_id", "company_plan", *ours}
