"""The rows behind what was measured: what a page shows to whoever asks why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pusula.segments.kernel.block import Positions
from pusula.segments.kernel.rows import Rows, arrow_name
from pusula.segments.kernel.run import Run
from pusula.segments.kernel.sequences import Chains
from pusula.segments.kernel.vocabulary import row_tests, same_column
from pusula.segments.language.nodes import Aggregate, Column, Money, Sequence
from pusula.segments.language.schema import Kind, Schema

MOST = 20

# ``relation``, ``time`` (a moment), the ``name`` of an event, and by their own names the columns
# that a condition looks at: text as it is compared, moments as microseconds, amounts as Money. A
# row of a sequence has the number of its ``step``, 0 for the first.
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Reads rows of a run over a block of one profile."""

    run: Run
    schema: Schema

    def of_aggregate(self, aggregate: Aggregate) -> tuple[Row, ...]:
        """Return the newest rows that ``aggregate`` is measured over."""
        relation = aggregate.relation
        rows = self.run.take(relation, aggregate.names, row_tests(aggregate))
        columns = {aggregate.by, *(test.column for test in (*aggregate.where, *aggregate.of))}
        if aggregate.column is not None:
            columns.add(aggregate.column)
        times = rows.vector(Column(self.schema.relations[relation].time, Kind.MOMENT)).values
        newest = np.argsort(-times, kind="stable")[:MOST]
        return tuple(self._read(relation, rows, newest, columns))

    def of_sequence(self, sequence: Sequence) -> tuple[Row, ...]:
        """Return the rows of the sequences that began last, as many as there is room for."""
        found = self.run.chains(sequence)
        began = np.flatnonzero(found.begun[0])
        newest = began[np.argsort(-found.steps[0].moments[began], kind="stable")]
        rows: list[Row] = []
        for start in newest.tolist():
            chain = list(self._chain(sequence, found, start))
            if len(rows) + len(chain) > MOST:
                break
            rows += chain[::-1]
        return tuple(rows)

    def _chain(self, sequence: Sequence, found: Chains, start: int) -> Iterator[Row]:
        """Yield the rows of the sequence that begins with the row ``start`` of the first step."""
        place = start
        for step, asked in enumerate(sequence.steps):
            if asked.is_absent:
                return
            if step:
                place = int(found.nearest[step - 1][place])
            columns = {asked.by, *(test.column for test in asked.where)}
            same = same_column(sequence)
            if same is not None:
                columns.add(same)
            which = found.steps[step].places[[place]]
            for row in self._read(asked.relation, found.rows[step], which, columns):
                yield {**row, "step": step}

    def _read(
        self, relation: str, rows: Rows, which: Positions, columns: set[Column]
    ) -> Iterator[Row]:
        """Yield the rows at ``which`` of ``rows``."""
        shape = self.schema.relations[relation]
        named = {shape.time: Column(shape.time, Kind.MOMENT)}
        named |= {column.name: column for column in sorted(columns, key=lambda each: each.name)}
        stored = {"name": "name"} if shape.is_open else {}
        stored |= {name: arrow_name(shape, column) for name, column in named.items()}
        table = self.run.table(relation).select(list(dict.fromkeys(stored.values())))
        for row in table.take(rows.places[which]).to_pylist():
            values = {name: row[arrow] for name, arrow in stored.items()}
            for name, column in named.items():
                if column.kind is Kind.MONEY and values[name] is not None:
                    values[name] = Money(values[name], self.schema.currency)
            yield {"relation": relation, "time": values[shape.time], **values}
