"""RFM runs made up for tests: who was in which group, month by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pusula.profiles.models import Profile
from pusula.rfm import config as rules
from pusula.rfm import figures
from pusula.rfm.models import RfmRun, RfmScore
from pusula.rfm.rules import Config

GROUPS = list(Config().named_groups)
EDGES = {"recency": [30, 90, 180, 270], "frequency": [], "monetary": []}


def people(n: int) -> list[Profile]:
    """Return ``n`` new customers."""
    return [Profile.objects.create(created_at=0, recorded_at=0) for _ in range(n)]


def run(
    day: date,
    groups: Mapping[Profile, str],
    *,
    key: str | None = None,
    edges: Mapping[str, Sequence[float]] | None = None,
    is_counted: bool = True,
) -> RfmRun:
    """Keep a run in which everybody was in their group; whoever is first spent most."""
    made = RfmRun.objects.create(
        as_of_on=day,
        config=rules.as_json(Config()),
        config_key=key or rules.key(Config()),
        groups=GROUPS,
        edges=edges or {},
        n_profiles=len(groups),
        currency="TRY",
        created_at=RfmRun.objects.count(),
    )
    RfmScore.objects.bulk_create(
        RfmScore(
            run=made, profile=profile, recency_days=1, frequency=1,
            monetary_minor=100 * (len(groups) - place), r=5, f=4, m=3, group=group,
        )
        for place, (profile, group) in enumerate(groups.items())
    )  # fmt: skip
    if is_counted:
        figures.keep(made)
    return made
