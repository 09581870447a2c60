"""Templates: saved version by version, checked when they are, frozen when messages are reserved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Length
from django.utils.translation import gettext as _

from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import FrozenTemplate, Template, TemplateVersion
from pusula.channels.port import ChannelError
from pusula.consent.models import Channel
from pusula.content import check as lint
from pusula.content import template as content
from pusula.content.check import Problem
from pusula.content.language import RenderError, TemplateError
from pusula.lib import clock
from pusula.outbox import actions as outbox
from pusula.outbox import recommended, variables
from pusula.outbox.links import preview_links
from pusula.outbox.models import INTERPRETED
from pusula.outbox.outgoing import Prepared
from pusula.profiles.models import Profile, Trait

# Before the key of the campaign whose own template it is; nobody else may name it.
OWN = "campaign:"
LANGUAGE = "language"  # the trait
# Those that have texts; a call has a script, which its step of a journey holds.
CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP, Channel.WEBPUSH)
# What a message says beyond its customer, where there is no message: previews, samples.
SAMPLE_MESSAGE: Mapping[str, str] = {
    "order": "TR-10482",
    "coupon": "K7M4-Q2XD",
    "starts_on": "2027-05-14",
    "ends_on": "2027-05-21",
}
_MOST_NAME = 120
_MOST_LANGUAGES = 12
_N_SAMPLES = 8
# A template with one of these could be filled for nobody, so it is not even kept.
_REFUSED = frozenset({"syntax", "unknown_filter", "too_costly"})
_NEEDED = {
    Channel.SMS: ("text",),
    Channel.WEBPUSH: ("text",),
    Channel.WHATSAPP: ("details.template", "details.language"),
}


class TemplateRefusedError(CampaignError):
    """A template cannot be saved; ``problems`` say where and why, by language."""

    code = "template_refused"
    status = 422

    def __init__(self, message: str, problems: Mapping[str, list[Problem]] | None = None) -> None:
        super().__init__(message)
        self.problems = dict(problems or {})


class ChangedMeanwhileError(CampaignError):
    """Somebody else has saved the template since it was opened."""

    code = "changed_meanwhile"


@dataclass(frozen=True, kw_only=True)
class Says:
    """What a template says in one language; see ``models.Template`` for its parts."""

    subject: str = ""
    preheader: str = ""
    text: str = ""
    html: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Says:
        """Return what ``given`` says; what it leaves out is empty."""
        return cls(
            subject=given.get("subject", ""),
            preheader=given.get("preheader", ""),
            text=given.get("text", ""),
            html=given.get("html", ""),
            details=given.get("details") or {},
        )

    def written(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "subject": self.subject,
            "preheader": self.preheader,
            "text": self.text,
            "html": self.html,
            "details": dict(self.details),
        }

    @property
    def whole_html(self) -> str:
        """The HTML with the preheader in it."""
        return content.with_preheader(self.html, self.preheader)


def all_said(template: Template) -> dict[str, Says]:
    """Return what a template says now in each language; "" is for everybody else."""
    everybody = Says(
        subject=template.subject,
        preheader=template.preheader,
        text=template.text,
        html=template.html,
        details=template.details,
    )
    return {"": everybody} | {tag: Says.of(one) for tag, one in template.languages.items()}


def for_language(said: Mapping[str, Any], language: str) -> str:
    """Return which of the languages of ``said`` somebody gets who reads ``language``."""
    return language if language in said else ""


def languages_of(profile_ids: Collection[int]) -> dict[int, str]:
    """Return the languages that profiles are known to read, two letters each."""
    found = Trait.objects.filter(profile_id__in=profile_ids, name=LANGUAGE)
    return {pk: text.lower()[:2] for pk, text in found.values_list("profile_id", "text") if text}


def usable() -> QuerySet[Template]:
    """Return the templates that campaigns and journeys may name."""
    return Template.objects.filter(archived_at=None).exclude(name__startswith=OWN)


def save(
    template: Template | None,
    *,
    name: str,
    channel: str = Channel.EMAIL,
    says: Mapping[str, Says],
    by: str,
    at: int,
    note: str = "",
    expected: int | None = None,
) -> Template:
    """Keep what a template says as its next version; the same again is no version.

    ``says`` has what everybody gets under "". ``expected`` is the version that was opened. Raises
    ``TemplateRefusedError`` for what could be filled for nobody, and ``ChangedMeanwhileError``.
    """
    name = _name(name)
    says = dict(says)
    _refuse(channel, says)
    is_interpreted = not all(is_equal(channel, one) for one in says.values())
    try:
        with transaction.atomic():
            if template is None:
                template = Template.objects.create(name=name, channel=channel, updated_at=at)
            current = Template.objects.select_for_update().get(pk=template.pk)
            if expected is not None and current.number != expected:
                raise ChangedMeanwhileError(
                    _("Somebody else has saved this template meanwhile: look at theirs first.")
                )
            _write(current, name, says, at)
            _pin(current, by=by, at=at, note=note, is_interpreted=is_interpreted)
    except IntegrityError as error:
        raise TemplateRefusedError(
            _("There is a template called %(name)s already.") % {"name": name}
        ) from error
    return current


def restore(template: Template, number: int, *, by: str, at: int) -> Template:
    """Let a template say again what it said in version ``number``, as its next version."""
    version = template.versions.get(number=number)
    return save(
        template,
        name=template.name,
        channel=template.channel,
        says={tag: Says.of(one) for tag, one in version.says.items()},
        by=by,
        at=at,
        note=_("As in version %(number)s") % {"number": number},
    )


def archive(template: Template, *, at: int) -> None:
    """Offer a template no more; what names it goes on."""
    Template.objects.filter(pk=template.pk, archived_at=None).update(archived_at=at)


def unarchive(template: Template) -> None:
    """Offer a template again."""
    Template.objects.filter(pk=template.pk).update(archived_at=None)


def freeze(template: Template) -> dict[str, int]:
    """Freeze what a template says now; return the numbers of the contents by language.

    Each content names the version it is of. Raises ``TemplateError``, ``ChannelError`` and
    ``AddressError`` rather than let everybody's message fail later.
    """
    frozen: dict[str, int] = {}
    with transaction.atomic():
        current = Template.objects.select_for_update().get(pk=template.pk)
        version = _pin(current, by="", at=clock.now())
        for tag, one in all_said(current).items():
            details = dict(one.details)
            if version.is_interpreted:
                details[INTERPRETED] = True
            if current.channel == Channel.WEBPUSH and not details.get("url"):
                details["url"] = settings.PUSULA.public_url
            made = outbox.freeze(
                channel=current.channel,
                sender=settings.PUSULA.from_address if current.channel == Channel.EMAIL else "",
                subject=one.subject,
                text=one.text,
                html=one.whole_html,
                details=details,
            )
            FrozenTemplate.objects.create(content=made, version=version, language=tag)
            frozen[tag] = made.pk
    return frozen


def check(channel: str, one: Says, *, needs_unsubscribe: bool = True) -> list[Problem]:
    """Return what is wrong with what a template says in one language, errors first."""
    known = variables.names()
    if channel == Channel.EMAIL:
        return lint.check(
            one.subject,
            one.text,
            one.html,
            known,
            preheader=one.preheader,
            needs_unsubscribe=needs_unsubscribe,
        )
    known -= set(recommended.NAMES)  # asked for in mails alone
    parts = {"subject": one.subject, "text": one.text, **dict(_texts(one.details, "details"))}
    return lint.check_short(parts, known, needed=_NEEDED.get(Channel(channel), ()))


def is_equal(channel: str, one: Says) -> bool:
    """Return whether the interpreter says the same as the function, for a sample of customers."""
    links = preview_links()
    samples = _samples()
    at = clock.now()
    people = variables.values(samples, at=at)
    recommender, recommends = recommended.Recommender(), False
    try:
        if channel == Channel.EMAIL:
            made = content.compiled(one.subject, one.text, one.whole_html)
            recommends = made.recommends
        else:
            prepared = Prepared.of(channel, "", one.subject, one.text, one.details)
    except (TemplateError, ChannelError):
        return True  # there is nothing that could be filled at all
    for pk in samples:
        given = {**people.get(pk, {}), "message": SAMPLE_MESSAGE}
        if recommends:
            given[recommended.WORD] = recommender.of(pk, at=at)
        try:
            if channel == Channel.EMAIL:
                if not content.verified(made, given, links):
                    return False
            elif not prepared.is_equal(given):
                return False
        except RenderError:
            continue  # this one gets nothing, whoever fills it
    return True


def uses(template: Template) -> list[str]:
    """Return the titles of the campaigns that name a template."""
    return list(template.campaigns.order_by("title").values_list("title", flat=True))


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= _MOST_NAME or name.startswith(OWN) or not name.isprintable():
        raise TemplateRefusedError(_("A template has a name of 1 to 120 characters."))
    return name


def _refuse(channel: str, says: Mapping[str, Says]) -> None:
    """Say no to what nobody could ever get."""
    if channel not in CHANNELS:
        raise TemplateRefusedError(_("There are no templates for this channel."))
    if "" not in says or len(says) > _MOST_LANGUAGES:
        raise TemplateRefusedError(_("A template has a text for everybody, and 11 more at most."))
    problems = {
        tag: [one for one in check(channel, said) if one.code in _REFUSED]
        for tag, said in says.items()
    }
    if any(problems.values()):
        raise TemplateRefusedError(_("The template cannot be filled and was not saved."), problems)


def _write(template: Template, name: str, says: Mapping[str, Says], at: int) -> None:
    everybody = says[""]
    columns = everybody.written() | {
        "name": name,
        "languages": {tag: one.written() for tag, one in sorted(says.items()) if tag},
        "updated_at": at,
    }
    for column, value in columns.items():
        setattr(template, column, value)
    template.save(update_fields=list(columns))


def _pin(
    template: Template, *, by: str, at: int, note: str = "", is_interpreted: bool | None = None
) -> TemplateVersion:
    """Return the version that says what the locked ``template`` says now; make it if it is new."""
    says = {tag: one.written() for tag, one in all_said(template).items()}
    newest = template.versions.filter(number=template.number).first()
    if newest is not None and newest.says == says:
        return newest
    if is_interpreted is None:
        is_interpreted = not all(is_equal(template.channel, Says.of(one)) for one in says.values())
    template.number += 1
    made = TemplateVersion.objects.create(
        template=template,
        number=template.number,
        says=says,
        is_interpreted=is_interpreted,
        note=note,
        made_at=at,
        made_by=by,
    )
    template.save(update_fields=["number"])
    return made


def _samples() -> list[int]:
    """Return a few customers who differ: no name, the longest, the newest, the oldest."""
    people = Profile.objects.order_by("pk")
    named = people.exclude(name_key="")
    found: list[int] = []
    for some in (
        people.filter(Q(first_name="") | Q(last_name=""))[:2],
        named.order_by(Length("name_key").desc(), "pk")[:2],
        people.reverse()[:2],
        people[:2],
    ):
        found.extend(some.values_list("pk", flat=True))
    return list(dict.fromkeys(found))[:_N_SAMPLES]


def _texts(details: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield the texts in details with the place of each: ``details.body.0``."""
    if isinstance(details, str):
        yield place, details
    elif isinstance(details, Mapping):
        for name, value in details.items():
            yield from _texts(value, f"{place}.{name}")
    elif isinstance(details, list):
        for n, value in enumerate(details):
            yield from _texts(value, f"{place}.{n}")
