"""The facts about each of some profiles as of a moment of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from pusula.consent import relations as consents
from pusula.journeys.backtest.setting import Setting
from pusula.lake.as_of import EVER, SINCE, UNTIL, AsOf, Span
from pusula.profiles.relations import Ids
from pusula.segments import facts
from pusula.segments.facts import History
from pusula.segments.kernel import Block, Requirements

_TABLES = ("orders", "events", "traits", "consents", "items", "scores", "sets")


def during(ids: Ids, needs: Requirements, setting: Setting) -> History:
    """Return the facts about the profiles ``ids`` (ascending) over the time that is replayed."""
    return facts.during(ids, needs, Span(setting.since_at, setting.until_at, setting.known_at))


def at_each(history: History, ids: Ids, moments: Ids) -> Block:
    """Return the facts about ``ids``, ascending and known to ``history``, each at its moment."""
    held = history.facts
    tables = {name: _at(getattr(held, name), ids, moments) for name in _TABLES}
    created = _of(held.created, ids)
    return replace(
        held, profile_ids=ids, created=created, reach=_reach(history, ids, moments), **tables
    )


def changes(history: History) -> tuple[Ids, Ids]:
    """Return profiles and moments at which something that is told of them begins or ends."""
    owners, moments = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for name in _TABLES:
        table = getattr(history.facts, name)
        for column in (SINCE, UNTIL):
            if column in table.column_names:
                owners.append(table["profile_id"].to_numpy())
                moments.append(table[column].to_numpy())
    owner, moment = np.concatenate(owners), np.concatenate(moments)
    is_one = moment < EVER
    return owner[is_one], moment[is_one]


def _at(table: pa.Table, ids: Ids, moments: Ids) -> pa.Table:
    """Return the rows of ``ids`` that hold at the moment of each, without their spans."""
    places, is_asked = _places(table, ids)
    own = moments[places] if len(ids) else np.empty(0, np.int64)
    for column, holds in ((SINCE, np.less_equal), (UNTIL, np.greater)):
        if column in table.column_names:
            is_asked &= holds(table[column].to_numpy(), own)
            table = table.drop_columns([column])
    return table.filter(pa.array(is_asked))


def _of(table: pa.Table, ids: Ids) -> pa.Table:
    return table.filter(pa.array(_places(table, ids)[1]))


def _places(table: pa.Table, ids: Ids) -> tuple[Ids, np.ndarray]:
    """Return for each row where its profile stands among ``ids``, and whether it does."""
    owners = table["profile_id"].to_numpy()
    if not len(ids):
        return np.zeros(len(owners), np.int64), np.zeros(len(owners), np.bool_)
    places = np.minimum(np.searchsorted(ids, owners), len(ids) - 1)
    return places, ids[places] == owners


def _reach(history: History, ids: Ids, moments: Ids) -> pa.Table:
    """Return whom messages would have reached; one question for each different moment."""
    known_at = history.known_at
    parts = [
        consents.reach(
            ids[moments == moment],
            history.reach,
            AsOf(moment, moment if known_at is None else known_at),
        )
        for moment in _distinct(moments, history)
    ]
    return pa.concat_tables(parts) if parts else history.facts.reach


def _distinct(moments: Ids, history: History) -> Iterator[int]:
    if history.reach:
        yield from np.unique(moments).tolist()
