"""A draft as a document of the language of journeys, with what is wrong and where."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext

from pusula.journeys.language import DefinitionError, Journey, parse
from pusula.lib.errors import PusulaError
from pusula.web.builder import times
from pusula.web.builder.controls import IncompleteError
from pusula.web.builder.picks import Picker
from pusula.web.journey_form import conditions, kinds, naming
from pusula.web.journey_form.boxes import Here, Json
from pusula.web.journey_form.draft import HEAD, Draft, Node
from pusula.web.journey_form.parts import said_share

_PER_PART = {"way": "branch.ways", "variant": "split", "outcome": "task.outcomes"}


@dataclass
class Said:
    """What a draft says: a document, and by node what it says alone or why it says nothing.

    ``bodies`` are the documents of nodes that are complete, without what is below them. ``journey``
    is what all of it means; ``None`` while something is wrong.
    """

    document: Json = field(default_factory=dict)
    bodies: dict[str, Json] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    journey: Journey | None = None


def here_of(draft: Draft, base: Here) -> Here:
    """Return what the draft's steps may speak of: also each other."""
    nodes = draft.lists["steps"].nodes()
    steps = {node.id: node.fields.one("id") for node in nodes if is_step(node)}
    return Here(base.names, base.choices, by_order=draft.by_order, steps=steps)


def is_step(node: Node) -> bool:
    """Return whether a node below the steps is a step, and no trigger or part."""
    return "id" in node.fields


def say(draft: Draft, picker: Picker, base: Here) -> Said:
    """Return what ``draft`` says."""
    teller = _Teller(draft, picker, here_of(draft, base))
    said = teller.said
    said.document = teller.document()
    if not said.problems:
        try:
            said.journey = parse(said.document, base.names)
        except DefinitionError as error:
            node, rest = teller.place(error.path)
            why = error.problem_said(gettext)
            said.problems[node] = f"{rest}: {why}" if rest else why
    return said


class _Teller:
    """Says a draft, and remembers which node stands at which path."""

    def __init__(self, draft: Draft, picker: Picker, here: Here) -> None:
        self.draft = draft
        self.picker = picker
        self.here = here
        self.said = Said()
        self.places: dict[str, str] = {"": HEAD}

    def place(self, path: str) -> tuple[str, str]:
        """Return the node nearest to ``path``, and what of the path leads on from it."""
        nearest = max((p for p in self.places if _is_at(path, p)), key=len)
        return self.places[nearest], path.removeprefix(nearest).lstrip(".")

    def document(self) -> Json:
        document = self._head()
        document["entry"] = self._list("entries", "entry")
        if who := self._list("who", "who"):
            self.places["who"] = self.draft.lists["who"].below[0].id
            document["who"] = who[0]["where"]
        if goal := self._list("goal", "goal"):
            self.places["goal"] = self.draft.lists["goal"].below[0].id
            document["goal"] = goal[0]
        if exits := self._list("exits", "exit_when"):
            document["exit_when"] = exits
        self.places["steps"] = "steps"
        document["steps"] = self._steps(self.draft.lists["steps"], "steps")
        for name, words in _needed().items():
            if not self.draft.lists[name].below:
                self.said.problems[name] = words
        return document

    def _head(self) -> Json:
        fields = self.draft.head.fields
        given = {c: fields.one(f"title_{c}") for c in ("tr", "en")}
        either = given["tr"] or given["en"]
        document: Json = {
            "journey": fields.one("key") or naming.plain(fields) or "journey",
            "title": {code: title or either for code, title in given.items()},
        }
        about = {c: fields.one(f"description_{c}") for c in ("tr", "en")}
        if either_about := about["tr"] or about["en"]:
            document["description"] = {c: text or either_about for c, text in about.items()}
        for word in ("keyed_by", "purpose", "class"):
            if fields.one(word):
                document[word] = fields.one(word)
        try:
            if not either:
                raise IncompleteError(gettext("Give the journey a name."))  # noqa: TRY301
            document |= _manners(self.draft.head)
        except IncompleteError as error:
            self.said.problems[HEAD] = error.said(gettext)
        return document

    def _list(self, name: str, path: str) -> list[Json]:
        root = self.draft.lists[name]
        self.places[path] = root.id
        found: list[Json] = []
        for node in root.below:
            self.places[f"{path}[{len(found)}]"] = node.id
            found += self._body(node, root.kind)
        return found

    def _steps(self, above: Node, path: str) -> list[Json]:
        found: list[Json] = []
        for node in above.below:
            here = f"{path}[{len(found)}]"
            self.places[here] = node.id
            found += [
                {"id": node.fields.one("id")} | self._with_parts(node, body, here)
                for body in self._body(node, above.kind)
            ]
        return found

    def _body(self, node: Node, above: str) -> list[Json]:
        """Return what a node says, without what is below it; nothing if it is not complete."""
        try:
            body = self._said(node, above)
        except (IncompleteError, DefinitionError) as error:
            self.said.problems[node.id] = problem(error)
            self._look_below(node)
            return []
        self.said.bodies[node.id] = body
        return [body]

    def _said(self, node: Node, above: str) -> Json:
        if node.kind in kinds.CONDITIONS:
            document, _ = conditions.document(node.fields, self.picker)
            return {"when" if node.kind == "way" else "where": document}
        kind = kinds.of(above, node.kind)
        if kind is None:
            raise IncompleteError(gettext("This cannot stand here: remove it."))
        return kind.make(self.here, node.id).document(node.fields) if kind.make else {}

    def _look_below(self, node: Node) -> None:
        """Say what is wrong below a node that says nothing itself."""
        for part in node.below:
            if part.kind in kinds.PARTS:
                self._part(part, node, "")
            else:
                self._body(part, node.kind)

    def _with_parts(self, node: Node, body: Json, path: str) -> Json:
        """Put what is below a step into what it says."""
        kind = kinds.STEPS[node.kind]
        if not kind.parts and not kind.many:
            return body
        word = next(iter(body))
        inner: Json | list[Json] = body[word]
        made: list[Json] = []
        for part in node.below:
            if part.kind in (kinds.THEN, kinds.ELSE):
                self.places[f"{path}.{word}.{part.kind}"] = part.id
                if steps := self._steps(part, f"{path}.{word}.{part.kind}"):
                    inner[part.kind] = steps  # type: ignore[call-overload]
            else:
                list_path = _PER_PART.get(part.kind, "wait.first")
                below = f"{path}.{list_path}[{len(made)}]"
                self.places[below] = part.id
                made += self._part(part, node, below)
        if node.kind == "split":
            return {word: made}
        if kind.many:
            names = {"first": "first", "branch": "ways", "task": "outcomes"}
            inner[names[node.kind]] = made  # type: ignore[call-overload]
        if kind.many and not made:
            self.said.problems.setdefault(node.id, str(_empty()[node.kind]))
        return {word: inner}

    def _part(self, part: Node, above: Node, path: str) -> list[Json]:
        found = self._body(part, above.kind)
        if part.kind not in kinds.PARTS:
            return found
        steps = self._steps(part, f"{path}.steps")
        return [body | ({"steps": steps} if steps else {}) for body in found]


def _manners(head: Node) -> Json:
    """Return how the journey treats people; raise ``IncompleteError``."""
    fields = head.fields
    found: Json = {}
    if priority := fields.one("priority"):
        found["priority"] = times.number_of(priority)
    if holdout := fields.one("holdout"):
        found["holdout"] = said_share(holdout)
    rule = fields.one("rule") or "one_at_a_time"
    if fields.one("after.v"):
        found["reentry"] = {"rule": rule, "after": times.length_of(fields.below("after"))}
    elif fields.one("rule"):
        found["reentry"] = rule
    return found


def _needed() -> dict[str, str]:
    return {
        "entries": gettext("Say how people come in."),
        "steps": gettext("Add the first step."),
    }


def _empty() -> dict[str, str]:
    return {
        "first": gettext("Say what is waited for."),
        "branch": gettext("Add a condition."),
        "task": gettext("Add an outcome."),
    }


def _is_at(path: str, place: str) -> bool:
    return not place or path == place or path.startswith((f"{place}.", f"{place}["))


def problem(error: PusulaError) -> str:
    """Return an error as its node shows it."""
    if isinstance(error, DefinitionError):
        said = error.problem_said(gettext)
        return f"{error.path.lstrip('.')}: {said}" if error.path else said
    return error.said(gettext)
