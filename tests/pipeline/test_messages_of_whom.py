"""Whom a message speaks of, and what a key that stands in a page cannot do: attacks."""

import pytest
from tests.pipeline.company import NOW, event, told
from tests.pipeline.sent import (
    come_in,
    holder,
    identify,
    message,
    names_of,
    reasons,
    track,
    traits_of,
)

from pusula.consent.models import ConsentEntry
from pusula.events.models import Event
from pusula.lib import clock
from pusula.pipeline import live
from pusula.profiles.models import Identifier, Profile

pytestmark = pytest.mark.django_db(databases=["default", "log"])

MAIL = "elif@example.com"


@pytest.fixture
def elif_(company):
    """A guest whom the company's own program knows: number, e-mail, phone, name, traits."""
    traits = {
        "email": MAIL, "phone": "+905321234567", "name": "Elif Yılmaz", "tier": "Gold",
        "city": "İzmir",
    }  # fmt: skip
    come_in(NOW - clock.DAY, identify(traits, source="crm", trusted=True, userId="10027"))
    return holder("key", "crm:10027")


def everything(profile_id):
    """Return all that is known of somebody, as text."""
    profile = Profile.objects.get(pk=profile_id)
    identifiers = profile.identifiers.order_by("id").values_list("kind", "value", "origin_id")
    changes = profile.trait_changes.order_by("id").values_list("name", "text", "number")
    return (profile.name, list(identifiers), traits_of(profile_id), list(changes),
            names_of(profile_id), profile.orders.count())  # fmt: skip


def test_a_browser_that_says_somebodys_email_does_not_become_that_person(elif_):
    before = everything(elif_)
    claims = {"email": MAIL, "phone": "+905321234567", "name": "Kötü Niyetli", "city": "Ankara"}
    come_in(
        NOW,
        track("Stay Viewed", anonymousId="evil"),
        identify(claims, anonymousId="evil"),
        track("Stay Viewed", anonymousId="evil", context={"traits": claims}),
        message("group", anonymousId="evil", groupId="g", traits={"email": MAIL}),
    )
    visitor = holder("anonymous", "web:evil")
    assert visitor != elif_
    assert everything(elif_) == before
    assert Identifier.objects.filter(value=MAIL).count() == 1
    assert traits_of(visitor)["claimed_email"] == MAIL
    assert traits_of(visitor)["claimed_phone"] == "+905321234567"
    # Nor does the claim bring the guest into the visitor's profile later.
    come_in(NOW + clock.MINUTE, event(1, MAIL, "Call Received"))
    assert names_of(visitor) == ["Stay Viewed", "Stay Viewed"]
    assert names_of(elif_) == ["Call Received"]


def test_a_browser_that_makes_up_a_user_and_says_an_email_does_not_take_it(elif_):
    come_in(NOW, identify({"email": MAIL}, userId="made-up", anonymousId="evil"))
    stranger = holder("key", "web:made-up")
    assert stranger != elif_
    assert holder("email", MAIL) == elif_
    # The shop's own program says whose address it is: it leads to the guest, as ever.
    come_in(NOW + 1, identify({"email": "ali@example.com"}, trusted=True, userId="made-up"))
    assert holder("email", "ali@example.com") == stranger


def test_numbers_of_another_system_lead_nowhere_unless_the_source_says_so(elif_):
    come_in(NOW, track("A", userId="10027"), track("B", userId="crm:10027"))
    assert names_of(elif_) == []
    come_in(NOW + 1, track("C", userId="10027", rules={"user_ids": "crm"}))
    assert names_of(elif_) == ["C"]
    ignored = {"user_ids": "crm", "browser_users": "ignored"}
    come_in(NOW + 2, track("D", userId="10027", anonymousId="a", rules=ignored))
    come_in(NOW + 3, track("E", userId="10027", trusted=True, rules=ignored))
    assert names_of(elif_) == ["C", "E"]


def test_a_browser_adds_to_what_is_known_of_a_user_and_changes_none_of_it(elif_):
    come_in(
        NOW,
        identify(
            {"name": "Kötü Niyetli", "tier": "Platinum", "city": "Ankara", "pet": "cat",
             "rfm_group": "Champions", "email_opt_in": True, "kvkk_onay": True, "ETK izin": True,
             "claimed_email": "x", "secret_club": "yes"},
            userId="10027", rules={"user_ids": "crm", "protected_traits": ["secret_club"]},
        ),
    )  # fmt: skip
    assert Profile.objects.get(pk=elif_).name == "Elif Yılmaz"
    assert traits_of(elif_) == {"tier": "Gold", "city": "İzmir", "pet": "cat"}
    assert not ConsentEntry.objects.exists()
    # What the browser itself has said it may say again, otherwise.
    come_in(NOW + 1, identify({"pet": "dog"}, userId="10027", rules={"user_ids": "crm"}))
    assert traits_of(elif_)["pet"] == "dog"


def test_in_one_step_a_browser_changes_none_of_what_the_program_says(company):
    come_in(
        NOW,
        identify({"name": "Kötü Niyetli"}, userId="7"),
        identify({"name": "Elif Yılmaz"}, trusted=True, userId="7"),
        identify({"name": "Kötü Niyetli"}, userId="7"),
    )
    assert Profile.objects.get().name == "Elif Yılmaz"


def test_a_visitor_who_says_who_they_are_becomes_that_guest_with_what_they_did(elif_):
    rules = {"user_ids": "crm"}
    come_in(NOW, track("Stay Searched", anonymousId="a"), track("Stay Viewed", anonymousId="a"))
    visitor = holder("anonymous", "web:a")
    assert visitor != elif_
    come_in(NOW + clock.MINUTE, identify(userId="10027", anonymousId="a", rules=rules))
    come_in(NOW + clock.HOUR, track("Booking Started", anonymousId="a"))
    assert names_of(elif_) == ["Stay Searched", "Stay Viewed", "Booking Started"]
    assert not Profile.objects.filter(pk=visitor).exists()


def test_one_step_in_which_a_visitor_says_who_they_are_is_as_good_as_three(elif_):
    rules = {"user_ids": "crm"}
    come_in(
        NOW,
        track("Stay Searched", anonymousId="a"),
        identify(userId="10027", anonymousId="a", rules=rules),
        track("Booking Started", anonymousId="a"),
    )
    assert names_of(elif_) == ["Stay Searched", "Booking Started"]


def test_on_a_shared_computer_the_second_guest_does_not_get_the_first_ones_history(company):
    come_in(NOW, track("Stay Searched", anonymousId="lobby"))
    come_in(NOW + 1, identify(userId="1", anonymousId="lobby"))
    come_in(NOW + 2, track("Stay Viewed", userId="1", anonymousId="lobby"))
    come_in(NOW + 3, identify(userId="2", anonymousId="lobby"))
    come_in(NOW + 4, track("Booking Started", anonymousId="lobby"))
    first, second = holder("key", "web:1"), holder("key", "web:2")
    assert names_of(first) == ["Stay Searched", "Stay Viewed"]
    assert names_of(second) == ["Booking Started"]


def test_the_program_of_a_company_finds_people_by_their_address(elif_):
    come_in(
        NOW,
        track("Order Paid", trusted=True, source="shop", context={"traits": {"email": MAIL}}),
        identify({"email": MAIL, "tier": "Platinum"}, trusted=True, source="shop", userId="55"),
    )
    assert names_of(elif_) == ["Order Paid"]
    assert holder("key", "shop:55") == elif_
    assert traits_of(elif_)["tier"] == "Platinum"


def test_an_alias_joins_a_device_to_a_user(company):
    come_in(NOW, track("Stay Searched", anonymousId="a"))
    come_in(NOW + 1, identify(userId="7", anonymousId="b"))
    come_in(NOW + 2, message("alias", userId="7", previousId="a"))
    come_in(NOW + 3, track("Stay Viewed", anonymousId="a"))
    assert names_of(holder("key", "web:7")) == ["Stay Searched", "Stay Viewed"]


def test_an_alias_of_an_id_with_itself_says_nothing(company):
    come_in(NOW, message("alias", userId="7", previousId="7", anonymousId="a"))
    assert not Profile.objects.exists()
    assert reasons() == []


def test_an_alias_of_two_known_people_needs_a_server_key_and_can_be_undone(company):
    come_in(NOW, track("A", userId="old"), track("B", userId="new"))
    old, new = holder("key", "web:old"), holder("key", "web:new")
    come_in(NOW + 1, message("alias", userId="new", previousId="old"))
    assert reasons() == ["alias: only a server key joins two people who are known"]
    assert (names_of(old), names_of(new)) == (["A"], ["B"])
    come_in(NOW + 2, message("alias", userId="new", previousId="old", trusted=True))
    assert names_of(new) == ["A", "B"]
    come_in(NOW + 3, track("C", userId="old"))
    assert names_of(new) == ["A", "B", "C"]


def test_an_alias_of_somebody_told_of_in_the_same_step_is_a_merge_too(company):
    come_in(
        NOW,
        track("A", userId="old", trusted=True),
        message("alias", userId="new", previousId="old", trusted=True),
        track("B", userId="new", trusted=True),
    )
    assert names_of(holder("key", "web:new")) == ["A", "B"]


def test_an_alias_without_both_ids_is_put_aside(company):
    come_in(NOW, message("alias", anonymousId="a", previousId="b"))
    assert reasons() == ["alias: userId and previousId are needed"]


def test_devices_of_two_sources_are_two_devices(company):
    come_in(NOW, track("A", anonymousId="a"), track("B", anonymousId="a", source="app"))
    assert Profile.objects.count() == 2


def test_a_flood_of_new_names_leaves_room_for_those_of_our_own_programs(company, monkeypatch):
    monkeypatch.setattr("pusula.pipeline.names.MOST", {"event": 6, "property": 8, "trait": 9})
    steps = live.Live()
    told(track("Known", {"p0": 1}, anonymousId="a"))
    steps.step(at=clock.now() + clock.SECOND)
    told(
        *(track(f"Flood {n}", anonymousId="a") for n in range(50)),
        *(track("Known", {f"p{n}": 1 for n in range(k)}, anonymousId="a") for k in range(20)),
        track("Ours", {"own": 1, "p0": 2}, userId="7", trusted=True),
    )
    steps.step(at=clock.now() + 2 * clock.SECOND)
    assert Event.objects.filter(name__startswith="Flood").count() == 2
    assert Event.objects.filter(name="Known").count() == 21
    assert max(len(e.properties) for e in Event.objects.filter(name="Known")) == 4
    assert Event.objects.get(name="Ours").properties == {"own": 1, "p0": 2}
    assert [why for why in reasons() if why.startswith("event: a new name")] != []
    assert sum(why.startswith("in part: properties: a new name") for why in reasons()) == 1
    # Another process knows the same names.
    told(track("Flood 0", anonymousId="a"), track("Flood 49", anonymousId="a"))
    live.step(at=clock.now() + 3 * clock.SECOND)
    assert Event.objects.filter(name__startswith="Flood").count() == 3


def test_what_a_browser_said_as_a_visitor_overwrites_nothing_when_the_visitor_signs_in(elif_):
    claims = {"name": "Kötü Niyetli", "tier": "Platinum", "city": "Ankara", "pet": "cat",
              "email": "kotu@example.com"}  # fmt: skip
    come_in(NOW, identify(claims, anonymousId="evil"), track("Stay Viewed", anonymousId="evil"))
    come_in(NOW + 1, identify(userId="10027", anonymousId="evil", rules={"user_ids": "crm"}))
    assert names_of(elif_) == ["Stay Viewed"]
    assert Profile.objects.get(pk=elif_).name == "Elif Yılmaz"
    known = traits_of(elif_)
    assert (known["tier"], known["city"], known["pet"]) == ("Gold", "İzmir", "cat")
    emails = Identifier.objects.filter(kind="email").values_list("value", flat=True)
    assert list(emails) == [MAIL]


def test_in_the_step_in_which_they_sign_in_it_overwrites_nothing_either(elif_):
    come_in(
        NOW,
        identify({"name": "Kötü Niyetli", "city": "Ankara"}, anonymousId="evil"),
        identify(userId="10027", anonymousId="evil", rules={"user_ids": "crm"}),
        identify({"name": "Kötü Niyetli", "city": "Ankara"}, anonymousId="evil"),
    )
    assert Profile.objects.get(pk=elif_).name == "Elif Yılmaz"
    assert traits_of(elif_)["city"] == "İzmir"


def test_a_browser_that_names_a_trait_first_does_not_say_of_which_kind_it_is(company):
    come_in(NOW, identify({"points": "many"}, userId="1"), identify({"points": "x"}, userId="2"))
    come_in(NOW + 1, identify({"points": 12}, userId="1", trusted=True))
    assert reasons() == []
    assert traits_of(holder("key", "web:1")) == {"points": 12.0}
    assert traits_of(holder("key", "web:2")) == {}
    come_in(NOW + 2, identify({"points": "many"}, userId="2"))
    assert "is a number trait" in reasons()[0]


def test_a_flood_of_new_traits_leaves_room_too(company, monkeypatch):
    monkeypatch.setattr("pusula.pipeline.names.MOST", {"event": 6, "property": 8, "trait": 4})
    come_in(
        NOW,
        identify({f"t{n}": 1 for n in range(9)}, userId="1"),
        identify({"ours": 1, "t0": 5}, userId="2", trusted=True),
    )
    assert traits_of(holder("key", "web:1")) == {"t0": 1.0, "t1": 1.0}
    assert traits_of(holder("key", "web:2")) == {"ours": 1.0, "t0": 5.0}
    assert reasons()[0].startswith("in part: traits: a new name")


def test_the_device_of_somebody_met_in_the_same_step_is_not_a_strangers(company):
    come_in(NOW, identify({"city": "Bodrum"}, userId="2", anonymousId="a", trusted=True))
    come_in(
        NOW + 1,
        identify(userId="2", anonymousId="b"),
        identify({"city": "Kaş"}, userId="1", anonymousId="b", trusted=True),
    )
    assert traits_of(holder("key", "web:2")) == {"city": "Bodrum"}
    assert traits_of(holder("key", "web:1")) == {"city": "Kaş"}
