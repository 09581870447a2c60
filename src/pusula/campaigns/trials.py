"""Test messages: what one customer would get, sent to what is verified as the team's.

They go the way of real ones: the same frozen content, the same filling, the same wire, the same
second look before they leave. They are no messages: no table of messages, caps, results or reports
knows them, their links change nothing, and they say what they are. Mails leave here, what goes
through a provider in ``posted_trials``.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from pusula.campaigns import team
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import TeamAddress, TeamKind, Trial
from pusula.campaigns.templates import SAMPLE_MESSAGE, Says
from pusula.channels.email import dkim, mime
from pusula.channels.email.address import AddressError, on_the_wire, split_sender
from pusula.channels.email.smtp import (
    Answered,
    Envelope,
    Pool,
    Ready,
    Refused,
    Server,
    TransportError,
)
from pusula.consent.models import Channel
from pusula.content import template
from pusula.content.language import RenderError, TemplateError
from pusula.lib import clock, ids
from pusula.lib.sayings import Saying, kept
from pusula.outbox import actions as outbox
from pusula.outbox import fence, letters
from pusula.outbox import queries as sending
from pusula.outbox.brakes import is_stopped
from pusula.outbox.links import preview_links
from pusula.outbox.models import FENCE, INTERPRETED, channel_hold
from pusula.outbox.outgoing import Prepared
from pusula.outbox.registry import RUN_FOLDER
from pusula.outbox.variables import values

EVERY_S = 2.0
# What a test message of a channel goes to.
KINDS: Mapping[str, str] = {
    Channel.EMAIL: TeamKind.EMAIL,
    Channel.SMS: TeamKind.PHONE,
    Channel.WHATSAPP: TeamKind.PHONE,
    Channel.WEBPUSH: TeamKind.BROWSER,
}
MOST_AN_HOUR = 30  # to one address, and by one user
GOOD_FOR = clock.HOUR  # a test mail that could not leave for so long is not wanted any more
_ANSWER_WITHIN_S = 60.0
_ACCEPTED = 250
CALLED_BACK = Saying("it was called back at the last moment")
NO_ANSWER = Saying("no answer")
_log = logging.getLogger("pusula.sender")


class TrialError(CampaignError):
    """A test mail cannot be sent."""

    code = "trial"
    status = 422


def ask(
    says: Says, *, to: int, as_customer: int, by: str, at: int, channel: str = Channel.EMAIL
) -> Trial:
    """Put a test message in line: what ``says`` makes for a customer, to what is verified.

    Raises ``TrialError`` for an address that is not verified or of another channel, and for too
    many; ``TemplateError``, ``ChannelError`` and ``RenderError`` for what cannot be filled.
    """
    _try_out(channel, says, as_customer)
    is_mail = channel == Channel.EMAIL
    with transaction.atomic():
        asked = TeamAddress.objects.select_for_update().filter(pk=to, kind=KINDS[channel])
        address = asked.first()
        if address is None or address.verified_at is None or address.revoked_at is not None:
            raise TrialError(_("Test mails go to verified addresses of your team only."))
        hour = Trial.objects.filter(asked_at__gt=at - clock.HOUR)
        n = max(hour.filter(to=address).count(), hour.filter(asked_by=by).count())
        if n >= MOST_AN_HOUR:
            raise TrialError(_("Too many test mails within an hour: go on a little later."))
        content = outbox.freeze(
            channel=channel,
            sender=settings.PUSULA.from_address if is_mail else "",
            subject=says.subject,
            text=says.text,
            html=says.whole_html if is_mail else "",
            details=says.details,
        )
        return Trial.objects.create(
            to=address, content=content, channel=channel, as_customer=as_customer, asked_by=by,
            asked_at=at,
        )  # fmt: skip


def recent(n: int) -> list[Trial]:
    """Return the last test mails."""
    return list(Trial.objects.select_related("to").order_by("-asked_at", "-pk")[:n])


def take(*, at: int, channel: str = Channel.EMAIL) -> Trial | None:
    """Return the next test message to leave, taken before it does; it is never tried again.

    One statement takes it and asks whether its address is verified still.
    """
    # No join here: an update with one asks the row that it waited for nothing again.
    waiting = Trial.objects.filter(
        taken_at=None, asked_at__gt=at - GOOD_FOR, channel=channel,
        to_id__in=_verified().values("pk"),
    )  # fmt: skip
    for one in waiting.select_related("to", "content").order_by("asked_at", "pk")[:20]:
        if waiting.filter(pk=one.pk).update(taken_at=at):
            return one
    return None


def send_waiting(server: Server, home: Path) -> int:
    """Send the links and test mails that wait, each once; return how many the server took.

    Where sending is stopped or held, nothing leaves.
    """
    n = 0
    while not is_held(home) and (invitation := team.take_invitation(at=clock.now())):
        n += _invite(server, *invitation)
    while not is_held(home) and (trial := take(at=clock.now())):
        n += _send(server, trial)
    return n


def run(server: Server, home: Path, stopping: threading.Event) -> None:
    """Send what waits, again and again, until ``stopping``; for a thread of the sender."""
    while not stopping.wait(EVERY_S):
        try:
            send_waiting(server, home)
        except DatabaseError:
            _log.warning("test mails could not be read; trying again")
        finally:
            connection.close()


def mail(trial: Trial) -> bytes:
    """Return a test mail as it goes on the wire.

    Raises ``TemplateError``, ``RenderError`` and ``AddressError``.
    """
    content = trial.content
    compiled = template.compiled(
        content.subject,
        content.text,
        content.html,
        is_interpreted=bool(content.details.get(INTERPRETED)),
    )
    if trial.as_customer is None:
        raise RenderError("the customer is not there any more")
    filled = _filled(compiled, trial.as_customer)
    _name, sender = split_sender(content.sender)
    links = preview_links()
    return mime.wired(
        mime.Mail(
            sender=content.sender,
            to=trial.to.address,
            subject=f"[Test] {filled.subject}",
            text=filled.text,
            html=filled.html,
            token=ids.random_id(),
            at=clock.now(),
            unsubscribe_url=links.unsubscribe_url,
            feedback="test",
        ),
        dkim.signer_of(sender, dkim.signers(settings.PUSULA_DKIM)),
    )


def invitation(address: TeamAddress, token: str) -> EmailMessage:
    """Return the mail that asks the owner of an address; nothing in it was typed by anybody."""
    company = settings.PUSULA
    with translation.override(settings.LANGUAGE_CODE):
        words = {"company": company.name, "url": f"{company.public_url}/team/{token}/"}
        message = EmailMessage()
        message["From"] = company.from_address
        message["To"] = address.address
        message["Subject"] = _("May test mails of %(company)s come to this address?") % words
        message["Date"] = format_datetime(clock.to_datetime(clock.now()))
        domain = split_sender(company.from_address)[1].rpartition("@")[2]
        message["Message-ID"] = f"<{ids.random_id()}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(
            _(
                "Somebody at %(company)s wants to send test mails to this address.\n\n"
                "If you work there and agree, confirm it here:\n%(url)s\n\n"
                "If not, do nothing: nothing else comes, and this link ends in a day."
            )
            % words
        )
    return message


def _try_out(channel: str, says: Says, as_customer: int) -> None:
    """Fill what is said once, so that whoever asks hears at once what is wrong with it."""
    if channel == Channel.EMAIL:
        _filled(template.compiled(says.subject, says.text, says.whole_html), as_customer)
    else:
        prepared = Prepared.of(channel, "", says.subject, says.text, says.details)
        prepared.filled(given(as_customer))


def given(as_customer: int) -> dict[str, Any]:
    """Return what a short test message may say of a customer; raise ``RenderError``."""
    variables = values([as_customer], at=clock.now()).get(as_customer)
    if variables is None:
        raise RenderError("the customer is not there any more")
    links = preview_links()
    return {
        **variables,
        "message": SAMPLE_MESSAGE,
        "unsubscribe_url": links.unsubscribe_url,
        "preferences_url": links.preferences_url,
    }


def _filled(compiled: template.Compiled, as_customer: int) -> template.Rendered:
    variables = letters.person(as_customer, compiled)
    if variables is None:
        raise RenderError("the customer is not there any more")
    return template.render(compiled, {**variables, "message": SAMPLE_MESSAGE}, preview_links())


def is_held(home: Path, channel: str = Channel.EMAIL) -> bool:
    """Return whether nothing may leave: the channel or all is held, or this may be a copy."""
    held = {"", FENCE, channel_hold(channel)}
    if is_stopped(home) or any(hold.origin in held for hold in sending.holds()):
        return True
    return bool(fence.trouble(home / RUN_FOLDER, at=clock.now()))


def _send(server: Server, trial: Trial) -> bool:
    """Send one test mail, and write down what became of it."""
    try:
        body = mail(trial)
        problem = deliver(server, trial.to.address, body, lambda: may_get(trial.to_id))
    except (TemplateError, RenderError, AddressError, TransportError) as error:
        problem = error.saying
    return settled(trial, problem)


def settled(trial: Trial, problem: Saying | str) -> bool:
    """Write down what became of a test message; return whether it left."""
    Trial.objects.filter(pk=trial.pk).update(
        sent_at=None if problem else clock.now(), problem=kept(problem, 400), as_customer=None
    )
    if problem:
        _log.warning("a test message was not sent and will not be: %s", problem)
    return not problem


def _invite(server: Server, address: TeamAddress, token: str) -> bool:
    body = invitation(address, token).as_bytes()
    still = TeamAddress.objects.filter(pk=address.pk, revoked_at=None)
    try:
        problem = deliver(server, address.address, body, still.exists)
    except (AddressError, TransportError) as error:
        problem = error.saying
    if problem:
        _log.warning("a link to a team address was not sent and will not be: %s", problem)
    return not problem


def may_get(to: int) -> bool:
    """Return whether an address still is one that test messages go to."""
    return _verified().filter(pk=to).exists()


def _verified() -> QuerySet[TeamAddress]:
    return TeamAddress.objects.filter(revoked_at=None).exclude(verified_at=None)


def deliver(server: Server, to: str, body: bytes, may_go: Callable[[], bool]) -> Saying | str:
    """Send one mail; return why it did not leave, empty if it did.

    Its final dot is sent only if ``may_go`` holds when the server is ready for it. Raises
    ``TransportError`` and ``AddressError``.
    """
    _name, sender = split_sender(settings.PUSULA.from_address)
    pool = Pool(server)
    try:
        pool.begin(pool.connect(), Envelope(0, sender, on_the_wire(to)))
        return _followed(pool, body, may_go)
    finally:
        pool.close()


def _followed(pool: Pool, body: bytes, may_go: Callable[[], bool]) -> Saying | str:
    """Go through with the one mail begun in ``pool``."""
    ends_at = time.monotonic() + _ANSWER_WITHIN_S
    while time.monotonic() < ends_at:
        for happening in pool.poll(1.0):
            match happening:
                case Ready(connection=ready):
                    if not may_go():
                        pool.drop(ready)
                        return CALLED_BACK
                    pool.finish(ready, body)
                case Answered(reply=reply):
                    return "" if reply.code == _ACCEPTED else str(reply)
                case Refused(reply=reply):
                    return str(reply)
                case lost:
                    return lost.error
    return NO_ANSWER
