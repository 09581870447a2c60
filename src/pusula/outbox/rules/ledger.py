"""What each person got or is to get, and whether there is room for one more under the caps."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from pusula.outbox.rules.policy import Cap


@dataclass(frozen=True, slots=True)
class Entry:
    """A commercial message that counts: when it left or is due."""

    key: Hashable  # names the message
    at: int
    channel: str
    priority: int = 5
    is_pending: bool = False  # it has not left, so a more important one may take its place


class Ledger:
    """Commercial messages by profile; filled from rows, or by a replay of history."""

    def __init__(self) -> None:
        """Start with nobody having got anything."""
        self._entries: dict[int, list[Entry]] = {}

    def add(self, profile_id: int, entry: Entry) -> None:
        """Note a message."""
        self._entries.setdefault(profile_id, []).append(entry)

    def remove(self, profile_id: int, keys: Iterable[Hashable]) -> None:
        """Forget messages that did not leave after all."""
        gone = set(keys)
        held = self._entries.get(profile_id, [])
        self._entries[profile_id] = [entry for entry in held if entry.key not in gone]

    def forget(self, before: int) -> None:
        """Forget what is older than ``before``; for a replay over years."""
        for profile_id, held in list(self._entries.items()):
            kept = [entry for entry in held if entry.at >= before]
            if kept:
                self._entries[profile_id] = kept
            else:
                del self._entries[profile_id]

    def of(self, profile_id: int) -> Sequence[Entry]:
        """Return what counts for a profile."""
        return self._entries.get(profile_id, ())

    def room(
        self,
        profile_id: int,
        caps: Sequence[Cap],
        *,
        at: int,
        priority: int,
        left_by: int | None = None,
    ) -> tuple[Entry, ...] | None:
        """Return who must give way so that a message at ``at`` fits; ``None``: it does not fit.

        Only what has not left and is less important gives way, the least important first. A replay
        says with ``left_by`` that everything due by then has left.
        """
        held = list(self.of(profile_id))
        given_way: list[Entry] = []
        for cap in caps:
            while (crowd := _crowd(held, cap, at)) is not None:
                weaker = [
                    one
                    for one in crowd
                    if one.is_pending
                    and one.priority > priority
                    and (left_by is None or one.at > left_by)
                ]
                if not weaker:
                    return None
                least = max(weaker, key=lambda one: (one.priority, one.at, str(one.key)))
                held.remove(least)
                given_way.append(least)
        return tuple(given_way)

    def room_from(self, profile_id: int, caps: Sequence[Cap], *, at: int) -> int:
        """Return from when on, ``at`` or later, a message fits with nobody giving way."""
        held = self.of(profile_id)
        while True:
            crowded = [(cap, crowd) for cap in caps if (crowd := _crowd(held, cap, at))]
            if not crowded:
                return at
            at = max(_freed(crowd, cap) for cap, crowd in crowded)


def _freed(crowd: Sequence[Entry], cap: Cap) -> int:
    """Return when so many of a window are too old to count that there is room for one."""
    return sorted(one.at for one in crowd)[-cap.most] + cap.window


def _crowd(held: Sequence[Entry], cap: Cap, at: int) -> list[Entry] | None:
    """Return the messages of a window that a message at ``at`` would overfill, if there is one.

    What is due later counts too: no window that the new message lies in may hold more than the cap.
    """
    if len(held) < cap.most:
        return None
    near = [
        one
        for one in held
        if cap.channel in {None, one.channel} and at - cap.window < one.at < at + cap.window
    ]
    if len(near) < cap.most:
        return None
    ends = {at, *(one.at for one in near if one.at > at)}
    for end in sorted(ends):
        inside = [one for one in near if end - cap.window < one.at <= end]
        if len(inside) >= cap.most:
            return inside
    return None
