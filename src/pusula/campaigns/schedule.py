"""Campaigns that begin by themselves, at a moment and for as many people as somebody agreed to."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from pusula.campaigns import actions, checklist, machine
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import Campaign
from pusula.lib import clock
from pusula.lib.errors import PusulaError

FURTHEST = 366 * clock.DAY
# A start that fails (newly imported data has not reached the segments yet) is tried again so long.
PATIENCE = 30 * clock.MINUTE
# Segments move until the start. Beyond this share, and more than a few people, somebody looks.
_GROWTH = 0.25
_FEW = 100


def schedule(campaign: Campaign, starts_at: int, *, agreed_n: int, at: int) -> Campaign:
    """Let a draft begin at ``starts_at``; who gets it is decided then.

    ``agreed_n`` is how many people somebody agreed to send to: where many more would get it by
    then, it does not begin. Raises ``CampaignError`` for a moment that is over or too far, another
    number of people by now, a campaign that has started, and one that could not start as it stands.
    """
    if not at < starts_at <= at + FURTHEST:
        raise CampaignError(_("Choose a moment from now on, within a year."))
    with transaction.atomic():
        current = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if current.state not in {machine.DRAFT, machine.SCHEDULED}:
            raise CampaignError(_("The campaign %(key)s has started.") % {"key": campaign.key})
        found = checklist.preflight(current, at)
        if not found.may_start or found.plan is None:
            raise CampaignError(" ".join(found.errors))
        if found.plan.n_messages != agreed_n:
            raise CampaignError(actions.other_number(found.plan.n_messages))
        current.state = machine.SCHEDULED
        current.starts_at, current.scheduled_at = starts_at, at
        current.agreed_n, current.trouble = agreed_n, ""
        current.save(update_fields=["state", "starts_at", "scheduled_at", "agreed_n", "trouble"])
    campaign.refresh_from_db()
    return campaign


def call_back(campaign: Campaign) -> Campaign:
    """Make a scheduled campaign a draft again; raise ``CampaignError`` if it has started."""
    with transaction.atomic():
        current = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if current.state not in {machine.DRAFT, machine.SCHEDULED}:
            raise CampaignError(_("The campaign %(key)s has started.") % {"key": campaign.key})
        _back_to_draft(current, "")
    campaign.refresh_from_db()
    return campaign


def due(at: int) -> list[Campaign]:
    """Return the campaigns whose moment has come, the longest due first."""
    found = Campaign.objects.filter(state=machine.SCHEDULED, starts_at__lte=at)
    return list(found.order_by("starts_at", "pk"))


def begin(campaign: Campaign, at: int) -> bool:
    """Start a campaign whose moment has come; say whether it was started now.

    What keeps it from starting is tried again for ``PATIENCE``, at most until its messages would be
    worthless. Then it is a draft again and says why: what is late or has changed is for a person
    to decide.
    """
    try:
        with transaction.atomic():
            current = Campaign.objects.select_for_update().get(pk=campaign.pk)
            if not _is_due(current, at):
                return False
            _check_late(current, at)
            _check_same(current)
            actions.start(current, at, most_n=_most(current.agreed_n or 0))
    except PusulaError as error:
        _failed(campaign, error.said(_), at)
        return False
    campaign.refresh_from_db()
    return True


def _is_due(campaign: Campaign, at: int) -> bool:
    return (
        campaign.state == machine.SCHEDULED
        and campaign.starts_at is not None
        and campaign.starts_at <= at
    )


def _check_late(campaign: Campaign, at: int) -> None:
    if _latest(campaign) < at:
        raise CampaignError(
            _("Nothing was running when it was to begin; by now it would be too late.")
        )


def _latest(campaign: Campaign) -> int:
    """Return the moment after which its messages would be worthless."""
    return (campaign.starts_at or 0) + campaign.not_after_hours * clock.HOUR


def _check_same(campaign: Campaign) -> None:
    template = campaign.template
    if template is not None and template.updated_at > (campaign.scheduled_at or 0):
        raise CampaignError(_("Its template was changed after it was scheduled: look at it again."))


def _most(agreed_n: int) -> int:
    return agreed_n + max(int(agreed_n * _GROWTH), _FEW)


def _failed(campaign: Campaign, said: str, at: int) -> None:
    with transaction.atomic():
        current = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if not _is_due(current, at):
            return
        if at >= min((current.starts_at or 0) + PATIENCE, _latest(current)):
            _back_to_draft(current, said)
        else:
            current.trouble = said[:400]
            current.save(update_fields=["trouble"])
    campaign.refresh_from_db()


def _back_to_draft(campaign: Campaign, trouble: str) -> None:
    campaign.state = machine.DRAFT
    campaign.starts_at = campaign.scheduled_at = campaign.agreed_n = None
    campaign.trouble = trouble[:400]
    campaign.save(update_fields=["state", "starts_at", "scheduled_at", "agreed_n", "trouble"])
