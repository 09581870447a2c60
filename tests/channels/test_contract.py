"""The promises of ``contract.py``, asked of every provider."""

from __future__ import annotations

import logging
import socket
import time
from dataclasses import replace

import pytest
from tests.channels.contract import CASES, SECRET, Case

from pusula.channels.port import Result

every_provider = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_provider
def test_messages_that_are_taken_are_accepted_each_with_its_number(case: Case) -> None:
    with case.staged() as stage:
        outcomes = stage.send()
    assert [(one.id, one.result) for one in outcomes] == [(n, Result.ACCEPTED) for n in (1, 2, 3)]
    assert len({one.provider_id for one in outcomes}) == 3
    assert all(one.provider_id and len(one.provider_id) <= 120 for one in outcomes)
    assert len(stage.company.taken) == 3


@every_provider
def test_patience_that_is_asked_for_is_granted(case: Case) -> None:
    with case.staged() as stage:
        stage.company.next_result = "later"
        outcomes = stage.send()
    assert [one.result for one in outcomes] == [Result.LATER] * 3
    assert outcomes[0].after_s == 77
    assert all(one.after_s for one in outcomes)


@every_provider
@pytest.mark.parametrize("result", ["bad_address", "rejected", "policy"])
def test_refusals_keep_their_meaning_and_the_provider_s_words(case: Case, result: str) -> None:
    with case.staged() as stage:
        stage.messages = stage.messages[:1]
        stage.company.next_result = result
        (outcome,) = stage.send()
    wanted = case.differs.get(result, result)
    assert outcome.result == wanted
    assert outcome.words


@pytest.mark.parametrize("case", [one for one in CASES if one.is_gateway], ids=lambda c: c.name)
def test_one_bad_number_in_a_batch_is_found_and_the_others_get_theirs_once(case: Case) -> None:
    with case.staged() as stage:
        stage.messages = [replace(one, text="Hepinize merhaba") for one in stage.messages]
        stage.company.bad_number = stage.messages[1].address[-10:]
        outcomes = stage.send()
    assert [one.result == Result.ACCEPTED for one in outcomes] == [True, False, True]
    assert outcomes[1].result in {Result.BAD_ADDRESS, Result.REJECTED}
    assert sorted(one["to"][-1] for one in stage.company.taken) == ["1", "3"]


@every_provider
@pytest.mark.parametrize("manner", ["silent", "hangup", "drip"])
def test_a_request_that_left_and_got_no_answer_is_in_doubt(case: Case, manner: str) -> None:
    with case.staged(total_s=0.4) as stage:
        stage.behaviour.manner = manner
        begun = time.monotonic()
        outcomes = stage.send()
        took_s = time.monotonic() - begun
        n_left = case.n_in_request * len(stage.behaviour.asked)
    # What had not left when the first got no answer may be tried again.
    assert [one.result for one in outcomes] == _first(n_left, Result.DOUBT, Result.LATER)
    assert took_s < 5  # however many requests there were: none took longer than it may


@every_provider
@pytest.mark.parametrize("manner", ["garbage", "flood"])
def test_a_success_that_makes_no_sense_is_in_doubt(case: Case, manner: str) -> None:
    with case.staged() as stage:
        stage.behaviour.manner = manner
        outcomes = stage.send()
        n_left = case.n_in_request * len(stage.behaviour.asked)
    # A push service says all there is to say with its status.
    wanted = Result.ACCEPTED if case.name == "webpush" else Result.DOUBT
    assert [one.result for one in outcomes] == _first(n_left, wanted, Result.LATER)


@every_provider
def test_nothing_is_sent_where_nobody_listens_and_it_may_be_tried_again(case: Case) -> None:
    with case.staged() as stage, socket.socket() as taken:  # bound, not listening: refused
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        _point_to(stage, f"http://127.0.0.1:{port}")
        outcomes = stage.send()
    assert [one.result for one in outcomes] == [Result.LATER] * 3
    assert all(one.after_s for one in outcomes)


@every_provider
def test_redirects_are_not_followed(case: Case) -> None:
    with case.staged() as stage:
        stage.behaviour.manner = "redirect"
        outcomes = stage.send()
        n_asked = len(stage.behaviour.asked)
    assert Result.ACCEPTED not in {one.result for one in outcomes}
    assert all("again" not in asked.path for asked in stage.behaviour.asked[:n_asked])


@every_provider
@pytest.mark.parametrize("manner", ["good", "hangup", "garbage", "redirect"])
def test_no_secret_reaches_outcomes_logs_or_the_provider_s_own_description(
    case: Case, manner: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with case.staged(total_s=0.4) as stage:
        stage.behaviour.manner = manner
        said = repr(stage.send()) + repr(stage.provider)
    ours = [record for record in caplog.records if record.name.startswith("pusula")]
    assert SECRET not in said + "".join(record.getMessage() for record in ours)


@every_provider
def test_every_message_gets_exactly_one_outcome_whatever_is_answered(case: Case) -> None:
    for manner in ("good", "garbage", "redirect", "hangup"):
        with case.staged(total_s=0.4) as stage:
            stage.behaviour.manner = manner
            assert [one.id for one in stage.send()] == [1, 2, 3]


def _first(n: int, result: Result, others: Result) -> list[Result]:
    assert 1 <= n <= 3
    return [result] * n + [others] * (3 - n)


def _point_to(stage: object, url: str) -> None:
    provider = stage.provider
    if hasattr(provider, "url"):
        provider.url = url
        return
    stage.messages = [
        replace(one, details={**one.details, "endpoint": f"{url}/push/b{one.id}"})
        for one in stage.messages
    ]
