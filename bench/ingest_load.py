"""The load of ``bench/ingest.py``: keep-alive connections that send events and time the answers.

``python bench/ingest_load.py URL KEY --seconds 5 --connections 64 --batch 1`` prints one line of
JSON. One request is under way on each connection, nothing is pipelined. It renders as little as it
can, and says how much of a core that took: the server has the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import time
from typing import Any
from urllib.parse import urlsplit

EVENT = (
    '{"type":"track","event":"Hotel Searched","messageId":"%s","anonymousId":"3f1c0a52-%07d",'
    '"timestamp":"2026-05-31T10:00:00.000Z","properties":{"destination":"Bodrum","nights":7,'
    '"adults":2,"check_in":"2026-07-04","board":"ai","price":41250.5},"context":{"locale":"tr-TR",'
    '"page":{"path":"/ara","url":"https://www.example.com/ara?q=bodrum","title":"Otel ara"},'
    '"library":{"name":"analytics.js","version":"1.84.3"}}}'
)


class Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, load: Load, number: int) -> None:
        self.load = load
        self.number = number
        self.n = 0
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Send the first request."""
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send the next request."""
        self.n += 1
        self.sent_at = time.perf_counter()
        self.transport.write(self.load.request(self.number, self.n))

    def data_received(self, data: bytes) -> None:
        """Note the answer; go on, or end."""
        load = self.load
        now = time.perf_counter()
        # One request is under way, and its answer comes in one piece.
        load.count(data[9:12], now - self.sent_at)
        if now < load.end_at:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """End the run with the last connection."""
        self.load.n_open -= 1
        if not self.load.n_open:
            self.load.done.set()


class Load:
    """What is sent, and what came back."""

    def __init__(self, given: argparse.Namespace) -> None:
        parts = urlsplit(given.url)
        self.host, self.port = str(parts.hostname), parts.port
        self.given = given
        self.mark = f"{time.time_ns():x}"
        basic = base64.b64encode(f"{given.key}:".encode()).decode()
        self.head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Basic {basic}\r\nContent-Type: application/json\r\nContent-Length: "
        )
        self.times: list[float] = []
        self.statuses: dict[str, int] = {}
        self.n_open = given.connections
        self.done = asyncio.Event()

    def request(self, number: int, n: int) -> bytes:
        """Return request ``n`` of a connection: every event has an id of its own."""
        if self.given.batch == 1:
            body = EVENT % (f"{self.mark}-{number}-{n}", n % 9_999)
        else:
            events = [
                EVENT % (f"{self.mark}-{number}-{n}-{k}", (n + k) % 9_999)
                for k in range(self.given.batch)
            ]
            body = '{"batch":[' + ",".join(events) + "]}"
        return f"{self.head}{len(body)}\r\n\r\n{body}".encode()

    def count(self, status: bytes, seconds: float) -> None:
        """Note an answer."""
        told = status.decode()
        self.statuses[told] = self.statuses.get(told, 0) + 1
        self.times.append(seconds)

    async def run(self) -> dict[str, Any]:
        """Send for as long as asked; return the figures."""
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        self.end_at = began + self.given.seconds
        cpu = time.process_time()
        for number in range(self.given.connections):
            await loop.create_connection(
                lambda number=number: Connection(self, number), self.host, self.port
            )
        await self.done.wait()
        took = time.perf_counter() - began
        times = sorted(self.times)
        n = self.statuses.get("200", 0)
        return {
            "requests_per_s": round(n / took),
            "events_per_s": round(n * self.given.batch / took),
            "p50_ms": round(1e3 * times[len(times) // 2], 1),
            "p99_ms": round(1e3 * times[len(times) * 99 // 100], 1),
            "statuses": self.statuses,
            "client_cpu": round((time.process_time() - cpu) / took, 2),
        }


def main() -> None:
    """Parse the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    given = parser.parse_args()

    async def run() -> dict[str, Any]:
        return await Load(given).run()

    print(json.dumps(asyncio.run(run())))


if __name__ == "__main__":
    main()
