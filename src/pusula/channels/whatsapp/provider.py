"""The Cloud API: one call for each message, several at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pusula.channels.outbound import Answer, InDoubtError, NotSentError, Outbound
from pusula.channels.port import ChannelError, Outcome, Outgoing, Result, words
from pusula.channels.whatsapp import codes
from pusula.lib.sayings import Saying

URL = "https://graph.facebook.com"
VERSION = "v23.0"
_LATER_S = 300
_TOO_MANY = 429


@dataclass
class WhatsApp:
    """A number of the company; ``number_id`` is Meta's name for it."""

    outbound: Outbound
    number_id: str
    token: str = field(repr=False)
    url: str = URL
    version: str = VERSION
    largest_batch: int = 16
    channel: str = field(default="whatsapp", init=False)
    name: str = field(default="whatsapp", init=False)

    def send(self, batch: Sequence[Outgoing]) -> Iterator[Outcome]:
        """Yield what became of each as Meta answers."""
        with ThreadPoolExecutor(max(1, min(len(batch), self.outbound.n_connections))) as threads:
            yield from threads.map(self._post, batch)

    def close(self) -> None:
        """Close the connections."""
        self.outbound.close()

    def _post(self, one: Outgoing) -> Outcome:
        try:
            body = json.dumps(message(one), ensure_ascii=False).encode()
            answer = self.outbound.call(
                "POST",
                f"{self.url}/{self.version}/{self.number_id}/messages",
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": "application/json",
                },
                body=body,
            )
        except ChannelError as error:
            return Outcome(one.id, Result.REJECTED, words=words(error.message))
        except NotSentError as error:
            return Outcome(one.id, Result.LATER, words=words(error.message), after_s=_LATER_S)
        except InDoubtError as error:
            return Outcome(one.id, Result.DOUBT, words=words(error.message))
        return _meaning(one, answer)


def message(one: Outgoing) -> dict[str, Any]:
    """Return what the API is told for ``one``; raise ``ChannelError`` if it names no template."""
    told = one.details
    name, language = told.get("template"), told.get("language")
    if not isinstance(name, str) or not name or not isinstance(language, str) or not language:
        raise ChannelError(Saying("a WhatsApp message needs a template and its language"))
    components = [
        *_component("header", told.get("header")),
        *_component("body", told.get("body")),
        *_buttons(told.get("buttons")),
    ]
    template: dict[str, Any] = {"name": name, "language": {"code": language}}
    if components:
        template["components"] = components
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": one.address.lstrip("+"),
        "type": "template",
        "biz_opaque_callback_data": one.token,
        "template": template,
    }


def _component(sort: str, told: Any) -> Iterator[dict[str, Any]]:
    """Yield the component of a part: values by name, or in order; of a header also a picture."""
    if not told:
        return
    if sort == "header" and isinstance(told, Mapping) and "image" in told:
        image = {"type": "image", "image": {"link": str(told["image"])}}
        yield {"type": sort, "parameters": [image]}
        return
    if isinstance(told, Mapping):
        values = [
            {"type": "text", "parameter_name": str(name), "text": _line(value)}
            for name, value in told.items()
        ]
    elif isinstance(told, Sequence) and not isinstance(told, str):
        values = [{"type": "text", "text": _line(value)} for value in told]
    else:
        raise ChannelError(
            Saying("%(sort)s of a WhatsApp message: a list, or values by name", {"sort": sort})
        )
    yield {"type": sort, "parameters": values}


def _buttons(told: Any) -> Iterator[dict[str, Any]]:
    """Yield the ends of the links of URL buttons, in the template's order."""
    for index, value in enumerate(told or ()):
        if value not in (None, ""):
            yield {
                "type": "button",
                "sub_type": "url",
                "index": str(index),
                "parameters": [{"type": "text", "text": _line(value)}],
            }


def _line(value: object) -> str:
    """Return a value as Meta takes it: no line breaks, no tabs, no more than four spaces."""
    return " ".join(str(value).split())


def _meaning(one: Outgoing, answer: Answer) -> Outcome:
    told = _json(answer)
    if answer.is_good:
        found = told.get("messages") if told else None
        first = found[0] if isinstance(found, list) and found else None
        number = first.get("id") if isinstance(first, dict) else None
        if not isinstance(number, str):
            return Outcome(one.id, Result.DOUBT, words=words(f"{answer.status} without a number"))
        return Outcome(one.id, Result.ACCEPTED, number[:120], words(f"{answer.status} accepted"))
    error = told.get("error") if told else None
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    said = words(f"{answer.status} {code or ''} {error.get('message') or ''}")
    if not isinstance(code, int):
        return _by_status(one, answer, said)
    found_result = codes.result(code, answer.status)
    after_s = codes.WAITS_S.get(code) if found_result is Result.LATER else None
    return Outcome(one.id, found_result, words=said, after_s=answer.retry_after_s or after_s)


def _by_status(one: Outgoing, answer: Answer, said: str) -> Outcome:
    if answer.status == _TOO_MANY:
        after_s = answer.retry_after_s or _LATER_S
        return Outcome(one.id, Result.LATER, words=said, after_s=after_s)
    if answer.status >= 500:  # noqa: PLR2004 - HTTP's own classes
        if answer.retry_after_s is not None:
            return Outcome(one.id, Result.LATER, words=said, after_s=answer.retry_after_s)
        return Outcome(one.id, Result.DOUBT, words=said)
    result = Result.POLICY if answer.status in {401, 403} else Result.REJECTED
    return Outcome(one.id, result, words=said)


def _json(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.body) if answer.is_whole else None
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
