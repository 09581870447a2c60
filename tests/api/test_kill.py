"""The real server killed with -9 under load: what it answered with 200 is in the log, once."""

from __future__ import annotations

import http.client
import os
import random
import resource
import threading
import time
from contextlib import closing
from itertools import count

import pytest
from tests.api.served import Served, ask

N_KILLS = int(os.environ.get("PUSULA_KILLS", "4"))
N_CLIENTS = 6


class Client(threading.Thread):
    """Tells events one by one or in batches; what was not acknowledged is told again."""

    def __init__(self, served: Served, number: int) -> None:
        super().__init__(name=f"client {number}")
        self.served = served
        self.number = number
        self.told: set[str] = set()
        self.acked: set[str] = set()
        self.is_over = threading.Event()
        self.n_answers = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=30)
        with closing(connection):
            self._tell(connection)

    def _tell(self, connection: http.client.HTTPConnection) -> None:
        size = 1 if self.number % 2 else 7
        for turn in count():
            ids = [f"kill-{self.number}-{turn}-{n}" for n in range(size)]
            self.told.update(ids)
            while not self._is_acked(connection, ids):
                if self.is_over.is_set():
                    return
            if turn % 5 == 0:  # a client that did not hear the answer
                self._is_acked(connection, ids)
            if self.is_over.is_set():
                return

    def _is_acked(self, connection: http.client.HTTPConnection, ids: list[str]) -> bool:
        events = [{"type": "track", "event": "Hotel Searched", "messageId": one} for one in ids]
        path, body = ("/v1/batch", {"batch": events}) if len(ids) > 1 else ("/v1/t", events[0])
        try:
            status = ask(connection, "POST", path, body, self.served.write)[0]
        except (OSError, http.client.HTTPException):
            connection.close()
            time.sleep(0.02)  # the server is down; a real client waits longer
            return False
        if status == 200:
            self.acked.update(ids)
            self.n_answers += 1
        return status == 200


@pytest.mark.slow
@pytest.mark.django_db
def test_what_was_answered_with_200_is_in_the_log_once_after_any_kill(served):
    rng = random.Random(11)  # noqa: S311 - the same every time
    clients = [Client(served, number) for number in range(N_CLIENTS)]
    for client in clients:
        client.start()
    try:
        for _kill in range(N_KILLS):
            before = sum(client.n_answers for client in clients)
            wait_for(lambda: sum(client.n_answers for client in clients) > before + 20)  # noqa: B023
            time.sleep(rng.uniform(0, 0.05))  # anywhere in a commit
            served.kill()
            served.start()
        before = sum(client.n_answers for client in clients)
        wait_for(lambda: sum(client.n_answers for client in clients) > before + 20)
    finally:
        for client in clients:
            client.is_over.set()
        for client in clients:
            client.join(60)
    acked = {f"web:{one}" for client in clients for one in client.acked}
    told = {f"web:{one}" for client in clients for one in client.told}
    logged = served.logged()
    held = [message_id for _id, message_id in logged if message_id.startswith("web:kill-")]
    assert len(acked) > 100
    assert acked - set(held) == set()  # 0 lost
    assert len(held) == len(set(held))  # 0 twice
    assert set(held) <= told
    assert [number for number, _message in logged] == list(range(1, len(logged) + 1))


@pytest.mark.django_db
def test_a_full_disk_is_answered_with_503_and_is_over_when_there_is_room(served):
    if served.url:
        pytest.skip("the server of PostgreSQL has a disk of its own")
    acked = []

    def tell(number: int) -> int:
        body = {"event": "x" * 20_000, "messageId": f"full-{number}"}
        status, headers, _body = served.ask("POST", "/v1/track", body)
        if status == 503:
            assert headers["retry-after"].isdigit()
        if status == 200:
            acked.append(f"web:full-{number}")
        return status

    def held() -> list[str]:
        found = [message_id for _id, message_id in served.logged()]
        return [message_id for message_id in found if message_id.startswith("web:full-")]

    assert tell(0) == 200
    size = max(file.stat().st_size for file in served.folder.glob("log.db*"))
    workers = served.workers()
    for pid in workers:  # no file may grow beyond this: a write fails as on a full disk
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 300_000, resource.RLIM_INFINITY))
    statuses = [tell(number) for number in range(1, 60)]
    assert set(statuses) == {200, 503}
    assert held() == acked
    for pid in workers:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    assert [tell(number) for number in range(60)] == [200] * 60
    assert sorted(held()) == sorted(f"web:full-{n}" for n in range(60))


def wait_for(is_so) -> None:
    """Wait until it is so."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)
