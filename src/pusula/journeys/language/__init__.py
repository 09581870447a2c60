"""The journey language: a closed, typed tree of steps read from YAML or JSON, and said in words."""

from pusula.journeys.language.dump import dump
from pusula.journeys.language.graph import Graph, Node, graph
from pusula.journeys.language.nodes import Journey, Step
from pusula.journeys.language.parse import parse
from pusula.journeys.language.schema import Names
from pusula.journeys.language.sentences import sentences
from pusula.segments.language.place import DefinitionError

__all__ = [
    "DefinitionError",
    "Graph",
    "Journey",
    "Names",
    "Node",
    "Step",
    "dump",
    "graph",
    "parse",
    "sentences",
]
