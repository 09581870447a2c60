"""What people call those whom reports tell of by code: campaigns, ways in, messages, segments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pusula.campaigns import offers
from pusula.campaigns.called import beginning
from pusula.campaigns.models import Campaign
from pusula.consent.models import Channel
from pusula.events import vocabulary
from pusula.journeys import called
from pusula.journeys import queries as journeys
from pusula.journeys.language.nodes import Entry
from pusula.journeys.models import Journey
from pusula.measurement.attribution.credit import Model
from pusula.measurement.reports.funnel import ORDER
from pusula.outbox import suggesting
from pusula.outbox.models import Content
from pusula.segments import catalog, spoken
from pusula.segments import queries as segments
from pusula.segments.language import DefinitionError

CHANNELS: dict[str, str | Promise] = {
    Channel.EMAIL: _("E-mail"),
    Channel.SMS: _("SMS"),
    Channel.WHATSAPP: _("WhatsApp"),
    Channel.CALL: _("Phone call"),
    Channel.WEBPUSH: _("Web push"),
}
MODELS: dict[str, str | Promise] = {
    Model.LAST.value: _("Last touch"),
    Model.FIRST.value: _("First touch"),
    Model.LINEAR.value: _("Linear"),
    Model.DECAY.value: _("Time decay"),
    Model.POSITION.value: _("By position (40/20/40)"),
}
BY: dict[str, str | Promise] = {
    "origin": _("Campaign or journey"),
    "message": _("Message"),
    "trigger": _("Trigger"),
    "channel": _("Channel"),
    "content": _("Wording"),
    "content_id": _("Wording"),
    "segment": _("Segment"),
    "day": _("Day"),
}
_MOST_DIGITS = 18  # of a number of ours


@dataclass(frozen=True)
class Names:
    """The names of everything that the rows of a report speak of."""

    origins: Mapping[str, str]
    steps: Mapping[tuple[str, str], str]
    triggers: Mapping[tuple[str, str], str]
    contents: Mapping[int, str]
    segments: Mapping[str, str]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Names:
        """Return the names for ``rows``, as results of reports have them."""
        rows = list(rows)
        codes = {row["origin"] for row in rows if "origin" in row}
        ways = {(row["origin"], row["trigger"]) for row in rows if "trigger" in row}
        contents = {row["content_id"] for row in rows if "content_id" in row}
        has_segments = any("segment" in row for row in rows)
        return cls(
            origins(codes),
            steps((row.get("origin", ""), row["step"]) for row in rows if row.get("step")),
            _triggers(ways),
            _contents(contents),
            _segments() if has_segments else {},
        )

    def row(self, row: Mapping[str, Any]) -> str:
        """Return what a row is about, in words."""
        if "segment" in row:
            return self.segments.get(row["segment"], row["segment"])
        if "content_id" in row:
            return self.contents.get(row["content_id"], str(row["content_id"]))
        if "channel" in row:
            return channel(row["channel"])
        origin = self.origins.get(row.get("origin", ""), row.get("origin", ""))
        if "trigger" in row:
            way = self.triggers.get((row["origin"], row["trigger"]), row["trigger"])
            return f"{origin} · {way}"
        code = row.get("step", "")
        of_step = self.steps.get((row.get("origin", ""), code), code)
        return " · ".join(filter(None, (origin, of_step)))


def channel(code: str) -> str:
    """Return what a channel is called."""
    return str(CHANNELS.get(code, code))


def step(code: str) -> str:
    """Return what a step of a funnel is called."""
    return gettext("Order placed") if code == ORDER else vocabulary.title(code, spoken.language())


def origins(codes: Iterable[str]) -> dict[str, str]:
    """Return the titles of campaigns and journeys by how the outbox calls them."""
    titles = Campaign.objects.filter(pk__in=_numbers(codes, "campaign")).values_list("pk", "title")
    found = {f"campaign:{pk}": title for pk, title in titles}
    there = Journey.objects.filter(pk__in=_numbers(codes, "journey")).select_related("version")
    found |= {one.origin: journeys.title(one, spoken.language()) for one in there}
    return found | {offers.ORIGIN: gettext("By hand, from a customer's card")}


def steps(wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return what the steps of journeys, and what was suggested on cards, are called.

    By their origin and code; what is no more is left out.
    """
    wanted = set(wanted)
    found = called.steps(wanted, spoken.language())
    by_hand = [code for origin, code in wanted if origin == offers.ORIGIN]
    if by_hand:
        rules = suggesting.rules()
        told = {code: rules[code].title[spoken.language()] for code in by_hand if code in rules}
        gaps = {"thing": "…", "because": "…"}
        found |= {(offers.ORIGIN, code): title.format(**gaps) for code, title in told.items()}
    return found


def _numbers(codes: Iterable[str], wanted: str) -> list[int]:
    parts = (code.partition(":") for code in codes)
    return [
        int(number)
        for kind, _colon, number in parts
        if kind == wanted and number.isdecimal() and len(number) <= _MOST_DIGITS
    ]


def _triggers(ways: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return how people came in, said as the version in use says it."""
    if not ways:
        return {}
    schema = catalog.schema()
    numbers = _numbers((origin for origin, _trigger in ways), "journey")
    entries: dict[tuple[str, str], Entry] = {}
    for journey in Journey.objects.filter(pk__in=numbers).select_related("version"):
        if journey.version is None:
            continue
        try:
            known = journeys.graph_of(journey.version, schema).journey.entries
        except DefinitionError:  # it speaks of what is not there any more
            continue
        for number, entry in enumerate(known):
            entries[journey.origin, f"entry:{number}"] = entry
    printer = called.printer(spoken.language(), list(entries.values()))
    return {place: printer.entry(entry) for place, entry in entries.items()}


def _contents(ids: Collection[int]) -> dict[int, str]:
    held = Content.objects.filter(pk__in=ids).values_list("pk", "subject", "text")
    return {pk: beginning(subject) or beginning(text) or str(pk) for pk, subject, text in held}


def _segments() -> dict[str, str]:
    return {
        one.key: segments.words(one)["title"].get(spoken.language(), one.key)
        for one in segments.active()
    }
