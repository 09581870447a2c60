"""How many messages a second leave the house: one sender process against a sink on loopback.

``python bench/send.py [--messages 5000] [--connections 16]`` makes a home folder and database of
its own (SQLite, or where PUSULA_DATABASE_URL points), puts messages with a realistic mail in line
and lets ``pusula sender run --once`` send them. Prints the rate of the whole process, start and
claims and commits included, and beside it what the sink takes from a client that does nothing else.
"""

# ruff: noqa: PLC0415 - models can be imported only when Django is set up

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ITEMS = 12


class Sink(asyncio.Protocol):
    """Says yes to everything as fast as it can, pipelined or not."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        self.buffer = b""
        self.in_body = False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every complete command and body in ``data``."""
        self.buffer += data
        replies = []
        while True:
            end = self.buffer.find(b"\r\n.\r\n" if self.in_body else b"\r\n")
            if end < 0:
                break
            line, self.buffer = self.buffer[:end], self.buffer[end + (5 if self.in_body else 2) :]
            replies.append(self.reply(line))
        if replies:
            self.transport.write(b"".join(replies))

    def reply(self, line: bytes) -> bytes:
        """Return the answer to a command, or to the end of a body."""
        if self.in_body:
            self.in_body = False
            return b"250 2.0.0 queued as 4B1F2C3D4E\r\n"
        word = line[:4].upper()
        if word == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        if word == b"DATA":
            self.in_body = True
            return b"354 go on\r\n"
        return b"221 bye\r\n" if word == b"QUIT" else b"250 2.1.0 ok\r\n"


def serve_sink(bound: multiprocessing.connection.Connection) -> None:
    """Run the sink for ever; tell its port."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
        bound.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def sink_rate(port: int, n: int, n_connections: int, body: bytes) -> float:
    """Return how many mails a second the sink takes from a client that only writes bytes."""

    async def talk(n_mine: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        writer.write(b"EHLO x\r\n")
        for _ in range(3):
            await reader.readline()
        envelope = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
        writer.write(envelope)
        for _ in range(n_mine):
            for _ in range(3):
                await reader.readline()
            writer.write(body + b"\r\n.\r\n" + envelope)
            await reader.readline()
        writer.close()

    async def run() -> None:
        await asyncio.gather(*(talk(n // n_connections) for _ in range(n_connections)))

    began = time.perf_counter()
    asyncio.run(run())
    return n / (time.perf_counter() - began)


def html() -> str:
    """Return a mail of some 15 KB: forty values, a loop over offers, twenty links."""
    style = "font-family:Arial,sans-serif;font-size:15px;line-height:22px;color:#1f2933;padding:8px"
    rows = "".join(
        f'<tr><td style="{style}"><a href="https://otel.example/oda/{i}?kaynak=eposta">'
        f'<img src="https://cdn.example/{i}.jpg" width="120" alt="Oda {i}"></a></td>'
        f'<td style="{style}"><a href="https://otel.example/oda/{i}">Oda {i}, {{{{ traits.city }}}}'
        f"</a><br>{{% if traits.tier == 'gold' %}}<s>{{{{ {i + 9}900 | money }}}}</s> {{% endif %}}"
        f"<b>{{{{ {i + 7}500 | money }}}}</b> {{{{ profile.first_name }}}} için</td></tr>"
        for i in range(ITEMS)
    )
    filler = f'<p style="{style}">Denize sıfır, ultra her şey dahil tatil sizi bekliyor.</p>' * 30
    return (
        f"<html><body><h1>Merhaba {{{{ profile.first_name | tr_title | default: 'misafirimiz' }}}}"
        f"</h1>{filler}<table>{rows}</table>"
        '<p><a href="{{ unsubscribe_url }}">Listeden çıkın</a></p></body></html>'
    )


def seed(n: int) -> int:
    """Put ``n`` messages in line; return the size of one mail in bytes."""
    from tests.outbox.people import consented, profiles

    from pusula.lib import clock
    from pusula.outbox import actions
    from pusula.outbox.letters import Desk, Letter
    from pusula.outbox.models import Message
    from pusula.outbox.variables import values
    from pusula.profiles.models import Trait

    people = profiles(n)
    consented(people)
    now = clock.now()
    Trait.objects.bulk_create(
        [
            Trait(profile=p, name=name, kind="text", text=text, source="bench", updated_at=now)
            for p in people
            for name, text in (("city", "İzmir"), ("tier", "gold" if p.pk % 3 else "silver"))
        ],
        batch_size=2_000,
    )
    content = actions.freeze(
        channel="email", sender="Deniz Otel <otel@deniz.example>",
        subject="{{ profile.first_name }}, hafta sonu fırsatı", text="", html=html(),
    )  # fmt: skip
    actions.reserve(
        actions.Draft(
            dedupe_key=f"bench:{p.pk}", origin="bench", profile_id=p.pk, content_id=content.pk,
            channel="email", purpose="marketing", address=f"p{p.pk}@example.com", due_at=now,
            not_after_at=now + clock.DAY,
        )
        for p in people
    )  # fmt: skip
    first = Message.objects.earliest("pk")
    letter = Letter(
        first.pk, first.token, first.origin, first.profile_id, content.pk, first.address, 0
    )
    return len(Desk().mail(letter, values([first.profile_id], at=now)[first.profile_id]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--connections", type=int, default=16)
    given = parser.parse_args()
    home = tempfile.mkdtemp(prefix="pusula-bench-")
    os.environ |= {"PUSULA_HOME": home, "DJANGO_SETTINGS_MODULE": "pusula.config.settings"}
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    size = seed(given.messages)
    bound, child = multiprocessing.Pipe()
    sink = multiprocessing.get_context("spawn").Process(target=serve_sink, args=(child,))
    sink.start()
    port = bound.recv()
    alone = sink_rate(port, given.messages, given.connections, b"x" * size)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "PUSULA_SMTP_URL": f"smtp://127.0.0.1:{port}?connections={given.connections}&name=bench",
    }
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pusula.ops.main", "sender", "run", "--once"],
        check=True, env=environment,
    )  # fmt: skip
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    sink.kill()
    n = given.messages
    print(f"{n:,} messages of {size:,} bytes over {given.connections} connections")
    print(f"sender   {n / wall:8,.0f}/s   {wall:.1f} s wall, {cpu / n * 1e6:,.0f} µs CPU a message")
    print(f"the sink {alone:8,.0f}/s   from a client that only writes")


if __name__ == "__main__":
    main()
