"""How well "Where am I?" answers between different people.

    python benchmarks/where_am_i.py RUN --store STORE [--split test] [--crops 24] [--step N] [--cut 0.25]

Crops of one person are looked for in every other person of a split, in a store with labels, beside answers that look
at nothing. Writes neither to the run nor to the store.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from orienteer.localize.landmarks import Warps
from orienteer.localize.locator import Locator
from orienteer.runs.run import Run
from orienteer.sampling import Sampler
from orienteer.store import Store
from orienteer.testing.phantom import store_of


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--store", type=Path, required=True, help="a store with labels")
    parser.add_argument("--split", default="test")
    parser.add_argument("--crops", type=int, default=24)
    parser.add_argument("--step", type=int)
    parser.add_argument("--cut", type=float, default=0.0, help="share of each target that is cut off one face")
    given = parser.parse_args()
    measure(given.run, given.store, given.split, given.crops, given.step, given.cut)


def measure(run: Path, store: Path, split: str, crops: int, step: int | None, cut: float) -> None:
    """Error of "Where am I?" between different people, beside answers that look at nothing."""
    opened, learned = Store.open(store), Run.open(run)
    own = learned.locator(opened, "best" if step is None else step)
    settings, ids, size, warps = learned.settings, opened.ids(split), own.size, Warps(opened)
    names = ("the model", "the middle of the body", "the same place in the box")
    errors: dict[str, list[float]] = {name: [] for name in names}
    trust, pairs = [], set()
    with tempfile.TemporaryDirectory() as scratch:
        targets, offsets = (opened, {}) if cut == 0 else cut_store(opened, ids, cut, Path(scratch))
        locator = Locator(own.model, opened, size=size, min_foreground=own.min_foreground, targets=targets)
        for scan in ids:
            sampler = Sampler(opened, (scan,), settings.views, settings.evaluation.seed, augment=False)
            drawn = np.concatenate([sampler.draw(n).centres for n in range(-(-crops // settings.views.count))])[:crops]
            for target in ids:
                here, there = opened.entry(scan), targets.entry(target)
                between = warps.between(scan, target) if here.person != opened.entry(target).person else None
                if between is None:
                    continue
                trust.append(between.left_out_mm)
                for centre in drawn:
                    true = between(centre) - offsets.get(target, 0.0)
                    reach = (size - 1) / 2 * there.spacing
                    if (true < reach).any() or (true > (np.array(there.shape) - 1) * there.spacing - reach).any():
                        continue  # cut away
                    pairs.add((scan, target))
                    found = locator.locate(scan, centre, target)
                    low, high = (np.array([entry.foreground_low, entry.foreground_high]) for entry in (here, there))
                    share = (centre / here.spacing - low[0]) / (low[1] - low[0])
                    copied = (high[0] + share * (high[1] - high[0])) * there.spacing
                    for name, place in zip(names, (found.peak_mm, found.middle_mm, copied), strict=True):
                        errors[name].append(float(np.linalg.norm(place - true)))
    print(
        f"step {own.step}, {len(ids)} scans of {split}, {len(pairs)} pairs of subjects, {len(errors[names[0]])} crops"
    )
    for name, values in errors.items():
        middle, mean, p90 = np.median(values), np.mean(values), np.percentile(values, 90)
        print(f"{name:34} median {middle:5.1f} mm, mean {mean:5.1f}, p90 {p90:5.1f}")
    print(f"{'the truth (structures left out)':34} median {np.median(trust):5.1f} mm")


def cut_store(store: Any, ids: tuple[str, ...], cut: float, folder: Path) -> tuple[Any, dict[str, np.ndarray]]:
    """The same scans with a slab cut off one of their six faces each, as of another field of view.

    Returns:
        The store, and the place of each cut scan's first voxel in the whole one, mm.
    """
    arrays, offsets = {}, {}
    for number, scan in enumerate(ids):
        voxels, axis, first = store.read(scan)[0], number % 3, number // 3 % 2 == 0
        slab = round(cut * voxels.shape[axis])
        kept = slice(slab, None) if first else slice(None, voxels.shape[axis] - slab)
        arrays[scan] = np.ascontiguousarray(voxels[(slice(None),) * axis + (kept,)])
        offsets[scan] = np.where(np.arange(3) == axis, slab if first else 0, 0) * store.entry(scan).spacing
    return Store.open(store_of(folder, arrays, store.manifest.spacing)), offsets


if __name__ == "__main__":
    main()
