"""What the SMS gateways have in common: one call for a batch, answers as JSON, no idempotency key.

None of them takes a key that would make a second try harmless. So an answer that does not come, or
makes no sense behind a success, is doubt: their reports tell later, by the number we gave.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pusula.channels.outbound import Answer, InDoubtError, NotSentError, Outbound
from pusula.channels.port import Outcome, Outgoing, Result, all_of, words
from pusula.channels.sms.segments import Alphabet, count, wire
from pusula.lib import clock

LATER_S = 300
_TOO_MANY = 429
_UNAVAILABLE = 503
_SERVER = 500
_OF_ALL = frozenset({Result.LATER, Result.POLICY, Result.DOUBT})
_OF_ONE = frozenset({Result.REJECTED, Result.BAD_ADDRESS})
_NOT_LET_IN = frozenset({401, 402, 403})


@dataclass(frozen=True, slots=True)
class Said:
    """What a gateway answered: its JSON, and the HTTP answer it came in."""

    answer: Answer
    told: Any


def exchange(
    outbound: Outbound,
    batch: Sequence[Outgoing],
    *,
    url: str,
    headers: dict[str, str] | None = None,
    body: object,
    read: Callable[[Sequence[Outgoing], Said], Iterator[Outcome]],
) -> Iterator[Outcome]:
    """Post ``body`` as JSON and yield what ``read`` makes of the answer, an outcome for each."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    told = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    try:
        answer = outbound.call("POST", url, headers=told, body=raw)
    except NotSentError as error:
        return all_of(batch, Result.LATER, error.message, after_s=LATER_S)
    except InDoubtError as error:
        return all_of(batch, Result.DOUBT, error.message)
    said = Said(answer, parsed(answer))
    if (told_status := _by_status(batch, said)) is not None:
        return told_status
    return _each(batch, read(batch, said))


Post = Callable[[Sequence[Outgoing]], Iterator[Outcome]]


def in_turn(parts: Iterable[tuple[Sequence[Outgoing], Post]]) -> Iterator[Outcome]:
    """Post each part by its own call, until one shows that the gateway takes nothing now.

    What is left then has not left: it may be tried again, and is in no doubt.
    """
    said = ""
    for part, post in parts:
        if said:
            yield from all_of(part, Result.LATER, said, after_s=LATER_S)
            continue
        for outcome in halving(part, post):
            if outcome.result in _OF_ALL:
                said = f"not tried: {outcome.words}"
            yield outcome


def halving(batch: Sequence[Outgoing], post: Post) -> Iterator[Outcome]:
    """Post ``batch``; if all of it is refused for what is in it, post its halves, down to each one.

    A gateway refuses a whole batch for one bad number or text and does not say which. Nothing of
    it was taken then, so nothing goes out twice.
    """
    outcomes = list(post(batch))
    if len(batch) == 1 or not all(one.result in _OF_ONE for one in outcomes):
        yield from outcomes
        return
    middle = len(batch) // 2
    yield from halving(batch[:middle], post)
    yield from halving(batch[middle:], post)


def parsed(answer: Answer) -> Any:
    """Return the JSON of ``answer``, ``None`` if it is none."""
    try:
        return json.loads(answer.body) if answer.is_whole else None
    except (ValueError, RecursionError):
        return None


def shown(said: Said) -> str:
    """Return the answer as words to keep."""
    return words(f"{said.answer.status} {said.answer.body[:300].decode('utf-8', 'replace')}")


def written(one: Outgoing) -> str:
    """Return the text that goes out: without Turkish letters where the content asks for that."""
    return wire(one.text, one.details)


def alphabet(texts: Sequence[str]) -> Alphabet:
    """Return the alphabet that holds all of ``texts``."""
    order = list(Alphabet)
    return max((count(text).alphabet for text in texts), key=order.index, default=Alphabet.GSM)


def hours_left(batch: Sequence[Outgoing], *, at: int, most: int) -> int:
    """Return for how many whole hours the gateway may keep trying: never beyond the first's use."""
    ends = [one.not_after_at for one in batch if one.not_after_at]
    if not ends:
        return most
    return max(1, min(most, (min(ends) - at) // clock.HOUR))


def _by_status(batch: Sequence[Outgoing], said: Said) -> Iterator[Outcome] | None:
    """Return what the HTTP status alone decides, ``None`` where the answer's words do."""
    status = said.answer.status
    after_s = said.answer.retry_after_s
    if status == _TOO_MANY or (status == _UNAVAILABLE and after_s is not None):
        return all_of(batch, Result.LATER, shown(said), after_s=after_s or LATER_S)
    if status >= _SERVER:
        return all_of(batch, Result.DOUBT, shown(said))
    if isinstance(said.told, dict):
        return None
    if status in _NOT_LET_IN:
        return all_of(batch, Result.POLICY, shown(said))
    return all_of(batch, Result.DOUBT if said.answer.is_good else Result.REJECTED, shown(said))


def _each(batch: Sequence[Outgoing], found: Iterator[Outcome]) -> Iterator[Outcome]:
    """Yield one outcome for each of ``batch``: who is not spoken of is in doubt."""
    waiting = {one.id for one in batch}
    for outcome in found:
        if outcome.id in waiting:
            waiting.discard(outcome.id)
            yield outcome
    for id_ in sorted(waiting):
        yield Outcome(id_, Result.DOUBT, words="the gateway's answer does not speak of it")
