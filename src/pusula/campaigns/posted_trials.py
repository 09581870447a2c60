"""Test messages through a provider (SMS, WhatsApp, web push), and the codes that verify numbers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from pusula.campaigns import team, trials
from pusula.campaigns.models import Trial
from pusula.channels.port import Outgoing, Provider, Result
from pusula.consent.models import Channel
from pusula.lib import clock, ids
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.outbox.outgoing import Prepared

MARK = "[Test] "
_MOST_WORDS = 250  # of a provider: a row keeps no more beside the sentence
# Why a message did not leave, with the provider's own words.
_REFUSALS: Mapping[Result, str] = {
    Result.LATER: gettext_noop("not taken now: %(words)s"),
    Result.BAD_ADDRESS: gettext_noop("there is nobody at this address: %(words)s"),
    Result.REJECTED: gettext_noop("this message is refused: %(words)s"),
    Result.POLICY: gettext_noop("we are refused, and so is whatever comes next: %(words)s"),
    Result.CONTENT: gettext_noop("what it says is refused: %(words)s"),
    Result.OPTED_OUT: gettext_noop("this person wants no more: %(words)s"),
    Result.DOUBT: gettext_noop("no answer tells whether it arrived: %(words)s"),
}
_log = logging.getLogger("pusula.sender")


def send_waiting(provider: Provider, home: Path) -> int:
    """Send the codes and test messages of a channel that wait, each once; return how many left.

    Where sending or the channel is stopped or held, nothing leaves.
    """
    channel, n = provider.channel, 0
    if channel == Channel.SMS:
        while not trials.is_held(home, channel) and (found := team.take_code(at=clock.now())):
            address, code = found
            n += not _handed(provider, _code(address.pk, address.address, code))
    while not trials.is_held(home, channel) and (
        trial := trials.take(at=clock.now(), channel=channel)
    ):
        n += _send(provider, trial)
    return n


def run(provider: Provider, home: Path, stopping: threading.Event) -> None:
    """Send what waits, again and again, until ``stopping``; for a thread of the sender."""
    while not stopping.wait(trials.EVERY_S):
        try:
            send_waiting(provider, home)
        except DatabaseError:
            _log.warning("test messages could not be read; trying again")
        finally:
            connection.close()
    provider.close()


def outgoing(trial: Trial) -> Outgoing:
    """Return a test message as it leaves, marked as one; raise ``PusulaError``.

    It is called informational towards the gateway: the number of a colleague is in no registry.
    """
    content, company = trial.content, settings.PUSULA
    prepared = Prepared.of(
        content.channel, content.sender, content.subject, content.text, content.details
    )
    title, text, details = prepared.filled(trials.given(trial.as_customer or 0))
    if content.channel == Channel.WEBPUSH:
        details = {**details, **trial.to.told, "url": details.get("url") or company.public_url}
    return Outgoing(
        id=trial.pk,
        token=ids.random_id(),
        address=trial.to.address,
        text=f"{MARK}{text}" if content.channel == Channel.SMS else text,
        title=f"{MARK}{title}" if content.channel == Channel.WEBPUSH else title,
        sender=content.sender,
        details=_marked(details) if content.channel == Channel.WHATSAPP else details,
        is_commercial=False,
        not_after_at=clock.now() + trials.GOOD_FOR,
    )


def _send(provider: Provider, trial: Trial) -> bool:
    """Send one test message, and write down what became of it."""
    try:
        one = outgoing(trial)
    except PusulaError as error:
        return trials.settled(trial, error.saying)
    if not trials.may_get(trial.to_id):
        return trials.settled(trial, team.REVOKED)
    return trials.settled(trial, _handed(provider, one))


def _handed(provider: Provider, one: Outgoing) -> Saying | str:
    """Hand one message over; return why it did not leave, empty if it did."""
    problem: Saying | str = trials.NO_ANSWER
    for outcome in provider.send([one]):
        said = _REFUSALS.get(outcome.result)
        problem = Saying(said, {"words": outcome.words[:_MOST_WORDS]}) if said else ""
    return problem


def _code(pk: int, number: str, code: str) -> Outgoing:
    """Return the SMS with the code for a number of the team; nothing in it was typed by anybody."""
    with translation.override(settings.LANGUAGE_CODE):
        text = _("%(company)s: your code for test messages is %(code)s. Tell it to nobody else.")
    return Outgoing(
        id=pk,
        token=ids.random_id(),
        address=number,
        text=text % {"company": settings.PUSULA.name, "code": code},
        is_commercial=False,
        not_after_at=clock.now() + team.CODE_GOOD_FOR,
    )


def _marked(details: dict[str, Any]) -> dict[str, Any]:
    """Return a WhatsApp message whose first value says that it is a test: its text is Meta's."""
    body = details.get("body")
    if isinstance(body, dict) and body:
        first = next(iter(body))
        return {**details, "body": {**body, first: f"{MARK}{body[first]}"}}
    if isinstance(body, list) and body:
        return {**details, "body": [f"{MARK}{body[0]}", *body[1:]]}
    return details
