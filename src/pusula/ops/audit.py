"""``pusula audit``: the log of what was changed or disclosed, read, exported and checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pusula.lib import clock
from pusula.ops.figures import number
from pusula.privacy import audit as log
from pusula.privacy import seals
from pusula.privacy.models import AuditEntry, AuditHead
from pusula.privacy.sentences import sentence
from pusula.privacy.verify import verify as check


@click.group()
def audit() -> None:
    """Read and check the log of what was changed or disclosed, and by whom."""


@audit.command("list")
@click.option("--last", default=50, show_default=True, help="How many entries.")
@click.option("--actor", default="", help="Only what this login did.")
@click.option("--object", "about", default="", help="Only what was done to it: segment:vip.")
def list_(last: int, actor: str, about: str) -> None:
    """Show the newest entries, the oldest of them first."""
    found = AuditEntry.objects.order_by("-id")
    if actor:
        found = found.filter(actor=actor)
    if about:
        found = found.filter(object=about)
    for entry in reversed(found[:last]):
        at = clock.to_datetime(entry.at, settings.PUSULA.time_zone)
        click.echo(f"{entry.pk:>6}  {at:%Y-%m-%d %H:%M}  {sentence(entry)}")


@audit.command()
def export() -> None:
    """Print all entries as JSON lines, each with its digest."""
    n = 0
    for n, line in enumerate(_lines(), 1):  # noqa: B007 - counted
        click.echo(line)
    log.record(log.operator(), "audit.exported", n=n)


@audit.command()
def seal() -> None:
    """Sign the present end of the log now; it is done by itself once a day."""
    head = AuditHead.objects.filter(pk=1).first()
    if head is not None:
        seals.seal(head.n, head.digest, clock.now(), is_now=True)
    click.echo(_("The signed heads are in %(file)s.") % {"file": seals.file()})


@audit.command()
def verify() -> None:
    """Check that nothing was edited, removed, moved or cut off; exit 1 at the first broken entry.

    The signed heads are in HOME/audit/heads: keep a copy of that file elsewhere.
    """
    found = check()
    if found.broken is not None:
        words = {"n": found.broken.n, "why": found.broken.why}
        click.secho(_("Broken at entry %(n)s: %(why)s.") % words, fg="red", err=True)
        sys.exit(1)
    form = ngettext(
        "%(n)s entry checked against %(seals)s signed heads: whole.",
        "%(n)s entries checked against %(seals)s signed heads: whole.",
        found.n_entries,
    )
    click.echo(form % {"n": number(found.n_entries), "seals": number(found.n_seals)})


def _lines() -> Iterator[str]:
    for entry in AuditEntry.objects.order_by("id").iterator():
        told = {
            "n": entry.pk,
            "at": entry.at,
            "actor": entry.actor,
            "verb": entry.verb,
            "object": entry.object,
            "detail": json.loads(entry.detail),
            "digest": entry.digest,
        }
        yield json.dumps(told, ensure_ascii=False)
