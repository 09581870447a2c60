"""What the pages call the parts of journeys: states, steps, results, and what decided them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy

from pusula.journeys import advance, called, machine
from pusula.journeys.language import Graph, Journey, nodes
from pusula.journeys.language.nodes import Kind
from pusula.journeys.language.sentences import Line, said
from pusula.segments import spoken
from pusula.web import formats, titles

# State: tone of its badge, words.
STATES: dict[str, tuple[str, str | Promise]] = {
    machine.DRAFT: ("", pgettext_lazy("state of a journey", "Draft")),
    machine.LIVE: ("good", pgettext_lazy("state of a journey", "Live")),
    machine.PAUSED: ("warn", pgettext_lazy("state of a journey", "Paused")),
    machine.ARCHIVED: ("", pgettext_lazy("state of a journey", "Archived")),
}
_KINDS: dict[type[Kind], tuple[str, str | Promise]] = {
    nodes.WaitFor: ("clock", pgettext_lazy("step of a journey", "Wait")),
    nodes.WaitUntilTime: ("clock", pgettext_lazy("step of a journey", "Wait")),
    nodes.WaitUntilDate: ("calendar-clock", pgettext_lazy("step of a journey", "Wait")),
    nodes.WaitFirst: ("hourglass", pgettext_lazy("step of a journey", "Wait for something")),
    nodes.Branch: ("git-branch", pgettext_lazy("step of a journey", "Condition")),
    nodes.Split: ("shuffle", pgettext_lazy("step of a journey", "Lot")),
    nodes.Task: ("phone", pgettext_lazy("step of a journey", "Call")),
    nodes.Approval: ("user-check", pgettext_lazy("step of a journey", "Approval")),
    nodes.Webhook: ("webhook", pgettext_lazy("step of a journey", "Tell a program")),
    nodes.SetTrait: ("tag", pgettext_lazy("step of a journey", "Set a trait")),
    nodes.ChangeList: ("list-checks", pgettext_lazy("step of a journey", "List")),
    nodes.Coupon: ("ticket", pgettext_lazy("step of a journey", "Code")),
    nodes.ReachGoal: ("target", pgettext_lazy("step of a journey", "Goal")),
    nodes.Exit: ("log-out", pgettext_lazy("step of a journey", "Exit")),
    nodes.GoOn: ("corner-down-right", pgettext_lazy("step of a journey", "Continue")),
}


def outcome(code: str) -> str:
    """Return how somebody left."""
    return str(called.OUTCOMES.get(code, code))


def kind(step: Kind) -> tuple[str, str]:
    """Return icon and name of a kind of step; a message is called by its first channel."""
    if isinstance(step, nodes.Message):
        return titles.channel(step.ways[0].channel)
    icon, name = _KINDS[type(step)]
    return icon, str(name)


def lines(journey: Journey) -> list[Line]:
    """Return the whole of a journey, line by line."""
    return said(journey, called.printer(spoken.language(), journey))


class Teller:
    """Says the steps of a journey, and what befell people there, in the active language."""

    def __init__(self, about: Any) -> None:
        """Call what is spoken of in ``about`` by its name of now; see ``called.printer``."""
        self.printer = called.printer(spoken.language(), about)

    def title(self, step: Kind) -> str:  # noqa: C901, PLR0911 - one line per kind
        """Return what a step does, as short as it can be said under the name of its kind."""
        match step:
            case nodes.WaitFor(length):
                return self.printer.length(length)
            case nodes.WaitUntilDate(date):
                return formats.capital(self.printer.date(date))
            case nodes.WaitFirst(triggers, _, _, _):
                said = " / ".join(self.printer.trigger(each) for each in triggers)
                return formats.capital(said)
            case nodes.Message(ways, _):
                return f"“{self.printer.template(ways[0])}”"
            case nodes.Task(title, _, _, _, _) | nodes.Approval(title, _, _, _):
                return title.tr if spoken.language() == "tr" else title.en
            case nodes.Branch(ways, _):
                return gettext("%(n)s ways") % {"n": len(ways) + 1}
            case nodes.Split(variants):
                return " / ".join(one.name for one in variants)
            case nodes.Webhook(url):
                return urlsplit(url).hostname or url
            case nodes.Coupon(pool, _):
                return pool
            case nodes.SetTrait(name, value):
                return f"{titles.trait(name)} = {value}"
        return self.sentence(step)

    def sentence(self, step: Kind) -> str:
        """Return what a step does, without the full stop."""
        return self.printer.step(step).removesuffix(".")

    def aside(self, step: Kind) -> str:
        """Return what is worth saying below the title: other channels, the longest time."""
        match step:
            case nodes.Message(ways, _) if ways[1:]:
                rest = [
                    f"{titles.channel(one.channel)[1]} “{self.printer.template(one)}”"
                    for one in ways[1:]
                ]
                return gettext("else %(ways)s") % {"ways": ", ".join(rest)}
            case nodes.WaitFirst(_, at_most, _, _) | nodes.Approval(_, at_most, _, _):
                return gettext("at most %(length)s") % {"length": self.printer.length(at_most)}
            case nodes.Task(_, _, _, at_most, _):
                return gettext("at most %(length)s") % {"length": self.printer.length(at_most)}
        return ""

    def line(self, step: Kind, graph: Graph | None = None) -> str:
        """Return a step of ``graph`` in one short line, its kind included."""
        if isinstance(step, nodes.GoOn) and graph is not None:
            words = {"step": self.numbered(graph, step.to)}
            return gettext("Continue with %(step)s") % words
        title = self.title(step)
        return title if title == self.sentence(step) else f"{kind(step)[1]}: {title}"

    def numbered(self, graph: Graph, step: str) -> str:
        """Return the title of a step behind its number in the journey."""
        node = graph.nodes[step]
        return f"{node.number + 1}. {self.title(node.kind)}"

    def way(self, step: Kind, result: str) -> str:
        """Return what leads to a part of a step."""
        if isinstance(step, nodes.Coupon) and result != advance.ELSE:
            return gettext("Code reserved")
        if isinstance(step, nodes.Branch) and result != advance.ELSE:
            number = int(result.removeprefix("way ")) - 1
            return self.printer.condition(step.ways[number].when)
        if isinstance(step, nodes.Task) and result != advance.ELSE:
            title = next(one.title for one in step.outcomes if one.key == result)
            return title.tr if spoken.language() == "tr" else title.en
        return self.printer.way(step, result)

    def entry(self, entry: nodes.Entry) -> str:
        """Return how people come in."""
        return formats.capital(self.printer.entry(entry))

    def result(self, graph: Graph, step: str, result: str) -> str:
        """Return with what result somebody went on from ``step``, as this version says it."""
        usual = called.RESULTS.get(result)
        if not step or usual is not None:
            return str(usual or result)
        try:
            return self.way(graph.nodes[step].kind, result)
        except (KeyError, StopIteration, ValueError, IndexError):  # it was another step then
            return result

    def place(self, graph: Graph, place: str) -> str:
        """Return what decided, as it is written at ``place`` of the definition."""
        return called.place(graph, place, self.printer)
