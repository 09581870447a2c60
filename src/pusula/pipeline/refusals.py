"""Why entries are not taken over: the error that says it, and sentences that several places say."""

from __future__ import annotations

from collections.abc import Sequence

from pusula.lib.sayings import Saying
from pusula.pipeline.queries import LONGEST_BODY

TOO_LONG = Saying("longer than %(n)s characters", {"n": f"{LONGEST_BODY:,}"})


class RefusedError(Exception):
    """An entry cannot be taken over; ``saying`` is the reason, as the quarantine keeps it.

    ``place`` is the field it speaks of, as it was sent.
    """

    def __init__(self, why: Saying | str, place: str = "") -> None:
        self.saying = placed(place, why) if place else why
        super().__init__(str(self.saying))


def placed(place: str, why: Saying | str) -> Saying:
    """Return what is wrong with a field."""
    return Saying("%(place)s: %(why)s", {"place": place, "why": why})


def joined(reasons: Sequence[Saying | str]) -> Saying | str:
    """Return several reasons as one."""
    *before, last = reasons
    for one in reversed(before):
        last = Saying("%(one)s; %(more)s", {"one": one, "more": last})
    return last


def no_name(name: object) -> Saying:
    """Return why a name of an event, a property or a trait cannot be one."""
    given = {"name": f"{name!r:.80}"}
    return Saying("%(name)s is no name: letters, digits, spaces, _ . -", given)


def too_deep(levels: int) -> Saying:
    """Return why a value that holds values that hold values is not kept."""
    return Saying("deeper than %(n)s levels", {"n": levels})
