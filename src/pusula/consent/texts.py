"""The words that people agree to, kept in versions; and the words where none were written."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import translation
from django.utils.translation import gettext as _

from pusula.consent import purposes
from pusula.consent.models import Channel, ConsentText
from pusula.lib.errors import PusulaError
from pusula.lib.text import nfc

LONGEST = 4_000


class BadTextError(PusulaError):
    """A consent text cannot be kept as it is."""

    code = "bad_consent_text"


def publish(
    purpose: str, channel: str, language: str, text: str, *, by: str, at: int
) -> ConsentText:
    """Keep ``text`` as the newest version; the same words again are no new one."""
    purposes.check([purpose])
    text = nfc(text)
    if not 0 < len(text) <= LONGEST:
        raise BadTextError(_("A consent text has 1 to %(n)s characters.") % {"n": LONGEST})
    digest = _digest(text)
    with transaction.atomic():
        held = ConsentText.objects.filter(purpose=purpose, channel=channel, language=language)
        newest = held.order_by("-version").first()
        if newest is not None and newest.digest == digest:
            return newest
        version = (held.aggregate(last=Max("version"))["last"] or 0) + 1
        return ConsentText.objects.create(
            purpose=purpose, channel=Channel(channel), language=language, version=version,
            text=text, digest=digest, created_at=at, created_by=by[:150],
        )  # fmt: skip


def newest(purpose: str, channel: str, language: str) -> ConsentText | None:
    """Return the words in force, ``None`` if none were written."""
    held = ConsentText.objects.filter(purpose=purpose, channel=channel, language=language)
    return held.order_by("-version").first()


def shown(purpose: str, channel: str, language: str) -> str:
    """Return the words to show: those in force, else a plain sentence of ours."""
    text = newest(purpose, channel, language)
    return text.text if text else _usual(purpose, language)


def proof_of(purpose: str, channel: str, language: str) -> dict[str, str]:
    """Return the parts of a proof that say which words were shown."""
    text = newest(purpose, channel, language)
    if text:
        return {"text": text.name, "text_digest": text.digest}
    return {"text_digest": _digest(_usual(purpose, language))}


def _usual(purpose: str, language: str) -> str:
    with translation.override(language):
        return _("I agree that %(company)s writes to me about: %(purpose)s.") % {
            "company": settings.PUSULA.name,
            "purpose": purposes.title(purpose),
        }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
