"""The segment language: a closed, typed tree read from YAML or JSON, and said in plain words."""

from pusula.segments.language.documents import read_yaml
from pusula.segments.language.dump import dump, dump_condition
from pusula.segments.language.nodes import Condition, Definition
from pusula.segments.language.parse import parse, parse_condition
from pusula.segments.language.place import DefinitionError
from pusula.segments.language.references import (
    SegmentReferenceError,
    check_references,
    evaluation_order,
    leaves,
    references,
)
from pusula.segments.language.schema import Kind, Limits, Relation, Schema
from pusula.segments.language.sentences import sentence

__all__ = [
    "Condition",
    "Definition",
    "DefinitionError",
    "Kind",
    "Limits",
    "Relation",
    "Schema",
    "SegmentReferenceError",
    "check_references",
    "dump",
    "dump_condition",
    "evaluation_order",
    "leaves",
    "parse",
    "parse_condition",
    "read_yaml",
    "references",
    "sentence",
]
