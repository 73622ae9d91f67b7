"""How well `orienteer locate` finds the centres of 23 structures of one brain in others, on raw scans.

    python -m benchmarks.localize RUN DATA [--split val] [--exemplars 1001 1000 1008] [--coarse] [--slabs]
                                  [--carry ours SyN ...]

DATA holds ``images``, ``labels`` and ``subjects.tsv`` (OASIS). For every exemplar, in every scan of the split: the
error of a point (the exemplar's centre of mass, carried over) and of a structure (its voxels, carried over), what share
of rings holds the truth, seconds a scan. With ``--coarse``, scans are held against each other at the run's spacing
alone, as in ``orienteer observe``. With ``--slabs`` each scan is also cut to 60 % along one axis from either end: which
points are called absent. With ``--carry``, all labels are carried over, by us and by registration: Dice of ten
structures, error of the centres of what was carried, seconds a scan, and how the Dice that we expect of every structure
fits the true one. Choose on ``val``; ``test`` is for the end.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
from benchmarks.registration import METHODS
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy.ndimage import center_of_mass
from scipy.stats import spearmanr

from orienteer.geometry.resample import Grid
from orienteer.localize.carry import Trust, carried
from orienteer.localize.finder import Finder, Point
from orienteer.localize.found import decided
from orienteer.runs.locate import structures
from orienteer.runs.ready import Asker
from orienteer.runs.run import Run

STRUCTURES = (4, 11, 23, 30, 31, 32, 35, 36, 37, 38, 39, 44, 45, 47, 48, 51, 52, 55, 56, 57, 58, 59, 60)
"""Ventricles 3 and 4, brain stem, and both sides of accumbens, amygdala, caudate, cerebellum, cerebral white matter,
hippocampus, lateral ventricle, pallidum, putamen and thalamus."""
TEN = ((35,), (36, 37), (47, 48), (51,), (52,), (57, 58), (59, 60), (38,), (39,), (44, 45))
"""Brain stem, caudate, hippocampus, both lateral ventricles, putamen, thalamus, both cerebella, white matter."""
KEPT = 0.6
"""Share of a scan that a slab keeps."""

Carried = tuple[NDArray[np.integer], float, list[Trust]]
"""Labels on a scan's grid, the seconds they took, and the Dice to expect where a method says it."""
Carrier = Callable[[Path, Path, list[Path]], Iterator[Carried]]
"""Exemplar, its labels and scans to what is carried to each."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--exemplars", nargs="+", default=["1001", "1000", "1008"])
    parser.add_argument("--coarse", action="store_true")
    parser.add_argument("--slabs", action="store_true")
    parser.add_argument("--carry", nargs="*", choices=("ours", *METHODS), default=[])
    parser.add_argument("--python", default=sys.executable, help="of an environment with antspyx and convexadam")
    given = parser.parse_args()
    asker = replace(Asker.of(Run.open(given.run)), finer=not given.coarse)
    with (given.data / "subjects.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    scans = [row["id"] for row in rows if row["split"] == given.split]
    truth = {scan: centres(given.data / "labels" / f"{scan}.nii.gz") for scan in scans + given.exemplars}
    for exemplar in given.exemplars:
        whole(asker, given.data, exemplar, [scan for scan in scans if scan != exemplar], truth)
        if given.slabs:
            slabs(asker, given.data, exemplar, [scan for scan in scans if scan != exemplar], truth)
        for name in given.carry:
            run = registration(given.python, name) if name in METHODS else partial(ours, asker)
            carry(name, run, given.data, exemplar, [scan for scan in scans if scan != exemplar], truth)


def centres(labels: Path) -> NDArray[np.float64]:
    """``(23, 3)`` centres of mass, world RAS mm."""
    image = nibabel.load(labels)
    array = np.asarray(image.dataobj)
    index = np.array(center_of_mass(array > 0, array, STRUCTURES))
    return apply_affine(image.affine, index)


def finder(asker: Asker, data: Path, exemplar: str, truth: dict[str, NDArray[np.float64]]) -> Finder:
    """Asked for every centre as a point, then for every structure."""
    scan = asker.open(data / "images" / f"{exemplar}.nii.gz")
    labels = str(data / "labels" / f"{exemplar}.nii.gz")
    found = {each.name: each for each in structures(scan, labels)[0]}
    points = [Point(str(n), place[None]) for n, place in zip(STRUCTURES, truth[exemplar], strict=True)]
    asked = [*points, *(found[str(n)] for n in STRUCTURES)]
    return Finder(scan.prepared, asked)


def whole(asker: Asker, data: Path, exemplar: str, scans: list[str], truth: dict[str, NDArray[np.float64]]) -> None:
    """Errors, rings and seconds on whole scans."""
    asked = finder(asker, data, exemplar, truth)
    errors, rings, cycles, seconds = [], [], [], []
    for scan in scans:
        begun = time.perf_counter()
        shown = asker.open(data / "images" / f"{scan}.nii.gz")
        votes = asked.votes(shown.prepared)
        seconds.append(time.perf_counter() - begun)
        found = [decided(scan, "", [vote], shown.volume.affine) for vote in votes]
        errors.append(
            [
                np.nan if f.world_mm is None else np.linalg.norm(f.world_mm - t)
                for f, t in zip(found, np.tile(truth[scan], (2, 1)), strict=True)
            ]
        )
        rings.append([f.ring_mm for f in found])
        cycles.append([f.cycle_mm for f in found])
    half = len(STRUCTURES)
    for what, part in (("points", slice(0, half)), ("structures", slice(half, None))):
        error, ring, cycle = (np.array(each)[:, part] for each in (errors, rings, cycles))
        known = np.isfinite(error)
        print(
            f"{exemplar} {what:10} {len(scans)} scans: mean {error[known].mean():.2f}"
            f" median {np.median(error[known]):.2f} q90 {np.quantile(error[known], 0.9):.2f} mm,"
            f" rings hold {100 * (error <= ring)[known].mean():.0f} %, called absent {100 * (~known).mean():.1f} %,"
            f" cycle {np.nanmean(cycle):.2f} mm, rank correlation"
            f" {spearmanr(cycle[known], error[known]).statistic:.2f}, {np.mean(seconds):.2f} s a scan",
            flush=True,
        )


def slabs(asker: Asker, data: Path, exemplar: str, scans: list[str], truth: dict[str, NDArray[np.float64]]) -> None:
    """Points in scans that were cut: absent or present."""
    asked = finder(asker, data, exemplar, truth)
    absent, present, errors = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for scan, image in ((name, cut) for name in scans for cut in cuts(data / "images" / f"{name}.nii.gz")):
            file = Path(folder) / "slab.nii.gz"
            nibabel.save(image, file)
            votes = asked.votes(asker.open(file).prepared)[: len(STRUCTURES)]
            index = apply_affine(np.linalg.inv(image.affine), truth[scan])
            inside = ((index >= -0.5) & (index <= np.array(image.shape) - 0.5)).all(1)
            for vote, there, place in zip(votes, inside, truth[scan], strict=True):
                (present if there else absent).append(vote.world_mm is None)
                if there and vote.world_mm is not None:
                    errors.append(np.linalg.norm(vote.world_mm - place))
    print(
        f"{exemplar} slabs      {len(scans)} scans x 6: of {len(absent)} absent points {100 * np.mean(absent):.1f} %"
        f" called absent, of {len(present)} present {100 * np.mean(present):.1f} %;"
        f" error of the others mean {np.mean(errors):.2f} mm",
        flush=True,
    )


def carry(
    name: str, run: Carrier, data: Path, exemplar: str, scans: list[str], truth: dict[str, NDArray[np.float64]]
) -> None:
    """Dice and centres of what one method carries."""
    files = [data / kind / f"{exemplar}.nii.gz" for kind in ("images", "labels")]
    dice, errors, seconds, expected = [], [], [], []
    for scan, (found, took, trust) in zip(
        scans, run(*files, [data / "images" / f"{s}.nii.gz" for s in scans]), strict=True
    ):
        image = nibabel.load(data / "labels" / f"{scan}.nii.gz")
        own = np.asarray(image.dataobj)
        pairs = [(np.isin(found, values), np.isin(own, values)) for values in TEN]
        dice.append([2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in pairs])
        middle = apply_affine(image.affine, np.array(center_of_mass(found > 0, found, STRUCTURES)))
        errors.append(np.linalg.norm(middle - truth[scan], axis=1))
        seconds.append(took)
        for each in trust:
            mine, theirs = found == each.value, own == each.value
            if theirs.any():
                expected.append((each.dice, 2 * (mine & theirs).sum() / (mine.sum() + theirs.sum())))
    print(
        f"{exemplar} {name:10} {len(scans)} scans: Dice {100 * np.mean(dice):.1f}"
        f" (lowest scan {100 * np.min(np.mean(dice, 1)):.1f}), centres of what was carried: mean"
        f" {np.nanmean(errors):.2f} median {np.nanmedian(errors):.2f} mm, {np.mean(seconds):.2f} s a scan",
        flush=True,
    )
    if expected:
        said, true = np.array(expected).T
        print(
            f"{exemplar} {name:10} {len(said)} structures in scans: Dice expected {said.mean():.3f}, true"
            f" {true.mean():.3f}, off by {np.abs(said - true).mean():.3f}, rank correlation"
            f" {spearmanr(said, true).statistic:.2f}",
            flush=True,
        )


def ours(asker: Asker, exemplar: Path, labels: Path, scans: list[Path]) -> Iterator[Carried]:
    """Reading and encoding of the scan included, of the exemplar not."""
    shown = asker.open(exemplar)
    known, ready = shown.labels(labels)[0], shown.prepared
    for scan in scans:
        begun = time.perf_counter()
        other = asker.open(scan)
        grid = Grid(other.volume.shape, other.volume.affine)
        found, trust = carried(known, ready, other.prepared, grid, other.body)
        yield found, time.perf_counter() - begun, trust


def registration(python: str, method: str) -> Carrier:
    """Runs a method in its own process, in an environment that has it."""

    def run(exemplar: Path, labels: Path, scans: list[Path]) -> Iterator[Carried]:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(__file__).with_name("registration.py")
            words = [python, str(script), method, str(exemplar), str(labels), folder, *map(str, scans)]
            told = subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()
            took = dict(line.split() for line in told if line.split()[0].endswith(".nii.gz"))
            for scan in scans:
                found = np.asarray(nibabel.load(Path(folder) / scan.name).dataobj)
                yield np.rint(found).astype(np.int16), float(took[scan.name]), []

    return run


def cuts(scan: Path) -> Iterator[nibabel.Nifti1Image]:
    """The scan cut to a share of its length, along each axis from either end."""
    image = nibabel.load(scan)
    for axis in range(3):
        size = image.shape[axis]
        for kept in (slice(0, round(KEPT * size)), slice(size - round(KEPT * size), size)):
            yield image.slicer[tuple(kept if n == axis else slice(None) for n in range(3))]


if __name__ == "__main__":
    main()
