"""Sayings keep their values apart: they are read in any language, also out of a row."""

import pytest

from pusula.lib.complaints import Complaints
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, found, joined, kept, told

TURKISH = {
    "expected %(what)s, found %(found)s": "beklenen: %(what)s; bulunan: %(found)s",
    "a share such as '10 %%'": "'10 %%' gibi bir oran",
}
WANTED = Saying(
    "expected %(what)s, found %(found)s",
    {"what": Saying("a share such as '10 %%'"), "found": "%(what)s"},
)


def turkish(text: str) -> str:
    return TURKISH.get(text, text)


def test_a_saying_inside_a_saying_is_said_in_the_same_language():
    assert str(WANTED) == "expected a share such as '10 %', found %(what)s"
    assert WANTED.said(turkish) == "beklenen: '10 %' gibi bir oran; bulunan: %(what)s"


def test_an_error_is_english_for_programs_and_speaks_the_language_of_who_reads_it():
    error = PusulaError(WANTED)
    assert error.message == str(error) == str(WANTED)
    assert error.said(turkish).startswith("beklenen")
    assert PusulaError("as it is: 100 %").said(turkish) == "as it is: 100 %"


def test_a_row_keeps_sentence_and_values_apart():
    row = kept(WANTED)
    assert told(row) == str(WANTED)
    assert told(row, turkish) == WANTED.said(turkish)
    assert kept("as it is") == "as it is"


def test_what_is_too_long_for_its_row_is_kept_in_english():
    assert kept(WANTED, 20) == str(WANTED)[:20]


def test_rows_that_are_older_than_sayings_stay_as_they_are():
    for row in ("IntegrityError: 100 %s", "", '{"say', '{"say": 1}', '{"say": "x"}', '{"a": "b"}'):
        assert found(row) == row
        assert told(row, turkish) == row


@pytest.mark.parametrize(
    "row",
    [
        '{"say": "%(x)s", "with": {}}',
        '{"say": "100%", "with": {}}',
        '{"say": 3, "with": {}}',
        '{"say": "a", "with": 3}',
        '{"say": "", "with": {}}',
        '{"say": "%(x)s", "with": {"x": ' + "[" * 100_000,
        '{"say": "%(x)999999999s", "with": {"x": ""}}',
    ],
)
def test_words_of_strangers_that_look_like_a_saying_stay_as_they_are(row):
    assert found(row) == row
    assert told(row, turkish) == row


def test_plain_words_of_strangers_are_never_kept_as_a_saying():
    words = kept(WANTED)
    assert kept(words) == f" {words}"
    assert told(kept(words), turkish) == f" {words}"


def test_thousands_of_reasons_are_one():
    many = joined([Saying("expected %(what)s", {"what": n}) for n in range(5_000)])
    assert str(many).startswith("expected 0; expected 1; expected 2; ")
    assert told(kept(many, 10**6)) == str(many)
    assert joined([WANTED]) == WANTED


def test_values_that_read_like_complaints_are_not_followed_for_ever():
    known = Complaints([Saying("line %(line)s: %(problem)s")]).known
    long = "line 1: " * 5_000 + "x"
    assert str(known(long)) == long


def test_what_a_library_complains_of_is_known_by_its_words():
    known = Complaints(
        [
            Saying("line %(line)s: %(problem)s"),
            Saying("expected %(what)s"),
            Saying("%(n)s is %(n)s"),
        ],
        [Saying("a name")],
    ).known
    assert known("line 3: expected a name") == Saying(
        "line %(line)s: %(problem)s",
        {"line": "3", "problem": Saying("expected %(what)s", {"what": Saying("a name")})},
    )
    assert known("1 is 1") == Saying("%(n)s is %(n)s", {"n": "1"})
    assert known("1 is 2") == "1 is 2"
