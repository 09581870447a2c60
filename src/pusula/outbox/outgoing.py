"""A claimed message of a channel without letters (SMS, WhatsApp, push) turned into what goes out.

What such a message says stands in its content: ``subject`` is the title of a push, ``text`` the
text, ``details`` what only the channel has. Every text in ``details`` may hold Liquid. The shape of
``details`` is read before anything is filled in, so no value of a customer can change it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pusula.channels.port import ChannelError, Outgoing
from pusula.consent.models import Channel
from pusula.content import language
from pusula.content.language import Part, RenderError
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.outbox import subscriptions
from pusula.outbox.letters import Letter
from pusula.outbox.links import MessageLinks
from pusula.outbox.models import INTERPRETED, Content, Message
from pusula.outbox.subscriptions import Browser

_KEPT = 100  # contents at once
_DEEPEST = 4
_NEEDS_TEXT = frozenset({Channel.SMS, Channel.WEBPUSH, Channel.CALL})


class TakenOverError(PusulaError):
    """What the message is addressed to reaches another person now."""

    code = "taken_over"


@dataclass(frozen=True)
class Prepared:
    """A content read and ready to be filled."""

    channel: str
    sender: str
    title: Part
    text: Part
    details: Any  # as in the content, with a Part for each text

    @classmethod
    def of(
        cls, channel: str, sender: str, subject: str, text: str, details: Mapping[str, object]
    ) -> Prepared:
        """Return the content prepared; raise ``TemplateError`` or ``ChannelError``."""
        if channel in _NEEDS_TEXT and not text.strip():
            raise ChannelError(Saying("the message has no text"))
        if channel == Channel.WHATSAPP and not (
            details.get("template") and details.get("language")
        ):
            raise ChannelError(Saying("a WhatsApp message needs a template and its language"))
        details = dict(details)
        is_interpreted = bool(details.pop(INTERPRETED, False))

        def part(text: str) -> Part:
            return Part(text, language.PLAIN, is_interpreted=is_interpreted)

        return cls(channel, sender, part(subject), part(text), _prepared(details, part, 0))

    def is_equal(self, variables: Mapping[str, Any]) -> bool:
        """Return whether the interpreter says just what the functions do; raise ``RenderError``."""
        return all(
            part.verify(variables, part.fill(variables))
            for part in (self.title, self.text, *_parts(self.details))
        )

    def filled(self, variables: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
        """Return title, text and details for one person; raise ``RenderError``."""
        title, text = self.title.fill(variables).strip(), self.text.fill(variables).strip()
        if self.channel in _NEEDS_TEXT and not text:
            raise RenderError("the message is empty for this person")
        return title, text, _filled(self.details, variables)


class Desk:
    """Keeps the contents that are being sent prepared."""

    def __init__(self) -> None:
        """Start with nothing prepared."""
        self._contents: dict[int, Prepared] = {}

    def outgoing(
        self,
        letters: Sequence[Letter],
        variables: Mapping[int, Mapping[str, Any]],
        refuse: Callable[[Letter, PusulaError], None],
    ) -> list[Outgoing]:
        """Return what goes out for ``letters``; ``refuse(letter, error)`` hears of the others."""
        facts = {
            message.pk: message
            for message in Message.objects.filter(pk__in=[letter.id for letter in letters])
        }
        browsers = subscriptions.browsers({letter.address for letter in letters})
        found: list[Outgoing] = []
        for letter in letters:
            message = facts.get(letter.id)
            if message is None:
                continue  # erased just now; the gate will say that it is not ours
            try:
                found.append(
                    self._outgoing(
                        message, variables.get(message.profile_id, {}), browsers.get(letter.address)
                    )
                )
            except (ChannelError, TakenOverError, language.TemplateError, RenderError) as error:
                refuse(letter, error)
        return found

    def _outgoing(
        self, message: Message, variables: Mapping[str, Any], browser: Browser | None
    ) -> Outgoing:
        content = self._content(message.content_id)
        is_push = message.channel == Channel.WEBPUSH
        if is_push and browser is not None and browser.profile_id != message.profile_id:
            raise TakenOverError(Saying("somebody else uses the browser now"))
        if not variables:
            raise RenderError("the customer is not there any more")
        links = MessageLinks(message.token)
        given = {
            **variables,
            "message": message.variables,
            "unsubscribe_url": links.unsubscribe_url,
            "preferences_url": links.preferences_url,
        }
        title, text, details = content.filled(given)
        if is_push and browser is not None:  # without one the provider calls the address bad
            details |= browser.told
        return Outgoing(
            id=message.pk,
            token=message.token,
            address=message.address,
            text=text,
            title=title,
            sender=content.sender,
            details=details,
            is_commercial=message.is_commercial,
            not_after_at=message.not_after_at,
        )

    def _content(self, content_id: int) -> Prepared:
        found = self._contents.get(content_id)
        if found is None:
            if len(self._contents) >= _KEPT:
                self._contents.clear()
            content = Content.objects.get(pk=content_id)
            found = self._contents[content_id] = Prepared.of(
                content.channel, content.sender, content.subject, content.text, content.details
            )
        return found


def _prepared(told: object, part: Callable[[str], Part], depth: int) -> Any:
    if depth > _DEEPEST:
        raise ChannelError(Saying("the details of the message are nested too deeply"))
    if isinstance(told, str):
        return part(told)
    if isinstance(told, Mapping):
        return {str(name): _prepared(value, part, depth + 1) for name, value in told.items()}
    if isinstance(told, Sequence):
        return [_prepared(value, part, depth + 1) for value in told]
    return told


def _parts(told: object) -> Iterator[Part]:
    """Yield every text of prepared details."""
    if isinstance(told, Part):
        yield told
    elif isinstance(told, dict):
        for value in told.values():
            yield from _parts(value)
    elif isinstance(told, list):
        for value in told:
            yield from _parts(value)


def _filled(told: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(told, Part):
        return told.fill(variables).strip()
    if isinstance(told, dict):
        return {name: _filled(value, variables) for name, value in told.items()}
    if isinstance(told, list):
        return [_filled(value, variables) for value in told]
    return told
