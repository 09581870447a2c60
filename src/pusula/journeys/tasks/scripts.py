"""What is said on the phone: the script of a call, filled in for the person who is called."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.content.language import RenderError, TemplateError
from pusula.lib.errors import PusulaError
from pusula.outbox.models import Message
from pusula.outbox.outgoing import Prepared
from pusula.outbox.variables import values


@dataclass(frozen=True, slots=True)
class Script:
    """A title, the text, and why the text stands as it was written, if it could not be filled."""

    title: str
    text: str
    problem: str = ""


def script_of(message: Message, *, at: int) -> Script:
    """Return the script of a call in the language of the person, filled with what is known now.

    Where a value is missing the agent sees the script as it was written, and what is missing.
    """
    content = message.content
    given = values([message.profile_id], at=at).get(message.profile_id, {})
    try:
        made = Prepared.of(
            content.channel, content.sender, content.subject, content.text, content.details
        )
        title, text, _details = made.filled({**given, "message": message.variables})
    except (TemplateError, RenderError, PusulaError) as error:
        return Script(content.subject, content.text, error.said(gettext))
    return Script(title, text)
