"""``pusula consent``: purposes, the words people agree to, forms, decisions, blocked addresses."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TextIO

import click
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pusula.consent import actions, proofs, purposes, queries, sign_ups, suppressions, texts
from pusula.consent.models import (
    Channel,
    ConsentText,
    Purpose,
    Reason,
    Scope,
    SignUpForm,
    Status,
)  # fmt: skip
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.text import code_key
from pusula.privacy import audit
from pusula.profiles.models import Profile


class ConsentError(PusulaError):
    """A command about consents cannot be carried out as asked."""

    code = "consent"


@click.group()
def consent() -> None:
    """Keep the ledger of consents: purposes, texts, forms, decisions, blocked addresses."""


@consent.group("purposes")
def purposes_() -> None:
    """Keep what a consent may be for."""


@purposes_.command("list")
def list_purposes() -> None:
    """Show the purposes there are."""
    for known in purposes.known().values():
        kind = _("commercial") if known.is_commercial else _("informational")
        click.echo(f"{known.slug:<20}{kind:<16}{known.title}")


@purposes_.command("add")
@click.argument("slug")
@click.option("--tr", "title_tr", required=True, help="Its name in Turkish.")
@click.option("--en", "title_en", required=True, help="Its name in English.")
@click.option("--informational", is_flag=True, help="Its messages sell nothing.")
def add_purpose(slug: str, title_tr: str, title_en: str, *, informational: bool) -> None:
    """Add the purpose SLUG of this company's own."""
    slug = code_key(slug)
    if not purposes.strange([slug]):
        raise ConsentError(_("The purpose “%(slug)s” exists already.") % {"slug": slug})
    if not purposes.is_slug(slug):
        raise purposes.refusal(slug)
    with transaction.atomic():
        Purpose.objects.create(
            slug=slug, title_tr=title_tr[:80], title_en=title_en[:80],
            is_commercial=not informational, created_at=clock.now(),
        )  # fmt: skip
        audit.record(audit.operator(), "consent.purpose_added", slug)
    click.echo(_("%(slug)s is added.") % {"slug": slug})


@consent.group("texts")
def texts_() -> None:
    """Keep the words that people agree to; a new wording is a new version."""


@texts_.command("publish")
@click.argument("purpose")
@click.argument("channel", type=click.Choice(Channel.values))
@click.argument("language", type=click.Choice(["tr", "en"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def publish(purpose: str, channel: str, language: str, file: Path) -> None:
    """Let the text in FILE be what people agree to from now on."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConsentError(_("%(file)s: no text in UTF-8") % {"file": file.name}) from error
    with transaction.atomic():
        made = texts.publish(
            code_key(purpose), channel, language, text, by=audit.operator(), at=clock.now()
        )
        audit.record(audit.operator(), "consent.text_published", made.name)
    click.echo(f"{made.name}  sha256:{made.digest}")


@texts_.command("list")
def list_texts() -> None:
    """Show all versions of all texts."""
    for one in ConsentText.objects.order_by("purpose", "channel", "language", "version"):
        click.echo(f"{one.name:<40}sha256:{one.digest[:16]}  {' '.join(one.text.split())[:60]}")


@consent.group("forms")
def forms() -> None:
    """Forms by which people sign up, with a second step by mail."""


@forms.command("add")
@click.argument("slug")
@click.option("--title", required=True)
@click.option("--purpose", "wanted", multiple=True, default=["marketing"], show_default=True)
@click.option("--origin", "origins", multiple=True, help="https://… of a page that holds it.")
def add_form(slug: str, title: str, wanted: tuple[str, ...], origins: tuple[str, ...]) -> None:
    """Make the form SLUG and print what a page needs to hold it."""
    try:
        with transaction.atomic():
            sign_ups.add_form(slug, title, wanted, origins=origins, at=clock.now())
            audit.record(audit.operator(), "consent.form_added", slug)
    except IntegrityError as error:
        raise ConsentError(_("The form “%(slug)s” exists already.") % {"slug": slug}) from error
    click.echo(_embedded(slug, wanted))


def _embedded(slug: str, wanted: tuple[str, ...]) -> str:
    boxes = [
        f'  <label><input type="checkbox" name="purpose" value="{one}">'
        f" {purposes.title(one)}</label>"
        for one in wanted
        if len(wanted) > 1
    ]
    lines = [
        f'<form method="post" action="{settings.PUSULA.public_url}/forms/{slug}/">',
        '  <input type="email" name="email" required>',
        *boxes,
        '  <input name="website" hidden tabindex="-1" autocomplete="off">',
        f"  <button>{_('Sign up')}</button>",
        "</form>",
    ]
    return "\n".join(lines)


@forms.command("list")
def list_forms() -> None:
    """Show the forms with what they ask for."""
    for one in SignUpForm.objects.order_by("slug"):
        state = "" if one.is_open else f"  ({_('closed')})"
        click.echo(f"{one.slug:<24}{', '.join(one.purposes):<30}{one.title}{state}")


@forms.command("close")
@click.argument("slug")
def close_form(slug: str) -> None:
    """Take no more sign-ups by the form SLUG."""
    with transaction.atomic():
        if not SignUpForm.objects.filter(slug=slug, is_open=True).update(is_open=False):
            raise ConsentError(_("There is no open form “%(slug)s”.") % {"slug": slug})
        audit.record(audit.operator(), "consent.form_closed", slug)
    click.echo(_("%(slug)s is closed.") % {"slug": slug})


@consent.command()
@click.argument("profile", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print it for a program.")
def show(profile: int, *, as_json: bool) -> None:
    """Show every decision of the customer with the number PROFILE, the newest first."""
    entries = list(queries.ledger_of(profile))
    if as_json:
        names = (
            "channel", "purpose", "status", "address", "source", "evidence", "proof",
            "decided_at", "recorded_at",
        )  # fmt: skip
        told = [{name: getattr(one, name) for name in names} for one in entries]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for one in entries:
        day = clock.to_datetime(one.decided_at, settings.PUSULA.time_zone)
        click.echo(
            f"{day:%Y-%m-%d %H:%M}  {one.channel:<9}{one.purpose:<16}{one.status:<9}"
            f"{one.source:<12}{one.evidence}"
        )


@consent.command()
@click.argument("profile", type=int)
@click.argument("channel", type=click.Choice(Channel.values))
@click.argument("purpose")
@click.argument("status", type=click.Choice(Status.values))
@click.option("--address", default="", help="The contact point it is about; else all of theirs.")
@click.option("--recording", default="", help="The number of the call's recording.")
@click.option("--note", default="", help="How it was given, in words: the evidence.")
def record(  # noqa: PLR0917 - what a decision has
    profile: int, channel: str, purpose: str, status: str, address: str, recording: str, note: str
) -> None:
    """Write down a decision that the customer PROFILE has just made, by phone or on paper."""
    if not Profile.objects.filter(pk=profile).exists():
        raise ConsentError(_("There is no customer number %(n)s.") % {"n": profile})
    if status == Status.GRANTED and not (recording or note):
        raise ConsentError(_("A consent needs a proof: say --recording or --note."))
    at = clock.now()
    proof = proofs.checked(
        {"recording": recording, "note": note, "operator": audit.operator()[:120]}
    )
    decision = actions.Decision(
        profile_id=profile, channel=channel, purpose=code_key(purpose), status=status,
        source="operator", decided_at=at, evidence=(note or recording)[:400], address=address,
        proof=proof,
    )  # fmt: skip
    with transaction.atomic():
        actions.record([decision], at=at)
        audit.record(
            audit.operator(), "consent.recorded", str(profile), channel=channel, status=status
        )
    click.echo(_("It is written down."))


@consent.group("suppressions")
def suppressions_() -> None:
    """Addresses that nobody writes to, whoever they belong to."""


@suppressions_.command("add")
@click.argument("channel", type=click.Choice(Channel.values))
@click.argument("address")
@click.option("--scope", type=click.Choice(Scope.values), default=Scope.ALL.value)
@click.option("--note", default="")
def suppress(channel: str, address: str, scope: str, note: str) -> None:
    """Block ADDRESS on CHANNEL."""
    with transaction.atomic():
        spelled = suppressions.spelled(channel, address)
        is_new = actions.suppress(
            channel, spelled, reason=Reason.MANUAL, detail=note, scope=scope, at=clock.now()
        )
        audit.record(audit.operator(), "suppression.added", channel, scope=scope)
    click.echo(_("It is blocked.") if is_new else _("It was blocked already."))


@suppressions_.command("lift")
@click.argument("channel", type=click.Choice(Channel.values))
@click.argument("address")
@click.option("--because", required=True, help="Why it may be written to again.")
def lift(channel: str, address: str, because: str) -> None:
    """Let ADDRESS be written to again; its owner's consent is another matter."""
    found = suppressions.find(channel, address)
    if found is None:
        raise ConsentError(_("This address is not blocked."))
    with transaction.atomic():
        actions.lift(found.pk, by=audit.operator(), reason=because, at=clock.now())
        audit.record(audit.operator(), "suppression.lifted", str(found.pk))
    click.echo(_("It is no longer blocked."))


@suppressions_.command("export")
def export() -> None:
    """Print what is blocked as CSV; of erased people only the hash."""
    writer = csv.writer(sys.stdout)
    n = 0
    for row in suppressions.exported():
        writer.writerow(row)
        n += 1
    audit.record(audit.operator(), "suppression.exported", n=n - 1)


@suppressions_.command("import")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option("--channel", type=click.Choice(Channel.values), default=Channel.EMAIL.value)
def import_(file: TextIO, channel: str) -> None:
    """Block every address in FILE: a CSV as `export` prints it, or one address a line.

    Nothing is ever unblocked by a file.
    """
    done = suppressions.take_over(file, channel, at=clock.now())
    audit.record(audit.operator(), "suppression.imported", n=done.n_new)
    click.echo(
        _("%(new)s addresses are blocked, %(same)s were already; %(bad)s lines are no address.")
        % {"new": done.n_new, "same": done.n_same, "bad": done.n_bad}
    )
