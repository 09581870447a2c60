"""What a nursery can do: seed an outbox, start and wait for senders, unsubscribe, count."""

from __future__ import annotations

import os
import sys
import traceback
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client
from tests.outbox.people import consented, mailing, profiles

from pusula.channels.email.smtp import Server
from pusula.channels.outbound import Outbound
from pusula.channels.sms.verimor import Verimor
from pusula.consent import actions as consent
from pusula.consent.actions import Decision
from pusula.lib import clock
from pusula.outbox import actions, links
from pusula.outbox.models import Message, Sender
from pusula.outbox.posting import PostLoop
from pusula.outbox.sender import SendLoop


def migrate() -> bool:
    call_command("migrate", verbosity=0, interactive=False)
    return True


def seed(origin: str, n: int, *, n_odd: int = 0) -> int:
    """Put ``n`` messages in line; ``n_odd`` more of each kind that must not go out."""
    people = profiles(n + 4 * n_odd)
    good, rest = people[:n], people[n:]
    silent, suppressed, nowhere, twins = (rest[i * n_odd : (i + 1) * n_odd] for i in range(4))
    consented([*good, *suppressed, *nowhere, *twins])
    content = mailing()
    addresses = {person.pk: f"p{person.pk}@example.com" for person in people}
    addresses |= {person.pk: "" for person in nowhere}
    # Two people of one household: the second has the first one's address.
    addresses |= {twin.pk: addresses[first.pk] for twin, first in zip(twins, good, strict=False)}
    for person in suppressed:
        consent.suppress("email", addresses[person.pk], reason="complaint", at=clock.now())
    del silent
    now = clock.now()
    return actions.reserve(
        actions.Draft(
            dedupe_key=f"{origin}:{person.pk}",
            origin=origin,
            profile_id=person.pk,
            content_id=content.pk,
            channel="email",
            purpose="marketing",
            address=addresses[person.pk],
            due_at=now,
            not_after_at=now + clock.DAY,
        )
        for person in people
    )


def start(url: str) -> int:
    """Fork a sender that runs until nothing is due; return its process id."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        SendLoop(Server.of(url), settings.PUSULA_HOME).run(once=True)
    except BaseException:  # noqa: BLE001 - a forked child must not return into its parent's loop
        traceback.print_exc(file=sys.stderr)
        os._exit(1)
    os._exit(0)


def seed_texts(origin: str, n: int) -> int:
    """Put ``n`` texts in line, for people who agreed to them."""
    people = profiles(n)
    now = clock.now()
    consent.record(
        [
            Decision(
                profile_id=person.pk, channel="sms", purpose="marketing", status="granted",
                source="test", decided_at=now - clock.DAY, evidence="form",
            )
            for person in people
        ],
        at=now,
    )  # fmt: skip
    content = actions.freeze(channel="sms", sender="", subject="", text="Merhaba", html="")
    return actions.reserve(
        actions.Draft(
            dedupe_key=f"{origin}:{person.pk}", origin=origin, profile_id=person.pk,
            content_id=content.pk, channel="sms", purpose="marketing",
            address=f"+90532{i:07}", due_at=now, not_after_at=now + clock.DAY,
        )
        for i, person in enumerate(people)
    )  # fmt: skip


def start_posting(url: str, batch: int) -> int:
    """Fork a sender of texts that runs until nothing is due; return its process id."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        out = Outbound(trusted={"127.0.0.1"}, total_s=5)
        provider = Verimor(out, "8503030303", "geheim-4711", "DENIZOTEL", url, batch)
        PostLoop(provider, settings.PUSULA_HOME).run(once=True)
    except BaseException:  # noqa: BLE001 - a forked child must not return into its parent's loop
        traceback.print_exc(file=sys.stderr)
        os._exit(1)
    os._exit(0)


def wait() -> tuple[int, int]:
    """Return which sender ended next and how: its exit status, negative for a signal."""
    pid, status = os.wait()
    return pid, os.waitstatus_to_exitcode(status)


def unsubscribe(address: str) -> int:
    """Press the button of the newest message to ``address``; return the HTTP status."""
    message = Message.objects.filter(address=address).latest("pk")
    path = links.MessageLinks(message.token).unsubscribe_url.removeprefix(
        settings.PUSULA.public_url
    )
    client = Client(headers={"Host": "localhost"})
    return client.post(path, {"List-Unsubscribe": "One-Click"}).status_code


def standing(origin: str) -> dict[str, Any]:
    """Return everything the database says about the messages of ``origin``."""
    rows = Message.objects.filter(origin=origin).values_list("address", "token", "state", "reason")
    found = list(rows)
    return {
        "counts": Counter(f"{state}:{reason}" for _, _, state, reason in found),
        "states": {token: state for _, token, state, _ in found},
        "reasons": {address: reason for address, _, _, reason in found if address},
        "n_claimed": Message.objects.filter(origin=origin, owner__gt="").count(),
        "n_senders": Sender.objects.count(),
    }
