"""The Cloud API: takes templates, answers with Meta's error codes, signs its statuses."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field

from tests.simulators.channel_http import Asked, Told


@dataclass
class CloudApi:
    token: str = "EAAG-geheim-4711"
    number_id: str = "1055"
    secret: str = "app-geheim"
    templates: dict[tuple[str, str], set[str]] = field(
        default_factory=lambda: {("konaklama_oncesi", "tr"): {"ad", "otel"}}
    )
    next_result: str = "accepted"
    taken: list[dict] = field(default_factory=list)
    codes = {
        "later": (400, 130429), "bad_address": (400, 131026), "rejected": (400, 131051),
        "policy": (400, 131031), "opted_out": (400, 131050), "marketing_cap": (400, 131049),
    }  # fmt: skip

    def __call__(self, asked: Asked) -> Told:  # noqa: PLR0911 - one for each rule
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return self._error(401, 190)
        if not asked.path.endswith(f"/{self.number_id}/messages"):
            return self._error(400, 100)
        if found := self.codes.get(self.next_result):
            headers = {"Retry-After": "77"} if self.next_result == "later" else {}
            return self._error(*found, headers)
        told = json.loads(asked.body)
        template = told["template"]
        wanted = self.templates.get((template["name"], template["language"]["code"]))
        if wanted is None:
            return self._error(404, 132001)
        given = {
            one.get("parameter_name")
            for part in template.get("components", []) if part["type"] == "body"
            for one in part["parameters"]
        }  # fmt: skip
        if given != wanted:
            return self._error(400, 132000)
        if told["to"].startswith("+") or len(told["biz_opaque_callback_data"]) > 512:
            return self._error(400, 100)
        self.taken.append(told)
        number = {"id": f"wamid.{len(self.taken)}", "message_status": "accepted"}
        return Told(200, json.dumps({"messages": [number]}).encode())

    def status(self, number: str, status: str, **told: object) -> tuple[bytes, dict[str, str]]:
        """Return body and headers of a webhook that tells a status."""
        one = {"id": number, "status": status, "timestamp": "1795351679", **told}
        value = {"metadata": {"phone_number_id": self.number_id}, "statuses": [one]}
        body = json.dumps(
            {"entry": [{"changes": [{"field": "messages", "value": value}]}]}
        ).encode()
        mac = hmac.new(self.secret.encode(), body, "sha256").hexdigest()
        return body, {"x-hub-signature-256": f"sha256={mac}"}

    @staticmethod
    def _error(status: int, code: int, headers: dict[str, str] | None = None) -> Told:
        told = {"error": {"message": f"(#{code}) refused", "code": code}}
        return Told(status, json.dumps(told).encode(), headers or {})
