"""A claimed message turned into the mail that goes on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pusula.channels.email import mime
from pusula.channels.email.address import on_the_wire, split_sender
from pusula.channels.email.smtp import Envelope
from pusula.content import template
from pusula.lib import clock
from pusula.outbox.links import MessageLinks, preview_links
from pusula.outbox.models import Content
from pusula.outbox.variables import values

_KEPT = 100  # contents at once: more mailings than anybody sends together


@dataclass(frozen=True, slots=True)
class Letter:
    """What the sender needs of a claimed message."""

    id: int
    token: str
    origin: str
    profile_id: int
    content_id: int
    address: str
    n_attempts: int


class Desk:
    """Keeps the contents that are being sent compiled."""

    def __init__(self) -> None:
        """Start with nothing compiled."""
        self._contents: dict[int, tuple[str, template.Compiled]] = {}

    def mail(self, letter: Letter, variables: Mapping[str, Any]) -> bytes:
        """Return the mail of ``letter`` as it goes on the wire.

        Raises ``TemplateError``, ``RenderError`` and ``AddressError``.
        """
        sender, compiled = self._content(letter.content_id)
        links = MessageLinks(letter.token)
        rendered = template.render(compiled, variables, links)
        return mime.wired(
            mime.Mail(
                sender=sender,
                to=letter.address,
                subject=rendered.subject,
                text=rendered.text,
                html=rendered.html,
                token=letter.token,
                at=clock.now(),
                unsubscribe_url=links.unsubscribe_url,
                feedback=letter.origin,
            )
        )

    def envelope(self, letter: Letter) -> Envelope:
        """Return who the mail of ``letter`` is from and to on the wire; raise ``AddressError``."""
        _name, address = split_sender(self._content(letter.content_id)[0])
        return Envelope(letter.id, address, on_the_wire(letter.address))

    def _content(self, content_id: int) -> tuple[str, template.Compiled]:
        found = self._contents.get(content_id)
        if found is None:
            if len(self._contents) >= _KEPT:
                self._contents.clear()
            content = Content.objects.get(pk=content_id)
            compiled = template.compiled(content.subject, content.text, content.html)
            found = self._contents[content_id] = (content.sender, compiled)
        return found


def preview(subject: str, text: str, html: str, profile_id: int) -> template.Rendered:
    """Return what the profile would get, with links that change nothing.

    Raises ``TemplateError`` and ``RenderError``.
    """
    compiled = template.compiled(subject, text, html)
    variables = values([profile_id], at=clock.now()).get(profile_id, {})
    return template.render(compiled, variables, preview_links())
