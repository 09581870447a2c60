"""Reads of profiles: everybody, those somebody looks for, and the facts of many at once."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from django.db import connection
from django.db.models import Q, QuerySet

from pusula.lake import rows
from pusula.lib.text import email_key, person_key
from pusula.profiles.models import Identifier, IdentifierKind, Profile, Trait, TraitChange

_NEAR = 5
_NEAR_LOOKED_AT = 5_000


def everybody() -> QuerySet[Profile]:
    """Return all profiles."""
    return Profile.objects.all()


def by_name(text: str) -> QuerySet[Profile]:
    """Return the profiles in whose name each word of ``text`` begins a word.

    Accents, case and the Turkish i's do not matter; a text without letters or digits finds nobody.
    """
    words = person_key(text).split()
    if not words:
        return Profile.objects.none()
    found = Profile.objects.all()
    for word in words:
        found = found.filter(Q(name_key__startswith=word) | Q(name_key__contains=f" {word}"))
    return found


def with_names_like(text: str, limit: int = _NEAR) -> list[Profile]:
    """Return a few profiles whose name begins like ``text`` and is written much like it."""
    key = person_key(text)
    if not key:
        return []
    begin = Profile.objects.filter(name_key__startswith=key[:2]).order_by("name_key", "id")
    names = dict.fromkeys(begin.values_list("name_key", flat=True)[:_NEAR_LOOKED_AT])
    near = get_close_matches(key, names, limit)
    found = Profile.objects.filter(name_key__in=near).order_by("name_key", "id")[:limit]
    return sorted(found, key=lambda profile: near.index(profile.name_key))


def by_identifier(kind: IdentifierKind, value: str) -> QuerySet[Profile]:
    """Return the profiles that hold ``value``, spelled as identifiers are (see ``contacts``)."""
    return Profile.objects.filter(
        id__in=Identifier.objects.filter(kind=kind, value=value).values("profile_id")
    )


def by_email_start(text: str) -> QuerySet[Profile]:
    """Return the profiles that hold an e-mail address beginning with ``text``, in any case."""
    held = Identifier.objects.filter(kind=IdentifierKind.EMAIL, value__startswith=email_key(text))
    return Profile.objects.filter(id__in=held.values("profile_id"))


def by_key(number: str, systems: Iterable[str]) -> QuerySet[Profile]:
    """Return the profiles whose number in one of ``systems`` is ``number`` (or ``pms:number``)."""
    values = [number, *(f"{system}:{number}" for system in systems)]
    held = Identifier.objects.filter(kind=IdentifierKind.KEY, value__in=values)
    return Profile.objects.filter(id__in=held.values("profile_id"))


def page(profiles: QuerySet[Profile], after: Profile | None, limit: int) -> list[Profile]:
    """Return the next ``limit`` of ``profiles`` behind ``after`` by name, the nameless last."""
    if after is None or after.name_key:
        named = profiles.exclude(name_key="")
        if after is not None:
            behind = Q(name_key__gt=after.name_key) | Q(name_key=after.name_key, id__gt=after.pk)
            named = named.filter(behind)
        found = list(named.order_by("name_key", "id")[:limit])
        after = None
    else:
        found = []
    nameless = profiles.filter(name_key="")
    if after is not None:
        nameless = nameless.filter(id__gt=after.pk)
    return found + list(nameless.order_by("id")[: limit - len(found)])


def identifiers_of(profile_id: int) -> QuerySet[Identifier]:
    """Return the identifiers of a profile by kind, the newest of each first."""
    held = Identifier.objects.filter(profile_id=profile_id)
    return held.order_by("kind", "-recorded_at", "-id")


# From each name straight to the next one: "distinct" would read every row of a long table.
_HELD = """
with recursive held(name) as (
    select min({column}) from {table}
    union all
    select (select min({column}) from {table} where {column} > held.name)
    from held where held.name is not null
)
"""
_KINDS = f"""{_HELD.format(table="profiles_trait", column="name")}
select name, (select kind from profiles_trait t where t.name = held.name limit 1)
from held where name is not null
"""
_MODELS = f"""{_HELD.format(table="profiles_score", column="model")}
select name from held where name is not null
"""


def trait_kinds() -> dict[str, str]:
    """Return the kind of every trait that somebody has, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_KINDS)
        return dict(cursor.fetchall())


def score_models() -> list[str]:
    """Return the names of the models that gave somebody a score, sorted."""
    with connection.cursor() as cursor:
        cursor.execute(_MODELS)
        return sorted(name for (name,) in cursor.fetchall())


def trait_kind(name: str) -> str | None:
    """Return the kind of the trait ``name``; ``None`` if nobody has it."""
    return Trait.objects.filter(name=name).values_list("kind", flat=True).first()


def traits_of(profile_id: int) -> dict[str, Trait]:
    """Return the traits of a profile by name."""
    held = Trait.objects.filter(profile_id=profile_id).order_by("name")
    return {trait.name: trait for trait in held}


def texts_of(profile_ids: Iterable[int], name: str) -> dict[int, str]:
    """Return the trait ``name`` of each profile that has it, as text."""
    found: dict[int, str] = {}
    for part in rows.parts(profile_ids):
        held = Trait.objects.filter(name=name, profile_id__in=part)
        found.update(held.values_list("profile_id", "text"))
    return found


def holders(kind: IdentifierKind, values: Iterable[str]) -> dict[str, list[int]]:
    """Return who holds each of ``values``: profile ids, ascending; nobody's values are missing."""
    found: dict[str, list[int]] = {}
    for part in rows.parts(set(values)):
        held = Identifier.objects.filter(kind=kind, value__in=part).order_by("profile_id")
        for value, profile_id in held.values_list("value", "profile_id"):
            found.setdefault(value, []).append(profile_id)
    return found


def values_of(kind: IdentifierKind, profile_ids: Iterable[int]) -> set[str]:
    """Return every identifier of ``kind`` that these profiles hold."""
    found: set[str] = set()
    for part in rows.parts(profile_ids):
        held = Identifier.objects.filter(kind=kind, profile_id__in=part)
        found.update(held.values_list("value", flat=True))
    return found


def firm_traits(profile_ids: Iterable[int], names: Iterable[str]) -> set[tuple[int, str]]:
    """Return profile and name of those of the traits ``names`` that not just anybody has told."""
    found: set[tuple[int, str]] = set()
    asked = list(names)
    for part in rows.parts(profile_ids):
        told = TraitChange.objects.filter(profile_id__in=part, name__in=asked, changed_at__gte=0)
        found.update(told.values_list("profile_id", "name").distinct())
    return found


def is_loose(name: str) -> bool:
    """Say whether browsers alone have told the trait ``name``, of whomever."""
    told = TraitChange.objects.filter(name=name)
    return told.exists() and not told.filter(changed_at__gte=0).exists()


def named(profile_ids: Iterable[int]) -> set[int]:
    """Return whose name is known."""
    found: set[int] = set()
    for part in rows.parts(profile_ids):
        held = Profile.objects.filter(pk__in=part).exclude(name_key="")
        found.update(held.values_list("pk", flat=True))
    return found
