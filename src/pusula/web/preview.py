"""What a campaign's message looks like for one real customer, and who comes before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.utils import parseaddr
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.utils.translation import gettext

from pusula.campaigns import words as campaign_words
from pusula.content import check as lint
from pusula.content.language import RenderError, TemplateError
from pusula.outbox import letters, variables
from pusula.profiles import queries as profiles
from pusula.profiles.models import Profile
from pusula.segments import queries as segments
from pusula.web import titles
from pusula.web.request import plain, whole

_SNIPPET = 110


@dataclass(frozen=True)
class Person:
    """The customer a preview is made for, and whom its buttons lead to."""

    pk: int
    name: str
    previous: int | None
    following: int | None
    longest: int | None  # who has the longest name of all: the worst case for a layout
    nameless: int | None  # who has none: the worst case for a greeting


class Parts(NamedTuple):
    """What a message says, in Liquid."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Preview:
    """A message filled for a person; ``problem`` says why it could not be.

    ``remarks`` are what is wrong with the template whoever gets it: (is it an error, sentence).
    """

    person: Person | None
    sender: str
    subject: str = ""
    snippet: str = ""
    text: str = ""
    html: str = ""
    problem: str = ""
    remarks: tuple[tuple[bool, str], ...] = ()


def person(audience: Sequence[str], wanted: str) -> Person | None:
    """Return the member of ``audience`` with the number ``wanted``, else the first one.

    Without an audience everybody is looked at; ``None`` where there is nobody.
    """
    keys = [plain(key) for key in audience]
    people = segments.members_of_any(keys) if keys else profiles.everybody()
    people = people.order_by("pk")
    pk = whole(wanted)
    shown = people.filter(pk=pk).first() if pk is not None else None
    shown = shown or people.first()
    if shown is None:
        return None
    named = people.exclude(name_key="").order_by(Length("name_key").desc(), "pk")
    return Person(
        pk=shown.pk,
        name=titles.customer(shown.name),
        previous=_pk(people.filter(pk__lt=shown.pk).reverse()),
        following=_pk(people.filter(pk__gt=shown.pk)),
        longest=_pk(named),
        nameless=_pk(people.filter(first_name="")),
    )


def preview(parts: Parts, who: Person | None) -> Preview:
    """Return the message that ``parts`` make as ``who`` would get it."""
    name, address = parseaddr(settings.PUSULA.from_address)
    sender = name or address
    if who is None or not any(parts):
        return Preview(who, sender)
    try:
        filled = letters.preview(*parts, who.pk)
    except TemplateError as error:
        return Preview(who, sender, problem=placed(error))
    except RenderError as error:
        return Preview(who, sender, problem=error.said(gettext))
    snippet = " ".join(filled.text.split())[:_SNIPPET]
    return Preview(who, sender, filled.subject, snippet, filled.text, filled.html)


def linted(found: Preview, parts: Parts) -> Preview:
    """Return a preview with the remarks on its template; its own problem only if none says it."""
    if not any(parts):
        return found
    problems = lint.check(*parts, variables.names())
    remarks = tuple((one.is_error, campaign_words.problem(one)) for one in problems)
    said = any(is_error for is_error, _ in remarks)
    return replace(found, remarks=remarks, problem="" if said else found.problem)


def _pk(people: QuerySet[Profile]) -> int | None:
    return people.values_list("pk", flat=True).first()


def placed(error: TemplateError) -> str:
    """Return what is wrong with a template and on which line."""
    if not error.line:
        return error.said(gettext)
    problem = error.said(gettext)
    return gettext("Line %(line)s: %(problem)s") % {"line": error.line, "problem": problem}
