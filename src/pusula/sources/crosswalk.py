"""The words of other systems in ours: one table per system, kept as data beside its adapter."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.lib.text import code_key


class UntranslatedError(PusulaError):
    """A system used a word that its crosswalk does not know."""

    code = "unknown_word"


@dataclass(frozen=True)
class Crosswalk:
    """The words of one system. Where no row stands, ``*`` does; without it a word is unknown.

    ``tables`` are ``status`` (to ``orders.machine.STATES``), ``cancel_reason`` (to
    ``CANCEL_REASONS``), ``board``, ``channel`` and whatever else the adapter asks for.
    """

    system: str
    tables: Mapping[str, Mapping[str, str]]

    def of(self, table: str, word: str | None) -> str:
        """Return our word for ``word``; empty for none.

        Raises ``UntranslatedError`` for an unknown word of a table without ``*``.
        """
        if word is None or not word.strip():
            return ""
        rows = self.tables[table]
        found = rows.get(code_key(word), rows.get("*"))
        if found is None:
            why = Saying(
                "%(system)s says %(word)s, which its crosswalk.toml does not know",
                {"system": self.system, "word": f"{word!r:.60}"},
            )
            raise UntranslatedError(placed(table, why))
        return word if found == "=" else found


@lru_cache(maxsize=16)
def load(system: str) -> Crosswalk:
    """Return the crosswalk of the adapter folder ``system``."""
    file = resources.files("pusula.sources") / system / "crosswalk.toml"
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    keyed = {
        name: {code_key(word): ours for word, ours in rows.items()} for name, rows in tables.items()
    }
    return Crosswalk(system, keyed)
