"""``pusula team``: what tests may go to, and tests of a template."""

from __future__ import annotations

import click
from django.db import transaction
from django.utils.translation import gettext

from pusula.campaigns import team as addresses
from pusula.campaigns import templates, trials
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import TeamAddress, TeamKind
from pusula.lib import clock
from pusula.privacy import audit
from pusula.profiles import queries as profiles
from pusula.profiles.models import IdentifierKind


@click.group()
def team() -> None:
    """Send tests of templates to verified addresses, numbers and browsers of the team."""


@team.command(name="list")
def list_() -> None:
    """List what tests may go to, and what waits to be confirmed."""
    for one in addresses.members():
        state = gettext("verified") if one.verified_at else gettext("waits")
        click.echo(f"{one.kind:<10}{state:<14}{one}")


@team.command()
@click.argument("address")
def add(address: str) -> None:
    """Ask the owner of an e-mail ADDRESS by a link, or of a number by a code, for tests."""
    invite = addresses.invite if "@" in address else addresses.invite_number
    with transaction.atomic():
        one = invite(address, by=audit.operator(), at=clock.now())
        audit.record(audit.operator(), "team.asked", f"team:{one.pk}")
    link = gettext("A link leaves for %(to)s as soon as its sender runs")
    code = gettext("A code leaves for %(to)s as soon as its sender runs")
    click.echo((link if one.kind == TeamKind.EMAIL else code) % {"to": one})


@team.command()
@click.argument("number")
@click.argument("code")
def confirm(number: str, code: str) -> None:
    """Verify NUMBER by the CODE that it got."""
    one = _member(number)
    if not addresses.verify_code(one.pk, code, at=clock.now()):
        raise CampaignError(gettext("that is not the code: look at the message again"))
    audit.record(audit.operator(), "team.verified", f"team:{one.pk}")
    click.echo(gettext("Tests may go to %(to)s now") % {"to": one})


@team.command()
@click.argument("template")
@click.option("--to", "address", required=True, help="A verified address, number or browser.")
@click.option("--as", "profile_key", required=True, help="Whose values fill it: pms:10027.")
@click.option("--language", default="", help="One of the template's languages.")
def test(template: str, address: str, profile_key: str, language: str) -> None:
    """Send what TEMPLATE says now as a test; its sender has to run."""
    found = templates.usable().filter(name=template).first()
    if found is None:
        gone = gettext("there is no template %(name)s: see the page Templates")
        raise CampaignError(gone % {"name": template})
    said = templates.all_said(found)
    if language not in said:
        words = {"name": template, "language": language}
        words["known"] = ", ".join(filter(None, said)) or "–"
        wrong = gettext("%(name)s has no text in %(language)s; its languages: %(known)s")
        raise CampaignError(wrong % words)
    profile = profiles.by_identifier(IdentifierKind.KEY, profile_key).first()
    if profile is None:
        raise CampaignError(
            gettext("There is no profile with the key %(key)s.") % {"key": profile_key}
        )
    to, by = _member(address), audit.operator()
    with transaction.atomic():
        trials.ask(
            said[language], to=to.pk, as_customer=profile.pk, by=by, at=clock.now(),
            channel=found.channel,
        )  # fmt: skip
        audit.record(by, "template.tested", f"team:{to.pk}", customer=profile.pk)
    click.echo(
        gettext("A test of %(template)s leaves for %(to)s") % {"template": template, "to": to}
    )


def _member(text: str) -> TeamAddress:
    for one in addresses.members():
        if text in {one.address, one.name}:
            return one
    said = gettext("%(to)s is nobody's of the team: see `pusula team list`")
    raise CampaignError(said % {"to": text})
