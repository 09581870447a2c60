"""Keys of the tracking API: issued, rotated, revoked, and found by their digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from pusula.lib import clock, ids
from pusula.lib.errors import PusulaError
from pusula.sources.models import KeyKind, Source, SourceKind, WriteKey

# How long a replaced key stays good, so that pages in caches and programs can follow.
GRACE = 7 * clock.DAY
# "https://www.example.com", "http://127.0.0.1:8000", "https://*.example.com", or "null" (a file).
_ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]*://(\*\.)?[a-z0-9.\-_\[\]:]+")
_PREFIXES = {KeyKind.WRITE: "wk_", KeyKind.SERVER: "sk_"}
_SHOWN = 7  # letters of a server key: enough to tell it from others


class KeyRefusedError(PusulaError):
    """A key cannot be issued or changed as asked."""

    code = "key"


@dataclass(frozen=True, slots=True)
class GoodKey:
    """What a key may do; ``may_set_all``: also protected traits and consents."""

    digest: str
    source: str  # the slug
    title: str
    may_set_all: bool
    origins: frozenset[str]  # empty: from anywhere
    quota_per_minute: int | None
    expires_at: int | None
    rules: str = ""  # JSON: how the source's messages are understood; see pipeline.envelope.Rules

    def is_taken_from(self, origin: str | None) -> bool:
        """Say whether a request with this ``Origin`` header may use the key."""
        if not self.origins:
            return True
        if origin is None:
            return False
        origin = origin.lower()
        if origin in self.origins:
            return True
        scheme, _, host = origin.partition("://")
        labels = host.split(".")
        return any(
            f"{scheme}://*.{'.'.join(labels[n:])}" in self.origins for n in range(1, len(labels))
        )


def digest(key: str) -> str:
    """Return by what a key is stored and found.

    How long it takes to find a digest tells nothing of the keys that are there.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def usual(source: Source) -> KeyKind:
    """Return which key ``source`` needs: a public one in pages and apps, else a secret."""
    return KeyKind.WRITE if source.kind == SourceKind.WEBSITE else KeyKind.SERVER


def issue(
    source: Source,
    kind: KeyKind,
    *,
    origins: Iterable[str] = (),
    quota_per_minute: int | None = None,
) -> tuple[WriteKey, str]:
    """Make a key of ``source``; return its row and the key itself, which is shown only now.

    Raises ``KeyRefusedError`` for an origin or a quota that cannot be, and for a write key of a
    source that is no website or app: a public key would speak as the hotel's system does.
    """
    if kind == KeyKind.WRITE and usual(source) != kind:
        words = {"slug": source.slug}
        raise KeyRefusedError(
            _("%(slug)s: write keys are public, for websites and apps alone; issue a server key")
            % words
        )
    if quota_per_minute is not None and quota_per_minute < 1:
        raise KeyRefusedError(_("a quota is at least one event a minute"))
    key = _PREFIXES[kind] + ids.random_id()
    row = WriteKey.objects.create(
        source=source,
        kind=kind,
        digest=digest(key),
        shown=key if kind == KeyKind.WRITE else f"{key[:_SHOWN]}…",
        origins=sorted({_origin(one) for one in origins}),
        quota_per_minute=quota_per_minute,
        created_at=clock.now(),
    )
    return row, key


def rotate(row: WriteKey, *, grace: int = GRACE) -> tuple[WriteKey, str]:
    """Issue a key that may do the same; ``row`` is good for ``grace`` microseconds more."""
    now = clock.now()
    made = issue(
        row.source,
        KeyKind(row.kind),
        origins=row.origins,
        quota_per_minute=row.quota_per_minute,
    )
    not_longer_yet = Q(expires_at=None) | Q(expires_at__gt=now + grace)
    WriteKey.objects.filter(not_longer_yet, pk=row.pk).update(expires_at=now + grace)
    return made


def revoke(row: WriteKey) -> bool:
    """End ``row`` now; return whether it was good until now. Servers hear of it within seconds."""
    return bool(WriteKey.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=clock.now()))


def allow(row: WriteKey, *, origins: Iterable[str], quota_per_minute: int | None) -> None:
    """Set from which ``origins`` the key is taken, and how many events a minute it may append."""
    if quota_per_minute is not None and quota_per_minute < 1:
        raise KeyRefusedError(_("a quota is at least one event a minute"))
    WriteKey.objects.filter(pk=row.pk).update(
        origins=sorted({_origin(one) for one in origins}), quota_per_minute=quota_per_minute
    )


def good(at: int) -> Mapping[str, GoodKey]:
    """Return by digest the keys that are good at ``at``, of sources that are enabled."""
    rows = WriteKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=at), revoked_at=None, source__is_enabled=True
    ).select_related("source")
    return {
        row.digest: GoodKey(
            digest=row.digest,
            source=row.source.slug,
            title=row.source.title,
            may_set_all=row.kind == KeyKind.SERVER,
            origins=frozenset(row.origins),
            quota_per_minute=row.quota_per_minute,
            expires_at=row.expires_at,
            rules=_rules(row.source),
        )
        for row in rows
    }


def _rules(source: Source) -> str:
    rules = source.settings.get("tracking")
    return json.dumps(rules, ensure_ascii=False) if rules else ""


def _origin(told: str) -> str:
    origin = told.strip().lower().rstrip("/")
    if not _ORIGIN.fullmatch(origin):
        words = {"origin": told}
        raise KeyRefusedError(_("%(origin)s: an origin is written https://www.example.com") % words)
    return origin
