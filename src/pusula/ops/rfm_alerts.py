"""``pusula rfm alerts``: what the newest run met, and the rules behind it."""

from __future__ import annotations

import json

import click
from django.db import transaction
from django.utils.translation import gettext as _

from pusula.privacy import audit
from pusula.rfm import alerts as rfm
from pusula.rfm import sentences
from pusula.rfm.alerts import AlertError, Asked


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print them for a program.")
@click.pass_context
def alerts(ctx: click.Context, *, as_json: bool) -> None:
    """Show what the newest run met of the rules that people keep."""
    if ctx.invoked_subcommand is not None:
        return
    found = list(rfm.open_alerts())
    if as_json:
        told = [
            {
                "alert": alert.pk,
                "rule": alert.rule_id,
                "kind": alert.rule.kind,
                "group": alert.rule.group,
                "to_group": alert.rule.to_group or None,
                "before": alert.before.as_of_on.isoformat(),
                "after": alert.run.as_of_on.isoformat(),
                "n_before": alert.n_before,
                "n_after": alert.n_after,
                "sentence": sentences.alert(alert),
            }
            for alert in found
        ]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for alert in found:
        click.echo(f"{alert.pk:>5}  {sentences.alert(alert)}")
    if not found:
        click.echo(_("The newest run met no rule, or somebody has seen to what it met."))


@alerts.command()
@click.argument("group")
@click.option("--grew", type=float, metavar="PERCENT", help="It grows by so much or more.")
@click.option("--shrank", type=float, metavar="PERCENT", help="It shrinks by so much or more.")
@click.option("--to", "to_group", help="Customers move from GROUP to this one …")
@click.option("--more-than", "n", type=int, help="… and they are more than so many.")
def add(
    *, group: str, grew: float | None, shrank: float | None, to_group: str | None, n: int | None
) -> None:
    """Keep a rule on a GROUP (at_risk) that is looked at after each run.

    Say one of --grew, --shrank, or --to with --more-than.
    """
    said = [grew is not None, shrank is not None, to_group is not None or n is not None]
    if sum(said) != 1:
        raise AlertError(_("Say one of --grew, --shrank, or --to with --more-than."))
    if said[2]:
        asked = Asked("moved", group, to_group or "", n=n)
    elif grew is not None:
        asked = Asked("grew", group, share=grew / 100)
    else:
        asked = Asked("shrank", group, share=(shrank or 0) / 100)
    with transaction.atomic():
        rule = rfm.add(asked, by=audit.operator())
        audit.record(audit.operator(), "rfm.alert_added", f"rule:{rule.pk}")
    click.echo(f"{rule.pk:>5}  {sentences.rule(rule)}")


@alerts.command()
@click.option("--json", "as_json", is_flag=True, help="Print them for a program.")
def rules(*, as_json: bool) -> None:
    """List the rules."""
    kept = list(rfm.rules())
    if as_json:
        told = [
            {
                "rule": rule.pk,
                "kind": rule.kind,
                "group": rule.group,
                "to_group": rule.to_group or None,
                "share": rule.share,
                "n": rule.n,
            }
            for rule in kept
        ]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for rule in kept:
        click.echo(f"{rule.pk:>5}  {sentences.rule(rule)}")
    if not kept:
        click.echo(_("There is no rule yet."))


@alerts.command()
@click.argument("rule", type=int)
def remove(*, rule: int) -> None:
    """Forget a RULE and its alerts, by its number in the list of rules."""
    with transaction.atomic():
        if not rfm.remove(rule):
            raise AlertError(_("There is no rule number %(n)s.") % {"n": rule})
        audit.record(audit.operator(), "rfm.alert_removed", f"rule:{rule}")
    click.echo(_("Rule %(n)s is removed.") % {"n": rule})


@alerts.command()
@click.argument("alert", type=int)
def seen(*, alert: int) -> None:
    """Put an ALERT aside, by its number."""
    if not rfm.put_aside(alert, by=audit.operator()):
        raise AlertError(_("There is no open alert number %(n)s.") % {"n": alert})
    click.echo(_("Alert %(n)s is put aside.") % {"n": alert})
