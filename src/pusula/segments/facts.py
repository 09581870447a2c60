"""The facts about profiles that the kernel asks for, read from their owners as columns."""

from __future__ import annotations

from pusula.consent import relations as consents
from pusula.events import relations as events
from pusula.orders import relations as orders
from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids
from pusula.segments.kernel import Block, Requirements


def block(ids: Ids, needs: Requirements) -> Block:
    """Return the facts about the profiles ``ids`` (ascending) that ``needs`` asks for."""
    nothing = Block(ids)
    return Block(
        profile_ids=ids,
        orders=nothing.orders if needs.orders is None else orders.rows(ids, needs.orders),
        events=events.rows(
            ids, needs.event_names, texts=needs.event_texts, numbers=needs.event_numbers
        ),
        traits=profiles.traits(ids, needs.traits),
        consents=consents.rows(ids) if needs.consents else nothing.consents,
    )
