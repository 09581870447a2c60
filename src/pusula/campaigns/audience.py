"""Who would get a campaign: every candidate of its segments, and what speaks against each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _

from pusula.campaigns import holdout, templates
from pusula.campaigns.errors import SegmentNotReadyError
from pusula.campaigns.models import Arm, Campaign
from pusula.lake import rows
from pusula.lib import clock, sayings
from pusula.outbox import candidates as outbox
from pusula.outbox import decisions, policies
from pusula.outbox.candidates import Decision, Way
from pusula.outbox.reach import first_of_each, reach
from pusula.outbox.reasons import Reason
from pusula.outbox.ways import Chosen
from pusula.profiles.objections import objectors
from pusula.profiles.relations import Ids
from pusula.segments import queries as segments
from pusula.segments.models import Segment

SEGMENT = "segment:"  # a reason like those of the outbox, followed by the key of the exclusion


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a campaign decides about one profile.

    ``reason`` says why somebody is excluded, or was to be treated and gets no message after all;
    ``address`` is where the message goes.
    """

    profile_id: int
    arm: Arm
    reason: str = ""
    address: str = ""


@dataclass(frozen=True)
class Plan:
    """What a campaign decides about all its candidates, ascending by profile id."""

    candidates: tuple[Candidate, ...]
    # The messages to those treated, and what was decided about each.
    asked: tuple[outbox.Candidate, ...] = ()
    decisions: tuple[Decision, ...] = ()

    def of(self, arm: Arm) -> Iterator[Candidate]:
        """Yield the candidates of one arm."""
        return (candidate for candidate in self.candidates if candidate.arm == arm)

    @property
    def n_messages(self) -> int:
        """How many people get a message."""
        return sum(not candidate.reason for candidate in self.of(Arm.TREATED))

    def sizes(self) -> dict[Arm, int]:
        """Return how many candidates each arm has."""
        counts = Counter(candidate.arm for candidate in self.candidates)
        return {arm: counts[arm] for arm in Arm}

    def reasons(self) -> dict[str, int]:
        """Return how many get no message for each reason, most first; without the holdout."""
        return dict(Counter(c.reason for c in self.candidates if c.reason).most_common())


def plan(
    campaign: Campaign,
    *,
    at: int | None = None,
    is_binding: bool = False,
    contents: Mapping[str, int] | None = None,
) -> Plan:
    """Return who would be treated, held out and excluded if the campaign started at ``at``.

    1. Exclusions, objections, and what speaks against reaching somebody. 2. Of those who may be
    one person, one. 3. The limits of the decision layer, as if there were room in every hour: they
    bind treated and holdout alike. 4. The draw of the holdout. 5. For those treated, the budgets.

    With ``is_binding`` in a transaction, nobody decides about these people before it ends.
    ``contents`` are what the messages say, by language. Raises ``SegmentNotReadyError`` rather than
    guessing who is in a segment.
    """
    at = clock.now() if at is None else at
    ids = _members(campaign)
    if is_binding:
        decisions.lock(ids.tolist())
    reasons = _excluded(ids, campaign)
    chosen = _reached(ids, campaign, reasons, at)
    if contents and len(contents) > 1:
        chosen = _in_their_language(chosen, contents)
    eligible = [_candidate(campaign, i, one.way, at) for i, one in chosen.items()]
    ways = {one.dedupe_key: chosen[one.profile_id] for one in eligible}
    treated: list[outbox.Candidate] = []
    found: list[Decision] = []
    held_out: set[int] = set()
    foreseen = decisions.foresee(eligible, at=at, chosen=ways, with_budgets=False)
    for one, decision in zip(eligible, foreseen, strict=True):
        if decision.reason:
            reasons[one.profile_id] = decision.reason
        elif holdout.is_held_out(campaign.key, one.profile_id, campaign.holdout_share):
            held_out.add(one.profile_id)
        else:
            treated.append(one)
            found.append(decision)
    if policies.current().policy.budgets_of(campaign.channel):
        found = decisions.foresee(treated, at=at, chosen=ways)
    decided = {decision.profile_id: decision for decision in found}
    return Plan(
        tuple(_decided(i, reasons, held_out, decided) for i in ids.tolist()),
        tuple(treated),
        tuple(found),
    )


def _members(campaign: Campaign) -> Ids:
    """Return who is in the audience; raise where a segment cannot be trusted."""
    audience = list(campaign.audience.order_by("key"))
    for segment in [*audience, *campaign.exclusions.order_by("key")]:
        if trouble := trouble_with(segment):
            raise SegmentNotReadyError(trouble)
    members = [segments.member_ids(segment) for segment in audience]
    return np.unique(np.concatenate(members)) if members else np.empty(0, np.int64)


def _excluded(ids: Ids, campaign: Campaign) -> dict[int, str]:
    """Return whom the campaign itself leaves out, and why."""
    reasons = _excluded_by_segment(ids, list(campaign.exclusions.order_by("key")))
    if campaign.is_commercial:  # what tells of a booking is no profiling
        for profile_id in objectors(ids.tolist()):
            reasons.setdefault(profile_id, Reason.OBJECTED.value)
    return reasons


def _reached(ids: Ids, campaign: Campaign, reasons: dict[int, str], at: int) -> dict[int, Chosen]:
    """Return how each profile not excluded is reached; give the others their reason.

    Profiles that share any address may be one person, and get one message: the profile known
    longest stands for all of them, in whichever arm it comes.
    """
    left = [profile_id for profile_id in ids.tolist() if profile_id not in reasons]
    reached = reach(
        left, channel=campaign.channel, purpose=campaign.purpose,
        is_commercial=campaign.is_commercial, at=at,
    )  # fmt: skip
    reasons.update((i, found.reason) for i, found in reached.items() if found.reason)
    open_ = {profile_id: found for profile_id, found in reached.items() if not found.reason}
    first = first_of_each({profile_id: found.known for profile_id, found in open_.items()})
    reasons.update(dict.fromkeys(open_.keys() - first, Reason.DUPLICATE_ADDRESS.value))
    way = Way(campaign.channel, campaign.content_id or 0)
    return {i: Chosen(way, found) for i, found in open_.items() if i in first}


def _in_their_language(
    chosen: Mapping[int, Chosen], contents: Mapping[str, int]
) -> dict[int, Chosen]:
    """Return how each is reached, with the content in the language they read."""
    read: dict[int, str] = {}
    for part in rows.parts(sorted(chosen)):
        read |= templates.languages_of(part)
    return {
        i: Chosen(
            Way(one.way.channel, contents[templates.for_language(contents, read.get(i, ""))]),
            one.reached,
        )
        for i, one in chosen.items()
    }


def _candidate(campaign: Campaign, profile_id: int, way: Way, at: int) -> outbox.Candidate:
    return outbox.Candidate(
        dedupe_key=f"{campaign.origin}:{profile_id}",
        origin=campaign.origin,
        profile_id=profile_id,
        ways=(way,),
        purpose=campaign.purpose,
        is_commercial=campaign.is_commercial,
        priority=campaign.priority,
        due_at=at,
        not_after_at=at + campaign.not_after_hours * clock.HOUR,
        in_quiet_hours=outbox.SKIP if campaign.in_quiet_hours == outbox.SKIP else outbox.WAIT,
    )


def trouble_with(segment: Segment) -> str:
    """Return why the members of ``segment`` cannot be trusted now; empty if they can."""
    values = {"segment": segment.key}
    if segment.archived_at is not None:
        return _("The segment %(segment)s is archived: choose another one.") % values
    if segment.version is None or segment.evaluated_at is None:
        return (
            _("The segment %(segment)s has not been evaluated yet: run `pusula run` first.")
            % values
        )
    if segment.stale_since_at is not None:
        values["error"] = sayings.told(segment.error, _)
        return (
            _("The segment %(segment)s is out of date: mend it and run `pusula run`. %(error)s")
            % values
        ).strip()
    if segments.debts():
        return _("Newly imported data has not reached the segments yet: run `pusula run` first.")
    if segments.has_newer_version(segment):
        return (
            _("The segment %(segment)s was changed and not evaluated since: run `pusula run`.")
            % values
        )
    return ""


def _excluded_by_segment(ids: Ids, exclusions: list[Segment]) -> dict[int, str]:
    """Return reasons by profile; the first exclusion by key names it."""
    reasons: dict[int, str] = {}
    for segment in exclusions:
        for profile_id in np.intersect1d(ids, segments.member_ids(segment)).tolist():
            reasons.setdefault(profile_id, f"{SEGMENT}{segment.key}")
    return reasons


def _decided(
    profile_id: int,
    reasons: dict[int, str],
    held_out: set[int],
    decided: dict[int, Decision],
) -> Candidate:
    if profile_id in reasons:
        return Candidate(profile_id, Arm.EXCLUDED, reasons[profile_id])
    if profile_id in held_out:
        return Candidate(profile_id, Arm.HOLDOUT)
    decision = decided[profile_id]
    return Candidate(profile_id, Arm.TREATED, decision.reason, decision.address)
