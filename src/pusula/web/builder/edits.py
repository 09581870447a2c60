"""Changes of the tree, each a plain submit button such as ``op=add:inc`` or ``op=wrap:n2``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.web.builder import rows
from pusula.web.builder.controls import IncompleteError
from pusula.web.builder.draft import MOST_NODES, Draft, Group, Leaf, Node
from pusula.web.builder.editors import YamlEditor
from pusula.web.builder.fields import Fields
from pusula.web.builder.picks import YAML, Picker


@dataclass(frozen=True)
class Edit:
    """What an edit did: where the focus goes, and what is said of it."""

    focus: str = ""
    words: str = ""


def edit(draft: Draft, op: str, picker: Picker) -> Edit:
    """Change ``draft`` as the button ``op`` says; an unknown one changes nothing."""
    name, _, target = op.partition(":")
    node_id, _, rest = target.partition(":")
    found = draft.find(node_id)
    if found is None:
        return Edit()
    node, group = found
    if name in _IN_GROUPS and isinstance(node, Group):
        if sum(1 for _ in draft.nodes()) >= MOST_NODES - 2:
            return Edit(node_id, gettext("There is no room for more conditions."))
        return _IN_GROUPS[name](draft, node, rest, picker)
    if name in _OF_NODES and group is not None:
        return _OF_NODES[name](draft, node, group)
    if name in _OF_LEAVES and isinstance(node, Leaf):
        return _OF_LEAVES[name](node, rest, picker)
    return Edit()


def _add(draft: Draft, group: Group, key: str, picker: Picker) -> Edit:
    leaf = Leaf(draft.new_id())
    if key:
        picker.choose(leaf, key)
    group.parts.append(leaf)
    return Edit(leaf.id, gettext("Condition added"))


def _add_group(draft: Draft, group: Group, _: str, __: Picker) -> Edit:
    inner = Group(draft.new_id(), "any" if group.join == "all" else "all")
    group.parts.append(inner)
    leaf = Leaf(draft.new_id())
    inner.parts.append(leaf)
    return Edit(leaf.id, gettext("Group added"))


def _remove(_: Draft, node: Node, group: Group) -> Edit:
    place = group.parts.index(node)
    group.parts.pop(place)
    near = group.parts[min(place, len(group.parts) - 1)] if group.parts else group
    return Edit(near.id, gettext("Removed"))


def _up(_: Draft, node: Node, group: Group) -> Edit:
    return _moved(node, group, -1)


def _down(_: Draft, node: Node, group: Group) -> Edit:
    return _moved(node, group, 1)


def _moved(node: Node, group: Group, step: int) -> Edit:
    place = group.parts.index(node)
    goal = max(0, min(len(group.parts) - 1, place + step))
    group.parts.insert(goal, group.parts.pop(place))
    said = gettext("Moved to place %(place)d of %(all)d")
    return Edit(node.id, said % {"place": goal + 1, "all": len(group.parts)})


def _duplicate(draft: Draft, node: Node, group: Group) -> Edit:
    copy = _copied(draft, node)
    group.parts.insert(group.parts.index(node) + 1, copy)
    return Edit(copy.id, gettext("Duplicated"))


def _copied(draft: Draft, node: Node) -> Node:
    """Return a copy with ids that nobody has; they count up from the next free one."""
    first = int(draft.new_id()[1:])
    taken = {each.id for each, _ in draft.nodes()}
    free = (f"n{i}" for i in range(first, first + 2 * MOST_NODES) if f"n{i}" not in taken)

    def copied(each: Node) -> Node:
        node_id = next(free)
        if isinstance(each, Leaf):
            return Leaf(node_id, each.kind, Fields(each.fields), each.is_negated)
        parts = [copied(part) for part in each.parts]
        return Group(node_id, each.join, parts, each.is_negated)

    return copied(node)


def _wrap(draft: Draft, node: Node, group: Group) -> Edit:
    inner = Group(draft.new_id(), "any" if group.join == "all" else "all", [node])
    group.parts[group.parts.index(node)] = inner
    return Edit(node.id, gettext("Put into a group"))


def _unwrap(_: Draft, node: Node, group: Group) -> Edit:
    if not isinstance(node, Group):
        return Edit(node.id)
    place = group.parts.index(node)
    group.parts[place : place + 1] = node.parts
    near = node.parts[0] if node.parts else group
    return Edit(near.id, gettext("Group dissolved"))


def _negate(_: Draft, node: Node, __: Group) -> Edit:
    node.is_negated = not node.is_negated
    words = gettext("Turned round: not") if node.is_negated else gettext("Turned back")
    return Edit(node.id, words)


def _exclude(draft: Draft, node: Node, group: Group) -> Edit:
    group.parts.remove(node)
    (draft.inc if group is draft.exc else draft.exc).parts.append(node)
    words = gettext("Moved to those left out") if group is not draft.exc else gettext("Moved back")
    return Edit(node.id, words)


def _pick(leaf: Leaf, key: str, picker: Picker) -> Edit:
    picker.choose(leaf, key or leaf.kind)
    return Edit(leaf.id)


def _filter(leaf: Leaf, _: str, __: Picker) -> Edit:
    rows.add_filter(leaf.fields)
    return Edit(leaf.id, gettext("Filter added"))


def _unfilter(leaf: Leaf, key: str, _: Picker) -> Edit:
    rows.remove_filter(leaf.fields, key)
    return Edit(leaf.id, gettext("Filter removed"))


def _as_yaml(leaf: Leaf, _: str, picker: Picker) -> Edit:
    pick = picker.of(leaf)
    if pick is not None and leaf.kind != YAML:
        try:
            document = pick.editor.document(leaf.fields)
        except IncompleteError:
            return Edit(leaf.id, gettext("Complete the condition first."))
        leaf.kind, leaf.fields = YAML, YamlEditor().fields(document) or Fields()
    return Edit(leaf.id)


_IN_GROUPS: dict[str, Callable[[Draft, Group, str, Picker], Edit]] = {
    "add": _add,
    "group": _add_group,
}
_OF_NODES: dict[str, Callable[[Draft, Node, Group], Edit]] = {
    "remove": _remove,
    "up": _up,
    "down": _down,
    "copy": _duplicate,
    "wrap": _wrap,
    "unwrap": _unwrap,
    "negate": _negate,
    "exclude": _exclude,
}
_OF_LEAVES: dict[str, Callable[[Leaf, str, Picker], Edit]] = {
    "pick": _pick,
    "filter": _filter,
    "unfilter": _unfilter,
    "yaml": _as_yaml,
}
