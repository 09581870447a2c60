"""What an SMS costs: alphabets, limits, letters of two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.channels.sms.segments import SIZES, Alphabet, count, plain, tidied


@pytest.mark.parametrize(
    ("text", "alphabet", "n", "n_parts"),
    [
        ("", "gsm", 0, 1),
        ("a" * 160, "gsm", 160, 1),
        ("a" * 161, "gsm", 161, 2),
        ("a" * 306, "gsm", 306, 2),
        ("a" * 307, "gsm", 307, 3),
        ("€" * 80, "gsm", 160, 1),
        ("€" * 81, "gsm", 162, 2),
        ("ÖöÜüÇÄä", "gsm", 7, 1),
        ("Şş", "turkish", 4, 1),
        ("ş" + "a" * 153, "turkish", 155, 1),
        ("ş" + "a" * 154, "turkish", 156, 2),
        ("ş" + "a" * 296, "turkish", 298, 2),
        ("ş" + "a" * 297, "turkish", 299, 3),
        ("ж" * 70, "unicode", 70, 1),
        ("ж" * 71, "unicode", 71, 2),
        ("😀" * 35, "unicode", 70, 1),
        ("😀" * 36, "unicode", 72, 2),
    ],
)
def test_a_text_costs_what_the_standard_says(
    text: str, alphabet: str, n: int, n_parts: int
) -> None:
    found = count(text)
    assert (found.alphabet, found.n_characters, found.n_parts) == (alphabet, n, n_parts)


def test_the_letters_that_make_it_dear_are_named_and_can_be_written_otherwise() -> None:
    assert count("Sayın misafirimiz, şu an İzmir'deyiz").culprits == "ışİ"
    assert count("“Özel” fırsat – 100 ₺").alphabet == Alphabet.UNICODE
    assert tidied("“Özel” fırsat – 100 ₺") == '"Özel" fırsat - 100 TL'
    assert plain("Şükrü Çağlar, ılık İzmir…") == "Sükrü Çaglar, ilik Izmir..."
    assert count(plain("Şükrü Çağlar ığüşöç ĞİŞ")).alphabet == Alphabet.GSM


def test_a_letter_of_two_is_not_cut_in_half() -> None:
    # 152 + a letter of two do not fit into the 153 of a part: it begins the next.
    assert count("a" * 152 + "€" + "a" * 151).n_parts == 2
    assert count("a" * 152 + "€" + "a" * 152).n_parts == 3


@given(st.text(alphabet=st.sampled_from("abĞışçİ€^😀жÖ\n "), max_size=700))
def test_parts_always_hold_the_text_and_never_waste_more_than_they_must(text: str) -> None:
    found = count(text)
    one, each = SIZES[found.alphabet]
    if found.n_parts == 1:
        assert found.n_characters <= one
        assert found.n_left == one - found.n_characters
    else:
        assert found.n_characters > one
        assert found.n_characters <= found.n_parts * each
        assert found.n_characters > (found.n_parts - 1) * (each - 1)
        assert 0 <= found.n_left < each
