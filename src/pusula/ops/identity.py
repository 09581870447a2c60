"""``pusula identity``: who a number leads to, two customers made one, and one made two again."""

from __future__ import annotations

import json
from typing import Any

import click
from django.conf import settings
from django.utils.translation import gettext as _

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops import proposals
from pusula.ops.figures import number
from pusula.pipeline import identity as pipeline
from pusula.privacy import audit
from pusula.profiles import merging
from pusula.profiles import queries as profiles
from pusula.profiles.models import Merge, Profile


class UnknownCustomerError(PusulaError):
    """There is no customer with this number."""

    code = "unknown_customer"
    status = 404


@click.group()
def identity() -> None:
    """Which records are one person; proposals, merges, and their undoing."""


for _command in (proposals.propose, proposals.review, proposals.accept, proposals.reject):
    identity.add_command(_command)


@identity.command()
@click.argument("customer", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print the result for a program.")
def show(customer: int, as_json: bool) -> None:
    """Show the identifiers of a customer (values hidden) and the history of merges."""
    profile = Profile.objects.get(pk=_current(customer))
    held = [
        {
            "kind": one.kind,
            "source": one.source,
            "since": _moment(one.recorded_at),
            "verified": one.verified_at is not None,
            "of": one.origin_id or profile.pk,
        }
        for one in profiles.identifiers_of(profile.pk)
    ]
    merges = [_told(one) for one in merging.history_of(profile.pk)]
    if as_json:
        told = {"customer": profile.pk, "identifiers": held, "merges": merges}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    click.echo(_("Customer %(number)s") % {"number": number(profile.pk)})
    for row in held:
        proof = _("verified") if row["verified"] else ""
        click.echo(f"  {row['kind']:<12} {row['source']:<20} {row['since']}  {proof}".rstrip())
    for told in merges:
        words = (
            _("merged") if told["undone"] is None else _("undone %(at)s") % {"at": told["undone"]}
        )
        click.echo(
            f"  {told['merge']:>6}  {told['loser']} → {told['winner']}  {told['merged']}"
            f"  {told['reason']} {told['actor']}  {words}"
        )


@identity.command()
@click.argument("winner", type=int)
@click.argument("loser", type=int)
@click.option("--note", default="", help="What speaks for it; kept with the merge.")
def merge(winner: int, loser: int, note: str) -> None:
    """Make LOSER part of WINNER; it can be undone.

    Orders, events, consents and the rest pass on; a refusal of either counts. The number of LOSER
    keeps leading to WINNER.
    """
    one, other = _current(winner), _current(loser)
    if one == other:
        raise click.UsageError(_("the two are one customer already"))
    actor = audit.operator()
    pipeline.merge(one, other, evidence={"note": note} if note else {}, actor=actor)
    audit.record(actor, "profile.merged", f"customer:{other}", into=one)
    click.echo(_("It takes effect with the next step of the log (pusula serve or pusula live)."))


@identity.command()
@click.argument("merge_id", type=int, metavar="MERGE")
@click.option("--note", default="", help="Why; kept with the merge.")
def unmerge(merge_id: int, note: str) -> None:
    """Undo the merge with the number MERGE (see show): both are as if it had never been."""
    actor = audit.operator()
    pipeline.unmerge(merge_id, reason=note, actor=actor)
    loser = Merge.objects.get(pk=merge_id).loser_id
    audit.record(actor, "profile.unmerged", f"customer:{loser}", merge=merge_id)
    click.echo(_("It takes effect with the next step of the log (pusula serve or pusula live)."))


def _current(customer: int) -> int:
    found = merging.current([customer]).get(customer)
    if found is None:
        raise UnknownCustomerError(_("there is no customer number %(n)s") % {"n": customer})
    return found


def _told(held: Merge) -> dict[str, Any]:
    return {
        "merge": held.pk,
        "loser": held.loser_id,
        "winner": held.winner_id,
        "reason": held.reason,
        "actor": held.actor,
        "evidence": held.evidence,
        "merged": _moment(held.merged_at),
        "undone": None if held.undone_at is None else _moment(held.undone_at),
    }


def _moment(at: int) -> str:
    return f"{clock.to_datetime(at, settings.PUSULA.time_zone):%Y-%m-%d %H:%M}"
