"""Mews asked for what was updated since: in windows, page by page, with an overlap for its lag."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.pipeline.appender import Entry
from pusula.sources import needs
from pusula.sources.calling import (
    SHAPES,
    Caller,
    CallError,
    Page,
    TooMuchError,
    client,
    reason,
)
from pusula.sources.mews import read
from pusula.sources.mews.read import MewsSettings
from pusula.sources.models import Source

# Mews refuses intervals of more than three months.
LONGEST_WINDOW = 80 * clock.DAY
SHORTEST_WINDOW = 5 * clock.MINUTE
PAGE = 500
_MOST_ASKED = 500  # ids in one request


def pull(source: Source, at: int) -> Iterator[Page]:
    """Yield what was updated from the cursor, less the overlap, until ``at``.

    The cursor is ``{"updated_at": moment}``: all before it has been read. Within a window Mews
    pages by its own cursor; a window that is too much for it is asked again by halves.
    """
    told = needs.told(source, MewsSettings)
    with client() as http:
        api = _Api(source, told, Caller(source.slug, http))
        start = source.cursor.get("updated_at")
        begin = (
            at - told.first_days * clock.DAY if start is None else start - told.overlap_s * 10**6
        )
        size = LONGEST_WINDOW
        while begin < at:
            end = min(begin + size, at)
            try:
                yield from api.window(begin, end)
            except TooMuchError:
                if size <= SHORTEST_WINDOW:
                    raise
                size = max(min(size, end - begin) // 2, SHORTEST_WINDOW)
                continue
            begin, size = end, min(size * 2, LONGEST_WINDOW)


class _Api:
    """The Connector API for one source."""

    def __init__(self, source: Source, told: MewsSettings, caller: Caller) -> None:
        self.source = source
        self.told = told
        self.caller = caller
        self.tokens = {
            "ClientToken": needs.secret(source, "client_token"),
            "AccessToken": needs.secret(source, "access_token"),
            "Client": told.client,
        }
        self.names: dict[tuple[str, str], str] = {}

    def window(self, begin: int, end: int) -> Iterator[Page]:
        """Yield the pages of a window; only the last one moves the cursor."""
        held = dict(self.source.cursor)
        span = {"UpdatedUtc": {"StartUtc": _utc(begin), "EndUtc": _utc(end)}}
        for rows in self._pages("reservations/getAll/2023-06-06", "Reservations", span):
            yield self._page(rows, held)
        # After the bookings: who is met by a booking was met when it was made.
        for rows in self._pages("customers/getAll", "Customers", span):
            yield self._customers(rows, held)
        self.source.cursor = {"updated_at": end}
        yield Page([], self.source.cursor)

    def _pages(
        self, resource: str, table: str, asked: Mapping[str, Any]
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows that an address answers, page by page."""
        mews_cursor: str | None = None
        while True:
            limit = {"Limitation": {"Count": PAGE, "Cursor": mews_cursor}}
            found = self.call(resource, {**asked, **limit})
            rows = _list(found, table)
            if rows:
                yield rows
            mews_cursor = found.get("Cursor") if rows else None
            if not mews_cursor:
                return

    def _customers(self, rows: list[dict[str, Any]], cursor: Mapping[str, Any]) -> Page:
        entries: list[Entry] = []
        problems: list[Saying | str] = []
        for row in rows:
            try:
                entries += read.customer(row, self.source)
            except (PusulaError, *SHAPES) as error:
                problems.append(placed(str(row.get("Id")), reason(error)))
        return Page(entries, cursor, problems)

    def _page(self, rows: list[dict[str, Any]], cursor: Mapping[str, Any]) -> Page:
        people = self._by_id("customers", "Customers", "CustomerIds", _customers_of(rows))
        amounts = self._amounts([str(row.get("Id", "")) for row in rows])
        self._learn(rows)
        entries: list[Entry] = []
        problems: list[Saying | str] = []
        known = read.Known(people, amounts, self.names)
        for row in rows:
            try:
                entries += read.entries(row, known, self.source, self.told)
            except (PusulaError, *SHAPES) as error:
                problems.append(placed(str(row.get("Number") or row.get("Id")), reason(error)))
        return Page(entries, cursor, problems)

    def _learn(self, rows: list[dict[str, Any]]) -> None:
        """Look up the names of rates and room types that were not met before."""
        kinds = {
            "Rates": ("rates", "RateId", "RateIds"),
            "ResourceCategories": ("resourceCategories", "RequestedResourceCategoryId",
                                   "ResourceCategoryIds"),
        }  # fmt: skip
        for table, (resource, field, ids) in kinds.items():
            wanted = {str(row[field]) for row in rows if row.get(field)}
            new = [one for one in wanted if (table, one) not in self.names]
            for number, row in self._by_id(resource, table, ids, new).items():
                self.names[table, number] = _name(row)

    def _amounts(self, numbers: list[str]) -> dict[str, list[dict[str, Any]]]:
        """Return the order items of reservations, by reservation: what each night costs."""
        items: dict[str, list[dict[str, Any]]] = {}
        for part in _parts(numbers):
            for rows in self._pages("orderItems/getAll", "OrderItems", {"ServiceOrderIds": part}):
                for row in rows:
                    items.setdefault(str(row.get("ServiceOrderId")), []).append(row)
        return items

    def _by_id(
        self, resource: str, table: str, asked_as: str, numbers: Iterable[str]
    ) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for part in _parts(sorted(set(numbers))):
            asked = {asked_as: part, "Limitation": {"Count": _MOST_ASKED}}
            rows = _list(self.call(f"{resource}/getAll", asked), table)
            found |= {str(row.get("Id")): row for row in rows}
        return found

    def call(self, resource: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to one call; the tokens go along in its body."""
        url = f"{self.told.platform.rstrip('/')}/api/connector/v1/{resource}"
        found = self.caller.send("POST", url, json={**self.tokens, **asked})
        if not isinstance(found, dict):
            place = f"{self.source.slug}: {resource}"
            raise CallError(placed(place, Saying("the answer is no object")))
        return found


def _customers_of(rows: list[dict[str, Any]]) -> set[str]:
    named = (row.get(field) for row in rows for field in ("AccountId", "BookerId"))
    return {str(one) for one in named if one}


def _name(row: Mapping[str, Any]) -> str:
    names = row.get("Names")
    by_language = next(iter(names.values()), "") if isinstance(names, dict) else ""
    return str(row.get("ShortName") or row.get("Name") or by_language or "")


def _list(found: Mapping[str, Any], table: str) -> list[dict[str, Any]]:
    rows = found.get(table)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _parts(numbers: list[str]) -> Iterator[list[str]]:
    for begin in range(0, len(numbers), _MOST_ASKED):
        yield numbers[begin : begin + _MOST_ASKED]


def _utc(moment: int) -> str:
    return clock.to_datetime(moment).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
