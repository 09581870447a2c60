"""The fields of one condition: names and values as a form sends them, and numbers as typed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.utils.translation import get_language

from pusula.web import formats

_PLAIN = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?")


class Fields(dict[str, list[str]]):
    """Values by name; a name may have several."""

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of ``name``, without outer blanks."""
        values = self.get(name)
        return values[-1].strip() if values else default

    def many(self, name: str) -> list[str]:
        """Return the values of ``name`` that say something, each once."""
        return list(dict.fromkeys(v.strip() for v in self.get(name, ()) if v.strip()))

    def put(self, name: str, value: str | Iterable[str]) -> None:
        """Set ``name`` to one value, or to several."""
        self[name] = [value] if isinstance(value, str) else list(value)

    def below(self, prefix: str) -> Fields:
        """Return the fields called ``prefix.NAME`` by ``NAME``."""
        start = f"{prefix}."
        return Fields({k.removeprefix(start): v for k, v in self.items() if k.startswith(start)})

    def set_below(self, prefix: str, fields: Fields) -> None:
        """Put ``fields`` in place of those called ``prefix.NAME``."""
        self.drop_below(prefix)
        self.update({f"{prefix}.{name}": values for name, values in fields.items()})

    def drop_below(self, prefix: str) -> None:
        """Forget the fields called ``prefix.NAME``."""
        for name in [name for name in self if name.startswith(f"{prefix}.")]:
            del self[name]


def typed_number(text: str) -> int | float | None:
    """Return the number that ``text`` is in the active language; ``None`` if it is none.

    ``40.000`` and ``1,5`` in Turkish are ``40,000`` and ``1.5`` in English.
    """
    thousands, decimals = (".", ",") if get_language() == "tr" else (",", ".")
    plain = re.sub(r"\s", "", text).replace("−", "-")
    whole, comma, rest = plain.partition(decimals)
    if thousands in whole and not re.fullmatch(
        rf"-?\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+", whole
    ):
        return None
    number = whole.replace(thousands, "") + ("." + rest if comma else "")
    if not _PLAIN.fullmatch(number):
        return None
    return float(number) if "." in number else int(number)


def shown_number(value: float) -> str:
    """Return ``value`` as a person of the active language types it."""
    if value == int(value):
        return formats.number(value).replace("−", "-")
    digits = len(f"{value:.6f}".rstrip("0").partition(".")[2])
    return formats.number(value, digits).replace("−", "-")
