"""Money as whole minor units (kuruş, cent) with its currency; never a float."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from pusula.lib.errors import PusulaError

# ISO 4217 currencies that hotels, agencies and shops in Turkey meet, with their decimals.
EXPONENTS = {
    "TRY": 2, "EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "RUB": 2, "UAH": 2, "SEK": 2, "NOK": 2,
    "DKK": 2, "PLN": 2, "RON": 2, "BGN": 2, "CZK": 2, "HUF": 2, "SAR": 2, "AED": 2, "QAR": 2,
    "ILS": 2, "AZN": 2, "GEL": 2, "KZT": 2, "IRR": 2, "EGP": 2, "CAD": 2, "AUD": 2, "CNY": 2,
    "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3, "IQD": 3,
}  # fmt: skip
SYMBOLS = {"₺": "TRY", "TL": "TRY", "YTL": "TRY", "€": "EUR", "$": "USD", "£": "GBP", "₽": "RUB"}


class UnknownCurrencyError(PusulaError):
    """The text names no currency Pusula knows."""

    code = "unknown_currency"


def currency(text: str) -> str:
    """Return the ISO 4217 code that ``text`` ("TRY", "tl", "€") means."""
    word = text.strip().upper()
    code = SYMBOLS.get(word, word)
    if code not in EXPONENTS:
        message = f"unknown currency {text!r}: use an ISO 4217 code such as TRY, EUR or USD"
        raise UnknownCurrencyError(message)
    return code


def to_minor(amount: Decimal, code: str) -> int:
    """Return ``amount`` of currency ``code`` in minor units, halves rounded to even.

    Raises ``ValueError`` for NaN, infinities and amounts beyond 64 bits.
    """
    try:
        minor = int((amount.scaleb(EXPONENTS[code])).to_integral_value(ROUND_HALF_EVEN))
    except (InvalidOperation, OverflowError, ValueError) as error:
        message = f"{amount} is not an amount of money"
        raise ValueError(message) from error
    if abs(minor) >= 2**63:
        message = f"{amount} {code} is larger than any amount Pusula can hold"
        raise ValueError(message)
    return minor


def from_minor(minor: int, code: str) -> Decimal:
    """Return ``minor`` units of ``code`` as a decimal amount."""
    return Decimal(minor).scaleb(-EXPONENTS[code])
