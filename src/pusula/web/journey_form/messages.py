"""The editor of a message: its ways in their order, each a channel and a template."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from pusula.journeys.language.schema import LANGUAGES
from pusula.web import titles
from pusula.web.builder import controls
from pusula.web.builder.controls import Control, IncompleteError, Line
from pusula.web.builder.fields import Fields
from pusula.web.journey_form import boxes
from pusula.web.journey_form.boxes import Here, Json

MOST_WAYS = 8
BY_LANGUAGE = "*"
_USUAL_LATE = ("6", "hour")
_OFFERED = ("tr", "en")


@dataclass(frozen=True)
class MessageEditor:
    """Edits a message. ``ways`` holds a letter for each way, ``LETTER.channel`` … its fields."""

    here: Here

    def lines(self, fields: Fields) -> list[Line]:
        """Return the lines of each way, and how late it may still come."""
        keys = way_keys(fields)
        found: list[Line] = []
        for place, key in enumerate(keys):
            found += self._way(place, key, fields.below(key), is_only=len(keys) == 1)
        usual = Fields({"late.v": [_USUAL_LATE[0]], "late.u": [_USUAL_LATE[1]], **fields})
        return [*found, boxes.length(usual, "late", gettext("Worthless when it is later by"))]

    def _way(self, place: int, key: str, mine: Fields, *, is_only: bool) -> list[Line]:
        lead = gettext("By") if place == 0 else gettext("if that cannot be, by")
        channel = self._channel(mine)
        menu = [(name, titles.channel(name)[1]) for name in self.here.names.schema.channels]
        label = gettext("Channel of way %(n)d") % {"n": place + 1}
        row = [
            controls.select(f"{key}.channel", label, channel, menu, redraws=True),
            self._template(f"{key}.t", channel, mine.one("t"), by_language=True),
        ]
        if place:
            row.append(Control("button", "wayup", gettext("Earlier"), (key,), before="arrow-up"))
        if not is_only:
            row.append(Control("button", "unway", gettext("Remove this way"), (key,)))
        found = [Line(tuple(row), lead=lead)]
        if mine.one("t") == BY_LANGUAGE:
            others = [tag for tag in LANGUAGES if tag not in _OFFERED and mine.one(f"t_{tag}")]
            for tag in (*_OFFERED, *others):
                menu_of = self._template(f"{key}.t_{tag}", channel, mine.one(f"t_{tag}"))
                label = gettext("Template in the language %(tag)s") % {"tag": tag}
                found.append(Line((replace(menu_of, label=label),), lead=tag, indent=True))
        return found

    def _channel(self, mine: Fields) -> str:
        return mine.one("channel", self.here.names.schema.channels[0])

    def _template(
        self, name: str, channel: str, value: str, *, by_language: bool = False
    ) -> Control:
        known = (self.here.names.templates or {}).get(channel, ())
        menu = [
            ("", gettext("Choose a template…")),
            *((each, self._called(each)) for each in known),
        ]
        if by_language:
            menu.append((BY_LANGUAGE, gettext("one for each language …")))
        label = gettext("Template for %(channel)s") % {"channel": titles.channel(channel)[1]}
        return controls.select(name, label, value, menu, redraws=by_language)

    def _called(self, name: str) -> str:
        said = self.here.templates.get(name, name)
        return name if said == name else f"{said} ({name})"

    def document(self, fields: Fields) -> Json:
        """Return the step."""
        ways = [self._said(fields.below(key)) for key in way_keys(fields)]
        usual = Fields({"late.v": [_USUAL_LATE[0]], "late.u": [_USUAL_LATE[1]], **fields})
        return {"message": {"ways": ways, "not_after": boxes.said_length(usual, "late", "hour")}}

    def _said(self, mine: Fields) -> Json:
        template: object = boxes.chosen(mine, "t", gettext("Choose a template."))
        if template == BY_LANGUAGE:
            template = {tag: mine.one(f"t_{tag}") for tag in LANGUAGES if mine.one(f"t_{tag}")}
            if not template:
                raise IncompleteError(gettext("Choose a template."))
        return {"channel": self._channel(mine), "template": template}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        ways = body.get("ways") if isinstance(body, Mapping) else None
        if not isinstance(ways, list) or not isinstance(body, Mapping) or len(ways) > MOST_WAYS:
            return None
        keys = string.ascii_lowercase[: len(ways)]
        found = Fields({"ways": [" ".join(keys)]})
        for key, way in zip(keys, ways, strict=True):
            read = _read_way(way)
            if read is None:
                return None
            found.set_below(key, read)
        late = body.get("not_after", " ".join(_USUAL_LATE) + "s")
        return found if boxes.put_length(found, "late", late) else None


def _read_way(way: object) -> Fields | None:
    match way:
        case {"channel": str(channel), "template": str(name)} if _is_name(name):
            return Fields({"channel": [channel], "t": [name]})
        case {"channel": str(channel), "template": {**names}} if all(map(_is_name, names.values())):
            found = Fields({"channel": [channel], "t": [BY_LANGUAGE]})
            found.update({f"t_{tag}": [str(name)] for tag, name in names.items()})
            return found
    return None


def _is_name(value: object) -> bool:
    return boxes.is_typed(value) and value != BY_LANGUAGE and "\n" not in str(value)


def way_keys(fields: Fields) -> list[str]:
    """Return the letters of the ways in their order; one at least."""
    found = list(dict.fromkeys(fields.one("ways").split()))
    return [key for key in found if len(key) == 1 and key in string.ascii_lowercase][
        :MOST_WAYS
    ] or ["a"]


def add_way(fields: Fields) -> None:
    """Add an empty way, if there is room."""
    keys = way_keys(fields)
    if len(keys) < MOST_WAYS:
        free = next(letter for letter in string.ascii_lowercase if letter not in keys)
        fields.drop_below(free)
        fields.put("ways", " ".join([*keys, free]))


def remove_way(fields: Fields, key: str) -> None:
    """Remove a way, but the last one."""
    left = [each for each in way_keys(fields) if each != key]
    if left:
        fields.put("ways", " ".join(left))
        fields.drop_below(key)


def lift_way(fields: Fields, key: str) -> None:
    """Try a way before the one that stands in front of it."""
    keys = way_keys(fields)
    if key in keys[1:]:
        place = keys.index(key)
        keys[place - 1], keys[place] = keys[place], keys[place - 1]
        fields.put("ways", " ".join(keys))
