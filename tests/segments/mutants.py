"""The kernel broken on purpose, one mistake at a time: what the agreement tests must notice.

A mistake is a change of the kernel's source (or of what it calls), made in a copy of its package.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from pusula.segments import kernel

_SOURCE = Path(kernel.__file__).parent
_NAME = "pusula.segments.kernel"


@dataclass(frozen=True)
class Mutant:
    """A mistake: in ``file`` of the kernel, ``right`` (there exactly once) became ``wrong``.

    It shows in definitions that have the word ``focus``.
    """

    name: str
    file: str
    right: str
    wrong: str
    focus: str = ""


MUTANTS = (
    Mutant(
        "a window takes its end",
        "holds.py",
        "within: Bools = vector.values < end\n",
        "within: Bools = vector.values <= end\n",
    ),
    Mutant(
        "a window leaves its start",
        "holds.py",
        "within &= vector.values >= start\n",
        "within &= vector.values > start\n",
    ),
    Mutant(
        "a missing value compares like any other",
        "holds.py",
        "    return stands & vector.known\n",
        "    return stands\n",
    ),
    Mutant(
        "amounts compare in lira with sums in kuruş",
        "holds.py",
        "return value.minor if",
        "return value.minor // 100 if",
    ),
    Mutant(
        "of rows at the same time the first has the largest value",
        "measures.py",
        "values, has_value = extreme(known(at_end, column), pick)",
        "values, has_value = extreme(known(at_end, column), _OTHER[pick])",
        "amount",
    ),
    Mutant(
        "the last text is the first in order of code points",
        "measures.py",
        "values, has_value = extreme(mine, pick)",
        "values, has_value = extreme(mine, _OTHER[pick])",
        "region",
    ),
    Mutant(
        "January belongs to a winter of its own",
        "measures.py",
        "years - (month <= season.last)",
        "years",
        "seasons",
    ),
    Mutant("a week begins on Sunday", "days.py", "_MONDAY = 3", "_MONDAY = 4", "week"),
    Mutant(
        "rows count before their time",
        "rows.py",
        "if times.values.max() < least(at):",
        "if times.values.max() < least(at) or True:",
    ),
    Mutant(
        "calendar units begin in UTC",
        "asked.py",
        "return point.moment(at, self.tz)",
        'return point.moment(at, "UTC")',
    ),
    Mutant(
        "the day of a moment is that of UTC",
        "days.py",
        "found: Ints = walls(moments, tz) // clock.DAY",
        "found: Ints = moments // clock.DAY",
        "days",
    ),
    Mutant(
        "a cancelled order is a first order",
        "run.py",
        "stands = ~holds(DEAD, orders.vector(ORDER_STATUS), self.asked)",
        "stands = np.ones(len(orders.profiles), np.bool_)",
        "first_order",
    ),
    Mutant(
        "the usual gap counts rows, not gaps",
        "gaps.py",
        "np.where(fits, waited, 0) * self.n, span)",
        "np.where(fits, waited, 0) * (self.n + 1), span)",
        "overdue",
    ),
    Mutant(
        "rows at the same moment have a gap of nothing between them",
        "gaps.py",
        "steps_of, steps = profiles[1:][steps > 0], steps[steps > 0]",
        "steps_of, steps = profiles[1:][is_next], steps[is_next]",
        "gap",
    ),
    Mutant(
        "the day itself is an anniversary",
        "holds.py",
        "last_year > days.years_of(local)",
        "last_year >= days.years_of(local)",
        "anniversary",
    ),
    Mutant(
        "the 29th of February is kept in leap years only",
        "holds.py",
        "if (day.month, day.day) == (2, 28) and",
        "if (day.month, day.day) == (2, 30) and",
        "anniversary",
    ),
    Mutant(
        "a period ends the day before",
        "holds.py",
        "(local <= days.day_number(last))",
        "(local < days.day_number(last))",
        "during",
    ),
    Mutant(
        "one of a list is all of it",
        "columns.py",
        "pc.and_ if is_all else pc.or_",
        "pc.or_",
    ),
    Mutant(
        "a share is of all rows that a profile has",
        "measures.py",
        "counts / np.maximum(rows.counts, 1)",
        "counts / np.maximum(rows.counts + 1, 1)",
        "share",
    ),
    Mutant(
        "a window of one's own leaves its start",
        "holds.py",
        "(window.start, np.greater_equal)",
        "(window.start, np.greater)",
        "_order",
    ),
    Mutant(
        "a step may come at the moment of the step before",
        "sequences.py",
        "behind = np.append(first_from[1:], self._n)[here]",
        "behind = first_from[here]",
        "steps",
    ),
    Mutant(
        "a sequence goes on with another value",
        "sequences.py",
        "return profiles * (int(different.max()) + 1) + different",
        "return profiles",
        "same",
    ),
    Mutant(
        "a step that comes at its last moment is late",
        "sequences.py",
        "<= within\n",
        "< within\n",
        "steps",
    ),
    Mutant(
        "an absence is over before its last moment is",
        "sequences.py",
        "is_over = rows.moments < at - step.within",
        "is_over = rows.moments <= at - step.within",
        "without",
    ),
    Mutant(
        "only the nearest row of the next step is looked at",
        "sequences.py",
        "row_at[self._instants[step + 1][there]] = there",
        "row_at[self._instants[step + 1]] = np.arange(len(goes_on))",
        "steps",
    ),
    Mutant(
        "a quantile leaves its upper end",
        "populations.py",
        "stands &= numbers <= limits[Quantile(high)]",
        "stands &= numbers < limits[Quantile(high)]",
        "quantiles",
    ),
    Mutant(
        "the mean of the rows is that of the profiles",
        "populations.py",
        'self.statistic.over == "rows"',
        'self.statistic.over == "neither"',
        "of_row_mean",
    ),
    Mutant(
        "who ties for a place is out",
        "populations.py",
        "stands &= numbers >= limits[Place(first)]",
        "stands &= numbers > limits[Place(first)]",
        "rank",
    ),
    Mutant(
        "nobody is unreachable",
        "sets.py",
        'return ~found if test.state == "unreachable" else found',
        "return found",
        "unreachable",
    ),
    Mutant("a bucket has another salt", "sets.py", "bucket:{name}", "{name}", "bucket"),
)

# Mistakes that only the moment of the next flip shows.
LATE = (
    Mutant(
        "a flip comes a microsecond late",
        "crossings.py",
        "flips = moments - end.amount * EXACT[end.unit] + 1",
        "flips = moments - end.amount * EXACT[end.unit] + 2",
        "30 days",
    ),
    Mutant(
        "nobody looks again when the time of a row comes",
        "flips.py",
        "hidden.profiles, hidden.times + 1)",
        "hidden.profiles, np.full(len(hidden.times), NEVER))",
    ),
    Mutant(
        "a calendar unit never ends",
        "crossings.py",
        "_unit_crossing(unit_end, moments[where], today, asked.tz)",
        "NEVER",
        "this",
    ),
    Mutant(
        "anniversaries stand still",
        "crossings.py",
        "    if isinstance(test, Anniversary):\n        return True\n",
        "",
        "anniversary",
    ),
    Mutant(
        "nobody is ever more overdue than now",
        "flips.py",
        'if aggregate.measure == "overdue":',
        'if aggregate.measure == "overdue, at last":',
        "overdue",
    ),
    Mutant(
        "shares stand still",
        "flips.py",
        "for test in (*row_set.tests, *shares):",
        "for test in row_set.tests:",
        "share",
    ),
    Mutant(
        "nobody looks again when an absence is over",
        "flips.py",
        "yield _earliest(profiles, until + 1, run)",
        "yield _earliest(profiles, until + 2, run)",
        "without",
    ),
    Mutant(
        "a sequence never leaves its window",
        "flips.py",
        "found = crossings(Within(sequence.window), begun.vector(by), run.asked, begun.profiles)",
        "found = np.full(len(begun.profiles), NEVER)",
        "steps",
    ),
    Mutant("a score never grows old", "flips.py", "    ScoreTest: _score,\n", "", "scored_at"),
)

# Mistakes that only profiles asked about at moments of their own show.
APART = (
    Mutant(
        "the first one's moment stands for all",
        "plan.py",
        "bool((at == at[0]).all())",
        "bool((at == at[0]).any())",
    ),
    Mutant(
        "rows exist that come before anybody's moment",
        "rows.py",
        "if times.values.max() < least(at):",
        "if times.values.max() < np.max(at):",
    ),
    Mutant(
        "rows exist from the last one's moment on",
        "rows.py",
        "times.values >= own(at, self._profiles)",
        "times.values >= np.max(at)",
    ),
    Mutant(
        "the rows of a group are those in the last one's window",
        "run.py",
        "min(least(start) for",
        "min(greatest(start) for",
    ),
    Mutant(
        "who is asked about at one time of day and at another is mixed up",
        "asked.py",
        'order = np.argsort(places, kind="stable")',
        "order = np.arange(len(places))",
        "anniversary",
    ),
    Mutant(
        "so many months later it is midnight",
        "asked.py",
        "targets * clock.DAY + time_of_day",
        "targets * clock.DAY",
        "month",
    ),
    Mutant(
        "units of the calendar are those of another one's day",
        "asked.py",
        "np.array(told, np.int64)[places]",
        "np.array(told, np.int64)[np.sort(places)]",
        "this",
    ),
    Mutant(
        "a window of days begins on the day before its moment",
        "asked.py",
        "return days.days_from(moment, self.tz)",
        "return days.local_days(moment, self.tz)",
        "starts_on",
    ),
    Mutant(
        "an absence is over at the last one's moment",
        "sequences.py",
        "at = own(asked_at, rows.profiles)",
        "at = np.max(asked_at)",
        "without",
    ),
    Mutant(
        "everybody is as overdue as at the last one's moment",
        "gaps.py",
        "waited = np.maximum(self.span, 1), at - self.last",
        "waited = np.maximum(self.span, 1), np.max(at) - self.last",
        "overdue",
    ),
    Mutant(
        "overdue is next passed after the last one's moment",
        "gaps.py",
        "np.where(reached + beside > at,",
        "np.where(reached + beside > np.max(at),",
        "overdue",
    ),
    Mutant(
        "a window is next crossed after the last one's moment",
        "crossings.py",
        "np.where(flips > own(asked.at, profiles), flips, NEVER)",
        "np.where(flips > np.max(asked.at), flips, NEVER)",
    ),
    Mutant(
        "months are counted from the first of the days",
        "crossings.py",
        "ahead = _ahead(today, months, asked.tz)",
        "ahead = _ahead(next(asked.each_day(None))[0], months, asked.tz)",
        "month",
    ),
    Mutant(
        "an anniversary is near on the first of the days",
        "holds.py",
        "coming_dates(today, test.days)",
        "coming_dates(next(asked.each_day(None))[0], test.days)",
        "anniversary",
    ),
)

_APPENDED = {"measures.py": "\n_OTHER = {np.minimum: np.maximum, np.maximum: np.minimum}\n"}


@contextmanager
def broken(mutant: Mutant, folder: Path) -> Iterator[ModuleType]:
    """Give a copy of the kernel, written to ``folder``, in which the mistake is made."""
    name = f"mutant_{abs(hash(mutant))}"
    package = folder / name
    package.mkdir()
    for path in _SOURCE.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name == mutant.file:
            if text.count(mutant.right) != 1:
                message = f"{mutant.file} has not exactly one {mutant.right!r}"
                raise AssertionError(message)
            text = text.replace(mutant.right, mutant.wrong) + _APPENDED.get(path.name, "")
        (package / path.name).write_text(text.replace(_NAME, name), encoding="utf-8")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        for each in [each for each in sys.modules if each.split(".")[0] == name]:
            del sys.modules[each]
