"""İYS as integrators describe it: limits a minute, batches answered later, cursors, its time zone.

A transport for httpx. Its clock is a number that tests set; what is wrong with a request is refused
with İYS's codes, so that a client that writes UTC times or invents cursors is found out.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

import httpx

TURKEY = timezone(timedelta(hours=3))  # since 2016; written apart from the product's own clock
LIMITS = {"add": 50, "batch": 2, "result": 20, "changes": 50, "status": 10}
MOST = {"batch": 10_000, "status": 1_000}
SOURCES = {
    "HS_WEB", "HS_MOBIL", "HS_CAGRI_MERKEZI", "HS_FIZIKSEL_ORTAM", "HS_ISLAK_IMZA", "HS_EORTAM",
    "HS_EPOSTA", "HS_MESAJ", "HS_SOSYAL_MEDYA", "HS_ETKINLIK", "HS_ATM", "HS_2015", "HS_KARAR",
}  # fmt: skip
WRITTEN = "%Y-%m-%d %H:%M:%S"
Key = tuple[str, str, str]


class Simulator(httpx.BaseTransport):
    def __init__(self, now: datetime, *, batch_body: str = "array") -> None:
        self.now = now
        self.batch_body = batch_body
        self.user, self.password = "hotel", "geheim"
        self.held: dict[Key, dict] = {}
        self.changed: list[dict] = []
        self.batches: dict[str, Batch] = {}
        self.tokens: dict[str, datetime] = {}
        self.calls: dict[tuple[str, str], int] = {}
        self.log: list[tuple[str, str]] = []
        self.fails_with: list[httpx.Response] = []  # answers to the next calls, whatever they are

    def tell(self, recipient: str, type_: str, status: str, **told: str) -> None:
        """Somebody decides at İYS itself."""
        at = self.now.astimezone(TURKEY).strftime(WRITTEN)
        record = {
            "recipient": recipient, "type": type_, "recipientType": "BIREYSEL", "status": status,
            "source": "IYS_WEB", "consentDate": at, "creationDate": at,
            "transactionId": uuid.uuid4().hex, **told,
        }  # fmt: skip
        self._keep(record)
        self.changed.append(record)

    def work(self) -> None:
        """Do the batches that wait."""
        for batch in self.batches.values():
            batch.results = [self._take(record, index) for index, record in enumerate(batch.told)]

    def status(self, recipient: str, type_: str) -> str:
        held = self.held.get((recipient, type_, "BIREYSEL"))
        return held["status"] if held else ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        path = request.url.path
        self.log.append((request.method, path))
        if path == "/oauth2/token":
            return self._sign_in(request)
        if self.fails_with:
            return self.fails_with.pop(0)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, datetime.min.replace(tzinfo=UTC)) <= self.now:
            return httpx.Response(401, json={"message": "token"})
        found = re.fullmatch(r"/sps/7/brands/9(/consents.*)", path)
        if not found:
            return httpx.Response(404)
        return self._answer(request, found[1])

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        if path == "/consents/changes":
            return self._limited("changes") or self._changes(request)
        if path == "/consents/request":
            return self._limited("batch") or self._batch(body)
        if found := re.fullmatch(r"/consents/request/(\w+)", path):
            return self._limited("result") or self._result(found[1])
        if found := re.fullmatch(r"/consents/(BIREYSEL|TACIR)/status/(ARAMA|MESAJ|EPOSTA)", path):
            return self._limited("status") or self._status(body, found[1], found[2])
        if path == "/consents":
            return self._limited("add") or self._add(body)
        return httpx.Response(404)

    def _limited(self, sort: str) -> httpx.Response | None:
        minute = (sort, self.now.strftime("%H:%M"))
        self.calls[minute] = self.calls.get(minute, 0) + 1
        if self.calls[minute] > LIMITS[sort]:
            wait = 60 - self.now.second
            return httpx.Response(429, headers={"Retry-After": str(wait)})
        return None

    def _sign_in(self, request: httpx.Request) -> httpx.Response:
        told = json.loads(request.content)
        wanted = {"username": self.user, "password": self.password, "grant_type": "password"}
        if told != wanted:
            return httpx.Response(401)
        token = uuid.uuid4().hex
        self.tokens[token] = self.now + timedelta(hours=2)
        return httpx.Response(200, json={"access_token": token})

    def _add(self, record: dict) -> httpx.Response:
        found = self._take(record, 0)
        if found["status"] == "failure":
            return httpx.Response(422, json={"errors": [found["error"]]})
        return httpx.Response(200, json=found)

    def _batch(self, body: object) -> httpx.Response:
        records = body.get("consents") if isinstance(body, dict) else body
        if not isinstance(records, list) or isinstance(body, dict) != (self.batch_body == "object"):
            return httpx.Response(400, json={"errors": [{"code": "H001", "message": "body"}]})
        if len(records) > MOST["batch"]:
            return httpx.Response(400, json={"errors": [{"code": "H002", "message": "too many"}]})
        number = uuid.uuid4().hex
        self.batches[number] = Batch(records)
        return httpx.Response(200, json={"requestId": number})

    def _result(self, number: str) -> httpx.Response:
        batch = self.batches.get(number)
        if batch is None:
            return httpx.Response(404, json={"errors": [{"code": "H404", "message": "request"}]})
        waiting = [{"index": index, "status": "enqueue"} for index in range(len(batch.told))]
        return httpx.Response(200, json=batch.results or waiting)

    def _changes(self, request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("after")
        try:
            start = int(base64.b64decode(after, validate=True)) if after else 0
        except ValueError:
            return httpx.Response(400, json={"errors": [{"code": "H010", "message": "after"}]})
        limit = int(request.url.params.get("limit", "500"))
        page = self.changed[start : start + limit]
        cursor = base64.b64encode(str(start + len(page)).encode()).decode()
        return httpx.Response(200, json={"after": cursor, "list": page})

    def _status(self, body: dict, who: str, type_: str) -> httpx.Response:
        asked = body["recipients"]
        if len(asked) > MOST["status"]:
            return httpx.Response(400, json={"errors": [{"code": "H020", "message": "too many"}]})
        approved = [
            one for one in asked
            if self.held.get((one, type_, who), {}).get("status") == "ONAY"
        ]  # fmt: skip
        return httpx.Response(200, json={"list": approved})

    def _take(self, record: dict, index: int) -> dict:
        code = self._trouble(record)
        if code:
            error = {"index": index, "code": code, "message": f"{code} refused"}
            return {"index": index, "status": "failure", "error": error}
        now = self.now.astimezone(TURKEY).strftime(WRITTEN)
        kept = {**record, "transactionId": uuid.uuid4().hex, "creationDate": now}
        self._keep(kept)
        told = {name: kept[name] for name in ("transactionId", "creationDate")}
        return {"index": index, "status": "success", **told}

    def _keep(self, record: dict) -> None:
        key = (record["recipient"], record["type"], record["recipientType"])
        self.held[key] = record

    def _trouble(self, record: dict) -> str:  # noqa: PLR0911 - one for each rule
        key = (record["recipient"], record["type"], record["recipientType"])
        if record["source"] not in SOURCES:
            return "H101"
        if record["type"] == "EPOSTA":
            if not (record["recipient"].isascii() and 6 <= len(record["recipient"]) <= 265):
                return "H102"
        elif not re.fullmatch(r"\+90\d{10}", record["recipient"]):
            return "H103"
        held = self.held.get(key)
        if record["status"] == "RET" and held is None:
            return "H174"  # the first record may not be a refusal
        if record["source"] == "HS_KARAR" and record["status"] == "ONAY":
            return "H175"
        decided = datetime.strptime(record["consentDate"], WRITTEN).replace(tzinfo=TURKEY)
        if decided > self.now + timedelta(minutes=5):
            return "H176"  # the future
        age = self.now - decided
        is_old = record["source"] == "HS_2015"
        if record["status"] == "ONAY" and not is_old and age > timedelta(days=9):
            return "H178"  # three business days, with the longest holiday between
        if held is not None and held["consentDate"] > record["consentDate"]:
            return "H179"  # something newer is known
        return ""


@dataclass
class Batch:
    told: list[dict]
    results: list[dict] = field(default_factory=list)
