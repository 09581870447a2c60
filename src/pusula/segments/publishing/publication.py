"""Versions of segments on their way to being shown: proposed, previewed, confirmed, published.

``apply`` takes over many at once and shows them before it returns. For one that somebody makes on
a page: ``propose`` writes a version that nobody sees, ``work_once`` evaluates everybody in the
background and notes who would enter and leave, ``confirm`` says that this is meant, and
``work_once`` shows it. A worker that stops is relieved when its heartbeat is old.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from pusula.lib import clock, sayings
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.segments import actions, catalog, evaluate, history, queries
from pusula.segments.actions import Moves
from pusula.segments.language import Definition, dump, parse
from pusula.segments.models import Publication, Segment, SegmentVersion
from pusula.segments.publishing import changeset, takeover
from pusula.segments.publishing.changeset import Changeset, ChangesetOutdatedError
from pusula.segments.publishing.preview import OnProgress, definitions_in_use, preview, silent

LEASE = clock.MINUTE  # without a heartbeat; then another worker takes over

_log = logging.getLogger(__name__)


class PublicationError(PusulaError):
    """A version cannot be proposed, confirmed or discarded as things are."""

    code = "segment_publication"
    status = 409


class LeaseLostError(PusulaError):
    """Somebody else works on the publication now, or it was discarded."""

    code = "segment_publication_lease"
    status = 409


def apply(
    changes: Changeset,
    *,
    by: str = "",
    charts: bool = False,
    on_progress: OnProgress = silent,
) -> dict[str, Moves]:
    """Take over ``changes`` and show their members at once, all or nothing; return the moves.

    Everybody is evaluated first, while everything goes on; then one transaction writes versions
    and members; ``charts``: the sizes that new segments would have had follow. Raises
    ``ChangesetOutdatedError`` if the definitions are no longer those that were compared with, and
    ``NotPublishableError`` if one of them cannot be evaluated.
    """
    work = takeover.evaluated(changes.candidates, at=queries.moment(), on_progress=on_progress)
    with evaluate.alone():
        versions, now = take_over(changes, by=by), queries.moment()
        moves = takeover.show(work, versions, at=now)
    if charts:
        _chart(versions.values(), now)
    return moves


def take_over(changes: Changeset, *, by: str = "") -> dict[str, SegmentVersion]:
    """Write the versions that ``changes`` ask for; members follow with the next full evaluation.

    Raises ``ChangesetOutdatedError`` if the definitions are no longer those compared with.
    """
    with transaction.atomic():
        if takeover.fingerprint() != changes.base:
            raise ChangesetOutdatedError(
                Saying("the segments were changed meanwhile: look at the plan again")
            )
        actions.archive(changes.archived, clock.now())
        return {
            key: actions.add_version(definition, by)
            for key, definition in changes.candidates.items()
        }


def propose(document: object, *, by: str = "") -> Publication:
    """Write what ``document`` defines as a new version that nobody sees yet; return its way.

    An earlier proposal for the segment that nobody confirmed is dropped. Raises
    ``DefinitionError``, ``SegmentReferenceError``, and ``PublicationError`` if the segment says so
    already or another version is just being shown.
    """
    definition = parse(document, catalog.schema())
    now = clock.now()
    with transaction.atomic():
        in_use = definitions_in_use()
        changeset.check({definition.key: definition}, in_use, in_use)
        segment, is_new = Segment.objects.select_for_update().get_or_create(
            key=definition.key, defaults={"created_at": now}
        )
        _drop_open(segment)
        if not is_new and _says_already(segment, definition):
            raise PublicationError(_("The segment already says so: nothing would change."))
        Segment.objects.filter(pk=segment.pk).update(archived_at=None)
        last = segment.versions.aggregate(last=Max("number"))["last"] or 0
        version = SegmentVersion.objects.create(
            segment=segment,
            number=last + 1,
            definition=dump(definition),
            created_at=now,
            created_by=by,
        )
        return Publication.objects.create(version=version, asked_at=now, asked_by=by)


def confirm(publication: Publication) -> None:
    """Say that the version is to be shown; the members follow in the background.

    It may be said before the preview is there. Raises ``PublicationError`` if the publication has
    failed or was discarded, or if the segment was changed in another way meanwhile.
    """
    version = publication.version
    newer = actions.newest_versions().get(version.segment.key)
    if newer is not None and newer.number > version.number:
        raise PublicationError(_("The segment was changed meanwhile: look at it again."))
    rows = Publication.objects.filter(pk=publication.pk, error="", finished_at=None)
    if not rows.update(confirmed_at=clock.now()):
        raise PublicationError(_("The change was published or discarded meanwhile."))
    publication.refresh_from_db()


def discard(publication: Publication) -> None:
    """Drop a version that is not shown, and the segment if that was its only one."""
    with transaction.atomic():
        rows = Publication.objects.select_for_update().filter(pk=publication.pk, finished_at=None)
        found = rows.select_related("version__segment").first()
        if found is None:
            raise PublicationError(_("The change was published or discarded meanwhile."))
        _drop(found)


def retry(publication: Publication) -> None:
    """Try again what has failed."""
    rows = Publication.objects.filter(pk=publication.pk, finished_at=None).exclude(error="")
    rows.update(error="", owner="", heartbeat_at=None, previewed_at=None)


def restore(segment: Segment, number: int, *, by: str = "") -> Publication:
    """Propose what the version ``number`` of ``segment`` said."""
    version = segment.versions.get(number=number)
    return propose(version.definition, by=by)


def work_once(owner: str) -> bool:
    """Do the next piece of work for some publication, as ``owner``; return whether there was any.

    What cannot be evaluated is noted with the publication; it never ends the worker.
    """
    publication = _claimed(owner)
    if publication is None:
        return False
    try:
        _work(publication, owner)
    except LeaseLostError:
        _log.info("publication %s is in other hands", publication.pk)
    except (ChangesetOutdatedError, takeover.LimitsChangedError):
        _release(publication, owner)  # something else was published meanwhile: evaluate again
    except PusulaError as error:
        _fail(publication, owner, sayings.kept(error.saying))
    except Exception as error:  # noqa: BLE001 - one definition must not stop the others
        _log.exception("publication %s failed", publication.pk)
        _fail(publication, owner, f"{type(error).__name__}: {error}")
    return True


def open_publications() -> dict[str, Publication]:
    """Return what is on its way, failed ones too, by segment key."""
    rows = Publication.objects.filter(finished_at=None, version__segment__archived_at=None)
    found = rows.select_related("version__segment").order_by("asked_at")
    return {each.version.segment.key: each for each in found}


def _work(publication: Publication, owner: str) -> None:
    def beat(done: int, total: int) -> None:
        _mine(publication, owner, heartbeat_at=clock.now(), n_done=done, n_all=total)

    version = publication.version
    definition = parse(version.definition, catalog.schema())
    candidates = {definition.key: definition}
    if publication.confirmed_at is None:
        _preview(publication, owner, candidates, beat)
        return
    work = takeover.evaluated(candidates, at=queries.moment(), on_progress=beat)
    with evaluate.alone():
        if takeover.fingerprint() != work.base:
            raise ChangesetOutdatedError(Saying("other definitions were published meanwhile"))
        now = queries.moment()
        _mine(publication, owner, finished_at=now, heartbeat_at=None)
        takeover.show(work, {definition.key: version}, at=now)
    _chart([version], now)


def _preview(
    publication: Publication, owner: str, candidates: dict[str, Definition], beat: OnProgress
) -> None:
    found = preview(candidates, at=clock.now(), on_progress=beat)
    (key,) = candidates
    change = found.changes[key]
    if change.error:
        raise takeover.NotPublishableError(sayings.found(change.error))
    _mine(
        publication,
        owner,
        owner="",
        heartbeat_at=None,
        previewed_at=found.at,
        n_members=change.n_members,
        n_entering=change.n_entering,
        n_leaving=change.n_leaving,
    )


def _claimed(owner: str) -> Publication | None:
    """Take the oldest publication that has work to do and no living owner."""
    now = clock.now()
    has_work = Q(previewed_at=None) | Q(confirmed_at__isnull=False)
    is_free = Q(heartbeat_at=None) | Q(heartbeat_at__lt=now - LEASE)
    rows = Publication.objects.filter(has_work, is_free, finished_at=None, error="")
    for found in rows.filter(version__segment__archived_at=None).order_by("asked_at"):
        same = Publication.objects.filter(
            pk=found.pk, owner=found.owner, heartbeat_at=found.heartbeat_at
        )
        if same.update(owner=owner, heartbeat_at=now):
            return Publication.objects.select_related("version__segment").get(pk=found.pk)
    return None


def _mine(publication: Publication, worker: str, /, **fields: Any) -> None:
    """Write ``fields`` if ``worker`` still works on it, else raise ``LeaseLostError``."""
    rows = Publication.objects.filter(pk=publication.pk, owner=worker, finished_at=None)
    if not rows.update(**fields):
        raise LeaseLostError(Saying("somebody else works on this publication, or it was discarded"))


def _release(publication: Publication, owner: str) -> None:
    rows = Publication.objects.filter(pk=publication.pk, owner=owner, finished_at=None)
    rows.update(owner="", heartbeat_at=None)


def _fail(publication: Publication, owner: str, message: str) -> None:
    rows = Publication.objects.filter(pk=publication.pk, owner=owner, finished_at=None)
    rows.update(owner="", heartbeat_at=None, error=message)


def _chart(versions: Iterable[SegmentVersion], now: int) -> None:
    """Chart what new segments would have been; a picture, no reason to undo what is shown."""
    try:
        history.record_back_cast(versions, now=now)
    except PusulaError as error:
        _log.warning("no sizes of the past: %s", error.message)


def _drop_open(segment: Segment) -> None:
    """Drop a proposal that nobody confirmed; raise ``PublicationError`` if one is being shown."""
    rows = Publication.objects.select_related("version__segment")
    for found in rows.filter(version__segment=segment, finished_at=None):
        if found.confirmed_at is not None and not found.error:
            raise PublicationError(_("Another change of this segment is being published: wait."))
        found.version.delete()


def _drop(publication: Publication) -> None:
    segment = publication.version.segment
    publication.version.delete()
    if not segment.versions.exists():
        segment.delete()


def _says_already(segment: Segment, definition: Definition) -> bool:
    newest = actions.newest_versions().get(segment.key)
    is_settled = newest is not None and newest.definition == dump(definition)
    return is_settled and newest is not None and segment.version_id == newest.pk
