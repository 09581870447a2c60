"""A web site that uses a client: pages, the client's own files, and the headers asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

_KINDS = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript"}


class Shop:
    """Serves ``pages`` at the root and npm packages below ``/sdk/``, on an origin of its own."""

    def __init__(self, pages: Path, modules: Path, story: dict[str, Any]) -> None:
        self.headers: dict[str, str] = {}  # of every page, until changed
        self.words: dict[str, str] = {}  # what stands in pages for these names
        self._pages = pages
        self._modules = modules
        self._story = f"const story = {json.dumps(story)};\n"
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                shop.answer(self)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.server_port}"

    @contextmanager
    def open(self) -> Iterator[Shop]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def page(self, name: str, **asked: str) -> str:
        """Return the address of a page with what it is told in its query."""
        return f"{self.url}/{name}.html?{urlencode(asked)}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer with a file."""
        path = urlsplit(request.path).path
        file = self._modules / path[5:] if path.startswith("/sdk/") else self._pages / path[1:]
        if not file.is_file() or ".." in path:
            request.send_error(404)
            return
        body = file.read_bytes()
        if path == "/story.js":
            body = self._story.encode() + body
        if file.parent == self._pages:
            for name, value in self.words.items():
                body = body.replace(name.encode(), value.encode())
        request.send_response_only(200)
        request.send_header("Content-Type", f"{_KINDS[Path(path).suffix]}; charset=utf-8")
        request.send_header("Content-Length", str(len(body)))
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)
