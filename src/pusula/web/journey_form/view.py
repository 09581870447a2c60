"""The draft as the templates draw it: rows with their words, the open sheet, what can be added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pusula.campaigns import called
from pusula.segments import spoken
from pusula.web.builder.controls import Line
from pusula.web.builder.fields import Fields
from pusula.web.builder.view import Drawer as ConditionDrawer
from pusula.web.builder.view import Drawn
from pusula.web.journey_form import conditions, kinds
from pusula.web.journey_form.desk import Desk
from pusula.web.journey_form.documents import here_of
from pusula.web.journey_form.draft import Node
from pusula.web.journey_form.words import Words

_FILTERED = ("event", "order")


@dataclass(frozen=True)
class Choice:
    """A kind of node that can be added: the button's op, icon, title, hint."""

    op: str
    icon: str
    title: str
    hint: str


@dataclass(frozen=True)
class Gap:
    """A place between rows: ``op`` opens its menu, ``choices`` are there while it is open."""

    op: str
    number: int
    choices: Sequence[Choice] = ()
    put: str = ""
    is_open: bool = False


@dataclass(frozen=True)
class Row:
    """A node as the template draws it.

    ``lines`` are the boxes of its open sheet, ``condition`` the builder's roots. ``parts`` are what
    it leads to; ``rows`` what a part holds, each with the gap in front of it.
    """

    id: str
    kind: str
    icon: str
    name: str
    words: str
    problem: str
    place: str
    step_id: str = ""
    is_step: bool = False
    is_part: bool = False
    is_fixed: bool = False
    is_open: bool = False
    is_taken: bool = False
    has_focus: bool = False
    can_open: bool = True
    is_first: bool = False
    is_last: bool = False
    lines: Sequence[Line] = ()
    condition: tuple[Drawn, Drawn] | None = None
    hidden: Mapping[str, str] = field(default_factory=dict)
    can_filter: bool = False
    can_way: bool = False
    parts: Sequence[Row] = ()
    rows: Sequence[tuple[Gap, Row]] = ()
    end: Gap | None = None
    add: Choice | None = None


@dataclass(frozen=True)
class Listed:
    """A root list with its rows; ``end`` is the gap behind the last, if there may be more."""

    id: str
    rows: Sequence[tuple[Gap, Row]]
    end: Gap | None
    problem: str = ""


class Drawer:
    """Draws a desk. What a box shows is from now on what its node says."""

    def __init__(self, desk: Desk, focus: str = "") -> None:
        self.desk = desk
        self.focus = focus
        self.words = Words(desk.draft, desk.said, desk.here.names.schema)
        self.here = replace(
            here_of(desk.draft, desk.here),
            lines=self.words.steps,
        )

    def lists(self) -> dict[str, Listed]:
        """Return the root lists by their name."""
        return {name: self._list(root) for name, root in self.desk.draft.lists.items()}

    def _list(self, root: Node) -> Listed:
        rows, end = self._rows(root, "")
        is_full = root.id in ("who", "goal") and bool(root.below)
        problem = self.desk.said.problems.get(root.id, "")
        return Listed(root.id, rows, None if is_full else end, problem)

    def _rows(self, above: Node, prefix: str) -> tuple[list[tuple[Gap, Row]], Gap]:
        found = [
            (self._gap(above, n), self._row(node, above, f"{prefix}{n + 1}"))
            for n, node in enumerate(above.below)
        ]
        return found, self._gap(above, len(above.below))

    def _gap(self, above: Node, place: int) -> Gap:
        target = f"{above.id}:{place}"
        is_open = self.desk.plus == target
        choices: list[Choice] = []
        if is_open:
            menu = kinds.menu(above.kind)
            choices = [self._choice(target, word, kind) for word, kind in menu.items()]
        takes = self.desk.taken and (above.id == "steps" or above.kind in kinds.PARTS)
        return Gap(f"plus:{target}", place + 1, choices, f"put:{target}" if takes else "", is_open)

    def _choice(self, target: str, word: str, kind: kinds.Kind) -> Choice:
        return Choice(f"new:{target}:{word}", kind.icon, str(kind.title), str(kind.hint))

    def _row(self, node: Node, above: Node, place: str) -> Row:
        icon, name, words = self.words.of(node, above)
        is_part = node.kind in kinds.PARTS
        is_fixed = node.kind in (kinds.THEN, kinds.ELSE)
        if is_fixed:
            words = self.words.lead(node, above)
        siblings = above.below
        rows, end = self._rows(node, f"{place}.") if is_part else ([], None)
        if node.kind == "first":
            end = self._gap(node, sum(each.kind not in kinds.PARTS for each in node.below))
        opened = node.id == self.desk.opened and not is_fixed
        return Row(
            id=node.id, kind=node.kind, icon=icon, name=name, words=words, place=place,
            problem=self.desk.said.problems.get(node.id, ""),
            step_id=node.fields.one("id"), is_step="id" in node.fields,
            is_part=is_part, is_fixed=is_fixed,
            is_open=opened, is_taken=node.id == self.desk.taken,
            has_focus=node.id == self.focus,
            can_open=self._can_open(node, above),
            is_first=siblings[0] is node, is_last=siblings[-1] is node,
            parts=[] if is_part else self._parts(node, place),
            rows=rows, end=end, add=self._addition(node),
            **(self._sheet(node, above) if opened else {}),
        )  # fmt: skip

    def _parts(self, node: Node, place: str) -> list[Row]:
        return [self._row(part, node, f"{place}.{n + 1}") for n, part in enumerate(node.below)]

    def _addition(self, node: Node) -> Choice | None:
        """Return the button that adds a part to a step of which there may be several."""
        kind = kinds.STEPS.get(node.kind) if "id" in node.fields else None
        if kind is None or not kind.many or kind.many == "trigger":
            return None
        return self._choice(f"{node.id}:{len(node.below)}", kind.many, kinds.PARTS[kind.many])

    def _can_open(self, node: Node, above: Node) -> bool:
        kind = kinds.of(above.kind, node.kind)
        return kind is None or kind.make is not None or node.kind in kinds.CONDITIONS

    def _sheet(self, node: Node, above: Node) -> dict[str, Any]:
        if node.kind in kinds.CONDITIONS:
            return {"condition": self._condition(node)}
        kind = kinds.of(above.kind, node.kind)
        if node.kind == "message":  # only there they are chosen from
            self.here = replace(self.here, templates=called.templates(spoken.language()))
        lines = kind.make(self.here, node.id).lines(node.fields) if kind and kind.make else []
        keep_shown(node.fields, lines)
        is_date = node.kind == "date" and self.here.by_order and above.kind == "entries"
        return {
            "lines": lines,
            "hidden": {n: node.fields.one(n) for n in ("filters", "ways") if node.fields.one(n)},
            "can_filter": node.kind in _FILTERED or is_date,
            "can_way": node.kind == "message",
        }

    def _condition(self, node: Node) -> tuple[Drawn, Drawn] | None:
        if self.desk.condition is None:
            return None
        said = conditions.said(conditions.fields_of(self.desk.condition), self.desk.picker)
        drawer = ConditionDrawer(self.desk.picker, said, self.focus)
        drawn = drawer.roots(self.desk.condition)
        node.fields = conditions.fields_of(self.desk.condition)
        return drawn


def keep_shown(fields: Fields, lines: Sequence[Line]) -> None:
    """Put into ``fields`` what the boxes show: it is what the form will send."""
    for control in (control for line in lines for control in line.controls):
        if control.name and control.sort != "button" and any(control.values):
            fields.setdefault(control.name, list(control.values))
