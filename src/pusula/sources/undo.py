"""An import taken back: what it brought goes, what it changed becomes what it was, within 30 days.

Refusals stay, always. What somebody else changed since stays as it is, and is listed; so do people
of whom more is known by now. All of it is one transaction, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _

from pusula.campaigns.models import Assignment
from pusula.consent import undo as consent_undo
from pusula.consent.models import ConsentEntry
from pusula.events import undo as events_undo
from pusula.events.models import Event
from pusula.lake import rows, statistics
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.orders import undo as orders_undo
from pusula.orders.models import Order, OrderChange, StayGuest
from pusula.outbox.models import Message
from pusula.profiles import undo as profiles_undo
from pusula.profiles.models import Identifier, Merge, Profile, Shelved, Trait, TraitChange
from pusula.profiles.relations import Ids
from pusula.segments import actions as segments
from pusula.segments.models import Segment, SetMember
from pusula.sources import joins, journal
from pusula.sources.journal import Holds
from pusula.sources.models import Import, ImportState

KEPT_FOR = 30 * clock.DAY
_PART = 500
_LISTED = 20
_COMPUTED = ("rfm", "predict")  # the sources of traits that are worked out, not told
# Who stands in one of these is known from elsewhere too; what is computed (members, scores) is not
# counted, and goes with the profile.
_KNOWN_FROM: tuple[Any, ...] = (
    Identifier, Trait, TraitChange, Order, OrderChange, StayGuest, Event, ConsentEntry, Message,
    Assignment, SetMember, Shelved,
)  # fmt: skip


class UndoError(PusulaError):
    """This import cannot be taken back."""

    code = "cannot_undo"
    status = 409


@dataclass(frozen=True)
class Undone:
    """What taking an import back does, or did, in people, orders, events and consents."""

    n_profiles_removed: int = 0
    n_profiles_restored: int = 0  # names, traits or identifiers
    n_orders_removed: int = 0
    n_orders_restored: int = 0
    n_events_removed: int = 0
    n_grants_withdrawn: int = 0
    n_refusals_kept: int = 0
    n_merges_undone: int = 0
    n_profiles_left: int = 0  # new with the import, known from elsewhere by now
    n_changed_since: int = 0  # people whose name or traits somebody else changed since
    n_orders_left: int = 0
    orders_left: list[str] = field(default_factory=list)  # the first of them, by their number
    profiles_left: list[int] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class TakenBack:
    """An import that was taken back: what that did, who has to be evaluated, the debt it pays."""

    undone: Undone
    touched: Ids
    debt: int | None


def may_undo(row: Import, *, at: int) -> bool:
    """Return whether an import can be taken back."""
    return row.state == ImportState.DONE and at < row.started_at + KEPT_FOR


def undo(
    import_id: int,
    *,
    dry_run: bool = False,
    at: int | None = None,
    told: Callable[[str], None] = lambda _stage: None,
) -> TakenBack:
    """Take an import back; with ``dry_run`` only say what that would do.

    Raises ``UndoError`` if it was undone already, never finished, or is too old. Everything and
    the import's new state are one transaction.
    """
    at = clock.now() if at is None else at
    with transaction.atomic():
        row = Import.objects.select_for_update().filter(pk=import_id).first()
        if row is None or not may_undo(row, at=at):
            raise UndoError(_why_not(row))
        found = _Undo(row, at, told).run()
        if dry_run:
            transaction.set_rollback(True)
            return found
        Import.objects.filter(pk=row.pk, state=ImportState.DONE).update(
            state=ImportState.UNDONE, undone_at=at, undone=found.undone.as_json()
        )
        journal.drop([row.pk])
        if len(found.touched):
            found = replace(found, debt=segments.owe(f"undo {row.pk}", at))
        statistics.refresh(connection)
    return found


def forget_old(at: int) -> None:
    """Drop what imports kept that are too old to be undone."""
    old = Import.objects.filter(started_at__lt=at - KEPT_FOR, pages__isnull=False)
    journal.drop(list(old.values_list("pk", flat=True).distinct()))


def _why_not(row: Import | None) -> str:
    if row is None:
        return _("there is no such import")
    if row.state == ImportState.UNDONE:
        return _("this import was taken back already")
    if row.state != ImportState.DONE:
        return _("this import left nothing behind")
    return _("an import can be taken back for 30 days; this one is older")


class _Undo:
    """One undo under way, inside its transaction."""

    def __init__(self, row: Import, at: int, told: Callable[[str], None]) -> None:
        self.row = row
        self.at = at
        self.told = told
        self.created = journal.ids(row.pk, Holds.CREATED)
        touched = np.union1d(journal.ids(row.pk, Holds.TOUCHED), self.created)
        self.people = sorted(profiles_undo.followed(touched.tolist()))
        self.touched: set[int] = set(touched.tolist())

    def run(self) -> TakenBack:
        """Do it: what was bought and happened first, then consents, then what people are."""
        n_parted, parted = joins.part(self.row.pk, at=self.at)
        self.people = sorted(parted.union(self.people))
        self.touched |= parted
        which: dict[str, Any] = {
            "source": self.row.source, "recorded_at": self.row.started_at,
        }  # fmt: skip
        self.told("orders")
        orders = orders_undo.take_back(
            journal.ids(self.row.pk, Holds.MADE),
            journal.orders(self.row.pk),
            recorded_at=self.row.started_at,
        )
        self.told("events")
        n_events, with_events = events_undo.take_back(self.people, **which)
        self.told("consents")
        consents = consent_undo.withdraw(self.people, **which)
        journal.keep_grants(self.row.pk, consents.grants)
        self.told("people")
        named, renamed_since = profiles_undo.take_back_names(journal.names(self.row.pk))
        back, changed_since = profiles_undo.take_back_traits(self.people, **which)
        removed = self._remove_people(which, consents.refusing)
        # Who refused keeps the address that the refusal speaks of.
        others = sorted(set(self.people) - removed - consents.refusing - self._made())
        learned = profiles_undo.take_back_identifiers(others, **which)
        self.touched |= orders.touched | with_events | consents.touched
        restored = (set(named) | back | learned) - removed
        left = self._made() - removed
        undone = Undone(
            n_profiles_removed=len(removed),
            n_profiles_restored=len(restored),
            n_orders_removed=orders.n_removed,
            n_orders_restored=orders.n_restored,
            n_events_removed=n_events,
            n_grants_withdrawn=len(consents.grants),
            n_refusals_kept=consents.n_refusals,
            n_merges_undone=n_parted,
            n_profiles_left=len(left),
            n_changed_since=len(set(renamed_since) | changed_since),
            n_orders_left=len(orders.left),
            orders_left=self._numbers(orders.left[:_LISTED]),
            profiles_left=sorted(left)[:_LISTED],
        )
        still = np.array(sorted(self.touched - removed), np.int64)
        return TakenBack(undone, still, None)

    def _made(self) -> set[int]:
        return set(self.created.tolist())

    def _numbers(self, order_ids: list[int]) -> list[str]:
        held = Order.objects.filter(pk__in=order_ids).order_by("source_id")
        return list(held.values_list("source_id", flat=True))

    def _remove_people(self, which: dict[str, Any], refusing: Collection[int]) -> set[int]:
        """Remove the people of whom nothing is known but that this import brought them."""
        removed: set[int] = set()
        candidates = sorted(self._made() - set(refusing))
        for part in rows.parts(candidates, _PART):
            alone = set(part) - self._known_otherwise(part, which)
            if not alone:
                continue
            self._leave_segments(alone)
            Identifier.objects.filter(profile_id__in=alone).delete()
            Profile.objects.filter(pk__in=alone).delete()
            removed |= alone
        return removed

    def _known_otherwise(self, part: list[int], which: dict[str, Any]) -> set[int]:
        known = set(
            Merge.objects.filter(winner_id__in=part, undone_at=None).values_list(
                "winner_id", flat=True
            )
        )
        there = set(Profile.objects.filter(pk__in=part).values_list("pk", flat=True))
        known |= set(part) - there  # merged into somebody else
        for model in _KNOWN_FROM:
            held = model.objects.filter(profile_id__in=part)
            if model is Identifier:
                held = held.exclude(**which)
            elif model in {Trait, TraitChange}:
                held = held.exclude(source__in=_COMPUTED)
            known.update(held.values_list("profile_id", flat=True))
        return known

    def _leave_segments(self, profile_ids: Collection[int]) -> None:
        """Close the memberships of those who go, so that the sizes of segments stay true."""
        ids = np.array(sorted(profile_ids), np.int64)
        nobody = dict.fromkeys(Segment.objects.values_list("pk", flat=True), np.empty(0, np.int64))
        segments.record_members(ids, nobody, {}, at=self.at, cause="undo")
