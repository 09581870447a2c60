"""What every kind of import has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.utils.translation import gettext as _

from pusula.orders.actions import Before
from pusula.profiles.actions import Renamed
from pusula.sources import references
from pusula.sources.coerce import Coerce, Reading, Refusal
from pusula.sources.mapping import Mapping as FileMapping
from pusula.sources.rejects import Rejects
from pusula.sources.rows import Rows
from pusula.sources.spool import Spool

Told = Callable[[int], None]


@dataclass
class Outcome:
    """What an import did to things (orders, profiles, events, decisions), and who is touched."""

    n_new: int = 0
    n_changed: int = 0
    n_same: int = 0
    touched: list[npt.NDArray[np.int64]] = field(default_factory=list)
    # What an undo needs to know: new orders, whom rows speak of, how changed things were.
    made: list[npt.NDArray[np.int64]] = field(default_factory=list)
    met: list[npt.NDArray[np.int64]] = field(default_factory=list)  # whom rows were written for
    before: list[Before] = field(default_factory=list)
    renamed: list[Renamed] = field(default_factory=list)


class Kind(ABC):
    """One import: ``read`` turns batches into rows for the spool, ``write`` the spool into effects.

    ``read`` runs outside, ``write`` inside the transaction.
    """

    name: ClassVar[str]
    fields: ClassVar[tuple[str, ...]]
    needed: ClassVar[tuple[str, ...]]

    def __init__(self, mapping: FileMapping, reading: Reading, rejects: Rejects) -> None:
        self.mapping = mapping
        self.reading = reading
        self.rejects = rejects
        self.notes: list[str] = []  # what the person should know, in sentences
        self.readers: Mapping[str, Coerce] = {**references.readers(reading), **self.own_readers()}
        references.check(mapping)
        for name in self.needed:
            if name not in mapping.fields:
                raise mapping.error("[columns]", _("%(field)s is missing") % {"field": name})
        for name, value in mapping.constants.items():
            self._check_constant(name, value)

    @abstractmethod
    def own_readers(self) -> dict[str, Coerce]:
        """Return how the cells of this kind's own fields are read."""

    @property
    @abstractmethod
    def schema(self) -> pa.Schema:
        """The columns of the spool."""

    @abstractmethod
    def read(self, rows: Rows) -> pa.Table:
        """Return the good rows with the columns of ``schema``."""

    @abstractmethod
    def write(self, spool: Spool, people: references.Resolved, told: Told) -> Outcome:
        """Write all rows of the spool, each to its profile; ``told`` hears how many are done."""

    def column(self, name: str) -> str:
        """Return how the file calls a field."""
        return self.mapping.columns.get(name, name)

    def _check_constant(self, name: str, value: Any) -> None:
        try:
            self.readers[name](value)
        except Refusal as refusal:
            raise self.mapping.error(f"[constants] {name}", refusal.reason) from refusal
