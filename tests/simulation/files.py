"""Files that the company imports, and takes back: orders, events, permissions without evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation import company, stage
from tests.simulation.people import profile_of
from tests.simulation.stage import dice, watch

from pusula.events.models import Event
from pusula.orders.models import OrderChange
from pusula.pipeline import live
from pusula.sources import actions as sources
from pusula.sources import undo
from pusula.sources.models import Import, ImportState

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
    "events": """
source = "shop"
[columns]
event_id = "no"
email = "mail"
at = "at"
name = "what"
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
    is_wanted: bool  # for good: else it is taken back
    is_done: bool = False  # the company was told so
    is_gone: bool = False  # so it was

    @property
    def is_settled(self) -> bool:
        return self.is_done if self.is_wanted else self.is_gone


class Files:
    """The files of one world."""

    def __init__(self, world: World) -> None:
        self.all: list[File] = []
        self._world = world

    @property
    def waiting(self) -> list[File]:
        return [file for file in self.all if not file.is_settled]

    def write(self, people: Sequence[int]) -> None:
        """Write a file with rows of some of ``people``, to be imported."""
        if not people or len(self.waiting) >= _MOST:
            return
        kind = dice.roll.choice(list(_MAPS))
        whose = dice.roll.choices(people, k=dice.roll.randint(1, 6))
        rows = {f"{self._world.number()}": person for person in whose}
        # What is not past is no event: it may be read by a clock that was set back.
        before = stage.DAY + stage.HOUR if "clock" in self._world.kinds else 0
        at = datetime.fromtimestamp((watch.utc - before) // stage.SECOND, UTC).isoformat()
        said = f"{at},12.50,{company.ABANDONED}"
        lines = ["no,mail,at,net,what"]
        lines += [f"{no},{company.email_of(person)},{said}" for no, person in rows.items()]
        _FOLDER.mkdir(exist_ok=True)
        path = _FOLDER / f"{len(self.all)}.csv"
        path.write_text("\n".join(lines))
        path.with_suffix(".toml").write_text(_MAPS[kind])
        self.all.append(File(kind, path, rows, is_wanted=dice.roll.random() < 0.7))

    def bring(self) -> None:
        """Import the first that waits, or take it back; the answer may be lost."""
        file = self.waiting[0]
        if file.is_done:
            self._take_back(file)
        else:
            self._import(file)

    def _import(self, file: File) -> None:
        """Do as ``pusula import`` does."""
        report = sources.run_import(file.kind, file.path, file.path.with_suffix(".toml"))
        live.refresh(report.touched, cause="import", pays=report.debt)
        self._world.counts[f"imported {file.kind}"] += 1
        file.is_done = not self._world.is_forgotten()

    def _take_back(self, file: File) -> None:
        """Do as ``pusula imports undo`` does, of each time that it was brought."""
        brought = Import.objects.filter(file_name=file.path.name, state=ImportState.DONE)
        for pk in brought.order_by("-pk").values_list("pk", flat=True):
            found = undo.undo(pk)
            live.refresh(found.touched, cause="undo", pays=found.debt)
            self._world.counts[f"took back {file.kind}"] += 1
        file.is_gone = not self._world.is_forgotten()

    def wrong(self) -> Iterator[str]:
        """Yield what is wrong with orders and events now: of each file all are there, or none."""
        brought = {
            "orders": Counter(OrderChange.objects.values_list("order__source_id", flat=True)),
            "events": Counter(_numbers_of_events()),
        }
        for file in self.all:
            if file.kind not in brought:
                continue
            there = brought[file.kind].keys() & file.rows.keys()
            whole = {no for no, person in file.rows.items() if profile_of(person) is not None}
            missing = sorted(whole - there)
            what = f"{file.kind} of {file.path.name}"
            if missing and (there or (file.is_done and file.is_wanted)):
                yield f"imports: {what}: {missing} are missing"
            if file.is_gone and there:
                yield f"imports: {what}: {sorted(there)} are there, and were taken back"
            for no in there:
                if brought[file.kind][no] != 1:
                    yield f"imports: {what}: {no} was brought {brought[file.kind][no]} times"


def _numbers_of_events() -> Iterator[str]:
    """Yield the number of each event of a file; one that was brought anew has more behind it."""
    keys = Event.objects.filter(source=company.FILES).values_list("dedupe_key", flat=True)
    return (key.split(":")[1] for key in keys)
