"""Phones and e-mail addresses as they are shown to people who have not asked for them in full."""

from __future__ import annotations

import phonenumbers

DOTS = "•"
_SHOWN_DIGITS_AT_END = 2
_SHOWN_LETTERS = 2


def national_phone(value: str, region: str) -> str:
    """Return an E.164 number as people of ``region`` write it: ``0532 123 45 41``.

    Numbers of other countries keep their code; what is no number comes back as it is.
    """
    try:
        parsed = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return value
    home = phonenumbers.region_code_for_number(parsed) == region
    form = phonenumbers.PhoneNumberFormat
    text = phonenumbers.format_number(parsed, form.NATIONAL if home else form.INTERNATIONAL)
    return text.replace("(", "").replace(")", "")


def mask_phone(value: str, region: str) -> str:
    """Return a phone with all but its first group and last two digits hidden."""
    text = national_phone(value, region)
    first, _, rest = text.partition(" ")
    if not rest:
        return DOTS * max(len(text) - _SHOWN_DIGITS_AT_END, 0) + text[-_SHOWN_DIGITS_AT_END:]
    hidden = "".join(DOTS if c.isdigit() else c for c in rest[:-_SHOWN_DIGITS_AT_END])
    return f"{first} {hidden}{rest[-_SHOWN_DIGITS_AT_END:]}"


def mask_email(value: str) -> str:
    """Return an e-mail address with the name before the @ hidden but for its first letters."""
    name, at, domain = value.rpartition("@")
    shown = name[: min(_SHOWN_LETTERS, max(len(name) - 1, 0))]
    return f"{shown}{DOTS * 3}{at}{domain}"
