"""Steps back and forward, carried by the form itself: former drafts, packed into one field each."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import dataclass, field

from pusula.web.builder import draft as drafts
from pusula.web.builder.draft import Draft, DraftError

State = list[tuple[str, str]]
MOST_STEPS = 30
_MOST_PACKED = 200_000
_MOST_BYTES = 2_000_000  # what a packed field may grow to: it comes from outside


@dataclass
class Steps:
    """Former states (``past``, the last of them is what was drawn) and undone ones (``future``)."""

    past: list[State] = field(default_factory=list)
    future: list[State] = field(default_factory=list)

    def done(self, before: Draft) -> None:
        """Keep ``before``, the draft as it came, since it is about to change."""
        self._keep(before)
        self.future = []

    def _keep(self, draft: Draft) -> None:
        state = draft.pairs()
        if not self.past or self.past[-1] != state:
            self.past = [*self.past, state][-MOST_STEPS:]

    def back(self, now: Draft) -> Draft:
        """Return the draft before ``now``; what was typed since the last drawing is one step."""
        state = now.pairs()
        while self.past and self.past[-1] == state:
            self.past.pop()
        if not self.past:
            return now
        self.future = [*self.future, state][-MOST_STEPS:]
        return drafts.from_pairs(self.past[-1])

    def forward(self, now: Draft) -> Draft:
        """Return the draft that ``back`` left last."""
        if not self.future:
            return now
        self._keep(now)
        return drafts.from_pairs(self.future.pop())

    def drawn(self, draft: Draft) -> None:
        """Note that ``draft`` is what is drawn now."""
        self._keep(draft)

    @property
    def can_undo(self) -> bool:
        """Whether there is something to go back to."""
        return len(self.past) > 1


def pack(states: list[State]) -> str:
    """Return states as one field; empty for none. They are alike, so that they pack well."""
    if not states:
        return ""
    text = json.dumps(states, separators=(",", ":"), ensure_ascii=False)
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode()


def unpack(text: str) -> list[State]:
    """Return the states of a field; raise ``DraftError`` for what ``pack`` did not make."""
    if not text:
        return []
    try:
        if len(text) > _MOST_PACKED:
            raise ValueError(text[:20])  # noqa: TRY301
        inflater = zlib.decompressobj()
        plain = inflater.decompress(base64.b85decode(text), _MOST_BYTES)
        if inflater.unconsumed_tail:
            raise ValueError(text[:20])  # noqa: TRY301
        states = json.loads(plain)
        return [[(str(k), str(v)) for k, v in state] for state in states[-MOST_STEPS:]]
    except (ValueError, TypeError, binascii.Error, zlib.error, RecursionError) as error:
        raise DraftError(
            "The steps of this form cannot be read: open the segment again."
        ) from error
