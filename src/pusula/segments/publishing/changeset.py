"""Definitions in files beside those of this installation: what is new, changed, removed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.segments import actions, catalog
from pusula.segments.language import (
    Definition,
    DefinitionError,
    dump,
    evaluation_order,
    parse,
)
from pusula.segments.models import Segment
from pusula.segments.naming import naming
from pusula.segments.publishing.preview import (
    Change,
    OnProgress,
    Preview,
    definitions_in_use,
    preview,
    silent,
)
from pusula.segments.publishing.takeover import fingerprint

_FORMAT = 1


class ChangesetOutdatedError(PusulaError):
    """The installation's definitions are no longer those that were compared with."""

    code = "segment_changeset_outdated"
    status = 409


class ChangesetFileError(PusulaError):
    """A file is not a saved plan."""

    code = "segment_changeset_file"


class State(StrEnum):
    """What becomes of a segment."""

    NEW = "new"
    CHANGED = "changed"
    WAITING = "waiting"  # taken over before, its members not shown yet
    FOLLOWING = "following"  # unchanged, but names one whose members change
    REMOVED = "removed"  # in use here, and not among the files
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Entry:
    """What becomes of one segment: its meaning before and after, ``None`` where there is none."""

    key: str
    state: State
    before: Definition | None
    after: Definition | None


@dataclass(frozen=True)
class Changeset:
    """What taking over definitions would change.

    ``base`` is the fingerprint of the definitions compared with. Removed segments are archived
    only if ``prune``.
    """

    entries: tuple[Entry, ...]
    base: str
    prune: bool

    @property
    def candidates(self) -> dict[str, Definition]:
        """The definitions whose members are to be shown anew, by key."""
        changed = (State.NEW, State.CHANGED, State.WAITING)
        return {e.key: e.after for e in self.entries if e.after and e.state in changed}

    @property
    def archived(self) -> tuple[str, ...]:
        """The segments that would be archived."""
        return self.keys(State.REMOVED) if self.prune else ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not self.candidates and not self.archived

    def keys(self, *states: State) -> tuple[str, ...]:
        """Return the segments that become one of ``states``."""
        return tuple(entry.key for entry in self.entries if entry.state in states)

    def preview(self, *, at: int, on_progress: OnProgress = silent) -> Preview:
        """Return who would enter and leave; nothing is read if nothing would change."""
        if not self.candidates:
            return Preview(at, 0, dict[str, Change]())
        return preview(self.candidates, at=at, on_progress=on_progress)

    def saved(self) -> str:
        """Return the changeset as text that ``restored`` reads."""
        document = {
            "pusula_segments_plan": _FORMAT,
            "base": self.base,
            "prune": self.prune,
            "definitions": [dump(entry.after) for entry in self.entries if entry.after],
        }
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def compare(documents: Iterable[tuple[str, object]], *, prune: bool = False) -> Changeset:
    """Return what taking over ``documents`` (name, content) would change.

    Raises ``DefinitionError`` with the file's name in front of the path, and
    ``SegmentReferenceError`` if a segment would name one that is missing, or close a circle.
    """
    given = actions.read(documents)
    present = definitions_in_use()
    newest = _newest()
    missing = [key for key in newest if key not in given]
    kept = {k: d for k, d in present.items() if not (prune and k in missing)}
    check(given, kept, present)
    entries = [_entry(given[key], present.get(key), newest.get(key)) for key in given]
    entries += [Entry(k, State.REMOVED, present.get(k), present.get(k)) for k in missing]
    made = Changeset(tuple(sorted(entries, key=lambda e: e.key)), fingerprint(), prune)
    following = set(naming(made.candidates, {**kept, **given}))
    followed = (
        replace(entry, state=State.FOLLOWING) if entry.key in following else entry
        for entry in made.entries
    )
    return replace(made, entries=tuple(followed))


def restored(text: str) -> Changeset:
    """Return the changeset that ``saved`` wrote, compared with the installation as it is now.

    Raises ``ChangesetOutdatedError`` if the installation's definitions have changed since.
    """
    document = _document(text)
    documents = [(f"definition {n}", each) for n, each in enumerate(document["definitions"], 1)]
    if document["base"] != fingerprint():
        raise ChangesetOutdatedError(
            Saying("the segments were changed after this plan was made: make a new one")
        )
    return compare(documents, prune=bool(document["prune"]))


def check(
    given: Mapping[str, Definition],
    kept: Mapping[str, Definition],
    before: Mapping[str, Definition],
) -> None:
    """Raise ``SegmentReferenceError`` if ``given`` beside ``kept`` breaks what stood ``before``."""
    broken = evaluation_order(before)[1]
    for key, error in evaluation_order({**kept, **given})[1].items():
        if key in given or key not in broken:
            raise error


def _newest() -> dict[str, object]:
    """Return the newest document of every segment in use, by key."""
    return {key: version.definition for key, version in actions.newest_versions().items()}


def _entry(after: Definition, before: Definition | None, newest: object) -> Entry:
    """Return what becomes of a segment; ``before`` is what its shown members mean."""
    is_shown = Segment.objects.filter(key=after.key).exclude(version=None).exists()
    if newest is None:
        state = State.NEW
    elif newest != dump(after):
        state = State.CHANGED
    elif not is_shown or before != after:
        state = State.WAITING
    else:
        state = State.UNCHANGED
    return Entry(after.key, state, before if state is not State.NEW else None, after)


def _document(text: str) -> dict[str, Any]:
    try:
        document: object = json.loads(text)
    except ValueError as error:
        raise ChangesetFileError(Saying("not a saved plan: %(error)s", {"error": error})) from error
    fields = {"pusula_segments_plan", "base", "prune", "definitions"}
    if not isinstance(document, dict) or set(document) != fields:
        raise ChangesetFileError(
            Saying("not a saved plan: `pusula segments plan --out FILE` writes one")
        )
    if document["pusula_segments_plan"] != _FORMAT:
        raise ChangesetFileError(
            Saying("a plan that another version of Pusula saved: make a new one")
        )
    return document


def documents_in_use() -> dict[str, Definition]:
    """Return the newest definition of every segment in use, by key, for writing to files.

    Raises ``DefinitionError`` with the segment's key if one no longer fits the installation.
    """
    schema = catalog.schema()
    found = {}
    for key, version in sorted(actions.newest_versions().items()):
        try:
            found[key] = parse(version.definition, schema)
        except DefinitionError as error:
            raise error.below(key) from error
    return found
