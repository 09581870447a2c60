"""Reads of campaigns: their list, who was assigned to what and why, how far sending came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from pusula.campaigns import machine
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import Arm, Assignment, Campaign
from pusula.content.template import Rendered
from pusula.outbox import letters, variables
from pusula.outbox import machine as messages
from pusula.outbox import queries as outbox
from pusula.outbox.models import Message
from pusula.profiles.models import Profile


@dataclass(frozen=True)
class Progress:
    """How many messages of a campaign are in each state, and why those not sent were not."""

    states: dict[str, int]
    reasons: dict[tuple[str, str], int]  # (state, reason) -> messages

    @property
    def n_messages(self) -> int:
        """All messages the campaign reserved."""
        return sum(self.states.values())

    @property
    def n_settled(self) -> int:
        """Those that reached a final state."""
        return sum(self.states[state] for state in messages.FINAL)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do."""
        return self.n_settled == self.n_messages


@dataclass(frozen=True)
class Unsent:
    """How many profiles got nothing for one reason; ``state`` is that of the message, if any."""

    state: str
    reason: str
    n: int


def campaigns() -> QuerySet[Campaign]:
    """Return all campaigns, the newest first."""
    return Campaign.objects.order_by("-created_at", "-pk")


def unfinished() -> QuerySet[Campaign]:
    """Return the campaigns that have started and are still sent or measured."""
    return Campaign.objects.filter(state__in=(machine.SENDING, machine.RUNNING)).order_by("pk")


def by_key(key: str) -> Campaign | None:
    """Return the campaign called ``key``, if there is one."""
    return Campaign.objects.filter(key=key).first()


def arm_sizes(campaign: Campaign) -> dict[str, int]:
    """Return how many profiles were treated, held out and excluded."""
    rows = Assignment.objects.filter(campaign=campaign).values_list("arm").annotate(Count("pk"))
    found = dict(rows)
    return {arm.value: found.get(arm.value, 0) for arm in Arm}


def exclusions(campaign: Campaign) -> dict[str, int]:
    """Return how many were excluded for each reason, most first."""
    rows = Assignment.objects.filter(campaign=campaign, arm=Arm.EXCLUDED)
    return dict(rows.values_list("reason").annotate(n=Count("pk")).order_by("-n", "reason"))


def progress(campaign: Campaign) -> Progress:
    """Return how far the messages of a campaign came."""
    states = dict.fromkeys(messages.STATES, 0)
    reasons: dict[tuple[str, str], int] = {}
    for found in outbox.counts(campaign.origin):
        states[found.state] += found.n
        if found.state in messages.FINAL and found.state != messages.SENT:
            reasons[found.state, found.reason] = found.n
    return Progress(states, reasons)


def unsent(campaign: Campaign) -> list[Unsent]:
    """Return why profiles got no message: excluded, held out, or stopped on the way."""
    found = [Unsent("", reason, n) for reason, n in exclusions(campaign).items()]
    if held := arm_sizes(campaign)[Arm.HOLDOUT]:
        found.append(Unsent("", Arm.HOLDOUT, held))
    stopped = progress(campaign).reasons.items()
    return found + [Unsent(state, reason, n) for (state, reason), n in stopped]


def preview(campaign: Campaign, profile_id: int) -> Rendered:
    """Return what the profile gets, or would get, with links that change nothing.

    Raises ``TemplateError`` and ``RenderError``.
    """
    said = campaign.content or campaign.template
    if said is None:
        raise CampaignError(_("There is no template yet."))
    return letters.preview(said.subject, said.text, said.html, profile_id)


def sample_values(profile_id: int, at: int) -> list[tuple[str, Any]]:
    """Return every variable a template may use, dotted, with its value for the profile."""
    found = variables.values([profile_id], at=at).get(profile_id, {})
    rows: list[tuple[str, Any]] = []
    for name, value in found.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}.{part}", inner) for part, inner in value.items()]
        else:
            rows.append((name, value))
    return rows


def all_arm_sizes(only: Campaign | None = None) -> dict[int, dict[str, int]]:
    """Return how many profiles were treated, held out and excluded, by campaign."""
    found: dict[int, dict[str, int]] = {}
    among = Assignment.objects.all() if only is None else only.assignments.all()
    rows = among.values_list("campaign_id", "arm").annotate(n=Count("pk"))
    for campaign_id, arm, n in rows:
        found.setdefault(campaign_id, dict.fromkeys(Arm.values, 0))[arm] = n
    return found


def unsent_people(campaign: Campaign, state: str, reason: str) -> QuerySet[Profile]:
    """Return the profiles behind one ``Unsent``: of a message's state, or never given one."""
    if state:
        stopped = Message.objects.filter(origin=campaign.origin, state=state, reason=reason)
        return Profile.objects.filter(pk__in=stopped.values("profile_id"))
    decided = Assignment.objects.filter(campaign=campaign)
    if reason == Arm.HOLDOUT:
        kept_out = decided.filter(arm=Arm.HOLDOUT)
    else:
        kept_out = decided.filter(arm=Arm.EXCLUDED, reason=reason)
    return Profile.objects.filter(pk__in=kept_out.values("profile_id"))


def assignments_of(profile_id: int) -> QuerySet[Assignment]:
    """Return what campaigns decided about a profile, the newest first."""
    decided = Assignment.objects.filter(profile_id=profile_id).select_related("campaign")
    return decided.order_by("-assigned_at", "-pk")


def is_settled(campaign: Campaign) -> bool:
    """Return whether there is a message for everybody treated, and each in its final state.

    They are counted, not matched: when two people part, a message goes with its address.
    """
    if not outbox.is_settled(campaign.origin):
        return False
    treated = Assignment.objects.filter(campaign=campaign, arm=Arm.TREATED)
    return Message.objects.filter(origin=campaign.origin).count() >= treated.count()


def standing(campaign: Campaign, at: int) -> str:
    """Return the state a campaign has come to by ``at``, written down or not yet."""
    state: str = campaign.state
    if state == machine.SENDING and is_settled(campaign):
        state = machine.RUNNING
    is_over = campaign.window_ends_at is not None and at >= campaign.window_ends_at
    return machine.FINISHED if state == machine.RUNNING and is_over else state


def users_of(keys: Iterable[str]) -> dict[str, list[Campaign]]:
    """Return the campaigns not yet over that speak to, or leave out, each of the segments."""
    found: dict[str, list[Campaign]] = {key: [] for key in keys}
    going = Campaign.objects.exclude(state=machine.FINISHED).order_by("key")
    for campaign in going.prefetch_related("audience", "exclusions"):
        spoken_of = {*campaign.audience.all(), *campaign.exclusions.all()}
        for segment in spoken_of:
            if segment.key in found:
                found[segment.key].append(campaign)
    return found
