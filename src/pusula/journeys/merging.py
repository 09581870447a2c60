"""The journeys of a merged person: they pass to the profile that stays, and back.

Somebody who was two people may have been on one journey twice. What had begun first goes on; the
other ends, for good, and stays so if the merge is undone.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F, Value
from django.db.models.functions import Concat

from pusula.journeys import actions, machine
from pusula.journeys.models import Enrollment, Planned
from pusula.profiles import moving

_ENROLLMENTS = "journeys_enrollment"
_MARK = "~"


def move(loser: int, winner: int, *, at: int) -> None:
    """Give the enrollments of ``loser`` to ``winner``; end those that are under way twice.

    Dates of traits are planned anew for the one who stays; those of orders go with them.
    """
    _end_twins(loser, winner, at)
    mine = Enrollment.objects.filter(profile_id=winner).values_list("journey_id", "entry_key")
    taken = set(mine)
    theirs = Enrollment.objects.filter(profile_id=loser)
    twice = [
        pk for pk, *key in theirs.values_list("pk", "journey_id", "entry_key") if (*key,) in taken
    ]
    # An occurrence that both were brought in by stays the name of the winner's.
    marked = Concat(F("entry_key"), Value(f"{_MARK}{loser}"))
    Enrollment.objects.filter(pk__in=twice).update(entry_key=marked)
    moving.move(_ENROLLMENTS, loser, winner)
    Planned.objects.filter(profile_id=loser, order=None).delete()
    Planned.objects.filter(profile_id=loser).update(profile_id=winner)


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give the enrollments that came from ``origins`` to ``to``; nobody's wait begins again."""
    moving.give_back(_ENROLLMENTS, winner, origins, to)
    dates = Planned.objects.filter(profile_id=winner, order__origin_id__in=origins)
    dates.update(profile_id=to)


def _end_twins(loser: int, winner: int, at: int) -> None:
    waiting = Enrollment.objects.filter(
        profile_id__in=(loser, winner), state=machine.WAITING, order=None
    )
    seen: set[int] = set()
    twins = []
    for pk, journey_id, rule in waiting.order_by("entered_at", "pk").values_list(
        "pk", "journey_id", "version__definition__reentry"
    ):
        if journey_id in seen and rule != "always":
            twins.append(pk)
        seen.add(journey_id)
    actions.end(twins, machine.MERGED, at=at)
