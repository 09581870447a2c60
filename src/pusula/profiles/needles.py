"""A person's identifiers as they may stand in what others wrote: found in any spelling of them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import phonenumbers

from pusula.lib.text import email_key
from pusula.profiles.models import IdentifierKind

Pair = tuple[str, str]
_DIGITS = re.compile(r"[^0-9]+")
_WORD = re.compile(r"[\w.@+-]+")
# Where an address begins and ends: ali@x.com stands neither in vali@x.com nor in ali@x.com.tr.
_BEGINS = r"(?:(?<!\w)(?<!\w[.+-])|(?<=%[0-9a-f]{2})|(?<=\\[nrt]))"
_FILES = "csv|eml|gz|jsonl?|log|parquet|pdf|tsv|txt|xlsx?|xml|zip"  # files are named by them too
_ENDS = rf"(?!-?\w)(?!\.(?!(?:{_FILES})\b)\w)"
# Where a number may begin: not within another one; an escaped character before it is none.
_STARTS = r"(?:(?<![0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4}))"
_FEWEST_DIGITS = 7
# Where a message or an entry says of whom it is: elsewhere a short number is a number.
_NAMING = frozenset(
    ("key", "profile_key", "userid", "anonymousid", "previousid", "user_id", "anonymous_id",
     "previous_id", "groupid", "loyalty", "guest_no", "customer_id", "customerid")
)  # fmt: skip


@dataclass(frozen=True)
class Needles:
    """What to look for: e-mails, phone numbers, numbers of systems, our own numbers."""

    emails: frozenset[str]
    phones: frozenset[str]  # as identifiers spell them: +905329876541
    numbered: frozenset[str]  # with their system in front
    profiles: frozenset[int] = field(default_factory=frozenset)

    @classmethod
    def of(cls, pairs: Iterable[Pair], profiles: Collection[int] = ()) -> Needles:
        """Return what to look for of somebody with these identifiers and numbers."""
        by_kind: dict[str, set[str]] = {}
        for kind, value in pairs:
            by_kind.setdefault(kind, set()).add(value)
        phones = by_kind.pop(IdentifierKind.PHONE, set())
        emails = by_kind.pop(IdentifierKind.EMAIL, set())
        return cls(
            emails=frozenset(emails),
            phones=frozenset(phones),
            numbered=frozenset(value for values in by_kind.values() for value in values),
            profiles=frozenset(profiles),
        )

    @property
    def words(self) -> set[str]:
        """What a search through bytes looks for; short numbers would be found by chance."""
        numbers = {
            value
            for value in self.numbered
            if len(value.partition(":")[2] or value) >= _FEWEST_DIGITS
        }
        return {*self.emails, *self.phones, *numbers}

    def are_in(self, text: str) -> bool:
        """Say whether ``text`` holds an e-mail address or, in any spelling, a phone of theirs."""
        if "@" in text and self.emails:
            folded = email_key(text)
            found = (email for email in self.emails if email in folded)
            if any(re.search(f"{_BEGINS}{re.escape(email)}{_ENDS}", folded) for email in found):
                return True
        # Cheap first: most texts hold no such row of digits, whatever stands between them.
        digits = _DIGITS.sub("", text)
        likely = (phone for phone in self.phones if _parts(phone)[1] in digits)
        return any(_in_text(phone).search(text) for phone in likely)

    def are_in_json(self, body: str, source: str) -> bool:
        """Say whether a body of JSON that ``source`` sent speaks of the person.

        What is no JSON is searched as text, word by word.
        """
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            words = (f"{source}:{word}" for word in _WORD.findall(body))
            return self.are_in(body) or not self.numbered.isdisjoint(words)
        return any(self._is(name, value, source) for name, value in _leaves("", told))

    def _is(self, name: str, value: object, source: str) -> bool:
        if isinstance(value, bool) or value is None:
            return False
        if name == "profile" and isinstance(value, int):
            return value in self.profiles
        said = str(value)
        if said in self.numbered:
            return True
        if name.lower() in _NAMING and f"{source}:{said}" in self.numbered:
            return True
        return self.are_in(said)


def in_bytes(words: Iterable[str]) -> list[tuple[bytes, re.Pattern[bytes]]]:
    """Return for each of ``words`` what is found quickly, and what has to stand there then.

    A phone number within a longer row of digits is another number, an amount or a moment.
    """
    return [_phone_in_bytes(word) if _is_phone(word) else _plain_in_bytes(word) for word in words]


def _is_phone(word: str) -> bool:
    return word.startswith("+") and word[1:].isdecimal()


def _plain_in_bytes(word: str) -> tuple[bytes, re.Pattern[bytes]]:
    said = word.encode()
    return said, re.compile(re.escape(said))


def _phone_in_bytes(phone: str) -> tuple[bytes, re.Pattern[bytes]]:
    code, national = (part.encode() for part in _parts(phone))
    # Rows of a database stand close: behind a whole number the next column may begin by a digit.
    whole = rb"\+%b%b" % (code, national)
    return national, re.compile(
        rb"%b|(?<![0-9])0{0,2}(?:%b)?0?%b(?![0-9])" % (whole, code, national)
    )


@lru_cache(maxsize=1_000)
def _in_text(phone: str) -> re.Pattern[str]:
    """Return a pattern of a number in any spelling, with or without the codes in front of it.

    Digits that stand directly before or behind it make it another number.
    """
    code, national = _parts(phone)
    apart = r"[ ()./\-]{0,3}"

    def spelled(digits: str) -> str:
        return apart.join(digits)

    lead = rf"(?:0{{0,2}}{apart}{spelled(code)}{apart})?" if code else ""
    return re.compile(rf"{_STARTS}{lead}\(?0{{0,2}}{apart}{spelled(national)}(?![0-9])")


@lru_cache(maxsize=1_000)
def _parts(phone: str) -> tuple[str, str]:
    """Return the code of the country and the digits behind it."""
    try:
        read = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return "", _DIGITS.sub("", phone)
    return str(read.country_code), phonenumbers.national_significant_number(read)


def _leaves(name: str, told: object) -> Iterator[tuple[str, object]]:
    """Yield every value with the name it stands under; names too, for they may be anything."""
    waiting = [(name, told)]
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, dict):
            for key, inner in one.items():
                yield "", key
                waiting.append((key, inner))
        elif isinstance(one, list):
            waiting.extend((name, inner) for inner in one)
        else:
            yield name, one
