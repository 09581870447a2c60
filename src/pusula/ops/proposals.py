"""``pusula identity propose`` and the deciding of what it proposes."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import click
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pusula.ops.figures import number
from pusula.pipeline import proposals as pipeline
from pusula.privacy import audit
from pusula.profiles import proposals
from pusula.profiles.models import Proposal

_SHOWN = 20


@click.command()
@click.option(
    "--merge-certain", is_flag=True, help="Carry out those that are certain; each can be undone."
)
@click.option(
    "--memory",
    default="512MB",
    show_default=True,
    metavar="SIZE",
    help="What the comparison takes at most; beyond it goes on on disk.",
)
@click.option("--everybody", is_flag=True, help="Compare also those who did not change.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome for a program.")
def propose(*, merge_certain: bool, memory: str, everybody: bool, as_json: bool) -> None:
    """Compare who changed with everybody and propose who may be one person.

    Nobody is merged, unless asked for. What was decided is proposed again only if other fields
    agree or differ than then. Stopped, it goes on there the next time.
    """
    # Loaded when asked for: Splink is slow to load.
    linkage = importlib.import_module("pusula.pipeline.linkage")
    is_shown = sys.stderr.isatty() and not as_json
    with click.progressbar(
        length=1, label=_("compared"), file=sys.stderr, hidden=not is_shown
    ) as bar:

        def on_progress(done: int, n: int) -> None:
            bar.length = n
            bar.update(done - bar.pos)

        outcome = linkage.propose(memory=memory, everybody=everybody, on_progress=on_progress)
    merged = _merge_certain() if merge_certain else 0
    n_open = outcome.n_open - merged
    if as_json:
        document = {
            "new": outcome.n_new,
            "stale": outcome.n_stale,
            "merged": merged,
            "changed": outcome.n_changed,
        }
        click.echo(json.dumps({"open": n_open, **document}))
        return
    told = ngettext("%(n)s proposal is open", "%(n)s proposals are open", n_open)
    click.echo(told % {"n": number(n_open)})
    told = _("  new %(new)s, no longer proposed %(stale)s, merges asked for %(merged)s")
    figures = {"new": outcome.n_new, "stale": outcome.n_stale, "merged": merged}
    click.echo(told % {key: number(n) for key, n in figures.items()})


def _merge_certain() -> int:
    actor = audit.operator()
    asked = pipeline.accept_certain()
    for winner, loser in asked:
        audit.record(actor, "profile.merged", f"customer:{loser}", into=winner, certain=True)
    return len(asked)


@click.command()
@click.option("--limit", default=_SHOWN, show_default=True, type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="Print the proposals for a program.")
def review(*, limit: int, as_json: bool) -> None:
    """List the open proposals, the likeliest first; accept or reject them by their number."""
    found = list(proposals.queue()[:limit])
    if as_json:
        click.echo(json.dumps([_told(held) for held in found]))
        return
    if not found:
        click.echo(_("No proposal is open."))
    for held in found:
        fields = "  ".join(f"{field}:{level}" for field, (level, _w) in held.evidence.items())
        certain = _("certain") if held.certain else ""
        both = f"{held.one_id} = {held.other_id}"
        click.echo(f"{held.pk:>8}  {both:<24} {held.weight:>6.1f}  {fields}  {certain}".rstrip())


@click.command()
@click.argument("proposal", type=int)
def accept(proposal: int) -> None:
    """Make the two customers of a PROPOSAL one; it can be undone (see show, unmerge)."""
    actor = audit.operator()
    winner, loser = pipeline.accept(proposal, actor=actor)
    audit.record(actor, "profile.merged", f"customer:{loser}", into=winner, proposal=proposal)
    click.echo(_("It takes effect with the next step of the log (pusula serve or pusula live)."))


@click.command()
@click.argument("proposal", type=int)
def reject(proposal: int) -> None:
    """Say that the two customers of a PROPOSAL are not one person."""
    actor = audit.operator()
    pipeline.reject(proposal, actor=actor)
    audit.record(actor, "proposal.rejected", f"proposal:{proposal}")
    click.echo(_("They are not proposed again unless other fields agree or differ."))


def _told(held: Proposal) -> dict[str, Any]:
    return {
        "proposal": held.pk,
        "customers": [held.one_id, held.other_id],
        "weight": held.weight,
        "certain": held.certain,
        "group": held.group_id,
        "fields": held.evidence,
    }
