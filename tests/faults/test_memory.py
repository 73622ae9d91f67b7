"""Want of memory and dying helpers: said in one line with the setting to change, and the rest goes on."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nibabel
import pytest
import torch

from orienteer import cli
from orienteer.cli import commands
from orienteer.errors import ConfigError, RunError, StoreError
from orienteer.memory import explained, ran_out
from orienteer.sampling.resilient import Numbers, resilient_batches

DEATH = "DataLoader worker (pid(s) 12) exited unexpectedly"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("itk::ERROR: ImportImageContainer: Failed to allocate memory for image."),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_explained__names_the_settings_whoever_ran_out(error: Exception) -> None:
    with pytest.raises(RunError, match="memory ran out") as caught, explained("lower optimiser.batch"):
        raise error
    assert caught.value.cure == "lower optimiser.batch" and caught.value.__cause__ is error


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ConfigError("optimiser.batch"), OSError(28, "full")])
def test_explained__leaves_other_errors_alone(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, explained("lower optimiser.batch"):
        raise error
    assert caught.value is error and not ran_out(error)


def test_torch__really_says_one_of_the_sayings() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50, dtype=torch.uint8)
    assert ran_out(caught.value)


def test_cli__out_of_memory_is_two_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands

    def app() -> None:
        raise MemoryError("Unable to allocate 3 TiB")

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "orienteer: memory ran out" and "--workers" in told[1] and "optimiser.batch" in told[1]


LIMITED = """
import resource, sys
import blosc2, nibabel, numpy
import orienteer.ingest.prepare  # the libraries come first: it is a scan that does not fit
from orienteer.ingest import IngestOptions, ingest
numpy.linalg.inv(numpy.eye(64)) @ numpy.ones((64, 64))  # BLAS takes its buffers once
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + (96 << 20), used + (96 << 20)))
result = ingest(sys.argv[1], sys.argv[2], IngestOptions(workers=1, keep_names=True, progress=False))
print(sorted(result.failed), [f.code for found in result.failed.values() for f in found], result.manifest.scans[0].id)
"""


def test_ingest__a_scan_that_does_not_fit_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    """96 MiB above what the process has: enough for the small scan, not for one of 128 MiB."""
    from tests.scans.files import nifti
    from tests.store.phantoms import AFFINE, body

    nifti(tmp_path / "in" / "small.nii", body(), AFFINE)
    header = nibabel.Nifti1Image(body(), AFFINE).header
    header.set_data_shape((512, 512, 256))
    with (tmp_path / "in" / "large.nii").open("wb") as stream:
        header["magic"], header["vox_offset"] = b"n+1", 352
        stream.write(header.binaryblock + bytes(4))
        stream.truncate(352 + 2 * 512 * 512 * 256)  # a hole: nothing is written
    command = [sys.executable, "-c", LIMITED, tmp_path / "in", tmp_path / "store"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("['large']") and "small" in ended.stdout
    assert "too-large" in ended.stdout or "out-of-memory" in ended.stdout


def batches(dying: list[int]) -> "tuple[list[Numbers], object]":
    """A loader that dies before each of the given batches, once each."""
    asked: list[Numbers] = []
    left = list(dying)

    def load(rest: Numbers) -> Iterator[int]:
        asked.append(rest)
        for (number,) in rest:
            if number in left:
                left.remove(number)
                raise RuntimeError(DEATH)
            yield number

    return asked, load


def test_resilient_batches__a_dead_worker_costs_no_batch_and_repeats_none(capsys: pytest.CaptureFixture[str]) -> None:
    asked, load = batches([2, 2, 5])
    assert list(resilient_batches(load, [[n] for n in range(7)])) == list(range(7))
    assert [rest[0] for rest in asked] == [[0], [2], [2], [5]]
    assert capsys.readouterr().err.count("a loader process was killed") == 3


def test_resilient_batches__gives_up_when_workers_die_one_after_the_other() -> None:
    _, load = batches([1, 1, 1])
    with pytest.raises(RunError, match="3 loader processes") as caught:
        list(resilient_batches(load, [[n] for n in range(3)]))
    assert "devices.workers" in caught.value.cure


def test_resilient_batches__other_errors_pass_and_ours_keep_their_words() -> None:
    def broken(rest: Numbers) -> Iterator[int]:
        raise RuntimeError("shape mismatch")
        yield

    with pytest.raises(RuntimeError, match="shape mismatch"):
        list(resilient_batches(broken, [[0]]))

    def damaged(rest: Numbers) -> Iterator[int]:
        raise StoreError(
            "Caught StoreError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n"
            "orienteer.errors.StoreError: /s/image.b2nd is damaged — ingest again\n"
        )
        yield

    with pytest.raises(StoreError) as caught:
        list(resilient_batches(damaged, [[0]]))
    assert (caught.value.message, caught.value.cure) == ("/s/image.b2nd is damaged", "ingest again")
