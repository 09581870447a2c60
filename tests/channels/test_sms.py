"""What the gateways are told of each message, and what they say of it later."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.channels.contract import CASES, Case

from pusula.channels.outbound import CallError
from pusula.channels.port import ReportKind
from pusula.channels.sms import verimor
from pusula.lib import clock

GATEWAYS = [case for case in CASES if case.is_gateway]
every_gateway = pytest.mark.parametrize("case", GATEWAYS, ids=lambda case: case.name)


def of(name: str) -> Case:
    return next(case for case in GATEWAYS if case.name == name)


@every_gateway
def test_the_gateway_asks_iys_for_advertising_and_not_for_what_only_informs(case: Case) -> None:
    with case.staged() as stage:
        first, second, _third = stage.messages
        stage.messages = [first, replace(second, is_commercial=False)]
        stage.send()
        told = sorted((one["to"][-1], one["commercial"]) for one in stage.company.taken)
    assert told == [("1", True), ("2", False)]


@every_gateway
def test_a_text_goes_out_tidied_and_without_turkish_letters_only_where_asked(case: Case) -> None:
    with case.staged() as stage:
        first, second, _third = stage.messages
        text = "Şükrü Bey, “deniz” odanız hazır"
        stage.messages = [
            replace(first, text=text),
            replace(second, text=text, details={"encoding": "plain"}),
        ]
        stage.send()
        told = {one["to"][-1]: one["text"] for one in stage.company.taken}
    assert told == {
        "1": 'Şükrü Bey, "deniz" odanız hazır',
        "2": 'Sükrü Bey, "deniz" odaniz hazir',
    }


@pytest.mark.parametrize(
    ("text", "netgsm", "verimor_"),
    [("Merhaba", "ASCII", 0), ("Şükrü", "TR", 1), ("Привет", "UNICODE", 2)],
)
def test_a_batch_goes_in_the_alphabet_that_holds_all_of_it(
    text: str, netgsm: str, verimor_: int
) -> None:
    for name, wanted in (("netgsm", netgsm), ("verimor", verimor_)):
        with of(name).staged() as stage:
            stage.messages[1] = replace(stage.messages[1], text=text)
            stage.send()
            assert {one["encoding"] for one in stage.company.taken} == {wanted}


def test_verimor_keeps_trying_only_while_the_message_is_of_use() -> None:
    with of("verimor").staged() as stage:
        soon = clock.now() + 5 * clock.HOUR + clock.MINUTE
        stage.messages = [replace(one, not_after_at=soon) for one in stage.messages]
        stage.send()
        (asked,) = stage.behaviour.asked
    assert json.loads(asked.body)["valid_for"] == "05:00"


def test_netgsm_is_asked_for_jobs_page_by_page() -> None:
    with of("netgsm").staged() as stage:
        stage.company.reports = [
            {"jobid": "job1", "number": f"905320{n:06}", "status": 1} for n in range(150)
        ] + [
            {"jobid": "job2", "number": "5320000001", "status": 3},
            {"jobid": "job2", "number": "5320000002", "status": 0},  # waits
            {"jobid": "job2", "number": "5320000003", "status": 14},
            {"jobid": "other", "number": "5320000009", "status": 1},
        ]
        found = list(stage.provider.ask(["job1/5320000000", "job1/5320000001", "job2/5320000001"]))
    kinds = [one.kind for one in found]
    assert kinds.count(ReportKind.DELIVERED) == 150
    assert kinds[150:] == [ReportKind.BOUNCED, ReportKind.POLICY]
    assert found[150].provider_id == "job2/5320000001"  # as it was accepted


@pytest.mark.parametrize("address", ["+905320000001", "+4915112345678", "+12025550123"])
@pytest.mark.parametrize("prefix", ["", "00", "+"])
def test_a_report_of_netgsm_names_a_number_of_any_country_as_it_was_accepted(
    address: str, prefix: str
) -> None:
    with of("netgsm").staged() as stage:
        stage.messages = [replace(stage.messages[0], address=address)]
        [outcome] = stage.send()
        job = outcome.provider_id.partition("/")[0]
        told = {"jobid": job, "number": prefix + address.lstrip("+"), "status": 1}
        stage.company.reports = [told]
        [report] = stage.provider.ask([outcome.provider_id])
    assert report.provider_id == outcome.provider_id


@pytest.mark.parametrize("manner", ["garbage", "hangup"])
@every_gateway
def test_a_report_that_cannot_be_had_says_so_and_claims_nothing(case: Case, manner: str) -> None:
    with case.staged(total_s=0.4) as stage:
        stage.behaviour.manner = manner
        with pytest.raises(CallError):
            list(stage.provider.ask(["job1/5320000000"]))


def test_reports_name_messages_as_they_were_accepted() -> None:
    with of("iletimerkezi").staged() as stage:
        accepted = {one.provider_id for one in stage.send()}
        stage.company.reports = [
            {"order": str(n), "number": f"+90532000000{n}", "status": "111"} for n in (1, 2, 3)
        ]
        heard = {one.provider_id for one in stage.provider.ask(sorted(accepted))}
    assert heard == accepted


def test_a_push_of_verimor_is_read_by_our_own_number_and_nonsense_is_left_out() -> None:
    told = [
        {"message_id": "t" * 22, "status": "NOT_DELIVERED", "campaign_id": 7, "dest": "90532"},
        {"message_id": "u" * 22, "status": "BLACKLISTED_DESTINATION_ADDRESS"},
        {"message_id": "v" * 22, "status": "SOMETHING_NEW"},
        {"status": "DELIVERED"},
        "nonsense",
    ]
    found = verimor.from_push(json.dumps(told).encode())
    assert [(one.token, one.kind) for one in found] == [
        ("t" * 22, ReportKind.SOFT_BOUNCED),
        ("u" * 22, ReportKind.OPTED_OUT),
    ]
    assert verimor.from_push(b"{") == []
