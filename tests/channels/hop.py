"""A mail server for tests: real sockets, scripted answers, and a word at every step."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_TOKEN = re.compile(rb"^Message-ID: <([^@>]+)@", re.MULTILINE)
_ADDRESS = re.compile(rb"<([^>]*)>")
DROP = b""  # an answer that ends the connection instead


@dataclass(frozen=True)
class Arrived:
    """A mail the hop said yes to, as it came over the wire without its final dot."""

    recipient: str
    token: str
    raw: bytes


Answer = Callable[[str, str], bytes | None]
Witness = Callable[[str, str], None]


class Hop:
    """Listens on loopback; ``answer(step, recipient)`` may give other replies than yes.

    Steps: ``connect mail rcpt data dot``. ``witness(step, recipient)`` is called before each
    reply, ``replied`` after that to the dot. Both run in the thread of the connection.
    """

    def __init__(
        self,
        answer: Answer | None = None,
        *,
        can_pipeline: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.tls = tls
        self.answer: Answer = answer or (lambda _step, _recipient: None)
        self.witness: Witness = lambda _step, _recipient: None
        self.can_pipeline = can_pipeline
        self.is_eager = False  # says 354 even to DATA without a recipient
        self.mails: list[Arrived] = []
        self.commands: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port: int = self._listening.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._talks: list[socket.socket] = []
        self._is_open = True
        self._door = threading.Thread(target=self._accept, daemon=True)
        self._door.start()

    @property
    def url(self) -> str:
        scheme = "smtps" if self.tls else "smtp"
        return f"{scheme}://127.0.0.1:{self.port}?name=test.example"

    def copies(self) -> Counter[str]:
        """How many mails each recipient got."""
        return Counter(mail.recipient for mail in self.mails)

    def settle(self) -> None:
        """Wait until everything that was sent has been read: every connection has ended."""
        for thread in self._threads:
            thread.join(timeout=30)
            assert not thread.is_alive(), "a connection to the hop is still open"

    def close(self) -> None:
        self._is_open = False
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for talk in self._talks:
            with suppress(OSError):
                talk.shutdown(socket.SHUT_RDWR)
        self._door.join()
        self.settle()

    def _accept(self) -> None:
        while self._is_open:
            try:
                talk, _ = self._listening.accept()
            except OSError:
                return
            talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._talk, args=(talk,), daemon=True)
            self._talks.append(talk)
            self._threads.append(thread)
            thread.start()

    def _talk(self, talk: socket.socket) -> None:
        with suppress(OSError), talk:
            if self.tls:
                talk = self.tls.wrap_socket(talk, server_side=True)
            with talk, talk.makefile("rb") as lines:
                _Conversation(self, talk, lines).run()


class _Conversation:
    """One connection; each method takes a command and returns whether to go on."""

    def __init__(self, hop: Hop, talk: socket.socket, lines: Iterator[bytes]) -> None:
        self.hop, self.talk, self.lines = hop, talk, lines
        self.has_sender = False
        self.recipient = ""
        self.said_yes = False

    def run(self) -> None:
        goes_on = self.reply("connect", "", b"220 test.example\r\n")
        while goes_on and (line := next(self.lines, b"")):
            word = line[:4].upper().decode("ascii", "replace").strip()
            if word not in {"EHLO", "HELO"}:
                self.hop.commands.append(line)
            take = getattr(self, f"take_{word.lower()}", self.take_other)
            goes_on = take(line)

    def take_ehlo(self, _line: bytes) -> bool:
        extra = b"250-PIPELINING\r\n" if self.hop.can_pipeline else b""
        return self.send(b"250-test.example\r\n" + extra + b"250 8BITMIME\r\n")

    def take_quit(self, _line: bytes) -> bool:
        return False

    def take_rset(self, _line: bytes) -> bool:
        self.has_sender, self.recipient = False, ""
        return self.send(b"250 2.0.0 reset\r\n")

    def take_mail(self, _line: bytes) -> bool:
        goes_on = self.reply("mail", "", b"250 2.1.0 ok\r\n")
        self.has_sender = self.said_yes
        return goes_on

    def take_rcpt(self, line: bytes) -> bool:
        if not self.has_sender:
            return self.send(b"503 5.5.1 no sender\r\n")
        found = _ADDRESS.search(line)
        asked = found.group(1).decode() if found else ""
        goes_on = self.reply("rcpt", asked, b"250 2.1.5 ok\r\n")
        self.recipient = asked if self.said_yes else ""
        return goes_on

    def take_data(self, _line: bytes) -> bool:
        if not self.recipient:
            if not self.hop.is_eager:
                return self.send(b"503 5.5.1 no recipient\r\n")
            self.recipient = "nobody"
        if not self.reply("data", self.recipient, b"354 go on\r\n"):
            return False
        return self.take_body() if self.said_yes else True

    def take_body(self) -> bool:
        body = []
        for line in self.lines:
            if line == b".\r\n":
                break
            body.append(line[1:] if line.startswith(b".") else line)
        else:
            return False
        raw = b"".join(body)
        token = _TOKEN.search(raw)
        mail = Arrived(self.recipient, token.group(1).decode() if token else "", raw)
        self.has_sender, self.recipient = False, ""
        goes_on = self.reply("dot", mail.recipient, b"250 2.0.0 queued\r\n", mail)
        self.hop.witness("replied", mail.recipient)
        return goes_on

    def take_other(self, _line: bytes) -> bool:
        return self.send(b"500 5.5.1 what\r\n")

    def reply(self, step: str, recipient: str, yes: bytes, mail: Arrived | None = None) -> bool:
        answer = self.hop.answer(step, recipient)
        reply = yes if answer is None else answer
        self.said_yes = reply[:1] in {b"2", b"3"}
        if mail is not None and (self.said_yes or reply == DROP):
            self.hop.mails.append(mail)  # a hop that drops behind the dot has the mail
        self.hop.witness(step, recipient)
        return self.send(reply)

    def send(self, reply: bytes) -> bool:
        if reply == DROP:
            return False
        self.talk.sendall(reply)
        return True


@contextmanager
def hop(
    answer: Answer | None = None, *, can_pipeline: bool = True, tls: ssl.SSLContext | None = None
) -> Iterator[Hop]:
    """Run a hop for the time of the block."""
    server = Hop(answer, can_pipeline=can_pipeline, tls=tls)
    try:
        yield server
    finally:
        server.close()
