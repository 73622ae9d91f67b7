"""What an import costs and needs: no torch before it is asked for, nothing that Windows lacks."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orienteer

SOURCE = Path(orienteer.__file__).parent
POSIX = {"resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "readline", "curses"}
"""Modules of the standard library that Windows has not."""
HEAVY = ("torch", "monai", "lightning_fabric", "matplotlib", "plotly", "fastapi", "SimpleITK", "scipy", "pandas")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import__of_the_package_is_free() -> None:
    told = run(f"import sys, orienteer; print([name for name in {HEAVY} if name in sys.modules])")
    assert told == "[]"


def test_import__records_and_the_run_itself_need_no_torch() -> None:
    modules = "orienteer.records.evaluation, orienteer.records.card, orienteer.records.verdict, orienteer.report"
    assert run(f"import sys, {modules}; print('torch' in sys.modules)") == "False"


def on_import(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that run when the module is imported: all but those inside functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from on_import(node)


def names(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Top-level packages."""
    whole = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return {name.partition(".")[0] for name in whole}


def test_on_import__sees_classes_and_branches_but_not_functions() -> None:
    tree = ast.parse("import a\nif 1:\n import b.c\nclass C:\n from d import e\ndef f():\n import g\n")
    assert set().union(*map(names, on_import(tree))) == {"a", "b", "d"}


def test_source__imports_nothing_that_windows_lacks() -> None:
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lacking = set().union(*map(names, on_import(tree))) & POSIX
        assert not lacking, f"{path.relative_to(SOURCE)}: import {lacking} inside the function that needs it"


def test_import__of_everything_works_where_posix_modules_are_missing() -> None:
    """As on Windows, where each of them is an ImportError and processes have no affinity."""
    lacking = ("resource", "fcntl")  # libraries may import the others
    run(
        f"import os, sys, warnings; warnings.simplefilter('ignore'); sys.modules.update(dict.fromkeys({lacking}))\n"
        "del os.sched_getaffinity\nimport orienteer.api, orienteer.cli, orienteer.__main__\n"
    )


def test_peak_mb__is_unknown_where_the_system_does_not_say() -> None:
    ask = "from orienteer.memory import peak_mb; print(peak_mb())"
    assert run(f"import sys; sys.modules['resource'] = None; {ask}") == "None"
    assert float(run(ask)) > 5
