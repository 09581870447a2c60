"""A hotel tries three scenarios for fourteen days: from one file to scale, change or stop."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator

import pytest
from tests.stories.company import START, Company, at_work

from pusula.journeys import versions
from pusula.journeys.models import Enrollment
from pusula.lib import clock
from pusula.measurement.pilot.building import document
from pusula.measurement.pilot.definition import restored
from pusula.measurement.pilot.models import Pilot
from pusula.outbox.models import Message
from pusula.profiles.models import Identifier

GROUPS = ("loyal", "coming", "rich")
N = 240  # people in each
SEGMENT = """\
segment: {key}
title: {{tr: {key}, en: {key}}}
where: {{trait: {{tier: {{is: {key}}}}}}}
"""
PILOT = """\
pilot: yaz
title: {tr: Yaz pilotu, en: Summer pilot}
flavour: hotel
site: https://lodos.example
starts_on: 2026-06-03
days: 14
holdout: 25%
margin: 40%
costs: {email: 0.10, call: 20, fixed: 900}
segments: [loyal, coming, rich]
scenarios:
  - &one
    scenario: loyalty
    title: {tr: Sadakat, en: Loyalty}
    audience: [loyal]
    message:
      subject: {tr: Yine bekleriz, en: Come back}
      trust: {tr: Sizi tanıyoruz., en: We know you.}
      value: {tr: "Erken karar verene %15.", en: 15 % for those who decide early.}
      proof: {tr: Yarımız yeniden geldi., en: Half of us came back.}
    button: {text: {tr: Tarih seçin, en: Choose dates}, path: /rezervasyon}
    expected_lift: 50%
SECOND
THIRD
"""


def scenario(kind: str, audience: str, subject: str) -> str:
    text = PILOT[PILOT.index("  - &one") : PILOT.index("SECOND")].replace("  - &one\n", "  - ", 1)
    text = text.replace("  -     scenario", "  - scenario").replace("loyalty", kind)
    text = text.replace("[loyal]", f"[{audience}]").replace("Yine bekleriz", subject)
    return text.rstrip("\n")


@pytest.fixture
def company(tmp_path, settings) -> Iterator[Company]:
    with at_work(tmp_path, settings) as found:
        yield found


def emails(group: str) -> list[str]:
    return [f"{group}{n}@example.com" for n in range(N)]


def bring_people(company: Company) -> None:
    decision = {"channel": "email", "purpose": "marketing", "status": "granted"}
    lines = []
    at = clock.from_datetime(START - dt.timedelta(days=5))
    for group in GROUPS:
        for n, email in enumerate(emails(group)):
            lines += [
                {"kind": "trait", "email": email, "traits": {"tier": group}},
                {"kind": "consent", "email": email, "evidence": "form", **decision},
            ]
            if n % 4 == 0:
                lines.append(order(email, "past", at))
    company.tell(*lines)
    company.pusula("live", "--once")
    folder = company.folder / "segments"
    folder.mkdir()
    for key in GROUPS:
        (folder / f"{key}.yaml").write_text(SEGMENT.format(key=key), encoding="utf-8")
    company.pusula("segments", "apply", str(folder), "--yes")


def order(email: str, number: str, at: int) -> dict[str, object]:
    return {
        "kind": "order", "email": email, "source_id": f"{email}:{number}", "status": "confirmed",
        "ordered_at": at, "net_minor": 9000_00, "starts_on": "2026-08-01", "ends_on": "2026-08-05",
    }  # fmt: skip


def arms(journey: str) -> tuple[list[str], list[str]]:
    """Return the addresses of those treated and of those held out, by number."""
    rides = Enrollment.objects.filter(journey__key=journey).order_by("profile_id")
    found: tuple[list[str], list[str]] = ([], [])
    address = dict(Identifier.objects.filter(kind="email").values_list("profile_id", "value"))
    for ride in rides:
        found[ride.is_holdout].append(address[ride.profile_id])
    return found


def buy(company: Company, journey: str, *, treated: float, control: float) -> None:
    """Let these shares of the arms book."""
    at = clock.now()
    lines = [
        order(email, "new", at)
        for people, share in zip(arms(journey), (treated, control), strict=True)
        for email in people[: round(len(people) * share)]
    ]
    company.tell(*lines)
    company.pusula("live", "--once")


@pytest.mark.django_db(transaction=True, databases=["default", "log"])
def test_a_pilot_goes_from_one_file_to_scale_change_and_stop(company):
    file = company.folder / "pilot.yaml"
    text = PILOT.replace("SECOND", scenario("cross_sell", "coming", "Yanına"))
    text = text.replace("THIRD", scenario("upsell", "rich", "Daha iyisi"))
    file.write_text(text, encoding="utf-8")
    with company.day(0):
        bring_people(company)
        planned = company.pusula("pilot", "plan", str(file)).output
        (n,) = (line.split()[-1].strip("`.") for line in planned.splitlines() if "--people" in line)
        company.pusula("pilot", "start", str(file), "--people", n)
        assert not company.work(), "nobody gets anything before the first day"
        assert Pilot.objects.get().agreed_n == int(n)

    with company.day(2.0):  # noon in Istanbul of the first day
        mails = company.work()
        assert len(mails) == int(n)
        assert {mail["Subject"] for mail in mails} == {"Yine bekleriz", "Yanına", "Daha iyisi"}
        assert len({mail["To"] for mail in mails}) == len(mails), "nobody is in two scenarios"
        assert "https://lodos.example" in mails[0].get_body(("plain",)).get_content()

    with company.day(5):
        buy(company, "yaz-loyalty", treated=0.30, control=0.10)  # it works
        buy(company, "yaz-cross-sell", treated=0.20, control=0.20)  # nothing
        buy(company, "yaz-upsell", treated=0.05, control=0.30)  # it harms
        early = json.loads(company.pusula("pilot", "report", "yaz", "--json").output)
        assert {one["advice"] for one in early["scenarios"]} == {"too_early"}
        assert early["day"] == 3

    with company.day(17):
        found = json.loads(company.pusula("pilot", "report", "yaz", "--json").output)
    advice = {one["scenario"]: (one["advice"], one["reasons"][0]) for one in found["scenarios"]}
    assert advice == {
        "loyalty": ("scale", "paid"),
        "cross_sell": ("change", "too_few"),
        "upsell": ("stop", "harm"),
    }
    assert found["is_as_registered"]
    loyal = found["scenarios"][0]
    treated, control = arms("yaz-loyalty")
    assert (loyal["n_treated"], loyal["n_control"]) == (len(treated), len(control))
    bought = round(len(treated) * 0.3), round(len(control) * 0.1)
    assert (loyal["n_orders_treated"], loyal["n_orders_control"]) == bought
    extra = (bought[0] / len(treated) - bought[1] / len(control)) * len(treated) * 9000_00
    assert loyal["revenue_minor"] == pytest.approx(extra)
    assert loyal["cost_minor"] == pytest.approx(len(treated) * 10 + 300_00)
    assert loyal["profit_minor"] == pytest.approx(0.4 * extra - loyal["cost_minor"])
    assert Message.objects.filter(state="sent").count() == int(n)


@pytest.mark.django_db(transaction=True, databases=["default", "log"])
def test_what_was_registered_stays_and_what_was_changed_after_it_is_told(company):
    text = PILOT.replace("SECOND\nTHIRD\n", "")
    file = company.folder / "pilot.yaml"
    file.write_text(text, encoding="utf-8")
    with company.day(0):
        bring_people(company)
        planned = company.pusula("pilot", "plan", str(file)).output
        (n,) = (line.split()[-1].strip("`.") for line in planned.splitlines() if "--people" in line)
        company.pusula("pilot", "start", str(file), "--people", n)
        with pytest.raises(Exception, match=r"yaz"):
            company.pusula("pilot", "plan", str(file))
        with pytest.raises(Exception, match=r"yaz"):
            company.pusula("pilot", "start", str(file), "--people", n)
    with company.day(1):
        told = restored(Pilot.objects.get().definition)
        other = {**document(told, told.scenarios[0]), "holdout": "5 %"}
        versions.apply([("other", other)])
        found = json.loads(company.pusula("pilot", "report", "yaz", "--json").output)
        assert not found["is_as_registered"]
        company.pusula("pilot", "stop", "yaz")
    with company.day(3):
        assert not company.work()
