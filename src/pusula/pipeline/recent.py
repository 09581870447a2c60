"""The newest entries of the log as a person looks at them: what, from where, what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec
from django.db import connections

from pusula.events.models import Event
from pusula.lib.sayings import Saying
from pusula.pipeline import queries
from pusula.pipeline.models import Quarantine
from pusula.pipeline.refusals import PARTLY
from pusula.pipeline.router import LOG
from pusula.profiles.models import Identifier, IdentifierKind

MESSAGE = "message"
TYPES = ("track", "identify", "page", "screen", "group", "alias")
KINDS = ("event", "order", "trait", "consent")
# So far back from the newest entry is looked for those that were asked for; a source that has been
# silent for longer shows by its own last moment.
LOOK_BACK = 20_000
_PAGE = 200
_SHOWN_OF_NAME = 80

_LOOK = f"""
select id, kind, source, message_id,
       case when length(body) <= {queries.LONGEST_BODY} then body end, occurred_at, recorded_at
from pipeline_logentry
where id < %s and id > %s{{more}}
order by id desc limit %s
"""


ERASED = "erased"  # the type of an entry whose person was erased


class State(StrEnum):
    """What became of an entry; ``partly``: some of it was taken over, the rest put aside."""

    ACCEPTED = "accepted"
    WAITING = "waiting"
    PARTLY = "partly"
    QUARANTINED = "quarantined"


ASIDE = (State.PARTLY, State.QUARANTINED)
_TAKEN = (State.PARTLY, State.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries are wanted; what is empty does not matter.

    ``type`` is a kind of entries or a type of tracking messages.
    """

    source: str = ""
    type: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry, and what became of it.

    ``at`` is when it was, where that is known; ``profile_id`` whom it reached.
    """

    id: int
    source: str
    type: str
    name: str
    message_id: str
    recorded_at: int
    state: State
    is_trusted: bool
    reason: Saying | str = ""
    n_tries: int = 0
    at: int | None = None
    taken_at: int | None = None
    profile_id: int | None = None

    @property
    def is_message(self) -> bool:
        """Whether it came through the tracking API."""
        return self.type in TYPES


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first, and behind which number the next page begins (``None``: none)."""

    entries: list[Seen]
    before: int | None


class _Rules(msgspec.Struct, frozen=True):
    user_ids: Any = ""


class _Message(msgspec.Struct, rename="camel", frozen=True):
    event: Any = None
    name: Any = None
    user_id: Any = None
    anonymous_id: Any = None


class _Body(msgspec.Struct):
    """What is read of a body: the envelope of a message, or what adapters and files tell."""

    type: Any = ""
    trusted: Any = False
    message: _Message = _Message()
    rules: _Rules = _Rules()
    name: Any = None
    source_id: Any = None
    channel: Any = None
    key: Any = None
    profile: Any = None


_READ = msgspec.json.Decoder(_Body)


def page(asked: Asked, before: int | None = None, size: int = 50) -> Page:
    """Return at most ``size`` entries with numbers below ``before``, the newest first."""
    found = []
    for part in _parts(asked, before):
        found += part
        if len(found) > size:
            break
    shown = found[:size]
    return Page(_seen(shown), shown[-1][0].id if len(found) > size else None)


def one(entry_id: int) -> tuple[Seen, str | None] | None:
    """Return an entry and its body as it came (``None``: too long to show), if there is one."""
    logged = queries.entries([entry_id])
    if not logged:
        return None
    aside = Quarantine.objects.in_bulk([entry_id], field_name="entry_id")
    state = _state(logged[0], aside, queries.offset().entry_id)
    return _seen([(logged[0], state, aside)])[0], logged[0].body


def sources() -> list[str]:
    """Return the sources of the newest entries, in the order of their names."""
    newest = queries.head()
    with connections[LOG].cursor() as cursor:
        cursor.execute(
            "select distinct source from pipeline_logentry where id > %s", [newest - LOOK_BACK]
        )
        return sorted(row[0] for row in cursor.fetchall())


_Found = tuple[queries.Logged, State, Mapping[int, Quarantine]]


def _parts(asked: Asked, before: int | None) -> Iterator[list[_Found]]:
    """Yield the entries that are wanted, some at a time."""
    read = queries.offset().entry_id
    newest = queries.head()
    before = min(before or newest + 1, newest + 1)
    if asked.state in ASIDE:
        yield from _aside(asked, before)
        return
    least = read if asked.state == State.WAITING else newest - LOOK_BACK
    condition, given = _condition(asked)
    while True:
        with connections[LOG].cursor() as cursor:
            cursor.execute(_LOOK.format(more=condition), [before, least, *given, _PAGE])
            logged = [queries.Logged(*row) for row in cursor.fetchall()]
        aside = Quarantine.objects.in_bulk([each.id for each in logged], field_name="entry_id")
        with_state = [(each, _state(each, aside, read), aside) for each in logged]
        yield [each for each in with_state if asked.state in {"", each[1]}]
        if len(logged) < _PAGE:
            return
        before = logged[-1].id


def _aside(asked: Asked, before: int) -> Iterator[list[_Found]]:
    """Yield what is in quarantine, however old it is."""
    rows = Quarantine.objects.filter(entry_id__lt=before).order_by("-entry_id")
    if asked.source:
        rows = rows.filter(source=asked.source)
    while held := list(rows[:_PAGE]):
        aside = {row.entry_id: row for row in held}
        logged = sorted(queries.entries(list(aside)), key=lambda each: -each.id)
        found = [(each, _state(each, aside, before), aside) for each in logged]
        yield [one for one in found if one[1] == asked.state and _is_of(one[0], asked.type)]
        rows = rows.filter(entry_id__lt=held[-1].entry_id)


def _condition(asked: Asked) -> tuple[str, list[str]]:
    more, given = "", []
    if asked.source:
        more, given = " and source = %s", [asked.source]
    if asked.type in TYPES:  # as the tracking API writes its envelopes
        more += " and kind = %s and body like %s"
        given += [MESSAGE, f'{{"type":"{asked.type}",%']
    elif asked.type:
        more += " and kind = %s"
        given.append(asked.type)
    return more, given


def _is_of(logged: queries.Logged, wanted: str) -> bool:
    return wanted in {"", logged.kind} or _body(logged).type == wanted


def _state(logged: queries.Logged, aside: Mapping[int, Quarantine], read: int) -> State:
    if logged.id in aside:
        is_rest = aside[logged.id].reason.startswith(PARTLY)
        return State.PARTLY if is_rest else State.QUARANTINED
    return State.WAITING if logged.id > read else State.ACCEPTED


def _body(logged: queries.Logged) -> _Body:
    """Return what can be read of an entry; whatever is wrong with it is said elsewhere."""
    try:
        return _READ.decode(logged.body or "{}")
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return _Body()


def _seen(found: Sequence[_Found]) -> list[Seen]:
    bodies = [_body(logged) for logged, _state, _aside in found]
    seen = [_one(*each, body) for each, body in zip(found, bodies, strict=True)]
    return _with_whom(seen, bodies)


def _one(
    logged: queries.Logged, state: State, aside: Mapping[int, Quarantine], body: _Body
) -> Seen:
    is_message = logged.kind == MESSAGE
    named = (body.message.event, body.message.name, body.name, body.source_id, body.channel)
    row = aside.get(logged.id)
    return Seen(
        id=logged.id,
        source=logged.source,
        type=_type(logged, body),
        name=next((text[:_SHOWN_OF_NAME] for text in named if text and isinstance(text, str)), ""),
        message_id=logged.message_id,
        recorded_at=logged.recorded_at,
        state=state,
        is_trusted=body.trusted is True or not is_message,
        reason=row.why if row else "",
        n_tries=row.n_tries if row else 0,
        at=logged.occurred_at,
    )


def _type(logged: queries.Logged, body: _Body) -> str:
    if logged.body == queries.TOMBSTONE:
        return ERASED
    return body.type if logged.kind == MESSAGE and body.type in TYPES else logged.kind


def _with_whom(seen: Sequence[Seen], bodies: Sequence[_Body]) -> list[Seen]:
    """Return entries with the profiles they reached, and when what they say was and was written."""
    taken = [one for one in seen if one.state in _TAKEN]
    events = {
        event.dedupe_key: event
        for event in Event.objects.filter(dedupe_key__in=[one.message_id for one in taken]).only(
            "dedupe_key", "profile_id", "at", "recorded_at"
        )
    }
    clues = {one.id: _clues(one, body) for one, body in zip(seen, bodies, strict=True)}
    held = _held(clue for one in taken for clue in clues[one.id])
    found = []
    for one in seen:
        event = events.get(one.message_id)
        if event is not None and one.state in _TAKEN:
            found.append(
                replace(one, profile_id=event.profile_id, at=event.at, taken_at=event.recorded_at)
            )
        elif one.state in _TAKEN:
            whom = next((held[clue] for clue in clues[one.id] if clue in held), None)
            found.append(replace(one, profile_id=whom))
        else:
            found.append(one)
    return found


def _clues(one: Seen, body: _Body) -> list[tuple[str, str]]:
    """Return the identifiers by which an entry names somebody, the strongest first."""
    system = body.rules.user_ids or one.source
    named = (
        (IdentifierKind.KEY, system, body.message.user_id),
        (IdentifierKind.KEY, one.source, body.key),
        (IdentifierKind.ANONYMOUS, one.source, body.message.anonymous_id),
    )
    return [(kind, f"{where}:{told}") for kind, where, told in named if told]


def _held(clues: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return to whom identifiers lead."""
    wanted = set(clues)
    rows = Identifier.objects.filter(value__in={value for _kind, value in wanted}).values_list(
        "kind", "value", "profile_id"
    )
    return {(kind, value): profile_id for kind, value, profile_id in rows}
