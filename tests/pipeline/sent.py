"""Messages as programs send them, in the envelope in which the log holds them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import time_machine

from pusula.events.models import Event
from pusula.lib import clock
from pusula.pipeline import appender, live, queries
from pusula.pipeline.appender import Entry
from pusula.pipeline.live import Stepped
from pusula.profiles.models import Identifier, IdentifierKind, Profile, Trait, TraitChange

_numbers = itertools.count()


def message(
    type_: str,
    *,
    source: str = "web",
    trusted: bool = False,
    rules: dict[str, Any] | None = None,
    sent_at: str | None = None,
    batch: dict[str, Any] | None = None,
    message_id: str | None = None,
    **fields: Any,
) -> Entry:
    """Return an entry with a message of ``type_`` that says ``fields``."""
    envelope: dict[str, Any] = {
        "type": type_, "trusted": trusted, "sent_at": sent_at, "message": fields,
    }  # fmt: skip
    if rules is not None:
        envelope["rules"] = rules
    if batch is not None:
        envelope["batch"] = batch
    message_id = message_id or f"m{next(_numbers)}"
    return Entry("message", source, f"{source}:{message_id}", json.dumps(envelope))


def track(event: str, properties: dict[str, Any] | None = None, **fields: Any) -> Entry:
    return message("track", event=event, properties=properties or {}, **fields)


def identify(traits: dict[str, Any] | None = None, **fields: Any) -> Entry:
    return message("identify", traits=traits or {}, **fields)


def come_in(moment: int, *entries: Entry) -> Stepped:
    """Append ``entries`` at ``moment``, and let the step a second later take them over."""
    with time_machine.travel(clock.to_datetime(moment), tick=False):
        appender.append(entries)
    return live.step(at=moment + clock.SECOND)


def reasons() -> list[str]:
    """Return why entries are in quarantine, the oldest first."""
    return [str(one.why) for one in queries.quarantined()]


def holder(kind: str, value: str) -> int:
    return Identifier.objects.get(kind=IdentifierKind(kind), value=value).profile_id


def names_of(profile_id: int) -> list[str]:
    """Return the names of somebody's events, by time."""
    events = Event.objects.filter(profile_id=profile_id).order_by("at", "id")
    return list(events.values_list("name", flat=True))


def traits_of(profile_id: int) -> dict[str, Any]:
    """Return the traits of somebody by name."""
    return {
        trait.name: trait.text or (trait.day or trait.number)
        for trait in Profile.objects.get(pk=profile_id).traits.all()
    }


def told_by_history() -> dict[tuple[int, str], tuple[Any, ...]]:
    """Return by profile and name what the history says that traits are."""
    found = {}
    for one in TraitChange.objects.order_by("changed_at", "recorded_at", "id"):
        found[one.profile_id, one.name] = (one.kind, one.text, one.number, one.day)
    return {key: said for key, said in found.items() if said[0]}


def told_now() -> dict[tuple[int, str], tuple[Any, ...]]:
    """Return by profile and name what traits are."""
    return {
        (one.profile_id, one.name): (one.kind, one.text, one.number, one.day)
        for one in Trait.objects.all()
    }
