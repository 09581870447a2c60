"""The tree as the template draws it: groups and conditions with their words, boxes and problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from pusula.web.builder.controls import Line
from pusula.web.builder.documents import Said
from pusula.web.builder.draft import Draft, Group, Leaf, Node
from pusula.web.builder.pick import Pick
from pusula.web.builder.picks import YAML, Picker
from pusula.web.builder.rows import RowsEditor


@dataclass(frozen=True)
class Choice:
    """An option of the picker."""

    key: str
    title: str
    hint: str


@dataclass(frozen=True)
class Drawn:
    """A node as the template draws it. ``parts`` and ``join`` are those of a group.

    ``lead`` is the word in front of it, ``place`` what people call it when they hear of it.
    """

    id: str
    lead: str
    is_or: bool
    place: str
    is_negated: bool
    problem: str
    is_first: bool
    is_last: bool
    is_group: bool = False
    join: str = ""
    parts: Sequence[Drawn] = ()
    depth: int = 0
    kind: str = ""
    lines: Sequence[Line] = ()
    filters: str = ""
    can_filter: bool = False
    can_be_text: bool = False
    has_focus: bool = False


class Drawer:
    """Draws a draft with what it says."""

    def __init__(self, picker: Picker, said: Said, focus: str = "") -> None:
        self.picker = picker
        self.said = said
        self.focus = focus

    def roots(self, draft: Draft) -> tuple[Drawn, Drawn]:
        """Return who is in, and who is left out."""
        return self.group(draft.inc, None, 0, ""), self.group(draft.exc, None, 0, "")

    def choices(self) -> list[tuple[str, list[Choice]]]:
        """Return the picker's entries by group."""
        return [
            (title, [Choice(pick.key, pick.title, pick.hint) for pick in picks])
            for title, picks in self.picker.groups
        ]

    def node(self, node: Node, group: Group, index: int, depth: int, place: str) -> Drawn:
        """Return a node of ``group``."""
        if isinstance(node, Group):
            return self.group(node, (group, index), depth, place)
        pick = self.picker.of(node)
        return Drawn(
            kind=node.kind,
            lines=self.lines(node, pick),
            filters=node.fields.one("filters"),
            can_filter=pick is not None and isinstance(pick.editor, RowsEditor),
            can_be_text=pick is not None and pick.key != YAML and node.id not in self.said.problems,
            **self.common(node, group, index, place),
        )

    def group(self, group: Group, above: tuple[Group, int] | None, depth: int, place: str) -> Drawn:
        """Return a group with what is in it."""
        prefix = f"{place}." if place else ""
        parts = [
            self.node(part, group, index, depth + 1, f"{prefix}{index + 1}")
            for index, part in enumerate(group.parts)
        ]
        common: dict[str, Any] = (
            self.common(group, above[0], above[1], place)
            if above
            else {
                "id": group.id, "lead": "", "is_or": False, "place": place, "is_negated": False,
                "problem": "", "is_first": True, "is_last": True,
                "has_focus": group.id == self.focus,
            }
        )  # fmt: skip
        return Drawn(is_group=True, join=group.join, parts=parts, depth=depth, **common)

    def lines(self, leaf: Leaf, pick: Pick | None) -> list[Line]:
        """Return the lines of a condition; none while nothing is chosen.

        What a box shows is from now on what the condition says, as the form will send it.
        """
        lines = pick.editor.row(leaf.fields).lines if pick else []
        for control in (control for line in lines for control in line.controls):
            if control.name and control.sort != "button" and any(control.values):
                leaf.fields.setdefault(control.name, list(control.values))
        return lines

    def common(self, node: Node, group: Group, index: int, place: str) -> dict[str, Any]:
        """Return what groups and conditions share."""
        is_or = group.join == "any" and index > 0
        words = {"all": gettext("and"), "any": gettext("or")}
        return {
            "id": node.id,
            "lead": words[group.join] if index else gettext("If"),
            "is_or": is_or,
            "place": place,
            "is_negated": node.is_negated,
            "problem": self.said.problems.get(node.id, ""),
            "is_first": index == 0,
            "is_last": index == len(group.parts) - 1,
            "has_focus": node.id == self.focus,
        }
