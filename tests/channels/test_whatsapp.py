"""Templates as the Cloud API wants them, its error codes, and its signed statuses."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.channels.contract import CASES

from pusula.channels.port import ChannelError, ForgedError, Outgoing, ReportKind, Result
from pusula.channels.whatsapp import codes, webhook
from pusula.channels.whatsapp.provider import message

WHATSAPP = next(case for case in CASES if case.name == "whatsapp")


def outgoing(**details: object) -> Outgoing:
    return Outgoing(id=1, token="t" * 22, address="+905321234567", details=details)


def test_a_template_is_filled_by_name_or_in_order_with_picture_and_links() -> None:
    told = message(
        outgoing(
            template="konaklama_oncesi", language="tr", body={"ad": "Ayşe\nDemir", "otel": "Deniz"},
            header={"image": "https://otel.example/oda.jpg"}, buttons=["", "9f2c"],
        )
    )  # fmt: skip
    assert told["to"] == "905321234567"
    assert told["biz_opaque_callback_data"] == "t" * 22
    assert told["template"]["components"] == [
        {
            "type": "header",
            "parameters": [{"type": "image", "image": {"link": "https://otel.example/oda.jpg"}}],
        },
        {
            "type": "body",
            "parameters": [
                {"type": "text", "parameter_name": "ad", "text": "Ayşe Demir"},
                {"type": "text", "parameter_name": "otel", "text": "Deniz"},
            ],
        },
        {
            "type": "button", "sub_type": "url", "index": "1",
            "parameters": [{"type": "text", "text": "9f2c"}],
        },
    ]  # fmt: skip
    in_order = message(outgoing(template="x", language="tr", body=["Ayşe", 3]))
    (body,) = in_order["template"]["components"]
    assert [one["text"] for one in body["parameters"]] == ["Ayşe", "3"]


@pytest.mark.parametrize(
    "details",
    [{}, {"template": "x"}, {"template": 1, "language": "tr"},
     {"template": "x", "language": "tr", "body": "text"}],
)  # fmt: skip
def test_what_names_no_template_is_refused(details: dict) -> None:
    with pytest.raises(ChannelError):
        message(outgoing(**details))


@pytest.mark.parametrize(
    ("code", "status", "result"),
    [
        (130429, 400, "later"), (131056, 400, "later"), (131049, 400, "later"),
        (131048, 400, "later"), (4, 400, "later"), (2, 503, "later"),
        (131050, 400, "opted_out"), (131026, 400, "rejected"), (131047, 400, "rejected"),
        (130472, 400, "rejected"), (131062, 400, "rejected"),
        (132000, 400, "content"), (132001, 404, "content"), (132012, 400, "content"),
        (132015, 400, "content"), (132016, 400, "content"),
        (190, 401, "policy"), (200, 403, "policy"), (131031, 400, "policy"),
        (131042, 400, "policy"), (368, 403, "policy"),
        (131000, 500, "doubt"), (1, 500, "doubt"), (999_999, 400, "rejected"),
    ],
)  # fmt: skip
def test_each_error_code_means_what_meta_says(code: int, status: int, result: str) -> None:
    assert codes.result(code, status) == result


def test_a_person_whom_meta_spares_is_not_tried_again_on_the_same_day() -> None:
    with WHATSAPP.staged() as stage:
        stage.company.next_result = "marketing_cap"
        outcomes = stage.send()
    assert {(one.result, one.after_s) for one in outcomes} == {(Result.LATER, 86_400)}


def test_a_template_that_does_not_fit_is_a_fault_of_the_content() -> None:
    with WHATSAPP.staged() as stage:
        one = stage.messages[0]
        stage.messages = [replace(one, details={**one.details, "body": {"ad": "Ayşe"}})]
        (outcome,) = stage.send()
    assert (outcome.result, "132000" in outcome.words) == (Result.CONTENT, True)


@pytest.mark.parametrize(
    ("status", "errors", "kind"),
    [
        ("sent", [], ReportKind.SENT),
        ("delivered", [], ReportKind.DELIVERED),
        ("read", [], ReportKind.OPENED),
        ("failed", [{"code": 131026}], ReportKind.SOFT_BOUNCED),
        ("failed", [{"code": 131050}], ReportKind.OPTED_OUT),
        ("failed", [{"code": 131049}], ReportKind.REJECTED),
        ("failed", [{"code": 131042}], ReportKind.POLICY),
        ("failed", [], ReportKind.REJECTED),
    ],
)
def test_statuses_are_read(status: str, errors: list, kind: ReportKind) -> None:
    with WHATSAPP.staged() as stage:
        body, headers = stage.company.status(
            "wamid.1", status, biz_opaque_callback_data="t" * 22, errors=errors
        )
        webhook.verify(headers, body, stage.company.secret)
    (report,) = webhook.reports(body)
    assert (report.kind, report.token, report.at) == (kind, "t" * 22, 1_795_351_679_000_000)


def test_what_is_no_status_is_left_out_and_what_is_not_signed_refused() -> None:
    for told in ([], {}, {"entry": 1}, {"entry": [{"changes": [{"field": "messages"}]}]}):
        assert webhook.reports(json.dumps(told).encode()) == []
    assert webhook.reports(b"\xff") == []
    for headers in ({}, {"x-hub-signature-256": "sha256="}, {"x-hub-signature-256": "şifre"}):
        with pytest.raises(ForgedError):
            webhook.verify(headers, b"{}", "secret")
    with pytest.raises(ForgedError):
        webhook.verify({"x-hub-signature-256": "sha256="}, b"{}", "")
