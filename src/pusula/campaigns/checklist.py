"""What must be in order before a campaign starts, item by item, each a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pusula.campaigns import audience, costs, templates, words
from pusula.campaigns.audience import Plan
from pusula.campaigns.costs import Parts
from pusula.campaigns.errors import SegmentNotReadyError
from pusula.campaigns.models import Arm, Campaign
from pusula.campaigns.templates import Says
from pusula.channels.email.address import AddressError, split_sender
from pusula.channels.port import ChannelError
from pusula.consent import purposes
from pusula.consent.models import Channel
from pusula.lib import clock
from pusula.outbox import approvals, providers

_STALE_AFTER = 24 * clock.HOUR
_EXAMPLE = "@example.com"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Level(Enum):
    """How much an item matters."""

    OK = "ok"
    WARNING = "warning"  # the campaign may start; somebody should know
    ERROR = "error"  # it may not


@dataclass(frozen=True)
class Item:
    """One thing that was looked at; ``code`` names the part of the campaign it is about."""

    code: str
    level: Level
    text: str


@dataclass(frozen=True)
class Checklist:
    """All items, and whom the campaign would reach if it started now (none: nobody knows)."""

    items: tuple[Item, ...]
    plan: Plan | None

    @property
    def may_start(self) -> bool:
        """Whether no item forbids it."""
        return all(item.level is not Level.ERROR for item in self.items)

    @property
    def errors(self) -> list[str]:
        """The sentences of what forbids it."""
        return [item.text for item in self.items if item.level is Level.ERROR]


def preflight(campaign: Campaign, at: int) -> Checklist:
    """Return what is and is not in order for ``campaign`` at the moment ``at``."""
    items: list[Item] = []
    plan = None
    try:
        plan = audience.plan(campaign, at=at)
    except SegmentNotReadyError as error:
        items.append(Item("audience", Level.ERROR, error.said(_)))
    else:
        items += _people(plan)
        items += _freshness(campaign, at)
    items += template(campaign)
    items += carrier(campaign.channel)
    items += _permission(campaign)
    items.append(_window(campaign))
    items += currency(campaign)
    if plan is not None:
        items += _cost(campaign, plan)
    return Checklist(tuple(items), plan)


def template(campaign: Campaign) -> list[Item]:
    """Return what is wrong with what the campaign says; one item that is well if nothing is."""
    if campaign.template is None:
        return [Item("template", Level.ERROR, _("There is no template yet."))]
    said = templates.all_said(campaign.template)
    return [
        Item(
            "template",
            Level.ERROR if problem.is_error else Level.WARNING,
            words.problem(problem, language),
        )
        for language, one in said.items()
        for problem in templates.check(campaign.channel, one)
    ] + _approval(campaign, said) or [Item("template", Level.OK, _("The template has no errors."))]


def _approval(campaign: Campaign, said: Mapping[str, Says]) -> list[Item]:
    """Return what Meta has against the WhatsApp templates a campaign uses."""
    if campaign.channel != Channel.WHATSAPP:
        return []
    items = []
    for one in said.values():
        name, language = (str(one.details.get(part, "")) for part in ("template", "language"))
        why = approvals.in_the_way(name, language, is_commercial=campaign.is_commercial)
        if why:
            text = _("WhatsApp does not let this template be used now: %(why)s")
            items.append(Item("template", Level.ERROR, text % {"why": why}))
    return items


def _people(plan: Plan) -> list[Item]:
    sizes = plan.sizes()
    n = plan.n_messages
    form = ngettext("%(n)s person gets a message.", "%(n)s people get a message.", n)
    level = Level.OK if n else Level.ERROR
    items = [Item("audience", level, form % {"n": words.number(n)})]
    for reason, n_left_out in plan.reasons().items():
        items.append(Item("exclusions", Level.OK, words.left_out(reason, n_left_out)))
    if sizes[Arm.HOLDOUT]:
        held = sizes[Arm.HOLDOUT]
        form = ngettext(
            "%(n)s person is held out to measure against.",
            "%(n)s people are held out to measure against.",
            held,
        )
        items.append(Item("holdout", Level.OK, form % {"n": words.number(held)}))
    else:
        text = _("Nobody is held out: what the campaign causes cannot be measured.")
        items.append(Item("holdout", Level.WARNING, text))
    return items


def _freshness(campaign: Campaign, at: int) -> list[Item]:
    used = campaign.audience.all() | campaign.exclusions.all()
    return [
        Item(
            "audience",
            Level.WARNING,
            _("The segment %(segment)s was evaluated more than a day ago: run `pusula run`.")
            % {"segment": segment.key},
        )
        for segment in used.distinct().order_by("key")
        if segment.evaluated_at is not None and at - segment.evaluated_at > _STALE_AFTER
    ]


def carrier(channel: str) -> list[Item]:
    """Return what is wrong with what carries messages of ``channel``; one item if nothing is."""
    if channel != Channel.EMAIL:
        return [_provider(channel)]
    company = settings.PUSULA
    items = []
    try:
        _name, address = split_sender(company.from_address)
    except AddressError as error:
        items.append(Item("sender", Level.ERROR, error.said(_)))
    else:
        if address.endswith(_EXAMPLE):
            text = _("The sender is an example address: set from_address in pusula.toml.")
            items.append(Item("sender", Level.WARNING, text))
    if not settings.PUSULA_SMTP_URL:
        text = _("No mail server is set: PUSULA_SMTP_URL is empty.")
        items.append(Item("smtp", Level.ERROR, text))
    if urlsplit(company.public_url).hostname in _LOOPBACK:
        text = _("Links in the mail lead to this machine only: set public_url in pusula.toml.")
        items.append(Item("links", Level.WARNING, text))
    return items or [Item("channel", Level.OK, _("Mail server and sender are set."))]


def _provider(channel: str) -> Item:
    """Return whether anything carries messages of a channel that is no e-mail."""
    if channel == Channel.CALL:
        text = _("A campaign calls nobody: make a journey with a call.")
        return Item("channel", Level.ERROR, text)
    try:
        is_set = providers.of(channel) is not None
    except ChannelError as error:
        return Item("channel", Level.ERROR, error.said(_))
    if not is_set:
        text = _("Nothing carries this channel: set its provider in pusula.toml.")
        return Item("channel", Level.ERROR, text)
    return Item("channel", Level.OK, _("The provider of the channel is set."))


def _permission(campaign: Campaign) -> list[Item]:
    """Return what speaks against the purpose, and against calling the message informational."""
    if purposes.strange([campaign.purpose]):
        text = purposes.refusal(campaign.purpose).message
        return [Item("purpose", Level.ERROR, text)]
    if not campaign.is_commercial and purposes.is_commercial(campaign.purpose):
        text = _(
            "The message is called informational, but its purpose “%(purpose)s” is commercial: "
            "what sells anything needs an approval."
        ) % {"purpose": purposes.title(campaign.purpose)}
        return [Item("purpose", Level.ERROR, text)]
    return []


def _window(campaign: Campaign) -> Item:
    form = ngettext(
        "Conversions count for %(n)s day after the start.",
        "Conversions count for %(n)s days after the start.",
        campaign.window_days,
    )
    return Item("window", Level.OK, form % {"n": words.number(campaign.window_days)})


def currency(campaign: Campaign) -> list[Item]:
    """Return what is wrong with the currency of what a campaign costs."""
    if not costs.is_foreign(campaign):
        return []
    text = _(
        "What it costs is said in %(theirs)s, and the company counts in %(ours)s: save it anew."
    )
    told = {"theirs": campaign.currency, "ours": settings.PUSULA.currency}
    return [Item("cost", Level.ERROR, text % told)]


def _cost(campaign: Campaign, plan: Plan) -> list[Item]:
    """Return what it will cost, how many SMS that is, and whether a price is missing."""
    found = costs.foresee(campaign, plan)
    items = []
    if found.parts:
        items.append(_parts(found.parts, found.n_messages))
    if found.each is None:
        text = _("No price is set for this channel: the cost is counted without the messages.")
        items.append(Item("cost", Level.WARNING, text))
    text = _("It costs %(amount)s: the messages and what is fixed.") % {
        "amount": words.amount(found.minor, campaign.currency)
    }
    return [*items, Item("cost", Level.OK, text)]


def _parts(parts: Parts, n_messages: int) -> Item:
    text = _("About %(n)s SMS are paid for: %(mean)s a person, %(most)s at most.") % {
        "n": words.number(round(n_messages * parts.mean)),
        "mean": words.number(parts.mean, 2),
        "most": words.number(parts.most),
    }
    if parts.culprits:
        text += " " + _("These letters make the texts dearer: %(letters)s") % {
            "letters": " ".join(parts.culprits)
        }
    level = Level.WARNING if parts.most > 1 else Level.OK
    return Item("cost", level, text)
