"""The file that tells whom another system treated and whom it held out."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from pusula.campaigns.definitions import Adoption, AssignmentFile, DefinitionError
from pusula.campaigns.models import Arm
from pusula.lake import rows
from pusula.lib import clock
from pusula.lib.sayings import Saying
from pusula.lib.text import fold
from pusula.profiles.models import Identifier, IdentifierKind

_SEPARATORS = ";,\t"
_REASON_SIZE = 100
_FIELDS = ("profile_key", "arm", "variant", "assigned_at", "reason")


@dataclass(frozen=True)
class Assigned:
    """What was decided about one profile."""

    profile_id: int
    arm: Arm
    assigned_at: int
    variant: str = ""
    reason: str = ""


@dataclass(frozen=True)
class _Row:
    line: int
    key: str
    arm: Arm
    variant: str
    reason: str
    assigned_at: int


def read(file: Path, adoption: Adoption) -> list[Assigned]:
    """Return the assignments in ``file`` in its order.

    Raises ``DefinitionError`` that names line and column of the first row that cannot be used; a
    profile the company does not know is one.
    """
    found = list(_rows(file, adoption))
    profile_ids = _profile_ids({row.key for row in found})
    assigned: dict[int, Assigned] = {}
    for row in found:
        profile_id = profile_ids.get(row.key)
        if profile_id is None:
            raise DefinitionError(
                Saying(
                    "%(file)s: line %(line)s: no profile has the key %(key)r: "
                    "import the profiles first",
                    {"file": file, "line": row.line, "key": row.key},
                )
            )
        one = Assigned(profile_id, row.arm, row.assigned_at, row.variant, row.reason)
        if assigned.setdefault(profile_id, one) != one:
            raise DefinitionError(
                Saying(
                    "%(file)s: line %(line)s: the profile %(key)r is assigned differently before",
                    {"file": file, "line": row.line, "key": row.key},
                )
            )
    return list(assigned.values())


def _rows(file: Path, adoption: Adoption) -> Iterator[_Row]:
    shape = adoption.assignments
    started_at = _moment(adoption.started_at, shape) if adoption.started_at else None
    known_variants = adoption.variant_shares
    for line, cells in _cells(file, shape):
        place = f"{file}: line {line}"
        arm = _arm(cells["arm"], shape, place)
        variant = cells["variant"] if arm is Arm.TREATED else ""
        if arm is Arm.TREATED and variant not in (known_variants or {""}):
            names = ", ".join(known_variants) or "the variants: list them in variants"
            raise DefinitionError(
                Saying(
                    "%(place)s: variant: %(variant)r is none of %(names)s",
                    {"place": place, "variant": variant, "names": names},
                )
            )
        try:
            at = _moment(cells["assigned_at"], shape) if cells["assigned_at"] else started_at
        except DefinitionError as error:
            raise DefinitionError(
                Saying(
                    "%(place)s: %(field)s: %(why)s",
                    {"place": place, "field": "assigned_at", "why": error.saying},
                )
            ) from error
        if at is None:
            raise DefinitionError(
                Saying(
                    "%(place)s: assigned_at: nobody says when: fill the column or set started_at",
                    {"place": place},
                )
            )
        key = cells["profile_key"]
        if not key:
            raise DefinitionError(Saying("%(place)s: profile_key: is empty", {"place": place}))
        whole = f"{shape.source}:{key}" if shape.source else key
        yield _Row(line, whole, arm, variant, cells["reason"][:_REASON_SIZE], at)


def _cells(file: Path, shape: AssignmentFile) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and our fields of each row."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DefinitionError(
            Saying("%(file)s: cannot be read: %(why)s", {"file": file, "why": error.strerror})
        ) from error
    except UnicodeDecodeError as error:
        raise DefinitionError(
            Saying("%(file)s: is not UTF-8 text: save it as CSV UTF-8", {"file": file})
        ) from error
    lines = text.splitlines()
    if not lines:
        raise DefinitionError(Saying("%(file)s: is empty", {"file": file}))
    separator = max(_SEPARATORS, key=lines[0].count)
    reader = csv.reader(lines, delimiter=separator)
    header = [name.strip() for name in next(reader)]
    places = _places(file, header, shape)
    for row in reader:
        if not any(row):
            continue
        if len(row) != len(header):
            raise DefinitionError(
                Saying(
                    "%(file)s: line %(line_num)s: %(n)s cells under %(n2)s headings",
                    {"file": file, "line_num": reader.line_num, "n": len(row), "n2": len(header)},
                )
            )
        cells = {field: row[at].strip() if at is not None else "" for field, at in places.items()}
        yield reader.line_num, cells


def _places(file: Path, header: list[str], shape: AssignmentFile) -> dict[str, int | None]:
    named: dict[str, str] = {str(field): name for field, name in shape.columns.items()}
    places: dict[str, int | None] = {}
    for field in _FIELDS:
        name = named.get(field, field)
        if name in header:
            places[field] = header.index(name)
        elif field in named or field in {"profile_key", "arm"}:
            raise DefinitionError(
                Saying(
                    "%(file)s: line 1: there is no column %(name)r for %(field)s; "
                    "there are: %(known)s",
                    {"file": file, "name": name, "field": field, "known": ", ".join(header)},
                )
            )
        else:
            places[field] = None
    return places


def _arm(word: str, shape: AssignmentFile, place: str) -> Arm:
    words = {fold(arm.value): arm for arm in Arm}
    words |= {fold(given): Arm(arm) for given, arm in shape.values.items()}
    arm = words.get(fold(word))
    if arm is None:
        raise DefinitionError(
            Saying(
                "%(place)s: arm: %(word)r is none of %(known)s; say in assignments.values what "
                "it means",
                {"place": place, "word": word, "known": ", ".join(words)},
            )
        )
    return arm


def _moment(text: str, shape: AssignmentFile) -> int:
    formats = (shape.dates,) if isinstance(shape.dates, str) and shape.dates else shape.dates
    zone = settings.PUSULA.time_zone
    for form in formats:
        try:
            return clock.from_datetime(datetime.strptime(text, form), zone)  # noqa: DTZ007
        except ValueError:
            continue
    try:
        return clock.from_datetime(datetime.fromisoformat(text), zone)
    except ValueError as error:
        raise DefinitionError(
            Saying("%(text)r is no date such as 2026-11-09 14:30", {"text": text})
        ) from error


def _profile_ids(keys: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    identifiers = Identifier.objects.filter(kind=IdentifierKind.KEY)
    for part in rows.parts(sorted(keys)):
        found.update(identifiers.filter(value__in=part).values_list("value", "profile_id"))
    return found
