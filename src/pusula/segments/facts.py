"""The facts about profiles that the kernel asks for, read from their owners as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pusula.consent import relations as consents
from pusula.events import relations as events
from pusula.lake import as_of as clocks
from pusula.lake.as_of import AsOf, Span
from pusula.orders import relations as orders
from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids
from pusula.segments import relations as segments
from pusula.segments.kernel import Block, Requirements


def block(ids: Ids, needs: Requirements, as_of: AsOf | None = None) -> Block:
    """Return the facts about the profiles ``ids`` (ascending) that ``needs`` asks for.

    The present ones; or those ``as_of`` a moment, about the profiles that existed.
    """
    if as_of is not None:
        return during(ids, needs, Span.at(as_of)).at(as_of.at)
    nothing = Block(ids)
    return Block(
        profile_ids=ids,
        orders=nothing.orders if needs.orders is None else orders.rows(ids, needs.orders),
        events=events.rows(
            ids, needs.event_names, texts=needs.event_texts, numbers=needs.event_numbers
        ),
        traits=profiles.traits(ids, needs.traits),
        consents=consents.rows(ids) if needs.consents else nothing.consents,
        items=nothing.items if needs.items is None else orders.items(ids, needs.items),
        reach=consents.reach(ids, needs.reach),
        scores=profiles.scores(ids, needs.scores),
        sets=segments.sets(ids, needs.sets),
        created=profiles.created(ids) if needs.created else nothing.created,
    )


@dataclass(frozen=True)
class History:
    """The facts about profiles at all moments of a span, each version with when it held.

    ``since`` is, for each profile of ``facts``, the moment from which on it exists. Whom a message
    would have reached is looked up for each moment: it depends on what others decided too.
    """

    facts: Block
    since: Ids
    known_at: int | None
    reach: Sequence[tuple[str, str]]

    def at(self, moment: int) -> Block:
        """Return the facts at ``moment`` about the profiles that existed."""
        held = self.facts
        ids = held.profile_ids[self.since <= moment]
        known_at = moment if self.known_at is None else self.known_at
        return replace(
            held,
            profile_ids=ids,
            reach=consents.reach(ids, self.reach, AsOf(moment, known_at)),
            orders=clocks.at(held.orders, moment),
            events=clocks.at(held.events, moment),
            traits=clocks.at(held.traits, moment),
            consents=clocks.at(held.consents, moment),
            items=clocks.at(held.items, moment),
            scores=clocks.at(held.scores, moment),
            sets=clocks.at(held.sets, moment),
        )


def during(ids: Ids, needs: Requirements, span: Span) -> History:
    """Return the facts about the profiles ``ids`` (ascending) at all moments of ``span``."""
    ids, since = _existing(ids, span)
    nothing = Block(ids)
    facts = Block(
        profile_ids=ids,
        orders=nothing.orders
        if needs.orders is None
        else clocks.encoded(orders.rows_during(ids, needs.orders, span)),
        events=events.rows(
            ids,
            needs.event_names,
            texts=needs.event_texts,
            numbers=needs.event_numbers,
            span=span,
        ),
        traits=profiles.traits_during(ids, needs.traits, span),
        consents=consents.rows_during(ids, span) if needs.consents else nothing.consents,
        items=nothing.items
        if needs.items is None
        else clocks.encoded(orders.items_during(ids, needs.items, span)),
        scores=profiles.scores_during(ids, needs.scores, span),
        sets=segments.sets_since(ids, needs.sets),
        created=profiles.created(ids) if needs.created else nothing.created,
    )
    return History(facts, since, span.known_at, needs.reach)


def _existing(ids: Ids, span: Span) -> tuple[Ids, npt.NDArray[np.int64]]:
    """Return who of ``ids`` is known, and since when each exists.

    Somebody exists from the first trace of them: when they came as a system tells, their first
    order or event, at the latest their record. With what was known at each moment only the record
    counts: before it nobody had heard of them.
    """
    ids, since = profiles.met(ids, span)
    late = since > span.first_at
    if span.known_at is None or not late.any():
        return ids, since
    since = since.copy()
    for relation in (orders, events):
        owners, first = relation.earliest(ids[late], span.known_at)
        places = np.searchsorted(ids, owners)
        since[places] = np.minimum(since[places], first + 1)
    return ids, since
