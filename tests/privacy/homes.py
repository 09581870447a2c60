"""A home folder of its own with the real program in it, and a search through all its bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

CANARY = "kanarya"
EMAIL = f"{CANARY}.elif@ornek.com.tr"
PHONE = "+905329876541"
KEY = "kanarya-10027"
WORDS = (CANARY, "Kanarya", "KANARYA", "5329876541", "532 987 65 41")


class Home:
    """A home folder and the command line that works on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PUSULA_HOME": str(folder), "PYTHONUTF8": "1"}
        self.environment.pop("PUSULA_LAKE_URL", None)
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)

    def run(self, *arguments: str, given: str = "", is_good: bool = True) -> str:
        """Run ``pusula`` with ``arguments``; return what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "pusula.ops.main", *arguments],
            input=given, capture_output=True, text=True, check=False, env=self.environment,
        )  # fmt: skip
        assert (done.returncode == 0) == is_good, done.stdout + done.stderr
        return done.stdout + done.stderr

    def python(self, code: str) -> str:
        """Run ``code`` inside the program; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            capture_output=True, text=True, check=False,
            env={**self.environment, "DJANGO_SETTINGS_MODULE": "pusula.config.settings"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def killed(self, code: str) -> None:
        """Run ``code``, which kills its own process on the way."""
        done = subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            capture_output=True, check=False,
            env={**self.environment, "DJANGO_SETTINGS_MODULE": "pusula.config.settings"},
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr

    def write(self, name: str, text: str) -> Path:
        """Write a file beside the home and return it."""
        path = self.folder.with_name(name)
        path.write_text(text, encoding="utf-8")
        return path

    def holds(self, *words: str) -> list[str]:
        """Return where one of ``words`` stands: file by file, also packed ones, unpacked."""
        wanted = [word.encode() for word in words]
        return [
            f"{place}: {word.decode()}"
            for place, content in _contents(self.folder)
            for word in wanted
            if word in content
        ]


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        yield path.name, path.name.encode()
        content = path.read_bytes()
        yield str(path), content
        if path.suffix == ".parquet":
            yield f"{path} unpacked", repr(pq.read_table(path).to_pylist()).encode()
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path} {name}", archive.read(name)
        for at in range(len(content)):  # pages of imports are deflated inside the database
            if content[at : at + 2] == b"\x78\x01":
                try:
                    yield f"{path} at {at}", zlib.decompressobj().decompress(content[at:])
                except zlib.error:
                    continue
