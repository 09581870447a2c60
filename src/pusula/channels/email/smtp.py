"""SMTP with a seam before the final dot: envelope first, then the body when the caller says so.

A ``Pool`` holds open connections and never blocks once they are open. The caller gives an idle
connection an envelope (``begin``), hears from ``poll`` that the hop would take it (``Ready``),
decides, and only then lets the body go (``finish``). Between ``finish`` and the hop's reply a
message is in doubt; ``Lost`` says whether its final dot had left this process.
"""

from __future__ import annotations

import selectors
import smtplib
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import parse_qs, unquote, urlsplit

from pusula.channels.email.mime import Stuffed
from pusula.channels.email.replies import Reply, Step
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying

CONNECT_TIMEOUT_S = 20.0
_CHUNK = 65_536
_MAX_REPLY = 64 * 1024  # bytes; a hop that says more is broken or hostile
_GO_AHEAD = 354
_MOST_WORDS = 200  # of what the hop says, in an error
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class TransportError(PusulaError):
    """The next hop cannot be reached, or will not let us in."""

    code = "transport"
    status = 503


@dataclass(frozen=True)
class Server:
    """Where mail goes, as ``PUSULA_SMTP_URL`` says it.

    ``smtp://user:password@host:587?starttls=1`` or ``smtps://user:password@host``; further
    parameters: ``connections`` (how many at once), ``timeout`` (seconds of silence until a
    connection is given up), ``ca`` (file of trusted certificates), ``name`` (ours, for EHLO).
    """

    host: str
    port: int
    tls: str = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    n_connections: int = 8
    timeout_s: float = 300.0
    ca: str = ""
    name: str = ""

    @classmethod
    def of(cls, url: str) -> Server:
        """Return the server that ``url`` names; raise ``TransportError`` if it names none."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise TransportError(
                "PUSULA_SMTP_URL is not an SMTP address: use smtp://user:password@host:587?starttls=1"
            )
        given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        starttls = given.pop("starttls", "0") not in {"0", "no", "false"}
        tls = "tls" if parts.scheme == "smtps" else "starttls" if starttls else "none"
        default_port = {"none": 25, "starttls": 587, "tls": 465}[tls]
        try:
            server = cls(
                host=parts.hostname,
                port=parts.port or default_port,
                tls=tls,
                user=unquote(parts.username or ""),
                password=unquote(parts.password or ""),
                n_connections=int(given.pop("connections", "8")),
                timeout_s=float(given.pop("timeout", "300")),
                ca=given.pop("ca", ""),
                name=given.pop("name", ""),
            )
        except ValueError as error:
            raise TransportError(f"PUSULA_SMTP_URL: {error}") from error
        if given:
            raise TransportError(f"PUSULA_SMTP_URL: unknown parameter {min(given)}")
        if server.user and tls == "none" and server.host not in _LOOPBACK:
            raise TransportError(
                "PUSULA_SMTP_URL would send the password readable: use smtps:// or ?starttls=1"
            )
        return server


@dataclass(frozen=True)
class Envelope:
    """Who a mail goes to on the wire, and ``key``: the caller's name for it."""

    key: int
    sender: str
    recipient: str


@dataclass(frozen=True)
class Ready:
    """The hop would take the message of ``key``: the body may go now, or never."""

    connection: Connection
    key: int


@dataclass(frozen=True)
class Refused:
    """The hop said no, or later, before the body."""

    connection: Connection
    key: int
    step: Step
    reply: Reply


@dataclass(frozen=True)
class Answered:
    """The hop's reply to the final dot."""

    connection: Connection
    key: int
    reply: Reply


@dataclass(frozen=True)
class Lost:
    """A connection ended.

    ``begun`` never got its body; ``in_doubt`` may have arrived if its dot left.
    """

    connection: Connection
    error: str
    begun: int | None
    in_doubt: int | None
    dot_left: bool


Happening = Ready | Refused | Answered | Lost


class _Expected(Enum):
    """Which reply comes next."""

    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    DOT = auto()
    VOID = auto()  # the answer to the RSET after a refusal; says nothing


_STEPS = {
    _Expected.MAIL: Step.MAIL,
    _Expected.RCPT: Step.RCPT,
    _Expected.DATA: Step.DATA,
}
_NODS = frozenset({_Expected.MAIL, _Expected.RCPT})


class Connection:
    """One open connection: at most one message begun and one in doubt at a time."""

    def __init__(self, server: Server) -> None:
        """Connect, say hello and sign in; raise ``TransportError``. Blocks until then."""
        opened = _opened(server)
        self.can_pipeline = opened.has_extn("pipelining")
        self._is_secret = server.tls != "none"
        assert opened.sock is not None  # noqa: S101 - smtplib's types do not know it is open
        self.socket: socket.socket = opened.sock
        if opened.file is not None:
            opened.file.close()  # from here on we read by ourselves
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self.timeout_s = server.timeout_s
        self.last_heard = time.monotonic()
        self.begun: Envelope | None = None
        self.in_doubt: int | None = None
        self._refused: tuple[Step, Reply] | None = None
        self._expected: deque[_Expected] = deque()
        self._received = b""
        self._lines: list[bytes] = []
        self._unsent = bytearray()
        self._until_dot = 0  # bytes of ``_unsent`` up to and with the final dot
        self._fault = ""  # what ends the connection once the last happening was told
        self.watched = selectors.EVENT_READ  # what its pool waits for

    @property
    def is_idle(self) -> bool:
        """Whether an envelope may begin: always one at a time, behind a dot if pipelining."""
        if self.begun is not None or self._refused is not None:
            return False
        waits = [e for e in self._expected if e is not _Expected.DOT]
        return not waits and (self.in_doubt is None or self.can_pipeline)

    @property
    def is_unused(self) -> bool:
        """Whether nothing of ours is under way here."""
        return not self._expected and self.begun is None and self.in_doubt is None

    @property
    def is_silent(self) -> bool:
        """Whether the hop owes an answer and has been silent for too long."""
        return bool(self._expected) and time.monotonic() - self.last_heard > self.timeout_s

    @property
    def dot_left(self) -> bool:
        """Whether the whole of the body in doubt has left this process."""
        return self._until_dot == 0

    def begin(self, envelope: Envelope) -> None:
        """Send the envelope; ``Ready`` or ``Refused`` will follow."""
        self.begun = envelope
        self._mark_busy()
        first = f"MAIL FROM:<{envelope.sender}>\r\n"
        if self.can_pipeline:
            self._expected += (_Expected.MAIL, _Expected.RCPT, _Expected.DATA)
            self._say(f"{first}RCPT TO:<{envelope.recipient}>\r\nDATA\r\n".encode("ascii"))
        else:
            self._expected.append(_Expected.MAIL)
            self._say(first.encode("ascii"))

    def finish(self, body: bytes) -> None:
        """Take the body with its final dot, which is not doubled twice: the point of no return.

        It leaves with the next envelope, in one piece, or at the next ``flush``.
        """
        assert self.begun is not None  # noqa: S101 - the caller answers a Ready
        self.in_doubt, self.begun = self.begun.key, None
        self._expected.append(_Expected.DOT)
        self._mark_busy()
        self._unsent += body if isinstance(body, Stuffed) else stuffed(body)
        self._until_dot = len(self._unsent)

    def close(self) -> None:
        """Close the socket; nothing more can be sent or heard."""
        with suppress(OSError):
            self.socket.close()

    def quit(self) -> None:
        """Say goodbye and close."""
        with suppress(OSError):
            self._say(b"QUIT\r\n")
        self.close()

    def flush(self) -> None:
        """Send what the socket takes now; raise ``OSError`` if it is broken."""
        while self._unsent:
            try:
                n_sent = self.socket.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return
            del self._unsent[:n_sent]
            self._until_dot = max(0, self._until_dot - n_sent)

    @property
    def wants_to_send(self) -> bool:
        """Whether bytes wait for the socket."""
        return bool(self._unsent)

    def hear(self) -> Iterator[Happening]:
        """Read what came and yield what it means; raise ``OSError`` when the connection is over."""
        while chunk := self._read():
            self.last_heard = time.monotonic()
            *lines, self._received = (self._received + chunk).split(b"\n")
            if len(self._received) > _MAX_REPLY:
                raise ConnectionError("the hop talks without end")
            for line in lines:
                happening = self._take_line(line)
                if happening is not None:
                    yield happening
                if self._fault:
                    raise ConnectionError(self._fault)
            if len(chunk) < _CHUNK and not self._is_secret:
                return  # there is no more; where the wire is secret only the socket knows

    def _read(self) -> bytes:
        try:
            chunk = self.socket.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        if not chunk:
            raise ConnectionError("the hop closed the connection")
        return chunk

    def _take_line(self, line: bytes) -> Happening | None:
        if self._is_nod(line):
            self._expected.popleft()
            return None
        self._lines.append(line)
        if line[3:4] == b"-" and len(self._lines) < 100:  # noqa: PLR2004 - no sane reply is longer
            return None
        texts = [part[4:].decode("utf-8", "replace").strip() for part in self._lines]
        code = line[:3]
        self._lines = []
        if not code.isdigit():
            raise ConnectionError(f"not an SMTP reply: {line[:80]!r}")
        return self._take(Reply(int(code), " ".join(texts).strip()))

    def _is_nod(self, line: bytes) -> bool:
        """Return whether ``line`` only says yes to a part of an envelope: most replies do."""
        return (
            line.startswith(b"250 ")
            and self.can_pipeline
            and bool(self._expected)
            and self._expected[0] in _NODS
            and not self._lines
        )

    def _take(self, reply: Reply) -> Happening | None:
        if not self._expected:
            # 421: the hop is about to close. Nothing of ours is in its hands.
            raise ConnectionError(str(reply))
        expected = self._expected.popleft()
        if expected is _Expected.DOT:
            key, self.in_doubt = self.in_doubt, None
            assert key is not None  # noqa: S101 - set when the dot was sent
            return Answered(self, key, reply)
        if expected in _STEPS:
            return self._take_envelope(expected, reply)
        return None

    def _take_envelope(self, expected: _Expected, reply: Reply) -> Happening | None:
        """Take one of the envelope's replies; act when the last of them is in."""
        is_good = reply.code == _GO_AHEAD if expected is _Expected.DATA else reply.code < 400  # noqa: PLR2004
        if not is_good and self._refused is None:
            self._refused = (_STEPS[expected], reply)
        if not self.can_pipeline and expected is not _Expected.DATA and self._refused is None:
            self._say_next(expected)
            return None
        is_last = expected is _Expected.DATA or not self.can_pipeline
        if not is_last:
            return None
        assert self.begun is not None  # noqa: S101 - replies follow what was begun
        if self._refused is None:
            return Ready(self, self.begun.key)
        (step, refusal), key = self._refused, self.begun.key
        self._refused, self.begun = None, None
        if expected is _Expected.DATA and is_good:
            # It said no and waits for a body all the same; whatever we sent it might deliver.
            self._fault = "the hop wants a body it has no recipient for"
        else:
            self._expected.append(_Expected.VOID)
            with self._told_first():
                self._say(b"RSET\r\n")
        return Refused(self, key, step, refusal)

    @contextmanager
    def _told_first(self) -> Iterator[None]:
        """Keep a broken wire to ourselves until what was heard is told."""
        try:
            yield
        except OSError as error:
            self._fault = str(error)

    def _say_next(self, done: _Expected) -> None:
        assert self.begun is not None  # noqa: S101 - replies follow what was begun
        if done is _Expected.MAIL:
            self._expected.append(_Expected.RCPT)
            self._say(f"RCPT TO:<{self.begun.recipient}>\r\n".encode("ascii"))
        else:
            self._expected.append(_Expected.DATA)
            self._say(b"DATA\r\n")

    def _say(self, data: bytes) -> None:
        self._unsent += data
        self.flush()

    def _mark_busy(self) -> None:
        """Start the clock of silence when the hop owed nothing until now."""
        if len(self._expected) <= 1:
            self.last_heard = time.monotonic()


class Pool:
    """Open connections to one server, waited on together."""

    def __init__(self, server: Server) -> None:
        """Open nothing yet."""
        self.server = server
        self.connections: list[Connection] = []
        self._selector = selectors.DefaultSelector()
        self._broken: list[tuple[Connection, str]] = []

    def connect(self) -> Connection:
        """Open one more connection; raise ``TransportError``."""
        connection = Connection(self.server)
        self.connections.append(connection)
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        return connection

    def idle(self) -> list[Connection]:
        """Return the connections that can begin a message."""
        return [connection for connection in self.connections if connection.is_idle]

    def begin(self, connection: Connection, envelope: Envelope) -> None:
        """Begin a message; if the connection is broken ``poll`` will tell."""
        try:
            connection.begin(envelope)
        except OSError as error:
            self._broken.append((connection, str(error)))

    def finish(self, connection: Connection, body: bytes) -> None:
        """Let the body go, at the latest with the next ``poll``, which tells of what is broken."""
        connection.finish(body)

    def let_go(self) -> None:
        """Send what waits for no further envelope; ``poll`` tells of what is broken."""
        for connection in self.connections:
            self._let_go(connection)

    def drop(self, connection: Connection) -> None:
        """Close a connection whose message must not go: without its dot nothing was sent."""
        self._forget(connection)

    def poll(self, timeout_s: float) -> list[Happening]:
        """Wait up to ``timeout_s`` for something to happen and return all that did."""
        self.let_go()
        happened: list[Happening] = []
        for key, _ in self._selector.select(0 if self._broken else timeout_s):
            connection = key.data
            try:
                connection.flush()
                for happening in connection.hear():
                    happened.append(happening)  # noqa: PERF402 - kept when the next one raises
            except OSError as fault:
                self._broken.append((connection, str(fault)))
        for connection in self.connections:
            if connection.is_silent:
                self._broken.append((connection, "the hop did not answer in time"))
        while self._broken:
            connection, error = self._broken.pop()
            if connection in self.connections:  # it may have broken twice
                happened.append(self._lost(connection, error))
        return happened

    def _let_go(self, connection: Connection) -> None:
        """Send what waits for no further envelope, and watch the connection for what it needs."""
        try:
            if connection.wants_to_send:
                connection.flush()
        except OSError as error:
            self._broken.append((connection, str(error)))
            return
        events = selectors.EVENT_READ
        if connection.wants_to_send:
            events |= selectors.EVENT_WRITE
        if events != connection.watched:
            self._selector.modify(connection.socket, events, connection)
            connection.watched = events

    def close_idle(self, after_s: float) -> None:
        """Say goodbye on the connections that have had nothing to do for ``after_s``."""
        since = time.monotonic() - after_s
        for connection in list(self.connections):
            if connection.is_unused and connection.last_heard < since:
                connection.quit()
                self._forget(connection)

    def close(self) -> None:
        """Say goodbye on every connection."""
        for connection in list(self.connections):
            connection.quit()
            self._forget(connection)
        self._selector.close()

    def _lost(self, connection: Connection, error: str) -> Lost:
        self._forget(connection)
        begun = connection.begun.key if connection.begun else None
        return Lost(connection, error, begun, connection.in_doubt, connection.dot_left)

    def _forget(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
            self._selector.unregister(connection.socket)
        connection.close()


def stuffed(body: bytes) -> bytes:
    """Return ``body`` as DATA wants it: lone CR and LF gone, dots doubled, the final dot behind."""
    body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    if body.startswith(b"."):
        body = b"." + body
    return body.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _opened(server: Server) -> smtplib.SMTP:
    """Return a connection that is greeted and signed in; raise ``TransportError``."""
    where = f"{server.host}:{server.port}"
    name = server.name or socket.gethostname()
    try:
        tls = None if server.tls == "none" else ssl.create_default_context(cafile=server.ca or None)
        if server.tls == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, name, timeout=CONNECT_TIMEOUT_S, context=tls
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, name, timeout=CONNECT_TIMEOUT_S)
        smtp.ehlo_or_helo_if_needed()
        if server.tls == "starttls":
            smtp.starttls(context=tls)
            smtp.ehlo()
        if server.user:
            smtp.login(server.user, server.password)
    except smtplib.SMTPAuthenticationError as error:
        raise TransportError(
            Saying("%(where)s does not accept user and password: %(words)s",
                   {"where": where, "words": str(error)[:_MOST_WORDS]})
        ) from error  # fmt: skip
    except (OSError, smtplib.SMTPException) as error:
        raise TransportError(
            Saying("%(where)s cannot be reached: %(words)s",
                   {"where": where, "words": str(error)[:_MOST_WORDS]})
        ) from error  # fmt: skip
    return smtp
