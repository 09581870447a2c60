"""Writes of campaigns: draft, start, settle, and taking over one that ran elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from pusula.campaigns import audience, checklist, machine, queries, templates, words
from pusula.campaigns.assignments import Assigned
from pusula.campaigns.audience import Candidate
from pusula.campaigns.definitions import Adoption, Definition, DefinitionError
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import Arm, Campaign, Template
from pusula.lake import rows
from pusula.lib import clock, money
from pusula.outbox import decisions
from pusula.segments import sets
from pusula.segments.models import Segment

_ASSIGNMENT_COLUMNS = ("campaign_id", "profile_id", "arm", "variant", "reason", "assigned_at")


def create(definition: Definition, at: int) -> Campaign:
    """Make the draft of a new campaign; raise ``CampaignError`` if its key is taken."""
    with transaction.atomic():
        if Campaign.objects.filter(key=definition.campaign).exists():
            raise CampaignError(
                _("There is a campaign %(key)s already: choose another key.")
                % {"key": definition.campaign}
            )
        campaign = Campaign(key=definition.campaign, created_at=at)
        return _write(campaign, definition, at)


def update_draft(campaign: Campaign, definition: Definition, at: int) -> Campaign:
    """Make a draft say what ``definition`` says; raise ``CampaignError`` if it has started."""
    with transaction.atomic():
        current = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if current.state == machine.SCHEDULED:
            raise CampaignError(
                _("The campaign %(key)s is scheduled: call it back to change it.")
                % {"key": campaign.key}
            )
        if current.state != machine.DRAFT:
            raise CampaignError(
                _("The campaign %(key)s has started and cannot be changed: make a new one.")
                % {"key": campaign.key}
            )
        return _write(current, definition, at)


def start(
    campaign: Campaign, at: int, *, expected_n: int | None = None, most_n: int | None = None
) -> Campaign:
    """Assign everybody and put the messages of the treated into the outbox, once.

    1. The campaign is locked and read again, so that of two who start it one wins and what was
    saved last counts. 2. The content is frozen. 3. Candidates are locked and decided about. 4. All
    are assigned, and a message is written for each who is treated. All in one transaction. Started
    already: nothing happens.

    ``expected_n`` is how many people somebody agreed to send to; where it no longer holds, or they
    are more than ``most_n``, nothing is sent. Raises ``CampaignError`` or ``SegmentNotReadyError``.
    """
    with transaction.atomic():
        current = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if current.state in {machine.DRAFT, machine.SCHEDULED}:
            _start(current, at, expected_n, most_n)
    campaign.refresh_from_db()
    return campaign


def settle(campaign: Campaign, at: int) -> Campaign:
    """Move a campaign on as far as it came: all messages settled, window over."""
    from_to = ((machine.SENDING, machine.RUNNING), (machine.RUNNING, machine.FINISHED))
    with transaction.atomic():
        campaign.refresh_from_db()
        for state, following in from_to:
            if campaign.state == state and _is_over(campaign, at):
                Campaign.objects.filter(pk=campaign.pk, state=state).update(state=following)
                campaign.refresh_from_db()
    return campaign


def settle_all(at: int) -> None:
    """Move every campaign on as far as it came; cheap while none has anything to settle."""
    for campaign in queries.unfinished():
        if queries.standing(campaign, at) != campaign.state:
            settle(campaign, at)


def adopt(adoption: Adoption, assigned: Iterable[Assigned], at: int) -> Campaign:
    """Take over a campaign that ran elsewhere, as finished; raise if its key is taken.

    It began when the first profile was assigned.
    """
    everyone = list(assigned)
    if not everyone:
        raise CampaignError(_("Nobody was assigned: the file of assignments is empty."))
    started_at = min(one.assigned_at for one in everyone)
    last_at = max(one.assigned_at for one in everyone)
    with transaction.atomic():
        if Campaign.objects.filter(key=adoption.campaign).exists():
            raise CampaignError(
                _("There is a campaign %(key)s already: choose another key.")
                % {"key": adoption.campaign}
            )
        campaign = Campaign(
            **_plan_columns(adoption),
            state=machine.FINISHED,
            is_adopted=True,
            variants=[[name, share] for name, share in adoption.variant_shares.items()],
            created_at=at,
            started_at=started_at,
            window_ends_at=last_at + adoption.window_days * clock.DAY,
        )
        campaign.save(force_insert=True)
        _assign(campaign, everyone, at)
    return campaign


def _write(campaign: Campaign, definition: Definition, at: int) -> Campaign:
    columns = _plan_columns(definition) | {
        "priority": definition.priority,
        "in_quiet_hours": definition.quiet_hours,
        "not_after_hours": definition.not_after_hours,
    }
    for name, value in columns.items():
        setattr(campaign, name, value)
    campaign.template = _template(definition, at)
    if campaign.pk is None:
        campaign.save(force_insert=True)
    else:
        campaign.save(update_fields=[*columns, "template"])
    campaign.audience.set(_segments(definition.audience, "audience"))
    campaign.exclusions.set(_segments(definition.exclusions, "exclusions"))
    return campaign


def _plan_columns(plan: Definition | Adoption) -> dict[str, object]:
    currency = settings.PUSULA.currency
    return {
        "key": plan.campaign,
        "title": plan.title,
        "goal": plan.goal,
        "channel": plan.channel,
        "purpose": plan.purpose,
        "is_commercial": plan.message_class == "commercial",
        "holdout_share": float(plan.holdout),
        "window_days": plan.window_days,
        "conversion_event": plan.conversion_event,
        "currency": currency,
        "message_cost_minor": (
            None if plan.cost.message is None else _cost("message", plan.cost.message)
        ),
        "fixed_cost_minor": _cost("fixed", plan.cost.fixed),
        "margin": float(plan.margin),
    }


def _cost(field: str, amount: Decimal) -> int:
    currency = settings.PUSULA.currency
    minor = money.to_minor(amount, currency)
    if money.from_minor(minor, currency) != amount:
        raise DefinitionError(
            _(
                "cost.%(field)s: %(currency)s has no amount as small as %(amount)s; "
                "give the cost of all messages as fixed"
            )
            % {"field": field, "currency": currency, "amount": amount}
        )
    return minor


def _template(definition: Definition, at: int) -> Template:
    given = definition.template
    if isinstance(given, str):
        template = templates.usable().filter(name=given, channel=definition.channel).first()
        if template is None:
            raise DefinitionError(
                _("template: there is no template called %(name)s") % {"name": given}
            )
        return template
    template, _made = Template.objects.update_or_create(
        name=f"{templates.OWN}{definition.campaign}",
        defaults={
            "channel": definition.channel,
            "subject": given.subject,
            "text": given.text,
            "html": given.html,
            "updated_at": at,
        },
    )
    return template


def _segments(keys: Iterable[str], field: str) -> list[Segment]:
    found = {s.key: s for s in Segment.objects.filter(key__in=list(keys), archived_at=None)}
    for key in keys:
        if key not in found:
            raise DefinitionError(
                _("%(field)s: there is no segment called %(key)s") % {"field": field, "key": key}
            )
    return list(found.values())


def _start(campaign: Campaign, at: int, expected_n: int | None, most_n: int | None) -> None:
    template = campaign.template
    items = [*checklist.template(campaign), *checklist.currency(campaign)]
    faults = [one.text for one in items if one.level is checklist.Level.ERROR]
    if template is None or faults:
        raise CampaignError(" ".join(faults))
    contents = templates.freeze(template)
    campaign.content_id = contents[""]
    plan = audience.plan(campaign, at=at, is_binding=True, contents=contents)
    n = plan.n_messages
    if expected_n is not None and n != expected_n:
        raise CampaignError(other_number(n))
    if most_n is not None and n > most_n:
        text = _("%(n)s people would get the message, many more than agreed. Look again.")
        raise CampaignError(text % {"n": words.number(n)})
    if not n:
        raise CampaignError(_("Nobody would get a message: look at the exclusions."))
    _assign(campaign, (_assigned(candidate, at) for candidate in plan.candidates), at)
    campaign.state = machine.SENDING
    campaign.started_at = at
    campaign.window_ends_at = at + campaign.window_days * clock.DAY
    campaign.save(update_fields=["content", "state", "started_at", "window_ends_at"])
    decisions.settle(plan.asked, plan.decisions, at=at)


def other_number(n: int) -> str:
    """Return the sentence for who agreed to another number of people than would get it now."""
    text = _("The number of people has changed: %(n)s would get the message now. Look again.")
    return text % {"n": words.number(n)}


def _assigned(candidate: Candidate, at: int) -> Assigned:
    # Why somebody treated gets nothing stands with the message.
    reason = candidate.reason if candidate.arm is Arm.EXCLUDED else ""
    return Assigned(candidate.profile_id, candidate.arm, at, reason=reason)


def _assign(campaign: Campaign, assigned: Iterable[Assigned], at: int) -> None:
    """Write what was decided about everybody, and whom the campaign chose as a set of profiles."""
    everyone = list(assigned)
    values = (
        (campaign.pk, one.profile_id, str(one.arm), one.variant, one.reason, one.assigned_at)
        for one in everyone
    )
    rows.insert(connection, "campaigns_assignment", _ASSIGNMENT_COLUMNS, values)
    chosen = (one for one in everyone if one.arm is not Arm.EXCLUDED)
    sets.put_campaign(
        campaign.key,
        campaign.title,
        ((one.profile_id, one.variant or str(one.arm)) for one in chosen),
        at=at,
    )


def _is_over(campaign: Campaign, at: int) -> bool:
    if campaign.state == machine.SENDING:
        return queries.is_settled(campaign)
    return campaign.window_ends_at is not None and at >= campaign.window_ends_at
