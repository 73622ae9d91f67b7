"""What time and memory cost as the number of scans grows: ``check``, ``ingest``, and twenty steps of ``pretrain``.

    python -m benchmarks.scale OUT [--scans 50,500,2000] [--side 40] [--workers 2] [--commands check ingest pretrain]

Writes noise about a ball, NIfTI and NRRD in turns, a subject each, and runs the commands on ever more of them; with
``pretrain``, sixteen samples of each scan are asked for at a validation and 64 at the end. Peak memory is the sum over
all processes of the command, sampled every 50 ms, with shared pages counted once. Linux only.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

SETTINGS = (
    "views.size=16", "network.size=tiny", "optimiser={steps: 20, batch: 8}", "checkpoint.every=20",
    "evaluation={per_scan: 16, final_per_scan: 64}", "devices={workers: 0, threads: 1}",
)  # fmt: skip
"""Of the pretraining: a step so small that all else would show."""


def main() -> int:
    """Measure and print one line a command and number of scans."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--scans", default="50,500,2000")
    parser.add_argument("--side", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--commands", nargs="+", default=["check", "ingest", "pretrain"])
    options = parser.parse_args()
    for count in (int(number) for number in options.scans.split(",")):
        folder, store, run = (options.out / f"{what}-{count}" for what in ("scans", "store", "run"))
        write_scans(folder, count, options.side)
        workers = ["--workers", options.workers]
        shutil.rmtree(run, ignore_errors=True)
        commands = {
            "check": ["check", folder, *workers],
            "ingest": ["ingest", folder, store, *workers],
            "pretrain": ["pretrain", store, run, *(word for each in SETTINGS for word in ("--set", each))],
        }
        for name in options.commands:
            seconds, peak = measured([sys.executable, "-m", "orienteer", *map(str, commands[name])])
            print(f"{name:8} {count:5} scans of {options.side}^3: {peak:6.0f} MB, {seconds:6.1f} s", flush=True)
    return 0


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


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MB of a command and all that it starts.

    Raises:
        SystemExit: it failed.
    """
    begun, peak = time.perf_counter(), 0.0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while process.poll() is None:
        peak = max(peak, sum(_proportional_mb(each) for each in _family(process.pid)))
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - begun, peak


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


if __name__ == "__main__":
    sys.exit(main())
