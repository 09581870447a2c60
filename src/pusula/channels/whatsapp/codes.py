"""What the error codes of the Cloud API mean for a message, and for what we do next."""

from __future__ import annotations

from pusula.channels.port import ReportKind, Result

_DAY_S = 86_400
# How long to wait where the code itself asks for it. 131056: one person, one message in 6 seconds.
WAITS_S = {
    4: 3_600,
    80007: 3_600,
    130429: 60,
    131048: 3_600,
    131049: _DAY_S,  # Meta holds back marketing from this person; sooner makes it worse
    131056: 60,
    133004: 300,
    131016: 300,
    2: 300,
}
OPTED_OUT = frozenset({131050})  # the person stopped marketing messages of ours
# Not on WhatsApp, or its app is too old, or its terms were not agreed to: it does not say which.
UNREACHABLE = 131026
_REJECTED = frozenset(
    {
        UNREACHABLE,
        130472,  # Meta's experiment leaves this person out
        131047,  # only a template may begin a conversation
        131051,
        131052,
        131053,
        131062,  # addressed by a business id that this call does not take
    }
)
# The template: not there, not approved, paused, or other values than it wants.
_CONTENT = frozenset(
    {132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069}
)
# It is us: token, account, number, payment, quality.
_POLICY = frozenset(
    {
        0, 3, 10, 190, 368, 130497, 131031, 131042, 131045, 131005, 131063, 131064,
        133010,
    }
)  # fmt: skip
_FIRST_PERMISSION, _LAST_PERMISSION = 200, 299


def result(code: int, status: int) -> Result:
    """Return what ``code`` in an answer with HTTP ``status`` means for the message."""
    if code in WAITS_S:
        return Result.LATER
    if code in OPTED_OUT:
        return Result.OPTED_OUT
    if code in _CONTENT:
        return Result.CONTENT
    if code in _POLICY or _FIRST_PERMISSION <= code <= _LAST_PERMISSION:
        return Result.POLICY
    if code in _REJECTED:
        return Result.REJECTED
    # An error of their own says nothing about whether the message went out.
    return Result.DOUBT if status >= 500 else Result.REJECTED  # noqa: PLR2004 - HTTP's own classes


def kind(code: int) -> ReportKind:
    """Return what ``code`` in a status of a message that was accepted means."""
    if code == UNREACHABLE:
        return ReportKind.SOFT_BOUNCED
    found = result(code, 400)
    return {
        Result.OPTED_OUT: ReportKind.OPTED_OUT,
        Result.POLICY: ReportKind.POLICY,
    }.get(found, ReportKind.REJECTED)
