"""Reading the steps of a journey."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import urlsplit

from pusula.journeys.language import literals
from pusula.journeys.language.entries import EntryReader
from pusula.journeys.language.nodes import (
    Approval,
    Branch,
    ChangeList,
    Coupon,
    Exit,
    GoOn,
    Kind,
    Message,
    MessageWay,
    Outcome,
    ReachGoal,
    SetTrait,
    Split,
    Step,
    Steps,
    Task,
    Variant,
    WaitFirst,
    WaitFor,
    WaitUntilDate,
    WaitUntilTime,
    Way,
    Webhook,
)
from pusula.journeys.language.schema import LANGUAGES, OWN_HOUR, Limits
from pusula.segments.language import literals as common
from pusula.segments.language.nodes import Words
from pusula.segments.language.place import Place, hint

_WHOLE = Decimal(100)
_MOST_WORDS = 4_000


@dataclass
class StepReader:
    """Reads steps, counts them, and remembers their ids."""

    entries: EntryReader
    limits: Limits
    order: dict[str, int] = field(default_factory=dict)  # by id: which in the order of the page
    jumps: list[tuple[Place, str, int]] = field(default_factory=list)

    def steps(self, place: Place, depth: int = 1) -> Steps:
        """Return the steps of a list, which stands ``depth`` deep."""
        if depth > self.limits.depth:
            raise place.error("steps nested more than %(most)s deep", most=self.limits.depth)
        found = []
        places = place.items("steps", self.limits.steps)
        for n, below in enumerate(places):
            step = self.step(below, depth)
            found.append(step)
            if isinstance(step.kind, (Exit, GoOn)) and n + 1 < len(places):
                raise places[n + 1].error(
                    "nobody comes here: %(step)r before it ends the way", step=step.id
                )
        return tuple(found)

    def part(self, fields: Mapping[str, Place], word: str, depth: int) -> Steps:
        """Return the steps under ``word``; none if it is left out."""
        return self.steps(fields[word], depth + 1) if word in fields else ()

    def step(self, place: Place, depth: int) -> Step:
        """Return one step."""
        fields = place.fields("a step: a mapping with an id and what it does")
        if "id" not in fields:
            raise place.error("'id' is missing: a word such as 'first-mail' that stays the same")
        rest = {word: value.value for word, value in fields.items() if word != "id"}
        word, below = Place(rest, place.path).single(STEPS, "what the step does")
        name = literals.step_id(fields["id"])
        if name in self.order:
            raise fields["id"].error("there is another step %(name)r", name=name)
        self.order[name] = len(self.order)
        if len(self.order) > self.limits.steps:
            raise place.error("more than %(most)s steps", most=self.limits.steps)
        return Step(name, STEPS[word](self, below, depth))

    def finish(self) -> None:
        """Refuse jumps that lead nowhere, or back."""
        for place, target, here in self.jumps:
            if target not in self.order:
                raise place.error(
                    "there is no step %(name)r", hint(target, list(self.order)), name=target
                )
            if self.order[target] <= here:
                raise place.error(
                    "%(name)r comes before: a journey only goes forward; "
                    "who shall go round comes in again (reentry)",
                    name=target,
                )

    def wait(self, place: Place, depth: int) -> Kind:
        """Return a wait of one of the four sorts."""
        fields = place.fields("a wait such as {for: 1 hour}")
        if "until" in fields:
            is_own = fields["until"].value == OWN_HOUR
            needed = ("until", "usual") if is_own else ("until",)
            fields = place.record(needed, ("weekdays",))
            days = literals.weekdays(fields["weekdays"]) if "weekdays" in fields else ()
            return WaitUntilTime(literals.time(fields[needed[-1]]), days, is_own)
        if "first" in fields:
            fields = place.record(("first", "at_most"), ("then", "else"))
            triggers = fields["first"].items("triggers", self.limits.ways)
            return WaitFirst(
                tuple(self.entries.trigger(each) for each in triggers),
                literals.length(fields["at_most"]),
                self.part(fields, "then", depth),
                self.part(fields, "else", depth),
            )
        word, below = place.single(("for", "until", "date", "first"), "a wait")
        if word == "for":
            return WaitFor(literals.length(below))
        return WaitUntilDate(self.entries.date(below))

    def branch(self, place: Place, depth: int) -> Kind:
        """Return a choice between ways."""
        fields = place.record(("ways",), ("else",))
        ways = []
        for each in fields["ways"].items("ways", self.limits.ways):
            own = each.record(("when",), ("steps",))
            ways.append(Way(self.entries.condition(own["when"]), self.part(own, "steps", depth)))
        return Branch(tuple(ways), self.part(fields, "else", depth))

    def split(self, place: Place, depth: int) -> Kind:
        """Return a draw."""
        variants: list[Variant] = []
        for each in place.items("variants", self.limits.ways):
            fields = each.record(("name", "share"), ("steps",))
            name = literals.step_id(fields["name"])
            if name in {one.name for one in variants}:
                raise fields["name"].error("there is another variant %(name)r", name=name)
            share = common.share(fields["share"])
            variants.append(Variant(name, share, self.part(fields, "steps", depth)))
        total = sum(variant.share for variant in variants)
        if total != _WHOLE:
            raise place.error(
                "the shares are %(total)s %% together, expected 100 %%", total=f"{total:f}"
            )
        return Split(tuple(variants))

    def message(self, place: Place, _depth: int) -> Kind:
        """Return a message with its ways."""
        fields = place.record(("ways",), ("not_after",))
        ways: list[MessageWay] = []
        for each in fields["ways"].items("ways", len(self.entries.names.schema.channels)):
            own = each.record(("channel", "template"), ())
            channel = own["channel"].choice(self.entries.names.schema.channels, "channel")
            if channel in {way.channel for way in ways}:
                raise own["channel"].error("%(channel)s is named twice", channel=channel)
            ways.append(MessageWay(channel, self._templates(own["template"], channel)))
        if "not_after" in fields:
            return Message(tuple(ways), literals.length(fields["not_after"]))
        return Message(tuple(ways))

    def _templates(self, place: Place, channel: str) -> tuple[tuple[str, str], ...]:
        if isinstance(place.value, str):
            return (("", self._template(place, channel)),)
        fields = place.fields("a template, or one for each language such as {tr: a, en: b}")
        if not fields:
            raise place.error("expected at least one language")
        for word, below in fields.items():
            if word not in LANGUAGES:
                raise below.error("unknown language", hint(word, LANGUAGES))
        return tuple((word, self._template(fields[word], channel)) for word in sorted(fields))

    def _template(self, place: Place, channel: str) -> str:
        name = place.text("the name of a template", 120)
        known = self.entries.names.templates
        if known is not None and name not in known.get(channel, ()):
            near = hint(name, known.get(channel, ()))
            raise place.error(
                "there is no %(channel)s template %(name)r", near, channel=channel, name=name
            )
        return name

    def task(self, place: Place, depth: int) -> Kind:
        """Return a call by an agent."""
        fields = place.record(("title", "script", "outcomes", "at_most"), ("else",))
        outcomes: list[Outcome] = []
        for each in fields["outcomes"].items("outcomes", self.limits.ways):
            own = each.record(("outcome", "title"), ("steps",))
            name = literals.step_id(own["outcome"])
            if name in {one.key for one in outcomes} | {"else"}:
                raise own["outcome"].error("there is another outcome %(name)r", name=name)
            steps = self.part(own, "steps", depth)
            outcomes.append(Outcome(name, words(own["title"], 120), steps))
        return Task(
            words(fields["title"], 120),
            words(fields["script"], _MOST_WORDS),
            tuple(outcomes),
            literals.length(fields["at_most"]),
            self.part(fields, "else", depth),
        )

    def approval(self, place: Place, depth: int) -> Kind:
        """Return a question to a person of the company."""
        fields = place.record(("title", "at_most"), ("then", "else"))
        return Approval(
            words(fields["title"], 200),
            literals.length(fields["at_most"]),
            self.part(fields, "then", depth),
            self.part(fields, "else", depth),
        )

    def coupon(self, place: Place, depth: int) -> Kind:
        """Return the keeping of a code."""
        fields = place.record(("pool",), ("else",))
        pool = literals.key(fields["pool"])
        known = self.entries.names.pools
        if known is not None and pool not in known:
            raise fields["pool"].error("there is no pool %(name)r", hint(pool, known), name=pool)
        return Coupon(pool, self.part(fields, "else", depth))

    def go_on(self, place: Place, _depth: int) -> Kind:
        """Return a jump forward."""
        target = literals.step_id(place)
        self.jumps.append((place, target, len(self.order) - 1))
        return GoOn(target)


def words(place: Place, most: int) -> Words:
    """Return a text in both languages."""
    fields = place.record(("tr", "en"), ())
    return Words(tr=fields["tr"].text("a text", most), en=fields["en"].text("a text", most))


def _webhook(_reader: StepReader, place: Place, _depth: int) -> Kind:
    fields = place.record(("url",), ())
    url = fields["url"].text("an address such as https://example.com/hook", 2_000)
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise fields["url"].expected("an address such as https://example.com/hook")
    return Webhook(url)


def _set_trait(reader: StepReader, place: Place, _depth: int) -> Kind:
    fields = place.record(("name", "value"), ())
    name, value = fields["name"].text("the name of a trait", 64), fields["value"]
    if isinstance(value.value, bool):
        found: str | int | float | bool = value.value
    elif isinstance(value.value, (int, float)):
        found = common.number(value)
    else:
        found = value.text("a text, a number, true or false", 400)
    kind = reader.entries.names.schema.traits.get(name)
    given = {bool: "bool", int: "number", float: "number", str: "text"}[type(found)]
    if kind is not None and kind != given:
        given = f"{found!r:.60}"
        raise value.error(
            "%(name)r is a %(kind)s trait, not %(given)s", name=name, kind=kind, given=given
        )
    return SetTrait(name, found)


def _list(reader: StepReader, place: Place, _depth: int) -> Kind:
    word, below = place.single(("add_to", "remove_from"), "a change of a list")
    key = literals.key(below)
    known = reader.entries.names.schema.lists
    if known is not None and key not in known:
        raise below.error("there is no list %(name)r", hint(key, known), name=key)
    return ChangeList(key, word == "add_to")


def _said(kind: Kind) -> Callable[[StepReader, Place, int], Kind]:
    """Return the reader of a step of which there is nothing to say but that it is."""

    def read(_reader: StepReader, place: Place, _depth: int) -> Kind:
        literals.true(place)
        return kind

    return read


STEPS: Mapping[str, Callable[[StepReader, Place, int], Kind]] = {
    "wait": StepReader.wait,
    "branch": StepReader.branch,
    "split": StepReader.split,
    "message": StepReader.message,
    "task": StepReader.task,
    "approval": StepReader.approval,
    "webhook": _webhook,
    "set_trait": _set_trait,
    "list": _list,
    "coupon": StepReader.coupon,
    "goal": _said(ReachGoal()),
    "exit": _said(Exit()),
    "continue": StepReader.go_on,
}
