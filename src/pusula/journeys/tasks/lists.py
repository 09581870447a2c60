"""Calls made elsewhere: a list as a file, and the outcomes that come back.

Who is on a list has passed the gate at the moment it was made, and is on no other list and in no
agent's hands until it ends. A row is known by its reference, so a file may be brought again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language, gettext, override

from pusula.journeys import actions
from pusula.journeys.language import DefinitionError
from pusula.journeys.models import Attempt, CallList, Task
from pusula.journeys.tasks import noting, scripts, taking
from pusula.journeys.tasks.noting import Said
from pusula.journeys.tasks.results import CALL_BACK, REFUSALS, RESULTS
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.spreadsheets import bare, guarded
from pusula.lib.text import fold

MOST = 5_000  # calls on one list
LONGEST = 24 * clock.HOUR  # then consent has to be asked again
MOST_BYTES = 5_000_000
# The columns in the languages of the files; either is understood.
COLUMNS: dict[str, tuple[str, str]] = {
    "reference": ("basvuru", "reference"),
    "customer": ("musteri_no", "customer"),
    "first_name": ("ad", "first_name"),
    "last_name": ("soyad", "last_name"),
    "phone": ("telefon", "phone"),
    "journey": ("senaryo", "journey"),
    "title": ("konu", "subject"),
    "script": ("metin", "script"),
    "outcomes": ("sonuclar", "outcomes"),
    "valid_until": ("gecerlilik", "valid_until"),
    "outcome": ("sonuc", "outcome"),
    "note": ("not", "note"),
    "call_back_at": ("yeniden_arama", "call_back_at"),
}
_NEEDED = ("reference", "outcome")
_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%d.%m.%Y %H:%M")


class ListError(PusulaError):
    """A file of outcomes cannot be read at all."""

    code = "call_list"
    status = 422


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a row: counted from 1 with the head, as a spreadsheet shows it."""

    row: int
    column: str
    problem: str


@dataclass
class Taken:
    """What became of a file of outcomes."""

    n_new: int = 0
    n_known: int = 0  # noted before: the same file, or part of it
    n_blank: int = 0  # not called yet
    wrong: list[Wrong] = field(default_factory=list)


def export(
    home: Path, *, by: str, journey: str = "", most: int = MOST, hours: int = 24, at: int
) -> tuple[CallList, str]:
    """Hand up to ``most`` calls over for ``hours``; return the list and its file.

    Each passes the gate now: who has refused, is suppressed or has had too much is left out.
    The file is CSV with semicolons and a byte order mark, in the active language.
    """
    until_at = at + min(max(hours, 1) * clock.HOUR, LONGEST)
    made = CallList.objects.create(created_at=at, created_by=by, until_at=until_at)
    taken = taking.take_list(
        made.holder, home, most=min(most, MOST), at=at, until_at=until_at, key=journey
    )
    made.n_calls = len(taken)
    made.save(update_fields=["n_calls"])
    return made, _written(made, taken, at)


def _written(made: CallList, taken: Sequence[int], at: int) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(shown(column) for column in COLUMNS)
    tasks = Task.objects.select_related(
        "message__content", "message__profile", "enrollment__journey"
    )
    found = tasks.in_bulk(taken)
    for pk in taken:
        writer.writerow(_row(made, found[pk], at))
    return f"\ufeff{out.getvalue()}"


def _row(made: CallList, task: Task, at: int) -> Iterator[str]:
    message = task.message
    if message is None:
        return
    script = scripts.script_of(message, at=at)
    person = message.profile
    until = clock.to_datetime(made.until_at, settings.PUSULA.time_zone)
    said = (
        f"L{made.pk}-{task.pk}", str(message.profile_id), person.first_name, person.last_name,
        message.address.removeprefix("+"), task.enrollment.journey.key, script.title, script.text,
        " | ".join(words(task).values()), f"{until:%Y-%m-%d %H:%M}", "", "", "",
    )  # fmt: skip
    for cell in said:
        yield guarded(" ".join(cell.replace("\0", "").split()))


def words(task: Task) -> dict[str, str]:
    """Return every outcome a call may have, by its key, in the active language."""
    language = "tr" if _is_turkish() else "en"
    try:
        own = {key: str(getattr(said, language)) for key, said in actions.outcomes(task).items()}
    except DefinitionError:  # its version speaks of what is gone
        own = {}
    return own | {key: str(said) for key, said in RESULTS.items() if key not in own}


def read(given: bytes) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a file of outcomes with their numbers; raise ``ListError``."""
    if len(given) > MOST_BYTES:
        raise ListError(gettext("This file is too large for a list of calls."))
    text = decoded(given)
    first = text.partition("\n")[0]
    separator = max(";,\t", key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text.replace("\0", "")), delimiter=separator))
    except csv.Error as error:
        raise ListError(
            gettext("This file cannot be read as CSV: %(why)s") % {"why": error}
        ) from error
    known = {name: column for column, names in COLUMNS.items() for name in (column, *names)}
    head = [known.get(fold(cell).strip(), "") for cell in lines[0]] if lines else []
    if missing := [column for column in _NEEDED if column not in head]:
        raise ListError(
            gettext(
                "The column %(column)s is missing: bring the file that was exported, filled in."
            )
            % {"column": shown(missing[0])}
        )
    return [
        (number, _cells(head, line))
        for number, line in enumerate(lines[1:], 2)
        if any(cell.strip() for cell in line)
    ]


def decoded(given: bytes) -> str:
    """Return the text of a file; spreadsheets in Turkey write code page 1254 still."""
    try:
        return given.decode("utf-8-sig")
    except UnicodeDecodeError:
        return given.decode("cp1254", "replace")


def _cells(head: Sequence[str], line: Sequence[str]) -> dict[str, str]:
    named = zip(head, line, strict=False)
    return {column: bare(cell.strip()) for column, cell in named if column}


def shown(column: str) -> str:
    """Return how a column is called in the active language."""
    return COLUMNS[column][0 if _is_turkish() else 1]


def _is_turkish() -> bool:
    return (get_language() or "en").startswith("tr")


def take_over(
    rows: Iterable[tuple[int, Mapping[str, str]]], home: Path, *, at: int, is_trial: bool = False
) -> Taken:
    """Note the outcomes of ``rows``; bad rows are told of and hold up nobody.

    A trial says what would become of them and changes nothing.
    """
    taken = Taken()
    seen: set[str] = set()
    for number, row in rows:
        try:
            _take_over(row, taken, seen, home, at, is_trial=is_trial)
        except _RowError as error:
            taken.wrong.append(Wrong(number, shown(error.column), error.said(gettext)))
        except PusulaError as error:
            taken.wrong.append(Wrong(number, shown("outcome"), error.said(gettext)))
    return taken


class _RowError(PusulaError):
    """A row cannot be taken over because of one column."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def _take_over(
    row: Mapping[str, str], taken: Taken, seen: set[str], home: Path, at: int, *, is_trial: bool
) -> None:
    key = row.get("reference", "").upper()
    call_list, task = _found(key)
    if not row.get("outcome"):
        taken.n_blank += 1
        return
    if key in seen or Attempt.objects.filter(key=_key(key)).exists():
        taken.n_known += 1
        return
    said = Said(_outcome(task, row["outcome"]), row.get("note", ""), _moment(row), key=_key(key))
    if said.result == CALL_BACK:
        try:
            noting.check_moment(task, said.again_at, at)
        except noting.OutcomeError as error:
            raise _RowError("call_back_at", error.said(gettext)) from error
    if said.result in REFUSALS and task.holder != call_list.holder:
        if not is_trial:
            noting.refuse_late(task.pk, said, by=call_list.holder, at=at)
        seen.add(key)
        taken.n_new += 1
        return
    _hold_again(task, call_list, home, at, is_trial=is_trial)
    if not is_trial:
        noting.note(task.pk, call_list.holder, said, at=at)
    seen.add(key)
    taken.n_new += 1


def _key(reference: str) -> str:
    return f"list:{reference}"[:80]


def _found(reference: str) -> tuple[CallList, Task]:
    number, _dash, pk = reference.removeprefix("L").partition("-")
    if reference.startswith("L") and number.isdecimal() and pk.isdecimal():
        call_list = CallList.objects.filter(pk=int(number[:15])).first()
        task = Task.objects.filter(pk=int(pk[:15]), is_call=True).select_related("message").first()
        if call_list is not None and task is not None and _may_have_held(call_list, task):
            return call_list, task
    raise _RowError("reference", gettext("No call was handed over under this reference."))


def _may_have_held(call_list: CallList, task: Task) -> bool:
    """Return whether a call has passed the gate since the list was made, as all on it have."""
    gated_at = task.message.gated_at if task.message is not None else None
    return gated_at is not None and gated_at >= call_list.created_at


def _outcome(task: Task, said: str) -> str:
    """Return the key of the outcome that a cell names, in either language."""
    wanted = fold(said).strip()
    for language in ("tr", "en"):
        with override(language):
            for key, title in words(task).items():
                if wanted in {fold(key), fold(title)}:
                    return key
    raise _RowError(
        "outcome",
        gettext("%(said)s is no outcome of this call; there are: %(known)s")
        % {"said": said, "known": ", ".join(words(task).values())},
    )


def _moment(row: Mapping[str, str]) -> int | None:
    told = row.get("call_back_at", "")
    if not told:
        return None
    for form in _FORMATS:
        with suppress(ValueError, OverflowError):
            wall = datetime.strptime(told, form)  # noqa: DTZ007 - it is of the company's zone
            return clock.from_datetime(wall, settings.PUSULA.time_zone)
    raise _RowError("call_back_at", gettext("Write a day and a time: 2026-06-01 14:30"))


def _hold_again(task: Task, call_list: CallList, home: Path, at: int, *, is_trial: bool) -> None:
    """See to it that a call is still with its list; one that went back in line is taken again."""
    if task.holder == call_list.holder:
        return
    if task.holder:
        raise _RowError("reference", gettext("Somebody else has this call in hand by now."))
    if task.closed_at is not None:
        raise _RowError("reference", gettext("This call is over: it was noted, or came too late."))
    if not is_trial and not taking.take_again(task.pk, call_list.holder, home, at=at):
        raise _RowError("reference", gettext("This person must not be called any more."))


def counted(taken: Taken) -> dict[str, Any]:
    """Return the numbers of a file as the audit log keeps them."""
    return {"n": taken.n_new, "known": taken.n_known, "wrong": len(taken.wrong)}


def end(call_list: CallList, *, at: int) -> int:
    """End a list now: what has no outcome is back in line; return how many calls."""
    with transaction.atomic():
        CallList.objects.filter(pk=call_list.pk, until_at__gt=at).update(until_at=at)
        Task.objects.filter(holder=call_list.holder).update(held_until_at=at)
    return taking.release_left(at=at)
