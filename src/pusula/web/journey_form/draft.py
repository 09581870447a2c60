"""What somebody writes: a journey as a tree of nodes with fields, carried by the form itself.

The form is the only state. Its fields:

``state``
    The whole tree as JSON: ``[id, kind, fields, [nodes below]]``.
``drawn``
    The ids of the nodes whose boxes are on the page, in one word each.
``ID.NAME``
    What the boxes of such a node say; they take the place of its fields in ``state``.

The roots are ``j`` (what the journey is called, and its manners), ``entries``, ``who``, ``goal``,
``exits`` and ``steps``. A step holds what triggers it and the parts that it leads to; a part holds
steps. A condition is kept as the fields of the segment builder's form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field

from django.utils.translation import gettext

from pusula.lib.errors import PusulaError
from pusula.web.builder.draft import Sent
from pusula.web.builder.fields import Fields
from pusula.web.journey_form import kinds

HEAD = "j"
LISTS = ("entries", "who", "goal", "exits", "steps")
MOST_NODES = 400
MOST_DEPTH = 30  # steps and parts in one another; the language refuses earlier
MOST_STATE = 400_000  # characters
MOST_TEXT = 20_000
_MOST_FIELDS = 2_000
_ID = re.compile(r"[a-z][a-z0-9]{0,11}")
_KIND = re.compile(r"[a-z_]{1,20}")


class FormError(PusulaError):
    """The form is none that this page has drawn."""

    code = "journey_form"


@dataclass
class Node:
    """A step, a part of one, a trigger or a root: ``kind`` says what its fields mean."""

    id: str
    kind: str
    fields: Fields = field(default_factory=Fields)
    below: list[Node] = field(default_factory=list)

    def nodes(self) -> Iterator[Node]:
        """Yield it and everything below, in the order of the page."""
        yield self
        for node in self.below:
            yield from node.nodes()


@dataclass
class Draft:
    """A journey that is being written: what it is called, and its lists of nodes."""

    head: Node = field(default_factory=lambda: Node(HEAD, "head"))
    lists: dict[str, Node] = field(default_factory=lambda: {n: Node(n, n) for n in LISTS})

    @property
    def by_order(self) -> bool:
        """Whether each order has a run of its own."""
        return self.head.fields.one("keyed_by") == "order"

    def nodes(self) -> Iterator[Node]:
        """Yield every node, the roots too."""
        yield self.head
        for root in self.lists.values():
            yield from root.nodes()

    def find(self, node_id: str) -> Node | None:
        """Return the node called ``node_id``."""
        return next((node for node in self.nodes() if node.id == node_id), None)

    def above(self, node: Node) -> Node | None:
        """Return the node that holds ``node``; ``None`` of a root."""
        return next((each for each in self.nodes() if any(b is node for b in each.below)), None)

    def fresh(self) -> Iterator[str]:
        """Yield ids that no node has."""
        taken = {node.id for node in self.nodes()}
        return (f"s{i}" for i in range(1, MOST_NODES * 10) if f"s{i}" not in taken)

    def copy(self) -> Draft:
        """Return the same draft, to be changed by itself."""
        return deepcopy(self)

    @property
    def state(self) -> str:
        """The field ``state``."""
        roots = [self.head, *self.lists.values()]
        return json.dumps([_written(n) for n in roots], separators=(",", ":"), ensure_ascii=False)


def of_state(text: str) -> Draft:
    """Return the draft that a field ``state`` holds; raise ``FormError`` if it is none of ours."""
    if not text:
        return Draft()
    if len(text) > MOST_STATE:
        raise FormError(gettext("This journey is too large for the form: edit it as YAML."))
    try:
        roots = json.loads(text.replace("\0", ""))
    except (ValueError, RecursionError) as error:
        raise _broken() from error
    reader = _Reader()
    if not isinstance(roots, list):
        raise _broken()
    found = [reader.node(root, 0) for root in roots]
    if [node.id for node in found] != [HEAD, *LISTS]:
        raise _broken()
    if any(node.kind != ("head" if node.id == HEAD else node.id) for node in found):
        raise _broken()
    for root in found[1:]:
        _stand(root)
    return Draft(found[0], {node.id: node for node in found[1:]})


def _stand(above: Node) -> None:
    """Refuse nodes where none of their kind can stand; see that steps, and only they, have ids."""
    for node in above.below:
        if kinds.of(above.kind, node.kind) is None:
            raise _broken()
        if above.kind == "steps" or above.kind in kinds.PARTS:
            node.fields.setdefault("id", [""])
        else:
            node.fields.pop("id", None)
        _stand(node)


def read(sent: Sent) -> Draft:
    """Return the draft that a form says: its state, and over it the boxes that were drawn."""
    draft = of_state(_last(sent, "state"))
    drawn = set(_last(sent, "drawn").split())
    named: dict[str, Fields] = {}
    for name in sent.keys():  # noqa: SIM118 - a QueryDict
        node_id, dot, rest = name.partition(".")
        if dot and node_id in drawn:
            values = [_text(value) for value in sent.getlist(name)]
            named.setdefault(node_id, Fields())[rest] = [v for v in values if v.strip()]
    for node in draft.nodes():
        if node.id in drawn:
            mine = named.get(node.id, Fields())
            is_step = "id" in node.fields
            node.fields = Fields({name: values for name, values in mine.items() if values})
            if is_step:  # it keeps being one
                node.fields.setdefault("id", [""])
            else:
                node.fields.pop("id", None)
    return draft


def _last(sent: Sent, name: str) -> str:
    return next(iter(sent.getlist(name)[-1:]), "")


def _text(value: str) -> str:
    if len(value) > MOST_TEXT:
        said = gettext("A field of the form is longer than %(n)d characters: shorten it.")
        raise FormError(said % {"n": MOST_TEXT})
    return value.replace("\0", "").replace("\r\n", "\n")


def _written(node: Node) -> list[object]:
    fields = {name: values for name, values in sorted(node.fields.items()) if values}
    return [node.id, node.kind, fields, [_written(below) for below in node.below]]


def _broken() -> FormError:
    return FormError(
        gettext("This form is not one that Pusula has drawn. Open the journey again and repeat it.")
    )


class _Reader:
    """Reads a state and sees that it is one: known shapes, new ids, not too many, not too deep."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def node(self, tree: object, depth: int) -> Node:
        if depth > MOST_DEPTH or len(self.seen) >= MOST_NODES:
            raise FormError(gettext("This journey is too large for the form: edit it as YAML."))
        match tree:
            case [str(node_id), str(kind), dict(fields), list(below)]:
                if _ID.fullmatch(node_id) and _KIND.fullmatch(kind) and node_id not in self.seen:
                    self.seen.add(node_id)
                    nodes = [self.node(each, depth + 1) for each in below]
                    return Node(node_id, kind, _fields(fields.items()), nodes)
        raise _broken()


def _fields(pairs: Iterable[tuple[object, object]]) -> Fields:
    found = Fields()
    for name, values in pairs:
        if not isinstance(values, list) or len(values) > _MOST_FIELDS:
            raise _broken()
        if not all(isinstance(value, str) for value in values):
            raise _broken()
        found[str(name)] = [_text(value) for value in values]
    return found
