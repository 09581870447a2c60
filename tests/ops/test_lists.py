"""``pusula lists``: whole or not at all, and who is left out is told."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from django.utils import translation

from pusula.lib import clock, sayings
from pusula.lib.errors import PusulaError
from pusula.ops.lists import lists
from pusula.profiles.models import Identifier, Profile
from pusula.segments import actions, evaluate, queries, sets
from pusula.segments.everybody import rebuild
from pusula.segments.models import ProfileSet, SetMember

pytestmark = pytest.mark.django_db

NOW = 1_780_000_000_000_000
HELD = {
    "Elif": [("email", "elif@example.org"), ("key", "pms:1")],
    "Ali": [("phone", "+905321234567"), ("email", "desk@example.org")],
    "Can": [("key", "pms:3"), ("email", "desk@example.org")],
}


@pytest.fixture(autouse=True)
def people(monkeypatch):
    """Three guests; two of them share an address."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    found = {}
    for name, held in HELD.items():
        found[name] = Profile.objects.create(first_name=name, created_at=0, recorded_at=0)
        for kind, value in held:
            Identifier.objects.create(
                profile=found[name], kind=kind, value=value, source="pms", recorded_at=0
            )
    return found


def call(*words, status=0, language="en"):
    with translation.override(language):
        result = CliRunner().invoke(lists, [str(word) for word in words])
    if isinstance(result.exception, PusulaError):
        assert status == 1
        return result.exception.message
    assert result.exception is None, result.exception
    return result.stdout


def members(key="fair"):
    found = SetMember.objects.filter(set__key=key).order_by("profile_id")
    return list(found.values_list("profile__first_name", flat=True))


def segment(key, where):
    """Publish a segment; return who is in it, when asked."""
    document = {"segment": key, "title": {"tr": key, "en": key}, "where": where}
    actions.apply([(f"{key}.yaml", document)])
    rebuild.everybody(at=NOW)

    def inside():
        made = queries.by_key(key)
        ids = set(queries.member_ids(made).tolist())
        return sorted(p.first_name for p in Profile.objects.filter(pk__in=ids))

    return inside


@pytest.fixture
def file(tmp_path):
    def written(text, name="fair.txt"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_list_is_read_line_by_line_and_tells_who_is_left_out(file):
    text = "ELIF@example.org\n\n0532 123 45 67\npms:3\nnobody@example.org\ndesk@example.org\nx\n"
    assert call("put", "fair", file(text), "--title", "Fuar") == (
        "fair: 3 customers; 3 came in, 0 went out.\n"
        "2 identifiers lead to nobody: nobody@example.org, x\n"
        "1 identifier belongs to several customers: desk@example.org\n"
    )
    assert members() == ["Elif", "Ali", "Can"]
    assert json.loads(call("show", "--json")) == [{"key": "fair", "title": "Fuar", "n_members": 3}]


def test_put_again_it_holds_exactly_the_new_ones_and_keeps_its_title(file):
    call("put", "fair", file("pms:1\npms:3"), "--title", "Fuar")
    told = json.loads(call("put", "fair", file("pms:3\n+90 532 123 45 67"), "--json"))
    assert (told["n_added"], told["n_removed"], told["unknown"]) == (1, 1, [])
    assert members() == ["Ali", "Can"]
    assert ProfileSet.objects.get(key="fair").title == "Fuar"


def test_a_column_of_a_table_and_the_numbers_of_one_system(file):
    table = file("no;mail\n1;a@x\n3;\n3;\n4;\n", "fair.csv")
    assert "2 customers" in call("put", "fair", table, "--column", "no", "--system", "pms")
    assert members() == ["Elif", "Can"]


@pytest.mark.parametrize("text", ["", "\n\n", "nobody@example.org\n", "a;b;c\n"])
def test_a_file_without_a_customer_does_not_empty_a_list(file, text):
    call("put", "fair", file("pms:1"))
    assert "nobody in it is a customer" in call("put", "fair", file(text), status=1)
    assert members() == ["Elif"]


def test_strict_writes_nothing_if_somebody_is_unknown(file):
    said = call("put", "fair", file("pms:1\npms:9"), "--strict", status=1)
    assert said == "1 identifier leads to nobody: pms:9\nnothing was written"
    assert not ProfileSet.objects.exists()


@pytest.mark.parametrize("key", ["Fair", "fair 2026", "", "a" * 81])
def test_a_list_has_a_plain_key(file, key):
    assert "a key has small letters" in call("put", key, file("pms:1"), status=1)


def test_a_file_that_cannot_be_read_is_named(file, tmp_path):
    assert "cannot be read" in call("put", "fair", tmp_path / "none.txt", status=1)
    latin = tmp_path / "latin.txt"
    latin.write_bytes("şükrü@example.org".encode("iso-8859-9"))
    assert "no text in UTF-8" in call("put", "fair", latin, status=1)
    assert "mail" in call("put", "fair", file("no\n1\n", "x.csv"), "--column", "mail", status=1)


def test_segments_follow_a_list_at_once(file):
    call("put", "fair", file("pms:1"))
    others = segment("others", {"not": {"list": "fair"}})
    assert others() == ["Ali", "Can"]
    call("put", "fair", file("pms:3"))
    assert others() == ["Ali", "Elif"]


def test_a_list_that_segments_ask_for_goes_only_by_force_and_opens_nothing(file):
    call("put", "fair", file("pms:1"))
    others = segment("others", {"not": {"list": "fair"}})
    assert "others" in call("remove", "fair", status=1)
    assert sets.naming("list", "fair") == ["others"]
    call("remove", "fair", "--force")
    ids = np.array(sorted(Profile.objects.values_list("pk", flat=True)))
    evaluate.touched(ids, at=NOW + 1, cause="import")
    rebuild.everybody(at=NOW + 2)
    assert others() == ["Ali", "Can"]  # the last good members
    assert "there is no 'fair'" in sayings.told(queries.by_key("others").error)
    assert "there is no list fair" in call("remove", "fair", status=1)


def test_a_list_that_comes_back_sets_right_the_segments_that_waited_for_it(file):
    call("put", "fair", file("pms:1"))
    others = segment("others", {"not": {"list": "fair"}})
    call("remove", "fair", "--force")
    rebuild.everybody(at=NOW + 1)
    call("put", "fair", file("pms:3"))
    assert others() == ["Ali", "Elif"]
    assert queries.by_key("others").stale_since_at is None


def test_lists_are_shown_in_turkish(file):
    assert call("show") == "There is no list yet.\n"
    call("put", "fair", file("pms:1"), "--title", "Fuar")
    assert call("show").split() == ["fair", "1", "Fuar"]
