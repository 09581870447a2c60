"""İleti Merkezi: an order for each text, since an order holds one text for its numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pusula.channels.outbound import InDoubtError, Outbound
from pusula.channels.port import Outcome, Outgoing, Report, ReportKind, Result, all_of, words
from pusula.channels.sms import gateway
from pusula.channels.sms.gateway import Said

URL = "https://api.iletimerkezi.com"
_GOOD = 200
_CODES = {
    401: Result.POLICY,  # key and hash do not belong together
    402: Result.POLICY,  # no credit
    450: Result.POLICY,  # the sender's name is not registered
    451: Result.POLICY,
    452: Result.BAD_ADDRESS,  # no number in the order that can be written to
    453: Result.POLICY,
    460: Result.POLICY,
    468: Result.REJECTED,  # İYS: the flag is wanting
    469: Result.REJECTED,
    470: Result.POLICY,  # İYS: no code
    503: Result.LATER,
}
_STATES = {
    "111": ReportKind.DELIVERED,
    "112": ReportKind.SOFT_BOUNCED,
    "113": ReportKind.SENT,
    "115": ReportKind.REJECTED,
}


@dataclass
class IletiMerkezi:
    """An account at İleti Merkezi; ``key`` and ``hash_`` come from its panel."""

    outbound: Outbound
    key: str = field(repr=False)
    hash_: str = field(repr=False)
    sender: str
    url: str = URL
    largest_batch: int = 100
    channel: str = field(default="sms", init=False)
    name: str = field(default="iletimerkezi", init=False)

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        """Hand ``batch`` over, an order for each different text in it."""
        groups: dict[tuple[str, str, bool], list[Outgoing]] = {}
        for one in batch:
            text = gateway.written(one)
            key = (one.sender or self.sender, text, one.is_commercial)
            groups.setdefault(key, []).append(one)
        return gateway.in_turn((part, partial(self._order, *key)) for key, part in groups.items())

    def close(self) -> None:
        """Close the connections."""
        self.outbound.close()

    def _order(
        self, sender: str, text: str, is_commercial: bool, part: Sequence[Outgoing]
    ) -> Iterator[Outcome]:
        numbers = [one.address.lstrip("+") for one in part]
        order: dict[str, Any] = {
            "sender": sender,
            "sendDateTime": [],
            "iys": "1" if is_commercial else "0",
            "message": {"text": text, "receipents": {"number": numbers}},  # their spelling
        }
        if is_commercial:
            order["iysList"] = "BIREYSEL"
        return gateway.exchange(
            self.outbound, part, url=f"{self.url}/v1/send-sms/json",
            body={"request": {**self._sign_in(), "order": order}}, read=_read,
        )  # fmt: skip

    def ask(self, provider_ids: Sequence[str]) -> Iterator[Report]:
        """Yield what became of the messages of these orders; raises ``CallError``."""
        for order in sorted({one.partition("/")[0] for one in provider_ids}):
            asked = {"request": {**self._sign_in(), "order": {"id": order}}}
            answer = self.outbound.call(
                "POST", f"{self.url}/v1/get-report/json",
                headers={"Content-Type": "application/json"}, body=json.dumps(asked).encode(),
            )  # fmt: skip
            rows = _under(gateway.parsed(answer), "response", "order", "message")
            if not isinstance(rows, list):
                raise InDoubtError(f"iletimerkezi: no report ({answer.status})")
            yield from (report for row in rows if (report := _report(order, row)))

    def _sign_in(self) -> dict[str, Any]:
        return {"authentication": {"key": self.key, "hash": self.hash_}}


def _read(batch: Sequence[Outgoing], said: Said) -> Iterator[Outcome]:
    code = _number(_under(said.told, "response", "status", "code"))
    if code == _GOOD:
        order = _under(said.told, "response", "order", "id")
        for one in batch:
            provider_id = f"{order}/{one.address.lstrip('+')}" if order else ""
            yield Outcome(one.id, Result.ACCEPTED, provider_id, words(f"{code} order {order}"))
        return
    result = _CODES.get(code, Result.REJECTED if code else Result.DOUBT)
    if result is Result.BAD_ADDRESS and len(batch) > 1:
        result = Result.REJECTED  # it does not say which of them
    after_s = gateway.LATER_S if result is Result.LATER else None
    yield from all_of(batch, result, gateway.shown(said), after_s=after_s)


def _report(order: str, row: object) -> Report | None:
    number, state = _under(row, "number"), str(_under(row, "status"))
    kind = _STATES.get(state)
    if kind is None or not isinstance(number, str):
        return None
    provider_id = f"{order}/{number.lstrip('+')}"
    return Report(
        kind=kind, key=f"iletimerkezi:{provider_id}:{state}", provider_id=provider_id,
        words=words(f"iletimerkezi {state}"),
    )  # fmt: skip


def _under(told: object, *names: str) -> Any:
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told


def _number(told: object) -> int:
    try:
        return int(str(told))
    except ValueError:
        return 0
