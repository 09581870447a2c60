"""A bad line to the server: a proxy that refuses, repeats and loses answers, as it is told."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# What becomes of a request that carries messages.
PASS = "pass"
REFUSE = "503"  # never reaches the server
SLOW_DOWN = "429"  # the same, with a time to wait
LOSE = "lose"  # the server has it and answers; the client never hears that
TWICE = "twice"  # the server gets it twice
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Trouble:
    """A proxy in front of ``target``; the n-th POST meets the n-th of ``plan``, then all pass."""

    def __init__(self, target: str, plan: Iterable[str]) -> None:
        self.met: Counter[str] = Counter()
        self._target = urlsplit(target)
        self._plan = iter(plan)
        self._turn = threading.Lock()
        trouble = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                trouble.relay(self, PASS)

            do_OPTIONS = do_GET  # noqa: N815 - the library's name

            def do_POST(self) -> None:
                trouble.relay(self, trouble.next())

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def open(self) -> Iterator[Trouble]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def next(self) -> str:
        """Return what becomes of the next POST, and count it."""
        with self._turn:
            act = next(self._plan, PASS)
            self.met[act] += 1
            return act

    def relay(self, request: BaseHTTPRequestHandler, act: str) -> None:
        """Answer ``request`` as ``act`` says."""
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        if act in {REFUSE, SLOW_DOWN}:
            headers = [("Retry-After", "1")] if act == SLOW_DOWN else []
            origin = request.headers.get("Origin", "*")
            headers.append(("Access-Control-Allow-Origin", origin))
            self._answer(request, int(act), headers, b'{"success": false}')
            return
        for _time in range(2 if act == TWICE else 1):
            status, headers, answer = self._pass_on(request, body)
        if act == LOSE:
            request.close_connection = True
            request.connection.close()
            return
        self._answer(request, status, headers, answer)

    def _pass_on(
        self, request: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        host, port = str(self._target.hostname), self._target.port
        server = http.client.HTTPConnection(host, port, timeout=60)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
        try:
            server.request(request.command, request.path, body or None, headers)
            answer = server.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            server.close()

    @staticmethod
    def _answer(
        request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes
    ) -> None:
        request.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
