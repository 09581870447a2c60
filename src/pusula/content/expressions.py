"""Liquid's expressions as Python's: paths, literals, comparisons and filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from liquid import BoundTemplate
from liquid.builtin.expressions import (
    BooleanExpression,
    FilteredExpression,
    KeywordArgument,
    Literal,
    Nil,
    Path,
    PositionalArgument,
    StringLiteral,
)
from liquid.builtin.expressions import logical as logic
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import Blank, Empty, RangeLiteral
from liquid.expression import Expression

from pusula.content import running

_MOST_FILTERS = 500  # between two looks at the time
_MOST_NAMES = 100  # each is weighed when one changes
_COMPARED = {
    logic.EqExpression: "_eq({0}, {1})",
    logic.NeExpression: "(not _eq({0}, {1}))",
    logic.LeExpression: "_le({0}, {1})",
    logic.GeExpression: "_le({1}, {0})",
    logic.LtExpression: "_lt(None, {0}, {1})",
    logic.GtExpression: "_lt(None, {1}, {0})",
    logic.ContainsExpression: "_contains(None, {0}, {1})",
}
_COUNTED = {
    "index": "({0} + 1)",
    "index0": "{0}",
    "rindex": "({1} - {0})",
    "rindex0": "({1} - {0} - 1)",
    "first": "({0} == 0)",
    "last": "({0} == {1} - 1)",
    "length": "{1}",
}


class TooRareError(Exception):
    """The template uses something that only the interpreter does."""


class Expressions:
    """Writes expressions; what is the same in all of a render is read at its beginning."""

    def __init__(self, template: BoundTemplate) -> None:
        self.template = template
        self.is_html = template.env.autoescape
        self.context = template.context_class(template)
        self.constants: dict[str, Any] = {}
        self.words: dict[tuple[type, str | bytes] | None, str] = {}
        self.counters: dict[str, tuple[str, str]] = {}  # item and index of a loop by its number
        self.first: dict[str, str] = {}  # what is read once, by what it is
        self.fields: dict[str, str] = {}  # the name of what must be there, by the code for it
        self.loops: list[tuple[str, str]] = []  # the variables of the loops we are in, its number
        self.n_names = 0
        self.n_filters = 0
        self.assigned, self.looped = own_names(template, self.context)
        if len(self.assigned) > _MOST_NAMES:
            raise TooRareError

    def name(self, letter: str) -> str:
        """Return a name that nothing has yet."""
        self.n_names += 1
        return f"{letter}{self.n_names}"

    def constant(self, value: object) -> str:
        """Return the name of a constant; words that are alike have one."""
        word = (type(value), value) if isinstance(value, str | bytes) else None
        if word in self.words:
            return self.words[word]
        name = self.name("c")
        self.constants[name] = value
        if word is not None:
            self.words[word] = name
        return name

    def once(self, what: str) -> str:
        """Return the name of what is read once, at the beginning."""
        return self.first.setdefault(what, f"h{len(self.first)}")

    def shown(self, expression: Expression) -> str:
        """Return code for the text of an output; where a field is missing it raises."""
        if not isinstance(expression, FilteredExpression):
            raise TooRareError
        written = "_html" if self.is_html else "_text"
        filters = expression.filters or []
        if not filters and self.is_fixed(expression.left):
            shown = self.once(f"{written}({self.value(expression.left)})")
            if not self.is_field(expression):
                return shown
            self.fields[f"({shown} or _missing())"] = shown
            return f"({shown} or _missing())"
        last = filters[-1] if filters else None
        if last and last.name == "money" and len(last.args) == 0:
            before = FilteredExpression(expression.token, expression.left, filters[:-1])
            value = self.filtered(before, is_field=self.is_field(expression))
            return f"_money{written}({value}, {self.currency()})"
        return f"{written}({self.filtered(expression, is_field=self.is_field(expression))})"

    def currency(self) -> str:
        """Return the name of the company's currency."""
        if "company" in self.assigned | self.looped:
            raise TooRareError
        return self.once("_currency(g)")

    def is_field(self, expression: FilteredExpression) -> bool:
        """Return whether an output names a field and no fallback for it."""
        return running.is_field(expression, self.assigned, self.looped)

    def is_fixed(self, expression: Expression) -> bool:
        """Return whether an expression is a path into what is given, the same all along."""
        return (
            isinstance(expression, Path)
            and all(isinstance(one, str | int) for one in expression.path)
            and isinstance(expression.path[0], str)
            and expression.path[0] not in self.assigned
            and not any(expression.path[0] in (name, "forloop") for name, _ in self.loops)
        )

    def filtered(self, expression: Expression, *, is_field: bool = False) -> str:
        """Return code for a value with its filters."""
        if not isinstance(expression, FilteredExpression):
            raise TooRareError
        value = self.value(expression.left)
        if is_field:
            value = f"_given({value})"
        for one in expression.filters or []:
            value = self.applied(one, value)
        return value

    def applied(self, one: Filter, value: str) -> str:
        """Return code for ``value`` behind one filter."""
        made = self.template.env.filters.get(one.name)
        if made is None:
            raise TooRareError
        self.n_filters += 1
        if self.n_filters > _MOST_FILTERS:
            raise TooRareError
        given = [value, *(self.value(a.value) for a in one.args if type(a) is PositionalArgument)]
        named = [a for a in one.args if type(a) is KeywordArgument]
        pairs = [f"{self.constant(a.name)}: {self.value(a.value)}" for a in named]
        if getattr(made, "with_context", False):
            if one.name != "money" or named:
                raise TooRareError
            money = self.currency()
            return f"_money({value}, {f'_code({given[1]}, {money})' if given[1:] else money})"
        if getattr(made, "with_environment", False):
            pairs.append(f"{self.constant('environment')}: {self.constant(self.template.env)}")
        if one.name == "default" and not named and len(given) == 2:  # noqa: PLR2004
            return f"_default({', '.join(given)})"
        call = ", ".join(given) + (f", **{{{', '.join(pairs)}}}" if pairs else "")
        return f"{self.constant(running.filter_of(one.name, made))}({call})"

    def truth(self, expression: Any) -> str:
        """Return code for a condition."""
        if isinstance(expression, BooleanExpression):
            expression = expression.expression
        kind = type(expression)
        if kind in {logic.LogicalAndExpression, logic.LogicalOrExpression}:
            word = "and" if kind is logic.LogicalAndExpression else "or"
            return f"({self.truth(expression.left)} {word} {self.truth(expression.right)})"
        if kind in _COMPARED:
            return self.value(expression)
        if self.is_fixed(expression):
            return self.once(f"_truth({self.value(expression)})")
        return f"_truth({self.value(expression)})"

    def value(self, expression: Any) -> str:
        """Return code for the value of an expression."""
        kind = type(expression)
        if kind is Path:
            return self.path(expression.path)
        if kind in _COMPARED:
            sides = self.value(expression.left), self.value(expression.right)
            compared = _COMPARED[kind].format(*sides)
            is_fixed = all(one in self.constants or one in self.first.values() for one in sides)
            # Equality never raises, so it may be looked at before anybody asks.
            return self.once(compared) if is_fixed and "_eq(" in compared else compared
        if kind is StringLiteral:
            return self.constant(expression.evaluate(self.context))
        return self.primitive(expression)

    def primitive(self, expression: Expression) -> str:
        """Return code for a literal or a range."""
        if isinstance(expression, Literal) and _is_plain(expression.value):
            return repr(expression.value)
        if isinstance(expression, Nil):
            return "None"
        if isinstance(expression, Empty | Blank):
            return self.constant(expression)
        if isinstance(expression, RangeLiteral):
            ends = f"{self.value(expression.start)}, {self.value(expression.stop)}"
            return f"{self.constant(expression._make_range)}({ends})"  # noqa: SLF001 - its rules
        raise TooRareError

    def path(self, path: Sequence[object]) -> str:
        """Return code for what a path leads to."""
        root, *keys = path
        if not isinstance(root, str):
            raise TooRareError
        for name, number in reversed(self.loops):
            item, at = self.counters[number]
            if root == "forloop":
                if len(keys) != 1 or keys[0] not in _COUNTED:
                    raise TooRareError
                return _COUNTED[str(keys[0])].format(at, f"z{number}")
            if root == name:
                return self.below(item, keys)
        if root in self.assigned:
            return self.below(f"_scoped(l, g, {self.constant(root)})", keys)
        words = [one for one in path if isinstance(one, str | int)]
        if len(words) == len(path):
            return self.once(f"_path(g, {tuple(words)!r})")
        return self.below(f"_path(g, {(root,)!r})", keys)

    def below(self, value: str, keys: Sequence[object]) -> str:
        """Return code for what lies below ``value``."""
        for key in keys:
            if isinstance(key, str) and key not in running.SPECIAL:
                value = f"_get({value}, {key!r})"
            else:
                said = self.path(key.path) if isinstance(key, Path) else repr(key)
                value = f"_item({value}, {said})"
        return value


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float)


def own_names(template: BoundTemplate, context: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names a template assigns, and those its loops give."""
    assigned: set[str] = set()
    loops: set[str] = set()
    nodes = list(template.nodes)
    while nodes:
        node = nodes.pop()
        assigned.update(str(name) for name in node.template_scope())
        loops.update(str(name) for name in node.block_scope())
        nodes.extend(node.children(context))
    return frozenset(assigned), frozenset(loops)
