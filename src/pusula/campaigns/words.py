"""What campaigns say to people: why somebody got nothing, what is wrong with a template."""

from __future__ import annotations

from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import (
    get_language,
    gettext,
    gettext_noop,
    ngettext,
    pgettext_lazy,
)
from django.utils.translation import gettext_lazy as _

from pusula.campaigns import machine
from pusula.campaigns.audience import SEGMENT
from pusula.campaigns.models import Arm
from pusula.content.check import Problem
from pusula.lib import numerals
from pusula.outbox import machine as messages
from pusula.outbox.reasons import Reason
from pusula.segments import queries as segments

# As they stand behind a colon.
_REASONS: dict[str, str | Promise] = {
    Reason.NO_CONSENT: _("no consent for this channel"),
    Reason.REFUSED: _("consent withdrawn"),
    Reason.HOLDOUT_GLOBAL: _("in the control group of all messages"),
    Reason.CAPPED: _("has got as many messages as allowed"),
    Reason.OUTRANKED: _("a more important message took the place"),
    Reason.QUIET: _("quiet hours until it is too late"),
    Reason.BUDGET: _("no place left before it is too late"),
    Reason.OBJECTED: _("objects to profiling"),
    Reason.OTHER_ADDRESS: _("consent given for another address"),
    Reason.NOT_IN_IYS: _("no approval in İYS"),
    Reason.NO_ADDRESS: _("no address on this channel"),
    Reason.SUPPRESSED: _("address blocked for sending"),
    Reason.DUPLICATE_ADDRESS: _("another person with this address gets it"),
    Arm.HOLDOUT: _("control group"),
}
STATES: dict[str, str | Promise] = {
    machine.DRAFT: pgettext_lazy("state of a campaign", "Draft"),
    machine.SCHEDULED: pgettext_lazy("state of a campaign", "Scheduled"),
    machine.SENDING: pgettext_lazy("state of a campaign", "Sending"),
    machine.RUNNING: pgettext_lazy("state of a campaign", "Being measured"),
    machine.FINISHED: pgettext_lazy("state of a campaign", "Finished"),
}
MESSAGE_STATES: dict[str, str | Promise] = {
    messages.PENDING: pgettext_lazy("state of a message", "Waiting"),
    messages.SENDING: pgettext_lazy("state of a message", "On its way"),
    messages.SENT: pgettext_lazy("state of a message", "Sent"),
    messages.SKIPPED: pgettext_lazy("state of a message", "Not sent"),
    messages.FAILED: pgettext_lazy("state of a message", "Refused"),
    messages.UNKNOWN: pgettext_lazy("state of a message", "Uncertain"),
}
_PARTS: dict[str, str | Promise] = {
    "subject": _("Subject"),
    "text": _("Text"),
    "html": _("HTML"),
    "preheader": _("Preheader"),
    "details.url": _("Link"),
    "details.icon": _("Icon"),
    "details.image": _("Image"),
    "details.template": _("Approved template"),
    "details.language": _("Its language"),
    "details.body": _("Values of the approved template"),
}


# What ``content.check`` says, which knows no translation; named here so that it gets one.
PROBLEMS = (
    gettext_noop("Liquid cannot read this: %(detail)s"),
    gettext_noop("This cannot be read: %(detail)s"),
    gettext_noop("There is no filter %(name)s; is %(close)s meant?"),
    gettext_noop("There is no filter %(name)s."),
    gettext_noop("There is no variable %(name)s; is %(close)s meant?"),
    gettext_noop("There is no variable %(name)s."),
    gettext_noop(
        'Who has no %(name)s gets nothing: say what to print then, {{ %(name)s | default: "…" }}.'
    ),
    gettext_noop("Who has no %(name)s gets an empty block: say with {%% else %%} what comes then."),
    gettext_noop("The subject is empty."),
    gettext_noop("The message is empty."),
    gettext_noop("Nothing is written here."),
    gettext_noop("The image has no alt text: who blocks images sees nothing."),
    gettext_noop(
        "%(ink)s on %(ground)s is hard to read: the contrast is %(ratio)s, 4.5 is needed."
    ),
    gettext_noop("The HTML has %(size)d KB; Gmail hides what comes after 102 KB."),
    gettext_noop("The link “%(target)s” leads nowhere: it must begin with https://."),
    gettext_noop("There is no way to unsubscribe: add a link to {{ unsubscribe_url }}."),
    gettext_noop(
        "It cannot be filled for somebody of whom nothing is known, so the way to unsubscribe"
        " cannot be seen: %(detail)s"
    ),
    gettext_noop("Too costly to fill: %(detail)s"),
)


def number(value: float | Decimal, digits: int = 0) -> str:
    """Return ``12.438`` (tr) or ``12,438`` (en), rounded half up."""
    return numerals.number(value, digits, numerals.locale_of(get_language()))


def amount(minor: int, currency: str) -> str:
    """Return minor units as money: ``₺2.551`` (tr) or ``₺2,551`` (en)."""
    return numerals.amount(minor, currency, numerals.locale_of(get_language()))


def reason(code: str) -> str:
    """Return why somebody got nothing, as it stands behind a colon."""
    if code.startswith(SEGMENT):
        return gettext("in the segment “%(segment)s”") % {"segment": _segment(code)}
    if code in _REASONS:
        return str(_REASONS[code])
    return str(Reason(code).label) if code in Reason.values else code


def left_out(code: str, n: int) -> str:
    """Return how many would get nothing and why, as one sentence."""
    form = ngettext(
        "%(n)s person gets no message: %(reason)s.", "%(n)s people get no message: %(reason)s.", n
    )
    return form % {"n": number(n), "reason": reason(code)}


def problem(found: Problem, language: str = "") -> str:
    """Return what is wrong with a template, in which language and where."""
    part = part_of(found.part)
    if language:
        part = f"{part} ({language})"
    sentence = found.saying.said(gettext)
    if not found.line:
        return f"{part}: {sentence}"
    return gettext("%(part)s, line %(line)s: %(sentence)s") % {
        "part": part,
        "line": found.line,
        "sentence": sentence,
    }


def part_of(code: str) -> str:
    """Return what a part of a template is called; of the details, the first word says it."""
    return str(_PARTS.get(code) or _PARTS.get(".".join(code.split(".")[:2])) or code)


def _segment(code: str) -> str:
    key = code.removeprefix(SEGMENT)
    segment = segments.by_key(key)
    titles = segments.words(segment)["title"] if segment else {}
    return titles.get(get_language() or "en") or key
