"""The next best action as the card of a customer shows it, and how agents answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pusula.lib import clock
from pusula.orders.models import Order
from pusula.outbox import suggesting
from pusula.outbox.suggesting import Rule
from pusula.predict import answers
from pusula.predict.answers import Tally
from pusula.segments import spoken
from pusula.web import facts, formats, titles
from pusula.web.facts import Fact

_COUNTED = 90 * clock.DAY


@dataclass(frozen=True)
class Shown:
    """A suggestion in the language of the page; ``fact`` has its reason and the rows behind it.

    ``tally``: how agents answered it of late, if anybody did.
    """

    key: str
    title: str
    fact: Fact
    channel: tuple[str, str] | None  # icon and title
    tally: Tally | None


def for_card(profile_id: int, made: Sequence[Order]) -> Shown | None:
    """Return what to do next for a customer whose orders are ``made``, if anything."""
    at = clock.now()
    found = suggesting.suggestion_for(profile_id, at=at)
    if found is None:
        return None
    thing = found.thing
    words = {
        "thing": thing.name if thing else formats.NOTHING,
        "because": thing.reason_name if thing else formats.NOTHING,
    }
    (fact,) = facts.tell(profile_id, [found.fact], made, at=at, words=words)
    counted = {one.suggestion: one for one in answers.counts(at - _COUNTED)}
    return Shown(
        key=found.rule.key,
        title=_title(found.rule, words),
        fact=fact,
        channel=titles.channel(found.channel) if found.channel else None,
        tally=counted.get(found.rule.key),
    )


def answered(counts: Iterable[Tally]) -> list[tuple[str, Tally]]:
    """Return the title of each suggestion that was answered, and how often."""
    known = suggesting.rules()
    words = {"thing": "…", "because": "…"}
    return [
        (_title(known[one.suggestion], words) if one.suggestion in known else one.suggestion, one)
        for one in counts
    ]


def _title(rule: Rule, words: Mapping[str, str]) -> str:
    return rule.title[spoken.language()].format(**words)
