"""The company's limits on its messages: frozen values, and the file they are written in."""

from __future__ import annotations

import re
from datetime import time
from typing import Any, Literal

import msgspec
import yaml

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying

Channel = Literal["email", "webpush", "sms", "whatsapp", "call"]
CHANNELS: tuple[Channel, ...] = ("email", "webpush", "sms", "whatsapp", "call")
MOST_HELD_OUT = 0.5
LONGEST_WINDOW = 366 * clock.DAY
_UNITS = {"m": clock.MINUTE, "h": clock.HOUR, "d": clock.DAY}
_SPAN = re.compile(r"(\d{1,4})\s*([mhd])")
_WALL = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_PERCENT = re.compile(r"(\d{1,2}(?:\.\d+)?)\s*%")


class PolicyError(PusulaError):
    """The file does not describe a policy."""

    code = "bad_sending_policy"


class Span(int):
    """A length of time in microseconds, written ``30m``, ``24h`` or ``7d``."""

    __slots__ = ()


class Wall(str):
    """A time of day, written ``21:00``."""

    __slots__ = ()

    @property
    def time(self) -> time:
        """The same as Python has it."""
        hour, _, minute = self.partition(":")
        return time(int(hour), int(minute))


class Share(float):
    """A share, written ``5%`` or ``0.05``."""

    __slots__ = ()


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the parts of a policy have in common."""


class Cap(_Part, frozen=True, rename={"window": "in"}):
    """At most so many commercial messages for one person in any window of this length.

    Windows are half-open: a message exactly as old as the window no longer counts.
    """

    most: int
    window: Span
    channel: Channel | None = None  # none: of all channels together

    def __post_init__(self) -> None:
        """Refuse what limits nothing, or everything."""
        if self.most < 1:
            raise ValueError("most: at least 1")
        if not clock.MINUTE <= self.window <= LONGEST_WINDOW:
            raise ValueError("in: from 1m to 366d")


class Quiet(_Part, frozen=True, rename={"starts": "from", "ends": "to"}):
    """When nobody gets a commercial message on these channels, on the person's own clock."""

    starts: Wall
    ends: Wall
    channels: tuple[Channel, ...] = CHANNELS

    def __post_init__(self) -> None:
        """Refuse a period without length."""
        if self.starts == self.ends:
            raise ValueError("from and to are the same")


class Budget(_Part, frozen=True):
    """How many messages of a channel leave in an hour, or on a day of the business zone."""

    channel: Channel
    most: int
    per: Literal["hour", "day"]

    def __post_init__(self) -> None:
        """Refuse a budget of nothing: a hold says that better."""
        if self.most < 1:
            raise ValueError("most: at least 1; to stop a channel, pause it")


class Holdout(_Part, frozen=True):
    """Who never gets commercial messages at all, to measure what all of them cause together.

    Another name draws other people.
    """

    share: Share
    name: str = "global"

    def __post_init__(self) -> None:
        """Refuse a share that leaves too few."""
        if not 0 < self.share <= MOST_HELD_OUT:
            raise ValueError("share: more than 0%, at most 50%")


class Policy(_Part, frozen=True):
    """All limits together; an empty one limits nothing."""

    caps: tuple[Cap, ...] = ()
    quiet: tuple[Quiet, ...] = ()
    budgets: tuple[Budget, ...] = ()
    holdout: Holdout | None = None

    def __post_init__(self) -> None:
        """Refuse two answers to one question."""
        quiet = [channel for part in self.quiet for channel in part.channels]
        if twice := {channel for channel in quiet if quiet.count(channel) > 1}:
            raise ValueError(f"quiet: {min(twice)} has two periods; keep one")
        asked = [(budget.channel, budget.per) for budget in self.budgets]
        if double := {one for one in asked if asked.count(one) > 1}:
            channel, per = min(double)
            raise ValueError(f"budgets: {channel} has two for the {per}; keep one")

    @property
    def memory(self) -> int:
        """How far back messages count, in microseconds; 0 without caps."""
        return max((cap.window for cap in self.caps), default=0)

    def caps_of(self, channel: str) -> tuple[Cap, ...]:
        """Return the caps that a message of ``channel`` counts for."""
        return tuple(cap for cap in self.caps if cap.channel in {None, channel})

    def quiet_of(self, channel: str) -> Quiet | None:
        """Return when ``channel`` is quiet."""
        return next((part for part in self.quiet if channel in part.channels), None)

    def budgets_of(self, channel: str) -> tuple[Budget, ...]:
        """Return the budgets that a message of ``channel`` is taken from."""
        return tuple(budget for budget in self.budgets if budget.channel == channel)


UNLIMITED = Policy()


def parse(data: Any, where: str) -> Policy:
    """Return the policy that plain data describe; ``where`` begins an error."""
    try:
        return msgspec.convert(data or {}, Policy, dec_hook=_decode)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        path = re.sub(r"^`\$\.?|`$", "", place)
        raise PolicyError(f"{where}: {path}: {what}" if path else f"{where}: {what}") from error


def read(text: str, where: str) -> Policy:
    """Return the policy written in YAML."""
    try:
        return parse(yaml.safe_load(text), where)
    except yaml.YAMLError as error:
        raise PolicyError(
            Saying("%(where)s: not valid YAML: %(error)s", {"where": where, "error": error})
        ) from error


def plain(policy: Policy) -> dict[str, Any]:
    """Return what ``parse`` reads, without what is empty."""
    data: dict[str, Any] = msgspec.to_builtins(policy, enc_hook=_encode)
    for cap in data["caps"]:
        if cap["channel"] is None:
            del cap["channel"]
    for quiet in data["quiet"]:
        quiet["channels"] = list(quiet["channels"])
    whole = {name: list(part) if isinstance(part, tuple) else part for name, part in data.items()}
    return {name: part for name, part in whole.items() if part}


def written(policy: Policy) -> str:
    """Return the policy as YAML."""
    data = plain(policy)
    if not data:
        return "# No limits.\n"
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None)


def _decode(shape: type[Any], value: Any) -> Any:
    if shape is Span:
        return _span(value)
    return _wall(value) if shape is Wall else _share(value)


def _encode(value: Any) -> Any:
    if isinstance(value, Span):
        return _written(value)
    return str(value) if isinstance(value, Wall) else float(value)


def _span(value: Any) -> Span:
    found = _SPAN.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"{value!r} is no length of time; write 30m, 24h or 7d")
    return Span(int(found[1]) * _UNITS[found[2]])


def _written(span: int) -> str:
    for unit in ("d", "h", "m"):
        if span % _UNITS[unit] == 0:
            return f"{span // _UNITS[unit]}{unit}"
    raise ValueError(f"{span} is no whole number of minutes")


def _wall(value: Any) -> Wall:
    # YAML 1.1 reads an unquoted 21:00 as the number 1260.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        value = f"{value // 60}:{value % 60:02}"
    found = _WALL.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"{value!r} is no time of day; write 21:00")
    return Wall(f"{int(found[1]):02}:{found[2]}")


def _share(value: Any) -> Share:
    found = _PERCENT.fullmatch(str(value).strip())
    try:
        return Share(float(found[1]) / 100 if found else float(value))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{value!r} is no share; write 5% or 0.05") from error
