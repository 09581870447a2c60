"""Definitions as the flat fields of an HTML form, and the fields read back as a document.

The fields, all of them text:

``key``, ``title.tr``, ``title.en``, ``description.tr``, ``description.en``
    The words of the definition.
``n``
    The ids of the nodes, separated by blanks, each behind its parent; siblings in their order.
``p.ID``
    The id of the parent; the root has none.
``k.ID``
    The kind: ``all``, ``any``, ``not``, or the word of a leaf (``trait``, ``orders`` …).
``f.ID.PATH``
    One value of a leaf: ``f.3.where.region.is``. The words of a path are joined by dots; a dot, a
    per cent sign or digits alone in a word are escaped as in an address (``%2E``); entries of a
    list are numbered from 0. An empty value says nothing and is left out.
``t.ID.PATH``
    The type of that value where it is no plain text: ``number``, ``yes_no`` (true or false),
    ``lines`` or ``numbers`` (a list, one entry a line).
``o.ID.PATH``
    The word chosen for a part of paths that starts with ``?``: ``o.3.count.?`` = ``at_least`` makes
    ``f.3.count.?`` mean ``f.3.count.at_least``, so that a menu can stand beside its value. If the
    word chosen is ``known`` or ``unknown`` it is the whole test.
``y.ID``
    A leaf as YAML text, in place of all its ``f.ID``: for what has no widget.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import yaml

from pusula.segments.language.documents import read_yaml
from pusula.segments.language.place import DefinitionError

GROUPS = ("all", "any", "not")
_WORDS = ("title", "description")
_LANGUAGES = ("tr", "en")
# Lists of any length are typed into one box, a line each; the entries of others have a field each.
_LINES = frozenset({"in", "not_in", "has_any", "has_all", "name", "month", "weekday"})
_COMPARING = frozenset({"at_least", "at_most", "more_than", "less_than", "between", "rank"})
_WHOLE_TESTS = ("known", "unknown")
_NODES = 500
_PATH = 20  # words
_DIGITS = 40
_ID = re.compile(r"[a-z0-9]{1,12}")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)

Fields = dict[str, str]


class _NoFields(Exception):  # noqa: N818 - no error, a way out
    """A leaf says something that fields cannot carry."""


def to_form(document: Mapping[str, Any]) -> Fields:
    """Return the fields of a definition as ``dump`` gives it; words or ``where`` may be missing."""
    fields: Fields = {}
    if "segment" in document:
        fields["key"] = document["segment"]
    for name in _WORDS:
        texts = document.get(name, {})
        fields |= {f"{name}.{language}": texts[language] for language in texts}
    if "where" in document:
        fields |= _nodes(document["where"])
    return fields


def from_form(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the document that the fields say: what ``parse`` reads, or tells what is wrong with.

    Raises ``DefinitionError`` with ``node ID`` as its path where the fields make no tree.
    """
    document: dict[str, Any] = {}
    if key := fields.get("key", "").strip():
        document["segment"] = key
    for name in _WORDS:
        texts = {each: fields.get(f"{name}.{each}", "").strip() for each in _LANGUAGES}
        if any(texts.values()):
            document[name] = {language: text for language, text in texts.items() if text}
    ids = node_ids(fields)
    if ids:
        document["where"] = _tree(fields, ids)
    return document


def node_ids(fields: Mapping[str, str]) -> list[str]:
    """Return the ids of the nodes in order; raise ``DefinitionError`` if they make no tree."""
    ids = fields.get("n", "").split()
    if len(ids) > _NODES:
        raise DefinitionError(
            "form", f"{len(ids)} nodes are too many, at most {_NODES} are allowed"
        )
    seen: set[str] = set()
    for i, node in enumerate(ids):
        if not _ID.fullmatch(node) or node in seen:
            raise _wrong(node, "an id is up to 12 small letters and digits, each id there once")
        parent = fields.get(f"p.{node}", "")
        if bool(parent) != bool(i):
            raise _wrong(node, "the first node, and no other, stands without a parent")
        if parent and parent not in seen:
            raise _wrong(node, f"its parent {parent!r} must come before it")
        if parent and fields.get(f"k.{parent}") not in GROUPS:
            raise _wrong(node, f"its parent {parent!r} is no group")
        seen.add(node)
    return ids


def node_paths(fields: Mapping[str, str]) -> dict[str, str]:
    """Return where each node stands in the document (``where.all[1].not``), by id.

    An error of ``parse`` belongs to the node with the longest path that its own starts with.
    """
    found: dict[str, str] = {}
    n_children: dict[str, int] = {}
    for node in node_ids(fields):
        parent = fields.get(f"p.{node}", "")
        if not parent:
            found[node] = "where"
            continue
        kind, index = fields[f"k.{parent}"], n_children.get(parent, 0)
        n_children[parent] = index + 1
        found[node] = f"{found[parent]}.{kind}" + ("" if kind == "not" else f"[{index}]")
    return found


def as_text(fields: Mapping[str, str], node: str) -> Fields:
    """Return the fields with the leaf ``node`` as YAML text to edit."""
    return _without_leaf(fields, node) | {f"y.{node}": _written(_leaf(fields, node))}


def as_fields(fields: Mapping[str, str], node: str) -> Fields:
    """Return the fields with the leaf ``node`` in fields of its own, if they can carry it."""
    return _without_leaf(fields, node) | _leaf_fields(node, _leaf(fields, node))


def _wrong(node: str, problem: str) -> DefinitionError:
    return DefinitionError(f"node {node}", problem)


# From the document to fields.


def _nodes(where: Mapping[str, Any]) -> Fields:
    fields: Fields = {}
    ids: list[str] = []
    waiting: list[tuple[Mapping[str, Any], str]] = [(where, "")]
    while waiting:
        part, parent = waiting.pop()
        ((kind, body),) = part.items()
        ids.append(node := str(len(ids) + 1))
        fields[f"k.{node}"] = kind
        if parent:
            fields[f"p.{node}"] = parent
        if kind == "not":
            waiting.append((body, node))
        elif kind in GROUPS:
            waiting += [(each, node) for each in reversed(body)]
        else:
            fields |= _leaf_fields(node, body)
    return {"n": " ".join(ids), **fields}


def _leaf_fields(node: str, body: object) -> Fields:
    try:
        values = list(_flat(body, (), ""))
    except _NoFields:
        return {f"y.{node}": _written(body)}
    fields: Fields = {}
    for path, kind, text in values:
        name = ".".join([node, *path])
        fields[f"f.{name}"] = text
        if kind != "text":
            fields[f"t.{name}"] = kind
    return fields


def _flat(
    body: object, path: tuple[str, ...], word: str
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    match body:
        case bool():
            yield path, "yes_no", "true" if body else "false"
        case int() | float():
            yield path, "number", repr(body)
        case str():
            yield path, "text", _line(body)
        case dict() if body:
            for key, value in body.items():
                yield from _flat(value, (*path, _escaped(key)), key)
        case list() if body and word in _LINES:
            yield path, *_lines(body)
        case list() if body:
            for i, value in enumerate(body):
                yield from _flat(value, (*path, str(i)), "")
        case _:
            raise _NoFields


def _lines(values: list[object]) -> tuple[str, str]:
    if all(isinstance(value, str) for value in values):
        return "lines", "\n".join(_line(str(value)) for value in values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "numbers", "\n".join(repr(value) for value in values)
    raise _NoFields


def _line(text: str) -> str:
    """Return a text that survives a form: one line, nothing around it that a browser may drop."""
    if not text or text != text.strip() or not text.isprintable():
        raise _NoFields
    return text


def _escaped(key: str) -> str:
    if not key or key != key.strip() or not key.isprintable():
        raise _NoFields
    escaped = key.replace("%", "%25").replace(".", "%2E").replace("?", "%3F")
    return f"%{ord(escaped[0]):02X}{escaped[1:]}" if _is_index(escaped) else escaped


def _is_index(word: str) -> bool:
    return word.isascii() and word.isdigit()


class _Dumper(yaml.SafeDumper):
    """Plain YAML without anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - whatever it is
        return True


def _written(body: object) -> str:
    text: str = yaml.dump(body, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=88)
    return text.removesuffix("\n...\n").removesuffix("\n")


# From fields to the document.


def _tree(fields: Mapping[str, str], ids: list[str]) -> dict[str, Any]:
    """Return the condition of the first node; children stand behind their parents in ``ids``."""
    children: dict[str, list[dict[str, Any]]] = {node: [] for node in ids}
    condition: dict[str, Any] = {}
    for node in reversed(ids):
        kind = fields.get(f"k.{node}", "").strip()
        parts = children[node][::-1]
        if not kind:
            raise _wrong(node, "choose what it asks for")
        if kind == "not":
            if len(parts) != 1:
                raise _wrong(node, f"'not' has one part, found {len(parts)}; join several with all")
            condition = {kind: parts[0]}
        else:
            condition = {kind: parts if kind in GROUPS else _leaf(fields, node)}
        if parent := fields.get(f"p.{node}"):
            children[parent].append(condition)
    return condition


def _leaf(fields: Mapping[str, str], node: str) -> object:
    if text := fields.get(f"y.{node}", "").strip():
        try:
            return read_yaml(text)
        except DefinitionError as error:
            raise _wrong(node, error.message) from error
    said = dict(_said(fields, node))
    if () in said:
        if len(said) > 1:
            raise _wrong(node, "a value and fields below it cannot both be said")
        return said[()]
    tree: dict[str, Any] = {}
    for words, value in said.items():
        _put(node, tree, words, value)
    return _listed(tree)


def _said(fields: Mapping[str, str], node: str) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield the words of the path to each value, the chosen ones filled in, and the value."""
    choices = {
        tuple(name.split(".")[2:]): _escaped_choice(node, word.strip())
        for name, word in fields.items()
        if name.startswith(f"o.{node}.") and word.strip()
    }
    for path, word in choices.items():
        if word in _WHOLE_TESTS:
            yield _filled(node, path[:-1], choices), word
    for name, text in fields.items():
        if (name == f"f.{node}" or name.startswith(f"f.{node}.")) and text.strip():
            words = tuple(name.split(".")[2:])
            if not any(choices.get(words[: i + 1]) in _WHOLE_TESTS for i in range(len(words))):
                filled = _filled(node, words, choices)
                kind = fields.get(f"t{name[1:]}", "")
                yield filled, _typed(node, filled, text.strip(), kind)


def _escaped_choice(node: str, word: str) -> str:
    try:
        return _escaped(word)
    except _NoFields:
        raise _wrong(node, f"{word!r} cannot be chosen") from None


def _filled(
    node: str, path: tuple[str, ...], choices: Mapping[tuple[str, ...], str]
) -> tuple[str, ...]:
    words = []
    for i, word in enumerate(path):
        if not word.startswith("?"):
            words.append(word)
        elif path[: i + 1] in choices:
            words.append(choices[path[: i + 1]])
        else:
            raise _wrong(node, f"choose what {'.'.join(path[: i + 1])!r} stands for")
    return tuple(words)


def _typed(node: str, path: tuple[str, ...], text: str, kind: str) -> object:
    is_size = not _COMPARING.isdisjoint(path[-2:])  # amounts of money do not look like numbers
    if not kind and is_size and _NUMBER.fullmatch(text):
        kind = "number"
    match kind:
        case "" | "text":
            return text
        case "number":
            return _number(node, path, text)
        case "yes_no" if text in ("true", "false"):
            return text == "true"
        case "lines":
            return [line.strip() for line in text.splitlines() if line.strip()]
        case "numbers":
            lines = (line.strip() for line in text.splitlines())
            return [_number(node, path, line) for line in lines if line]
    raise _wrong(node, f"{text!r} at {'.'.join(path)} is no {kind}")


def _number(node: str, path: tuple[str, ...], text: str) -> int | float:
    if not _NUMBER.fullmatch(text) or len(text) > _DIGITS:
        raise _wrong(node, f"expected a number at {'.'.join(path)}, found {text[:_DIGITS]!r}")
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _put(node: str, tree: dict[str, Any], words: tuple[str, ...], value: object) -> None:
    if len(words) > _PATH:
        raise _wrong(node, f"paths have at most {_PATH} words")
    for word in words[:-1]:
        tree = tree.setdefault(word, {})
        if not isinstance(tree, dict):
            raise _wrong(node, f"{word!r} is a value and has fields below it")
    if words[-1] in tree:
        raise _wrong(node, f"{words[-1]!r} is said twice")
    tree[words[-1]] = value


def _listed(tree: object) -> object:
    """Return the mappings whose words are all numbers as lists, the words of others unescaped."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(_is_index(word) for word in tree):
        return [_listed(tree[word]) for word in sorted(tree, key=int)]
    return {unquote(word): _listed(value) for word, value in tree.items()}


def _without_leaf(fields: Mapping[str, str], node: str) -> Fields:
    return {
        name: text
        for name, text in fields.items()
        if not (name.split(".")[0] in "ftoy" and name.split(".")[1:2] == [node])
    }
