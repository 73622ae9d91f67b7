"""How well `orienteer orient` tells how raw scans are held, beside a template without learning.

    python -m benchmarks.orient RUN DATA [--sides RUN] [--split val] [--others FOLDER ...] [--cases 2] [--poses 1]

DATA holds ``images`` and ``subjects.tsv`` (OASIS). Each scan of the split is shown with wrong headers: as it is, cut to
60 %, tilted by 20 degrees, in slices of 5 mm, with noise (at most ``--cases`` of each); each as its header says,
mirrored, and in ``--poses`` of the 48 poses, drawn by the seed; then with each spacing 0.85 and 1.15 times as long. The
template is the mean of the training scans on the run's grid, moved onto the middle of the body; its answer is the pose
of the highest correlation. Choose on ``val``; ``test`` is for the end.
"""

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, center_of_mass, gaussian_filter1d, map_coordinates, shift
from scipy.spatial.transform import Rotation

from orienteer.errors import ScanError
from orienteer.geometry import Volume, canonical
from orienteer.geometry.pose import MIRROR, POSES, UPRIGHT, Pose
from orienteer.geometry.volume import axes_of
from orienteer.localize.oriented import Verdict, affine_held, without_side
from orienteer.runs.asked import Asked
from orienteer.runs.run import Run
from orienteer.runs.scan import one_scan, prepared, read_as
from orienteer.sampling.rng import Purpose, generator
from orienteer.scans.layouts.lay_out import lay_out

KEPT, TILT, SLICES, NOISE = 0.6, 20.0, 5.0, 0.05
"""Share of a slab, degrees, mm, and standard deviation as a share of the brightest body."""
CANVAS = 80
"""Voxels of the template along each axis."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sides", type=Path, help="a run that tells mirror images")
    parser.add_argument("--split", default="val")
    parser.add_argument("--others", nargs="*", type=Path, default=[])
    parser.add_argument("--cases", type=int, default=2, help="most of one degradation a scan")
    parser.add_argument("--poses", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    asked = Asked.of(Run.open(given.run), given.sides and Run.open(given.sides))
    with (given.data / "subjects.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    files = {row["id"]: given.data / "images" / f"{row['id']}.nii.gz" for row in rows}
    template = Template(asked, [files[row["id"]] for row in rows if row["split"] == "train"])
    scans = {row["id"]: one_scan(files[row["id"]], (1, ())) for row in rows if row["split"] == given.split}
    poses(asked, template, scans, given)
    spacings(asked, scans)
    for folder in given.others:
        others(asked, folder)


def poses(asked: Asked, template: "Template", scans: dict[str, Volume], given: argparse.Namespace) -> None:
    """Turns, sides, false alarms and calibration, a line a degradation."""
    sure: list[tuple[float, bool]] = []
    begun, asks = time.perf_counter(), 0
    print("             cases  turn right  template   side told, right  template  called wrong")
    for number, (name, change) in enumerate(DEGRADATIONS.items()):
        turns, sides, rival_turns, rival_sides, alarms = [], [], [], [], []
        for case, volume in enumerate(each for scan in scans.values() for each in drawn(scan, change, given)):
            rest = generator(given.seed, Purpose.PROBE, number, case).permutation(np.arange(1, len(POSES)))
            for pose in (UPRIGHT, MIRROR, *(POSES[n] for n in rest[: given.poses])):
                shown = posed(volume, pose)
                true = axes_of(affine_held(shown.affine, shown.shape, pose.inverse))
                one, guess = asked.volume("", shown), template.pose(asked, shown)
                told = one.verdict not in (Verdict.UNSURE, Verdict.OTHER)
                turns.append(told and without_side(one.axes_found) == without_side(true))
                sides += [one.axes_found == true] if one.side_told else [None]
                rival_turns.append(guess in (pose.inverse, MIRROR @ pose.inverse))
                rival_sides.append(guess == pose.inverse)
                alarms += [one.verdict not in (Verdict.RIGHT, Verdict.UNSURE)] if pose == UPRIGHT else []
                if told:
                    as_claimed = turns[-1] and sides[-1] is not False and one.verdict is not Verdict.SPACING
                    sure.append((one.confidence, as_claimed))
                asks += 1
        told_sides = [each for each in sides if each is not None]
        print(
            f"{name:12} {len(turns):5}  {share(turns):>10}  {share(rival_turns):>8}  {len(told_sides):4} told,"
            f" {share(told_sides):>6}  {share(rival_sides):>8}  {sum(alarms)} of {len(alarms)}",
            flush=True,
        )
    print(f"seconds a scan, the template's included: {(time.perf_counter() - begun) / asks:.1f}")
    for low, high in pairwise((0.0, 0.5, 0.8, 0.95, 0.99, 1.01)):
        part = [(said, right) for said, right in sure if low <= said < high]
        if part:
            said, right = (100 * float(np.mean(each)) for each in zip(*part, strict=True))
            print(f"said to be sure by {said:5.1f} % on average: right in {right:5.1f} % of {len(part)}")


def drawn(scan: Volume, change: Callable[[Volume], Iterator[Volume]], given: argparse.Namespace) -> list[Volume]:
    """Some of the ways in which a scan is degraded."""
    every = list(change(canonical(scan)))
    first = int(scan.array.astype(np.int64).sum() + given.seed) % len(every)
    return [every[(first + n * 5) % len(every)] for n in range(min(given.cases, len(every)))]


def spacings(asked: Asked, scans: dict[str, Volume]) -> None:
    """One axis of the header too short or too long."""
    for factor in (0.85, 1.15):
        hits, errors = [], []
        for volume in scans.values():
            for axis in range(3):
                change = np.eye(4)
                change[axis, axis] = factor
                found = asked.volume("", Volume(volume.array, volume.affine @ change)).factors[axis]
                hits.append(found != 1.0)
                errors += [abs(np.log(found * factor))] if hits[-1] else []
        off = f", factor off by {100 * np.mean(errors):.1f} %" if errors else ""
        print(f"spacing x {factor}: found on its axis {sum(hits)} of {len(hits)}{off}", flush=True)


def others(asked: Asked, folder: Path) -> None:
    """Scans of another anatomy: what is said of each."""
    said: dict[str, list[str]] = defaultdict(list)
    for source in lay_out(folder).sources:
        try:
            said[asked.volume("", read_as(source, (1, ()))).verdict.value].append(source.id)
        except ScanError as error:
            said[f"left out, {error.code}"].append(source.id)
    for verdict, names in said.items():
        print(f"{folder}: {verdict}: {len(names)} ({', '.join(names[:8])})", flush=True)


def share(values: list[bool]) -> str:
    """Per cent."""
    return f"{100 * np.mean(values):.1f} %" if values else "-"


def posed(volume: Volume, pose: Pose) -> Volume:
    """A canonical scan whose voxels are held in a pose while its header says that it is upright."""
    affine = np.diag([*volume.spacing[list(pose.axes)], 1.0])
    return Volume(np.ascontiguousarray(pose.show(volume.array)), affine)


def slabs(scan: Volume) -> Iterator[Volume]:
    """Cut to a share of its length, along each axis from either end."""
    for axis, size in enumerate(scan.shape):
        for first in (0, size - round(KEPT * size)):
            part = np.take(scan.array, range(first, first + round(KEPT * size)), axis + 1)
            yield Volume(part, scan.affine)


def tilts(scan: Volume) -> Iterator[Volume]:
    """Turned about each axis, either way; nothing is cut off."""
    array = np.pad(scan.array[0].astype(np.float32), 16)
    middle = (np.array(array.shape) - 1) / 2
    for axis in range(3):
        for degrees in (TILT, -TILT):
            turn = Rotation.from_rotvec(degrees * np.eye(3)[axis], degrees=True).as_matrix()
            turned = affine_transform(array, turn, middle - turn @ middle, order=1)
            yield Volume(turned[None], scan.affine)


def thick(scan: Volume) -> Iterator[Volume]:
    """Averaged to thick slices along each axis."""
    for axis in range(3):
        times = SLICES / scan.spacing[axis]
        count = int(scan.shape[axis] / times)
        smooth = gaussian_filter1d(scan.array[0].astype(np.float32), times / 2.355, axis=axis)
        lines = [np.arange(n, dtype=float) for n in scan.shape]
        lines[axis] = (np.arange(count) + 0.5) * times - 0.5
        array = map_coordinates(smooth, np.meshgrid(*lines, indexing="ij"), order=1)
        yield Volume(array[None], scan.affine @ np.diag([*np.where(np.arange(3) == axis, times, 1.0), 1.0]))


def noisy(scan: Volume) -> Iterator[Volume]:
    """Magnitudes of the signal and a normal one."""
    array = scan.array[0].astype(np.float32)
    spread = NOISE * np.percentile(array[array > 0], 99)
    noise = generator(0, Purpose.NOISE).normal(0, spread, array.shape)
    yield Volume(np.abs(array + noise).astype(np.float32)[None], scan.affine)


DEGRADATIONS: dict[str, Callable[[Volume], Iterator[Volume]]] = {
    "as it is": lambda scan: iter([scan]),
    "slab of 60 %": slabs,
    "tilted by 20": tilts,
    "5 mm slices": thick,
    "noise": noisy,
}


class Template:
    """The mean of training scans: the pose whose correlation with it is highest; nothing is learned.

    Args:
        asked: whose grid is used.
        files: of the training scans.
    """

    def __init__(self, asked: Asked, files: Sequence[Path]) -> None:
        self.mean = np.mean([self._centred(asked, one_scan(file, (1, ()))) for file in files], axis=0)

    def pose(self, asked: Asked, scan: Volume) -> Pose:
        """How a scan has to be held."""
        centred = self._centred(asked, scan)
        return max(POSES, key=lambda pose: float((pose.show(centred) * self.mean).sum()))  # of equal norm in all poses

    @staticmethod
    def _centred(asked: Asked, scan: Volume) -> NDArray[np.float32]:
        """``(80, 80, 80)`` on the run's grid, the middle of the body in the middle, air 0."""
        image = np.clip(prepared(canonical(scan), asked.asker.run.record.data.parameters).array[0] + 1, 0, 2)
        canvas = np.zeros((CANVAS,) * 3, dtype=np.float32)
        part = image[tuple(slice(0, CANVAS) for _ in range(3))]
        canvas[tuple(map(slice, part.shape))] = part
        moved = shift(canvas, (CANVAS - 1) / 2 - np.array(center_of_mass(canvas)), order=1)
        return moved - moved.mean()


if __name__ == "__main__":
    main()
