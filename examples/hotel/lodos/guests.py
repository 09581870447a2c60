"""Who the guests are: names, ages, homes, e-mail addresses and telephone numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from lodos.chance import Bools, Ints, Rng, happens, pick
from lodos.company import World, day_number, day_of
from pusula.lib import text

FEMALE, MALE = range(2)
SEX_KEYS = ("female", "male")
NAMES: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "names.toml").read_text(encoding="utf-8")
)
CYRILLIC_SHARE = 0.06  # of the Russian guests
SHARED_EMAIL_PAIRS = 0.006  # pairs per guest: a family that gives one address for two
NO_EMAIL_SHARE = 0.05
SECOND_NAME_SHARE = 0.08


@dataclass(frozen=True)
class Country:
    """Where guests come from, the language they speak, and what their mobile numbers look like."""

    code: str
    share: float
    language: str
    calling_code: str
    mobile_prefixes: tuple[str, ...]
    mobile_digits: int  # after the prefix
    no_phone: float


COUNTRIES = (
    Country(
        code="TR",
        share=0.750,
        language="tr",
        calling_code="90",
        mobile_prefixes=(
            *("505", "506", "507", "551", "552", "553", "554", "555"),
            *(str(prefix) for prefix in (*range(530, 540), *range(541, 550))),
        ),
        mobile_digits=7,
        no_phone=0.03,
    ),
    Country("DE", 0.075, "de", "49", ("160", "170", "171", "172", "175", "176"), 7, 0.4),
    Country("RU", 0.060, "ru", "7", ("903", "905", "910", "916", "921", "926"), 7, 0.3),
    Country("GB", 0.040, "en", "44", ("7400", "7700", "7800", "7911"), 6, 0.4),
    Country("NL", 0.025, "nl", "31", ("61", "62", "64", "65"), 7, 0.4),
    Country("UA", 0.020, "uk", "380", ("50", "67", "93", "97"), 7, 0.3),
    Country("AZ", 0.018, "az", "994", ("50", "51", "55", "70"), 7, 0.2),
    Country("FR", 0.012, "fr", "33", ("61", "62", "66", "67"), 7, 0.4),
)
TURKISH = 0

DOMAINS_TURKISH = ("example.com", "example.net", "posta.example", "eposta.example", "example.org")
DOMAINS_FOREIGN = ("example.com", "mail.example", "example.org", "inbox.example")

FEMININE_SURNAMES = ("RU", "AZ")
FEMININE_ENDINGS = {"ov": "ova", "ev": "eva", "in": "ina", "ов": "ова", "ев": "ева", "ин": "ина"}

CYRILLIC_TO_LATIN = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z",
        "и": "i", "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p",
        "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch",
        "ш": "sh", "щ": "sch", "ь": "", "ы": "y", "э": "e", "ю": "yu", "я": "ya",
    }
)  # fmt: skip

# Guests, and the given names and surnames among which theirs are drawn.
NameLists = tuple[Ints, Sequence[str], Sequence[str]]
Spelling = Callable[[str], str]
SPELLINGS: tuple[tuple[float, Spelling], ...] = (
    (0.34, lambda n: f"0{n[:3]} {n[3:6]} {n[6:8]} {n[8:]}"),
    (0.16, lambda n: n),
    (0.15, lambda n: f"+90 {n[:3]} {n[3:6]} {n[6:8]} {n[8:]}"),
    (0.12, lambda n: f"0{n}"),
    (0.07, lambda n: f"0({n[:3]}) {n[3:6]} {n[6:8]} {n[8:]}"),
    (0.05, lambda n: f"+90{n}"),
    (0.04, lambda n: f"0090{n}"),
    (0.03, lambda n: f"90{n}"),
    (0.02, lambda n: f"0{n[:3]}-{n[3:6]}-{n[6:]}"),
    (0.02, lambda n: f"{n[:3]} {n[3:6]} {n[6:]}"),
)


@dataclass(frozen=True)
class People:
    """The guests as columns, one element each; an empty text means unknown."""

    country: Ints
    sex: Ints
    born: Ints  # day number
    knows_birth: Bools
    knows_sex: Bools
    first: list[str]
    last: list[str]
    city: list[str]
    email: list[str]
    shares_email: Bools
    phone: list[str]

    @property
    def has_own_email(self) -> Bools:
        """Return for each guest whether there is an address that leads to nobody else."""
        return np.array([bool(email) for email in self.email]) & ~self.shares_email

    @property
    def size(self) -> int:
        """Return how many guests there are."""
        return len(self.first)


def draw_people(world: World) -> People:
    """Return the guests of ``world``."""
    rng = world.stream("people")
    n = world.guests
    country = pick(rng, [c.share for c in COUNTRIES], n)
    sex = pick(rng, (0.49, 0.51), n)
    age = 22 + rng.beta(1.7, 2.6, n) * 58
    born = world.today_day - (age * 365.25).astype(np.int64)
    first, last = _names(rng, country, sex, born)
    city = _cities(rng, country)
    family = _families(rng, country)
    for one, other in family:
        last[other], city[other] = last[one], city[one]
    email, shares_email = _emails(rng, country, born, (first, last), family)
    return People(
        country=country,
        sex=sex,
        born=born,
        knows_birth=happens(rng, 0.88, n),
        knows_sex=happens(rng, 0.96, n),
        first=first,
        last=last,
        city=city,
        email=email,
        shares_email=shares_email,
        phone=_phones(rng, country),
    )


def _frequencies(count: int) -> list[float]:
    """Return weights for names listed by frequency: the tenth is a quarter of the first."""
    return [(rank + 3) ** -1.05 for rank in range(count)]


def _draw(rng: Rng, names: Sequence[str], size: int) -> list[str]:
    return [names[i] for i in pick(rng, _frequencies(len(names)), size)]


def _names(rng: Rng, country: Ints, sex: Ints, born: Ints) -> tuple[list[str], list[str]]:
    first, last = [""] * country.size, [""] * country.size
    for guests, given, surnames in (
        *_turkish_lists(country, sex, born),
        *_foreign_lists(rng, country, sex),
    ):
        drawn = zip(
            guests.tolist(),
            _draw(rng, given, guests.size),
            _draw(rng, surnames, guests.size),
            strict=True,
        )
        for i, name, surname in drawn:
            first[i], last[i] = name, surname
    for number, word in enumerate(SEX_KEYS):
        ours = np.flatnonzero((country == TURKISH) & (sex == number))
        _give_second_names(rng, ours, first, NAMES["turkish"]["second"][word].split())
    return first, last


def _turkish_lists(country: Ints, sex: Ints, born: Ints) -> Iterator[NameLists]:
    surnames = NAMES["turkish"]["surnames"].split()
    for number, word in enumerate(SEX_KEYS):
        for years, names in NAMES["turkish"][word].items():
            start, end = (int(year) for year in years.split("-"))
            cohort = (born >= day_number(date(start, 1, 1))) & (
                born <= day_number(date(end, 12, 31))
            )
            guests = np.flatnonzero((country == TURKISH) & (sex == number) & cohort)
            yield guests, names.split(), surnames


def _foreign_lists(rng: Rng, country: Ints, sex: Ints) -> Iterator[NameLists]:
    codes = [home.code for home in COUNTRIES]
    for code, names in NAMES["foreign"].items():
        for number, word in enumerate(SEX_KEYS):
            guests = np.flatnonzero((country == codes.index(code)) & (sex == number))
            if f"{word}_cyrillic" in names:
                written = happens(rng, CYRILLIC_SHARE, guests.size)
                surnames = _surnames(names["surnames_cyrillic"], number, code)
                yield guests[written], names[f"{word}_cyrillic"].split(), surnames
                guests = guests[~written]
            yield guests, names[word].split(), _surnames(names["surnames"], number, code)


def _give_second_names(rng: Rng, guests: Ints, first: list[str], names: list[str]) -> None:
    chosen = guests[happens(rng, SECOND_NAME_SHARE, guests.size)]
    for i, second in zip(chosen.tolist(), _draw(rng, names, chosen.size), strict=True):
        if second not in first[i]:
            first[i] = f"{first[i]} {second}"


def _surnames(names: str, sex: int, country: str) -> list[str]:
    """Return ``names`` as ``sex`` bears them: Ivanov's sister is Ivanova."""
    if sex == MALE or country not in FEMININE_SURNAMES:
        return names.split()
    return [name[:-2] + FEMININE_ENDINGS.get(name[-2:], name[-2:]) for name in names.split()]


def _cities(rng: Rng, country: Ints) -> list[str]:
    at_home = NAMES["turkish"]["cities"]
    city = [""] * country.size
    for number, home in enumerate(COUNTRIES):
        guests = np.flatnonzero(country == number)
        if number == TURKISH:
            names, weights = list(at_home), list(at_home.values())
        else:
            names = NAMES["foreign"][home.code]["cities"].split()
            weights = _frequencies(len(names))
        for i, place in zip(guests.tolist(), pick(rng, weights, guests.size), strict=True):
            city[i] = names[place]
    return city


def _families(rng: Rng, country: Ints) -> list[tuple[int, int]]:
    """Return pairs of Turkish guests who are one family; nobody is in two."""
    ours = rng.permutation(np.flatnonzero(country == TURKISH))
    n_pairs = round(country.size * SHARED_EMAIL_PAIRS)
    return list(zip(ours[:n_pairs].tolist(), ours[n_pairs : 2 * n_pairs].tolist(), strict=True))


def _emails(
    rng: Rng,
    country: Ints,
    born: Ints,
    names: tuple[list[str], list[str]],
    family: list[tuple[int, int]],
) -> tuple[list[str], Bools]:
    """Return an address per guest, unlike all others but for the families, and who shares one."""
    n = country.size
    shared = np.zeros(n, dtype=np.bool_)
    shared[[i for pair in family for i in pair]] = True
    missing = happens(rng, NO_EMAIL_SHARE, n) & ~shared
    style = pick(rng, (30, 14, 12, 10, 14, 10), n)
    at_home = pick(rng, (46, 20, 15, 12, 7), n)
    abroad = pick(rng, (50, 25, 15, 10), n)
    emails: list[str] = []
    taken: set[str] = set()
    for i, (first, last) in enumerate(zip(*names, strict=True)):
        domain = (
            DOMAINS_TURKISH[at_home[i]] if country[i] == TURKISH else DOMAINS_FOREIGN[abroad[i]]
        )
        local = _local_part(first, last, day_of(int(born[i])).year, int(style[i]))
        address, again = f"{local}@{domain}", 1
        while address in taken:
            again += 1
            address = f"{local}{again}@{domain}"
        taken.add(address)
        emails.append("" if missing[i] else address)
    for one, other in family:
        emails[other] = emails[one]
    return emails, shared


def _local_part(first: str, last: str, year: int, style: int) -> str:
    given, surname = _ascii(first), _ascii(last)
    return (
        f"{given}.{surname}",
        f"{given}{surname}",
        f"{given[0]}{surname}",
        f"{given}_{surname}",
        f"{given}{surname}{year % 100:02d}",
        f"{given}.{surname}{year}",
    )[style]


def _ascii(name: str) -> str:
    key = text.name_key(name).translate(CYRILLIC_TO_LATIN).replace("ə", "e")
    return "".join(c for c in key if c.isascii() and c.isalnum())


def _phones(rng: Rng, country: Ints) -> list[str]:
    """Return a telephone number per guest in the spelling of whoever typed it.

    Zeros stand behind the operator's prefix, so that a number is seen to be made up (more than
    10,000 guests for each prefix would use them up).
    """
    phones = [""] * country.size
    for number, home in enumerate(COUNTRIES):
        guests = np.flatnonzero(country == number)
        missing = happens(rng, home.no_phone, guests.size)
        n_prefixes = len(home.mobile_prefixes)
        numbers = max(10_000 * n_prefixes, guests.size)
        serial = rng.choice(numbers, guests.size, replace=False)
        spelling = pick(rng, [share for share, _ in SPELLINGS], guests.size)
        for i, serial_i, spelling_i, no_phone in zip(
            guests.tolist(), serial.tolist(), spelling.tolist(), missing.tolist(), strict=True
        ):
            if no_phone:
                continue
            block, place = divmod(serial_i, n_prefixes)
            prefix = home.mobile_prefixes[place]
            digits = f"{block:0{home.mobile_digits}d}"
            if number == TURKISH:
                phones[i] = SPELLINGS[spelling_i][1](prefix + digits)
            else:
                plus = "00" if spelling_i == 1 else "+"
                phones[i] = f"{plus}{home.calling_code} {prefix} {digits}"
    return phones
