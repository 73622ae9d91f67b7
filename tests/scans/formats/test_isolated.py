"""A reader's process may die; its caller and the next scan do not notice."""

import errno
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from orienteer.errors import ScanError
from orienteer.scans.findings import refusal
from orienteer.scans.formats import isolated as isolation
from orienteer.scans.formats.format import Format
from orienteer.scans.formats.header import Header
from orienteer.scans.formats.isolated import isolated
from orienteer.scans.formats.registry import FORMATS
from orienteer.scans.reading import inspect
from orienteer.scans.source import Source


def doubled(array: NDArray) -> NDArray:
    print("a library that prints")
    return array * 2


def end(number: int) -> None:
    os.kill(os.getpid(), number)


def refuse() -> None:
    raise refusal("truncated", "scan.mha: the data ends before the last voxel")


def give_up() -> None:
    try:
        raise RuntimeError("what ITK says")
    except RuntimeError:
        raise refusal("damaged", "scan.mha: the compressed voxels are damaged") from None


def no_memory() -> None:
    raise OSError(errno.ENOMEM, "no memory")


def own_process() -> int:
    time.sleep(0.05)
    return os.getpid()


@pytest.mark.parametrize("order", ["C", "F"])
def test_isolated__arrays_come_back_as_they_are(order: str) -> None:
    array = np.asarray(np.random.default_rng(0).normal(size=(2, 3, 4, 5)), order=order)  # type: ignore[call-overload]
    answer = isolated(doubled, array)
    np.testing.assert_array_equal(answer, array * 2)
    answer[0] = 0  # its owner may write to it
    assert answer.flags[f"{order}_CONTIGUOUS"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGABRT, "reader-crashed"), (signal.SIGSEGV, "reader-crashed"), (9, "worker-died")]
)
def test_isolated__a_crash_is_a_refusal_and_the_next_call_is_answered(number: int, code: str) -> None:
    with pytest.raises(ScanError) as error:
        isolated(end, number)
    assert error.value.code == code
    assert isolated(doubled, np.ones(1)) == 2


def test_end_readers__none_waits_and_the_next_call_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_POOL", isolation._Pool())
    first = isolated(os.getppid)
    isolation.end_readers()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert isolated(os.getppid) != first


def test_isolated__errors_keep_what_they_say() -> None:
    with pytest.raises(ScanError, match="before the last voxel") as refused:
        isolated(refuse)
    assert (refused.value.code, bool(refused.value.cure)) == ("truncated", True)
    with pytest.raises(OSError, match="no memory") as failed:
        isolated(no_memory)
    assert failed.value.errno == errno.ENOMEM
    with pytest.raises((AttributeError, pickle.PicklingError)):
        isolated(lambda: None)  # nothing that can travel
    assert isolated(doubled, np.ones(1)) == 2


def test_isolated__threads_have_processes_of_their_own_which_serve_again() -> None:
    with ThreadPoolExecutor(2) as pool:
        first = set(pool.map(lambda _: isolated(own_process), range(4)))
    assert len(first) == 2 and os.getpid() not in first
    assert isolated(own_process) in first


@pytest.mark.parametrize(("function", "again"), [(refuse, True), (give_up, False), (no_memory, False)])
def test_isolated__a_process_whose_library_broke_reads_no_other_scan(function: Callable[[], None], again: bool) -> None:
    """It may have written where it must not, and the next scan would be wrong without a word."""
    before = isolated(own_process)
    with pytest.raises((ScanError, OSError)):
        isolated(function)
    assert (isolated(own_process) == before) is again


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_isolated__an_answer_follows_a_failure_with_forks_and_without(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_POOL", isolation._Pool())
    monkeypatch.setattr(isolation, "CHILD", f"import sys; sys.platform = {platform!r}; {isolation.CHILD}")
    started = []
    honest = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **named: started.append(1) or honest(*args, **named))  # type: ignore[func-returns-value]
    for _ in range(3):
        with pytest.raises(ScanError, match="damaged"):
            isolated(give_up)
        with pytest.raises(ScanError, match="before the last voxel"):
            isolated(refuse)
    assert isolated(doubled, np.ones(1)) == 2
    assert len(started) == (1 if platform == "linux" else 4), "a child whose library broke is replaced"


def test_isolated__the_process_ends_with_its_parent() -> None:
    """Even where the parent is killed."""
    code = (
        "import os; from orienteer.scans.formats.isolated import isolated; print(isolated(os.getpid), flush=True);"
        " os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    child = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            return
        time.sleep(0.05)
    pytest.fail("it lives on")


class CrashingFormat(Format[Header]):
    """A format whose library ends the process on every file."""

    name = "crashing"
    extensions = (".crash",)
    native = True

    def read_header(self, source: Source) -> Header:
        os.abort()

    def read_voxels(self, source: Source, header: Header) -> NDArray:
        os.abort()


def test_inspect__a_reader_that_crashes_costs_one_scan(tmp_path: Path) -> None:
    (tmp_path / "a.crash").write_bytes(b"x")
    FORMATS.register(CrashingFormat)
    try:
        found = inspect(Source((tmp_path / "a.crash",), "crashing", "a.crash", tmp_path)).findings
    finally:
        FORMATS.unregister("crashing")
    assert [finding.code for finding in found] == ["reader-crashed"] and "SIGABRT" in found[0].message


@pytest.mark.parametrize("name", ["NRRD", "MetaImage", "DICOM"])
def test_formats__native_ones_are_read_elsewhere(name: str) -> None:
    assert FORMATS[name].native and not FORMATS["NIfTI"].native
