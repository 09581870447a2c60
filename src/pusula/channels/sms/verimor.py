"""Verimor: a campaign for a batch, our own number on each message, reports pushed or asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode

from pusula.channels.outbound import InDoubtError, Outbound
from pusula.channels.port import Outcome, Outgoing, Report, ReportKind, Result, all_of, words
from pusula.channels.sms import gateway
from pusula.channels.sms.gateway import Said
from pusula.channels.sms.segments import Alphabet
from pusula.lib import clock

URL = "https://sms.verimor.com.tr"
_LONGEST_H = 48
_CODINGS = {Alphabet.GSM: 0, Alphabet.TURKISH: 1, Alphabet.UNICODE: 2}
# Words of its refusals; the rest is about the message.
_POLICY = (
    "INVALID_USERNAME", "INVALID_PASSWORD", "INSUFFICIENT_CREDITS", "INVALID_SOURCE_ADDRESS",
    "FORBIDDEN", "MISSING_IYS_BRAND_CODE", "AHS_AUTHORIZATION_ERROR", "NO_AHS_BRAND_ERROR",
)  # fmt: skip
_BAD_ADDRESS = ("INVALID_DESTINATION_ADDRESS",)
STATES = {
    "DELIVERED": ReportKind.DELIVERED,
    "NOT_DELIVERED": ReportKind.SOFT_BOUNCED,
    "EXPIRED": ReportKind.SOFT_BOUNCED,
    "INVALID_DESTINATION_ADDRESS": ReportKind.BOUNCED,
    "REJECTED": ReportKind.REJECTED,
    "BLACKLISTED_DESTINATION_ADDRESS": ReportKind.OPTED_OUT,  # they wrote RET to the gateway
    "NOT_ALLOWED_BY_IYS": ReportKind.REJECTED,
    "DOUBLE_SEND_ERROR": ReportKind.REJECTED,
    "INSUFFICIENT_CREDITS": ReportKind.POLICY,
}


@dataclass
class Verimor:
    """An account at Verimor; ``sender`` is the registered name that phones show."""

    outbound: Outbound
    user: str
    password: str = field(repr=False)
    sender: str
    url: str = URL
    largest_batch: int = 100
    channel: str = field(default="sms", init=False)
    name: str = field(default="verimor", init=False)

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        """Hand ``batch`` over, a campaign for each sender's name and class of message in it."""
        groups: dict[tuple[str, bool], list[Outgoing]] = {}
        for one in batch:
            groups.setdefault((one.sender or self.sender, one.is_commercial), []).append(one)
        return gateway.in_turn(
            (part, partial(self._campaign, *key)) for key, part in groups.items()
        )

    def close(self) -> None:
        """Close the connections."""
        self.outbound.close()

    def _campaign(
        self, sender: str, is_commercial: bool, part: Sequence[Outgoing]
    ) -> Iterator[Outcome]:
        return gateway.exchange(
            self.outbound, part, url=f"{self.url}/v2/send.json",
            body=self._body(sender, is_commercial, part), read=_read,
        )  # fmt: skip

    def _body(self, sender: str, is_commercial: bool, part: Sequence[Outgoing]) -> dict[str, Any]:
        texts = [gateway.written(one) for one in part]
        hours = gateway.hours_left(part, at=clock.now(), most=_LONGEST_H)
        body: dict[str, Any] = {
            "username": self.user,
            "password": self.password,
            "source_addr": sender,
            "datacoding": _CODINGS[gateway.alphabet(texts)],
            "valid_for": f"{hours:02}:00",
            "is_commercial": is_commercial,
            "custom_id": part[0].token,
            "messages": [
                {"id": one.token, "dest": one.address.lstrip("+"), "msg": text}
                for one, text in zip(part, texts, strict=True)
            ],
        }
        return body | {"iys_recipient_type": "BIREYSEL"} if is_commercial else body

    def ask(self, provider_ids: Sequence[str]) -> Iterator[Report]:
        """Yield what became of the messages of these campaigns; raises ``CallError``."""
        for campaign in sorted({one.partition("/")[0] for one in provider_ids}):
            asked = {"username": self.user, "password": self.password, "id": campaign}
            answer = self.outbound.call("GET", f"{self.url}/v2/status?{urlencode(asked)}")
            rows = gateway.parsed(answer)
            if not isinstance(rows, list):
                raise InDoubtError(f"verimor: no report ({answer.status})")
            yield from reports(rows)


def reports(told: object) -> list[Report]:
    """Return what pushed or asked-for records say; what is none is left out."""
    rows = told if isinstance(told, list) else [told]
    return [report for row in rows if (report := _report(row))]


def from_push(body: bytes) -> list[Report]:
    """Return the reports of a push; nothing signs them, so its address holds a secret."""
    try:
        return reports(json.loads(body))
    except (ValueError, RecursionError):
        return []


def _read(batch: Sequence[Outgoing], said: Said) -> Iterator[Outcome]:
    campaign = said.told.get("campaign_id")
    if said.answer.is_good and campaign:
        for one in batch:
            provider_id = f"{campaign}/{one.address.lstrip('+')}"
            yield Outcome(one.id, Result.ACCEPTED, provider_id, f"campaign {campaign}")
        return
    shown = gateway.shown(said)
    if any(word in shown for word in _POLICY):
        result = Result.POLICY
    elif len(batch) == 1 and any(word in shown for word in _BAD_ADDRESS):
        result = Result.BAD_ADDRESS
    else:
        result = Result.DOUBT if said.answer.is_good else Result.REJECTED
    yield from all_of(batch, result, shown)


def _report(row: object) -> Report | None:
    if not isinstance(row, Mapping):
        return None
    state = str(row.get("status", ""))
    kind = STATES.get(state)
    campaign, number = row.get("campaign_id"), str(row.get("dest") or "").lstrip("+")
    token = str(row.get("message_id") or row.get("id") or "")
    if kind is None or not (token or (campaign and number)):
        return None
    return Report(
        kind=kind, key=f"verimor:{token or f'{campaign}/{number}'}:{state}", token=token[:32],
        provider_id=f"{campaign}/{number}" if campaign and number else "",
        words=words(f"verimor {state}"),
    )  # fmt: skip
