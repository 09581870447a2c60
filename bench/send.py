"""How many messages a second leave the house: one sender process against a sink on loopback.

``python bench/send.py [--messages 5000] [--connections 48] [--postfix FOLDER] [--dkim KIND]`` makes
a home folder and database of its own (SQLite, or where PUSULA_DATABASE_URL points), starts
campaigns with a realistic mail and lets ``pusula sender run --once`` send it to Postfix's
``smtp-sink`` (in PATH, or in FOLDER with its libraries; else a sink of our own). Prints what each
stage costs in processor time, the rate of the whole, and beside it in the same run: what the sink
takes from ``smtp-source``, Django's mass mail, and django-post_office where it is installed
(``PYTHONPATH`` may name a folder with it).
"""

# ruff: noqa: PLC0415 - models can be imported only when Django is set up

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ITEMS = 12
BLOCK = 2_000
COMPANY = '[company]\nfrom_address = "Deniz Otel <otel@deniz.example>"\n'
CAMPAIGN = 250_000  # people of one campaign
SAMPLE = 1_000  # messages in the measure of a stage
PEER_MAILS = 1_000


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


def serve_sink(port: int) -> None:
    """Run our own sink for ever."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(run())


def tool(name: str, postfix: Path | None) -> tuple[str | None, dict[str, str]]:
    """Return one of Postfix's programs and the environment it needs."""
    if postfix and (found := next(postfix.rglob(name), None)):
        folders = {library.parent for library in postfix.rglob("libpostfix-util.so*")}
        return str(found), {"LD_LIBRARY_PATH": ":".join(map(str, folders))}
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin"), {}


@contextmanager
def sink(postfix: Path | None) -> Iterator[tuple[int, str]]:
    """Run a sink; give its port and name."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    program, environment = tool("smtp-sink", postfix)
    if program is None:
        ours = multiprocessing.get_context("spawn").Process(target=serve_sink, args=(port,))
        ours.start()
        end: Callable[[], Any] = ours.kill
    else:
        user = ["-u", "root"] if os.geteuid() == 0 else []
        postfixs = subprocess.Popen(
            [program, *user, f"127.0.0.1:{port}", "1000"], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = postfixs.kill
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, "smtp-sink" if program else "a sink of our own"
    finally:
        end()


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


def seed(n: int) -> list[int]:
    """Make ``n`` customers with their consent and traits; return their ids."""
    from tests.outbox.people import consented, profiles

    from pusula.lib import clock
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
        batch_size=BLOCK,
    )
    return [p.pk for p in people]


def launched(people: list[int]) -> float:
    """Let campaigns put a message for each in line; return CPU seconds.

    That is all of it: who is in the audience, whom something speaks against, the draw of the
    holdout, the decision about every message, and what is kept of all that.
    """
    from pusula.campaigns import actions, definitions
    from pusula.lib import clock

    took = 0.0
    for n, at in enumerate(range(0, len(people), CAMPAIGN)):
        segment(f"audience_{n}", people[at : at + CAMPAIGN])
        plan = {
            "campaign": f"bench-{n}", "title": "Hafta sonu", "goal": "loyalty", "holdout": 0,
            "audience": [f"audience_{n}"],
            "template": {"subject": "{{ profile.first_name }}, hafta sonu fırsatı", "html": html()},
        }  # fmt: skip
        began, now = time.process_time(), clock.now()
        actions.start(actions.create(definitions.parse(plan, "bench"), now), now)
        took += time.process_time() - began
    return took


def segment(key: str, members: list[int]) -> None:
    """Make a segment that has been evaluated."""
    from pusula.lib import clock
    from pusula.segments.models import Membership, Segment, SegmentVersion

    now = clock.now()
    made = Segment.objects.create(key=key, created_at=now)
    version = SegmentVersion.objects.create(
        segment=made, number=1, definition={"title": {"en": key, "tr": key}}, created_at=now
    )
    Membership.objects.bulk_create(
        (
            Membership(segment=made, profile_id=pk, version=version, entered_at=now, cause="run")
            for pk in members
        ),
        batch_size=BLOCK,
    )
    Segment.objects.filter(pk=made.pk).update(
        version=version, evaluated_at=now, n_members=len(members)
    )


def stages(people: list[int], given: argparse.Namespace) -> tuple[dict[str, float], str]:
    """Return CPU microseconds a message of what a sender does, and one person's HTML."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    from pusula.channels.email import dkim, mime
    from pusula.content import language, template
    from pusula.lib import clock
    from pusula.outbox.links import MessageLinks
    from pusula.outbox.models import Content
    from pusula.outbox.variables import values

    content, people = Content.objects.latest("pk"), people[:SAMPLE]
    compiled = template.compiled(content.subject, content.text, content.html)
    tokens = [f"{'t' * 16}{pk:06d}" for pk in people]
    took: dict[str, float] = {}

    def stage(name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        found = work()
        took[name] = (time.process_time() - began) / len(people) * 1e6
        return found

    known = stage("values of people", lambda: values(people, at=clock.now()))
    links = stage("signed links", lambda: [MessageLinks(token) for token in tokens])
    pairs = list(zip(people, links, strict=True))
    filled = stage("render", lambda: [template.write(compiled, known[p], k) for p, k in pairs])
    parts = [
        (part.template, known[pk], link) for pk, link in pairs[:100] for part in compiled.parts
    ]
    began = time.process_time()
    for parsed, told, link in parts:
        own = {"unsubscribe_url": "u", "pixel_url": "p", language.LINKS: link}
        language.run(parsed, {**told, **own})
    took["(render by the interpreter)"] = (time.process_time() - began) / 100 * 1e6
    mails = [
        mime.Mail(
            sender=content.sender, to=f"p{pk}@example.com", subject=one.subject, text=one.text,
            html=one.html, token=link.unsubscribe_url[-22:-1], at=clock.now(),
            unsubscribe_url=link.unsubscribe_url, feedback="bench",
        )
        for (pk, link), one in zip(pairs, filled, strict=True)
    ]  # fmt: skip
    stage("MIME", lambda: [mime.wired(mail) for mail in mails])
    signer = dkim.Signer("deniz.example", "bench", rsa.generate_private_key(65537, 2048))
    stage("(MIME and RSA-2048)", lambda: [mime.wired(mail, signer) for mail in mails])
    given.size = len(mime.composed(mails[0]))
    return took, filled[0].html.decode()


def used_by_children() -> float:
    """Return the CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def sent(home: str, port: int, given: argparse.Namespace) -> tuple[float, float, float]:
    """Run a sender until nothing is due; return seconds, CPU seconds, and those of its start."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "PUSULA_SMTP_URL": f"smtp://127.0.0.1:{port}?connections={given.connections}&name=bench",
    }
    if given.dkim:
        key = Path(home) / "dkim.pem"
        kind = {"rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "ed25519": ["Ed25519"]}
        subprocess.run(
            [str(shutil.which("openssl")), "genpkey", "-out", str(key),
             "-algorithm", *kind[given.dkim]],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        environment["PUSULA_DKIM"] = f"bench@deniz.example={key}"
    took: list[tuple[float, float]] = []
    for _ in ("all that is due", "nothing: its start alone"):
        began, used = time.perf_counter(), used_by_children()
        subprocess.run(
            [sys.executable, "-m", "pusula.ops.main", "sender", "run", "--once"],
            check=True, env=environment, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        took.append((time.perf_counter() - began, used_by_children() - used))
    (wall, cpu), (start_wall, start_cpu) = took
    return wall - start_wall, cpu - start_cpu, start_cpu


def source_rate(port: int, given: argparse.Namespace) -> str:
    """Return what the sink takes from Postfix's own client."""
    program, environment = tool("smtp-source", given.postfix)
    if program is None:
        return "smtp-source is not installed"
    began = time.perf_counter()
    subprocess.run(
        [program, "-s", str(given.connections), "-m", str(given.messages), "-l", str(given.size),
         "-d", "-f", "a@b.example", "-t", "c@d.example", f"127.0.0.1:{port}"],
        check=True, env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return f"{given.messages / (time.perf_counter() - began):8,.0f}/s"


def peer(which: str, port: int, page: str) -> tuple[float, float] | None:
    """Return messages a second and CPU microseconds a message of a peer, ``None`` if missing."""
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(page)
        file.flush()
        done = subprocess.run(
            [sys.executable, str(ROOT / "bench/send_peers.py"), which, str(port),
             str(PEER_MAILS), file.name], capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        return None
    wall, cpu = map(float, done.stdout.split()[-2:])
    return PEER_MAILS / wall, cpu / PEER_MAILS * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--connections", type=int, default=48)
    parser.add_argument("--postfix", type=Path)
    parser.add_argument("--dkim", choices=["rsa", "ed25519"], help="sign in the sender (RSA-2048)")
    given = parser.parse_args()
    home = tempfile.mkdtemp(prefix="pusula-bench-")
    (Path(home) / "pusula.toml").write_text(COMPANY, encoding="utf-8")
    os.environ |= {"PUSULA_HOME": home, "DJANGO_SETTINGS_MODULE": "pusula.config.settings"}
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    n, people = given.messages, seed(given.messages)
    launching = launched(people)
    costs, page = stages(people, given)
    with sink(given.postfix) as (port, name):
        wall, cpu, start = sent(home, port, given)
        alone = source_rate(port, given)
        peers = {which: peer(which, port, page) for which in ("mass", "post_office")}
    print(f"{n:,} messages of {given.size:,} bytes over {given.connections} connections to {name}, "
          f"{'signed with ' + given.dkim if given.dkim else 'not signed'}; "
          f"load of the machine {os.getloadavg()[0]:.1f}")  # fmt: skip
    for stage, cost in {"audience and decision": launching / n * 1e6, **costs}.items():
        print(f"  {stage:28} {cost:8,.0f} µs CPU a message")
    print(f"  {'the sender, all of it':28} {cpu / n * 1e6:8,.0f} µs CPU a message")
    print(f"  {'(its start, once)':28} {start * 1e3:8,.0f} ms")
    whole = (cpu + launching) / n
    print(f"end to end       {1 / whole:8,.0f}/s a core   {n / wall:,.0f}/s by the clock")
    print(f"the sink alone   {alone}   from smtp-source")
    for which, found in peers.items():
        if found is None:
            print(f"{which:16} not installed")
            continue
        rate, each = found
        print(f"{which:16} {1e6 / each:8,.0f}/s a core   {rate:,.0f}/s by the clock   "
              f"ours is {each / 1e6 / whole:.1f} × by CPU")  # fmt: skip


if __name__ == "__main__":
    main()
