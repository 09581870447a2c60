"""What the printers of both languages share: which phrase says which node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import ClassVar

from pusula.events import vocabulary
from pusula.journeys.language.dump import clock_time
from pusula.journeys.language.nodes import (
    Approval,
    Branch,
    ByApi,
    ChangeList,
    Coupon,
    DateOf,
    Entry,
    Every,
    Exit,
    GoOn,
    Journey,
    Kind,
    Message,
    MessageWay,
    Once,
    OnDate,
    OnEvent,
    OnOrder,
    OnSegment,
    ReachGoal,
    Schedule,
    SetTrait,
    Split,
    Task,
    Trigger,
    WaitFirst,
    WaitFor,
    WaitUntilDate,
    WaitUntilTime,
    Webhook,
)
from pusula.segments.language import sentence
from pusula.segments.language.nodes import (
    Aggregate,
    AggregateTest,
    Column,
    ColumnTest,
    Compare,
    Condition,
    Words,
)
from pusula.segments.language.schema import RELATIONS
from pusula.segments.language.windows import Offset


class Printer:
    """Fills the phrases of a language; a phrase has named gaps."""

    LANGUAGE: ClassVar[str]
    PHRASES: ClassVar[Mapping[str, str]]
    UNITS: ClassVar[Mapping[str, tuple[str, str]]]  # one, several
    WEEKDAYS: ClassVar[tuple[str, ...]]
    CHANNELS: ClassVar[Mapping[str, str]]
    ORDERS: ClassVar[Mapping[str, str]]  # by what an order becomes
    DAYS: ClassVar[Mapping[str, str]]  # by the column of an order
    RULES: ClassVar[Mapping[str, str]]
    OR: ClassVar[str]

    def __init__(
        self,
        titles: Mapping[str, str],
        templates: Mapping[str, str] | None = None,
        purposes: Mapping[str, str] | None = None,
        steps: Mapping[str, str] | None = None,
    ) -> None:
        """Call segments by ``titles``, and as given templates, purposes, steps people go on with.

        What is not there is called by its key, its name or its id.
        """
        self.titles = titles
        self.templates = templates or {}
        self.purposes = purposes or {}
        self.steps = steps or {}

    def frame(self, journey: Journey) -> Iterator[str]:
        """Yield what stands before the steps."""
        yield self.say("keyed_order" if journey.keyed_by == "order" else "keyed_profile")
        for entry in journey.entries:
            yield self.say("entry", what=self.entry(entry))
        if journey.who is not None:
            yield self.say("who", what=self.condition(journey.who))
        after = journey.reentry.after
        yield self.say("reentry", what=self.RULES[journey.reentry.rule]) + (
            f" {self.say('after', length=self.length(after))}" if after else ""
        )
        yield (
            self.say("holdout", share=self.per_cent(journey.holdout))
            if journey.holdout
            else self.say("no_holdout")
        )
        if journey.goal is not None:
            yield self.say("goal_is", what=self.end(journey.goal))
        for what in journey.exit_when:
            yield self.say("exit_when", what=self.end(what))
        message_class = "commercial" if journey.is_commercial else "service"
        purpose = self.purposes.get(journey.purpose, journey.purpose)
        yield self.say(message_class, purpose=purpose, priority=str(journey.priority))

    def entry(self, entry: Entry) -> str:
        """Return how a profile comes in."""
        match entry:
            case Schedule(segment, when):
                return self.say("schedule", segment=self.segment(segment), when=self._when(when))
            case OnDate(date, where, is_late_welcome):
                late = f" {self.say('late')}" if is_late_welcome else ""
                return self.date(date) + self._only("orders", (), where) + late
            case ByApi():
                return self.say("api")
        return self.trigger(entry)

    def trigger(self, trigger: Trigger) -> str:
        """Return what happens."""
        match trigger:
            case OnEvent(names, where):
                titles = [f"“{vocabulary.title(name, self.LANGUAGE)}”" for name in names]
                return self.say("event", names=self._listed(titles)) + self._only(
                    "events", names, where
                )
            case OnOrder(becomes, where):
                return self.ORDERS[becomes] + self._only("orders", (), where)
            case OnSegment(key, is_entry):
                return self.say("enters" if is_entry else "leaves", segment=self.segment(key))

    def end(self, what: Trigger | Condition) -> str:
        """Return what makes people leave."""
        if isinstance(what, (OnEvent, OnOrder, OnSegment)):
            return self.trigger(what)
        return self.condition(what)

    def condition(self, condition: Condition) -> str:
        """Return a condition as a clause: without its full stop."""
        return sentence(condition, self.LANGUAGE, self.titles).removesuffix(".")

    def step(self, kind: Kind) -> str:
        """Return what a step does."""
        match kind:
            case WaitFor() | WaitUntilTime() | WaitUntilDate() | WaitFirst():
                return self._wait(kind)
            case Branch() | Split():
                return self.say(type(kind).__name__.lower())
            case Message(ways, not_after):
                said = self.say("then_by").join(self._message_way(way) for way in ways)
                return self.say("message", ways=said, length=self.length(not_after))
            case Task(title, _script, _outcomes, at_most, _otherwise):
                return self.say("task", title=self.words(title), length=self.length(at_most))
            case Approval(title, at_most, _then, _otherwise):
                return self.say("approval", title=self.words(title), length=self.length(at_most))
        return self._small(kind)

    def way(self, kind: Kind, result: str) -> str:
        """Return what leads to a part of a step."""
        match kind:
            case Branch(ways, _) if result != "else":
                number = int(result.removeprefix("way ")) - 1
                return self.say("when", what=self.condition(ways[number].when))
            case Split(variants):
                share = next(v.share for v in variants if v.name == result)
                return self.say("variant", name=result, share=self.per_cent(share))
            case Task(_, _, outcomes, _, _) if result != "else":
                title = next(o.title for o in outcomes if o.key == result)
                return self.say("outcome", title=self.words(title))
        name = type(kind).__name__.lower()
        return self.say(f"{name}_{result}")

    def words(self, words: Words) -> str:
        """Return a text in this language, quoted."""
        return f"“{words.tr if self.LANGUAGE == 'tr' else words.en}”"

    def segment(self, key: str) -> str:
        """Return the name of a segment, quoted."""
        return f"“{self.titles.get(key, key)}”"

    def template(self, way: MessageWay) -> str:
        """Return what a message says by the template of this language, else of the first."""
        names = dict(way.templates)
        name = names.get(self.LANGUAGE) or next(iter(names.values()))
        return self.templates.get(name, name)

    def length(self, offset: Offset) -> str:
        """Return a length of time."""
        amount = abs(offset.amount)
        return f"{amount} {self.UNITS[offset.unit][amount != 1]}"

    def per_cent(self, share: Decimal) -> str:
        """Return a share."""
        return self.say("per_cent", n=f"{share.normalize():f}")

    def date(self, date: DateOf) -> str:
        """Return a moment counted from a day."""
        day = self.DAYS[date.column] if date.column else self.say("trait_day", name=date.trait)
        if date.is_yearly:
            day = self.say("yearly", day=day)
        fields = {"day": day, "time": clock_time(date.time)}
        if date.offset is None:
            return self.say("date_on", **fields)
        word = "date_before" if date.offset.amount < 0 else "date_after"
        return self.say(word, length=self.length(date.offset), **fields)

    def say(self, word: str, **gaps: str) -> str:
        """Return a phrase with its gaps filled."""
        return self.PHRASES[word].format(**gaps)

    def _only(self, relation: str, names: tuple[str, ...], where: tuple[ColumnTest, ...]) -> str:
        """Return which rows count; what is asked of one row is said as what a profile has."""
        if not where:
            return ""
        time = RELATIONS[relation].time
        by = Column(time, RELATIONS[relation].columns[time])
        rows = Aggregate(relation, "count", by, names=names, where=where)
        return self.say("only", what=self.condition(AggregateTest(rows, Compare("at_least", 1))))

    def _when(self, when: Once | Every) -> str:
        time = clock_time(when.time)
        match when:
            case Once(day, _):
                return self.say("once", day=day.strftime("%d.%m.%Y"), time=time)
            case Every(_, (), ()):
                return self.say("daily", time=time)
            case Every(_, (), days):
                return self.say("monthly", days=", ".join(map(str, days)), time=time)
            case Every(_, weekdays, _):
                return self.say("weekly", days=self._weekdays(weekdays), time=time)

    def _weekdays(self, weekdays: tuple[int, ...]) -> str:
        return self._listed([self.WEEKDAYS[day] for day in weekdays])

    def _listed(self, words: list[str]) -> str:
        return f"{', '.join(words[:-1])} {self.OR} {words[-1]}" if words[1:] else words[0]

    def _wait(self, kind: WaitFor | WaitUntilTime | WaitUntilDate | WaitFirst) -> str:
        match kind:
            case WaitFor(span):
                return self.say("wait_for", length=self.length(span))
            case WaitUntilTime(time, weekdays, is_own):
                word = "wait_own" if is_own else "wait"
                days = {"days": self._weekdays(weekdays)} if weekdays else {}
                word = f"{word}_{'weekday' if weekdays else 'time'}"
                return self.say(word, time=clock_time(time), **days)
            case WaitUntilDate(date):
                return self.say("wait_date", date=self.date(date))
            case WaitFirst(triggers, at_most, _, _):
                first = self._listed([self.trigger(each) for each in triggers])
                return self.say("wait_first", what=first, length=self.length(at_most))

    def _message_way(self, way: MessageWay) -> str:
        names = [
            f"“{self.templates.get(name, name)}”{f' ({tag})' if tag else ''}"
            for tag, name in way.templates
        ]
        return self.say("message_way", channel=self.CHANNELS[way.channel], names=", ".join(names))

    def _small(
        self,
        kind: Webhook | SetTrait | ChangeList | Coupon | ReachGoal | Exit | GoOn,
    ) -> str:
        match kind:
            case Webhook(url):
                return self.say("webhook", url=url)
            case SetTrait(name, value):
                return self.say("set_trait", name=name, value=str(value))
            case ChangeList(key, is_added):
                return self.say("list_add" if is_added else "list_remove", name=key)
            case Coupon(pool, _):
                return self.say("coupon", name=pool)
            case GoOn(to):
                return self.say("go_on", to=self.steps.get(to, to))
        return self.say("goal" if isinstance(kind, ReachGoal) else "exit")
