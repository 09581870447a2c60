"""Rows that others follow in time: A, then B within an hour, then no C for a day.

The rows of all steps are put on one line: sorted by whose they are (and by what must be the same
in a whole sequence), then by time. Walked from the last step to the first, each row of a step
needs only the nearest row behind it from which the rest of the sequence goes on: if that one comes
too late, all do.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass

import numpy as np

from pusula.segments.kernel import days
from pusula.segments.kernel.asked import Asked, Numbers, own
from pusula.segments.kernel.block import Bools, Ints, Positions
from pusula.segments.kernel.columns import Lexicon
from pusula.segments.kernel.measures import Values
from pusula.segments.kernel.rows import Part, Rows, Taking
from pusula.segments.kernel.vocabulary import same_column, step_tests
from pusula.segments.language.nodes import Sequence, SequenceStep, SequenceTest
from pusula.segments.language.schema import Kind

_LARGEST = np.iinfo(np.int64).max
_ANCIENT = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class StepRows:
    """Rows of one step that have a time, and something known where all must be the same.

    ``places`` are their places among the rows that the step was given, ``same`` a number for what
    must be the same.
    """

    places: Positions
    profiles: Positions
    moments: Ints
    same: Ints


@dataclass(frozen=True, slots=True)
class Chains:
    """What became of a sequence.

    ``rows`` are those of each step (of profiles with one of the first), ``steps`` what they come
    to. ``begun`` tells, for each step, which of its rows the steps behind it follow (of a step
    that is absent: all rows). ``nearest`` gives, for each step but the last, the place among the
    rows of the next step of the one with which the sequence goes on (arbitrary where it does not).
    ``open_until`` are whose absences hold so far, and the last moment of each.
    """

    rows: tuple[Rows, ...]
    steps: tuple[StepRows, ...]
    begun: tuple[Bools, ...]
    nearest: tuple[Positions, ...]
    open_until: tuple[Positions, Ints]


def chains(sequence: Sequence, take: Taking, asked: Asked) -> Chains:
    """Return which rows of each step the steps behind it follow.

    Only profiles with a row of the first step are looked at.
    """
    steps = range(len(sequence.steps))
    rows = [
        take(each.relation, each.names, step_tests(sequence, step))
        for step, each in enumerate(sequence.steps)
    ]
    begins = rows[0].counts > 0
    rows[1:] = [Part(rows[step], begins[rows[step].profiles]) for step in steps[1:]]
    same = _same(sequence, rows)
    timed = [_step_rows(sequence.steps[step], rows[step], same[step], asked.tz) for step in steps]
    return _follow(sequence, rows, timed, asked.at)


def _same(sequence: Sequence, rows: Many[Rows]) -> list[Ints]:
    """Return for the rows of each step a number for what must be the same, -1 if missing."""
    column = same_column(sequence)
    if column is None:
        return [np.zeros(len(each.profiles), np.int64) for each in rows]
    return _same_texts([each.lexicon(column) for each in rows])


def _same_texts(lexicons: Many[Lexicon]) -> list[Ints]:
    """Return the places of texts among those of all steps."""
    if all(each.words is lexicons[0].words for each in lexicons):
        return [each.places for each in lexicons]
    place_of: dict[str, int] = {}
    found = []
    for each in lexicons:
        words = [place_of.setdefault(word, len(place_of)) for word in each.words.to_pylist()]
        found.append(np.array([*words, -1], np.int64)[each.places])
    return found


def _step_rows(step: SequenceStep, rows: Rows, same: Ints, tz: str) -> StepRows:
    """Return the rows of ``step``; ``same`` is -1 where what must be the same is missing."""
    times = rows.vector(step.by)
    known = times.known & (same >= 0)
    moments = (
        days.begins(times.values[known], tz) if times.kind is Kind.DAY else times.values[known]
    )
    return StepRows(
        places=np.flatnonzero(known),
        profiles=rows.profiles[known],
        moments=moments.astype(np.int64),
        same=same[known],
    )


def _follow(
    sequence: Sequence, given: Many[Rows], steps: Many[StepRows], asked_at: Numbers
) -> Chains:
    """Return which rows of each step the steps behind it follow, asked at ``asked_at``."""
    line = _Line(steps)
    begun = [np.ones(len(rows.places), np.bool_) for rows in steps]
    nearest: list[Positions] = []
    open_until = (np.empty(0, np.intp), np.empty(0, np.int64))
    for k in range(len(steps) - 2, -1, -1):
        rows, step = steps[k], sequence.steps[k + 1]
        found, comes = line.nearest(k, begun[k + 1], step.within)
        nearest.insert(0, found)
        if not step.is_absent:
            begun[k] = comes
        elif step.within is None:  # up to now
            begun[k] = ~comes
        else:
            at = own(asked_at, rows.profiles)
            is_over = rows.moments < at - step.within
            begun[k] = ~comes & is_over
            waits = ~comes & ~is_over
            open_until = (rows.profiles[waits], rows.moments[waits] + step.within)
    return Chains(tuple(given), tuple(steps), tuple(begun), tuple(nearest), open_until)


def started(test: SequenceTest, chains: Chains, n_profiles: int) -> Values:
    """Return how many sequences began, or when the latest did, for each profile."""
    rows, begun = chains.steps[0], chains.begun[0]
    profiles = rows.profiles[begun]
    counts = np.bincount(profiles, minlength=n_profiles)
    has_rows = counts > 0
    if test.measure == "count":
        return Values(Kind.NUMBER, counts, np.ones(n_profiles, np.bool_), has_rows)
    latest = np.full(n_profiles, _ANCIENT)
    np.maximum.at(latest, profiles, rows.moments[begun])
    return Values(Kind.MOMENT, np.where(has_rows, latest, 0), has_rows, has_rows)


class _Line:
    """The rows of all steps by whose they are, then by time; rows at one time are one instant."""

    def __init__(self, steps: Many[StepRows]) -> None:
        moments = np.concatenate([rows.moments for rows in steps])
        whose = _whose(steps)
        order = _instants(whose, moments)
        different, instants = np.unique(order, return_inverse=True)
        self._n = len(different)
        self._whose = np.zeros(self._n, np.int64)
        self._moments = np.zeros(self._n, np.int64)
        self._whose[instants] = whose
        self._moments[instants] = moments
        ends = np.cumsum([len(rows.places) for rows in steps])
        self._instants = np.split(instants, ends[:-1])

    def nearest(self, step: int, goes_on: Bools, within: int | None) -> tuple[Positions, Bools]:
        """Return, for the rows of ``step``, the nearest row of the next step strictly behind.

        Only rows that ``goes_on`` count. With it: where there is one, of the same profile (and
        with the same value), at most ``within`` microseconds later.
        """
        row_at = np.full(self._n + 1, -1, np.intp)
        there = np.flatnonzero(goes_on)
        row_at[self._instants[step + 1][there]] = there
        marked = np.where(row_at[:-1] >= 0, np.arange(self._n), self._n)
        first_from = np.append(np.minimum.accumulate(marked[::-1])[::-1], self._n)
        here = self._instants[step]
        behind = np.append(first_from[1:], self._n)[here]
        comes = behind < self._n
        behind = np.where(comes, behind, 0)
        comes &= self._whose[behind] == self._whose[here]
        if within is not None:
            comes &= self._moments[behind] - self._moments[here] <= within
        return row_at[behind], comes


def _whose(steps: Many[StepRows]) -> Ints:
    """Return a small number for each profile and value that must be the same."""
    profiles = np.concatenate([rows.profiles for rows in steps]).astype(np.int64)
    same = np.concatenate([rows.same for rows in steps])
    if not len(same) or not same.any():
        return profiles
    different = np.unique(same, return_inverse=True)[1]
    return profiles * (int(different.max()) + 1) + different


def _instants(whose: Ints, moments: Ints) -> Ints:
    """Return one number for each row that sorts by ``whose``, then by moment."""
    if not len(moments):
        return moments
    first = int(moments.min())
    span = int(moments.max()) - first + 1
    if (int(whose.max()) + 1) * span <= _LARGEST:
        return whose * span + (moments - first)
    owners = np.unique(whose, return_inverse=True)[1]
    different, ranks = np.unique(moments, return_inverse=True)
    return owners * len(different) + ranks
