"""YAML or JSON text read into plain mappings, lists and scalars."""

from __future__ import annotations

from typing import Any, cast

import yaml

from pusula.segments.language.place import DefinitionError

_LONGEST = 200_000  # characters


def read_yaml(text: str) -> object:
    """Return the document written in YAML (or JSON); raise ``DefinitionError`` if it is none."""
    if len(text) > _LONGEST:
        raise DefinitionError("file", f"longer than {_LONGEST} characters")
    try:
        loader = _Loader(text)
        try:
            return cast("object", loader.get_single_data())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "file"
        raise DefinitionError(where, error.problem or "not YAML") from error
    except RecursionError as error:
        raise DefinitionError("file", "nested too deep") from error
    except (yaml.YAMLError, ValueError) as error:
        raise DefinitionError("file", f"not YAML: {error}") from error


class _Loader(yaml.SafeLoader):
    """Plain YAML in which days stay text and the first of two equal keys is not swallowed."""

    yaml_implicit_resolvers = {
        letter: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is a word", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands here twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
