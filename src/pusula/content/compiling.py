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
from liquid.builtin.expressions import Literal, StringLiteral
from liquid.builtin.expressions.loop import LoopExpression
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression
from markupsafe import escape

from pusula.content import running
from pusula.content.expressions import Expressions, TooRareError

Function = Callable[[Mapping[str, object]], bytes]

_MOST_NODES = 3_000  # beyond it Python's own compiler takes longer than a mailing would save
_DEEPEST_LOOP = 8  # Python nests no more than 20 blocks
_LOOK_EVERY = 16  # turns of a loop that calls no filter
_INDENT = "\t"
_MAIL = "w"  # the list of what is sent, in UTF-8; others are text


def function(template: BoundTemplate, link: type[Node]) -> Function | None:
    """Return ``template`` as a function of its variables; ``None`` where it is too rare for that.

    The function returns UTF-8: what is the same for everybody is written in it once. ``link`` is
    the class of the nodes whose text is the target of a link. The function raises
    ``running.OverTimeError`` when its time is over, and anything else where the interpreter is to
    be asked.
    """
    try:
        return _Writer(template, link).function()
    except (TooRareError, SyntaxError, RecursionError, MemoryError, ValueError):
        return None


class _Writer(Expressions):
    """Writes the function, line by line."""

    def __init__(self, template: BoundTemplate, link: type[Node]) -> None:
        super().__init__(template)
        self.link = link
        self.targets: list[str] = []  # of the links that are the same for everybody
        self.clicks: dict[str, str] = {}  # their code in UTF-8 by that for text
        self.writers: dict[type[Node], Callable[[Any], None]] = {
            ContentNode: self.text, IfNode: self.choice, UnlessNode: self.choice,
            CaseNode: self.case, ForNode: self.loop, AssignNode: self.assign,
            CaptureNode: self.capture, BreakNode: self.leave, ContinueNode: self.leave,
            link: self.linked,
        }  # fmt: skip
        self.lines: list[str] = []
        self.pending: list[str] = []  # pieces of text not yet written
        self.indent = _INDENT
        self.into = _MAIL  # where text goes; empty for nowhere
        self.n_nodes = 0

    def function(self) -> Function:
        self.nodes(self.template.nodes)
        self.flush()
        has_loops = any(line.lstrip().startswith("for ") for line in self.lines)
        head = ["def render(g):", f"\t{_MAIL} = []"]
        head += ["\tl = {}"] * bool(self.assigned)
        head += ["\tn, ends = 0, _ends()"] * has_loops
        if self.targets:
            head.append(f"\ts, k = _clicks(g, {self.constant(tuple(self.targets))})")
        head += [f"\t{name} = {what}" for what, name in self.first.items()]
        source = "\n".join([*head, *self.lines, f"\treturn _sent({_MAIL})"])
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
            told = map(self.sent, self.pending) if self.into == _MAIL else self.pending
            self.lines.append(f"{self.indent}{self.into} += ({', '.join(told)},)")
        self.pending = []

    def sent(self, piece: str) -> str:
        """Return code for a piece of text in UTF-8."""
        if piece in self.clicks:
            return self.clicks[piece]
        if piece in self.constants:
            return self.constant(self.constants[piece].encode())
        if piece in self.fields:
            return f"({self.once(f'_utf8({self.fields[piece]})')} or _missing())"
        if piece in self.first.values():
            return self.once(f"_utf8({piece})")
        return f"_utf8({piece})"

    @contextmanager
    def inside(self, head: str) -> Iterator[None]:
        self.line(head)
        outer, self.indent = self.indent, self.indent + _INDENT
        yield
        self.flush()
        self.lines.append(f"{self.indent}pass")
        self.indent = outer

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
        written = self.writers.get(type(node))
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
        self.line("break" if type(node) is BreakNode else "continue")

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
                shorten = "_shorten_sent" if self.into == _MAIL else "_shorten"
                self.line(f"if len({self.into}) > 50_000: {shorten}({self.into})")
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
        if all(type(one) is ContentNode for one in block.nodes) and not block.blank:
            self.tracked(running.target("".join(str(one) for one in block.nodes)))
            return
        click = self.once("_click(g)")
        with self.aside() as made:
            self.block(block)
        self.pending.append(f"_escape({click}(_target(_whole({made}))))")

    def tracked(self, target: str) -> None:
        """Write the address of a click on ``target``, which is the same for everybody."""
        if not target.startswith(running.WEB):
            self.pending.append(self.constant(str(escape(target))))
            return
        if target not in self.targets:
            self.targets.append(target)
        click = f"k[{self.targets.index(target)}]"
        self.clicks[f"(s + {click}).decode()"] = f"s, {click}"
        self.pending.append(f"(s + {click}).decode()")

    @contextmanager
    def aside(self) -> Iterator[str]:
        """Write text into a list of its own; give its name."""
        self.flush()
        outer, self.into = self.into, self.name("w")
        self.line(f"{self.into} = []")
        yield self.into
        self.flush()
        self.into = outer


def _literal(expression: Expression) -> object:
    """Return the value of a literal, for another expression one that equals all others."""
    if isinstance(expression, StringLiteral):
        return str(expression.value)
    if isinstance(expression, Literal):
        return expression.value
    raise TooRareError
