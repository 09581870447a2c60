"""The sizes of the groups of a run, counted once when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Sum

from pusula.rfm.models import RfmRun, RfmScore, RfmSize


@dataclass(frozen=True)
class Size:
    """How many a group had, and what their orders came to."""

    n: int
    revenue_minor: int


def keep(run: RfmRun) -> None:
    """Count the groups of ``run`` and keep what was found, in the caller's transaction."""
    RfmSize.objects.bulk_create(
        [RfmSize(run=run, group=group, n=size.n, revenue_minor=size.revenue_minor)
         for group, size in _counted(run).items()],
        ignore_conflicts=True,
    )  # fmt: skip


def sizes(run: RfmRun) -> dict[str, int]:
    """Return how many each group of ``run`` had; empty groups are missing."""
    return {group: size.n for group, size in of_runs([run])[run.pk].items()}


def of_runs(runs: Iterable[RfmRun]) -> dict[int, dict[str, Size]]:
    """Return the sizes of the groups by run; those of a run that kept none are counted now."""
    wanted = {run.pk: run for run in runs}
    found: dict[int, dict[str, Size]] = {number: {} for number in wanted}
    for row in RfmSize.objects.filter(run__in=list(wanted)):
        found[row.run_id][row.group] = Size(row.n, row.revenue_minor)
    for number, run in wanted.items():
        if not found[number] and run.n_profiles:
            found[number] = _counted(run)
    return found


def _counted(run: RfmRun) -> dict[str, Size]:
    rows = (
        RfmScore.objects.filter(run=run)
        .values("group")
        .annotate(n=Count("pk"), revenue=Sum("monetary_minor"))
    )
    return {row["group"]: Size(row["n"], int(row["revenue"])) for row in rows}
