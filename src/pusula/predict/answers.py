"""What agents answered to the next best actions that were suggested: written and counted."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.predict.models import Answer, Verdict


class VerdictError(PusulaError):
    """The answer is none of those there are."""

    code = "bad_verdict"


def answer(profile_id: int, suggestion: str, verdict: str, *, by: str, at: int) -> Answer:
    """Write down what ``by`` did with a suggestion; raise ``VerdictError`` for other words."""
    if verdict not in Verdict.values:
        known = ", ".join(Verdict.values)
        raise VerdictError(
            Saying(
                "an answer is one of %(known)s, not %(verdict)r",
                {"known": known, "verdict": verdict},
            )
        )
    return Answer.objects.create(
        profile_id=profile_id,
        suggestion=suggestion,
        verdict=verdict,
        answered_by=by,
        answered_at=at,
    )


def newest(profile_id: int, since_at: int) -> dict[str, Answer]:
    """Return the newest answer of a profile to each suggestion since a moment."""
    held = Answer.objects.filter(profile_id=profile_id, answered_at__gte=since_at)
    return {one.suggestion: one for one in held.order_by("answered_at", "pk")}


def take_back(profile_id: int, suggestion: str, *, by: str) -> bool:
    """Forget the newest answer of ``by`` to a suggestion, where what it led to was undone."""
    held = Answer.objects.filter(profile_id=profile_id, suggestion=suggestion, answered_by=by)
    newest = held.order_by("-answered_at", "-pk").values_list("pk", flat=True).first()
    return bool(newest is not None and held.filter(pk=newest).delete()[0])


@dataclass(frozen=True)
class Tally:
    """How often a suggestion was accepted and declined."""

    suggestion: str
    accepted: int
    declined: int

    @property
    def n(self) -> int:
        """How often it was answered."""
        return self.accepted + self.declined

    @property
    def rate(self) -> float:
        """The share of the answers that accepted it."""
        return self.accepted / self.n if self.n else 0.0


def counts(since_at: int) -> list[Tally]:
    """Return how suggestions were answered since a moment, those answered most often first."""
    held = Answer.objects.filter(answered_at__gte=since_at).order_by().values("suggestion")
    counted = held.annotate(
        accepted=Count("pk", filter=Q(verdict=Verdict.ACCEPTED)),
        declined=Count("pk", filter=Q(verdict=Verdict.DECLINED)),
    )
    found = [Tally(**row) for row in counted]
    return sorted(found, key=lambda one: (-one.n, one.suggestion))
