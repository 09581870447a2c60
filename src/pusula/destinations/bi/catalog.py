"""The tables of this installation: its traits, models, segments and properties become columns."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Count

from pusula.consent.models import Consent
from pusula.destinations.bi import engagement, facts
from pusula.destinations.bi.master import master_table
from pusula.destinations.bi.pivots import Wanted
from pusula.destinations.bi.tables import Company, Table
from pusula.profiles.models import Trait
from pusula.profiles.queries import score_models, trait_kinds
from pusula.segments import actions, catalog, evaluate, queries
from pusula.segments.language.schema import Kind

NAMES = (
    "master_table", "orders", "order_items", "events", "messages", "receipts", "memberships",
    "consents", "rfm_history", "campaign_assignments", "journey_enrollments",
)  # fmt: skip
# More segments than this are asked of the table of memberships.
MOST_SEGMENTS = 300
# A text that no definition asks for becomes a column if it looks like a category: few different
# values, each of several people. Anything else may be a remark in free text.
_MOST_WORDS = 100
_LEAST_HOLDERS = 5
_WORDS = frozenset((Kind.TEXT, Kind.LIST))


def company() -> Company:
    """Return what the meaning of amounts and wall times depends on."""
    return Company(settings.PUSULA.currency, settings.PUSULA.time_zone)


def tables(*, with_identifiers: bool = False) -> tuple[Table, ...]:
    """Return all tables, the master table first."""
    plan, _errors = evaluate.plan(actions.newest_versions())
    needs = plan.requirements
    return (
        master_table(
            Wanted(
                traits=_traits(set(needs.traits)),
                models=tuple(score_models()),
                segments=tuple(
                    (one.pk, one.key)
                    for one in queries.active().exclude(version=None)[:MOST_SEGMENTS]
                ),
                consents=tuple(
                    Consent.objects.order_by("channel", "purpose")
                    .values_list("channel", "purpose")
                    .distinct()
                ),
                with_identifiers=with_identifiers,
            )
        ),
        facts.orders(with_identifiers=with_identifiers),
        facts.order_items(),
        facts.happened(texts=needs.event_texts, numbers=needs.event_numbers),
        engagement.messages(),
        engagement.receipts(),
        facts.memberships(),
        facts.consents(),
        facts.rfm_history(),
        engagement.campaign_assignments(),
        engagement.journey_enrollments(),
    )


def _traits(asked: set[str]) -> tuple[tuple[str, Kind, bool], ...]:
    """Return the traits that become columns: name, kind, whether Pusula computes it.

    Those that Pusula computes are there before anybody has them. ``asked``: by some definition.
    """
    held = {name: Kind(kind) for name, kind in trait_kinds().items()}
    computed = catalog.COMPUTED_TRAITS
    told = [
        (name, kind, False)
        for name, kind in sorted(held.items())
        if name not in computed and (kind not in _WORDS or name in asked or _is_category(name))
    ]
    return (*((name, Kind(kind), True) for name, kind in computed.items()), *told)


def _is_category(name: str) -> bool:
    held = Trait.objects.filter(name=name)
    words = list(
        held.values_list("text_fold").annotate(n=Count("pk")).order_by()[: _MOST_WORDS + 1]
    )
    return len(words) <= _MOST_WORDS and sum(n for _word, n in words) >= _LEAST_HOLDERS * len(words)
