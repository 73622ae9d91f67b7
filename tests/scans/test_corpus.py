"""A short version of tests/fault_lab/corpus.py: damaged phantoms, each in a child process of its own."""

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orienteer.scans.check import check
from tests.fault_lab.corpus import FAILURES
from tests.fault_lab.mutants import Mutant, make_corpus
from tests.fault_lab.trial import Ended, in_child, judge, look, place
from tests.forked import forked

EVERY = 23
"""One mutant in so many; which ones is the same in every run."""

LIMIT_SECONDS = 10
GROWTH_BYTES = 200 << 20
"""Far above a phantom's own need, far below any of the bombs."""

Corpus = tuple[Path, list[Mutant]]
Lean = Callable[..., Any]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    out = tmp_path_factory.mktemp("corpus")
    return out, forked(make_corpus, out, None, every=EVERY)


@pytest.fixture(scope="module")
def lean() -> Iterator[Lean]:
    """Calls a function in a process with the readers alone: the less it holds, the sooner it is forked."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield lambda function, *args: pool.apply(function, args)


def _looked(folder: Path) -> dict[str, Any]:
    return in_child(lambda: look(folder)).answer


def _tried(folder: Path) -> tuple[Ended, Ended]:
    ended = in_child(lambda: look(folder), LIMIT_SECONDS)
    readable = any(scan["read"] for scan in ended.answer.get("scans", []))
    return ended, in_child(lambda: place(folder), LIMIT_SECONDS) if readable else Ended()


def test_corpus__every_honest_phantom_is_read_and_placed_as_an_independent_reader_does(
    corpus: Corpus, lean: Lean
) -> None:
    for folder in (corpus[0] / "honest").iterdir():
        ended, placed = lean(_tried, folder)
        assert [scan["read"] for scan in ended.answer["scans"]] == [True], folder.name
        (distance,) = placed.answer["distances"]
        assert distance < 0.01, folder.name


def test_corpus__no_mutant_crashes_hangs_or_is_lost(corpus: Corpus, lean: Lean) -> None:
    out, mutants = corpus
    assert len(mutants) >= 60
    honest = {folder: lean(_looked, folder) for folder in (out / "honest").iterdir()}
    bad = {}
    for mutant in mutants:
        ended, placed = lean(_tried, mutant.folder)
        outcome, why = judge(ended, placed, mutant.lossy, honest[mutant.honest])
        if outcome in FAILURES or ended.grown > GROWTH_BYTES:
            bad[mutant.name] = (outcome, why, ended.grown >> 20)
    assert bad == {}


def test_corpus__the_whole_folder_is_checked_and_every_entry_told(corpus: Corpus) -> None:
    folder = corpus[0] / "mutants"
    result = check(folder, workers=1, progress=False)
    told = {scan.source.paths[0].relative_to(folder).parts[0] for scan in result.scans}
    told |= {skip.relative.split("/")[0] for skip in result.skipped}
    assert told == {entry.name for entry in folder.iterdir()}
