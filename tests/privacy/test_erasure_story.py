"""Somebody known from everywhere is erased: their bytes are nowhere, and they do not come back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.privacy.homes import CANARY, EMAIL, KEY, PHONE, WORDS, Home

MAP = """
source = "pms"
[columns]
profile_key = "no"
email = "mail"
phone = "tel"
first_name = "ad"
last_name = "soyad"
[traits]
not = {column = "not"}
"""
ORDERS = """
source = "pms"
[columns]
source_id = "rez"
profile_key = "no"
ordered_at = "tarih"
status = "durum"
net_amount = "tutar"
property = "otel"
[constants]
currency = "TRY"
[values.status]
"*" = "completed"
"""
CONSENTS = """
source = "pms"
[columns]
profile_key = "no"
decided_at = "tarih"
[constants]
channel = "email"
purpose = "marketing"
status = "granted"
evidence = "form"
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.run("init")
    return made


def bring_in(home: Home) -> None:
    """Push the person through every way in, beside somebody who stays."""
    people = home.write(
        "people.csv",
        "no;mail;tel;ad;soyad;not\n"
        f"{KEY};{EMAIL};0532 987 65 41;Elif;Kanarya;kanarya sever\n"
        "20031;baska@ornek.com.tr;0533 111 22 33;Ayşe;Kalan;deniz sever\n"
        f"{KEY};{EMAIL}@@;abc;Elif;Kanarya;x\n",
    )
    orders = home.write(
        "orders.csv",
        "rez;no;tarih;durum;tutar;otel\n"
        f"K-1;{KEY};2026-05-01;x;1200;Kanarya Otel\n"
        "B-1;20031;2026-05-02;x;900;Deniz Otel\n",
    )
    consents = home.write("consents.csv", f"no;tarih\n{KEY};2026-05-03\n")
    for kind, file, told in (
        ("profiles", people, MAP),
        ("orders", orders, ORDERS),
        ("consents", consents, CONSENTS),
    ):
        mapping = home.write(f"{kind}.toml", told)
        home.run("import", kind, str(file), "--map", str(mapping))
    entries = [
        {"kind": "event", "id": "kanarya-e1", "key": KEY, "name": "Hotel Searched",
         "properties": {"soru": "kanarya adası"}},
        {"kind": "event", "id": "e2", "email": EMAIL.upper(), "name": "Page Viewed"},
        {"kind": "event", "id": "e3", "phone": "532 987 65 41", "name": "Call Ended"},
        {"kind": "event", "id": "e4", "key": "20031", "name": "Page Viewed"},
    ]  # fmt: skip
    home.python(
        "import json\nfrom pusula.pipeline.appender import Entry, append\n"
        "from pusula.profiles.models import Profile\n"
        f"told = json.loads({json.dumps(entries)!r})\n"
        "append([Entry(e.pop('kind'), 'pms', 'pms:' + e.pop('id'), json.dumps(e)) for e in told])\n"
        "append([Entry('trait', 'pms', 'pms:t1', json.dumps("
        f"{{'key': {KEY!r}, 'traits': {{'takma': 'kanarya kus'}}}}))])\n"
        f"append([Entry('event', 'pms', 'pms:bad', '{{\"key\": \"{KEY}\", oops kanarya')])\n"
        f"append([Entry('order', 'pms', 'pms:o2', json.dumps({{'key': {KEY!r}, 'source_id': 'K-2', "
        "'status': 'kanarya'}))])\n"
    )
    device = {"anonymousId": "kanarya-cihaz", "properties": {"name": "Kanarya Otel"}}
    said = {**device, "messageId": "m1", "event": "Hotel Viewed"}
    login = {**device, "messageId": "m2", "userId": KEY, "traits": {"takma": "kanarya"}}
    home.python(
        "import json\nfrom pusula.pipeline.appender import Entry, append\n"
        f"told = [('track', {said!r}), ('identify', {login!r})]\n"
        "append([Entry('message', 'pms', f'pms:{m[\"messageId\"]}', json.dumps("
        "{'type': t, 'trusted': True, 'sent_at': None, 'message': m})) for t, m in told])"
    )
    home.run("live", "--once")
    home.run("segments", "apply", "--shipped", "--yes", "--no-history")
    home.run("run", "--from-lake")
    home.run("rfm", "run", "--as-of", "2026-06-01")
    home.run("predict", "run")
    home.run("bi", "set", "--identifiers")
    home.run("bi", "export")
    (home.folder / "mailbox").mkdir()
    (home.folder / "mailbox" / "1.eml").write_text(f"To: {EMAIL}\n\nSayın Elif Kanarya")
    (home.folder / "mailbox" / "2.eml").write_text("To: baska@ornek.com.tr\n\nSayın Ayşe")
    (home.folder / "web.log").write_text(f"GET /?q={EMAIL}\nGET /\n")
    token = home.folder / "uploads" / "Qm9kcnVtQm9kcnVtQm9kcg"
    (token / "file").mkdir(parents=True)
    (token / "file" / "x.csv").write_text(f"mail\n{EMAIL}\n")
    number = number_of(home)
    home.python(
        "from pusula.outbox.models import *\nfrom pusula.lib import clock\n"
        "c = Content.objects.create(channel='email', sender='x <x@y.com>', subject='s', text='t',"
        " html='h', created_at=1)\n"
        f"m = Message.objects.create(dedupe_key='m1', origin='campaign:1', profile_id={number},"
        f" content=c, channel='email', purpose='marketing', address={EMAIL!r}, token='tok',"
        " state='sent', due_at=1, not_after_at=2, created_at=1, settled_at=3,"
        f" detail='250 {EMAIL} ok')\n"
        "Receipt.objects.create(message=m, kind='clicked', at=4, url='https://x/?q=kanarya')\n"
    )
    home.run("privacy", "export", str(number), "--reason", "request")


def number_of(home: Home) -> int:
    return int(
        home.python(
            "from pusula.profiles.models import Identifier\n"
            f"print(Identifier.objects.get(value='pms:{KEY}').profile_id)"
        )
    )


def figures(home: Home) -> dict[str, int]:
    told = home.python(
        "import json\nfrom pusula.events.models import Event\n"
        "from pusula.orders.models import Order\n"
        "from pusula.profiles.models import Profile\n"
        "print(json.dumps({m.__name__: m.objects.count() for m in (Event, Order, Profile)}))"
    )
    found: dict[str, int] = json.loads(told)
    return found


@pytest.mark.slow
def test_after_an_erasure_no_byte_of_the_person_is_left_and_late_events_are_refused(home):
    bring_in(home)
    assert home.holds(*WORDS)
    copy = home.folder.with_name("copy.db"), home.folder.with_name("copy-log.db")
    shutil.copy(home.folder / "pusula.db", copy[0])
    shutil.copy(home.folder / "log.db", copy[1])
    number = number_of(home)

    home.killed(
        "from pusula.privacy import erasure, stores\nimport os\n"
        "rows = stores.STORES['rows']\n"
        "def dies(work, step):\n    rows(work, step)\n    os.kill(os.getpid(), 9)\n"
        "stores.STORES['rows'] = dies\n"
        f"erasure.run(erasure.begin({number}, actor='cli:test'))"
    )
    said = home.run("privacy", "resume")
    assert "Not all" not in said
    assert home.holds(*WORDS) == []
    assert figures(home) == {"Event": 1, "Order": 1, "Profile": 1}

    # What comes late is refused, and leaves nothing either; so does a file.
    home.python(
        "import json\nfrom pusula.pipeline.appender import Entry, append\n"
        f"append([Entry('event', 'pms', 'pms:{CANARY}-9', json.dumps("
        f"{{'key': {KEY!r}, 'name': 'Hotel Searched', 'properties': {{'a': 'kanarya'}}}})),"
        f" Entry('event', 'web', 'web:9', json.dumps({{'email': {EMAIL!r}, 'name': 'A'}})),"
        f" Entry('event', 'web', 'web:8', json.dumps({{'phone': {PHONE!r}, 'name': 'A'}}))])"
    )
    home.run("live", "--once")
    assert "Kişi silinmiş" in home.run("live", "quarantine")
    report = json.loads(
        home.run(
            "import", "profiles", str(home.folder.with_name("people.csv")),
            "--map", str(home.folder.with_name("profiles.toml")), "--json",
        )
    )  # fmt: skip
    assert report["n_rejected"] == 2
    home.python("from pusula.privacy import databases\nprint(databases.clean(['kanarya']))")
    assert home.holds(*WORDS) == []
    assert figures(home) == {"Event": 1, "Order": 1, "Profile": 1}
    assert "bütün" in home.run("audit", "verify")

    # An old copy of both databases brings the person back; the ledger takes them away again.
    shutil.copy(copy[0], home.folder / "pusula.db")
    shutil.copy(copy[1], home.folder / "log.db")
    for path in (*home.folder.glob("*.db-wal"), *home.folder.glob("*.db-shm")):
        path.unlink()
    assert home.holds(*WORDS)
    assert json.loads(home.run("privacy", "status", "--json"))["n_ledger_missing"] > 0
    home.run("privacy", "replay")
    assert home.holds(*WORDS) == []
    assert figures(home) == {"Event": 1, "Order": 1, "Profile": 1}
