"""What is recommended to each profile, and what is bought together: written and read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Count, QuerySet

from pusula.lake import rows
from pusula.predict import bought
from pusula.predict.models import Companion, ModelVersion, Recommendation
from pusula.predict.taste import baskets
from pusula.predict.training import Recommended
from pusula.profiles import holding

_LISTS, _COMPANIONS = "predict_recommendation", "predict_companion"
_LIST_COLUMNS = (
    "version_id",
    "profile_id",
    "rank",
    "code",
    "name",
    "reason_code",
    "reason_name",
    "score",
)
_COMPANION_COLUMNS = (
    "version_id",
    "with_code",
    "with_name",
    "rank",
    "code",
    "name",
    "together",
    "support",
    "confidence",
    "lift",
)


def keep(version: ModelVersion, found: Recommended | None) -> None:
    """Write what a version recommends in place of what earlier versions did; nothing: none.

    Who was merged or erased meanwhile is left out.
    """
    with transaction.atomic():
        earlier = ModelVersion.objects.filter(model=version.model).exclude(pk=version.pk)
        Recommendation.objects.filter(version__in=earlier).delete()
        Companion.objects.filter(version__in=earlier).delete()
        if found is not None:
            rows.insert(connection, _LISTS, _LIST_COLUMNS, _list_rows(version.pk, found))
            made = _companion_rows(version.pk, found)
            rows.insert(connection, _COMPANIONS, _COMPANION_COLUMNS, made)
            version.n_scored = n_people(version)
            version.save(update_fields=["n_scored"])


def _list_rows(version_id: int, found: Recommended) -> Iterator[tuple[Any, ...]]:
    there = np.isin(found.profile_ids, holding.hold_many(np.unique(found.profile_ids)))
    columns = (found.profile_ids, found.ranks, found.scores)
    ids, ranks, scores = (column.tolist() for column in columns)
    for i in np.flatnonzero(there).tolist():
        code, reason = found.codes[i], found.reasons[i]
        names = _name(found, code), _name(found, reason)
        yield version_id, ids[i], ranks[i], code, names[0], reason, names[1], scores[i]


def _companion_rows(version_id: int, found: Recommended) -> Iterator[tuple[Any, ...]]:
    for with_code, some in groupby(found.companions, key=lambda one: one.with_code):
        for rank, one in enumerate(some, 1):
            names = _name(found, with_code), _name(found, one.code)
            figures = one.together, one.support, one.confidence, one.lift
            yield version_id, with_code, names[0], rank, one.code, names[1], *figures


def _name(found: Recommended, code: str) -> str:
    return found.names.get(code, code)


def of_profile(profile_id: int) -> dict[str, list[Recommendation]]:
    """Return what is recommended to a profile by the current version of each model, best first.

    What the profile has got since the version was made is left out.
    """
    held = Recommendation.objects.filter(profile_id=profile_id, version__is_current=True)
    found: dict[str, list[Recommendation]] = {}
    for one in held.select_related("version").order_by("version__model", "rank"):
        found.setdefault(one.version.model, []).append(one)
    for kind in bought.KINDS:
        if kind.model in found:
            had = kind.had(profile_id)
            found[kind.model] = [one for one in found[kind.model] if one.code not in had]
    return {model: listed for model, listed in found.items() if listed}


def firsts(version: ModelVersion, limit: int = 10) -> list[dict[str, Any]]:
    """Return what a version puts first most often: code, name, to how many people."""
    first = Recommendation.objects.filter(version=version, rank=1)
    counted = first.values("code", "name").annotate(n=Count("pk"))
    return list(counted.order_by("-n", "code")[:limit])


def people(version: ModelVersion, code: str = "") -> QuerySet[Recommendation]:
    """Return what a version puts first for each profile, only ``code`` if it is given."""
    found = Recommendation.objects.filter(version=version, rank=1).select_related("profile")
    return (found.filter(code=code) if code else found).order_by("-score", "pk")


def n_people(version: ModelVersion) -> int:
    """Return to how many people a version recommends anything."""
    return people(version).count()


def companions(version: ModelVersion, limit: int = 10) -> list[Companion]:
    """Return the pairs that are bought together most often, each pair once."""
    found = Companion.objects.filter(version=version).order_by("-together", "with_code", "rank")
    seen: set[frozenset[str]] = set()
    kept: list[Companion] = []
    for one in found[: limit * 4]:
        pair = frozenset((one.code, one.with_code))
        if pair not in seen and len(kept) < limit:
            kept.append(one)
        seen.add(pair)
    return kept


def pairs(version: ModelVersion, with_code: str | None = None) -> QuerySet[Companion]:
    """Return all companions that a version found, of one thing if it is named."""
    found = Companion.objects.filter(version=version).order_by("with_code", "rank")
    return found if with_code is None else found.filter(with_code=with_code)


def companions_of(model: str, codes: Iterable[str], limit: int = baskets.MOST) -> list[Companion]:
    """Return what is bought with any of ``codes`` and is none of them, most frequent first."""
    asked = list(dict.fromkeys(codes))
    held = Companion.objects.filter(version__model=model, version__is_current=True)
    found = held.filter(with_code__in=asked).exclude(code__in=asked)
    best: dict[str, Companion] = {}
    for one in found.order_by("-confidence", "-together", "code"):
        best.setdefault(one.code, one)
    return list(best.values())[:limit]
