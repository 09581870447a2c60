"""Large requests: a file only from who is signed in, and no byte of others' on the disk."""

from __future__ import annotations

import asyncio

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from pusula.web import bodies
from pusula.web.bodies import BoundedBodies

SMALL = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
SESSION = settings.SESSION_COOKIE_NAME


def send(parts, headers=()):
    """Send a body in ``parts``; return the status, and what the application behind was given."""
    given, sent = [], []
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

    async def app(_scope, receive, answer):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            given.append(message["body"])
            if not message["more_body"]:
                break
        await answer({"type": "http.response.start", "status": 200})

    async def receive():
        return waiting.pop(0)

    async def answer(message):
        sent.append(message)

    scope = {"type": "http", "headers": list(headers)}
    asyncio.run(BoundedBodies(app)(scope, receive, answer))
    return sent[0]["status"], sum(map(len, given))


@pytest.fixture
def signed_in():
    client = Client()
    client.force_login(User.objects.create_user("ayse"))
    return [(b"cookie", f"a=b; {SESSION}={client.cookies[SESSION].value}".encode())]


def test_small_bodies_pass():
    assert send([b"x" * 1_000]) == (200, 1_000)
    assert send([b"x" * SMALL], [(b"content-length", str(SMALL).encode())]) == (200, SMALL)


STRANGERS = [
    [],
    [(b"cookie", b"other=1")],
    [(b"cookie", f"{SESSION}=madeup".encode())],
    [(b"cookie", b"\xff=[;")],
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", STRANGERS)
def test_a_large_body_of_a_stranger_is_refused_before_it_is_read(headers):
    told = [(b"content-length", str(SMALL + 1).encode())]
    assert send([b"x" * (SMALL + 1)], [*headers, *told]) == (413, 0)
    status, n = send([b"x" * 2**20] * 20, headers)  # its length is not told
    assert status == 413
    assert n <= SMALL


@pytest.mark.django_db(transaction=True)
def test_who_is_signed_in_brings_files_up_to_a_limit(signed_in, monkeypatch):
    assert send([b"x" * 2**20] * 9, signed_in) == (200, 9 * 2**20)
    monkeypatch.setattr(bodies, "LARGEST_FILE", 10 * 2**20)
    assert send([b"x" * 2**20] * 11, signed_in)[0] == 413
    told = [(b"content-length", b"9" * 30)]
    assert send([], [*signed_in, *told]) == (413, 0)
