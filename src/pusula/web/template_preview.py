"""What a template looks like for one real customer, on any channel, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from pusula.campaigns import templates
from pusula.campaigns import words as campaign_words
from pusula.campaigns.templates import SAMPLE_MESSAGE, Says
from pusula.channels.port import ChannelError
from pusula.channels.sms import segments as sms
from pusula.consent.models import Channel
from pusula.content import template as content
from pusula.content.language import RenderError, TemplateError
from pusula.lib import clock
from pusula.outbox import prices
from pusula.outbox.links import preview_links
from pusula.outbox.outgoing import Prepared
from pusula.outbox.recommended import NAMES, WORD, Recommender
from pusula.outbox.variables import names, values
from pusula.web import formats
from pusula.web import preview as people
from pusula.web.preview import Person

_SNIPPET = 110
# Whose fields come first in the list; those of nobody here come in between.
_ORDER = {"profile": 0, "traits": 1, "unsubscribe_url": 3, "preferences_url": 3}
BLOCKS = tuple(
    f"{{% for one in {name} limit: 3 %}}\n{{{{ one.name }}}}\n{{% else %}}\n…\n{{% endfor %}}"
    for name in NAMES
)
CLIPPED_KB = 102


@dataclass(frozen=True)
class Preview:
    """A template filled for a person; ``problem`` says why it could not be.

    ``remarks`` are what is wrong whoever gets it: (is it an error, sentence).
    """

    channel: str
    person: Person | None
    sender: str
    subject: str = ""
    snippet: str = ""
    text: str = ""
    html: str = ""
    lines: tuple[str, ...] = ()  # of an approved WhatsApp template: its values
    url: str = ""
    image: str = ""
    sms_parts: sms.Count | None = None
    cost: Decimal | None = None  # of this message, in the company's currency
    problem: str = ""
    remarks: tuple[tuple[bool, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = field(default=())  # what can be inserted, its value

    @property
    def kilobytes(self) -> int:
        """How large the HTML is."""
        return -(-len(self.html.encode()) // 1024)

    @property
    def price_words(self) -> str:
        """What this message costs as people write it; empty where no price is set."""
        if self.cost is None:
            return ""
        return f"{formats.price(self.cost)} {settings.PUSULA.currency}"

    @property
    def culprits(self) -> str:
        """The letters that make an SMS dearer, one beside the other."""
        return " ".join(self.sms_parts.culprits) if self.sms_parts else ""

    @property
    def is_clipped(self) -> bool:
        """Whether Gmail hides the rest."""
        return self.kilobytes > CLIPPED_KB


def preview(channel: str, says: Says, wanted: str, *, language: str = "") -> Preview:
    """Return what ``says`` makes for the customer number ``wanted``, else for some customer."""
    return of(channel, says, people.person([], wanted), language=language)


def of(channel: str, says: Says, person: Person | None, *, language: str = "") -> Preview:
    """Return what ``says`` makes for ``person``."""
    name, address = parseaddr(settings.PUSULA.from_address)
    found: dict[str, Any] = {"channel": channel, "person": person, "sender": name or address}
    given = _given(person)
    found["fields"] = _fields(given)
    if says == Says(details=says.details) and not any(says.details.values()):
        return Preview(**found)
    found["remarks"] = _remarks(channel, says, language)
    if person is None:
        return Preview(**found)
    try:
        is_mail = channel == Channel.EMAIL
        found |= _mail(says, person, given) if is_mail else _short(channel, says, given)
    except TemplateError as error:
        if not any(is_error for is_error, _ in found["remarks"]):
            found["problem"] = people.placed(error)
    except (RenderError, ChannelError) as error:
        if not any(is_error for is_error, _ in found["remarks"]):
            found["problem"] = error.said(gettext)
    return Preview(**found)


def _given(person: Person | None) -> dict[str, Any]:
    found = values([person.pk], at=clock.now()).get(person.pk, {}) if person else {}
    return {**found, "message": SAMPLE_MESSAGE}


def _mail(says: Says, person: Person, given: dict[str, Any]) -> dict[str, Any]:
    made = content.compiled(says.subject, says.text, says.whole_html)
    if made.recommends:
        given[WORD] = Recommender().of(person.pk, at=clock.now())
    filled = content.render(made, given, preview_links())
    line = content.line(says.preheader, given) or filled.text
    return {
        "subject": filled.subject,
        "snippet": " ".join(line.split())[:_SNIPPET],
        "text": filled.text,
        "html": filled.html,
    }


def _short(channel: str, says: Says, given: dict[str, Any]) -> dict[str, Any]:
    links = preview_links()
    prepared = Prepared.of(channel, "", says.subject, says.text, says.details)
    given |= {"unsubscribe_url": links.unsubscribe_url, "preferences_url": links.preferences_url}
    title, text, details = prepared.filled(given)
    if channel == Channel.SMS:
        text = sms.wire(text, details)
        count = sms.count(text)
        price = prices.current().get(Channel.SMS)
        cost = None if price is None else price * count.n_parts
        return {"text": text, "sms_parts": count, "cost": cost}
    if channel == Channel.WHATSAPP:
        body = details.get("body", [])
        lines = tuple(body.values() if isinstance(body, dict) else body)
        return {"subject": details.get("template", ""), "lines": lines}
    url = details.get("url") or settings.PUSULA.public_url
    return {"subject": title, "text": text, "url": url, "image": details.get("image", "")}


def _remarks(channel: str, says: Says, language: str) -> tuple[tuple[bool, str], ...]:
    problems = templates.check(channel, says)
    remarks = [(one.is_error, campaign_words.problem(one, language)) for one in problems]
    if not any(is_error for is_error, _ in remarks) and not templates.is_equal(channel, says):
        remarks.append(
            (
                False,
                gettext(
                    "Made into a function it says something else than Liquid does: the slower "
                    "interpreter fills it, so that nobody gets anything wrong."
                ),
            )
        )
    return tuple(remarks)


def _fields(given: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what can be inserted, and what it is for the customer of the preview."""
    found = []
    for name in sorted(names(), key=lambda one: (_ORDER.get(one.partition(".")[0], 2), one)):
        if name.endswith(".*") or "['" in name or name in NAMES:
            continue
        found.append((name, _value(given, name)))
    found.extend((f"message.{name}", value) for name, value in SAMPLE_MESSAGE.items())
    return tuple(found)


def _value(given: dict[str, Any], name: str) -> str:
    value: Any = given
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return "" if value is None else str(value)[:40]
