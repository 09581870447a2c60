"""Conditions in English."""

from __future__ import annotations

from pusula.segments.language.nodes import (
    SEASONS,
    Aggregate,
    Among,
    Compare,
    ConsentTest,
    InBucket,
    InSet,
    ReachTest,
    ScoreTest,
    Season,
    Sequence,
    SequenceStep,
    SequenceTest,
    Test,
)
from pusula.segments.language.sentences.english_tests import EnglishTests
from pusula.segments.language.sentences.english_words import (
    CHANNELS,
    HAPPENED,
    MEASURES,
    MONTHS,
    UNITS,
)
from pusula.segments.language.sentences.printer import (
    is_of_number,
    narrowing,
    own_time,
    rows_of,
    states,
    whole_bounds,
)
from pusula.segments.language.windows import in_units


class English(EnglishTests):
    """Says conditions as "has at least 2 completed stays ending in the last 12 months"."""

    def trait(self, name: str, test: Test, *, negated: bool) -> str:
        """Return what a trait must be."""
        return f"trait {self.value(name)} {self.predicate(test, negated=negated)}"

    def trait_known(self, name: str, *, known: bool) -> str:
        """Return that a trait is known or not."""
        return f"trait {self.value(name)} is {'known' if known else 'not known'}"

    def consent(self, leaf: ConsentTest, *, negated: bool) -> str:
        """Return what a person decided about a channel."""
        about = self._purpose(leaf)
        match leaf.status:
            case "granted":
                return f"has {'not granted' if negated else 'granted'} consent to {about}"
            case "refused":
                return f"has {'not refused' if negated else 'refused'} {about}"
        return f"has {'' if negated else 'never '}decided about {about}"

    def reach(self, leaf: ReachTest, *, negated: bool) -> str:
        """Return whether a message would reach a person."""
        about = self._purpose(leaf)
        match leaf.state:
            case "suppressed":
                return f"is {'not ' if negated else ''}suppressed for {about}"
            case "no_address":
                return f"has {'an' if negated else 'no'} address for {about}"
            case "not_in_iys":
                return f"{'does not lack' if negated else 'lacks'} an approval in İYS for {about}"
        can = "can" if (leaf.state == "reachable") != negated else "cannot"
        return f"{can} be reached for {about}"

    def _purpose(self, leaf: ConsentTest | ReachTest) -> str:
        purpose = leaf.purpose if leaf.purpose == "marketing" else self.value(leaf.purpose)
        return f"{purpose} by {CHANNELS.get(leaf.channel, leaf.channel)}"

    def score(self, leaf: ScoreTest, *, negated: bool) -> str:
        """Return what a model's score must be."""
        of = {"value": "", "decile": "decile of the ", "scored_at": "time of the "}[leaf.of]
        return (
            f"the {of}score {self.value(leaf.model)} {self.predicate(leaf.test, negated=negated)}"
        )

    def in_set(self, leaf: InSet, *, negated: bool) -> str:
        """Return that a person is in a list or campaign."""
        verb = f"is {'not ' if negated else ''}"
        if leaf.sort == "list":
            return f"{verb}on the list {self.value(leaf.key)}"
        group = "" if leaf.arm is None else f"the group {self.value(leaf.arm)} of "
        return f"{verb}in {group}the campaign {self.value(leaf.key)}"

    def in_bucket(self, leaf: InBucket, *, negated: bool) -> str:
        """Return that a person is in a part chosen by chance."""
        part = f"from {self.per_cent(leaf.low)} to {self.per_cent(leaf.high)}"
        return f"is {'not ' if negated else ''}in the random part {part} of {self.value(leaf.name)}"

    def in_segment(self, title: str, *, negated: bool) -> str:
        """Return that a person is in another segment."""
        return f"is {'not ' if negated else ''}in the segment {self.value(title)}"

    def aggregate(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        """Return what is measured over rows and what it must be."""
        match aggregate.measure:
            case "count":
                return self._count(aggregate, whole_bounds(test), negated=negated)
            case "years_in_same_season":
                return self._seasons(aggregate, whole_bounds(test), negated=negated)
            case "days" | "weeks" | "months" | "years":
                return self._units(aggregate, whole_bounds(test), negated=negated)
            case "share":
                those = self.listed([self.addition(aggregate, row) for row in aggregate.of], "and")
                measured = f"the share with {those} among {self._rows(aggregate)}"
            case _:
                column = "" if aggregate.column is None else aggregate.column.name
                name = self.column(aggregate, column) if column else ""
                measured = MEASURES[aggregate.measure].format(
                    name, self._rows(aggregate), self._rows(aggregate, is_one=True)
                )
        return f"{measured}{self._by(aggregate)} {self.predicate(test, negated=negated)}"

    def _by(self, aggregate: Aggregate) -> str:
        """Return the time that rows are looked at by, where their window does not say it."""
        time = own_time(aggregate)
        return "" if time is None else f" (by {self.column(aggregate, time)})"

    def _count(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        match test:
            case Among((0,)) if negated:
                return f"has at least 1 {self._rows(aggregate, is_one=True)}"
            case Compare("at_most", 0) | Among((0,)):
                return f"has no {self._rows(aggregate)}"
            case _ if is_of_number(test, negated=negated):
                number = f"the number of {self._rows(aggregate)}"
                return f"{number} {self.predicate(test, negated=negated)}"
        verb = "does not have" if negated else "has"
        return f"{verb} {self.quantity(test)} {self._rows(aggregate, is_one=_is_one(test))}"

    def _seasons(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        time = "" if aggregate.column is None else self.column(aggregate, aggregate.column.name)
        rows, by = self._rows(aggregate), f"(by {time})"
        season = "the same season"
        if aggregate.seasons != SEASONS:
            season = f"the same one of {self._season_list(aggregate.seasons)}"
        if is_of_number(test, negated=negated):
            years = f"the number of different years with {rows} in {season} {by}"
            return f"{years} {self.predicate(test, negated=negated)}"
        verb = "does not have" if negated else "has"
        year = "different year" if _is_one(test) else "different years"
        return f"{verb} {rows} in {season} of {self.quantity(test)} {year} {by}"

    def _season_list(self, seasons: tuple[Season, ...]) -> str:
        spans = [
            f"{self.value(each.name)} ({MONTHS[each.first - 1]}–{MONTHS[each.last - 1]})"
            for each in seasons
        ]
        return self.listed(spans, "and")

    def _units(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        rows, unit = self._rows(aggregate), UNITS[aggregate.measure]
        by = self._by(aggregate)
        if is_of_number(test, negated=negated):
            number = f"the number of different {unit}s with {rows}{by}"
            return f"{number} {self.predicate(test, negated=negated)}"
        verb = "does not have" if negated else "has"
        units = f"different {unit}" if _is_one(test) else f"different {unit}s"
        preposition = "on" if unit == "day" else "in"
        return f"{verb} {rows} {preposition} {self.quantity(test)} {units}{by}"

    def sequence(self, leaf: SequenceTest, test: Test, *, negated: bool) -> str:
        """Return rows that follow one another, and how often or when they must."""
        steps = self._steps(leaf.sequence)
        window = leaf.sequence.window
        begun = "" if window is None else f" begun {self.window(window)}"
        if leaf.measure == "latest":
            latest = f"the latest start of a sequence{begun} of {steps}"
            return f"{latest} {self.predicate(test, negated=negated)}"
        test = whole_bounds(test)
        match test:
            case Among((0,)) if negated:
                return f"has at least 1 sequence{begun} of {steps}"
            case Compare("at_most", 0) | Among((0,)):
                return f"has no sequence{begun} of {steps}"
            case _ if is_of_number(test, negated=negated):
                number = f"the number of sequences{begun} of {steps}"
                return f"{number} {self.predicate(test, negated=negated)}"
        verb = "does not have" if negated else "has"
        noun = "sequence" if _is_one(test) else "sequences"
        return f"{verb} {self.quantity(test)} {noun}{begun} of {steps}"

    def _steps(self, sequence: Sequence) -> str:
        steps = ", then ".join(self._step(step) for step in sequence.steps)
        same = "" if sequence.same is None else f", all with the same {self._same(sequence)}"
        return f"({steps}{same})"

    def _same(self, sequence: Sequence) -> str:
        return self.column(rows_of(sequence.steps[0]), str(sequence.same))

    def _step(self, step: SequenceStep) -> str:
        rows = rows_of(step)
        noun = self._rows(rows, is_one=True) + self._by(rows)
        if step.within is None:
            return f"1 {noun}"
        length = self.length(*in_units(step.within))
        return f"no {noun} for {length}" if step.is_absent else f"1 {noun} within {length}"

    def _rows(self, aggregate: Aggregate, *, is_one: bool = False) -> str:
        """Return the rows as a noun with everything that narrows them down."""
        noun = self._noun(aggregate)
        words = [noun if is_one else f"{noun}s"]
        if found := states(aggregate):
            words.insert(0, self.states(found))
        if rows := narrowing(aggregate):
            words.append(f"with {self.listed([self.addition(aggregate, r) for r in rows], 'and')}")
        if aggregate.window is not None:
            if aggregate.relation != "events":
                words.append(HAPPENED.get(aggregate.by.name, self._made(aggregate)))
            words.append(self.window(aggregate.window))
        return " ".join(words)

    def _noun(self, aggregate: Aggregate) -> str:
        match aggregate.relation:
            case "events":
                return f"{self.event_names(aggregate.names)} event"
            case "items":
                return "item"
        return "stay" if self.has_stays else "order"

    def _made(self, aggregate: Aggregate) -> str:
        if aggregate.relation == "items":
            return "ordered"
        return "booked" if self.has_stays else "placed"


def _is_one(test: Test) -> bool:
    match test:
        case Compare(_, 1) | Among((1,), False):
            return True
    return False
