"""A process that imports a file and, before its n-th statement, kills itself with -9.

Arguments: kind, file, mapping, n. With n = 0 it survives a dry run and prints how many statements
there were.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django


def main(kind: str, file: str, mapping: str, last: str) -> None:
    django.setup()
    from django.db import connection  # noqa: PLC0415 - only in a process of its own

    from pusula.sources.actions import run_import  # noqa: PLC0415

    n = 0

    def count(execute: Callable[..., Any], *call: Any) -> Any:
        nonlocal n
        n += 1
        if n == int(last):
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*call)

    with connection.execute_wrapper(count):
        run_import(kind, Path(file), Path(mapping), dry_run=last == "0")
    print(n)


if __name__ == "__main__":
    main(*sys.argv[1:])
