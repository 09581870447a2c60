"""The other end: a mail server and a company that sends texts, with all they do wrong.

Both keep what they accepted, and when it was let go to them: that, and nothing else, is what
arrived. Bytes go through pipes in memory; the product's own connection code speaks to them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation import stage
from tests.simulation.company import SERVICE
from tests.simulation.stage import dice, watch

from pusula.channels.email.smtp import Server, TransportError
from pusula.channels.port import Outcome, Outgoing, Result

_TOKEN = re.compile(rb"^Message-ID: <([^@>]+)@", re.MULTILINE)


@dataclass(frozen=True)
class Arrived:
    """A message somebody has: its token, where it went, when it was let go (count and clock)."""

    token: str
    address: str
    let_go: int
    let_go_at: int
    channel: str
    is_commercial: bool


@dataclass
class Post:
    """What arrived anywhere, and the count of all that happened (in no unit)."""

    arrived: list[Arrived] = field(default_factory=list)
    count: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    has_faults: bool = False
    n_doubts: int = 0  # messages let go whose answer never came

    def tick(self) -> int:
        self.count += 1
        return self.count

    def fate(self, kinds: Sequence[tuple[int, str]]) -> str:
        """Draw what becomes of something; weights are per cent, the rest is well."""
        if self.has_faults:
            drawn = dice.roll.randrange(100)
            for weight, kind in kinds:
                drawn -= weight
                if drawn < 0:
                    self.seen[kind] += 1
                    return kind
        return ""


_AT_CONNECT = ((15, "refused connection"),)
_AT_MAIL = ((6, "4xx at the envelope"), (6, "no such mailbox"), (6, "hang-up before the body"))
_AT_DOT = (
    (7, "hang-up in the body"), (7, "4xx after the dot"), (5, "5xx after the dot"),
    (7, "lost before it was taken"), (7, "taken, and hung up"), (7, "taken, and silent"),
)  # fmt: skip


class Line:
    """One connection: our end is the socket of the product, the other end is the hop."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.is_over = False
        self.is_shut = False  # by us: what was sent before is still on its way
        self.is_silent = False
        self._to_us = b""
        self._heard = b""
        self._recipient = ""
        self._is_body = False
        self._body = b""
        self._let_go = (0, 0)
        self._fate = ""

    # The end that the product holds

    def setsockopt(self, *_option: Any) -> None:
        pass

    def setblocking(self, _is_blocking: bool) -> None:
        pass

    def close(self) -> None:
        self.is_shut = True

    def send(self, data: bytes) -> int:
        if self.is_over or self.is_shut:
            raise BrokenPipeError("broken pipe")
        if self._is_body and not self._body and not self._heard:
            self._let_go = (self.post.tick(), watch.utc)
        self._heard += bytes(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        if self._to_us:
            said, self._to_us = self._to_us[:size], self._to_us[size:]
            return said
        if self.is_over:
            return b""
        raise BlockingIOError

    @property
    def is_readable(self) -> bool:
        return bool(self._to_us) or self.is_over

    # The end that the hop holds

    @property
    def has_work(self) -> bool:
        return not self.is_over and not self.is_silent and bool(self._heard)

    def work(self) -> None:
        """Take in one line, or what there is of a body."""
        if self._is_body:
            self._take_body()
            return
        line, _, self._heard = self._heard.partition(b"\r\n")
        self._answer(line)

    def _say(self, reply: str) -> None:
        self._to_us += f"{reply}\r\n".encode()

    def _answer(self, line: bytes) -> None:
        verb = line[:4]
        if verb == b"MAIL":
            self._recipient = ""
            self._fate = self.post.fate(_AT_MAIL)
            if self._fate == "hang-up before the body":
                self.is_over = True
            elif self._fate == "4xx at the envelope":
                self._say("451 4.3.0 later")
            else:
                self._say("250 ok")
        elif verb == b"RCPT":
            self._take_recipient(line)
        elif verb == b"DATA":
            if self._recipient:
                self._is_body, self._body = True, b""
                self._fate = self.post.fate(_AT_DOT)
                self._say("354 go on")
            else:
                self._say("503 no recipient")
        elif verb == b"QUIT":
            self.is_over = True
        else:
            self._say("250 ok")

    def _take_recipient(self, line: bytes) -> None:
        if self._fate == "4xx at the envelope":
            self._say("503 no sender")
        elif self._fate == "no such mailbox":
            self._say("550 5.1.1 no such user here")
        else:
            self._recipient = line.split(b"<")[1].split(b">")[0].decode()
            self._say("250 ok")

    def _take_body(self) -> None:
        self._body += self._heard
        self._heard = b""
        if self._fate == "hang-up in the body":
            self.post.n_doubts += 1
            self.is_over = True
            return
        end = self._body.find(b"\r\n.\r\n")
        if end < 0:
            return
        self._heard = self._body[end + 5 :]
        self._is_body = False
        self._close_letter(self._body[:end])

    def _close_letter(self, body: bytes) -> None:
        fate = self._fate
        if fate == "4xx after the dot":
            self._say("451 4.7.1 later")
        elif fate == "5xx after the dot":
            self._say("554 5.6.0 not this one")
        elif fate == "lost before it was taken":
            self.post.n_doubts += 1
            self.is_over = True
        else:
            found = _TOKEN.search(body)
            assert found is not None, body
            token, is_commercial = found.group(1).decode(), SERVICE.encode() not in body
            mail = Arrived(token, self._recipient, *self._let_go, "email", is_commercial)
            self.post.arrived.append(mail)
            if fate:
                self.post.n_doubts += 1
            if fate == "taken, and hung up":
                self.is_over = True
            elif fate == "taken, and silent":
                self.is_silent = True
            else:
                self._say("250 2.0.0 taken")


class Hop:
    """The mail server: the lines that are open to it."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.lines: list[Line] = []

    def open(self, _server: Server) -> _Opened:
        """Answer to a call; what the product gets instead of an SMTP library's connection."""
        if self.post.fate(_AT_CONNECT):
            raise TransportError("hop:25 cannot be reached: refused")
        line = Line(self.post)
        self.lines.append(line)
        return _Opened(line, can_pipeline=dice.roll.random() < 0.5)

    def work(self) -> bool:
        """Do one thing on some line; return whether there was anything to do."""
        self.lines = [line for line in self.lines if line.has_work or not line.is_shut]
        busy = [line for line in self.lines if line.has_work]
        if busy:
            dice.roll.choice(busy).work()
        return bool(busy)


class _Opened:
    """What the product asks of a connection that smtplib has opened."""

    file = None

    def __init__(self, line: Line, *, can_pipeline: bool) -> None:
        self.sock = line
        self._can_pipeline = can_pipeline

    def has_extn(self, _name: str) -> bool:
        return self._can_pipeline


@dataclass
class _Key:
    data: Any


class Selector:
    """Waits on lines as the system's selector waits on sockets."""

    wait: Callable[[float, Callable[[], bool]], None]  # the company of actors puts its own here

    def __init__(self) -> None:
        self._lines: dict[Line, Any] = {}

    def register(self, line: Line, _events: int, data: Any) -> None:
        self._lines[line] = data

    def modify(self, line: Line, _events: int, data: Any) -> None:
        self._lines[line] = data

    def unregister(self, line: Line) -> None:
        del self._lines[line]

    def close(self) -> None:
        self._lines.clear()

    def select(self, timeout: float) -> list[tuple[_Key, int]]:
        Selector.wait(timeout, lambda: any(line.is_readable for line in self._lines))
        return [(_Key(data), 1) for line, data in self._lines.items() if line.is_readable]


_AT_TEXT = (
    (8, "text later"), (5, "no such number"), (5, "text rejected"),
    (8, "text lost"), (8, "text taken, and no answer"),
)  # fmt: skip


class Texts:
    """The company that sends texts: a provider like those of the product."""

    channel = "sms"
    name = "simulated"
    largest_batch = 3

    def __init__(self, post: Post, checkpoint: Callable[[str], None]) -> None:
        self._post = post
        self._checkpoint = checkpoint

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        """Take a batch as one request: let go at once, answered one by one."""
        let_go = (self._post.tick(), watch.utc)
        fates = [self._post.fate(_AT_TEXT) for _one in batch]
        for one, fate in zip(batch, fates, strict=True):
            if fate in {"", "text taken, and no answer"}:
                is_commercial = SERVICE not in one.text
                text = Arrived(one.token, one.address, *let_go, "sms", is_commercial)
                self._post.arrived.append(text)
        self._checkpoint("the answer of a provider")
        for one, fate in zip(batch, fates, strict=True):
            yield self._outcome(one, fate)

    def _outcome(self, one: Outgoing, fate: str) -> Outcome:
        match fate:
            case "text later":
                return Outcome(one.id, Result.LATER, after_s=60)
            case "no such number":
                return Outcome(one.id, Result.BAD_ADDRESS)
            case "text rejected":
                return Outcome(one.id, Result.REJECTED)
            case "":
                return Outcome(one.id, Result.ACCEPTED, provider_id=f"t{one.id}")
        self._post.n_doubts += 1
        return Outcome(one.id, Result.DOUBT, words="no answer")

    def close(self) -> None:
        pass


def plug_in(hop: Hop, smtp: Any) -> None:
    """Let the product's connections lead to ``hop``."""
    smtp._opened = hop.open


assert stage.HOME  # the stage comes first
