"""Which database holds the log: on SQLite a file of its own, else the one with all the rest.

A second busy writer on the same SQLite file would halve what comes in.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

# The name under which the log is reached: a connection of its own, whichever database it is.
LOG = "log"
_TABLES = frozenset({"loghead", "logentry"})


class LogRouter:
    """Sends the log's tables to the log's database."""

    def db_for_read(self, model: type[Model], **_hints: Any) -> str | None:
        """Return where ``model`` is read."""
        meta = model._meta  # noqa: SLF001 - Django's own name for it
        return LOG if self._is_log(meta.app_label, meta.model_name) else None

    def db_for_write(self, model: type[Model], **_hints: Any) -> str | None:
        """Return where ``model`` is written."""
        return self.db_for_read(model)

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **_hints: Any
    ) -> bool:
        """Say whether a table stands in the database ``db``."""
        has_own_file = str(settings.DATABASES[LOG]["ENGINE"]).endswith("sqlite3")
        place = LOG if has_own_file and self._is_log(app_label, model_name) else DEFAULT_DB_ALIAS
        return db == place

    def _is_log(self, app_label: str, model_name: str | None) -> bool:
        return app_label == "pipeline" and model_name in _TABLES
