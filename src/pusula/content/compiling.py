"""A parsed Liquid template as one Python function, for the part of Liquid that mails are made of.

The function either returns what the interpreter would, or raises: whoever calls it then asks the
interpreter, which knows every tag, every limit and the line of every mistake. So a template that
uses something rare is slower, never different. Nothing of a template's text becomes code: names
and words are constants that the code refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from liquid import BoundTemplate, Node
from liquid.ast import BlockNode
from liquid.builtin.content import ContentNode
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
from liquid.builtin.expressions.loop import LoopExpression
from liquid.builtin.expressions.primitive import Blank, Empty, RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression

from pusula.content import running

type_ = type
Function = Callable[[Mapping[str, object]], str]

_MOST_NODES = 3_000  # beyond it Python's own compiler takes longer than a mailing would save
_MOST_FILTERS = 500  # between two looks at the time
_DEEPEST_LOOP = 8  # Python nests no more than 20 blocks
_MOST_NAMES = 100  # each is weighed when one changes
_LOOK_EVERY = 16  # turns of a loop that calls no filter
_INDENT = "\t"
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


def function(template: BoundTemplate, link: type_[Node]) -> Function | None:
    """Return ``template`` as a function of its variables; ``None`` where it is too rare for that.

    ``link`` is the class of the nodes whose text is the target of a link. The function raises
    ``running.OverTimeError`` when its time is over, and anything else where the interpreter is to
    be asked.
    """
    try:
        return _Writer(template, link).function()
    except (TooRareError, SyntaxError, RecursionError, MemoryError, ValueError):
        return None


class _Writer:
    """Writes the function's lines; what is the same in all of a render is read at its beginning."""

    def __init__(self, template: BoundTemplate, link: type_[Node]) -> None:
        self.template = template
        self.link = link
        self.is_html = template.env.autoescape
        self.context = template.context_class(template)
        self.constants: dict[str, Any] = {}
        self.words: dict[tuple[type_[str], str] | None, str] = {}
        self.targets: list[str] = []  # of the links that are the same for everybody
        self.counters: dict[str, tuple[str, str]] = {}  # item and index of a loop by its number
        self.first: dict[str, str] = {}  # what is read once, by what it is
        self.nodes_of: dict[type_[Node], Callable[[Any], None]] = {
            ContentNode: self.text, IfNode: self.choice, UnlessNode: self.choice,
            CaseNode: self.case, ForNode: self.loop, AssignNode: self.assign,
            CaptureNode: self.capture, BreakNode: self.leave, ContinueNode: self.leave,
            link: self.linked,
        }  # fmt: skip
        self.lines: list[str] = []
        self.pending: list[str] = []  # pieces of text not yet written
        self.indent = _INDENT
        self.into = "w"  # where text goes; empty for nowhere
        self.loops: list[tuple[str, str]] = []  # the variables of the loops we are in, its number
        self.n_names = 0
        self.n_nodes = 0
        self.n_filters = 0
        self.assigned, self.looped = own_names(template, self.context)
        if len(self.assigned) > _MOST_NAMES:
            raise TooRareError

    def function(self) -> Function:
        self.nodes(self.template.nodes)
        self.flush()
        has_loops = any(line.lstrip().startswith("for ") for line in self.lines)
        head = ["def render(g):", "\tw = []"]
        head += ["\tl = {}"] * bool(self.assigned)
        head += ["\tn, ends = 0, _ends()"] * has_loops
        if self.targets:
            head.append(f"\tk = _clicks(g, {self.constant(tuple(self.targets))})")
        head += [f"\t{name} = {what}" for what, name in self.first.items()]
        source = "\n".join([*head, *self.lines, "\treturn _whole(w)"])
        names = {**running.NAMES, **self.constants}
        exec(compile(source, "<template>", "exec"), names)  # noqa: S102 - of our own words only
        made: Function = names["render"]
        return made

    # Lines

    def line(self, text: str) -> None:
        self.flush()
        self.lines.append(self.indent + text)

    def flush(self) -> None:
        if self.pending and self.into:
            self.lines.append(f"{self.indent}{self.into} += ({', '.join(self.pending)},)")
        self.pending = []

    @contextmanager
    def inside(self, head: str) -> Iterator[None]:
        self.line(head)
        outer, self.indent = self.indent, self.indent + _INDENT
        yield
        self.flush()
        self.lines.append(f"{self.indent}pass")
        self.indent = outer

    def name(self, letter: str) -> str:
        self.n_names += 1
        return f"{letter}{self.n_names}"

    def constant(self, value: object) -> str:
        """Return the name of a constant; words that are alike have one."""
        word = (type_(value), value) if isinstance(value, str) else None
        if word in self.words:
            return self.words[word]
        name = self.name("c")
        self.constants[name] = value
        if word is not None:
            self.words[word] = name
        return name

    def once(self, what: str) -> str:
        return self.first.setdefault(what, f"h{len(self.first)}")

    # Nodes

    def nodes(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            self.n_nodes += 1
            if self.n_nodes > _MOST_NODES:
                raise TooRareError
            self.node(node)

    def block(self, block: BlockNode) -> None:
        """Write a block; one that would only print white space prints nothing, as in Liquid."""
        self.flush()
        outer = self.into
        if block.blank:
            self.into = ""
        self.nodes(block.nodes)
        self.flush()
        self.into = outer

    def node(self, node: Node) -> None:
        written = self.nodes_of.get(type_(node))
        if written is not None:
            written(node)
        elif isinstance(node, OutputNode):
            self.pending.append(self.shown(node.expression))
        elif not isinstance(node, CommentNode):
            raise TooRareError

    def text(self, node: Any) -> None:
        if node.text:
            self.pending.append(self.constant(node.text))

    def assign(self, node: Any) -> None:
        value = self.filtered(node.expression)
        self.line(f"_assign(l, {self.constant(str(node.name))}, {value})")

    def leave(self, node: Node) -> None:
        if not self.loops:
            raise TooRareError
        self.line("break" if type_(node) is BreakNode else "continue")

    def choice(self, node: Any) -> None:
        truth = self.truth(node.condition)
        with self.inside(f"if {truth}:" if isinstance(node, IfNode) else f"if not {truth}:"):
            self.block(node.consequence)
        for other in node.alternatives:
            with self.inside(f"elif {self.truth(other.expression)}:"):
                self.block(other.block)
        if node.default:
            with self.inside("else:"):
                self.block(node.default)

    def case(self, node: CaseNode) -> None:
        is_other = self.name("d")
        self.line(f"{is_other} = True")
        for block in node.blocks:
            if isinstance(block, MultiExpressionBlockNode):
                told = block.expression
                if len({_literal(one) for one in told.expressions}) < len(told.expressions):
                    raise TooRareError  # the block would be written as often as it matches
                left = self.value(told.left)
                found = [f"_eq({left}, {self.value(one)})" for one in told.expressions]
                with self.inside(f"if {' or '.join(found)}:"):
                    self.line(f"{is_other} = False")
                    self.block(block.block)
            else:
                with self.inside(f"if {is_other}:"):
                    self.block(block)

    def loop(self, node: ForNode) -> None:
        told: LoopExpression = node.expression
        offset = told.offset
        is_rare = isinstance(offset, StringLiteral) or told.identifier == "forloop"
        if is_rare or len(self.loops) >= _DEEPEST_LOOP:
            raise TooRareError
        items, item, at, size = (self.name(letter) for letter in "itxz")
        limits = [f"_number({self.value(one)})" if one else "None" for one in (told.limit, offset)]
        outer = " * ".join(["1", *(f"z{number}" for _, number in self.loops)])
        given = f"{self.value(told.iterable)}, {', '.join(limits)}, {told.reversed}, {outer}"
        self.line(f"{items}, {size} = _items({given})")
        head = f"for {at}, {item} in enumerate({items}):"
        with self.inside(f"if {size}:"), self.inside(head):
            self.line("n += 1")
            self.line("")
            look, n_filters = len(self.lines) - 1, self.n_filters
            if self.into:
                self.line(f"if len({self.into}) > 50_000: _shorten({self.into})")
            self.loops.append((str(told.identifier), size[1:]))
            self.counters[size[1:]] = (item, at)
            self.block(node.block)
            self.loops.pop()
            often = 0 if self.n_filters > n_filters else _LOOK_EVERY - 1
            self.lines[look] = f"{self.indent}if not n & {often}: _look(ends)"
        if node.default:
            with self.inside("else:"):
                self.block(node.default)

    def capture(self, node: CaptureNode) -> None:
        with self.aside() as made:
            self.block(node.block)
        value = f"_captured({made})" if self.is_html else f"_whole({made})"
        self.line(f"_assign(l, {self.constant(str(node.name))}, {value})")

    def linked(self, node: Any) -> None:
        block: BlockNode = node.block
        if all(type_(one) is ContentNode for one in block.nodes) and not block.blank:
            target = running.target("".join(one.text for one in block.nodes))
            if target not in self.targets:
                self.targets.append(target)
            self.pending.append(f"k[{self.targets.index(target)}]")
            return
        click = self.once("_click(g)")
        with self.aside() as made:
            self.block(block)
        self.pending.append(f"_escape({click}(_target(_whole({made}))))")

    @contextmanager
    def aside(self) -> Iterator[str]:
        """Write text into a list of its own; give its name."""
        self.flush()
        outer, self.into = self.into, self.name("w")
        self.line(f"{self.into} = []")
        yield self.into
        self.flush()
        self.into = outer

    # Expressions

    def shown(self, expression: Expression) -> str:
        """Return code for the text of an output; where a field is missing it raises."""
        if not isinstance(expression, FilteredExpression):
            raise TooRareError
        written = "_html" if self.is_html else "_text"
        filters = expression.filters or []
        if not filters and self.is_fixed(expression.left):
            shown = self.once(f"{written}({self.value(expression.left)})")
            return f"({shown} or _missing())" if self.is_field(expression) else shown
        last = filters[-1] if filters else None
        if last and last.name == "money" and len(last.args) == 0:
            before = FilteredExpression(expression.token, expression.left, filters[:-1])
            value = self.filtered(before, is_field=self.is_field(expression))
            return f"_money{written}({value}, {self.currency()})"
        return f"{written}({self.filtered(expression, is_field=self.is_field(expression))})"

    def currency(self) -> str:
        if "company" in self.assigned | self.looped:
            raise TooRareError
        return self.once("_currency(g)")

    def is_field(self, expression: FilteredExpression) -> bool:
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
        if not isinstance(expression, FilteredExpression):
            raise TooRareError
        value = self.value(expression.left)
        if is_field:
            value = f"_given({value})"
        for one in expression.filters or []:
            value = self.applied(one, value)
        return value

    def applied(self, one: Filter, value: str) -> str:
        made = self.template.env.filters.get(one.name)
        if made is None:
            raise TooRareError
        self.n_filters += 1
        if self.n_filters > _MOST_FILTERS:
            raise TooRareError
        given = [value, *(self.value(a.value) for a in one.args if type_(a) is PositionalArgument)]
        named = [a for a in one.args if type_(a) is KeywordArgument]
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

    def truth(self, expression: Expression) -> str:
        if isinstance(expression, BooleanExpression):
            expression = expression.expression
        kind = type_(expression)
        if kind in {logic.LogicalAndExpression, logic.LogicalOrExpression}:
            word = "and" if kind is logic.LogicalAndExpression else "or"
            return f"({self.truth(expression.left)} {word} {self.truth(expression.right)})"
        if kind in _COMPARED:
            return self.value(expression)
        if self.is_fixed(expression):
            return self.once(f"_truth({self.value(expression)})")
        return f"_truth({self.value(expression)})"

    def value(self, expression: Expression) -> str:
        kind = type_(expression)
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
        for key in keys:
            if isinstance(key, str) and key not in running.SPECIAL:
                value = f"_get({value}, {key!r})"
            else:
                said = self.path(key.path) if isinstance(key, Path) else repr(key)
                value = f"_item({value}, {said})"
        return value


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _literal(expression: Expression) -> object:
    """Return the value of a literal, for another expression one that equals all others."""
    if isinstance(expression, StringLiteral):
        return str(expression.value)
    if isinstance(expression, Literal):
        return expression.value
    raise TooRareError


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
