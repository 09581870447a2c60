"""What somebody builds: a tree of conditions with its words, as the fields of one form.

The form is the only state. Its fields:

``tree``
    The tree as JSON: a group is ``[id, join, is_negated, [parts]]``, a condition
    ``[id, is_negated]``; the two outermost groups are ``inc`` (who is in) and ``exc`` (who is left
    out).
``ID.j``
    The join of a group, ``all`` or ``any``, as its switch says it.
``ID.k``
    What a condition asks for: the key of a pick.
``ID.NAME``
    Whatever else the editor of that pick asks for.
``key``, ``title_tr``, ``title_en``, ``description_tr``, ``description_en``
    The words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal, Protocol

from django.utils.translation import gettext

from pusula.lib.errors import PusulaError
from pusula.web.builder.fields import Fields

Join = Literal["all", "any"]
WORDS = ("key", "title_tr", "title_en", "description_tr", "description_en")
MOST_NODES = 250
MOST_DEPTH = 20  # the language refuses earlier; this keeps reading it cheap
MOST_TEXT = 20_000
_ID = re.compile(r"[a-z][a-z0-9]{0,11}")


class DraftError(PusulaError):
    """The form is none that this page has drawn."""

    code = "segment_draft"


class Sent(Protocol):
    """The part of Django's ``QueryDict`` that is needed."""

    def getlist(self, key: str, /) -> list[str]:
        """Return the values of a field."""

    def keys(self) -> Iterable[str]:
        """Return the names of the fields."""


@dataclass
class Leaf:
    """A condition: ``kind`` is the key of its pick, empty while nothing is chosen."""

    id: str
    kind: str = ""
    fields: Fields = field(default_factory=Fields)
    is_negated: bool = False


@dataclass
class Group:
    """Conditions of which all or any must hold."""

    id: str
    join: Join = "all"
    parts: list[Node] = field(default_factory=list)
    is_negated: bool = False


Node = Leaf | Group


@dataclass
class Draft:
    """Who is in (``inc``), who is left out (``exc``, any of it), and what it is called."""

    inc: Group = field(default_factory=lambda: Group("inc"))
    exc: Group = field(default_factory=lambda: Group("exc", "any"))
    words: dict[str, str] = field(default_factory=lambda: dict.fromkeys(WORDS, ""))

    def nodes(self) -> Iterator[tuple[Node, Group | None]]:
        """Yield every node with its group, in the order of the form; the two roots have none."""
        for root in (self.inc, self.exc):
            yield root, None
            yield from _below(root)

    def leaves(self) -> Iterator[Leaf]:
        """Yield the conditions in the order of the form."""
        return (node for node, _ in self.nodes() if isinstance(node, Leaf))

    def find(self, node_id: str) -> tuple[Node, Group | None] | None:
        """Return the node called ``node_id`` and its group."""
        return next(((n, group) for n, group in self.nodes() if n.id == node_id), None)

    def new_id(self) -> str:
        """Return an id that no node has."""
        taken = {node.id for node, _ in self.nodes()}
        return next(f"n{i}" for i in range(1, MOST_NODES * 10) if f"n{i}" not in taken)

    def copy(self) -> Draft:
        """Return the same draft, to be changed by itself."""
        return deepcopy(self)

    @property
    def tree(self) -> str:
        """The field ``tree``."""
        return json.dumps([_written(self.inc), _written(self.exc)], separators=(",", ":"))

    def pairs(self) -> list[tuple[str, str]]:
        """Return the whole draft as the fields of its form."""
        pairs = [("tree", self.tree), *self.words.items()]
        for leaf in self.leaves():
            pairs.append((f"{leaf.id}.k", leaf.kind))
            pairs += [
                (f"{leaf.id}.{name}", v) for name, vs in sorted(leaf.fields.items()) for v in vs
            ]
        return pairs


def read(sent: Sent) -> Draft:
    """Return the draft that a form says; raise ``DraftError`` if it is none of ours."""
    draft = Draft(words={name: _text(_one(sent, name)) for name in WORDS})
    trees = _loaded(_one(sent, "tree"))
    if trees is not None:
        draft.inc, draft.exc = _Reader().roots(trees)
    named: dict[str, Fields] = {}
    for name in sent.keys():  # noqa: SIM118 - a QueryDict
        node_id, dot, rest = name.partition(".")
        if dot:
            values = [_text(v) for v in sent.getlist(name)]
            named.setdefault(node_id, Fields())[rest] = [v for v in values if v.strip()]
    for node, _ in draft.nodes():
        mine = named.get(node.id, Fields())
        if isinstance(node, Group):
            if mine.one("j") in ("all", "any") and node is not draft.exc:
                node.join = "all" if mine.one("j") == "all" else "any"
        else:
            node.kind = mine.one("k")
            # A box without a value says as much as no box: two states that say the same are equal.
            said = {k: v for k, v in mine.items() if k not in ("k", "j") and (v or k == "was")}
            node.fields = Fields(said)
    return draft


def from_pairs(pairs: Iterable[tuple[str, str]]) -> Draft:
    """Return the draft whose fields are ``pairs``."""
    return read(_Pairs(pairs))


class _Pairs:
    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.values: dict[str, list[str]] = {}
        for name, value in pairs:
            self.values.setdefault(name, []).append(value)

    def getlist(self, key: str, /) -> list[str]:
        return self.values.get(key, [])

    def keys(self) -> Iterable[str]:
        return self.values.keys()


def _one(sent: Sent, name: str) -> str:
    return next(iter(sent.getlist(name)[-1:]), "")


def _text(value: str) -> str:
    if len(value) > MOST_TEXT:
        raise DraftError(
            gettext("A field of the form is longer than %(n)d characters: shorten it.")
            % {"n": MOST_TEXT}
        )
    return value.replace("\0", "").replace("\r\n", "\n")


def _below(group: Group) -> Iterator[tuple[Node, Group]]:
    for part in group.parts:
        yield part, group
        if isinstance(part, Group):
            yield from _below(part)


def _written(node: Node) -> list[object]:
    if isinstance(node, Leaf):
        return [node.id, int(node.is_negated)]
    return [node.id, node.join, int(node.is_negated), [_written(part) for part in node.parts]]


def _loaded(text: str) -> object | None:
    if not text:
        return None
    try:
        found: object = json.loads(_text(text))
    except (ValueError, RecursionError) as error:
        raise _broken() from error
    return found


def _broken() -> DraftError:
    return DraftError(
        gettext("This form is not one that Pusula has drawn. Open the segment again and repeat it.")
    )


class _Reader:
    """Reads the tree and sees that it is one: known shapes, new ids, not too many, not too deep."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def roots(self, trees: object) -> tuple[Group, Group]:
        match trees:
            case [inc, exc]:
                found = self.node(inc, 0), self.node(exc, 0)
                if [each.id for each in found] == ["inc", "exc"]:
                    first, second = found
                    if isinstance(first, Group) and isinstance(second, Group):
                        return first, second
        raise _broken()

    def node(self, tree: object, depth: int) -> Node:
        if depth > MOST_DEPTH or len(self.seen) >= MOST_NODES:
            raise DraftError(
                gettext("A segment has at most %(n)d conditions and groups, %(deep)d deep.")
                % {"n": MOST_NODES, "deep": MOST_DEPTH}
            )
        match tree:
            case [str(node_id), int(negated)]:
                return Leaf(self.id(node_id), is_negated=bool(negated))
            case [str(node_id), "all" | "any" as join, int(negated), list(parts)]:
                group = Group(self.id(node_id), join, is_negated=bool(negated))
                group.parts = [self.node(part, depth + 1) for part in parts]
                return group
        raise _broken()

    def id(self, node_id: str) -> str:
        if not _ID.fullmatch(node_id) or node_id in self.seen:
            raise _broken()
        self.seen.add(node_id)
        return node_id


def fields_of(mapping: Mapping[str, str | list[str]]) -> Fields:
    """Return fields from plain values, for presets."""
    return Fields({k: [v] if isinstance(v, str) else v for k, v in mapping.items()})
