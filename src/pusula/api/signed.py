"""The way in by a signed link of a message: whose it is, or the page that says it leads nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from pusula.api import pages
from pusula.outbox import links
from pusula.outbox.models import Message


@dataclass(frozen=True)
class Link:
    """A link that we signed, and its message; ``None`` where the person was erased since."""

    token: str
    message: Message | None


def opened(
    request: HttpRequest, signed: str, read: Callable[[str], str | None], template: str
) -> Link | HttpResponse:
    """Return the link that ``read`` finds in ``signed``; of a preview, or none of ours, a page."""
    if signed == links.PREVIEW:
        return pages.answer(request, template, state="preview")
    token = read(signed)
    if token is None:
        return pages.answer(request, template, state="unknown")
    return Link(token, Message.objects.filter(token=token).first())
