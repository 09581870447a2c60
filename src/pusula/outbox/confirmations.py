"""The one mail that asks a person to confirm a sign-up: of our own words alone, sent once."""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import translation
from django.utils.translation import gettext as _

from pusula.channels.email.smtp import Server
from pusula.consent import sign_ups
from pusula.consent.models import SignUp
from pusula.lib import clock

EVERY_S = 2.0
_TIMEOUT_S = 20.0
_log = logging.getLogger("pusula.sender")


def mail(one: SignUp) -> EmailMessage:
    """Return the mail to whoever signed up; nothing in it was typed into the form."""
    with translation.override(one.language):
        company = settings.PUSULA.name
        words = {"company": company, "url": f"{settings.PUSULA.public_url}/s/{one.token}/"}
        message = EmailMessage()
        message["From"] = settings.PUSULA.from_address
        message["To"] = one.address
        message["Subject"] = _("Please confirm your address for %(company)s") % words
        message["Date"] = format_datetime(clock.to_datetime(clock.now()))
        domain = parseaddr(settings.PUSULA.from_address)[1].rpartition("@")[2]
        message["Message-ID"] = f"<{one.token}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(
            _(
                "Somebody asked %(company)s to write to this address.\n\n"
                "If that was you, confirm it here:\n%(url)s\n\n"
                "If not, do nothing: you get no other mail, and this link ends in 7 days."
            )
            % words
        )
    return message


def send_waiting(server: Server) -> int:
    """Send the mails that wait, each once and for all; return how many the server took."""
    n = 0
    while (one := sign_ups.take_mail(at=clock.now())) is not None:
        try:
            _send(server, mail(one))
        except (OSError, smtplib.SMTPException) as error:
            _log.warning("a confirmation was not sent and will not be: %s", type(error).__name__)
            return n
        n += 1
    return n


def run(server: Server, stopping: threading.Event) -> None:
    """Send what waits, again and again, until ``stopping``; for a thread of the sender.

    Sign-ups that nobody confirmed in time are deleted meanwhile.
    """
    forget_at = 0
    while not stopping.wait(EVERY_S):
        try:
            send_waiting(server)
            if clock.now() >= forget_at:
                sign_ups.forget_old(at=clock.now())
                forget_at = clock.now() + clock.HOUR
        except DatabaseError:
            _log.warning("sign-ups could not be read; trying again")
        finally:
            connection.close()


def _send(server: Server, message: EmailMessage) -> None:
    if server.tls == "tls":
        context = ssl.create_default_context(cafile=server.ca or None)
        hop: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=_TIMEOUT_S, context=context
        )
    else:
        hop = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
    with hop:
        if server.tls == "starttls":
            hop.starttls(context=ssl.create_default_context(cafile=server.ca or None))
        if server.user:
            hop.login(server.user, server.password)
        hop.send_message(message)
