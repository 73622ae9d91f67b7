"""No module knows a task, a metric or a probe by name, or asks what a task is rather than what it can do.

Read off the source itself. Names may stand as strings in a task's own file, in what tasks share, in the registry, in
the default recipe and beside the probes; everything else reads cards. Docstrings may name what they like.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import orienteer
from orienteer.evaluation.probes import PROBES
from orienteer.pretext.registry import TASKS, task_type

SOURCE = Path(orienteer.__file__).parent
METRICS = {metric.name for name in TASKS for metric in task_type(name).card.metrics}
NAMES = {*TASKS, *PROBES, *METRICS}
SHARED = {"pretext/displacement.py", "pretext/registry.py", "pretext/recipe.py", "evaluation/probes.py"}
HOME = {*SHARED, *(f"pretext/{name}.py" for name in TASKS)}

EDGE = "what SciPy puts beyond an array's edge"
LOSS, WALK, FLAT = "a loss of the public surface", "a kind of walk over views", "the finding that a scan has one value"
ORDINARY = {
    ("demo/person.py", "constant"): EDGE,
    ("demo/template.py", "constant"): EDGE,
    ("localize/correspond.py", "constant"): EDGE,
    ("localize/found.py", "position"): "a key of Slicer's markups",
    ("losses/__init__.py", "adjacency"): LOSS,
    ("losses/__init__.py", "gap"): LOSS,
    ("losses/__init__.py", "masked"): LOSS,
    ("losses/__init__.py", "position"): LOSS,
    ("losses/__init__.py", "route"): LOSS,
    ("losses/adjacency.py", "border"): "what torch samples beyond a map's edge",
    ("losses/routes.py", "route"): WALK,
    ("records/scores.py", "position"): "the position of a view, read out of frozen features",
    ("sampling/cut.py", "constant"): EDGE,
    ("scans/catalogue.py", "constant"): FLAT,
    ("scans/plausibility.py", "constant"): FLAT,
    ("store/intensity.py", "constant"): FLAT,
}
"""Words that mean something else where they stand: file and word, and what is meant."""


@cache
def files() -> tuple[tuple[str, ast.Module], ...]:
    paths = sorted(SOURCE.rglob("*.py"))
    return tuple((path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


def strings(tree: ast.AST) -> Iterator[str]:
    """Every string that is no docstring, and no comment on a field below it."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def named(text: str, names: set[str]) -> set[str]:
    """Names in a string: plain words when they are all of it, names with an underscore anywhere; ``<task>.parquet``."""
    whole = text.removesuffix(".parquet").removesuffix("_chance").removesuffix("_interval")
    return {name for name in names if name == whole or ("_" in name and re.search(rf"(?<![\w.]){name}(?!\w)", text))}


@cache
def found() -> set[tuple[str, str]]:
    return {
        (place, name)
        for place, tree in files()
        if place not in HOME
        for text in strings(tree)
        for name in named(text, NAMES)
    }


def test_names__the_search_finds_what_is_there() -> None:
    """The proof below would prove nothing if it saw no strings at all."""
    tree = ast.parse('"""gap"""\nx: int = 0\n"""gap"""\ny = {"gap": f"see {x} gap_error_mm"}\nz = "a gap"\n')
    assert [name for text in strings(tree) for name in sorted(named(text, NAMES))] == ["gap", "gap_error_mm"]
    assert named("gap.parquet", NAMES) == {"gap"} and named("gap_error_mm_chance", NAMES) == {"gap_error_mm"}
    own = dict(files())["pretext/gap.py"]
    assert "gap" in {name for text in strings(own) for name in named(text, NAMES)}


def test_names__no_module_knows_a_task_a_metric_or_a_probe_by_name() -> None:
    assert found() - set(ORDINARY) == set()


def test_names__an_ordinary_word_that_is_gone_is_taken_off_the_list() -> None:
    assert set(ORDINARY) - found() == set()


@pytest.mark.parametrize("name", TASKS)
def test_names__a_tasks_own_file_names_no_other_task(name: str) -> None:
    text = (SOURCE / "pretext" / f"{name}.py").read_text(encoding="utf-8")
    ordinary = {word for place, word in OWN_WORDS if place == name}
    others = {other for each in strings(ast.parse(text)) for other in named(each, set(TASKS) - {name})}
    assert others - ordinary == set()


OWN_WORDS = {("route", "gap")}
"""Words in a task's own file that are another task's name and mean something else there."""


def concrete(node: ast.Call) -> Iterator[str]:
    """Names of the classes that an ``isinstance`` asks about."""
    if isinstance(node.func, ast.Name) and node.func.id == "isinstance" and len(node.args) == 2:
        for part in ast.walk(node.args[1]):
            if isinstance(part, ast.Name):
                yield part.id
            elif isinstance(part, ast.Attribute):
                yield part.attr


def test_names__nobody_asks_what_a_task_is() -> None:
    """Only what it can do: ``PredictsPositions``, ``RestoresImages``."""
    kinds = {task_type(name).__name__ for name in TASKS} | {task_type(name).settings_type.__name__ for name in TASKS}
    asked = {
        (place, name)
        for place, tree in files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for name in concrete(node)
    }
    assert asked & {(place, name) for place, _ in files() for name in kinds} == set()
    assert ("evaluation/restored.py", "RestoresImages") in asked, "the search sees nothing"


def test_names__no_settings_are_asserted_to_be_of_a_class() -> None:
    asserted = {
        (place, name)
        for place, tree in files()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        for name in concrete(call)
        if name.endswith(("Settings", "Config", "Rule"))
    }
    assert asserted == set()
