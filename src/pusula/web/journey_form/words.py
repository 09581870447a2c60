"""What the nodes of a draft are called and say, one line each; also while others are not whole."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pusula.journeys.language import DefinitionError, Names, Step
from pusula.journeys.language.entries import EntryReader
from pusula.journeys.language.schema import DEFAULT_LIMITS
from pusula.journeys.language.steps import StepReader
from pusula.segments import spoken
from pusula.segments.language.place import Place
from pusula.segments.language.schema import Schema
from pusula.web import journey_words
from pusula.web.journey_form import kinds
from pusula.web.journey_form.boxes import Json
from pusula.web.journey_form.documents import Said
from pusula.web.journey_form.draft import Draft, Node
from pusula.web.journey_words import Teller


class Words:
    """Says the nodes of a draft."""

    def __init__(self, draft: Draft, said: Said, schema: Schema) -> None:
        self.said = said
        keyed_by = "order" if draft.by_order else "profile"
        self.reader = EntryReader(Names(schema=schema), keyed_by)
        self.teller = Teller(said.bodies)
        # What the steps say, by their node; those that go on elsewhere name them.
        self.steps = dict(self._lines(draft.lists["steps"]))
        nodes = {node.id: node.fields.one("id") for node in draft.nodes()}
        self.teller.printer.steps = {nodes[node]: words for node, words in self.steps.items()}

    def _lines(self, above: Node) -> Iterator[tuple[str, str]]:
        for node in above.below:
            if "id" in node.fields:
                _icon, name, words = self.of(node, above)
                yield node.id, words or name
            yield from self._lines(node)

    def of(self, node: Node, above: Node) -> tuple[str, str, str]:
        """Return icon, name and sentence of a node; the sentence empty where it says nothing."""
        kind = kinds.of(above.kind, node.kind)
        icon, name = (kind.icon, str(kind.title)) if kind else ("circle-alert", node.kind)
        body = self.said.bodies.get(node.id)
        if body is None:
            return icon, name, ""
        try:
            if "id" in node.fields:
                return self._step(node, body, icon, name)
            return icon, name, self._other(node, above, body)
        except DefinitionError:  # it is said below, with its place
            return icon, name, ""

    def _step(self, node: Node, body: Json, icon: str, name: str) -> tuple[str, str, str]:
        if node.kind in ("branch", "split"):
            return icon, name, ""
        if node.kind in ("first", "task"):
            return icon, name, self._with_parts(node, body)
        step = self._parsed({"id": "x", **body})
        if node.kind in (kinds.YAML, "message"):
            icon, name = journey_words.kind(step.kind)
        return icon, name, self.teller.sentence(step.kind)

    def _with_parts(self, node: Node, body: Json) -> str:
        """Return the sentence of a step that says nothing without one of its parts."""
        word, inner = next(iter(body.items()))
        if node.kind == "task":
            ends = {"outcomes": [{"outcome": "x", "title": {"tr": "x", "en": "x"}}]}
        else:
            bodies = [self.said.bodies.get(each.id) for each in node.below]
            triggers = [
                t
                for t, n in zip(bodies, node.below, strict=True)
                if t and n.kind not in kinds.PARTS
            ]
            ends = {"first": triggers}
        return self.teller.sentence(self._parsed({"id": "x", word: {**inner, **ends}}).kind)

    def _parsed(self, document: Json) -> Step:
        parts = {"then", "else", "steps"}
        word = next(word for word in document if word != "id")
        inner = document[word]
        if isinstance(inner, dict):
            inner = {key: value for key, value in inner.items() if key not in parts}
        return StepReader(self.reader, DEFAULT_LIMITS).step(Place({"id": "x", word: inner}, ""), 1)

    def _other(self, node: Node, above: Node, body: Json) -> str:
        """Return what an entry, an end or a part says."""
        printer = self.teller.printer
        match node.kind:
            case kinds.THEN | kinds.ELSE:
                return self.lead(node, above)
            case "where" | "way":
                return printer.condition(
                    self.reader.condition(Place(next(iter(body.values())), ""))
                )
            case "variant":
                share = printer.per_cent(Decimal(str(body["share"]).removesuffix(" %")))
                return printer.say("variant", name=str(body["name"]), share=share)
            case "outcome":
                return str(body["title"][spoken.language()])
        if above.kind == "entries":
            return printer.entry(self.reader.entry(Place(body, "")))
        return printer.end(self.reader.trigger_or_condition(Place(body, "")))

    def lead(self, node: Node, above: Node) -> str:
        """Return what leads to a part that its step always has."""
        word = "waitfirst" if above.kind == "first" else above.kind
        return self.teller.printer.say(f"{word}_{node.kind}")
