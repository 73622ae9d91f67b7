"""The examples in the docstrings of public classes run, and give what they say.

They run in a folder with a ``store`` of phantoms, a ``run`` that learned from it, and scans ``scan.nii.gz`` and
``other.nii.gz``; the open store is their ``store``.
"""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import nibabel
import pytest

import orienteer
from orienteer.runs.pretrain import pretrain
from orienteer.store import Store
from orienteer.testing.phantom import phantom, phantom_store
from tests.pages import REPOSITORY
from tests.runs.conftest import tiny

MODULES = (
    "orienteer.api",
    "orienteer.errors",
    "orienteer.losses",
    "orienteer.networks",
    "orienteer.pretext",
    "orienteer.pretext.contract",
    "orienteer.records.card",
    "orienteer.records.metric",
    "orienteer.runs.settings",
    "orienteer.registry",
    "orienteer.runs.ask",
    "orienteer.runs.run",
    "orienteer.ingest.options",
    "orienteer.ingest.split",
    "orienteer.runs.transforms",
    "orienteer.sampling.dataset",
    "orienteer.store.columns",
    "orienteer.store.store",
    "orienteer.testing.phantom",
)
"""Where there are examples; every one of these modules has at least one."""


def examples(name: str) -> list[doctest.DocTest]:
    found = doctest.DocTestFinder().find(importlib.import_module(name), name)
    return [test for test in found if test.examples]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    store = phantom_store(folder)
    settings = tiny(
        "network={size: tiny}", "tasks={gap: {}, position: {}}", "optimiser.steps=1", "evaluation.final_per_scan=2"
    )
    pretrain(store, folder / "run", settings=settings, progress=False)
    volume, _ = phantom(person=9)
    for name in ("scan", "other"):
        nibabel.save(nibabel.Nifti1Image(volume.array[0], volume.affine), folder / f"{name}.nii.gz")
    return folder


def test_examples__the_first_lines_of_the_readme_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (block,) = re.findall(
        r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert (folder / "run" / "report.html").is_file()


@pytest.mark.parametrize("name", orienteer.__all__)
def test_examples__every_public_name_has_one_that_runs(name: str) -> None:
    public = getattr(orienteer, name)
    module = public.__name__ if inspect.ismodule(public) else public.__module__
    assert module in MODULES
    assert any(test.examples for test in doctest.DocTestFinder().find(public, name)), f"{name}: no example"


@pytest.mark.parametrize("name", MODULES)
def test_examples__run_and_give_what_they_say(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert examples(name), f"no example in {name}"
    for test in examples(name):
        skipped = [each.source for each in test.examples if each.options.get(doctest.SKIP)]
        assert not skipped, f"{test.name} is not run: {skipped}"
        test.globs["store"] = Store.open("store")
        report: list[str] = []
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(test, out=report.append)
        assert not report, "".join(report)
