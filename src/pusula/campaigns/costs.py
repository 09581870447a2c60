"""What a campaign costs: before it is sent, from the texts of some of its people; and afterwards.

Where the campaign names no cost of a message, each costs the company's price of its channel, of SMS
for each part. Prices are in the company's currency and nothing converts them: a campaign of before
the company changed its currency stays in its own, and its messages have no price there.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from pusula.campaigns import templates
from pusula.campaigns.audience import Plan
from pusula.campaigns.models import Arm, Campaign
from pusula.channels.port import ChannelError
from pusula.channels.sms import segments as sms
from pusula.consent.models import Channel
from pusula.content.language import RenderError, TemplateError
from pusula.lib import clock, money
from pusula.outbox import prices
from pusula.outbox.links import preview_links
from pusula.outbox.models import Message
from pusula.outbox.outgoing import Prepared
from pusula.outbox.prices import Spent
from pusula.outbox.variables import values

MOST_SAMPLED = 200


@dataclass(frozen=True, slots=True)
class Parts:
    """How many SMS the texts of some people are: ``n_parts`` of ``n_people``, ``most`` of one.

    ``culprits`` are the letters that make them dearer than plain ones.
    """

    n_people: int
    n_parts: int
    most: int
    culprits: str = ""

    @property
    def mean(self) -> float:
        """How many parts a text has on average."""
        return self.n_parts / self.n_people


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a campaign will cost, in minor units; ``each`` is one message's or part's price.

    ``each`` is ``None`` where no price is known: only what is fixed counts then. ``parts`` are
    those of an SMS.
    """

    minor: int
    each: Decimal | None
    n_messages: int
    parts: Parts | None = None


def foresee(campaign: Campaign, plan: Plan) -> Foreseen:
    """Return what ``campaign`` will cost if it goes to those of ``plan``."""
    n = plan.n_messages
    parts = None
    if campaign.channel == Channel.SMS:
        ids = [one.profile_id for one in plan.of(Arm.TREATED) if not one.reason]
        parts = counted(campaign, ids)
    if campaign.message_cost_minor is not None:
        each: Decimal | None = money.from_minor(campaign.message_cost_minor, campaign.currency)
        n_paid = Decimal(n)
    else:
        each = _price(campaign)
        n_paid = Decimal(n) * parts.n_parts / parts.n_people if parts else Decimal(n)
    return Foreseen(campaign.fixed_cost_minor + _minor(each, n_paid), each, n, parts)


def spent(campaign: Campaign, n_sent: int) -> Spent:
    """Return what ``campaign`` has cost: ``n_sent`` messages and what is fixed."""
    fixed = campaign.fixed_cost_minor
    if campaign.message_cost_minor is not None:
        return Spent(campaign.message_cost_minor * n_sent + fixed)
    if campaign.is_adopted or is_foreign(campaign):  # its messages, or their prices, are not here
        each = _price(campaign)
        missing = (campaign.channel,) if each is None and n_sent else ()
        return Spent(fixed + _minor(each, Decimal(n_sent)), missing)
    found = prices.spent(Message.objects.filter(origin=campaign.origin))
    return Spent(found.minor + fixed, found.missing)


def counted(campaign: Campaign, ids: list[int]) -> Parts | None:
    """Return how many SMS the campaign's text is, from up to ``MOST_SAMPLED`` people of ``ids``.

    They are taken evenly from all. ``None`` where it can be filled for none of them.
    """
    if campaign.template is None or not ids:
        return None
    sampled = ids[:: -(-len(ids) // MOST_SAMPLED)]
    people = values(sampled, at=clock.now())
    read = templates.languages_of(sampled)
    said = templates.all_said(campaign.template)
    links = preview_links()
    found, culprits = list[int](), dict[str, None]()
    prepared: dict[str, Prepared] = {}
    for pk in sampled:
        tag = templates.for_language(said, read.get(pk, ""))
        one = said[tag]
        try:
            if tag not in prepared:
                prepared[tag] = Prepared.of(Channel.SMS, "", "", one.text, one.details)
            _title, text, details = prepared[tag].filled(
                {
                    **people.get(pk, {}),
                    "message": templates.SAMPLE_MESSAGE,
                    "unsubscribe_url": links.unsubscribe_url,
                    "preferences_url": links.preferences_url,
                }
            )
        except (TemplateError, RenderError, ChannelError):
            continue  # nobody pays for what this one does not get
        count = sms.count(sms.wire(text, details))
        found.append(count.n_parts)
        culprits |= dict.fromkeys(count.culprits)
    return Parts(len(found), sum(found), max(found), "".join(culprits)) if found else None


def is_foreign(campaign: Campaign) -> bool:
    """Return whether what a campaign costs is said in another currency than the company's."""
    return campaign.currency != settings.PUSULA.currency


def _price(campaign: Campaign) -> Decimal | None:
    return None if is_foreign(campaign) else prices.current().get(campaign.channel)


def _minor(each: Decimal | None, n: Decimal) -> int:
    return 0 if each is None else prices.minor(each * n)
