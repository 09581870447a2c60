"""A journey replayed over stored history, as of each moment, without sending or writing anything.

People are taken block by block, each with its whole history; where the limits part people into
those who come first and those who come too late (budgets), all messages are decided at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pusula.journeys.backtest import letters, lives
from pusula.journeys.backtest.letters import Desk, Letter
from pusula.journeys.backtest.result import WINDOW_DAYS, Result, Tally
from pusula.journeys.backtest.setting import Setting, setting
from pusula.outbox.rules.policy import Policy
from pusula.profiles import relations as profiles
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids

BLOCK = 5_000  # people at a time
Progress = Callable[[int, int], None]  # so many people of so many


def run(
    document: object,
    *,
    since: int,
    until: int,
    progress: Progress | None = None,
    policy: Policy | None = None,
    window_days: int = WINDOW_DAYS,
) -> Result:
    """Return what would have become of a journey from ``since`` to ``until``, both included.

    ``document`` is its definition as read from YAML or the form, or a parsed one. ``policy`` are
    the limits, else those of now. Raises ``DefinitionError`` or ``BacktestError``.
    """
    (found,) = together(
        [("", document)], since=since, until=until, progress=progress, policy=policy,
        window_days=window_days,
    )  # fmt: skip
    return found


def together(
    documents: Sequence[tuple[str, object]],
    *,
    since: int,
    until: int,
    progress: Progress | None = None,
    policy: Policy | None = None,
    window_days: int = WINDOW_DAYS,
) -> list[Result]:
    """Return what would have become of journeys (name, definition) that compete for the limits."""
    asked = setting(documents, since=since, until=until, policy=policy)
    tallies = [Tally(number, asked, window_days) for number in range(len(documents))]
    n_all, n_done = Profile.objects.count(), 0
    kept: list[Letter] = []
    for ids in profiles.blocks(BLOCK):
        told = list(_replay(ids, asked, tallies))
        if asked.policy.budgets:
            kept += told
        else:
            _decide(told, asked, tallies)
        n_done += len(ids)
        if progress is not None:
            progress(n_done, n_all)
    if kept:
        _decide(kept, asked, tallies)
    return [tally.result() for tally in tallies]


def _replay(ids: Ids, asked: Setting, tallies: Sequence[Tally]) -> Iterator[Letter]:
    for number, part in enumerate(asked.parts):
        for life in lives.live(part, ids, asked):
            tallies[number].add_life(life)
            yield from letters.of(number, life)


def _decide(told: list[Letter], asked: Setting, tallies: Sequence[Tally]) -> None:
    letters.address(told, asked)
    people = sorted({one.profile_id for one in told})
    others = list(letters.others(people, asked))
    Desk(asked).decide(told, others)
    for tally in tallies:
        tally.add_letters(told, others)
