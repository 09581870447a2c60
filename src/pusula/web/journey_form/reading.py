"""A document of the language of journeys as a draft: its nodes, and their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pusula.journeys.language.nodes import SERVICE_HOLDOUT, USUAL_HOLDOUT
from pusula.web.builder.fields import Fields
from pusula.web.builder.picks import Picker
from pusula.web.journey_form import boxes, conditions, kinds
from pusula.web.journey_form.boxes import Here, Json
from pusula.web.journey_form.draft import Draft, Node
from pusula.web.journey_form.parts import RawEditor, read_share


def draft_of(document: Mapping[str, object], picker: Picker, base: Here) -> Draft:
    """Return the draft that says ``document``, as ``dump`` writes it."""
    by_order = document.get("keyed_by") == "order"
    reader = _Reader(picker, Here(base.names, base.choices, by_order=by_order))
    draft = Draft()
    draft.head.fields = _head(document)
    for name, word in (("entries", "entry"), ("exits", "exit_when"), ("steps", "steps")):
        listed = document.get(word)
        for each in listed if isinstance(listed, list) else []:
            node = reader.step(each) if name == "steps" else reader.entry(each, name)
            draft.lists[name].below.append(node)
    if "goal" in document:
        draft.lists["goal"].below.append(reader.entry(document["goal"], "goal"))
    if "who" in document:
        draft.lists["who"].below.append(reader.entry({"where": document["who"]}, "who"))
    return draft


def _head(document: Mapping[str, object]) -> Fields:
    found = Fields({"key": [str(document.get("journey", ""))]})
    for name in ("title", "description"):
        texts = document.get(name)
        if isinstance(texts, Mapping):
            for code in ("tr", "en"):
                found.put(f"{name}_{code}", str(texts.get(code, "")))
    for name in ("keyed_by", "purpose", "class", "priority"):
        if name in document:
            found.put(name, str(document[name]))
    usual = SERVICE_HOLDOUT if document.get("class") == "service" else USUAL_HOLDOUT
    share = str(document.get("holdout", f"{usual} %"))
    found.put("holdout", read_share(share) or share.removesuffix(" %"))
    match document.get("reentry"):
        case str(rule):
            found.put("rule", rule)
        case {"after": after, **rest}:
            found.put("rule", str(rest.get("rule", "one_at_a_time")))
            boxes.put_length(found, "after", after)
    return Fields({name: values for name, values in found.items() if any(values)})


@dataclass
class _Reader:
    picker: Picker
    here: Here
    n_nodes: int = 0

    def new_id(self) -> str:
        self.n_nodes += 1
        return f"s{self.n_nodes}"

    def entry(self, document: object, above: str) -> Node:
        """Return the node of an entry, a trigger or an end; as YAML where no boxes can say it."""
        node = Node(self.new_id(), kinds.YAML)
        match document:
            case {"where": dict(where), **rest} if above != "entries" and not rest:
                node.kind, node.fields = "where", conditions.read(where, self.picker)
                return node
            case {**words} if len(words) == 1:
                word, body = next(iter(words.items()))
                if self._read(node, above, str(word), body):
                    return node
        return self._raw(node, document)

    def step(self, document: object) -> Node:
        """Return the node of a step with all below it."""
        node = Node(self.new_id(), kinds.YAML)
        if not isinstance(document, dict):
            return self._raw(node, document)
        rest = {word: body for word, body in document.items() if word != "id"}
        name = str(document.get("id", ""))
        word, body = next(iter(rest.items())) if rest else ("", None)
        kind = "first" if word == "wait" and isinstance(body, dict) and "first" in body else word
        known = kinds.STEPS.get(str(kind))
        before = self.n_nodes
        if len(rest) != 1 or known is None or not self._read(node, "steps", str(kind), body):
            self._raw(node, rest)
        elif not self._below(node, known, body):
            self.n_nodes, node.below = before, []
            self._raw(node, rest)
        node.fields.put("id", name)
        return node

    def _read(self, node: Node, above: str, word: str, body: object) -> bool:
        kind = kinds.of(above, word)
        fields = kind.make(self.here, node.id).fields(body) if kind and kind.make else None
        if fields is None:
            return False
        node.kind, node.fields = word, fields
        return True

    def _raw(self, node: Node, document: object) -> Node:
        node.kind = kinds.YAML
        node.fields = RawEditor().fields(document) or Fields()
        return node

    def _below(self, node: Node, kind: kinds.Kind, body: object) -> bool:
        """Put the parts of a step below its node; return whether parts can say them."""
        if kind.many:
            listed = {"first": "first", "branch": "ways", "task": "outcomes"}
            many = body if node.kind == "split" else None
            if isinstance(body, dict):
                many = body.get(listed[node.kind])
            for each in many if isinstance(many, list) else []:
                if not self._part(node, kind.many, each):
                    return False
        for word in kind.parts:
            part = Node(self.new_id(), word)
            steps = body.get(word, []) if isinstance(body, dict) else []
            part.below = [self.step(step) for step in steps]
            node.below.append(part)
        return True

    def _part(self, above: Node, kind: str, document: object) -> bool:
        if kind == "trigger":
            above.below.append(self.entry(document, above.kind))
            return above.below[-1].kind != kinds.YAML
        if not isinstance(document, dict):
            return False
        part = Node(self.new_id(), kind)
        if kind == "way":
            part.fields = conditions.read(document["when"], self.picker)
        else:
            own: Json = {word: body for word, body in document.items() if word != "steps"}
            if not self._read(part, above.kind, kind, own):
                return False
        part.below = [self.step(step) for step in document.get("steps", [])]
        above.below.append(part)
        return True
