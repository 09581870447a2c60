"""Runs a command against a private PostgreSQL server that lives as long as the command.

``python tests/with_postgres.py -- COMMAND ...`` makes a cluster in a temporary folder, sets
``PUSULA_DATABASE_URL`` and passes on the command's exit status. Where no server program is
installed it says so and exits 0.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OLDEST = 15


def server_programs() -> Path | None:
    """Return the newest folder with initdb and postgres, or ``None``."""
    found = sorted(
        (int(folder.parent.name), folder)
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if (folder / "initdb").exists() and folder.parent.name.isdigit()
    )
    if found and found[-1][0] >= OLDEST:
        return found[-1][1]
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def main() -> int:
    """Start the server, run the command behind ``--``, stop the server."""
    command = sys.argv[sys.argv.index("--") + 1 :]
    programs = server_programs()
    if programs is None:
        print(
            "SKIPPED: the tests on PostgreSQL need its server (Debian: apt-get install postgresql)"
        )
        return 0
    with tempfile.TemporaryDirectory(prefix="pusula-pg-") as folder:
        return run(programs, Path(folder), command)


def run(programs: Path, folder: Path, command: list[str]) -> int:
    """Run ``command`` against a fresh cluster in ``folder``."""
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    as_user = "postgres" if os.geteuid() == 0 else None
    if as_user:
        owner = pwd.getpwnam(as_user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "pusula", "-A", "trust", "-E", "UTF8",
         "--locale=C.UTF-8", "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, user=as_user, cwd=folder,
    )  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), "-k", folder,
         "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=60"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=as_user, cwd=folder,
    )  # fmt: skip
    try:
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
        for _ in range(60):
            if subprocess.run(ready, check=False).returncode == 0:
                break
            time.sleep(0.25)
        url = f"postgresql://pusula@127.0.0.1:{port}/postgres"
        return subprocess.run(
            command, check=False, env={**os.environ, "PUSULA_DATABASE_URL": url}
        ).returncode
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown
        server.wait(30)


if __name__ == "__main__":
    sys.exit(main())
