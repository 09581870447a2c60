"""What compiled templates call: Liquid's own rules for values, made quick for the usual ones.

Where something is out of the ordinary these raise, and the interpreter is asked instead; only a
render whose time is over is not tried again.
"""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import islice
from typing import Any

from liquid import Environment, RenderContext
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions import logical as logic
from liquid.builtin.filters.misc import default as _liquid_default
from liquid.expression import Expression
from liquid.limits import to_int
from liquid.stringify import to_liquid_string
from liquid.undefined import Undefined
from markupsafe import Markup, escape

from pusula.content import filters

TEXT_LIMIT = 512 * 1024  # characters of any text a render makes
LIST_LIMIT = 10_000  # items of any list, steps of any range, turns of nested loops
BUDGET_S = 1.0  # of processor time: a mail takes milliseconds; this is where a mistake ends

# A value under this name holds the links of the message being rendered; templates cannot spell it.
LINKS = "\0links"
WEB = ("http://", "https://")  # how links begin that lead to a page
OURS = frozenset({"unsubscribe_url", "preferences_url", "pixel_url", "forloop", "tablerowloop"})
SPECIAL = frozenset({"size", "first", "last"})  # what Liquid reads without it being there
_NOTHING = Undefined("")
_WORDS = (str, Markup)
_RULES = RenderContext(Environment().from_string(""))  # for reading what is not a plain key
# Filters whose result is not longer than a small multiple of what they get: no need of limits.
_HARMLESS = frozenset(
    {"date", "date_tr", "tr_upper", "tr_lower", "tr_title", "upcase", "downcase", "capitalize",
     "strip", "lstrip", "rstrip", "truncate", "round", "ceil", "floor"}
)  # fmt: skip


class OverTimeError(Exception):
    """The time of a render is over."""


class AskInterpreterError(Exception):
    """This render is the interpreter's."""


def is_field(expression: Expression, assigned: AbstractSet[str], looped: AbstractSet[str]) -> bool:
    """Return whether an output names a field of the data and no fallback for it.

    ``assigned`` are the names a template gives values to itself, ``looped`` those of its loops:
    what is below one of these is a field again.
    """
    if not isinstance(expression, FilteredExpression) or not isinstance(expression.left, Path):
        return False
    root, *keys = expression.left.path
    is_ours = not isinstance(root, str) or root in OURS or root in assigned
    if is_ours or (root in looped and not keys):
        return False
    return all(one.name != "default" for one in expression.filters or ())


def is_missing(value: object) -> bool:
    """Return whether a field has nothing to say; zero and false say something."""
    return value is None or value.__class__ is Undefined or (isinstance(value, str) and not value)


def target(text: str) -> str:
    """Return the address that an attribute's text is: what a browser reads there."""
    return html.unescape(text).strip()


def filter_of(name: str, bounded: Callable[..., Any]) -> Callable[..., Any]:
    """Return the filter called ``name`` without its limits where it cannot reach them."""
    inner: Callable[..., Any] = getattr(bounded, "__wrapped__", bounded)
    return inner if name in _HARMLESS else bounded


def _given(value: object) -> object:
    if is_missing(value):
        raise AskInterpreterError
    return value


def _missing() -> str:
    raise AskInterpreterError


def _get(value: Any, key: str) -> object:
    try:
        found: object = value[key]
    except (KeyError, TypeError, IndexError):
        return _NOTHING
    return found


def _item(value: object, key: object) -> object:
    try:
        found: object = _RULES.get_item(value, key)
    except (KeyError, TypeError, IndexError):
        return _NOTHING
    return found


def _eq(left: object, right: object) -> bool:
    if left.__class__ is str and right.__class__ in _WORDS:
        return left == right
    return bool(logic._eq(left, right))  # noqa: SLF001 - the rules that the interpreter goes by


def _path(given: Mapping[str, object], keys: tuple[str | int, ...]) -> object:
    value: Any = given.get(str(keys[0]), _NOTHING)
    for key in keys[1:]:
        is_plain = key.__class__ is str and key not in SPECIAL
        value = _get(value, str(key)) if is_plain else _item(value, key)
    return value


def _scoped(own: Mapping[str, object], given: Mapping[str, object], name: str) -> object:
    return own[name] if name in own else given.get(name, _NOTHING)


def _truth(value: object) -> bool:
    if value.__class__ is str:
        return True
    if value is None or value is False:
        return False
    return bool(logic.is_truthy(value))


def _html(value: object) -> str:
    kind = value.__class__
    if kind is str:
        return escape(value)
    return str(value) if kind is int else str(to_liquid_string(value, autoescape=True))


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(to_liquid_string(value, autoescape=False))


def _default(value: object, fallback: object) -> object:
    if value.__class__ is str:
        return value or fallback
    return fallback if value is None else _liquid_default(value, fallback)


def _currency(given: Mapping[str, object]) -> str:
    found = _path(given, ("company", "currency"))
    return "TRY" if found is _NOTHING else str(found)


def _code(currency: object, company: str) -> str:
    return str(currency) if currency else company


@lru_cache(maxsize=8_192, typed=True)
def _money(value: object, code: str) -> str:
    return filters.written_money(value, code)


@lru_cache(maxsize=8_192, typed=True)
def _money_html(value: object, code: str) -> str:
    return str(escape(filters.written_money(value, code)))


def _assign(own: dict[str, object], name: str, value: object) -> None:
    own[name] = value
    if sum(sys.getsizeof(one, 1) for one in own.values()) > TEXT_LIMIT:
        raise AskInterpreterError


def _items(
    value: Any, limit: int | None, offset: int | None, is_reversed: bool, outer: int
) -> tuple[Sequence[object] | Iterator[object], int]:
    """Return what a loop walks and how many there are, by Liquid's rules."""
    if isinstance(value, Mapping):
        found: Sequence[object] = list(value.items())
    elif isinstance(value, str):
        found = [value] if value else []
    else:
        found = value if isinstance(value, Sequence) else []
    start = offset or 0
    stop = None if limit is None else limit + start
    first = min(max(start, 0), len(found))
    last = min(stop or len(found), len(found))
    size = max(last - first, 0)
    if size * outer > LIST_LIMIT:
        raise AskInterpreterError
    if first or last < len(found):
        found = list(islice(found, first, last))
    return (list(reversed(found)) if is_reversed else found), size


def _number(value: object) -> int:
    return int(to_int(value))


def _click(given: Mapping[str, Any]) -> Callable[[str], str]:
    click: Callable[[str], str] = given[LINKS].click
    return click


def _clicks(given: Mapping[str, Any], targets: tuple[str, ...]) -> tuple[bytes, Sequence[bytes]]:
    """Return the addresses of all links that lead everybody to the same pages, as HTML.

    First how all of them begin, then how each goes on.
    """
    found: tuple[bytes, Sequence[bytes]] = given[LINKS].clicks(targets)
    return found


def _ends() -> float:
    return time.thread_time() + BUDGET_S


def _look(ends: float) -> None:
    if time.thread_time() > ends:
        raise OverTimeError


def _whole(parts: list[str]) -> str:
    if sum(map(len, parts)) > TEXT_LIMIT:
        raise AskInterpreterError
    return "".join(parts)


def _sent(parts: list[bytes]) -> bytes:
    # Letters beyond ASCII count more than once here: the interpreter counts them again.
    if sum(map(len, parts)) > TEXT_LIMIT:
        raise AskInterpreterError
    return b"".join(parts)


def _captured(parts: list[str]) -> Markup:
    return Markup(_whole(parts))  # noqa: S704 - each part was escaped when it was written


def _shorten(parts: list[str]) -> None:
    parts[:] = [_whole(parts)]


def _shorten_sent(parts: list[bytes]) -> None:
    parts[:] = [_sent(parts)]


NAMES: dict[str, object] = {
    "__builtins__": {"enumerate": enumerate, "len": len},
    "_le": logic._le,  # noqa: SLF001 - the rules that the interpreter goes by
    "_lt": logic._lt,  # noqa: SLF001
    "_contains": logic._contains,  # noqa: SLF001
    "_escape": escape,
    "_money_text": _money,
    "_target": target,
    "_eq": _eq,
    "_given": _given, "_missing": _missing, "_get": _get, "_item": _item, "_path": _path,
    "_scoped": _scoped, "_truth": _truth, "_html": _html, "_text": _text, "_default": _default,
    "_currency": _currency, "_code": _code, "_money": _money, "_money_html": _money_html,
    "_assign": _assign, "_items": _items, "_number": _number,
    "_click": _click, "_clicks": _clicks, "_ends": _ends, "_look": _look,
    "_whole": _whole, "_captured": _captured, "_shorten": _shorten,
    "_sent": _sent, "_shorten_sent": _shorten_sent, "_utf8": str.encode,
}  # fmt: skip
