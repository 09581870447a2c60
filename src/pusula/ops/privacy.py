"""``pusula privacy``: requests of people, exports, erasures and how long data is kept."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from datetime import datetime

import click
from django.conf import settings
from django.utils.translation import gettext as _

from pusula.lib import clock
from pusula.ops.figures import number
from pusula.privacy import audit, erasure, export, ledger, requests, retention, upkeep
from pusula.privacy.models import Erasure, Proof, Request, RequestKind
from pusula.privacy.words import store_title
from pusula.profiles import contacts
from pusula.profiles.models import IdentifierKind

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def privacy() -> None:
    """Answer requests of people about their data: export it, erase it, keep it no longer."""


@privacy.command()
@click.argument("kind", type=click.Choice(RequestKind.values))
@click.argument("customer", type=int)
@click.option("--received", type=_DAY, help="The day it reached us; today if left out.")
@click.option("--proof", type=click.Choice([p for p in Proof.values if p]))
@click.option("--note", default="", help="A remark; it is emptied when the person is erased.")
def request(
    kind: str, customer: int, received: datetime | None, proof: str | None, note: str
) -> None:
    """Register that CUSTOMER (their number) asks for KIND; 30 days run from the day received."""
    at = clock.now()
    if received is not None:
        at = min(clock.from_datetime(received, settings.PUSULA.time_zone), at)
    made = requests.register(
        kind, customer, actor=audit.operator(), received_at=at, proof=proof or "", note=note
    )
    words = {"n": made.pk, "day": _day(made.due_at - 1)}
    click.echo(_("Request number %(n)s; to be answered by %(day)s.") % words)


@privacy.command()
@click.argument("number_", metavar="REQUEST", type=int)
@click.argument("state", type=click.Choice(["answered", "refused", "withdrawn"]))
@click.option("--answer", default="", help="What was answered; a refusal needs its reasons.")
@click.option("--proof", type=click.Choice([p for p in Proof.values if p]))
def settle(number_: int, state: str, answer: str, proof: str | None) -> None:
    """Write down how REQUEST was answered."""
    found = _request(number_)
    if proof:
        requests.prove(found, proof, actor=audit.operator())
        found.refresh_from_db()
    requests.settle(found, state, actor=audit.operator(), answer=answer)
    click.echo(_("Request number %(n)s is settled.") % {"n": number_})


@privacy.command("export")
@click.argument("customer", type=int)
@click.option("--reason", required=True, help="Why; it stands in the audit log.")
@click.option("--request", "number_", type=int, help="The request it answers.")
@click.option("--language", type=click.Choice(["tr", "en"]))
def export_(customer: int, reason: str, number_: int | None, language: str | None) -> None:
    """Pack all we hold of CUSTOMER into a ZIP that is removed after 24 hours."""
    found = None if number_ is None else _request(number_)
    made = export.make(
        customer, actor=audit.operator(), reason=reason, request=found, language=language or ""
    )
    path = export.fetch(made, actor=audit.operator())
    words = {"file": path, "n": number(made.n_rows), "digest": made.digest}
    click.echo(_("%(file)s: %(n)s rows, SHA-256 %(digest)s; it is removed after 24 hours.") % words)


@privacy.command()
@click.argument("customer", type=int)
@click.option("--request", "number_", type=int, help="The request it answers.")
@click.option("--yes", is_flag=True, help="Do not ask for the number once more.")
def erase(customer: int, number_: int | None, yes: bool) -> None:
    """Erase CUSTOMER from every store. This cannot be taken back."""
    if not yes:
        typed = click.prompt(_("Type the number of the customer once more"))
        if typed.strip() != str(customer):
            raise click.UsageError(_("That is another number; nothing was erased."))
    found = None if number_ is None else _request(number_)
    made = erasure.begin(customer, actor=audit.operator(), request=found)
    _carry_out([made])


@privacy.command()
def resume() -> None:
    """Go on with erasures that were stopped."""
    _carry_out(Erasure.objects.filter(finished_at=None).order_by("pk"))


@privacy.command()
def replay() -> None:
    """Erase again whom a restored backup brought back, by HOME/privacy/erased.jsonl."""
    begun = erasure.replay(actor=audit.operator())
    click.echo(_("%(n)s people of the ledger were back.") % {"n": number(len(begun))})
    _carry_out(begun)


@privacy.command()
@click.argument("kind", type=click.Choice(["email", "phone", "key", "anonymous"]))
@click.argument("value")
@click.option("--reason", required=True, help="The person's own new registration: where, when.")
def readmit(kind: str, value: str, reason: str) -> None:
    """Let an identifier in again whose person was erased and registered anew by themselves."""
    spelled: str | None = value
    if kind == IdentifierKind.EMAIL:
        spelled = contacts.email(value)
    elif kind == IdentifierKind.PHONE:
        spelled = contacts.phone(value, settings.PUSULA.phone_region)
    n = erasure.readmit([(kind, spelled or value)], actor=audit.operator(), reason=reason)
    click.echo(_("%(n)s identifiers are known again.") % {"n": number(n)})


@privacy.command()
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def status(as_json: bool) -> None:
    """Show open requests, erasures under way, and whether the ledger fits the database."""
    at = clock.now()
    waiting = Request.objects.filter(state__in=requests.UNDER_WAY).order_by("due_at")
    undone = Erasure.objects.filter(finished_at=None)
    late, soon = requests.pressing(at)
    told = {
        "n_requests": waiting.count(),
        "n_late": late,
        "n_due_in_seven_days": soon,
        "n_erasures_under_way": undone.count(),
        "n_erased": Erasure.objects.exclude(finished_at=None).count(),
        "n_ledger_missing": len(ledger.missing()),
    }
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for one in waiting:
        words = {"n": one.pk, "kind": one.get_kind_display(), "day": _day(one.due_at - 1)}
        words["state"] = one.get_state_display()
        click.echo(_("Request %(n)s: %(kind)s, %(state)s, to be answered by %(day)s") % words)
    click.echo(_("%(n)s requests, %(late)s of them late.") % {"n": waiting.count(), "late": late})
    click.echo(_("%(n)s erasures under way.") % {"n": told["n_erasures_under_way"]})
    if told["n_ledger_missing"]:
        said = _("The database is older than the ledger of erasures: run `pusula privacy replay`.")
        click.secho(said, fg="red")


@privacy.command()
@click.option("--every", "minutes", type=click.IntRange(min=1), help="Go on for ever.")
def tend(minutes: int | None) -> None:
    """End erasures that were stopped, delete what is too old, sign the end of the audit log.

    Replays the ledger if the database was restored from a backup. Done by `pusula serve`.
    """
    while True:
        done = upkeep.tend()
        words = {name: number(value) for name, value in vars(done).items()}
        said = _(
            "%(n_deleted)s deleted by age, %(n_erased)s erasures done, %(n_unfinished)s waiting,"
            " %(n_back)s people back from a copy."
        )
        click.echo(said % words)
        if not minutes:
            return
        time.sleep(minutes * 60)


@privacy.group("retention")
def retention_() -> None:
    """For how long each kind of data is kept."""


@retention_.command("show")
def show_() -> None:
    """Show the days, and how much would go now."""
    due = retention.due(clock.now())
    for kind, days in retention.days_of().items():
        kept = _("for ever") if days is None else _("%(n)s days") % {"n": number(days)}
        goes = number(due.get(kind, 0))
        click.echo(f"{kind:<10}{kept:>14}{goes:>12}  {retention.RULES[kind].title}")


@retention_.command("set")
@click.argument("kind", type=click.Choice(list(retention.RULES)))
@click.argument("days")
def set_(kind: str, days: str) -> None:
    """Keep KIND for DAYS, or `forever`."""
    wanted = None if days == "forever" else int(days) if days.isdecimal() else -1
    retention.set_days(kind, wanted, actor=audit.operator())
    show_.callback()  # type: ignore[misc]


@retention_.command("run")
@click.option("--dry-run", is_flag=True, help="Say what would go; delete nothing.")
def run_(dry_run: bool) -> None:
    """Delete what is older than it is kept; done nightly by `pusula run`."""
    counts = retention.due(clock.now()) if dry_run else retention.run(actor=audit.operator())
    for kind, n in counts.items():
        click.echo(f"{kind:<10}{number(n):>12}")


def _carry_out(waiting: Iterable[Erasure]) -> None:
    are_done = True
    for one in waiting:
        are_done &= erasure.run(one)
        click.echo(_("Erasure number %(n)s") % {"n": one.pk})
        for step in one.steps.order_by("position"):
            if step.finished_at is not None:
                told = f"{_time(step.finished_at)}  {number(step.n)}"
            else:
                told = step.error or _("not yet")
            click.echo(f"  {store_title(step.store):<44}{told}")
    if not are_done:
        said = _("Not all is done: mend what is said above, then run `pusula privacy resume`.")
        click.secho(said, fg="red", err=True)
        sys.exit(1)


def _request(number_: int) -> Request:
    found = Request.objects.filter(pk=number_).first()
    if found is None:
        raise click.UsageError(_("there is no request number %(n)s") % {"n": number_})
    return found


def _day(moment: int) -> str:
    return clock.day_of(moment, settings.PUSULA.time_zone).isoformat()


def _time(moment: int) -> str:
    return f"{clock.to_datetime(moment, settings.PUSULA.time_zone):%Y-%m-%d %H:%M:%S}"
