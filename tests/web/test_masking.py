"""Phones and e-mails as they are shown to people who have not asked for them in full."""

from __future__ import annotations

import pytest

from pusula.web import masking


@pytest.mark.parametrize(
    ("value", "shown", "masked"),
    [
        ("+905321234541", "0532 123 45 41", "0532 ••• •• 41"),
        ("+4915112345678", "+49 1511 2345678", "+49 •••• •••••78"),
        ("+97433123456", "+974 3312 3456", "+974 •••• ••56"),
        ("12", "12", "12"),
    ],
)
def test_phones_keep_their_first_group_and_last_two_digits(value, shown, masked):
    assert masking.national_phone(value, "TR") == shown
    assert masking.mask_phone(value, "TR") == masked


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("elif.dogan@example.com", "el•••@example.com"),
        ("ab@example.com", "a•••@example.com"),
        ("a@example.com", "•••@example.com"),
    ],
)
def test_emails_keep_at_most_two_letters_and_never_the_whole_name(value, masked):
    assert masking.mask_email(value) == masked
