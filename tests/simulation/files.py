"""Files that the company imports: orders, and permissions without evidence; stopped anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation import company, stage
from tests.simulation.people import profile_of
from tests.simulation.stage import dice, watch

from pusula.orders.models import Order, OrderChange
from pusula.pipeline import live
from pusula.sources import actions as sources

if TYPE_CHECKING:
    from tests.simulation.world import World

_MOST = 3  # that wait to be imported
_FOLDER = stage.ROOT / "files"  # of the company, not of the installation
_MAPS = {
    "orders": """
source = "shop"
[columns]
source_id = "no"
email = "mail"
ordered_at = "at"
net_amount = "net"
[constants]
status = "completed"
""",
    # Without evidence: it opens nothing that was closed.
    "consents": """
source = "shop"
[columns]
email = "mail"
decided_at = "at"
[constants]
channel = "email"
purpose = "marketing"
status = "granted"
""",
}


@dataclass
class File:
    """A file: its kind, and in it whose rows, of orders by their number."""

    kind: str
    path: Path
    rows: dict[str, int]
    is_done: bool = False  # the company was told so


class Files:
    """The files of one world."""

    def __init__(self, world: World) -> None:
        self.all: list[File] = []
        self._world = world

    @property
    def waiting(self) -> list[File]:
        return [file for file in self.all if not file.is_done]

    def write(self, people: Sequence[int]) -> None:
        """Write a file with rows of some of ``people``, to be imported."""
        if not people or len(self.waiting) >= _MOST:
            return
        kind = dice.roll.choice(list(_MAPS))
        whose = dice.roll.choices(people, k=dice.roll.randint(1, 6))
        rows = {f"{self._world.number()}": person for person in whose}
        at = datetime.fromtimestamp(watch.utc // stage.SECOND, UTC).isoformat()
        lines = ["no,mail,at,net"]
        lines += [f"{no},{company.email_of(person)},{at},12.50" for no, person in rows.items()]
        _FOLDER.mkdir(exist_ok=True)
        path = _FOLDER / f"{len(self.all)}.csv"
        path.write_text("\n".join(lines))
        path.with_suffix(".toml").write_text(_MAPS[kind])
        self.all.append(File(kind, path, rows))

    def bring(self) -> None:
        """Import the first that waits, as ``pusula import`` does; the answer may be lost."""
        file = self.waiting[0]
        report = sources.run_import(file.kind, file.path, file.path.with_suffix(".toml"))
        live.refresh(report.touched, cause="import", pays=report.debt)
        self._world.counts[f"imported {file.kind}"] += 1
        file.is_done = not self._world.is_forgotten()

    def wrong(self) -> Iterator[str]:
        """Yield what is wrong with orders now: of each file all are there, or none."""
        changes: dict[str, int] = {}
        for no in OrderChange.objects.values_list("order__source_id", flat=True):
            changes[no] = changes.get(no, 0) + 1
        there = set(Order.objects.values_list("source_id", flat=True))
        for file in self.all:
            if file.kind != "orders":
                continue
            whole = {no for no, person in file.rows.items() if profile_of(person) is not None}
            missing = whole - there
            if missing and (file.is_done or there & file.rows.keys()):
                yield f"imports: of {file.path.name} the orders {sorted(missing)} are missing"
            for no in there & file.rows.keys():
                if changes.get(no) != 1:
                    yield f"imports: order {no} was brought {changes.get(no, 0)} times"
