"""One message to one customer, prepared by hand from a suggestion on the card, with time to undo.

It is asked for like every other: consent, blocked addresses, İYS, caps, quiet hours and the control
group decide, now and again at the gate. If they say no, nothing is written. It waits a while before
it leaves, and may be called back until then.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from pusula.campaigns import templates
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import Template
from pusula.consent.models import Channel
from pusula.lib import clock
from pusula.outbox import decisions, machine, moves, suggesting
from pusula.outbox.candidates import Candidate, Decision, Way
from pusula.outbox.models import Message
from pusula.outbox.reasons import Reason
from pusula.outbox.suggesting import Rule
from pusula.predict import answers
from pusula.predict.models import Verdict

ORIGIN = "card"
HOLD = 5 * clock.MINUTE  # in which it can be undone
USEFUL_FOR = clock.DAY
# What is written; a call is a step of a journey.
WRITTEN = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP, Channel.WEBPUSH)


class OfferError(CampaignError):
    """The message is not sent, and why."""

    code = "offer"
    status = 422


def rule_of(profile_id: int, key: str, *, at: int) -> Rule:
    """Return the rule that is suggested for a customer now; raise ``OfferError`` for another."""
    found = suggesting.suggestion_for(profile_id, at=at)
    if found is None or found.rule.key != key:
        raise OfferError(_("This is not suggested any more: look at the card again."))
    return found.rule


def open_channels(profile_id: int, rule: Rule, *, at: int) -> list[str]:
    """Return the channels of a rule on which something may be written to a customer now."""
    return [
        channel
        for channel in rule.channels
        if channel in WRITTEN and suggesting.is_open(profile_id, channel, at=at)
    ]


def prepare(profile_id: int, key: str, template: Template, *, by: str, at: int) -> Decision:
    """Put what ``template`` says in line for a customer, and note the suggestion as done.

    Once, however often it is asked for. Raises ``OfferError`` where it may not be said, and
    ``TemplateError``, ``ChannelError`` or ``AddressError`` where it cannot.
    """
    with transaction.atomic():
        decisions.lock([profile_id])
        rule = rule_of(profile_id, key, at=at)
        if template.channel not in open_channels(profile_id, rule, at=at):
            raise OfferError(_("The customer may not be written to on this channel now."))
        suggesting.answer(profile_id, key, Verdict.ACCEPTED, by=by, at=at)
        (decision,) = decisions.decide([_candidate(profile_id, key, template, at)], at=at)
        if decision.reason:  # raised within the transaction, so that nothing is kept
            why = Reason(decision.reason).label
            raise OfferError(_("It is not sent: %(reason)s.") % {"reason": why})
    return decision


def waiting(profile_id: int) -> Sequence[Message]:
    """Return the messages from the card that have not left yet."""
    return list(
        Message.objects.filter(profile_id=profile_id, origin=ORIGIN, state=machine.PENDING)
        .select_related("content")
        .order_by("due_at")
    )


def undo(profile_id: int, message_id: int, *, by: str, at: int) -> bool:
    """Call a message from the card back; return whether it had not left. It may be suggested again.

    Only who took the suggestion up is taken back with it.
    """
    with transaction.atomic():
        decisions.lock([profile_id])
        mine = Message.objects.filter(pk=message_id, profile_id=profile_id, origin=ORIGIN)
        key = mine.values_list("step", flat=True).first()
        if key is None or not moves.withdraw(mine, at=at, reason=Reason.WITHDRAWN):
            return False
        answers.take_back(profile_id, key, by=by)
    return True


def _candidate(profile_id: int, key: str, template: Template, at: int) -> Candidate:
    contents = templates.freeze(template)
    read = templates.languages_of([profile_id]).get(profile_id, "")
    content_id = contents[templates.for_language(contents, read)]
    return Candidate(
        dedupe_key=f"{ORIGIN}:{key}:{profile_id}:{at}",
        origin=ORIGIN,
        step=key,
        profile_id=profile_id,
        ways=(Way(template.channel, content_id),),
        purpose=suggesting.PURPOSE,
        due_at=at + HOLD,
        not_after_at=at + HOLD + USEFUL_FOR,
    )
