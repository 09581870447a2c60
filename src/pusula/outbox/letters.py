"""A claimed message turned into the mail that goes on the wire."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from pusula.channels.email import dkim, mime
from pusula.channels.email.address import on_the_wire, split_sender
from pusula.channels.email.dkim import Signer
from pusula.channels.email.smtp import Envelope
from pusula.content import template
from pusula.lib import clock
from pusula.outbox import returns
from pusula.outbox.links import MessageLinks, preview_links
from pusula.outbox.models import INTERPRETED, Content
from pusula.outbox.recommended import WORD, Recommender
from pusula.outbox.variables import values

_KEPT = 100  # contents at once: more mailings than anybody sends together
_VERIFIED_FIRST = 8  # mails of a content, and one of so many after them
_VERIFIED_EVERY = 1_000

_log = logging.getLogger("pusula.sender")


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
    variables: Mapping[str, str] = field(default_factory=dict)  # what it says beyond the profile


class Desk:
    """Keeps the contents that are being sent compiled."""

    def __init__(self, signers: Mapping[str, Signer] | None = None) -> None:
        """Start with nothing compiled; ``signers`` are the keys by domain, else those set up."""
        self._returns = returns.tokens()
        self._contents: dict[int, _Prepared] = {}
        self._recommender = Recommender()
        self._signers = dkim.signers(settings.PUSULA_DKIM) if signers is None else signers

    def mail(self, letter: Letter, variables: Mapping[str, Any]) -> bytes:
        """Return the mail of ``letter`` as it goes on the wire.

        Raises ``TemplateError``, ``RenderError`` and ``AddressError``.
        """
        content = self._content(letter.content_id)
        links = MessageLinks(letter.token)
        given = {**variables, "message": letter.variables}
        if content.compiled.recommends:
            given[WORD] = self._recommender.of(letter.profile_id, at=clock.now())
        if content.is_to_be_verified() and not template.verified(content.compiled, given, links):
            _log.error("content %d is filled by the interpreter alone", letter.content_id)
        written = template.write(content.compiled, given, links)
        return mime.wired(
            mime.Mail(
                sender=content.sender,
                to=letter.address,
                subject=written.subject,
                text=written.text,
                html=written.html,
                token=letter.token,
                at=clock.now(),
                unsubscribe_url=links.unsubscribe_url,
                feedback=letter.origin,
            ),
            content.signer,
        )

    def envelope(self, letter: Letter) -> Envelope:
        """Return who the mail of ``letter`` is from and to on the wire; raise ``AddressError``."""
        _name, address = split_sender(self._content(letter.content_id).sender)
        back = self._returns.return_path(letter.token) or address
        return Envelope(letter.id, back, on_the_wire(letter.address))

    def _content(self, content_id: int) -> _Prepared:
        found = self._contents.get(content_id)
        if found is None:
            if len(self._contents) >= _KEPT:
                self._contents.clear()
            content = Content.objects.get(pk=content_id)
            compiled = template.compiled(
                content.subject,
                content.text,
                content.html,
                is_interpreted=bool(content.details.get(INTERPRETED)),
            )
            _name, address = split_sender(content.sender)
            signer = dkim.signer_of(address, self._signers)
            found = self._contents[content_id] = _Prepared(content.sender, compiled, signer)
        return found


@dataclass
class _Prepared:
    """A content ready for sending."""

    sender: str
    compiled: template.Compiled
    signer: Signer | None
    n_filled: int = 0

    def is_to_be_verified(self) -> bool:
        """Return whether this mail is filled by the interpreter too, and both are compared."""
        self.n_filled += 1
        return self.n_filled <= _VERIFIED_FIRST or self.n_filled % _VERIFIED_EVERY == 0


def preview(subject: str, text: str, html: str, profile_id: int) -> template.Rendered:
    """Return what the profile would get, with links that change nothing.

    Raises ``TemplateError`` and ``RenderError``.
    """
    compiled = template.compiled(subject, text, html)
    variables = person(profile_id, compiled)
    return template.render(compiled, variables or {}, preview_links())


def person(profile_id: int, compiled: template.Compiled) -> dict[str, Any] | None:
    """Return what ``compiled`` may say of one profile now; ``None`` if it is gone."""
    at = clock.now()
    variables = values([profile_id], at=at).get(profile_id)
    if variables is not None and compiled.recommends:
        variables[WORD] = Recommender().of(profile_id, at=at)
    return variables
