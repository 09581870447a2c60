"""Events from files: what happened to whom, with its details."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from django.utils.translation import gettext as _

from pusula.events import actions
from pusula.profiles import resolve
from pusula.sources import references
from pusula.sources.coerce import Coerce
from pusula.sources.files import MAX_CELL
from pusula.sources.kinds.kind import Kind, Outcome, Told
from pusula.sources.mapping import Typed
from pusula.sources.rows import Rows, Values
from pusula.sources.spool import Spool

_OWN = pa.schema(
    [
        ("dedupe_key", pa.string()),
        ("name", pa.string()),
        ("at", pa.int64()),
        ("properties", pa.string()),  # a JSON object
    ]
)
_PROPERTY_NAME = 100


class Events(Kind):
    """One row is one event."""

    name = "events"
    fields = ("event_id", "name", "at", *references.FIELDS)
    needed = ("event_id", "name", "at")

    def own_readers(self) -> dict[str, Coerce]:
        """Return how an event's id, name and time are read."""
        reading = self.reading
        return {
            "event_id": reading.text(150),
            "name": reading.text(100),
            "at": reading.past_moment,
        }

    @property
    def schema(self) -> pa.Schema:
        """Columns of the reference and the event."""
        return pa.schema([*references.SCHEMA, *_OWN])

    def read(self, rows: Rows) -> pa.Table:
        """Return the good rows."""
        event_id = rows.values("event_id", is_needed=True)
        prefix = self.mapping.source
        keys = [None if one is None else f"{prefix}:{one}" for one in event_id.distinct]
        at = rows.values("at", is_needed=True)
        columns: dict[str, Values | pa.Array] = {
            "dedupe_key": Values(event_id.codes, keys),
            "name": rows.values("name", is_needed=True),
            "at": at,
            "properties": pa.array(self._properties(rows), pa.string()),
        }
        columns.update(references.columns(rows, at))
        return rows.table(columns, self.schema)

    def write(self, spool: Spool, people: references.Resolved, told: Told) -> Outcome:
        """Append the events that the log does not hold yet."""
        outcome = Outcome(touched=[people.learned])
        for start, chunk in spool.chunks():
            owners = people.profile_ids[start : start + chunk.num_rows].tolist()
            origins = people.origins[start : start + chunk.num_rows].tolist()
            events = [
                actions.NewEvent(
                    profile_id=None if owner == resolve.AMBIGUOUS else owner,
                    name=one["name"],
                    at=one["at"],
                    dedupe_key=one["dedupe_key"],
                    properties=json.loads(one["properties"]),
                    origin_id=origin or None,
                )
                for owner, origin, one in zip(
                    owners, origins, chunk.select(_OWN.names).to_pylist(), strict=True
                )
            ]
            appended = actions.append(events, source=self.mapping.source, at=self.reading.at)
            for row in appended.ambiguous:
                references.reject_ambiguous(self.rejects, self.mapping, chunk, row)
            outcome.n_new += appended.n_new
            outcome.n_same += appended.n_same
            outcome.touched.append(appended.touched)
            told(start + chunk.num_rows)
        return outcome

    def _properties(self, rows: Rows) -> list[str]:
        """Return each row's properties as JSON: the whole object, then the columns named."""
        found: list[dict[str, Any]] = [{} for _row in range(len(rows))]
        whole = self.mapping.file.properties
        if whole is not None:
            for row, told in enumerate(rows.typed(Typed(whole, None), self.reading).list()):
                if isinstance(told, dict):
                    found[row].update(told)
                elif told is not None:
                    rows.refuse_row(row, whole, told, _("not a JSON object"))
        for name, one in self.mapping.typed.items():
            for row, told in enumerate(rows.typed(one, self.reading).list()):
                found[row][name] = told
        return [self._checked(rows, row, one) for row, one in enumerate(found)]

    def _checked(self, rows: Rows, row: int, properties: dict[str, Any]) -> str:
        named = {name: value for name, value in properties.items() if value is not None}
        text = json.dumps(named, ensure_ascii=False, separators=(",", ":"))
        reason = ""
        if len(text) > MAX_CELL:
            reason = _("the properties are longer than %(most)d characters") % {"most": MAX_CELL}
        elif not all(0 < len(name) <= _PROPERTY_NAME and name.isprintable() for name in named):
            reason = _("a property's name is 1 to 100 visible characters")
        if reason:
            rows.refuse_row(row, self.mapping.file.properties or "properties", text, reason)
        return text
