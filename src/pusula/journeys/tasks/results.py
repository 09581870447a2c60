"""What a call may come to besides the outcomes of its step: data, no database."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pusula.lib import clock

NO_ANSWER = "no_answer"  # tried again later, and given up after the last try
CALL_BACK = "call_back"  # the person asks to be called at another moment
WRONG_NUMBER = "wrong_number"  # somebody else's: the number is closed for calls and messages
NO_CALLS = "no_calls"  # the person does not want to be called: consent is withdrawn
RESULTS: dict[str, str | Promise] = {
    NO_ANSWER: _("No answer"),
    CALL_BACK: _("Call back later"),
    WRONG_NUMBER: _("Wrong number"),
    NO_CALLS: _("Does not want calls"),
}
REFUSALS = frozenset({WRONG_NUMBER, NO_CALLS})  # they count whatever becomes of the journey
# What a call is like at a moment, in the order of the pages: see ``queries.of_state``.
DUE, LATER, IN_HAND, LISTED, DONE, NOT_MADE = (
    "due", "later", "in_hand", "listed", "done", "not_made",
)  # fmt: skip
STATES: dict[str, str | Promise] = {
    DUE: _("May be called now"),
    LATER: _("To be called later"),
    IN_HAND: _("In somebody's hands"),
    LISTED: _("On a list"),
    DONE: _("Noted"),
    NOT_MADE: _("Not called"),
}
MOST_TRIES = 3
TRY_AGAIN = 2 * clock.HOUR  # after nobody answered
HOLD = 15 * clock.MINUTE  # how long a call stays in hand without a sign of life
LONGEST_HOLD = clock.HOUR  # a page that was left open does not keep a call for ever
GRACE = 30 * clock.MINUTE  # how long a call back waits for the one who promised it
MOST_NOTE = 2_000  # characters
