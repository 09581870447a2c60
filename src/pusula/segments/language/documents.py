"""YAML or JSON text read into plain mappings, lists and scalars."""

from __future__ import annotations

import re
from typing import Any, cast

import yaml

from pusula.lib.sayings import Saying
from pusula.segments.language import complaints
from pusula.segments.language.place import DefinitionError

_LONGEST = 200_000  # characters
_MOST_NODES = 20_000  # words, mappings and lists
_DEEPEST = 60  # mappings and lists in one another; eight conditions need half of that


_FILE = Saying("file")


def read_yaml(text: str) -> object:
    """Return the document written in YAML (or JSON); raise ``DefinitionError`` if it is none."""
    if len(text) > _LONGEST:
        long = Saying("longer than %(most)s characters", {"most": _LONGEST})
        raise DefinitionError(_FILE, long)
    try:
        loader = _Loader(text)
        try:
            return cast("object", loader.get_single_data())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise DefinitionError(_where(mark) if mark else _FILE, _why(error)) from error
    except RecursionError as error:
        raise DefinitionError(_FILE, Saying("nested too deep")) from error
    except (yaml.YAMLError, ValueError) as error:
        raise DefinitionError(_FILE, Saying("not YAML: %(error)s", {"error": error})) from error


def _where(mark: yaml.Mark) -> Saying:
    return Saying(
        "line %(line)s, column %(column)s", {"line": mark.line + 1, "column": mark.column + 1}
    )


def _why(error: yaml.MarkedYAMLError) -> Saying | str:
    return complaints.of_yaml(error.problem) if error.problem else Saying("not YAML")


_TAG = "tag:yaml.org,2002:"
_REFUSED = {_TAG + "timestamp", _TAG + "merge", _TAG + "value"}
_NUMBERS = {
    _TAG + "int": re.compile(r"[-+]?(?:0|[1-9][0-9_]*)$"),
    _TAG + "float": re.compile(
        r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]*(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|nan)$"
    ),
}


class _Loader(yaml.SafeLoader):
    """Plain YAML in which days stay text and the first of two equal keys is not swallowed.

    ``010`` and ``1:30`` are no numbers: they would be 8 and 90. Aliases are refused: a few lines of
    them stand for more than any computer can read. So is what merges one mapping into another.
    """

    yaml_implicit_resolvers = {
        letter: [
            (tag, _NUMBERS.get(tag, pattern)) for tag, pattern in resolvers if tag not in _REFUSED
        ]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    depth = n_nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # its stubs lack it
        if self.check_event(yaml.AliasEvent):
            raise DefinitionError(
                _where(mark), Saying("write it out here: a definition has no aliases")
            )
        if self.depth == _DEEPEST:
            raise DefinitionError(_where(mark), Saying("nested too deep"))
        self.n_nodes += 1
        if self.n_nodes > _MOST_NODES:
            many = Saying("more than %(most)s words", {"most": _MOST_NODES})
            raise DefinitionError(_where(mark), many)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise DefinitionError(_where(key.start_mark), Saying("a key is a word"))
            if key.value in seen:
                twice = Saying("the key %(key)r stands here twice", {"key": key.value})
                raise DefinitionError(_where(key.start_mark), twice)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
