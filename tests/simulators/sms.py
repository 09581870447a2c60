"""The SMS gateways as their documents describe them: Netgsm, İleti Merkezi, Verimor.

Each refuses what the real one would (sign-in, shape, spelling of numbers), so that an adapter that
writes something else is found out. ``next_result`` makes the next request end so.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field

from tests.simulators.channel_http import Asked, Told


def _json(status: int, told: object, headers: dict[str, str] | None = None) -> Told:
    return Told(status, json.dumps(told).encode(), headers or {})


@dataclass
class Gateway:
    user: str = "8503030303"
    password: str = "geheim-4711"
    sender: str = "DENIZOTEL"
    next_result: str = "accepted"
    bad_number: str = ""  # a request that holds it is refused as a whole
    taken: list[dict] = field(default_factory=list)  # {"to", "text", "commercial", "encoding"}
    reports: list[dict] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Told:
        if self.next_result == "later":
            return _json(429, {"error": "slow down"}, {"Retry-After": "77"})
        return self.answer(asked)

    def answer(self, asked: Asked) -> Told:
        raise NotImplementedError


class Netgsm(Gateway):
    codes = {"bad_address": None, "rejected": "70", "policy": "40"}

    def answer(self, asked: Asked) -> Told:  # noqa: PLR0911 - one for each rule
        word = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {word}":
            return _json(406, {"code": "30", "description": "auth"})
        told = json.loads(asked.body)
        if asked.path == "/sms/rest/v2/report":
            rows = [row for row in self.reports if str(row["jobid"]) in told["jobids"]]
            start = (told["pagenumber"] - 1) * told["pagesize"]
            return _json(200, {"code": "00", "jobs": rows[start : start + told["pagesize"]]})
        if asked.path != "/sms/rest/v2/send":
            return Told(404)
        if told["msgheader"] != self.sender:
            return _json(406, {"code": "40"})
        if told["iysfilter"] not in {"0", "11", "12"} or not all(
            re.fullmatch(r"5\d{9}|00[1-9]\d{7,14}", one["no"]) for one in told["messages"]
        ):
            return _json(406, {"code": "70"})
        if any(one["no"] == self.bad_number for one in told["messages"]):
            return _json(406, {"code": "70", "description": "number"})
        if code := self.codes.get(self.next_result):
            return _json(406, {"code": code, "description": self.next_result})
        for one in told["messages"]:
            self.taken.append(
                {"to": one["no"], "text": one["msg"], "commercial": told["iysfilter"] != "0",
                 "encoding": told["encoding"]}
            )  # fmt: skip
        return _json(200, {"code": "00", "jobid": f"job{len(self.taken)}", "description": "queued"})


class IletiMerkezi(Gateway):
    codes = {"bad_address": 452, "rejected": 404, "policy": 450}

    def answer(self, asked: Asked) -> Told:  # noqa: PLR0911 - one for each rule
        told = json.loads(asked.body)["request"]
        if told["authentication"] != {"key": self.user, "hash": self.password}:
            return self._status(401, "auth")
        if asked.path == "/v1/get-report/json":
            rows = [row for row in self.reports if row["order"] == told["order"]["id"]]
            return _json(200, {"response": {"status": {"code": 200}, "order": {"message": rows}}})
        if asked.path != "/v1/send-sms/json":
            return Told(404)
        order = told["order"]
        numbers = order["message"]["receipents"]["number"]  # their spelling
        if order["iys"] == "1" and order.get("iysList") not in {"BIREYSEL", "TACIR"}:
            return self._status(469, "iys list")
        if not all(re.fullmatch(r"90\d{10}", one) for one in numbers):
            return self._status(452, "numbers")
        if any(self.bad_number and one.endswith(self.bad_number) for one in numbers):
            return self._status(452, "numbers")
        if code := self.codes.get(self.next_result):
            return self._status(code, self.next_result)
        for one in numbers:
            self.taken.append(
                {"to": one, "text": order["message"]["text"], "commercial": order["iys"] == "1"}
            )
        number = {"order": {"id": str(len(self.taken))}}
        return _json(200, {"response": {"status": {"code": 200, "message": "ok"}, **number}})

    @staticmethod
    def _status(code: int, words: str) -> Told:
        told = {"response": {"status": {"code": code, "message": words}}}
        return _json(code if code < 500 else 503, told)


class Verimor(Gateway):
    codes = {
        "bad_address": "INVALID_DESTINATION_ADDRESS", "rejected": "MESSAGE_TOO_LONG",
        "policy": "INSUFFICIENT_CREDITS",
    }  # fmt: skip

    def answer(self, asked: Asked) -> Told:  # noqa: C901, PLR0911 - one for each rule
        if asked.path.startswith("/v2/status?"):
            return _json(200, self.reports)
        if asked.path != "/v2/send.json":
            return Told(404)
        told = json.loads(asked.body)
        if (told["username"], told["password"]) != (self.user, self.password):
            return Told(401, b"INVALID_USERNAME_OR_PASSWORD")
        if told["source_addr"] != self.sender:
            return _json(400, {"error": "INVALID_SOURCE_ADDRESS"})
        if told["is_commercial"] and told.get("iys_recipient_type") != "BIREYSEL":
            return _json(400, {"error": "INVALID_IYS_RECIPIENT_TYPE"})
        if not re.fullmatch(r"\d\d:00", told["valid_for"]):
            return _json(400, {"error": "INVALID_VALID_FOR"})
        if not all(re.fullmatch(r"90\d{10}", one["dest"]) for one in told["messages"]):
            return _json(400, {"error": "INVALID_DESTINATION_ADDRESS"})
        if any(self.bad_number and self.bad_number in one["dest"] for one in told["messages"]):
            return _json(400, {"error": "INVALID_DESTINATION_ADDRESS"})
        if word := self.codes.get(self.next_result):
            return _json(400, {"error": word})
        for one in told["messages"]:
            self.taken.append(
                {"to": one["dest"], "text": one["msg"], "commercial": told["is_commercial"],
                 "encoding": told["datacoding"], "id": one["id"]}
            )  # fmt: skip
        return _json(200, {"campaign_id": 9000 + len(self.taken), "custom_id": told["custom_id"]})
