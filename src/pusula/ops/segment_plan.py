"""What taking over definitions would change, told on the terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import click
from django.utils.translation import gettext, ngettext

from pusula.campaigns.models import Campaign
from pusula.journeys.models import Journey
from pusula.lib.sayings import told
from pusula.ops.figures import number
from pusula.segments import spoken
from pusula.segments.language import Definition, sentence
from pusula.segments.publishing.changeset import Changeset, Entry, State
from pusula.segments.publishing.preview import Change, Preview

Users = Mapping[str, Sequence[Campaign]]
Riders = Mapping[str, Sequence[Journey]]

_SIGNS = {
    State.NEW: ("+", "green"),
    State.CHANGED: ("~", "yellow"),
    State.WAITING: ("~", "yellow"),
    State.FOLLOWING: (">", "cyan"),
    State.REMOVED: ("-", "red"),
}
_LANGUAGES = ("tr", "en")


def show(changes: Changeset, preview: Preview, users: Users, journeys: Riders) -> None:
    """Print the changes for people, the sentences in the active language."""
    titles = _titles(changes)
    for entry in changes.entries:
        if entry.state is State.UNCHANGED or (entry.state is State.REMOVED and not changes.prune):
            continue
        sign, colour = _SIGNS[entry.state]
        click.secho(f"  {sign} {entry.key}", fg=colour, bold=True)
        for line in _lines(entry, preview.changes.get(entry.key), titles):
            click.echo(f"      {line}")
        if using := users.get(entry.key):
            names = ", ".join(campaign.key for campaign in using)
            click.echo("      " + gettext("feeds: %(campaigns)s") % {"campaigns": names})
        if naming := journeys.get(entry.key):
            names = ", ".join(journey.key for journey in naming)
            click.echo("      " + gettext("journeys: %(journeys)s") % {"journeys": names})
    click.echo(_summary(changes))


def as_json(changes: Changeset, preview: Preview, users: Users, journeys: Riders) -> str:
    """Return the changes for a program."""
    titles = _titles(changes)
    document = {
        "is_changed": not changes.is_empty,
        "at": preview.at,
        "n_profiles": preview.n_profiles,
        "segments": [
            {
                "segment": entry.key,
                "state": entry.state.value,
                "is_archived": entry.key in changes.archived,
                "before": _sentences(entry.before, titles),
                "after": _sentences(entry.after, titles),
                **_figures(preview.changes.get(entry.key)),
                "campaigns": [campaign.key for campaign in users.get(entry.key, ())],
                "journeys": [journey.key for journey in journeys.get(entry.key, ())],
            }
            for entry in changes.entries
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _lines(entry: Entry, change: Change | None, titles: Mapping[str, str]) -> Iterator[str]:
    language = spoken.language()
    before, after = (_said(d, language, titles) for d in (entry.before, entry.after))
    if entry.state is State.REMOVED:
        yield gettext("to be archived: %(sentence)s") % {"sentence": before}
    elif entry.state is State.FOLLOWING:
        yield gettext("names a segment that changes")
    elif before and before != after:
        yield gettext("before: %(sentence)s") % {"sentence": before}
        yield gettext("after: %(sentence)s") % {"sentence": after}
    else:
        yield after
    if change is None:
        return
    if change.error:
        yield gettext("cannot be shown: %(error)s") % {"error": told(change.error, gettext)}
        return
    form = ngettext(
        "%(members)s customer; %(entering)s would enter, %(leaving)s would leave",
        "%(members)s customers; %(entering)s would enter, %(leaving)s would leave",
        change.n_members,
    )
    yield form % {
        "members": number(change.n_members),
        "entering": number(change.n_entering),
        "leaving": number(change.n_leaving),
    }


def _summary(changes: Changeset) -> str:
    n = {state: len(changes.keys(state)) for state in State}
    parts = [
        gettext("%(n)s new") % {"n": number(n[State.NEW])},
        gettext("%(n)s changed") % {"n": number(n[State.CHANGED] + n[State.WAITING])},
        gettext("%(n)s following") % {"n": number(n[State.FOLLOWING])},
        gettext("%(n)s unchanged") % {"n": number(n[State.UNCHANGED])},
    ]
    if missing := n[State.REMOVED]:
        form = (
            gettext("%(n)s to be archived")
            if changes.prune
            else gettext("%(n)s in use but not in the folder (--prune archives them)")
        )
        parts.append(form % {"n": number(missing)})
    if changes.is_empty:
        return gettext("Nothing would change.") + " " + ", ".join(parts)
    return ", ".join(parts)


def _figures(change: Change | None) -> dict[str, object]:
    if change is None:
        return {}
    return {
        "n_members": change.n_members,
        "n_entering": change.n_entering,
        "n_leaving": change.n_leaving,
        "entering": list(change.entering),
        "leaving": list(change.leaving),
        "error": told(change.error),
    }


def _sentences(definition: Definition | None, titles: Mapping[str, str]) -> dict[str, str] | None:
    if definition is None:
        return None
    return {language: sentence(definition, language, titles) for language in _LANGUAGES}


def _said(definition: Definition | None, language: str, titles: Mapping[str, str]) -> str:
    return "" if definition is None else sentence(definition, language, titles)


def _titles(changes: Changeset) -> dict[str, str]:
    definitions = [entry.after or entry.before for entry in changes.entries]
    language = spoken.language()
    return {d.key: getattr(d.title, language) for d in definitions if d is not None}
