"""What time and memory cost as the number of scans grows: ``check``, ``ingest``, and twenty steps of ``pretrain``.

    python -m benchmarks.scale OUT [--scans 50,500,2000] [--side 40] [--workers 2] [--commands check ingest pretrain]
    python -m benchmarks.scale OUT --made 100000 1000000

Writes noise about a ball, NIfTI and NRRD in turns, a subject each, and runs the commands on ever more of them; with
``pretrain``, sixteen samples of each scan are asked for at a validation and 64 at the end. Peak memory is the sum over
all processes of the command, sampled every 50 ms, with shared pages counted once; processor time is theirs too, so that
other work on the machine does not count. Linux only.

With ``--made``, only a manifest of that many scans is made, without voxels. Printed are its size, the time and memory
to open it in a fresh process and in a loader worker that is sent a sampler of all scans, and the time to draw one
there, voxels aside. Memory is the growth of the process, shared pages included.
"""

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from orienteer.sampling import Sampler, ViewSettings
from orienteer.store import Store
from orienteer.testing.many import store_of_many

SETTINGS = (
    "views.size=16", "network.size=tiny", "optimiser={steps: 20, batch: 8}", "checkpoint.every=20",
    "evaluation={per_scan: 16, final_per_scan: 64}", "devices={workers: 0, threads: 1}",
)  # fmt: skip
"""Of the pretraining: a step so small that all else would show."""
DRAWN = 2000
"""Samples whose drawing is timed."""


def main() -> int:
    """Measure and print one line a command and number of scans."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--scans", default="50,500,2000")
    parser.add_argument("--side", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--commands", nargs="+", default=["check", "ingest", "pretrain"])
    parser.add_argument("--made", nargs="+", type=int, default=[])
    options = parser.parse_args()
    if options.made:
        for count in options.made:
            print_made(options.out / f"made-{count}", count)
        return 0
    for count in (int(number) for number in options.scans.split(",")):
        folder, store, run = (options.out / f"{what}-{count}" for what in ("scans", "store", "run"))
        write_scans(folder, count, options.side)
        workers = ["--workers", options.workers]
        if "pretrain" in options.commands:
            shutil.rmtree(run, ignore_errors=True)
        commands = {
            "check": ["check", folder, *workers],
            "ingest": ["ingest", folder, store, *workers],
            "pretrain": ["pretrain", store, run, *(word for each in SETTINGS for word in ("--set", each))],
        }
        for name in options.commands:
            seconds, cpu, peak = measured([sys.executable, "-m", "orienteer", *map(str, commands[name])])
            what = f"{name:8} {count:5} scans of {options.side}^3"
            print(f"{what}: {peak:6.0f} MB, {seconds:6.1f} s, of one core {cpu:6.1f} s", flush=True)
    return 0


class BodiesOnly(Store):
    """A store without arrays, in which all is body."""

    def foreground(self, scan_id: str) -> NDArray[np.bool_]:
        """All of the scan."""
        return np.ones([-(-n // self.foreground_cell) for n in self.entry(scan_id).shape], bool)


def print_made(store: Path, count: int) -> None:
    """Make a manifest, and measure it in fresh processes."""
    if not store.exists():
        store_of_many(store, count)
    size = next(path.stat().st_size for path in store.glob("scans-*[!y].arrow")) / 1e6
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        seconds, megabytes = pool.apply(opening, (store,))
        print(f"{count:8} scans in {size:6.1f} MB: opened in {seconds:5.2f} s, {megabytes:6.1f} MB more", flush=True)
        begun = time.perf_counter()
        opened = BodiesOnly.open(store)
        sampler = Sampler(opened, opened.ids("train"), ViewSettings(size=96), seed=0)
        print(f"{count:8} scans: sampler made in {time.perf_counter() - begun:5.2f} s", flush=True)
        megabytes, first, scan, entry, draw = pool.apply(drawing, (sampler,))
    print(
        f"{count:8} scans in a worker: {megabytes:6.1f} MB more, first sample {first * 1e3:.1f} ms; "
        f"choosing the scan {scan * 1e6:.1f} us, its entry {entry * 1e6:.0f} us, a whole recipe {draw * 1e6:.0f} us",
        flush=True,
    )


def opening(store: Path) -> tuple[float, float]:
    """Seconds and MB."""
    before, begun = _held_mb(), time.perf_counter()
    opened = Store.open(store)
    return time.perf_counter() - begun, _held_mb() - before + 0 * len(opened.scans)


def drawing(sampler: Sampler) -> tuple[float, float, float, float, float]:
    """MB in all that were needed after it came, seconds of the first sample, and of parts of the others."""
    before, begun = _held_mb(), time.perf_counter()
    sampler.draw(0)
    first = time.perf_counter() - begun
    numbers = range(1, DRAWN + 1)
    scans, scan = _timed(sampler._scan, numbers)
    _, entry = _timed(sampler.store.entry, scans)
    _, draw = _timed(sampler.draw, range(DRAWN + 1, 2 * DRAWN + 1))
    return _held_mb() - before, first, scan, entry, draw


def _timed(call: Callable[[Any], Any], given: Iterable[Any]) -> tuple[list[Any], float]:
    begun = time.perf_counter()
    found = [call(each) for each in given]
    return found, (time.perf_counter() - begun) / len(found)


def _held_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def write_scans(folder: Path, count: int, side: int) -> None:
    """Scans of noise about a ball, no two alike."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    away = np.linalg.norm(np.indices((side, side, side)) - side / 2, axis=0)
    for number in range(count):
        noise = np.random.default_rng(number).normal(100, 20, (side, side, side))
        voxels = np.where(away < side * 0.4, noise, 0).astype(np.int16)
        if number % 2:
            sitk.WriteImage(sitk.GetImageFromArray(voxels), folder / f"scan-{number:04}.nrrd", useCompression=True)
        else:
            nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), folder / f"scan-{number:04}.nii.gz")


def measured(command: list[str]) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak MB of a command and all that it starts.

    Raises:
        SystemExit: it failed.
    """
    begun, peak, cpu = time.perf_counter(), 0.0, dict[int, float]()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while process.poll() is None:
        family = _family(process.pid)
        peak = max(peak, sum(_proportional_mb(each) for each in family))
        cpu |= {each: spent for each in family if (spent := _cpu_seconds(each))}
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - begun, sum(cpu.values()), peak


def _family(process: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        children = [child for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return [process]
    return [process, *(each for child in children for each in _family(int(child)))]


def _proportional_mb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def _cpu_seconds(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
