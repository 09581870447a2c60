"""The files for analysts written in a process of their own, so that it outlives the request."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings


def start() -> None:
    """Begin to write the files as set; who writes them already is waited for."""
    subprocess.Popen(
        [sys.executable, "-m", "pusula.ops.main", "bi", "export"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PUSULA_HOME": str(settings.PUSULA_HOME)},
        start_new_session=True,
    )
