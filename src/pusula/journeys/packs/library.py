"""The packs that come with the program: what each brings in a flavour and a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import urlsplit

from pusula.journeys.packs.letters import LANGUAGES, Letter, letter
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.segments.language.documents import read_yaml
from pusula.segments.language.nodes import Words
from pusula.segments.language.place import hint, shown

FLAVOURS = ("hotel", "shop")
EXAMPLE_SITE = "https://www.example.com"  # stands in the links until the company says its own
_LONGEST_SITE = 200
_UNFIT = frozenset(" \t\r\n\"'<>{}$\\")  # what would end a link, or begin something else


class PackError(PusulaError):
    """There is no such pack, or not in this flavour or language."""

    code = "pack"


@dataclass(frozen=True, slots=True)
class Pack:
    """A ready scenario as a list shows it; ``flavours`` are those it comes in."""

    name: str
    title: Words
    about: Words
    kpis: tuple[Words, ...]
    flavours: tuple[str, ...]

    def titled(self, language: str) -> str:
        """Return what it is called in ``language`` ("tr"; any other: English)."""
        return self.title.tr if language == "tr" else self.title.en


@dataclass(frozen=True, slots=True)
class Scenario:
    """A pack in one flavour: a journey as it is written, and its templates.

    ``language`` is what everybody reads of whom no other is known. ``traits`` are those the
    journey asks for by kind; ``window_days`` is how long after coming in an order counts for it.
    """

    pack: Pack
    flavour: str
    language: str
    document: Mapping[str, Any]
    letters: tuple[Letter, ...]
    traits: Mapping[str, str]
    window_days: int
    has_site: bool

    @property
    def key(self) -> str:
        """The key of the journey."""
        return str(self.document["journey"])


def all_packs() -> tuple[Pack, ...]:
    """Return the packs in the order of a customer's life."""
    return tuple(_pack(name) for name in _ORDER)


def load(name: str, flavour: str, language: str, *, site: str = "") -> Scenario:
    """Return the pack ``name`` in a flavour; ``site`` is where its buttons lead.

    Its templates are called in ``language`` and speak it to everybody, and the other to those who
    are known to read it.
    Raises ``PackError`` for what there is not, with what there is.
    """
    _one_of(name, _ORDER, Saying("pack"))
    pack = _pack(name)
    _one_of(flavour, pack.flavours, Saying("flavour"))
    _one_of(language, LANGUAGES, Saying("language"))
    told = _file(name)["flavours"][flavour]
    title = told["journey"]["title"][language]
    address = _site(site) if site else EXAMPLE_SITE
    letters = {
        short: letter(f"{title} – {said['name'][language]}", said, flavour, address)
        for short, said in told["templates"].items()
    }
    full = {short: one.name for short, one in letters.items()}
    return Scenario(
        pack=pack,
        flavour=flavour,
        language=language,
        document=_named(told["journey"], full),
        letters=tuple(letters.values()),
        traits=MappingProxyType(told.get("traits", {})),
        window_days=_file(name)["window_days"],
        has_site=bool(site),
    )


_ORDER = (
    "abandoned-booking", "abandoned-search", "price-drop", "onboarding", "pre-arrival-upsell",
    "in-stay-cross-sell", "post-stay-review", "next-order", "birthday", "seasonal-return",
    "win-back",
)  # fmt: skip


@cache
def _file(name: str) -> dict[str, Any]:
    text = resources.files("pusula.journeys.packs") / "scenarios" / f"{name}.yaml"
    return cast("dict[str, Any]", read_yaml(text.read_text(encoding="utf-8")))


@cache
def _pack(name: str) -> Pack:
    told = _file(name)
    return Pack(
        name=name,
        title=Words(**told["title"]),
        about=Words(**told["about"]),
        kpis=tuple(Words(**one) for one in told["kpis"]),
        flavours=tuple(told["flavours"]),
    )


def _named(part: Any, full: Mapping[str, str]) -> Any:
    """Return a copy of a document in which ways name templates as they will be called."""
    if isinstance(part, dict):
        return {
            word: full[below] if word == "template" else _named(below, full)
            for word, below in part.items()
        }
    return [_named(each, full) for each in part] if isinstance(part, list) else part


def _site(address: str) -> str:
    parts = urlsplit(address)
    is_fit = parts.scheme in {"https", "http"} and parts.hostname and not _UNFIT & set(address)
    if not is_fit or len(address) > _LONGEST_SITE:
        raise PackError(
            Saying(
                "%(address)r is no address of a site: write it as https://www.example.com",
                {"address": address[:80]},
            )
        )
    return address


def _one_of(word: str, known: tuple[str, ...], what: Saying) -> None:
    if word not in known:
        values = {"what": what, "word": shown(word), "hint": hint(word, known)}
        raise PackError(Saying("there is no %(what)s %(word)s; %(hint)s", values))
