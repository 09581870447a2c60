"""A server on loopback that answers as a simulator says, or misbehaves as the contract asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Told:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Answering = Callable[[Asked], Told]


@dataclass
class Behaviour:
    """How the server treats the next requests; ``manner`` is a word of ``Handler`` below."""

    answer: Answering
    manner: str = "good"
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:  # noqa: C901 - the handler is inside
    """Give the address of a server that behaves so while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, self.rfile.read(length))
            behaviour.asked.append(asked)
            getattr(self, f"_{behaviour.manner}")(asked)

        do_GET = do_POST = _take  # noqa: N815 - the library asks for these

        def _good(self, asked: Asked) -> None:
            self._say(behaviour.answer(asked))

        def _say(self, told: Told) -> None:
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def _silent(self, _asked: Asked) -> None:
            behaviour.over.wait(30)
            self.close_connection = True

        def _hangup(self, _asked: Asked) -> None:
            self.close_connection = True

        def _drip(self, _asked: Asked) -> None:
            """Send a byte now and then: each comes in time, all of them never do."""
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not behaviour.over.wait(0.05):
                try:
                    self.wfile.write(b"x")
                except OSError:
                    break
            self.close_connection = True

        def _garbage(self, _asked: Asked) -> None:
            self._say(Told(200, b"<html>\xff\x00 not what you think"))

        def _flood(self, _asked: Asked) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
            try:
                while not behaviour.over.is_set():
                    self.wfile.write(b" " * 65_536)
            except OSError:
                pass
            self.close_connection = True

        def _redirect(self, asked: Asked) -> None:
            self._say(Told(307, b"", {"Location": f"{asked.path}?again=1"}))

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that hangs up, or is killed, is no news
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        behaviour.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
