"""The next best action for one customer: the first rule that holds, may be said, and is not tired.

The rules are data, in ``suggestions.yaml``. Nothing is sent from here: an agent reads a suggestion,
does it or not, and answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.outbox import known, policies, zones
from pusula.outbox.candidates import SKIP
from pusula.outbox.reach import reach
from pusula.outbox.rules.weigh import Asked, Scales
from pusula.predict import answers, recommendations
from pusula.predict.models import Recommendation
from pusula.profiles import objections
from pusula.segments import card
from pusula.segments.card import Book, Fact

BOOK = Book("pusula.outbox", "suggestions.yaml", "suggestion")
PURPOSE = "marketing"
_OPEN_FOR = clock.HOUR  # an agent who reads it now says it within that


class NoSuggestionError(PusulaError):
    """No rule is called so."""

    code = "no_suggestion"


@dataclass(frozen=True)
class Rule:
    """What a rule says beside its condition; ``title`` by language."""

    key: str
    title: Mapping[str, str]
    channels: tuple[str, ...]
    rest_days: int
    thing: str = ""


@dataclass(frozen=True)
class Suggestion:
    """What to do next: the rule, the fact behind it, and on which channel it may be said.

    An empty channel: when the customer begins the conversation. ``thing``: what to recommend.
    """

    rule: Rule
    fact: Fact
    channel: str = ""
    thing: Recommendation | None = None


def rules() -> Mapping[str, Rule]:
    """Return the rules by their keys, in the order in which they are tried."""
    return MappingProxyType(
        {one["suggestion"]: _rule(one) for one in card.documents(settings.PUSULA.currency, BOOK)}
    )


def suggestion_for(profile_id: int, *, at: int) -> Suggestion | None:
    """Return the next best action for a profile at a moment, if anything is sensible.

    Nothing to those who object to profiling. Of what is said to them on our own account nothing to
    those in the control group of all messages, without consent, in quiet hours, or beyond a cap.
    """
    if objections.objectors([profile_id]):
        return None
    book = rules()
    tired = _tired(profile_id, book, at)
    held = [
        fact
        for fact in card.facts_of(profile_id, at=at, book=BOOK)
        if fact.definition.key not in tired
    ]
    if not held:
        return None
    return next(_sensible(profile_id, held, book, at), None)


def answer(profile_id: int, key: str, verdict: str, *, by: str, at: int) -> bool:
    """Write down what ``by`` did with a suggestion; the same form sent twice counts once.

    Raises ``NoSuggestionError`` for a rule that is not there, ``VerdictError`` for other words.
    """
    book = rules()
    if key not in book:
        raise NoSuggestionError(_("There is no such suggestion any more: open the card again."))
    if key in _tired(profile_id, book, at):
        return False
    answers.answer(profile_id, key, verdict, by=by, at=at)
    return True


def _rule(document: Mapping[str, Any]) -> Rule:
    return Rule(
        key=document["suggestion"],
        title=document["title"],
        channels=tuple(document["channels"]),
        rest_days=document["rest"],
        thing=document.get("thing", ""),
    )


def _tired(profile_id: int, book: Mapping[str, Rule], at: int) -> set[str]:
    """Return the rules that were answered so lately that they are not suggested again."""
    longest = max(rule.rest_days for rule in book.values()) * clock.DAY
    return {
        key
        for key, answer in answers.newest(profile_id, at - longest).items()
        if key in book and answer.answered_at > at - book[key].rest_days * clock.DAY
    }


def _sensible(
    profile_id: int, held: Sequence[Fact], book: Mapping[str, Rule], at: int
) -> Iterator[Suggestion]:
    """Yield those that have a thing to recommend if they need one, and may be said."""
    lists = recommendations.of_profile(profile_id)
    open_channels: dict[str, bool] = {}
    for fact in held:
        rule = book[fact.definition.key]
        thing = next(iter(lists.get(rule.thing, ())), None) if rule.thing else None
        if rule.thing and (thing is None or not thing.reason_name):
            continue
        if not rule.channels:
            yield Suggestion(rule, fact, thing=thing)
            continue
        for channel in rule.channels:
            if channel not in open_channels:
                open_channels[channel] = is_open(profile_id, channel, at=at)
            if open_channels[channel]:
                yield Suggestion(rule, fact, channel, thing)
                break


def is_open(profile_id: int, channel: str, *, at: int) -> bool:
    """Say whether something commercial may be said to a profile on a channel now."""
    reached = reach([profile_id], channel=channel, purpose=PURPOSE, is_commercial=True, at=at)
    return not reached[profile_id].reason and _may_be_said(profile_id, channel, at)


def _may_be_said(profile_id: int, channel: str, at: int) -> bool:
    """Weigh it as a message: control group of all messages, quiet hours, caps."""
    limits = policies.current().policy
    scales = Scales(limits, zone=settings.PUSULA.time_zone, with_budgets=False)
    for owner, entry in known.counting([profile_id], memory=limits.memory, at=at):
        scales.ledger.add(owner, entry)
    asked = Asked(
        key="suggestion", profile_id=profile_id, channel=channel, due_at=at,
        not_after_at=at + _OPEN_FOR, zone=zones.of([profile_id])[profile_id], in_quiet_hours=SKIP,
    )  # fmt: skip
    weighed = scales.weigh(asked)
    return not weighed.reason and not weighed.displaced
