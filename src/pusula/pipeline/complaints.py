"""What is wrong with an entry, of those who say it in plain English: libraries, doors, owners."""

from __future__ import annotations

from pusula.lib.complaints import Complaints
from pusula.lib.sayings import Saying

_COMPLAINTS = Complaints(
    (
        # the reader of JSON
        Saying("Expected `%(wanted)s`, got `%(given)s` - at `%(place)s`"),
        Saying("Expected `%(wanted)s`, got `%(given)s`"),
        Saying("Expected `%(wanted)s` - at `%(place)s`"),
        Saying("Object missing required field `%(name)s` - at `%(place)s`"),
        Saying("Object missing required field `%(name)s`"),
        Saying("Object contains unknown field `%(name)s` - at `%(place)s`"),
        Saying("Object contains unknown field `%(name)s`"),
        Saying("Invalid enum value %(given)s - at `%(place)s`"),
        Saying("Input data was truncated"),
        # the door of messages
        Saying("the event is not a JSON object"),
        Saying("the event has %(n)s bytes, more than %(most)s"),
        # which purpose: as ``consent.purposes`` says it
        Saying(
            "there is no purpose “%(purpose)s”; there are: %(known)s. Another one is set up with "
            "`pusula consent purposes add`"
        ),
        Saying(
            "“%(purpose)s” is not one consent: each purpose needs a decision and a proof of "
            "its own, apart from membership and contract"
        ),
    )
)


def known(complaint: str) -> Saying | str:
    """Return a complaint as a saying; one that is no sentence here as it is."""
    return _COMPLAINTS.known(complaint)


def why(error: Exception) -> Saying | str:
    """Return what an error says, as a saying if it is one or one is known."""
    said = getattr(error, "saying", str(error))
    return known(said) if isinstance(said, str) else said
