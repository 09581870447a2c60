"""``pusula sources``: the systems data comes from, and the keys that speak for them."""

from __future__ import annotations

import json

import click
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from pusula.lib import clock
from pusula.lib.sayings import told as told_
from pusula.ops import polling
from pusula.ops.figures import number
from pusula.privacy import audit
from pusula.sources import keys as of_keys
from pusula.sources import known
from pusula.sources.keys import KeyRefusedError
from pusula.sources.models import KeyKind, Source, SourceKind, WriteKey

_DAYS = of_keys.GRACE // clock.DAY


@click.group()
def sources() -> None:
    """Add sources, and issue the keys with which programs speak for them."""


for _command in (polling.poll, polling.status, polling.settings):
    sources.add_command(_command)


@sources.command()
@click.argument("slug")
@click.option("--kind", type=click.Choice(SourceKind.values), default=SourceKind.WEBSITE.value)
@click.option("--title", default="", help="What people call it.")
def add(slug: str, kind: str, title: str) -> None:
    """Add the source SLUG; its name stands before its numbers and never changes."""
    with transaction.atomic():
        known.add(slug, SourceKind(kind), title)
        audit.record(audit.operator(), "source.created", slug, kind=kind)
    click.echo(_("%(slug)s is added.") % {"slug": slug})


@sources.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def list_(*, as_json: bool) -> None:
    """Show the sources and when data came last."""
    rows = Source.objects.order_by("slug")
    if as_json:
        told = [
            {
                "slug": row.slug,
                "kind": row.kind,
                "title": row.title,
                "is_enabled": row.is_enabled,
                "last_data_at": row.last_data_at,
                "last_error": told_(row.last_error),
            }
            for row in rows
        ]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for row in rows:
        state = row.title if row.is_enabled else f"{row.title} ({_('switched off')})"
        click.echo(f"{row.slug:<24}{row.kind:<12}{_when(row.last_data_at):<20}{state}")


@sources.command()
@click.argument("slug")
@click.argument("state", type=click.Choice(["on", "off"]))
def switch(slug: str, state: str) -> None:
    """Switch the source SLUG on or off: while it is off its keys are refused."""
    with transaction.atomic():
        known.switch(known.find(slug), on=state == "on")
        audit.record(audit.operator(), "source.changed", slug, state=state)
    told = _("%(slug)s is switched on.") if state == "on" else _("%(slug)s is switched off.")
    click.echo(told % {"slug": slug})


@sources.group()
def keys() -> None:
    """Issue, replace and revoke the keys of a source."""


@keys.command("add")
@click.argument("slug")
@click.option(
    "--kind",
    type=click.Choice(KeyKind.values),
    help="Default: write for a website, server for every other source.",
)
@click.option("--origin", "origins", multiple=True, help="A website it is taken from; repeatable.")
@click.option("--quota", type=click.IntRange(min=1), help="Events a minute; default: no limit.")
def add_key(slug: str, kind: str | None, origins: tuple[str, ...], quota: int | None) -> None:
    """Issue a key of the source SLUG and print it.

    A write key is public, stands in pages and apps and can only append: only sources of the kind
    website have any. A server key is secret, may also set protected traits and consents, and is
    shown only now.
    """
    with transaction.atomic():
        source = known.find(slug)
        kind = kind or of_keys.usual(source)
        row, key = of_keys.issue(source, KeyKind(kind), origins=origins, quota_per_minute=quota)
        audit.record(audit.operator(), "key.issued", slug, key=row.pk, kind=kind)
    click.echo(key)


@keys.command("list")
@click.argument("slug")
def list_keys(slug: str) -> None:
    """Show the keys of the source SLUG by their numbers."""
    for row in known.find(slug).keys.order_by("pk"):
        most = row.quota_per_minute
        quota = "" if most is None else _("%(n)s a minute") % {"n": number(most)}
        origins = " ".join(row.origins)
        click.echo(f"{row.pk:>6}  {row.kind:<8}{row.shown:<28}{_state(row):<32}{quota}  {origins}")


@keys.command()
@click.argument("key")
@click.option("--days", default=_DAYS, show_default=True, help="How long KEY stays good.")
def rotate(key: str, days: int) -> None:
    """Issue a key that may do what KEY (its number, or the key) may do, and print it."""
    with transaction.atomic():
        old = _find(key)
        row, new = of_keys.rotate(old, grace=days * clock.DAY)
        audit.record(audit.operator(), "key.issued", row.source.slug, key=row.pk, replaces=old.pk)
    click.echo(new)


@keys.command()
@click.argument("key")
def revoke(key: str) -> None:
    """End KEY (its number, or the key) now; servers hear of it within seconds."""
    with transaction.atomic():
        row = _find(key)
        if not of_keys.revoke(row):
            raise KeyRefusedError(_("%(key)s is revoked already") % {"key": row.shown})
        audit.record(audit.operator(), "key.revoked", row.source.slug, key=row.pk)
    click.echo(_("%(key)s is revoked.") % {"key": row.shown})


def _find(told: str) -> WriteKey:
    is_it = Q(digest=of_keys.digest(told))
    if told.isdecimal():
        is_it |= Q(pk=int(told))
    row = WriteKey.objects.filter(is_it).select_related("source").first()
    if row is None:
        raise KeyRefusedError(_("there is no such key; see `pusula sources keys list SOURCE`"))
    return row


def _state(row: WriteKey) -> str:
    if row.revoked_at is not None:
        return _("revoked %(when)s") % {"when": _when(row.revoked_at)}
    if row.expires_at is not None:
        return _("good until %(when)s") % {"when": _when(row.expires_at)}
    return _("good")


def _when(at: int | None) -> str:
    if at is None:
        return "–"
    return f"{clock.to_datetime(at, settings.PUSULA.time_zone):%Y-%m-%d %H:%M}"
