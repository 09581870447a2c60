"""Netgsm: one job for a batch, reports asked for by the job's number."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pusula.channels.outbound import InDoubtError, NotSentError, Outbound
from pusula.channels.port import Outcome, Outgoing, Report, ReportKind, Result, all_of, words
from pusula.channels.sms import gateway
from pusula.channels.sms.gateway import Said
from pusula.channels.sms.segments import Alphabet

URL = "https://api.netgsm.com.tr"
COMMERCIAL, INFORMATION = "11", "0"  # to consumers with İYS asked once more; and what needs no İYS
_PAGE = 100
_HOME = 10  # digits of a number of Turkey
_ENCODINGS = {Alphabet.GSM: "ASCII", Alphabet.TURKISH: "TR", Alphabet.UNICODE: "UNICODE"}
# What its codes mean for a whole batch. The rest, as 20 (text) and 70 (parameter), is our message.
_CODES = {
    "00": Result.ACCEPTED,
    "01": Result.ACCEPTED,
    "02": Result.ACCEPTED,
    "30": Result.POLICY,  # user, password, address of ours, or no right to the interface
    "40": Result.POLICY,  # the sender's name is not registered
    "50": Result.POLICY,  # İYS: the account may not send with its check
    "51": Result.POLICY,  # İYS: no brand
    "60": Result.POLICY,
    "80": Result.LATER,  # more a minute than it takes
    "85": Result.LATER,  # more than 20 a minute for one number
}
_STATES = {
    0: None,  # waits
    1: ReportKind.DELIVERED,
    2: ReportKind.SOFT_BOUNCED,  # time was up: switched off, out of reach
    3: ReportKind.BOUNCED,  # there is no such number
    4: ReportKind.SENT,  # handed on, nothing heard yet
    11: ReportKind.REJECTED,
    12: ReportKind.REJECTED,
    13: ReportKind.REJECTED,  # the same text to the same number on the same day
    14: ReportKind.POLICY,  # no credit
    15: ReportKind.REJECTED,  # on the gateway's list of numbers that get nothing
    16: ReportKind.REJECTED,  # refused by İYS
    17: ReportKind.REJECTED,
}


@dataclass
class Netgsm:
    """An account at Netgsm; ``sender`` is the registered name that phones show."""

    outbound: Outbound
    user: str
    password: str = field(repr=False)
    sender: str
    url: str = URL
    largest_batch: int = 100
    channel: str = field(default="sms", init=False)
    name: str = field(default="netgsm", init=False)

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        """Hand ``batch`` over, a job for each sender's name and class of message in it."""
        groups: dict[tuple[str, bool], list[Outgoing]] = {}
        for one in batch:
            groups.setdefault((one.sender or self.sender, one.is_commercial), []).append(one)
        return gateway.in_turn((part, partial(self._job, *key)) for key, part in groups.items())

    def close(self) -> None:
        """Close the connections."""
        self.outbound.close()

    def _job(self, sender: str, is_commercial: bool, part: Sequence[Outgoing]) -> Iterator[Outcome]:
        texts = [gateway.written(one) for one in part]
        body = {
            "msgheader": sender,
            "encoding": _ENCODINGS[gateway.alphabet(texts)],
            "iysfilter": COMMERCIAL if is_commercial else INFORMATION,
            "appname": "Pusula",
            "messages": [
                {"msg": text, "no": _number(one.address)}
                for one, text in zip(part, texts, strict=True)
            ],
        }
        return gateway.exchange(
            self.outbound, part, url=f"{self.url}/sms/rest/v2/send", headers=self._sign_in(),
            body=body, read=_read,
        )  # fmt: skip

    def ask(self, provider_ids: Sequence[str]) -> Iterator[Report]:
        """Yield what became of the messages of these jobs; raises ``CallError``."""
        jobs = sorted({one.partition("/")[0] for one in provider_ids})
        for start in range(0, len(jobs), _PAGE):
            part = jobs[start : start + _PAGE]
            page = 1
            while rows := self._reported(part, page):
                yield from (report for row in rows if (report := _report(row)))
                if len(rows) < _PAGE:
                    break
                page += 1

    def _reported(self, jobs: Sequence[str], page: int) -> list[dict[str, Any]]:
        asked = {"jobids": list(jobs), "pagenumber": page, "pagesize": _PAGE}
        answer = self.outbound.call(
            "POST", f"{self.url}/sms/rest/v2/report",
            headers={"Content-Type": "application/json", **self._sign_in()},
            body=json.dumps(asked).encode(),
        )  # fmt: skip
        told = gateway.parsed(answer)
        rows = told.get("jobs") if isinstance(told, dict) else None
        if not isinstance(rows, list):
            if answer.is_good or not isinstance(told, dict):
                raise InDoubtError(f"netgsm: no report ({answer.status})")
            raise NotSentError(f"netgsm: no report ({answer.status}, code {told.get('code')})")
        return [row for row in rows if isinstance(row, dict)]

    def _sign_in(self) -> dict[str, str]:
        word = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {word}"}


def _read(batch: Sequence[Outgoing], said: Said) -> Iterator[Outcome]:
    code = str(said.told.get("code", ""))
    result = _CODES.get(code, Result.REJECTED if code else Result.DOUBT)
    if result is not Result.ACCEPTED:
        after_s = gateway.LATER_S if result is Result.LATER else None
        yield from all_of(batch, result, gateway.shown(said), after_s=after_s)
        return
    job = str(said.told.get("jobid", ""))
    for one in batch:
        # The job is of all of them; with the number behind it, it is of one.
        provider_id = f"{job}/{_number(one.address)}" if job else ""
        yield Outcome(one.id, Result.ACCEPTED, provider_id, words(f"{code} job {job}"))


def _report(row: dict[str, Any]) -> Report | None:
    try:
        state = int(row.get("status", 0))
    except (TypeError, ValueError):
        return None
    kind = _STATES.get(state)
    number = str(row.get("number") or row.get("no") or "")
    if kind is None or not number:
        return None
    provider_id = f"{row.get('jobid')}/{_heard(number)}"
    return Report(
        kind=kind, key=f"netgsm:{provider_id}:{state}", provider_id=provider_id,
        words=words(f"netgsm {state} {row.get('errorcode') or ''}"),
    )  # fmt: skip


def _heard(number: str) -> str:
    """Return a number of a report, which may have its prefixes or not, as ``_number`` spells it."""
    digits = "".join(sign for sign in number if sign.isdecimal())
    if digits.startswith("00"):
        return _number(digits[2:])
    is_home = len(digits) == _HOME or (len(digits) == _HOME + 1 and digits.startswith("0"))
    return digits[-_HOME:] if is_home else _number(digits)


def _number(address: str) -> str:
    """Return a number of Turkey as its ten digits; of elsewhere with its country."""
    digits = address.lstrip("+")
    return digits[2:] if digits.startswith("90") else f"00{digits}"
