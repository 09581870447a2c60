"""A hotel system on a loopback port: what the simulators share."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class RefusedError(Exception):
    """An answer that is no 200."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(str(status))
        self.status, self.headers = status, headers


class Call:
    """One request as a simulator sees it."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        self.method = handler.command
        self.path = parts.path
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.headers = handler.headers
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def served(answer: Callable[[Call], Any]) -> Iterator[str]:
    """Serve ``answer`` and yield the address; what it returns goes out as JSON."""

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            status, headers, body = 200, {}, b""
            try:
                body = json.dumps(answer(Call(self))).encode()
            except RefusedError as refused:
                status, headers = refused.status, refused.headers
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _respond  # noqa: N815 - as the library calls them

        def log_message(self, *_told: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
