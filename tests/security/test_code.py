"""Nothing that comes from outside is ever code: what our own source may not contain."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pusula import __file__ as package

SOURCE = Path(package).parent
# They run what they are given, or unpack objects from it.
FORBIDDEN_CALLS = frozenset({"eval", "exec", "compile", "__import__", "extra"})
FORBIDDEN_MODULES = frozenset(
    {
        "pickle",
        "cPickle",
        "dill",
        "cloudpickle",
        "joblib",
        "marshal",
        "shelve",
        "torch",
        "jsonpickle",
    }
)
_REQUEST = re.compile(r"\brequest\.(GET|POST|FILES|COOKIES|META|headers|body)\b")
EXCEPTIONS = {
    # The template language writes a Python function from its own closed set of nodes.
    "content/compiling.py": {"compile", "exec"},
    # A method of the plan, not the builtin.
    "segments/kernel/explanation.py": {"compile"},
    # Tasks and answers between our own processes on a cluster; nothing from outside is unpacked.
    "pipeline/spark.py": {"pickle"},
    "segments/everybody/bucket.py": {"pickle"},
    "segments/everybody/means.py": {"pickle"},
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(SOURCE.rglob("*.py")):
        name = file.relative_to(SOURCE).as_posix()
        if "/migrations/" not in name:
            yield name, ast.parse(file.read_text(encoding="utf-8"), name)


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            target = node.func
            if isinstance(target, ast.Name):
                yield target.id, node
            elif isinstance(target, ast.Attribute) and target.attr in {"extra", "raw"}:
                yield target.attr, node


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def dangers(name: str, tree: ast.AST) -> list[str]:
    forbidden = (FORBIDDEN_CALLS | FORBIDDEN_MODULES) - EXCEPTIONS.get(name, set())
    found = [
        f"{name}:{call.lineno} calls {called}"
        for called, call in calls(tree)
        if called in forbidden & FORBIDDEN_CALLS
    ]
    found += [
        f"{name} imports {module}"
        for module in imported(tree)
        if module in forbidden & FORBIDDEN_MODULES
    ]
    found += [f"{name}:{line} expands a request" for line in expansions(tree)]
    return found


def expansions(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where what a request says names the arguments of a call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                told = ast.unparse(keyword.value)
                if keyword.arg is None and _REQUEST.search(told):
                    yield node.lineno


def test_no_module_runs_text_unpacks_objects_or_lets_a_request_name_arguments():
    assert [one for name, tree in modules() for one in dangers(name, tree)] == []


@pytest.mark.parametrize(
    ("text", "danger"),
    [
        ("eval(told)", "calls eval"),
        ("import pickle", "imports pickle"),
        ("from joblib import load", "imports joblib"),
        ("Profile.objects.filter(**request.POST.dict())", "expands a request"),
        ("Profile.objects.filter(**json.loads(request.body))", "expands a request"),
        ("Profile.objects.extra(where=[told])", "calls extra"),
    ],
)
def test_each_of_these_would_be_found(text, danger):
    (found,) = dangers("made_up.py", ast.parse(text))
    assert danger in found


def test_pages_and_doors_write_no_sql_of_their_own():
    """They ask the owners of rows; the one exception sets how long SQLite is waited for."""
    found = {
        name
        for name, tree in modules()
        if name.startswith(("web/", "api/"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"execute", "executemany"}
    }
    assert found <= {"api/tracking.py"}
