"""``pusula iys``: what the national registry of message consents is told, and what it tells us."""

from __future__ import annotations

import json

import click
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from pusula.consent.iys import actions, queries, rules
from pusula.consent.models import IysAccount
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops.figures import number
from pusula.privacy import audit
from pusula.sources.iys import sync
from pusula.sources.models import Source, SourceKind

_SHOWN = 20


class IysCommandError(PusulaError):
    """İYS is not set up as a command needs it."""

    code = "iys"


@click.group()
def iys() -> None:
    """Tell İYS decisions within three business days; hear those that people told it."""


@iys.command()
@click.option("--source", "slug", default="iys", show_default=True)
@click.option("--iys-code", help="The company's code in İYS.")
@click.option("--brand-code", help="The brand's code in İYS.")
@click.option("--api", help="Where İYS answers; the sandbox is https://api.sandbox.iys.org.tr")
@click.option("--enforce/--no-enforce", default=None, help="Send nothing without an approval.")
@click.option("--fresh-days", type=click.IntRange(1, 90), help="Older answers count for nothing.")
@click.option("--default-source", type=click.Choice(sorted(rules.SOURCES)))
@click.option("--take-up", is_flag=True, help="Put in line what was decided before.")
def setup(
    *,
    slug: str,
    iys_code: str | None,
    brand_code: str | None,
    api: str | None,
    enforce: bool | None,
    fresh_days: int | None,
    default_source: str | None,
    take_up: bool,
) -> None:
    """Set up how the company stands to İYS.

    User name and password stand in HOME/secrets/SOURCE/username and password, or in
    PUSULA_IYS_USERNAME and PUSULA_IYS_PASSWORD.
    """
    at = clock.now()
    told = {
        "is_enforced": enforce, "fresh_days": fresh_days, "default_source": default_source,
    }  # fmt: skip
    with transaction.atomic():
        source, _is_new = Source.objects.get_or_create(
            slug=slug, defaults={"kind": SourceKind.IYS, "title": "İYS", "created_at": at}
        )
        wanted = {"iys_code": iys_code, "brand_code": brand_code, "api": api}
        source.settings = {**source.settings, **{k: v for k, v in wanted.items() if v}}
        source.save(update_fields=["settings"])
        account = actions.open_account(
            slug, at=at, **{name: value for name, value in told.items() if value is not None}
        )
        n = actions.take_up(at=at) if take_up else 0
        audit.record(audit.operator(), "iys.set_up", slug, enforced=account.is_enforced)
    if take_up:
        click.echo(_("%(n)s records are in line.") % {"n": number(n)})
    click.echo(
        _("Commercial messages need an approval in İYS.")
        if account.is_enforced
        else _("Messages leave without asking İYS.")
    )


def _turn(*parts: str) -> sync.Turn:
    source = Source.objects.filter(kind=SourceKind.IYS).order_by("pk").first()
    if source is None:
        raise IysCommandError(_("İYS is not set up: begin with `pusula iys setup`."))
    return sync.run(source, clock.now(), parts=frozenset(parts))


@iys.command()
def push() -> None:
    """Tell İYS what waits, and ask what became of what it was told before."""
    done = _turn(sync.PUSH)
    click.echo(
        _("%(told)s told, %(registered)s registered, %(rejected)s rejected.")
        % {
            "told": number(done.n_told),
            "registered": number(done.n_registered),
            "rejected": number(done.n_rejected),
        }
    )


@iys.command()
def pull() -> None:
    """Ask İYS what people told it themselves."""
    click.echo(_("%(n)s decisions heard.") % {"n": number(_turn(sync.PULL).n_heard)})


@iys.command()
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def reconcile(*, as_json: bool) -> None:
    """Ask İYS for every recipient, as far as a minute allows, and list where we disagree."""
    IysAccount.objects.update(compared_at=None)
    done = _turn(sync.COMPARE)
    found = list(queries.disagreements(1_000))
    if as_json:
        told = [
            {"profile": d.profile_id, "channel": d.channel, "ours": d.ours, "theirs": d.theirs}
            for d in found
        ]
        click.echo(json.dumps({"asked": done.n_compared, "disagreements": told}, indent=2))
        return
    click.echo(_("%(n)s recipients were asked for.") % {"n": number(done.n_compared)})
    for one in found[:_SHOWN]:
        click.echo(f"  {one.profile_id:>10}  {one.channel:<8}{one.ours:<10}{one.theirs or '–'}")
    if len(found) > _SHOWN:
        click.echo(_("and %(n)s more") % {"n": number(len(found) - _SHOWN)})


@iys.command()
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def status(*, as_json: bool) -> None:
    """Show how far decisions are on their way, and what must be told next."""
    account, at = queries.account(), clock.now()
    if account is None:
        raise IysCommandError(_("İYS is not set up: begin with `pusula iys setup`."))
    n_late = queries.late(at).count()
    if as_json:
        told = {
            "enforced": account.is_enforced, "read_at": account.read_at,
            "compared_at": account.compared_at, "states": queries.states(),
            "records": queries.records(), "late": n_late,
        }  # fmt: skip
        click.echo(json.dumps(told, indent=2))
        return
    for state, n in queries.states().items():
        click.echo(f"{state:<14}{number(n):>12}")
    if account.read_at:
        read = clock.to_datetime(account.read_at, settings.PUSULA.time_zone)
        click.echo(_("Its changes are known up to %(at)s.") % {"at": f"{read:%Y-%m-%d %H:%M}"})
    if n_late:
        text = _("%(n)s decisions must be told within a business day, or are too late.")
        click.secho(text % {"n": number(n_late)}, fg="yellow")
