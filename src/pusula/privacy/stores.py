"""Every store that may hold a person, in the order in which they are erased from it.

The ledger comes first, so that nothing new comes in. What is searched for the person's identifiers
comes next, while we still have them; then the rows that hold them, and what deleting leaves behind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext as _

from pusula.campaigns import person as campaigns
from pusula.consent import person as consents
from pusula.consent.models import ConsentEntry
from pusula.destinations.bi import erasing as bi
from pusula.events import person as events
from pusula.events.models import Event
from pusula.journeys import person as journeys
from pusula.lake.delta import Lake
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.orders import person as orders
from pusula.outbox import person as outbox
from pusula.pipeline import erasure as log
from pusula.pipeline import mirror, queries
from pusula.predict import person as predictions
from pusula.privacy import databases, ledger
from pusula.privacy.models import ErasedCount, Erasure, ErasureStep, Export, Request
from pusula.profiles import erased
from pusula.profiles import person as profiles
from pusula.profiles.models import Identifier, Profile
from pusula.profiles.needles import Needles
from pusula.profiles.told import Record
from pusula.rfm import person as rfm
from pusula.segments import evaluate
from pusula.segments import person as segments
from pusula.segments.everybody.files import RELATIONS
from pusula.sources import erasure as sources
from pusula.sources import journal

digest, lift = erased.digest, erased.lift


class Owner(Protocol):
    """A package that holds rows of people."""

    def told_of(self, profile_id: int) -> Iterator[Record]:
        """Yield all that it holds of a person."""

    def erase(self, profile_ids: Collection[int]) -> int:
        """Delete all that it holds of these people, in the caller's transaction."""


# Each before those whose rows its own hang on.
OWNERS: tuple[Owner, ...] = (
    journeys, campaigns, outbox, segments, rfm, predictions, consents, orders, events, profiles,
)  # fmt: skip
_HIDDEN = "•••"


class LeftOverError(PusulaError):
    """Something of the person is still there after all that is known was done."""

    code = "left_over"
    status = 500


class Work:
    """An erasure under way, and what is known of the person as long as their rows stand."""

    def __init__(self, erasure: Erasure) -> None:
        self.erasure = erasure
        self.ids = erasure.numbers  # nobody is merged with them, or parted, since it was asked for
        self.is_known = Profile.objects.filter(pk=erasure.profile_id).exists()
        self.needles = needles_of(self.ids)


def needles_of(profile_ids: list[int]) -> Needles:
    """Return what to look for of these people: what somebody else holds too is left out."""
    own, _shared = erased.own(profile_ids)
    return Needles.of(own, profile_ids)


def message_ids_of(profile_ids: list[int]) -> set[str]:
    """Return the ids of messages that became events and decisions of these people."""
    happened = Event.objects.filter(profile_id__in=profile_ids)
    decided = ConsentEntry.objects.filter(profile_id__in=profile_ids)
    return {
        *happened.values_list("dedupe_key", flat=True),
        *decided.values_list("dedupe_key", flat=True),
    }


def _ledger(work: Work, _step: ErasureStep) -> int:
    """Refuse from now on whatever brings the person back; first on the disk, then for everybody."""
    digests = ledger.digests_of(work.ids)
    if not digests:
        words = {"n": work.erasure.profile_id}
        raise LeftOverError(_("Customer number %(n)s was merged meanwhile.") % words)
    at = clock.now()
    ledger.write(digests, at=at)
    with evaluate.alone():
        erased.enter(digests, at=at)
    return len(digests)


def _log(work: Work, step: ErasureStep) -> int:
    """Blank the entries of the log that speak of the person; quarantine forgets what they said."""
    _blank(work, step)
    return log.clear_up()


def _blank(work: Work, step: ErasureStep) -> None:
    """Blank what the log holds of the person behind the place that was searched."""
    known, until = message_ids_of(work.ids), queries.head()
    for after, found in log.about(work.needles, known, after=step.cursor, until=until):
        done = log.blank(one.pk for one in found)
        ErasureStep.objects.filter(pk=step.pk).update(cursor=after, n=F("n") + done)


def _imports(work: Work, _step: ErasureStep) -> int:
    """Take the person out of uploads, reject files, and what imports noted."""
    return sources.erase(work.needles)


def _exports(work: Work, _step: ErasureStep) -> int:
    """Remove the exports of their data."""
    n = 0
    for one in Export.objects.filter(profile_id__in=work.ids, removed_at=None):
        (export_folder() / one.file_name).unlink(missing_ok=True)
        n += Export.objects.filter(pk=one.pk).update(removed_at=clock.now())
    return n


def _files(work: Work, _step: ErasureStep) -> int:
    """Remove mails that were caught, and the lines of logs; anything else is named."""
    n = 0
    for path in sorted(_others()):
        if not _speaks(path, work.needles):
            continue
        if path.suffix in _MAILS:
            path.unlink()
        elif path.suffix in _LINES:
            _keep_lines(path, work.needles)
        else:
            words = {"file": path}
            raise LeftOverError(_("%(file)s names the person: remove it, then go on.") % words)
        n += 1
    return n


def _rows(work: Work, _step: ErasureStep) -> int:
    """Delete the rows of every owner at once; a campaign keeps how many it lost."""
    with evaluate.alone():
        # As long as the person held them, what named their identifiers was taken over. From here
        # on it is refused; what came since the log was searched is blanked now.
        _blank(work, work.erasure.steps.get(store="log"))
        _count(work.ids)
        journal.erase(work.ids)
        n = sum(owner.erase(work.ids) for owner in OWNERS)
        Request.objects.filter(profile_id__in=work.ids).update(note="", answer="")
        Export.objects.filter(profile_id__in=work.ids).update(reason="")
    return n


def _lake(_work: Work, _step: ErasureStep) -> int:
    """Write the files of the lake anew where the person was in them, and delete the old ones."""
    lake = Lake(settings.PUSULA_LAKE)
    if not any(lake.table(relation).version >= 0 for relation in RELATIONS):
        return 0
    return mirror.run(forget_at_once=True).n_written


def _bi(work: Work, _step: ErasureStep) -> int:
    """Take the person out of the files that analysts were given."""
    return bi.erase(work.ids)


def _databases(work: Work, _step: ErasureStep) -> int:
    """Take what was deleted out of the databases' files, and look whether anything is left."""
    words = _alone(work.needles.words) if work.is_known else None
    n = databases.clean(words)
    if words and (left := databases.found(words)):
        said = _("%(file)s still holds an identifier of the person.")
        raise LeftOverError(said % {"file": left[0]})
    return n


def _alone(words: Collection[str]) -> set[str]:
    """Return the words that do not stand within an identifier of somebody else.

    Bytes do not say where an address begins: one within another would be found for ever.
    """
    others = (Identifier.objects.filter(value__contains=word).exclude(value=word) for word in words)
    return {word for word, held in zip(words, others, strict=True) if not held.exists()}


def _copies(_work: Work, _step: ErasureStep) -> int:
    """Note that copies made before hold the person until they are restored and replayed."""
    return len(ledger.standing())


STORES: dict[str, Callable[[Work, ErasureStep], int]] = {
    "ledger": _ledger,
    "log": _log,
    "imports": _imports,
    "exports": _exports,
    "files": _files,
    "rows": _rows,
    "lake": _lake,
    "bi": _bi,
    "databases": _databases,
    "copies": _copies,
}


def export_folder() -> Path:
    """Return where exports of people's data stand."""
    return Path(settings.PUSULA_HOME) / "exports"


def _count(profile_ids: list[int]) -> None:
    for what, n in campaigns.arms_of(profile_ids).items():
        kept, _new = ErasedCount.objects.get_or_create(what=f"campaign:{what}"[:120])
        ErasedCount.objects.filter(pk=kept.pk).update(n=F("n") + n)


# What has a step of its own, and what never holds anything of a person.
_ELSEWHERE = frozenset(("imports", "uploads", "exports", "lake", "audit", "privacy", "run", "bi"))
_MAILS, _LINES = frozenset((".eml", ".draft")), frozenset((".log", ".csv", ".jsonl", ".txt"))
_DATABASES = (".db", ".db-wal", ".db-shm", ".db-journal")


def _others() -> list[Path]:
    home = Path(settings.PUSULA_HOME)
    return [
        path
        for path in home.rglob("*")
        if path.is_file()
        and path.relative_to(home).parts[0] not in _ELSEWHERE
        and not path.name.endswith(_DATABASES)
    ]


def _speaks(path: Path, needles: Needles) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        if any(needles.are_in(line) for line in file):
            return True
    return path.suffix not in _MAILS | _LINES and databases.holds(path, needles.words)


def _keep_lines(path: Path, needles: Needles) -> None:
    """Take lines out of a file in place: whoever writes a log keeps it open."""
    with path.open("r+", encoding="utf-8", errors="replace") as file:
        kept = [line for line in file if not needles.are_in(line)]
        file.seek(0)
        file.writelines(kept)
        file.truncate()
