"""The sources that are known: added, switched off and on."""

from __future__ import annotations

import re

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.sources.models import Source, SourceKind

# It stands before numbers, "slug:number", in addresses and in file names.
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LONGEST_TITLE = 120


class SourceRefusedError(PusulaError):
    """A source cannot be added, or is not there."""

    code = "source"


def add(slug: str, kind: SourceKind, title: str = "") -> Source:
    """Add a source; raise ``SourceRefusedError`` if its name cannot be or is taken."""
    if not _SLUG.fullmatch(slug):
        words = {"slug": slug}
        raise SourceRefusedError(
            _("%(slug)s: the name of a source has small letters, digits and dashes, at most 40")
            % words
        )
    try:
        with transaction.atomic():
            return Source.objects.create(
                slug=slug, kind=kind, title=title[:_LONGEST_TITLE], created_at=clock.now()
            )
    except IntegrityError as error:
        words = {"slug": slug}
        raise SourceRefusedError(_("%(slug)s: there is a source of this name") % words) from error


def find(slug: str) -> Source:
    """Return the source called ``slug``; raise ``SourceRefusedError`` if there is none."""
    held = Source.objects.filter(slug=slug).first()
    if held is None:
        words = {"slug": slug}
        raise SourceRefusedError(
            _("%(slug)s: there is no such source; see `pusula sources list`") % words
        )
    return held


def switch(source: Source, *, on: bool) -> None:
    """Switch ``source`` on or off; while it is off its keys are refused."""
    Source.objects.filter(pk=source.pk).update(is_enabled=on)


def change(source: Source, *, title: str, expected_every_s: int | None) -> None:
    """Set what ``source`` is called and how often its data is expected (``None``: never mind)."""
    Source.objects.filter(pk=source.pk).update(
        title=title[:_LONGEST_TITLE], expected_every_s=expected_every_s
    )
