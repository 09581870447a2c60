"""The number of people that somebody types before something that cannot be called back."""

from __future__ import annotations

from string import digits

from django.utils.translation import gettext

from pusula.web import formats
from pusula.web.request import whole


def mismatch(typed: str, n: int, sentence: str) -> str:
    """Return what is wrong with the number somebody typed; empty if it is ``n``.

    ``sentence`` says that another was ``%(typed)s`` than ``%(n)s``, in the language of the page.
    """
    number = whole("".join(c for c in typed if c in digits))
    if number == n:
        return ""
    if number is None:
        return gettext("Type the number of people.")
    return sentence % {"typed": formats.number(number), "n": formats.number(n)}
