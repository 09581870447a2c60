"""The OpenAPI description of the tracking API, made from the table of addresses it answers at."""

from __future__ import annotations

from typing import Any

from pusula.api.intake.limits import LARGEST_BATCH, LARGEST_EVENT, MOST_EVENTS
from pusula.api.intake.paths import ADDRESSES, TYPES, Address, Does

_VERSION = "1"
_MESSAGE = {
    "type": "object",
    "description": f"A message of the Segment spec, at most {LARGEST_EVENT} bytes.",
    "properties": {
        "messageId": {"type": "string", "description": "The same id counts once, for ever."},
        "userId": {"type": ["string", "null"]},
        "anonymousId": {"type": ["string", "null"]},
        "timestamp": {"type": "string", "format": "date-time"},
        "originalTimestamp": {"type": "string", "format": "date-time"},
        "sentAt": {"type": "string", "format": "date-time"},
        "event": {"type": "string", "description": "What happened; of track."},
        "name": {"type": "string", "description": "Of page and screen."},
        "previousId": {"type": "string", "description": "Of alias."},
        "groupId": {"type": "string", "description": "Of group."},
        "properties": {"type": "object"},
        "traits": {"type": "object"},
        "context": {"type": "object"},
        "writeKey": {"type": "string", "description": "If it is not told in a header."},
    },
}
_BATCH = {
    "type": "object",
    "required": ["batch"],
    "description": f"At most {MOST_EVENTS} messages and {LARGEST_BATCH} bytes. Entries that are no "
    "messages are put aside with the reason; the others are taken over.",
    "properties": {
        "batch": {
            "type": "array",
            "maxItems": MOST_EVENTS,
            "items": {
                "allOf": [
                    {"$ref": "#/components/schemas/Message"},
                    {"required": ["type"], "properties": {"type": {"enum": list(TYPES)}}},
                ]
            },
        },
        "context": {"type": "object"},
        "integrations": {"type": "object"},
        "sentAt": {"type": "string", "format": "date-time"},
        "writeKey": {"type": "string"},
    },
}
_SUCCESS = {
    "type": "object",
    "required": ["success"],
    "properties": {"success": {"const": True}},
    "additionalProperties": False,
}
_ERROR = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        },
    },
}
_RETRY_AFTER = {
    "Retry-After": {
        "schema": {"type": "integer", "minimum": 1},
        "description": "Seconds after which to try again.",
    }
}
_REFUSALS = {
    "400": "The body is not JSON, or not what this address takes.",
    "401": "No key, or one that is unknown, ended or revoked.",
    "403": "The key is not taken from this origin.",
    "408": "The body did not come in time.",
    "413": "The body, an event or the number of events is too large.",
    "415": "A Content-Encoding other than gzip.",
    "429": "More events a minute than the key may append.",
    "503": "Nothing was taken over, as it could not be written: try again.",
}
_WITH_RETRY = {"429", "503"}
_SECURITY: list[dict[str, list[str]]] = [{"basic": []}, {"header": []}, {"query": []}, {}]


def document() -> dict[str, Any]:
    """Return the description as OpenAPI 3.1."""
    paths: dict[str, Any] = {}
    for address in ADDRESSES:
        if address.does != Does.OPENAPI:
            paths.setdefault(address.path, {}).update(_operation(address))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pusula tracking API",
            "version": _VERSION,
            "description": "Takes messages as clients of Segment, RudderStack and Jitsu send them. "
            "Bodies are read as JSON whatever their Content-Type. 200 means: it is on disk.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Message": _MESSAGE, "Batch": _BATCH, "Success": _SUCCESS, "Error": _ERROR},
            "securitySchemes": {
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The key as user name, without a password.",
                },
                "header": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
                "query": {"type": "apiKey", "in": "query", "name": "writeKey"},
            },
        },
    }


def _operation(address: Address) -> dict[str, Any]:
    if address.does in {Does.ONE, Does.MANY}:
        return {"post": _taking(address)}
    return {"get": _telling(address)}


def _taking(address: Address) -> dict[str, Any]:
    name = "Message" if address.does == Does.ONE else "Batch"
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {
        "summary": f"Take over {_what(address)}",
        "tags": address.dialect.split(", "),
        "security": _SECURITY,
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": schema} for kind in ("application/json", "text/plain")},
        },
        "responses": {
            "200": {"description": "It is on disk.", "content": _json("Success")},
            **{status: _refusal(status) for status in _REFUSALS},
        },
    }


def _what(address: Address) -> str:
    if address.does == Does.MANY:
        return "a batch of messages"
    article = "an" if address.type[0] in "ai" else "a"
    return f"{article} {address.type} message"


def _telling(address: Address) -> dict[str, Any]:
    in_path = "{writeKey}" in address.path
    key = {
        "name": "writeKey",
        "in": "path" if in_path else "query",
        "required": in_path,
        "schema": {"type": "string"},
    }
    return {
        "summary": "Tell a library where to send",
        "tags": [address.dialect],
        "security": _SECURITY,
        "parameters": [key],
        "responses": {
            "200": {
                "description": "Settings in the library's own words.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **{status: _refusal(status) for status in ("401", "404", "503")},
        },
    }


def _refusal(status: str) -> dict[str, Any]:
    words = _REFUSALS.get(status, "There is nothing at this address.")
    told: dict[str, Any] = {"description": words, "content": _json("Error")}
    return {**told, "headers": _RETRY_AFTER} if status in _WITH_RETRY else told


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
