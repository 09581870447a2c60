"""Why entries are not taken over: the error that says it, and sentences that several places say."""

from __future__ import annotations

from pusula.lib import sayings
from pusula.lib.sayings import Saying, placed

# So begins the reason of an entry whose rest was taken over, as it is kept.
PARTLY = "in part: "
ERASED = "erased"


class RefusedError(Exception):
    """An entry cannot be taken over; ``saying`` is the reason, as the quarantine keeps it.

    ``place`` is the field it speaks of, as it was sent.
    """

    def __init__(self, why: Saying | str, place: str = "") -> None:
        self.saying = placed(place, why) if place else why
        super().__init__(str(self.saying))


def found(row: str) -> Saying | str:
    """Return the reason that a row keeps; what is older than sayings is English, as it stands."""
    if row.startswith(PARTLY):
        return Saying("in part: %(why)s", {"why": found(row.removeprefix(PARTLY))})
    return Saying("erased") if row == ERASED else sayings.found(row)


def no_name(name: object, before: str = "") -> Saying:
    """Return why a name of an event, a property or a trait cannot be one."""
    given = {"name": f"{before}{name!r:.80}"}
    return Saying("%(name)s is no name: letters, digits, spaces, _ . -", given)


def too_deep(levels: int) -> Saying:
    """Return why a value that holds values that hold values is not kept."""
    return Saying("deeper than %(n)s levels", {"n": levels})
