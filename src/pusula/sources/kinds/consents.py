"""Consents from files: decisions for the ledger."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pusula.consent import actions, purposes
from pusula.consent.models import Channel, Status
from pusula.consent.queries import ADDRESS_KINDS
from pusula.lib import clock
from pusula.lib.text import code_key, fold
from pusula.profiles import queries as profiles
from pusula.profiles import resolve
from pusula.profiles.models import IdentifierKind
from pusula.sources import coerce, references
from pusula.sources.coerce import Coerce, Reading, Refusal
from pusula.sources.kinds.kind import Kind, Outcome, Told
from pusula.sources.mapping import Mapping as FileMapping
from pusula.sources.rejects import Rejects
from pusula.sources.rows import Rows, Values
from pusula.sources.spool import Spool

_OWN = pa.schema(
    [
        ("channel", pa.string()),
        ("purpose", pa.string()),
        ("status", pa.string()),
        ("decided_at", pa.int64()),
        ("evidence", pa.string()),
        ("entry_id", pa.string()),
    ]
)
# The words of İYS, the national register of message consents.
_CHANNELS = {
    "eposta": Channel.EMAIL, "e-posta": Channel.EMAIL, "mail": Channel.EMAIL,
    "mesaj": Channel.SMS, "arama": Channel.CALL, "telefon": Channel.CALL,
}  # fmt: skip
# A grant dated ahead would outweigh refusals that are still to come. A refusal dated ahead is a
# refusal all the same: of a system in another time zone, perhaps.
_SKEW = 5 * clock.MINUTE


class Consents(Kind):
    """One row is one decision."""

    name = "consents"
    fields = (
        *references.FIELDS, "channel", "purpose", "status", "decided_at", "evidence", "entry_id",
    )  # fmt: skip
    needed = ("channel", "purpose", "status", "decided_at")
    n_ahead = 0  # rows whose refusal lies in the future

    def __init__(self, mapping: FileMapping, reading: Reading, rejects: Rejects) -> None:
        self._known: set[str] = set()  # purposes that were looked up
        super().__init__(mapping, reading, rejects)

    def own_readers(self) -> dict[str, Coerce]:
        """Return how a decision's fields are read."""
        reading = self.reading
        channels = {fold(word): channel.value for word, channel in _CHANNELS.items()}
        channels.update({channel: channel for channel in Channel.values})
        statuses = dict.fromkeys({*coerce.YES, Status.GRANTED.value}, Status.GRANTED.value)
        statuses.update(dict.fromkeys({*coerce.NO, Status.REFUSED.value}, Status.REFUSED.value))
        return {
            "channel": reading.word(channels),
            "purpose": self._purpose,
            "status": reading.word(statuses),
            "decided_at": reading.moment,
            "evidence": reading.text(400),
            "entry_id": reading.text(120),
        }

    @property
    def schema(self) -> pa.Schema:
        """Columns of the reference and the decision."""
        return pa.schema([*references.SCHEMA, *_OWN])

    def read(self, rows: Rows) -> pa.Table:
        """Return the good rows."""
        decided_at = self._decided_at(rows)
        columns: dict[str, Values | pa.Array] = {
            name: rows.values(name, is_needed=name in self.needed) for name in _OWN.names
        }
        columns["decided_at"] = decided_at
        columns.update(references.columns(rows, decided_at))
        return rows.table(columns, self.schema)

    def write(self, spool: Spool, people: references.Resolved, told: Told) -> Outcome:
        """Record the decisions; one for a shared address counts for everybody who holds it."""
        outcome = Outcome(touched=[people.learned])
        self._note_ahead()
        for start, chunk in spool.chunks():
            owners = people.profile_ids[start : start + chunk.num_rows].tolist()
            origins = people.origins[start : start + chunk.num_rows].tolist()
            rows, decisions = [], []
            for row, decision in self._decisions(chunk, owners, origins):
                rows.append(row)
                decisions.append(decision)
            recorded = actions.record(decisions, at=self.reading.at, is_heard=True)
            n_new = len({rows[position] for position in recorded.new})
            outcome.n_new += n_new
            outcome.n_same += chunk.num_rows - n_new
            outcome.touched.append(recorded.touched)
            outcome.met.append(np.array([one.profile_id for one in decisions], np.int64))
            told(start + chunk.num_rows)
        return outcome

    def _decisions(
        self, chunk: pa.Table, owners: list[int], origins: list[int]
    ) -> Iterator[tuple[int, actions.Decision]]:
        """Yield each row with its decision, once for everybody it counts for."""
        shared = _holders(chunk, owners)
        source = self.mapping.source
        named = [chunk[name].to_pylist() for name in ("key", "email", "phone")]
        for row, told in enumerate(chunk.select(_OWN.names).to_pylist()):
            entry_id = told.pop("entry_id")
            told["evidence"] = told["evidence"] or ""
            told["address"] = _contact_point(told["channel"], *(column[row] for column in named))
            told["origin_id"] = origins[row] or None
            for profile_id in shared.get(row) or [owners[row]]:
                key = "" if entry_id is None else f"{source}:{entry_id}:{profile_id}"
                yield (
                    row,
                    actions.Decision(profile_id=profile_id, source=source, dedupe_key=key, **told),
                )

    def _purpose(self, cell: object) -> str | None:
        told = self.reading.text(400)(cell)
        if told is None:
            return None
        slug = code_key(told)
        if slug not in self._known and purposes.strange([slug]):
            raise Refusal(purposes.refusal(slug).message)
        self._known.add(slug)
        return slug

    def _decided_at(self, rows: Rows) -> Values:
        """Return when the decisions were made; a refusal that lies ahead was made by now."""
        told = rows.values("decided_at", is_needed=True)
        latest = self.reading.at + _SKEW

        def made(status: str | None, at: int | None) -> int | None:
            if at is None or at <= latest:
                return at
            if status == Status.GRANTED:
                raise Refusal(_("lies in the future"))
            return self.reading.at

        status = rows.values("status", is_needed=True)
        found = rows.combine("decided_at", made, status, told)
        pairs = zip(found.list(), told.list(), rows.good.tolist(), strict=True)
        self.n_ahead += sum(good and at != told_at for at, told_at, good in pairs)
        return found

    def _note_ahead(self) -> None:
        if self.n_ahead:
            form = ngettext(
                "%(n)d refusal lies in the future; it counts from now on.",
                "%(n)d refusals lie in the future; they count from now on.",
                self.n_ahead,
            )
            self.notes.append(form % {"n": self.n_ahead})


def _contact_point(channel: str, key: str | None, email: str | None, phone: str | None) -> str:
    """Return the address a row speaks of: the one that names its person, where no number does."""
    if key:
        return ""
    return (email if ADDRESS_KINDS.get(Channel(channel)) == IdentifierKind.EMAIL else phone) or ""


def _holders(chunk: pa.Table, owners: list[int]) -> dict[int, list[int]]:
    """Return for each row that may mean several profiles all of them."""
    rows = [row for row, owner in enumerate(owners) if owner == resolve.AMBIGUOUS]
    said = {
        kind: dict(
            zip(rows, chunk[kind.value].take(pa.array(rows, pa.int64())).to_pylist(), strict=True)
        )
        for kind in (IdentifierKind.EMAIL, IdentifierKind.PHONE)
    }
    held = {
        kind: profiles.holders(kind, filter(None, values.values())) for kind, values in said.items()
    }
    return {
        row: held[IdentifierKind.EMAIL].get(said[IdentifierKind.EMAIL][row])
        or held[IdentifierKind.PHONE][said[IdentifierKind.PHONE][row]]
        for row in rows
    }
