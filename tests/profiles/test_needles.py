"""A person's numbers are found in any spelling, and never inside a longer row of digits."""

from __future__ import annotations

import pytest

from pusula.privacy import databases
from pusula.profiles.needles import Needles

MOBILE, SHORT = "+905329876541", "+904440123"


def of(*phones: str) -> Needles:
    return Needles.of(("phone", phone) for phone in phones)


@pytest.mark.parametrize(
    "text",
    [
        "+905329876541", "905329876541", "05329876541", "5329876541", "00905329876541",
        "+90 532 987 65 41", "0 (532) 987-65-41", "+90 (0) 532 987 65 41", "0532.987.65.41",
        "tel:+905329876541", "0532/987 65 41", "tel=%2B905329876541&x", "a%20905329876541",
        "arandı: 0532 987 65 41, 17:30", "0533 111 22 33 / 0532 987 65 41", "Oda 12 05329876541",
        r'{"t": "\u00a005329876541"}', "0532 987 65 41-12",
    ],
)  # fmt: skip
def test_a_number_is_found_in_any_spelling(text):
    assert of(MOBILE).are_in(text)


@pytest.mark.parametrize(
    "text",
    ["1785329876541", "53298765410", "1780444012300000", "TR330006100519786457841326", "0532 987"],
)
def test_a_number_inside_a_longer_row_of_digits_is_another_one(text):
    assert not of(MOBILE, SHORT).are_in(text)


@pytest.mark.parametrize("text", ["444 0 123", "4440123", "444-01-23", "+90 444 0 123"])
def test_a_short_number_is_found_where_it_stands_by_itself(text):
    assert of(SHORT).are_in(text)


@pytest.mark.parametrize(
    ("content", "is_there"),
    [
        (b"at\x001784440123000\x01", False),
        (b"\x00914440123\x01", False),
        (b"phone+90444012310027", True),  # the next column of a row follows at once
        (b"x4440123y", True),
        (b"a904440123b", True),
        (b"04440123", True),
        (b"4440123", True),
        (b"44401234", False),
    ],
)
@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 7, 64])
def test_bytes_are_searched_alike_wherever_they_are_cut(
    tmp_path, monkeypatch, content, is_there, chunk
):
    monkeypatch.setattr(databases, "_CHUNK", chunk)
    path = tmp_path / "some.db"
    path.write_bytes(content)
    assert databases.holds(path, of(SHORT).words) == is_there


def test_words_that_are_no_numbers_are_found_anywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(databases, "_CHUNK", 4)
    path = tmp_path / "some.db"
    path.write_bytes("xxelif@örnek.examplexx".encode())
    assert databases.holds(path, {"elif@örnek.example"})
    assert not databases.holds(path, {"ali@example.com"})
    assert not databases.holds(path, set())
