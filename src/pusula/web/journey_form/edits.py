"""Changes of the tree, each a plain submit button such as ``op=new:steps:0:wait`` or ``op=up:s3``.

Ops: ``new:ABOVE:PLACE:KIND``, ``remove``, ``copy``, ``up``, ``down``, ``take`` a node and
``put:ABOVE:PLACE`` it somewhere else, ``filter`` and ``unfilter`` of a trigger, ``way``, ``unway``
and ``wayup`` of a message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.journeys.language.literals import LONGEST_ID
from pusula.web.builder import rows
from pusula.web.builder.fields import Fields
from pusula.web.journey_form import kinds, messages
from pusula.web.journey_form.draft import MOST_NODES, Draft, Node
from pusula.web.request import whole

_ROOM = 12  # what the largest addition may bring: a step with its parts


@dataclass(frozen=True)
class Edit:
    """What an edit did: which node it leaves open, where the focus goes, what is said of it."""

    opened: str = ""
    focus: str = ""
    words: str = ""


def edit(draft: Draft, op: str, taken: str = "") -> Edit | None:
    """Change ``draft`` as the button ``op`` says; ``None`` if there is nothing it could change."""
    name, _, target = op.partition(":")
    node_id, *rest = target.split(":")
    node = draft.find(node_id)
    if node is None:
        return None
    if name == "new" and len(rest) == 2:  # noqa: PLR2004 - place and kind
        return _new(draft, node, whole(rest[0]) or 0, rest[1])
    if name == "put" and len(rest) == 1:
        return _put(draft, node, whole(rest[0]) or 0, taken)
    above = draft.above(node)
    if name in _OF_NODES and above is not None and _is_free(node, above):
        return _OF_NODES[name](draft, node, above)
    if name in _OF_FIELDS:
        said = _OF_FIELDS[name](node.fields, ":".join(rest))
        return Edit(node.id, node.id, said)
    return None


def _is_free(node: Node, above: Node) -> bool:
    """Return whether a node is none that its step always has."""
    return above.kind not in kinds.STEPS or node.kind not in kinds.STEPS[above.kind].parts


def _new(draft: Draft, above: Node, place: int, kind: str) -> Edit | None:
    if kinds.of(above.kind, kind) is None or not _has_room(draft):
        return Edit(words=gettext("There is no room for more steps.")) if kind else None
    if above.kind in ("who", "goal") and above.below:
        return None
    fresh = draft.fresh()
    node = Node(next(fresh), kind)
    is_step = above.kind == "steps" or above.kind in kinds.PARTS
    if is_step:
        _begin(draft, node, lambda: next(fresh))
    elif kind == "variant":
        _share(above, node)
    at = max(0, min(place, len(above.below)))
    above.below.insert(_before_parts(above, at, kind), node)
    return Edit(node.id, node.id, gettext("Added"))


def _begin(draft: Draft, node: Node, new_id: Callable[[], str]) -> None:
    """Fill a new step: its id, its parts, and what most people want of it."""
    node.fields.put("id", free_name(draft, node.kind))
    kind = kinds.STEPS[node.kind]
    for number in range(kind.first):
        part = Node(new_id(), kind.many)
        if kind.many == "variant":
            part.fields = Fields({"name": ["ab"[number]], "share": ["50"]})
        node.below.append(part)
    node.below += [Node(new_id(), word) for word in kind.parts]


def _share(above: Node, node: Node) -> None:
    """Give a new variant a name of its own; shares are for people to weigh."""
    taken = {each.fields.one("name") for each in above.below}
    name = next(c for c in "abcdefghijklmnopqrstuvwxyz" if c not in taken or c == "z")
    node.fields = Fields({"name": [name]})


def _before_parts(above: Node, place: int, kind: str) -> int:
    """Return a place that stands before the parts a step always has."""
    if above.kind not in kinds.STEPS or kind in kinds.STEPS[above.kind].parts:
        return place
    first = next((i for i, n in enumerate(above.below) if not _is_free(n, above)), place)
    return min(place, first)


def free_name(draft: Draft, kind: str) -> str:
    """Return an id for a step that no other has: its kind, with a number from the second on."""
    word = {"set_trait": "trait", "first": "wait-for"}.get(kind, kind)
    taken = {node.fields.one("id") for node in draft.lists["steps"].nodes()}
    names = (word, *(f"{word}-{n}" for n in range(2, MOST_NODES + 2)))
    return next(name for name in names if name not in taken)[:LONGEST_ID]


def _has_room(draft: Draft, more: int = _ROOM) -> bool:
    return sum(1 for _ in draft.nodes()) + more <= MOST_NODES


def _remove(_: Draft, node: Node, above: Node) -> Edit:
    place = above.below.index(node)
    above.below.pop(place)
    near = above.below[min(place, len(above.below) - 1)].id if above.below else above.id
    return Edit("", near, gettext("Removed"))


def _up(draft: Draft, node: Node, above: Node) -> Edit:
    return _moved(draft, node, above, -1)


def _down(draft: Draft, node: Node, above: Node) -> Edit:
    return _moved(draft, node, above, 1)


def _moved(draft: Draft, node: Node, above: Node, by: int) -> Edit:
    """Move a node past its neighbour; at the end of a part a step leaves it."""
    place = above.below.index(node)
    goal = place + by
    if 0 <= goal < len(above.below) and _is_free(above.below[goal], above):
        above.below.insert(goal, above.below.pop(place))
    elif above.kind in kinds.PARTS:
        step = draft.above(above)
        outer = draft.above(step) if step is not None else None
        if step is None or outer is None:
            return Edit(node.id, node.id)
        above.below.pop(place)
        outer.below.insert(outer.below.index(step) + (by > 0), node)
        return Edit("", node.id, gettext("Moved out of its branch"))
    said = gettext("Moved to place %(place)d of %(all)d")
    place = above.below.index(node)
    return Edit("", node.id, said % {"place": place + 1, "all": len(above.below)})


def _copy(draft: Draft, node: Node, above: Node) -> Edit:
    size = sum(1 for _ in node.nodes())
    if not _has_room(draft, size) or above.kind in ("who", "goal"):
        return Edit(words=gettext("There is no room for more steps."))
    fresh = draft.fresh()

    def copied(each: Node) -> Node:
        found = Node(next(fresh), each.kind, Fields(each.fields))
        found.below = [copied(below) for below in each.below]
        return found

    copy = copied(node)
    above.below.insert(above.below.index(node) + 1, copy)
    for each in copy.nodes():
        if "id" in each.fields:
            each.fields.put("id", "")
            each.fields.put("id", free_name(draft, each.kind))
    if copy.kind == "variant":
        _share(above, copy)
    return Edit(copy.id, copy.id, gettext("Duplicated"))


def _put(draft: Draft, above: Node, place: int, taken: str) -> Edit | None:
    """Move the step that was taken to another place, which is not inside itself."""
    node = draft.find(taken)
    was = draft.above(node) if node is not None else None
    if node is None or was is None or "id" not in node.fields:
        return None
    if any(each is above for each in node.nodes()) or kinds.of(above.kind, node.kind) is None:
        return Edit("", node.id, gettext("A step cannot be put into itself."))
    own = was.below.index(node)
    was.below.pop(own)
    if was is above and own < place:
        place -= 1
    above.below.insert(max(0, min(place, len(above.below))), node)
    return Edit("", node.id, gettext("Moved"))


def _filter(fields: Fields, _: str) -> str:
    rows.add_filter(fields)
    return gettext("Filter added")


def _unfilter(fields: Fields, key: str) -> str:
    rows.remove_filter(fields, key)
    return gettext("Filter removed")


def _way(fields: Fields, _: str) -> str:
    messages.add_way(fields)
    return gettext("Way added")


def _unway(fields: Fields, key: str) -> str:
    messages.remove_way(fields, key)
    return gettext("Way removed")


def _wayup(fields: Fields, key: str) -> str:
    messages.lift_way(fields, key)
    return gettext("Tried earlier")


_OF_NODES: dict[str, Callable[[Draft, Node, Node], Edit]] = {
    "remove": _remove,
    "up": _up,
    "down": _down,
    "copy": _copy,
}
_OF_FIELDS: dict[str, Callable[[Fields, str], str]] = {
    "filter": _filter,
    "unfilter": _unfilter,
    "way": _way,
    "unway": _unway,
    "wayup": _wayup,
}
