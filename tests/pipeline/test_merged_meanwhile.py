"""Writes for somebody who is merged at that very moment, on two connections: none is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, connections

from pusula.consent import actions as consents
from pusula.consent.models import Consent, ConsentEntry
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order
from pusula.pipeline import appender, identity, live
from pusula.pipeline.appender import Entry
from pusula.profiles import merging
from pusula.profiles.models import Identifier, Merge, Profile, Trait
from pusula.sources import actions as importing
from pusula.sources import references

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "log"]),
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="on SQLite one writer waits for the other"
    ),
]
WAIT_S = 20


@pytest.fixture
def couple(settings, tmp_path) -> tuple[int, int]:
    """Return who stays and who goes."""
    settings.PUSULA_HOME = tmp_path / "home"
    bodies = [{"key": key, "name": "Hotel Searched"} for key in ("1", "2")]
    appender.append([Entry("event", "pms", f"pms:{b['key']}", json.dumps(b)) for b in bodies])
    live.step()
    winner, loser = (Identifier.objects.get(value=f"pms:{key}").profile_id for key in "12")
    identity.merge(winner, loser)
    return winner, loser


@pytest.fixture
def beside() -> Iterator[Callable[[Callable[[], Any]], Future[Any]]]:
    """Return a function that does something in a thread and on a connection of its own."""
    with ThreadPoolExecutor(2) as pool:

        def done(work: Callable[[], Any]) -> Any:
            try:
                return work()
            finally:
                connections.close_all()

        yield lambda work: pool.submit(done, work)


class Pause:
    """A place where one of two waits until the other was there."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def here(self) -> None:
        self.reached.set()
        assert self.go.wait(WAIT_S)


def within_a_merge(monkeypatch) -> Pause:
    """Have merges wait at their end, when all rows have passed on."""
    pause, close = Pause(), merging.close

    def waiting(*args: Any, **more: Any) -> Any:
        pause.here()
        return close(*args, **more)

    monkeypatch.setattr(merging, "close", waiting)
    return pause


def refuse(profile_id: int) -> consents.Recorded:
    return consents.refuse(
        [profile_id], channel="email", purpose="marketing", source="page", evidence="said so",
        at=clock.now(),
    )  # fmt: skip


def test_a_refusal_of_somebody_who_is_being_merged_is_that_of_the_person(
    couple, beside, monkeypatch
):
    winner, loser = couple
    pause = within_a_merge(monkeypatch)
    step = beside(live.step)
    assert pause.reached.wait(WAIT_S)
    refused = beside(lambda: refuse(loser))
    with pytest.raises(TimeoutError):
        refused.result(0.5)  # it waits for the merge
    pause.go.set()
    step.result(WAIT_S)
    refused.result(WAIT_S)
    [entry] = ConsentEntry.objects.all()
    assert (entry.profile_id, entry.origin_id) == (winner, loser)
    assert Consent.objects.get().profile_id == winner


def test_a_merge_waits_for_who_writes_and_takes_the_row_along(couple, beside, monkeypatch):
    winner, loser = couple
    pause, derive = Pause(), consents.derive

    def waiting(*args: Any) -> Any:
        pause.here()
        return derive(*args)

    monkeypatch.setattr(consents, "derive", waiting)
    refused = beside(lambda: refuse(loser))
    assert pause.reached.wait(WAIT_S)
    step = beside(live.step)
    with pytest.raises(TimeoutError):
        step.result(0.5)
    pause.go.set()
    refused.result(WAIT_S)
    step.result(WAIT_S)
    [entry] = ConsentEntry.objects.all()
    assert (entry.profile_id, entry.origin_id) == (winner, loser)


FILES = {
    "orders": ("no,guest,made,net,state\nA,2,2026-01-02,10,completed\nB,3,2026-01-02,5,completed",
               'source_id = "no"\nordered_at = "made"\nnet_amount = "net"\nstatus = "state"'),
    "profiles": ("guest,mail,name,city\n2,b@example.com,Ayşe Yılmaz,İzmir\n3,,Can Ok,Bursa",
                 'email = "mail"\nfull_name = "name"\n[traits]\ncity = "city"'),
    "events": ("guest,no,name,at\n2,e1,Hotel Searched,2026-01-02\n3,e2,Hotel Searched,2026-01-02",
               'event_id = "no"\nname = "name"\nat = "at"'),
    "consents": ("guest,via,why,yes,at\n2,email,marketing,H,2026-01-02",
                 'channel = "via"\npurpose = "why"\nstatus = "yes"\ndecided_at = "at"'),
}  # fmt: skip


def bring(kind: str, folder) -> Callable[[], Any]:
    content, columns = FILES[kind]
    file, told = folder / f"{kind}.csv", folder / f"{kind}.toml"
    file.write_text(content, encoding="utf-8")
    told.write_text(f'source = "pms"\n[columns]\nprofile_key = "guest"\n{columns}\n', "utf-8")
    return lambda: importing.run_import(kind, file, told)


@pytest.fixture(params=["found", "written"])
def pause(request, monkeypatch) -> Pause:
    """Have imports wait when their people are found, or when everything is written."""
    pause = Pause()
    resolve_spool, catch_up = references.resolve_spool, importing._Run._catch_up

    def found(*args: Any, **more: Any) -> references.Resolved:
        people = resolve_spool(*args, **more)
        pause.here()
        return people

    def written(*args: Any) -> None:
        pause.here()
        catch_up(*args)

    if request.param == "found":
        monkeypatch.setattr(references, "resolve_spool", found)
    else:
        monkeypatch.setattr(importing._Run, "_catch_up", staticmethod(written))
    return pause


@pytest.mark.parametrize("kind", FILES)
def test_an_import_follows_whom_a_step_merges_while_it_writes(
    couple, beside, tmp_path, kind, pause
):
    winner, loser = couple
    imported = beside(bring(kind, tmp_path))
    assert pause.reached.wait(WAIT_S)
    step = beside(live.step)
    with suppress(TimeoutError):  # whose card was written waits for the import
        step.result(1)
    pause.go.set()
    report = imported.result(WAIT_S)
    step.result(WAIT_S)
    live.refresh(report.touched, cause="import", pays=report.debt)

    assert Merge.objects.count() == 1
    assert report.n_rejected == 0
    model = {"orders": Order, "events": Event, "consents": ConsentEntry, "profiles": Trait}[kind]
    n = 2 if kind == "events" else 1  # one was there before
    assert model.objects.filter(profile_id=winner).count() == (3 if kind == "events" else 1)
    identity.unmerge(Merge.objects.get().pk)
    live.step()
    assert model.objects.filter(profile_id=loser).count() == n
    if kind == "profiles":
        assert Identifier.objects.get(value="b@example.com").profile_id == loser
        assert Profile.objects.get(pk=loser).first_name == "Ayşe"


def test_what_an_import_brings_for_somebody_who_is_parted_meanwhile_is_theirs(
    couple, beside, tmp_path, pause
):
    _winner, loser = couple
    live.step()
    imported = beside(bring("orders", tmp_path))
    assert pause.reached.wait(WAIT_S)
    identity.unmerge(Merge.objects.get().pk)
    live.step()
    pause.go.set()
    imported.result(WAIT_S)
    order = Order.objects.get(source_id="A")
    assert (order.profile_id, order.origin_id) == (loser, None)
