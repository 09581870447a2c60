"""The HTTP API of İYS. What its documents leave open is a setting, not a belief."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import httpx
import msgspec
from msgspec import Meta

from pusula.consent.iys import rules
from pusula.consent.models import IysSubmission
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.pipeline import complaints
from pusula.sources import needs
from pusula.sources.calling import Caller, CallError, ExpiredError, LaterError
from pusula.sources.models import Source


class IysSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Settings of a source of İYS; ``limits`` are calls in one turn, which is a minute at least."""

    iys_code: Annotated[str, Meta(pattern="^[0-9]+$")]
    brand_code: Annotated[str, Meta(pattern="^[0-9]+$")]
    api: str = "https://api.iys.org.tr"
    token_path: str = "/oauth2/token"  # noqa: S105 - an address
    sign_in_body: Literal["json", "form"] = "json"
    prefix: str = "/sps/{iys_code}/brands/{brand_code}"
    batch_path: str = "/consents/request"
    batch_body: Literal["array", "object"] = "array"
    most_in_batch: Annotated[int, Meta(ge=1, le=rules.MOST_IN_BATCH)] = rules.MOST_IN_BATCH
    most_asked: Annotated[int, Meta(ge=1, le=rules.MOST_ASKED)] = rules.MOST_ASKED
    page: Annotated[int, Meta(ge=1, le=1_000)] = 500
    limits: dict[str, int] = {}
    compare_every_h: Annotated[int, Meta(ge=1, le=720)] = 24
    poll_every_s: Annotated[int, Meta(ge=60, le=86_400)] = 900


# Calls a minute, as integrators report them.
LIMITS = {"add": 50, "batch": 2, "result": 20, "changes": 50, "status": 10}


class IysError(PusulaError):
    """İYS does not take what was sent; ``errors``: place in the batch, code and words of each."""

    code = "iys"

    def __init__(
        self, message: Saying | str, errors: Sequence[tuple[int | None, str, str]]
    ) -> None:
        super().__init__(message)
        self.errors = errors


class Api:
    """İYS for one brand, within the calls that a turn may make."""

    def __init__(self, source: Source, http: httpx.Client) -> None:
        try:
            self.told = msgspec.convert(source.settings, IysSettings)
        except msgspec.ValidationError as error:
            raise needs.NeedError(
                placed(f"{source.slug}: settings", complaints.why(error))
            ) from error
        self.source = source
        self.caller = Caller(source.slug, http)
        self.calls: Counter[str] = Counter()
        self._token = ""
        codes = {"iys_code": self.told.iys_code, "brand_code": self.told.brand_code}
        self._prefix = self.told.api.rstrip("/") + self.told.prefix.format(**codes)

    def may(self, sort: str) -> bool:
        """Say whether this turn may make another call of ``sort``."""
        return self.calls[sort] < self.told.limits.get(sort, LIMITS[sort])

    def add(self, one: IysSubmission) -> Mapping[str, Any]:
        """Tell one decision; return its ``transactionId`` and ``creationDate``."""
        return _object(self._call("add", "POST", "/consents", json=record(one)))

    def add_many(self, told: Sequence[IysSubmission]) -> str:
        """Tell decisions together; return the id under which their results are asked for."""
        records = [record(one) for one in told]
        body: Any = records if self.told.batch_body == "array" else {"consents": records}
        found = _object(self._call("batch", "POST", self.told.batch_path, json=body))
        return str(found.get("requestId") or "")

    def results(self, request_id: str) -> list[Mapping[str, Any]]:
        """Return what became of a batch: index, status (enqueue, success, failure) and the rest."""
        path = f"{self.told.batch_path}/{httpx.URL(path=f'/{request_id}').path[1:]}"
        found = self._call("result", "GET", path)
        rows = found.get("list", found.get("results")) if isinstance(found, dict) else found
        return [row for row in rows or [] if isinstance(row, dict)]

    def changes(self, after: str) -> tuple[str, list[dict[str, Any]]]:
        """Return the next page of what people told İYS itself, and the cursor behind it.

        The cursor is İYS's own word; it is no date, whatever it looks like.
        """
        asked = {"source": "IYS", "limit": str(self.told.page)}
        if after:
            asked["after"] = after
        found = _object(self._call("changes", "GET", "/consents/changes", params=asked))
        rows = [row for row in found.get("list") or [] if isinstance(row, dict)]
        return str(found.get("after") or after), rows

    def approved(self, type_: str, recipient_type: str, recipients: Sequence[str]) -> set[str]:
        """Return those of ``recipients`` that İYS holds an approval of."""
        path = f"/consents/{recipient_type}/status/{type_}"
        found = self._call("status", "POST", path, json={"recipients": list(recipients)})
        rows = found.get("list") if isinstance(found, dict) else found
        return {name for row in rows or [] if (name := _approved(row))}

    def _call(self, sort: str, method: str, path: str, **told: Any) -> Any:
        self.calls[sort] += 1
        try:
            return self._send(method, path, **told)
        except ExpiredError:
            self._token = ""  # a token lives as long as İYS says; ask for another one, once
        return self._send(method, path, **told)

    def _send(self, method: str, path: str, **told: Any) -> Any:
        if not self._token:
            self._token = self._sign_in()
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            return self.caller.send(method, self._prefix + path, headers=headers, **told)
        except (LaterError, ExpiredError):
            raise
        except CallError as error:
            raise IysError(error.saying, _errors(error.answer)) from error

    def _sign_in(self) -> str:
        asked = {
            "username": needs.secret(self.source, "username"),
            "password": needs.secret(self.source, "password"),
            "grant_type": "password",
        }
        is_json = self.told.sign_in_body == "json"
        how: dict[str, Any] = {"json": asked} if is_json else {"data": asked}
        found = self.caller.send("POST", self.told.api.rstrip("/") + self.told.token_path, **how)
        token = _object(found).get("access_token")
        if not isinstance(token, str) or not token:
            why = Saying("signing in brought no access_token")
            raise CallError(placed(self.source.slug, why))
        return token


def record(one: IysSubmission) -> dict[str, str]:
    """Return a decision as İYS writes it; times are wall times of Turkey."""
    return {
        "type": one.type,
        "source": one.source,
        "recipient": one.recipient,
        "recipientType": one.recipient_type,
        "status": one.status,
        "consentDate": rules.written(one.decided_at),
    }


def _object(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise CallError(placed("İYS", Saying("the answer is no object")))
    return found


def _approved(row: Any) -> str:
    """Return the recipient that an element of the answer approves: a name, or a record."""
    if isinstance(row, str):
        return row
    if isinstance(row, dict) and row.get("status", "ONAY") == "ONAY":
        return str(row.get("recipient") or "")
    return ""


def _errors(body: bytes) -> list[tuple[int | None, str, str]]:
    try:
        found = json.loads(body)
    except ValueError:
        return []
    told = found.get("errors") if isinstance(found, dict) else None
    return [
        (one.get("index") if isinstance(one.get("index"), int) else None,
         str(one.get("code") or "refused"), str(one.get("message") or ""))
        for one in told or []
        if isinstance(one, dict)
    ]  # fmt: skip
