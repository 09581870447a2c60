"""The worker that brings new definitions to be shown: previews, and publishes if confirmed."""

from __future__ import annotations

import os
import socket
import threading

from pusula.segments.publishing import publication

PAUSE_S = 1.0


class Worker:
    """Works on one publication after another, beside live steps and other workers."""

    def __init__(self) -> None:
        self.owner = f"{socket.gethostname()}:{os.getpid()}"
        self._stopped = threading.Event()

    def run(self, *, once: bool = False) -> None:
        """Work until stopped; ``once``: until nothing is left to do."""
        while not self._stopped.is_set():
            if not work_once(self.owner):
                if once:
                    return
                self._stopped.wait(PAUSE_S)

    def stop(self) -> None:
        """End after the publication that is being worked on."""
        self._stopped.set()


def work_once(owner: str) -> bool:
    """Do the next piece of work as ``owner``; return whether there was any."""
    return publication.work_once(owner)
