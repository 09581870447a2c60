"""What a template may say about a person: its variables, and their values for many at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection

from pusula.lake import rows
from pusula.lib import clock
from pusula.outbox import recommended
from pusula.profiles.models import Trait, TraitKind
from pusula.segments import catalog

_FIXED = (
    "profile.first_name",
    "profile.last_name",
    "profile.name",
    "company.name",
    "company.currency",
    "today",
    *recommended.NAMES,
    "message.*",  # what one message says beyond the profile: an order number, a coupon
    "unsubscribe_url",
    "preferences_url",
)
# Read for every message that leaves.
_PERSON = "select id, first_name, last_name from profiles_profile where id in"
_SAID = """
select profile_id, name, kind, text, number, day from profiles_trait where profile_id in"""
_TEXT = TraitKind.TEXT.value
_SCORED = """
select profile_id, model, value from profiles_score scored where not exists (
  select 1 from profiles_score later
  where later.profile_id = scored.profile_id and later.model = scored.model
    and later.scored_at > scored.scored_at
) and profile_id in"""


class Scores(Mapping[str, float]):
    """The newest scores of a person by model, read for all of ``people`` when one is asked for.

    Few templates speak of scores, and all that leave would pay for them.
    """

    def __init__(self, profile_id: int, people: _Scored) -> None:
        """Know whose they are, and with whom they are read."""
        self._profile_id, self._people = profile_id, people

    def __getitem__(self, model: str) -> float:
        """Return the score by ``model``."""
        return self._of_mine()[model]

    def __iter__(self) -> Iterator[str]:
        """Yield the models that gave a score."""
        return iter(self._of_mine())

    def __len__(self) -> int:
        """Return how many models gave a score."""
        return len(self._of_mine())

    def _of_mine(self) -> dict[str, float]:
        return self._people.read().get(self._profile_id, {})


class _Scored:
    """The scores of the people whose variables are asked for together."""

    def __init__(self, profile_ids: Collection[int]) -> None:
        self._profile_ids = profile_ids
        self._found: dict[int, dict[str, float]] | None = None

    def read(self) -> dict[int, dict[str, float]]:
        """Return the newest scores by profile and model."""
        if self._found is None:
            self._found = {}
            for pk, model, value in rows.select(connection, _SCORED, self._profile_ids):
                self._found.setdefault(pk, {})[model] = value
        return self._found


def names() -> set[str]:
    """Return every variable there is, dotted: the fixed ones, and those of traits and scores."""
    traits = Trait.objects.order_by().values_list("name", flat=True).distinct()
    found = set(_FIXED) | {f"scores.{model}" for model in catalog.schema().models or ()}
    for name in {*traits, *catalog.COMPUTED_TRAITS}:
        found |= {f"traits.{name}", f"traits[{name!r}]"}
    return found


def values(profile_ids: Collection[int], *, at: int) -> dict[int, dict[str, Any]]:
    """Return the variables of each profile by id; who is gone is missing. ``at`` sets today."""
    company = settings.PUSULA
    shared = {
        "company": {"name": company.name, "currency": company.currency},
        "today": clock.day_of(at, company.time_zone),
    }
    found: dict[int, dict[str, Any]] = {}
    scored = _Scored(profile_ids)
    for pk, first_name, last_name in rows.select(connection, _PERSON, profile_ids):
        name = f"{first_name} {last_name}".strip()
        profile = {"first_name": first_name, "last_name": last_name, "name": name}
        found[pk] = {**shared, "profile": profile, "traits": {}}
        found[pk]["scores"] = Scores(pk, scored)
    for pk, name, kind, text, number, day in rows.select(connection, _SAID, profile_ids):
        if pk in found:
            said = text if kind == _TEXT else _value(kind, text, number, day)
            found[pk]["traits"][name] = said
    return found


def _value(kind: str, text: str, number: float | None, day: date | str | None) -> object:
    if kind == TraitKind.LIST:
        return text.split("\n")
    if kind == TraitKind.DAY:
        return date.fromisoformat(day) if isinstance(day, str) else day
    if kind == TraitKind.BOOL:
        return bool(number)
    return int(number) if number is not None and number.is_integer() else number
