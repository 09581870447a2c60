"""A local SMTP server that keeps every mail in a folder instead of delivering it."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from pusula.lib import clock, ids

MAX_BYTES = 20 * 2**20
_KEY = re.compile(r"[0-9]{16,20}-[A-Za-z0-9_-]{22}")


@dataclass(frozen=True)
class Caught:
    """One mail in the folder, as a list shows it."""

    key: str
    at: int
    sender: str
    to: str
    subject: str


@dataclass(frozen=True)
class CaughtMail:
    """One mail in full; ``headers`` in the order they came."""

    caught: Caught
    headers: list[tuple[str, str]]
    text: str
    html: str


@contextmanager
def catching(folder: Path, host: str, port: int) -> Iterator[int]:
    """Catch mails into ``folder`` while the block runs; give the port (0 asks for a free one)."""
    folder.mkdir(parents=True, exist_ok=True)
    listening = socket.create_server((host, port))
    loop = asyncio.new_event_loop()
    keeper = _Keeper(folder)

    def connection() -> SMTP:
        # With a name given, aiosmtpd does not ask the DNS for one.
        return SMTP(
            keeper, loop=loop, hostname="localhost", ident="Pusula mailbox",
            data_size_limit=MAX_BYTES,
        )  # fmt: skip

    server = loop.run_until_complete(loop.create_server(connection, sock=listening))
    thread = threading.Thread(target=loop.run_forever, name="mailbox", daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    talks = asyncio.all_tasks() - {asyncio.current_task()}
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


def mails(folder: Path, *, limit: int = 100) -> list[Caught]:
    """Return the newest mails of ``folder``, newest first."""
    names = sorted((f.name for f in folder.glob("*.eml")), reverse=True) if folder.is_dir() else []
    keys = [name.removesuffix(".eml") for name in names[:limit]]
    return [_summary(key, message) for key in keys if (message := _read(folder, key))]


def mail(folder: Path, key: str) -> CaughtMail | None:
    """Return the mail that ``key`` names, ``None`` if there is none."""
    message = _read(folder, key) if _KEY.fullmatch(key) else None
    if message is None:
        return None
    return CaughtMail(
        caught=_summary(key, message),
        headers=[(name, str(value)) for name, value in message.items()],
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


class _Keeper:
    """aiosmtpd's handler: writes each mail beside its place, then moves it there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        key = f"{clock.now()}-{ids.random_id()}"
        head = f"X-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n".encode("ascii", "replace")
        content = envelope.original_content or b""
        draft = self.folder / f"{key}.draft"
        draft.write_bytes(head + content)
        draft.rename(self.folder / f"{key}.eml")
        return f"250 2.0.0 kept as {key}"


def _read(folder: Path, key: str) -> EmailMessage | None:
    try:
        raw = (folder / f"{key}.eml").read_bytes()
    except OSError:
        return None
    return message_from_bytes(raw, policy=default)


def _summary(key: str, message: EmailMessage) -> Caught:
    return Caught(
        key=key,
        at=int(key.partition("-")[0]),
        sender=str(message["From"] or ""),
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return part.get_content() if part else ""
