"""Structured fuzzing of every reader, short and always the same: see tests/fault_lab/fuzz.py for the long one.

Hypothesis chooses the changes, one child process reads all of them with a limit on memory and on time.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.errors import OrienteerError
from tests.fault_lab.fuzz import in_batches, mutated, write_input
from tests.fault_lab.readers import Reader, readers
from tests.forked import forked

INPUTS = 6
"""Of each reader; the seeds are fixed."""

ROOM = 400 << 20
"""Bytes a reader of these small files may add to memory."""


def _run(base: Path) -> dict[str, tuple[int, int, list[str]]]:
    """In a process of its own, whose ITK has one thread: forks of pytest's could hang."""
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    told = {}
    for reader in readers(base):
        tried, _, grown, findings = in_batches(reader, base, f"test {reader.name}", INPUTS)
        told[reader.name] = (tried, grown, findings)
    return told


def test_readers__no_input_crashes_hangs_or_takes_the_memory(tmp_path: Path) -> None:
    told = forked(_run, tmp_path / "fuzz")
    assert len(told) >= 17
    assert {name: findings for name, (_, _, findings) in told.items() if findings} == {}
    assert {name: grown >> 20 for name, (_, grown, _) in told.items() if grown > ROOM} == {}
    assert all(tried == INPUTS for tried, _, _ in told.values())


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Reader]]:
    """The readers of our own files, which are plain Python and can be tried in this process."""
    found = readers(tmp_path_factory.mktemp("records") / "base")
    names = ("manifest", "private file", "journal", "table", "settings", "observations", "checkpoint state.json")
    yield [reader for reader in found if reader.name in names]


@settings(max_examples=60, derandomize=True)
@given(data=st.data())
def test_records__refuse_what_they_cannot_read_and_nothing_else_happens(
    records: list[Reader], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    reader = data.draw(st.sampled_from(records), label="reader")
    whole = reader.seeds[0].read_bytes()
    kind = data.draw(st.sampled_from(("bytes", "piece", "cut", "random")), label="kind")
    if kind == "bytes":
        changed = data.draw(st.binary(max_size=400))
    elif kind == "piece":
        start = data.draw(st.integers(0, len(whole)))
        stop = data.draw(st.integers(start, min(len(whole), start + 40)))
        changed = whole[:start] + data.draw(st.binary(max_size=40)) + whole[stop:]
    elif kind == "cut":
        changed = whole[: data.draw(st.integers(0, len(whole)))]
    else:
        changed = mutated(whole, whole, reader.header, random.Random(data.draw(st.integers(0, 2**32))))
    place = tmp_path_factory.getbasetemp() / "one"
    path = write_input(reader, place, random.Random(0))
    path.write_bytes(changed)
    try:
        reader.read(path)
    except OrienteerError as error:
        assert error.cure and error.message


def test_fuzz__the_same_seed_gives_the_same_input(records: list[Reader], tmp_path: Path) -> None:
    inputs = [write_input(records[0], tmp_path / "one", random.Random("7 x")).read_bytes() for _ in range(2)]
    other = write_input(records[0], tmp_path / "one", random.Random("8 x")).read_bytes()
    assert inputs[0] == inputs[1] != other
