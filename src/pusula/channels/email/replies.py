"""What the next hop's answers mean (RFC 5321, 3463)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

_ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.(\d{1,3})\b")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# The address itself is wrong, for good, whoever sends: no such mailbox, no such domain, moved,
# null MX, disabled, no host. (5.1.7 and 5.1.8 speak of the sender's address.)
_BAD_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
_ABOUT_THE_SENDER = frozenset({"5.1.7", "5.1.8"})
_AUTHENTICATION = frozenset({530, 534, 535, 538})
MAX_TEXT = 400


class Step(Enum):
    """The command an answer answers."""

    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    DOT = auto()


class Answer(Enum):
    """What an answer means for the message, and for what we do next."""

    ACCEPTED = auto()
    LATER = auto()  # try again: greylisting, a full disk, a busy server
    BAD_ADDRESS = auto()  # the mailbox does not exist; never write there again
    REJECTED = auto()  # this message, for good; says nothing about the address
    POLICY = auto()  # it is us they refuse: whoever is next will be refused too


@dataclass(frozen=True)
class Reply:
    """The hop's own words: a code and the text of all its lines."""

    code: int
    text: str

    @property
    def enhanced(self) -> str:
        """The enhanced status code (``5.1.1``), empty if the hop gave none."""
        found = _ENHANCED.match(self.text)
        return found.group() if found else ""

    def __str__(self) -> str:
        """Return code and text on one line, safe to store and show."""
        return f"{self.code} {_CONTROL.sub(' ', self.text)}"[:MAX_TEXT]


def meaning(reply: Reply, step: Step) -> Answer:
    """Return what ``reply`` to ``step`` means.

    An address is only called bad where the hop says so by enhanced code: a bare 550 may be
    anything, and suppressing a customer is for good.
    """
    status = reply.enhanced
    if reply.code < 400:  # noqa: PLR2004 - SMTP's own classes
        return Answer.ACCEPTED
    if reply.code < 500:  # noqa: PLR2004
        return Answer.LATER
    if status in _BAD_ADDRESS and step is not Step.MAIL:
        return Answer.BAD_ADDRESS
    is_policy = (
        status.startswith("5.7.")
        or status in _ABOUT_THE_SENDER
        or reply.code in _AUTHENTICATION
        or step is Step.MAIL
    )
    return Answer.POLICY if is_policy else Answer.REJECTED
