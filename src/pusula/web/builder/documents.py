"""A draft as a definition of the language, and a definition as a draft.

The outermost ``not`` at the end of an ``all`` is who is left out; every other ``not`` is a mark on
its condition. What is incomplete is named and left out, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext

from pusula.lib.errors import PusulaError
from pusula.segments.language import (
    Condition,
    DefinitionError,
    dump_condition,
    parse_condition,
    read_yaml,
)
from pusula.web.builder.controls import IncompleteError
from pusula.web.builder.draft import Draft, Group, Join, Leaf, Node
from pusula.web.builder.picks import Picker

Json = dict[str, object]


@dataclass
class Said:
    """What a draft says: a document, and by node its condition or why it says none.

    ``document`` is empty where nothing is complete, ``condition`` what it means. ``problems`` name
    what was left out, ``error`` says why the whole cannot be meant.
    """

    document: Json = field(default_factory=dict)
    conditions: dict[str, Condition] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    condition: Condition | None = None
    error: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether nothing was left out and something is said."""
        return self.condition is not None and not self.problems


def say(draft: Draft, picker: Picker) -> Said:
    """Return what ``draft`` says."""
    said = Said()
    teller = _Teller(picker, said)
    inside, outside = teller.parts(draft.inc), teller.parts(draft.exc)
    if outside:
        left_out: Json = {"not": _joined("any", outside)}
        is_flat = draft.inc.join == "all" or not inside
        inside = [*inside, left_out] if is_flat else [_joined("any", inside), left_out]
    if inside:
        said.document = _joined("all" if outside else draft.inc.join, inside)
        try:
            said.condition = parse_condition(said.document, picker.schema)
        except DefinitionError as error:
            said.error = _problem(error)
    return said


def _joined(join: Join, parts: list[Json]) -> Json:
    return parts[0] if len(parts) == 1 else {join: parts}


@dataclass
class _Teller:
    picker: Picker
    said: Said

    def parts(self, group: Group) -> list[Json]:
        """Return the conditions of a group that are complete."""
        parts = [part for part in (self.node(part) for part in group.parts) if part]
        if parts:
            self._check(group.id, _joined(group.join, parts))
        return parts

    def group(self, group: Group) -> Json:
        """Return the condition of an inner group; empty if nothing in it is complete."""
        parts = self.parts(group)
        if not parts:
            return {}
        document: Json = {group.join: parts}
        if group.is_negated:
            document = {"not": document}
            self._check(group.id, document)
        return document

    def node(self, node: Node) -> Json:
        if isinstance(node, Group):
            return self.group(node)
        try:
            document = self.leaf(node)
        except (IncompleteError, DefinitionError) as error:
            self.said.problems[node.id] = _problem(error)
            return {}
        if node.is_negated:
            document = {"not": document}
        return document if self._check(node.id, document) else {}

    def leaf(self, leaf: Leaf) -> Json:
        pick = self.picker.of(leaf)
        if pick is None:
            raise IncompleteError(gettext("Choose what this condition asks for."))
        return pick.editor.document(leaf.fields)

    def _check(self, node_id: str, document: Json) -> bool:
        try:
            condition = parse_condition(document, self.picker.schema, path="")
        except DefinitionError as error:
            self.said.problems[node_id] = _problem(error)
            return False
        self.said.conditions[node_id] = condition
        return True


def _problem(error: PusulaError) -> str:
    if isinstance(error, DefinitionError):
        said = error.problem_said(gettext)
        return f"{error.path.lstrip('.')}: {said}" if error.path else said
    return error.said(gettext)


def draft_of(definition: Mapping[str, object], picker: Picker) -> Draft:
    """Return the draft that says ``definition``, as ``dump`` writes it; words may be missing."""
    draft = Draft()
    draft.words["key"] = str(definition.get("segment", ""))
    for name in ("title", "description"):
        texts = definition.get(name)
        if isinstance(texts, Mapping):
            draft.words |= {f"{name}_{code}": str(texts.get(code, "")) for code in ("tr", "en")}
    where = definition.get("where")
    if isinstance(where, dict) and where:
        set_condition(draft, where, picker)
    return draft


def set_condition(draft: Draft, where: Json, picker: Picker) -> None:
    """Make ``draft`` say the condition ``where``, a document."""
    reader = _Reader(picker)
    inside, outside = _parted(where)
    draft.inc, draft.exc = Group("inc"), Group("exc", "any")
    if inside is not None:
        draft.inc.join, draft.inc.parts = reader.parts(inside)
    if outside is not None:
        join, parts = reader.parts(outside)
        draft.exc.parts = parts
        if join == "all" and len(parts) > 1:
            draft.exc.parts = [Group(reader.new_id(), "all", parts)]


def set_yaml(draft: Draft, text: str, picker: Picker) -> None:
    """Make ``draft`` say the condition that ``text`` writes.

    Raises ``DefinitionError`` with the place where it says nothing, and leaves the draft alone.
    """
    document = read_yaml(text)
    if isinstance(document, dict) and isinstance(document.get("where"), dict):
        document = document["where"]  # a whole definition, pasted
    condition = parse_condition(document, picker.schema)
    set_condition(draft, dump_condition(condition), picker)


def _parted(where: Json) -> tuple[Json | None, Json | None]:
    """Return who is in and who is left out."""
    match where:
        case {"not": dict(outside)}:
            return None, outside
        case {"all": [dict(inside), {"not": dict(outside)}]} if "not" not in inside:
            return inside, outside
        case {"all": [*inside, {"not": dict(outside)}]} if inside and not _has_not(inside):
            return {"all": inside}, outside
    return where, None


def _has_not(parts: list[object]) -> bool:
    return any(isinstance(part, dict) and "not" in part for part in parts)


@dataclass
class _Reader:
    picker: Picker
    n_nodes: int = 0

    def new_id(self) -> str:
        self.n_nodes += 1
        return f"n{self.n_nodes}"

    def parts(self, document: Json) -> tuple[Join, list[Node]]:
        """Return join and parts of a root: of a group its own, of a condition itself alone."""
        match document:
            case {"all": list(parts)}:
                return "all", [self.node(part) for part in parts]
            case {"any": list(parts)}:
                return "any", [self.node(part) for part in parts]
        return "all", [self.node(document)]

    def node(self, document: object) -> Node:
        match document:
            case {"all": list(parts)}:
                return Group(self.new_id(), "all", [self.node(part) for part in parts])
            case {"any": list(parts)}:
                return Group(self.new_id(), "any", [self.node(part) for part in parts])
            case {"not": part}:
                inner = self.node(part)
                if inner.is_negated:
                    inner = Group(self.new_id(), "all", [inner])
                inner.is_negated = True
                return inner
            case dict() if len(document) == 1:
                word, body = next(iter(document.items()))
                kind, fields = self.picker.read(str(word), body)
                return Leaf(self.new_id(), kind, fields)
        raise DefinitionError("where", gettext("a condition is a mapping with one word"))


def titled(draft: Draft) -> Json:
    """Return the words of a draft as a definition says them."""
    words = draft.words
    document: Json = {
        "segment": words["key"],
        "title": {c: words[f"title_{c}"] for c in ("tr", "en")},
    }
    if words["description_tr"] or words["description_en"]:
        document["description"] = {c: words[f"description_{c}"] for c in ("tr", "en")}
    return document
