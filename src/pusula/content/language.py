"""The Liquid we speak: which tags and filters exist, and what a template may cost.

Templates are written by people who may make mistakes and filled with values from outside, so
every render has limits on text, lists, ranges, loops and time; none of them can read files.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from io import StringIO
from typing import Any, TextIO

import markupsafe
from liquid import BoundTemplate, Environment, Node, RenderContext, TokenStream
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.for_tag import ForLoop, ForNode
from liquid.builtin.tags.tablerow_tag import TableRow
from liquid.exceptions import ContextDepthError, LiquidError, ResourceLimitError
from liquid.expression import Expression
from liquid.parser import get_parser
from liquid.tag import Tag
from liquid.token import TOKEN_TAG, Token

from pusula.content import compiling, complaints, filters, running
from pusula.content.expressions import own_names
from pusula.content.running import BUDGET_S, LINKS, LIST_LIMIT, TEXT_LIMIT
from pusula.lib.errors import PusulaError

SOURCE_LIMIT = 256 * 1024  # characters of one part of a template
_LOOK_EVERY = 64  # steps between two looks at the time
_OVER_TIME = f"takes longer than {BUDGET_S:g} s"

LINK_TAG = "pusula_link"
_NO_TAGS = ("include", "render", "increment", "decrement", "doc")
_NO_FILTERS = (
    "safe",  # would let a customer's name write HTML
    "escapejs",
    "base64_encode",
    "base64_decode",
    "base64_url_safe_encode",
    "base64_url_safe_decode",
)


class TemplateError(PusulaError):
    """A template cannot be read; ``line`` (from 1) says where, 0 if nowhere in particular."""

    code = "template_error"

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(complaints.known(message))
        self.line = line


class RenderError(PusulaError):
    """A template cannot be filled for this person: a value missing or of the wrong kind, a limit.

    ``field`` is the one that is missing.
    """

    code = "render_error"

    def __init__(self, message: str, *, is_limit: bool = False, field: str = "") -> None:
        super().__init__(complaints.known(message))
        self.is_limit = is_limit
        self.field = field


class Part:
    """One part of a message, ready to be filled again and again."""

    def __init__(self, source: str, language: Environment, *, is_interpreted: bool = False) -> None:
        """Read ``source``, for the interpreter alone if it ``is_interpreted``.

        Raises ``TemplateError``.
        """
        self.template = parse(source, language)
        self._function = None if is_interpreted else compiling.function(self.template, _LinkNode)

    @property
    def is_compiled(self) -> bool:
        """Whether it is a Python function; else each render is the interpreter's."""
        return self._function is not None

    def fill(self, variables: Mapping[str, object]) -> str:
        """Return what it says with ``variables``; raise ``RenderError``."""
        return self.encoded(variables).decode()

    def encoded(self, variables: Mapping[str, object]) -> bytes:
        """Return what it says with ``variables`` in UTF-8; raise ``RenderError``."""
        if self._function is not None:
            try:
                return self._function(variables)
            except running.OverTimeError as error:
                raise RenderError(_OVER_TIME, is_limit=True) from error
            except Exception:  # noqa: BLE001, S110 - the interpreter knows what is wrong, and where
                pass
        return self._interpreted(variables)

    def verify(self, variables: Mapping[str, object], said: str) -> bool:
        """Return whether the interpreter says ``said`` too; if not it has the word from now on."""
        if self._function is not None and self._interpreted(variables).decode() != said:
            self._function = None
            return False
        return True

    def _interpreted(self, variables: Mapping[str, object]) -> bytes:
        return run(self.template, variables).encode("utf-8", "replace")


def parse(source: str, language: Environment) -> BoundTemplate:
    """Return the template that ``source`` is in ``language``; raise ``TemplateError``."""
    if len(source) > SOURCE_LIMIT:
        raise TemplateError(f"longer than {SOURCE_LIMIT:,} characters")
    try:
        template = language.from_string(source)
        _make_ours(template)
    except LiquidError as error:
        raise TemplateError(str(error.message), line_of_error(error)) from error
    except RecursionError as error:
        raise TemplateError("nested too deeply") from error
    return template


def fields(template: BoundTemplate) -> Iterator[OutputNode]:
    """Yield the outputs outside any block that name a field and no fallback: what all must have."""
    return (node for node in template.nodes if isinstance(node, _FieldNode))


def loops(template: BoundTemplate) -> Iterator[ForNode]:
    """Yield the loops outside any block: what everybody gets."""
    return (node for node in template.nodes if isinstance(node, ForNode))


def given(variables: Mapping[str, object]) -> dict[str, object]:
    """Return ``variables`` with Liquid's own "now" and "today" gone: they are a second clock."""
    return {"now": None, "today": None, **variables}


def run(
    template: BoundTemplate, variables: Mapping[str, object], *, is_lenient: bool = False
) -> str:
    """Return what the interpreter makes of ``template`` with ``variables``; raise ``RenderError``.

    ``is_lenient`` lets fields that are missing say nothing.
    """
    context = _Context(template, globals=given(variables))
    context.is_lenient = is_lenient
    buffer = context.get_buffer()
    try:
        template.render_with_context(context, buffer)
    except LiquidError as error:
        line = line_of_error(error)
        place = f"line {line}: " if line else ""
        is_limit = isinstance(error, ResourceLimitError | ContextDepthError)
        field = error.field if isinstance(error, _MissingError) else ""
        raise RenderError(f"{place}{error.message}", is_limit=is_limit, field=field) from error
    except RecursionError as error:
        raise RenderError("nested too deeply", is_limit=True) from error
    return buffer.getvalue()


def line_of_error(error: LiquidError) -> int:
    """Return the line (from 1) an error points at, 0 if at none."""
    context = error.context()
    return context[0] if context else 0


class _Output(StringIO):
    """A buffer that counts its characters and looks at the time."""

    def __init__(self, spend: Callable[[], None]) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._room = TEXT_LIMIT
        self._spend = spend

    def write(self, text: str, /) -> int:
        self._spend()
        self._room -= len(text)
        if self._room < 0:
            raise ResourceLimitError(f"more than {TEXT_LIMIT:,} characters", token=None)
        self._parts.append(text)
        return len(text)

    def getvalue(self) -> str:
        return "".join(self._parts)


class _Context(RenderContext):
    """A render context with a deadline, looked at wherever a template can spend time.

    Processor time of this thread, so that a machine that stood still is nobody's fault.
    """

    __slots__ = ("_deadline", "_n_steps", "is_lenient")

    def __init__(self, template: BoundTemplate, **given: Any) -> None:
        super().__init__(template, **given)
        self._deadline = time.thread_time() + BUDGET_S
        self._n_steps = 0
        self.is_lenient = False

    def spend(self) -> None:
        """Raise ``ResourceLimitError`` if the time is over."""
        self._n_steps += 1
        if self._n_steps % _LOOK_EVERY == 0 and time.thread_time() > self._deadline:
            raise ResourceLimitError(_OVER_TIME, token=None)

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:  # noqa: ARG002 - Liquid's own
        return _Output(self.spend)

    def assign(self, key: str, val: Any) -> None:
        self.spend()
        super().assign(key, val)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        self.spend()
        return super().filter(name, token)

    def loop(self, namespace: Mapping[str, object], forloop: ForLoop | TableRow) -> Any:
        self.spend()
        forloop.it = self._paced(forloop.it)
        return super().loop(namespace, forloop)

    def _paced(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            self.spend()
            yield item


class _Template(BoundTemplate):
    context_class = _Context


class _Language(Environment):
    template_class = _Template
    loop_iteration_limit = LIST_LIMIT
    local_namespace_limit = TEXT_LIMIT
    context_depth_limit = 20

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for tag in _NO_TAGS:
            del self.tags[tag]
        for name in _NO_FILTERS:
            del self.filters[name]
        self.filters |= filters.FILTERS
        for name, function in self.filters.items():
            self.filters[name] = _bounded(name, function)


class _BoundedRange(RangeLiteral):
    """A range that says no to a billion steps before anybody walks them."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if made.stop - made.start > LIST_LIMIT:
            raise ResourceLimitError(f"a range of more than {LIST_LIMIT:,} steps", token=self.token)
        return made


class _MissingError(LiquidError):
    """A field of the data has nothing to say, and the template no word for that."""

    def __init__(self, field: str, token: Token) -> None:
        super().__init__(
            f'{field} is empty; say what to print then: {{{{ {field} | default: "…" }}}}',
            token=token,
        )
        self.field = field


class _FieldNode(OutputNode):
    """An output that names a field of the data and no fallback for it."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        left = self.expression.left  # type: ignore[attr-defined]
        is_lenient = isinstance(context, _Context) and context.is_lenient
        if not is_lenient and running.is_missing(left.evaluate(context)):
            raise _MissingError(str(left), self.token)
        written: int = super().render_to_output(context, buffer)
        return written


def _make_ours(template: BoundTemplate) -> None:
    """Bound every range of the parsed template, and make its fields say when they are missing.

    The parser builds these classes by name; there is no other way to have our own.
    """
    context = template.context_class(template)
    names = own_names(template, context)
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(context))
        if isinstance(node, OutputNode) and running.is_field(node.expression, *names):
            node.__class__ = _FieldNode
        expressions: list[Expression] = list(node.expressions())
        while expressions:
            expression = expressions.pop()
            expressions.extend(expression.children())
            if type(expression) is RangeLiteral:
                expression.__class__ = _BoundedRange


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the filter ``function`` with limits on what it may make."""

    @wraps(function)
    def bounded(value: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_amplifying(name, value, args)
        result = function(value, *args, **kwargs)
        too_much = (
            (isinstance(result, str) and len(result) > TEXT_LIMIT)
            or (isinstance(result, list | tuple) and len(result) > LIST_LIMIT)
            or (isinstance(result, int) and result.bit_length() > 128)  # noqa: PLR2004
        )
        if too_much:
            raise ResourceLimitError(f"{name} makes too much", token=None)
        return result

    return bounded


def _refuse_amplifying(name: str, value: Any, args: tuple[Any, ...]) -> None:
    """Stop the two filters that can make gigabytes out of kilobytes before they do."""
    if name == "replace" and args and isinstance(value, str):
        n_times = value.count(str(args[0])) if str(args[0]) else len(value) + 1
        size = n_times * len(str(args[1]) if len(args) > 1 else "")
    elif name == "join" and args and isinstance(value, list | tuple | range):
        size = len(value) * len(str(args[0]))
    else:
        return
    if size > TEXT_LIMIT:
        raise ResourceLimitError(f"{name} makes too much", token=None)


class _LinkNode(Node):
    """The target of a link, turned into the address that notes the click."""

    __slots__ = ("block",)

    def __init__(self, token: Token, block: Node) -> None:
        super().__init__(token)
        self.block = block
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        inner = context.get_buffer(buffer)
        self.block.render(context, inner)
        # What stands in the attribute is HTML text; the address is what a browser reads there.
        url = html.unescape(inner.getvalue()).strip()
        links: Any = context.globals[LINKS]
        return buffer.write(str(markupsafe.escape(links.click(url))))

    def children(
        self,
        static_context: RenderContext,  # noqa: ARG002 - Liquid's own signature
        *,
        include_partials: bool = True,  # noqa: ARG002
    ) -> list[Node]:
        return [self.block]


class _LinkTag(Tag):
    name = LINK_TAG
    end = f"end{LINK_TAG}"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        block = get_parser(self.env).parse_block(stream, frozenset((self.end,)))
        stream.expect(TOKEN_TAG, value=self.end)
        return _LinkNode(token, block)


def _language_with_links() -> _Language:
    language = _Language(autoescape=True)
    language.add_tag(_LinkTag)
    return language


PLAIN = _Language()  # subjects and texts
HTML = _Language(autoescape=True)
TRACKED_HTML = _language_with_links()  # HTML whose links we have wrapped
