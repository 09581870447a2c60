"""A company at work: commands typed, messages of its systems, mails that arrive."""

from __future__ import annotations

import contextlib
import datetime as dt
import email
import email.policy
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import time_machine
from click.testing import CliRunner, Result
from tests.api.intake import SERVER, Api

from pusula.channels.email.catcher import catching
from pusula.ops.main import cli
from pusula.pipeline import appender

START = dt.datetime(2026, 6, 1, 9, tzinfo=dt.UTC)  # a Monday, noon in Istanbul
_numbers = itertools.count()


@dataclass
class Company:
    """What its people type, what its systems tell, and the mailbox of its customers."""

    folder: Path
    mailbox: Path
    api: Api = field(default_factory=Api)
    read: set[str] = field(default_factory=set)

    def pusula(self, *arguments: str) -> Result:
        """Type a command; it must succeed."""
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result

    @contextlib.contextmanager
    def day(self, days: float) -> Iterator[None]:
        """Let it be so many days after the start."""
        with time_machine.travel(START + dt.timedelta(days), tick=True):
            yield

    def tell(self, *lines: dict[str, Any], source: str = "pms") -> None:
        """Append lines to the log as a system of the company does."""
        file = self.folder / f"lines-{next(_numbers)}.jsonl"
        numbered = ({"id": str(next(_numbers)), **line} for line in lines)
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in numbered)
        file.write_text(text + "\n", encoding="utf-8")
        self.pusula("events", "append", str(file), "--source", source)

    def track(self, *messages: dict[str, Any]) -> None:
        """Send messages to the tracking API, as a program of the site does."""
        batch = [{"type": "track", "messageId": f"m{next(_numbers)}", **one} for one in messages]
        answer = self.api.post("/v1/batch", {"batch": batch}, key=SERVER)
        assert answer.status == 200, answer.body
        appender.append(self.api.log.entries)
        self.api.log.entries.clear()

    def work(self) -> list[EmailMessage]:
        """Let the live step and the sender do what is to be done; return the mails that came."""
        self.pusula("live", "--once")
        self.pusula("sender", "run", "--once")
        files = [f for f in sorted(self.mailbox.rglob("*.eml")) if f.name not in self.read]
        self.read |= {f.name for f in files}
        return [
            email.message_from_bytes(f.read_bytes(), policy=email.policy.default)  # type: ignore[misc]
            for f in files
        ]

    def go_live(self, pack: str, flavour: str, language: str) -> str:
        """Take a ready scenario over and publish it; return the key of its journey."""
        said = ("--flavour", flavour, "--language", language, "--site", "https://lodos.example/")
        self.pusula("journeys", "packs", "add", pack, *said)
        (draft,) = json.loads(self.pusula("journeys", "list", "--json").output)
        assert draft["state"] == "draft"
        assert "1" in self.pusula("journeys", "publish", draft["journey"]).output
        return str(draft["journey"])


@contextlib.contextmanager
def at_work(folder: Path, settings: Any) -> Iterator[Company]:
    """Give a company whose mails are caught by a real SMTP server."""
    mailbox = folder / "mailbox"
    settings.PUSULA_HOME = folder / "home"
    settings.PUSULA_HOME.mkdir()
    with catching(mailbox, "127.0.0.1", 0) as port:
        settings.PUSULA_SMTP_URL = f"smtp://127.0.0.1:{port}"
        yield Company(folder, mailbox)
