"""Campaigns as YAML files: a closed set of fields, errors that name file and field."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import yaml

from pusula.campaigns.holdout import USUAL_PERCENT
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.lib.text import code_key
from pusula.outbox.candidates import LAST, URGENT

MOST_HELD_OUT = 0.9
MOST_HOURS = 14 * 24  # a message that may wait longer should be two campaigns
KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")

_Shape = TypeVar("_Shape")


class DefinitionError(PusulaError):
    """The file does not describe a campaign."""

    code = "bad_campaign_definition"


class Share(float):
    """A share written as ``10%``, ``0.1`` or ``1/3``; always 0..1."""

    __slots__ = ()


class LocalTime(str):
    """A day or wall time as YAML or CSV has it; the company's time zone is meant."""

    __slots__ = ()


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it costs, in the company's currency: each message sent, and the campaign as such.

    Without ``message`` each costs what the company's prices say.
    """

    message: Decimal | None = None
    fixed: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        """Refuse costs below zero."""
        if min(self.message or 0, self.fixed) < 0:
            raise ValueError("a cost is not below 0")


class EventConversion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Conversion is an event of this name, not an order."""

    event: str


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Subject, text and HTML in Liquid; each of the last two inline or in a file beside ours."""

    subject: str
    text: str = ""
    html: str = ""
    text_file: str = ""
    html_file: str = ""

    def __post_init__(self) -> None:
        """Refuse a part that is given twice, and a message that says nothing."""
        for part in ("text", "html"):
            if getattr(self, part) and getattr(self, f"{part}_file"):
                raise ValueError(f"{part} and {part}_file are both given; keep one")
        if not (self.text or self.html or self.text_file or self.html_file):
            raise ValueError("text or html is missing")


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every campaign has, whether we send it or it ran elsewhere."""

    campaign: str
    title: str
    goal: Literal["loyalty", "cross_sell", "upsell"]
    channel: Literal["email", "sms", "whatsapp", "call", "webpush"] = "email"
    purpose: str = "marketing"
    message_class: Literal["commercial", "informational"] = "commercial"
    holdout: Share = Share(USUAL_PERCENT / 100)
    window_days: int = 14
    conversion: Literal["order"] | EventConversion = "order"
    cost: Cost = Cost()
    margin: Share = Share(1)

    def __post_init__(self) -> None:
        """Refuse what the tables cannot hold or measurement cannot use."""
        if not KEY.fullmatch(self.campaign):
            raise ValueError(
                f"campaign: {self.campaign!r} is no key; "
                "use lower case letters, digits and hyphens, 80 at most"
            )
        if not 1 <= len(self.title) <= 120:  # noqa: PLR2004 - the column's size
            raise ValueError("title: 1 to 120 characters")
        msgspec.structs.force_setattr(self, "purpose", code_key(self.purpose))
        if not 1 <= len(self.purpose) <= 30:  # noqa: PLR2004 - the column's size
            raise ValueError("purpose: 1 to 30 characters")
        if self.holdout > MOST_HELD_OUT:
            raise ValueError("holdout: at most 90%")
        if not 1 <= self.window_days <= 365:  # noqa: PLR2004 - days of a year
            raise ValueError("window_days: 1 to 365")

    @property
    def conversion_event(self) -> str:
        """The name of the event that is the conversion; empty for an order."""
        return self.conversion.event if isinstance(self.conversion, EventConversion) else ""


class Definition(_Plan, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A campaign to be sent by us; ``template`` is content or the name of a template there is."""

    audience: tuple[str, ...]
    template: Content | str
    exclusions: tuple[str, ...] = ()
    priority: int = 5
    quiet_hours: Literal["wait", "skip"] = "wait"
    not_after_hours: int = 24

    def __post_init__(self) -> None:
        """Refuse a campaign that speaks to nobody in particular."""
        super().__post_init__()
        if not self.audience:
            raise ValueError("audience: name at least one segment")
        if both := sorted(set(self.audience) & set(self.exclusions)):
            raise ValueError(f"{both[0]} is in audience and in exclusions")
        if not URGENT <= self.priority <= LAST:
            raise ValueError("priority: 1 (served first) to 9")
        if not 1 <= self.not_after_hours <= MOST_HOURS:
            raise ValueError(f"not_after_hours: 1 to {MOST_HOURS}")


class AssignmentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to read who was treated: our field -> column, words of arms, forms of dates."""

    source: str = ""
    columns: dict[Literal["profile_key", "arm", "variant", "assigned_at", "reason"], str] = {}
    values: dict[str, Literal["treated", "holdout", "excluded"]] = {}
    dates: str | tuple[str, ...] = ()


class Adoption(_Plan, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A campaign that ran elsewhere, to be measured here."""

    started_at: LocalTime | None = None
    variants: tuple[str, ...] | dict[str, Share] = ()
    assignments: AssignmentFile = AssignmentFile()

    def __post_init__(self) -> None:
        """Refuse names of variants that the table cannot hold."""
        super().__post_init__()
        for name in self.variants:
            if not 1 <= len(name) <= 40:  # noqa: PLR2004 - the column's size
                raise ValueError(f"variants: {name!r}: 1 to 40 characters")

    @property
    def variant_shares(self) -> dict[str, float]:
        """Variant -> its share of the treated; empty where there is only one way to be treated."""
        if isinstance(self.variants, dict):
            return {name: float(share) for name, share in self.variants.items()}
        return {name: 1 / len(self.variants) for name in self.variants}


def read(file: Path) -> Definition:
    """Return the campaign in ``file`` with the content of the files it names."""
    definition = parse(_load(file), str(file))
    if isinstance(definition.template, str):
        return definition
    content = definition.template
    parts = {
        part: _text(file.parent / name, f"{file}: template.{part}_file")
        for part, name in (("text", content.text_file), ("html", content.html_file))
        if name
    }
    whole = msgspec.structs.replace(content, text_file="", html_file="", **parts)
    return msgspec.structs.replace(definition, template=whole)


def read_adoption(file: Path) -> Adoption:
    """Return the campaign that ran elsewhere in ``file``."""
    return convert(_load(file), Adoption, str(file))


def parse(data: Any, where: str) -> Definition:
    """Return the campaign that a plain mapping describes; ``where`` begins an error."""
    return convert(data, Definition, where)


def _load(file: Path) -> Any:
    try:
        return yaml.safe_load(_text(file, ""))
    except yaml.YAMLError as error:
        raise DefinitionError(
            Saying("%(file)s: not valid YAML: %(error)s", {"file": file, "error": error})
        ) from error


def _text(file: Path, where: str) -> str:
    place = f"{where}: {file}" if where else str(file)
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DefinitionError(
            Saying("%(place)s: cannot be read: %(why)s", {"place": place, "why": error.strerror})
        ) from error
    except UnicodeDecodeError as error:
        raise DefinitionError(Saying("%(place)s: is not UTF-8 text", {"place": place})) from error


def convert(data: Any, shape: type[_Shape], where: str) -> _Shape:
    """Return ``data`` as a ``shape``; shares and wall times as people write them."""
    try:
        return msgspec.convert(data, shape, dec_hook=_decode)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at ")
        path = re.sub(r"^`\$\.?|`$", "", place)
        raise DefinitionError(f"{where}: {path}: {what}" if path else f"{where}: {what}") from error


def _decode(shape: type[Any], value: Any) -> Any:
    decoders: dict[type[Any], Callable[[Any], Any]] = {Share: _share, LocalTime: _local_time}
    return decoders[shape](value)


def _share(value: Any) -> Share:
    text = str(value).strip()
    try:
        number = Fraction(text.rstrip("% ")) / (100 if text.endswith("%") else 1)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{text!r} is no share; write 10%, 0.1 or 1/3") from error
    if isinstance(value, bool) or not 0 <= number <= 1:
        raise ValueError(f"{text!r} is no share; it is from 0% to 100%")
    return Share(number)


def _local_time(value: Any) -> LocalTime:
    if isinstance(value, datetime | date):
        return LocalTime(value.isoformat())
    return LocalTime(str(value))
