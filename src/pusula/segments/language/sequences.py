"""Reading a sequence: rows that follow one another, or fail to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pusula.segments.language import literals, spans
from pusula.segments.language.nodes import Compare, Sequence, SequenceStep, SequenceTest
from pusula.segments.language.place import Place, hint
from pusula.segments.language.rows import RowsReader
from pusula.segments.language.schema import Kind, Limits, Schema
from pusula.segments.language.value_tests import TestReader

STEP_ROWS = ("where", "by")


@dataclass(frozen=True)
class SequenceReader:
    """Reads a sequence and the test of how many there are, or of when the latest began."""

    schema: Schema
    limits: Limits

    def read(self, place: Place) -> SequenceTest:
        """Read the steps, what they share and when the first happened, then the test."""
        fields = place.record(("steps",), ("same", "within", "count", "latest"))
        if "count" in fields and "latest" in fields:
            raise place.error("expected count or latest, found both")
        steps = self._steps(fields["steps"])
        sequence = Sequence(
            steps=steps,
            window=spans.window(fields["within"]) if "within" in fields else None,
            same=self._same(fields["same"], steps) if "same" in fields else None,
        )
        if "latest" in fields:
            tests = TestReader(self.schema, self.limits, Kind.MOMENT)
            return SequenceTest(sequence, "latest", tests.read(fields["latest"]))
        if "count" not in fields:
            return SequenceTest(sequence, "count", Compare("at_least", 1))
        counts = TestReader(
            self.schema, self.limits, Kind.NUMBER, constant=literals.count, is_always=True
        )
        return SequenceTest(sequence, "count", counts.read(fields["count"]))

    def _steps(self, place: Place) -> tuple[SequenceStep, ...]:
        places = place.items("steps", self.limits.steps)
        if len(places) < 2:  # noqa: PLR2004 - one alone follows nothing
            raise place.error("a sequence has at least two steps")
        last = len(places) - 1
        return tuple(
            self._step(step, is_first=i == 0, is_last=i == last) for i, step in enumerate(places)
        )

    def _step(self, place: Place, *, is_first: bool, is_last: bool) -> SequenceStep:
        relations = tuple(self.schema.relations)
        fields = place.record((), (*relations, "within", "without", "for"))
        if "without" in fields:
            return self._absent(place, is_last=is_last and not is_first)
        if "for" in fields:
            raise fields["for"].error("says how long 'without' lasts, and there is no 'without'")
        if is_first and "within" in fields:
            raise fields["within"].error("the first step comes after nothing")
        within = literals.length(fields["within"]) if "within" in fields else None
        rows = {key: below for key, below in fields.items() if key in relations}
        return self._rows(place, rows, within=within)

    def _absent(self, place: Place, *, is_last: bool) -> SequenceStep:
        fields = place.record(("without", "for"), ())
        if not is_last:
            raise fields["without"].error("only the last step can be one that does not follow")
        below = fields["without"].fields("the rows that do not follow such as {events: …}")
        length = literals.length(fields["for"])
        return self._rows(fields["without"], below, within=length, is_absent=True)

    def _rows(
        self,
        place: Place,
        rows: Mapping[str, Place],
        *,
        within: int | None,
        is_absent: bool = False,
    ) -> SequenceStep:
        relations = list(self.schema.relations)
        if len(rows) != 1:
            raise place.one_of(relations, rows)
        name, below = next(iter(rows.items()))
        if name not in relations:
            raise below.error("unknown key", hint(name, relations))
        reader = RowsReader(self.schema, self.limits, name)
        fields = below.record(reader.required, STEP_ROWS)
        return SequenceStep(
            relation=name,
            by=reader.by(fields.get("by")),
            names=reader.names(fields),
            where=reader.where(fields.get("where")),
            within=within,
            is_absent=is_absent,
        )

    def _same(self, place: Place, steps: tuple[SequenceStep, ...]) -> str:
        """Return the text that rows of all steps have."""
        name = place.text("a column or property that all steps have")
        for step in dict.fromkeys(step.relation for step in steps):
            reader = RowsReader(self.schema, self.limits, step)
            if not reader.relation.is_open:
                reader.column(place, frozenset({Kind.TEXT}))
            elif name in reader.relation.columns:
                raise place.error("%(name)r is no property of %(step)s", name=name, step=step)
            else:
                reader.property(place, name)
        return name
