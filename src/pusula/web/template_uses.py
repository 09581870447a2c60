"""Who uses a template, and what its versions said: for the pages."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from django.db.models import Count

from pusula.campaigns import words
from pusula.campaigns.models import FrozenTemplate, TemplateVersion
from pusula.campaigns.templates import Says
from pusula.journeys import queries
from pusula.journeys.models import Journey
from pusula.outbox.models import Message
from pusula.segments import spoken

_MOST_LINES = 200


def journeys() -> dict[str, list[tuple[str, str]]]:
    """Return key and title of the published journeys that name a template, by its name."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    current = Journey.objects.exclude(version=None).select_related("version").order_by("key")
    for journey in current:
        if journey.version is None:
            continue
        shown = queries.title(journey, spoken.language())
        for name in sorted(set(_named(journey.version.definition))):
            found[name].append((journey.key, shown))
    return dict(found)


def n_messages(versions: Sequence[TemplateVersion]) -> dict[int, int]:
    """Return how many messages were asked for with the words of each version."""
    frozen = FrozenTemplate.objects.filter(version__in=versions)
    of = dict(frozen.values_list("content_id", "version_id"))
    counted = Message.objects.filter(content_id__in=list(of)).values_list("content_id")
    found: dict[int, int] = defaultdict(int)
    for content_id, n in counted.annotate(n=Count("id")).order_by():
        found[of[content_id]] += n
    return dict(found)


def changes(
    version: TemplateVersion, before: TemplateVersion | None
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return what is new in a version: language, name of the part, lines with ``+`` or ``-``."""
    if before is None:
        return []
    found = []
    for tag in sorted({*version.says, *before.says}):
        new = dict(_parts(Says.of(version.says.get(tag, {}))))
        old = dict(_parts(Says.of(before.says.get(tag, {}))))
        for name in dict.fromkeys([*new, *old]):
            lines = difflib.ndiff(old.get(name, "").splitlines(), new.get(name, "").splitlines())
            marked = [(line[0], line[2:]) for line in lines if line[0] in "+-"]
            if marked:
                found.append((tag, name, marked[:_MOST_LINES]))
    return found


def said(version: TemplateVersion) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what a version said: language, and each part that says something with its name."""
    return [(tag, list(_parts(Says.of(one)))) for tag, one in sorted(version.says.items())]


def _parts(says: Says) -> Iterator[tuple[str, str]]:
    for name in ("subject", "preheader", "html", "text"):
        if text := getattr(says, name):
            yield words.part_of(name), text
    for name, value in says.details.items():
        shown = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
        if shown:
            yield words.part_of(f"details.{name}"), shown


def _named(told: object) -> Iterator[str]:
    """Yield the names of templates anywhere in the definition of a journey."""
    if isinstance(told, Mapping):
        for key, value in told.items():
            if key == "template" and isinstance(value, str):
                yield value
            elif key == "template" and isinstance(value, Mapping):
                yield from (name for name in value.values() if isinstance(name, str))
            else:
                yield from _named(value)
    elif isinstance(told, list):
        for value in told:
            yield from _named(value)
