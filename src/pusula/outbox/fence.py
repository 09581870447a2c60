"""The fence: a restored or copied database, or a clock that jumped, sends nothing by itself.

A sender keeps a mark outside the database, in ``HOME/run``: a name, a number that grows while it
sends, and where it stands. The database keeps the same name and number. A database that is behind
the mark has forgotten what was sent: all sending is held. A home that the database does not know,
or that stands elsewhere than its mark says, may belong to a copy beside the real one: its senders
do not begin. Either way until a person confirms.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

from django.db import transaction
from django.db.models import F

from pusula.lib import clock, ids
from pusula.lib.errors import PusulaError
from pusula.outbox import actions
from pusula.outbox.models import FENCE, Anchor, Hold

MARK_FILE = "anchor.json"
RESTORED, CLONED, CLOCK = "restored", "cloned", "clock"
JUMP = 5 * clock.MINUTE
_MACHINE_FILE = Path("/etc/machine-id")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a home remembers of itself."""

    name: str
    pulse: int
    place: str


class StrangeHomeError(PusulaError):
    """Nobody has confirmed that this home may send from this database."""

    code = "strange_home"


def guard(folder: Path, *, at: int) -> str:
    """Return why this home must not send, empty if it may; hold all sending if nobody should.

    The first home of a database is taken for the real one.
    """
    with _alone(folder):
        why = trouble(folder, at=at)
        if why in {RESTORED, CLOCK}:
            actions.hold(FENCE, reason=why, at=at)
        elif not why and not _is_anchored(folder):
            mark = _promised(folder)
            _drop_anchor(mark, at)
            _write(folder, mark)
    return why


def trouble(folder: Path, *, at: int) -> str:
    """Return what is wrong between this home and the database, and write nothing.

    Looks at the mark first: the database is always written before it.
    """
    mark = _read(folder)
    anchors = {anchor.name: anchor for anchor in Anchor.objects.all()}
    if mark is None:
        return CLONED if anchors else ""
    anchor = anchors.get(mark.name)
    if anchor is None:
        if anchors:
            return CLONED
        return RESTORED if mark.pulse else ""
    if mark.place != _place(folder):
        return CLONED
    if mark.pulse > anchor.pulse:
        return RESTORED
    return CLOCK if at < anchor.seen_at - JUMP else ""


def pulse(folder: Path, *, at: int) -> None:
    """Let the number grow, in the database first; nothing happens behind a fence."""
    with _alone(folder):
        mark = _read(folder)
        if mark is None or Hold.objects.filter(origin=FENCE).exists():
            return
        with transaction.atomic():
            mine = Anchor.objects.filter(name=mark.name)
            mine.update(pulse=F("pulse") + 1, seen_at=at)
            anchor = mine.first()
        if anchor is not None:
            _write(folder, Mark(mark.name, anchor.pulse, mark.place))


def confirm(folder: Path, *, at: int) -> bool:
    """Take the present home and database for the real ones; return whether there was a fence."""
    with _alone(folder):
        mark = _promised(folder)
        with transaction.atomic():
            n_lifted, _ = Hold.objects.filter(origin=FENCE).delete()
            _drop_anchor(mark, at)
        _write(folder, mark)
    return bool(n_lifted)


class SteadyClock:
    """Notices when the clock on the wall and the one that only runs on disagree."""

    def __init__(self) -> None:
        """Take both clocks as right now."""
        self._ahead = clock.now() - clock.running()

    def check(self) -> int:
        """Return by how much the wall clock has jumped, and hold all sending if that is too much.

        Small corrections are taken over: what counts is a jump between two looks.
        """
        ahead = clock.now() - clock.running()
        jump, self._ahead = ahead - self._ahead, ahead
        if abs(jump) > JUMP:
            actions.hold(FENCE, reason=CLOCK, at=clock.now())
        return jump


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no other process of this home look at its mark, or write it, meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_anchored(folder: Path) -> bool:
    mark = _read(folder)
    return mark is not None and mark.pulse > 0


def _promised(folder: Path) -> Mark:
    """Return the mark that this home is to have, once the database knows of it.

    A new name is written down before, with a zero: who is killed in between has sent nothing, and
    begins again under the same name.
    """
    known = _read(folder)
    place = _place(folder)
    if known is not None and known.place == place:
        return Mark(known.name, known.pulse + 1, place)
    # A copy gets a name of its own: its number must not grow together with the original's.
    name = ids.random_id()
    _write(folder, Mark(name, 0, place))
    return Mark(name, 1, place)


def _drop_anchor(mark: Mark, at: int) -> None:
    Anchor.objects.update_or_create(name=mark.name, defaults={"pulse": mark.pulse, "seen_at": at})


def _place(folder: Path) -> str:
    """Return a short name for this folder on this machine."""
    try:
        machine = _MACHINE_FILE.read_text(encoding="ascii").strip()
    except OSError:
        machine = ""  # a container: its home is a volume, and tells enough
    told = f"{machine}\x1f{folder.resolve()}"
    return blake2b(told.encode(), digest_size=12).hexdigest()


def _read(folder: Path) -> Mark | None:
    try:
        return Mark(**json.loads((folder / MARK_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write(folder: Path, mark: Mark) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{MARK_FILE}.{ids.random_id()}"
    draft.write_text(json.dumps(asdict(mark)), encoding="utf-8")
    draft.replace(folder / MARK_FILE)
