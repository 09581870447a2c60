"""Erasures carried out in a process of their own, so that they outlive the request."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings


def start() -> None:
    """Begin to carry out all erasures that wait; one that is under way is waited for."""
    subprocess.Popen(
        [sys.executable, "-m", "pusula.ops.main", "privacy", "resume"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PUSULA_HOME": str(settings.PUSULA_HOME)},
        start_new_session=True,
    )
