"""Whom the rows of a file speak of: the columns that say it, and the profiles they lead to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.utils.translation import gettext as _

from pusula.profiles import erased, merging, resolve
from pusula.profiles.relations import Ids
from pusula.profiles.resolve import Join
from pusula.sources.coerce import Coerce, Reading
from pusula.sources.mapping import Mapping as FileMapping
from pusula.sources.rejects import Rejects
from pusula.sources.rows import Mask, Rows, Values
from pusula.sources.spool import Spool

FIELDS = ("profile_key", "email", "phone")
# When a person unknown so far was met is the row's own time, under ``met_at``.
SCHEMA = pa.schema(
    [
        ("line", pa.int64()),
        ("key", pa.string()),
        ("email", pa.string()),
        ("phone", pa.string()),
        ("met_at", pa.int64()),
    ]
)
_KEY_SIZE = 200


@dataclass(frozen=True)
class Resolved:
    """The profile of each row of a spool, and the profiles that are new or know more now.

    ``origins`` are the merged profiles that rows named, 0 where that is the profile itself.
    ``joins`` are those found to be one person: each is who they were until the log has told it.
    """

    profile_ids: Ids
    origins: Ids
    created: Ids
    learned: Ids
    joins: list[Join]


def readers(reading: Reading) -> dict[str, Coerce]:
    """Return how the cells that say whom a row speaks of are read."""
    return {
        "profile_key": reading.text(_KEY_SIZE),
        "email": reading.email,
        "phone": reading.phone,
    }


def check(mapping: FileMapping) -> None:
    """Raise ``MappingError`` if no field says whom a row speaks of."""
    if not mapping.fields & set(FIELDS):
        raise mapping.error(
            "[columns]", _("needs one of profile_key, email and phone: whom a row speaks of")
        )


def columns(rows: Rows, met_at: Values) -> dict[str, Values | pa.Array]:
    """Return the columns of ``SCHEMA``; rows that speak of nobody are no longer good.

    An e-mail or phone that cannot be read costs the row only if nothing else says whom it means.
    """
    keys = rows.values("profile_key")
    prefix = rows.mapping.source
    keyed = Values(
        keys.codes, [None if key is None else f"{prefix}:{key}" for key in keys.distinct]
    )
    contacts = {field: rows.gentle_values(field) for field in ("email", "phone")}
    said = {"key": keyed, **{name: one for name, (one, _) in contacts.items()}}
    _refuse_erased(rows, said, met_at)
    says_somebody = ~keyed.is_none()
    for values, _reasons in contacts.values():
        says_somebody |= ~values.is_none()
    for field, (values, reasons) in contacts.items():
        _leave_out(rows, field, values, reasons, says_somebody)
    field = next(name for name in FIELDS if name in rows.mapping.fields)
    rows.refuse(~says_somebody, field, _("says of no profile: no number, e-mail or phone"))
    return {
        "line": pa.array(rows.lines),
        "key": keyed,
        "email": contacts["email"][0],
        "phone": contacts["phone"][0],
        "met_at": met_at,
    }


def _refuse_erased(rows: Rows, said: Mapping[str, Values], met_at: Values) -> None:
    """Reject the rows of people who were erased, without a word of what they say.

    Of who came back, those whose time lies before that.
    """
    pairs = {(name, value) for name, values in said.items() for value in values.distinct if value}
    barred = erased.barring(pairs)
    if not barred:
        return
    row_at = np.array([at or 0 for at in met_at.distinct], np.int64)[met_at.codes]
    for name, values in said.items():
        until = np.array([barred.get((name, value), 0) for value in values.distinct], np.int64)
        for row in np.flatnonzero((row_at < until[values.codes]) & rows.good).tolist():
            rows.refuse_row(row, "", "", _("the person was erased: nothing of them is kept"))


def _leave_out(
    rows: Rows, field: str, values: Values, reasons: Mapping[int, str], says_somebody: Mask
) -> None:
    unread = np.isin(values.codes, list(reasons)) & rows.good
    for row in np.flatnonzero(unread).tolist():
        name, cell = rows.cell(field, row)
        reason = reasons[int(values.codes[row])]
        line = int(rows.lines[row])
        if says_somebody[row]:
            rows.rejects.left_out(line, name, cell, reason)
        else:
            rows.rejects.row(line, name, cell, reason)
            rows.good[row] = False


def reject_ambiguous(rejects: Rejects, mapping: FileMapping, table: pa.Table, row: int) -> None:
    """Reject a row of the spool's ``table`` that may mean several profiles."""
    found = ((name, table[name][row].as_py()) for name in ("email", "phone"))
    field, value = next(one for one in found if one[1] is not None)
    rejects.row(
        table["line"][row].as_py(),
        mapping.columns.get(field, field),
        value,
        _("several profiles hold this address and the row gives no number"),
    )


def resolve_spool(spool: Spool, *, source: str, at: int, told: Callable[[int], None]) -> Resolved:
    """Return the profile of every row, making those that are missing.

    Rows with a key go first, for the whole file: so what a row without one leads to does not
    depend on where in the file it stands. ``told`` hears how many rows are done.
    """
    profile_ids = np.full(spool.table.num_rows, resolve.AMBIGUOUS, np.int64)
    origins = np.zeros(spool.table.num_rows, np.int64)
    created: list[Ids] = []
    learned: list[Ids] = []
    joins: list[Join] = []
    done = 0
    for with_key in (True, False):
        for start, chunk in spool.chunks():
            has_key = chunk["key"].is_valid().to_numpy()
            rows = np.flatnonzero(has_key == with_key)
            if not len(rows):
                continue
            references, codes = _distinct(chunk.select(SCHEMA.names).take(rows))
            found = resolve.resolve(references, source=source, at=at, joins=joins)
            joins += found.joins
            profile_ids[start + rows] = found.profile_ids[codes]
            if any(found.origins):
                merged = np.array([origin or 0 for origin in found.origins], np.int64)
                origins[start + rows] = merged[codes]
            created.append(found.created)
            learned.append(found.learned)
            done += len(rows)
            told(done)
    _as_yet(profile_ids, origins, {join.winner for join in joins})
    return Resolved(profile_ids, origins, _union(created), _union(learned), joins)


def _as_yet(profile_ids: Ids, origins: Ids, winners: Collection[int]) -> None:
    """Give rows that lead by way of another profile to that one, as long as it is there."""
    led = np.flatnonzero(np.isin(profile_ids, list(winners)) & (origins != 0))
    now = merging.current(set(origins[led].tolist()))
    for row, origin in zip(led.tolist(), origins[led].tolist(), strict=True):
        profile_ids[row] = now[origin]
        origins[row] = 0 if now[origin] == origin else origin


def _distinct(table: pa.Table) -> tuple[list[resolve.Reference], npt.NDArray[np.int64]]:
    """Return the distinct references by first appearance, and each row's index into them."""
    joint = np.zeros(table.num_rows, np.int64)
    for name in ("key", "email", "phone"):
        encoded = table[name].combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        joint = joint * (len(encoded.dictionary) + 1) + codes
    _joint, first, codes = np.unique(joint, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    met_at = np.full(len(first), np.iinfo(np.int64).max)
    np.minimum.at(met_at, codes, table["met_at"].to_numpy())
    people = table.take(first[order])
    references = [
        resolve.Reference(*person)
        for person in zip(
            people["key"].to_pylist(),
            people["email"].to_pylist(),
            people["phone"].to_pylist(),
            met_at[order].tolist(),
            strict=True,
        )
    ]
    return references, rank[codes]


def _union(parts: list[Ids]) -> Ids:
    return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))
