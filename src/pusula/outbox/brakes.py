"""What stops a sender, of whatever channel: the file in its home, and a hop that refuses us."""

from __future__ import annotations

from pathlib import Path

from pusula.outbox.registry import RUN_FOLDER

LOOK_S = 0.5  # how often an idle sender looks for due messages, and any one for a pause
STOP_FILE = "stop-sending"  # in HOME/run: stops every sender of this home, database or not
POLICY_HOLD = "policy"  # the reason of a hold after a hop said that it refuses us


def is_stopped(home: Path) -> bool:
    """Return whether nobody may send from ``home``."""
    return (home / RUN_FOLDER / STOP_FILE).exists()
