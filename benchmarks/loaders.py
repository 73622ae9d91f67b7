"""What a random crop costs, by eight loaders side by side: time cold and warm, disk, memory.

    python -m benchmarks.loaders SCANS OUT [--spacing 1] [--scans-used 12] [--crops 200] [--only ours raw ...]

The same voxels, resampled to one spacing, for all: ours (a store), a raw int16 map opened for each crop, nnU-Net's own
Blosc2 data set, Blosc2 with nnssl's parameters (float32, zstd 8), zarr 3 with shards, TorchIO's Queue (8 crops a
volume), MONAI's PersistentDataset (4 crops a load) and CacheDataset. Each runs in a process of its own, without and
with loader workers, and hands over float32 ``(1, S, S, S)``. Milliseconds are of the wall, the mean over crops. Cold:
the pages of the files are dropped before each crop. Warm: after one crop of every scan. What is not installed is left
out and named: `pip install nnunetv2 zarr torchio` brings the others' loaders.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import blosc2
import nibabel
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, IterableDataset

from orienteer.ingest import ingest
from orienteer.ingest.options import IngestOptions
from orienteer.store import Store

SIZES = (24, 96)
Cut = Callable[[int, NDArray[np.int_], int], NDArray[np.float32]]
"""Number of a scan, first voxel and edge to ``(1, S, S, S)``."""


def main() -> None:
    """Prepare the data, run every loader, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--spacing", type=float, default=1.0)
    parser.add_argument("--scans-used", type=int, default=12)
    parser.add_argument("--crops", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--only", nargs="+", default=list(LOADERS))
    parser.add_argument("--one", choices=LOADERS, help="measure one, in this process")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.one:
        print(json.dumps(measured(given.one, given)))
        return
    store = prepared(given)
    shapes = [entry.shape for entry in store.scans]
    if (least := int(np.min(shapes))) < max(SIZES):
        sys.exit(f"crops of {max(SIZES)}^3 need larger scans: one has {least} voxels along an axis; lower --spacing")
    print(f"{len(shapes)} scans of about {' x '.join(map(str, np.median(shapes, axis=0).astype(int)))} voxels")
    head = [f"{size}^3 {how}" for size in SIZES for how in ("warm", "cold", *(f"{n} workers" for n in given.workers))]
    print("| loader | " + " | ".join(f"{each}, ms" for each in head) + " | MiB a scan | MB in memory |")
    print("|---|" + "---:|" * (len(head) + 2))
    for name in given.only:
        command = [sys.executable, "-m", "benchmarks.loaders", *sys.argv[1:], "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"| {name} | not run: {done.stderr.strip().splitlines()[-1][:80]} |", flush=True)
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        times = " | ".join("-" if each is None else f"{each:.2f}" for each in found["ms"])
        print(f"| {name} | {times} | {found['mib']:.1f} | {found['mb']:.0f} |", flush=True)


def prepared(given: argparse.Namespace) -> Store:
    """The store, and a folder of NIfTI files and raw arrays with the same voxels."""
    folder = given.out / "store"
    if not (folder / "manifest.json").exists():
        few = given.out / "few"
        few.mkdir(parents=True, exist_ok=True)
        for path in sorted(given.scans.iterdir())[: given.scans_used]:
            (few / path.name).symlink_to(path.resolve())
        ingest(few, folder, IngestOptions(spacing=given.spacing, keep_names=True, progress=False))
    return Store.open(folder)


def voxels(store: Store) -> Iterator[tuple[str, NDArray[np.int16]]]:
    """Every scan ``(1, D, H, W)`` as it is stored."""
    for entry in store.scans:
        yield entry.id, store.read(entry.id)


def measured(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds, MiB a scan, and MB that the process came to take."""
    store, folder = Store.open(given.out / "store"), given.out / name
    folder.mkdir(exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ms: list[float | None] = []
    files: list[Path] = []
    for size in SIZES:
        cut, files = LOADERS[name](store, folder, size)
        drawn = positions(store, size, given.crops)
        for number in range(len(store.scans)):
            cut(number, np.zeros(3, dtype=int), size)
        ms.append(own_ms(cut, drawn, size))
        ms.append(own_ms(cut, drawn[:50], size, files) if name not in IN_MEMORY else None)
        ms += [workers_ms(cut, drawn, size, workers) for workers in given.workers]
    total = sum(path.stat().st_size for path in files)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"ms": ms, "mib": total / len(store.scans) / 2**20, "mb": grown / 1000}


Place = tuple[int, NDArray[np.int_]]


def positions(store: Store, size: int, count: int) -> list[Place]:
    """Where the crops lie, the same for all loaders."""
    random = np.random.default_rng(size)
    shapes = store.scans.column("shape")
    found = []
    for _ in range(count):
        number = int(random.integers(len(shapes)))
        shape = np.array(shapes[number])
        found.append((number, random.integers(0, np.maximum(shape - size, 0) + 1)))
    return found


def own_ms(cut: Cut, drawn: Sequence[Place], size: int, cold: Sequence[Path] = ()) -> float:
    """Of one crop in this process."""
    times = []
    for number, low in drawn:
        for path in cold:
            drop(path)
        begun = time.perf_counter()
        cut(number, low, size)
        times.append(time.perf_counter() - begun)
    return 1000 * float(np.mean(times))


def drop(path: Path) -> None:
    """Forget the pages of a file, so that it is read from the disk again."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def workers_ms(cut: Cut, drawn: Sequence[Place], size: int, workers: int) -> float:
    """Of one crop through a ``DataLoader`` in batches of 4, its start left out."""
    batches = iter(DataLoader(Crops(cut, list(drawn) * 2, size), batch_size=4, num_workers=workers))
    for _ in range(2 * workers):
        next(batches)
    begun = time.perf_counter()
    count = sum(len(batch) for batch in batches)
    return 1000 * (time.perf_counter() - begun) / count


class Crops(IterableDataset[torch.Tensor]):
    """Crops, shared out among workers."""

    def __init__(self, cut: Cut, drawn: list[Place], size: int) -> None:
        self.cut, self.drawn, self.size = cut, drawn, size

    def __iter__(self) -> Iterator[torch.Tensor]:
        info = torch.utils.data.get_worker_info()
        for number, low in self.drawn[info.id :: info.num_workers] if info else self.drawn:
            yield torch.from_numpy(self.cut(number, low, self.size))


Prepared = tuple[Cut, list[Path]]


def box(low: NDArray[np.int_], size: int) -> tuple[slice, ...]:
    """Of all channels."""
    return (slice(None), *(slice(int(n), int(n) + size) for n in low))


def ours(store: Store, folder: Path, size: int) -> Prepared:
    """A store's box, normalised."""
    ids = store.ids()

    def cut(number: int, low: NDArray[np.int_], size: int) -> NDArray[np.float32]:
        return store.normalise(ids[number], store.read(ids[number], low, size))

    return cut, [store.array_path(scan) for scan in ids]


def raw(store: Store, folder: Path, size: int) -> Prepared:
    """A memory map, opened for each crop, cast to float32."""
    files, shapes = [], []
    for name, array in voxels(store):
        files.append(folder / f"{name}.npy")
        shapes.append(array.shape)
        if not files[-1].exists():
            np.save(files[-1], array)

    def cut(number: int, low: NDArray[np.int_], size: int) -> NDArray[np.float32]:
        return np.load(files[number], mmap_mode="r")[box(low, size)].astype(np.float32)

    return cut, files


def nnunet(store: Store, folder: Path, size: int) -> Prepared:
    """nnU-Net's own data set, which opens a case for each crop; its data lie normalised in float32."""
    from nnunetv2.training.dataloading.nnunet_dataset import comp_blosc2_params, nnUNetDatasetBlosc2

    place = folder / str(size)
    place.mkdir(exist_ok=True)
    for name, array in voxels(store):
        if not (place / f"{name}.b2nd").exists():
            blocks, chunks = comp_blosc2_params(array.shape, (size,) * 3)
            image, none = store.normalise(name, array), np.zeros(array.shape, dtype=np.int8)
            nnUNetDatasetBlosc2.save_case(
                image, none, {}, str(place / name), chunks=chunks, blocks=blocks, chunks_seg=chunks, blocks_seg=blocks
            )
    data, ids = nnUNetDatasetBlosc2(str(place)), store.ids()

    def cut(number: int, low: NDArray[np.int_], size: int) -> NDArray[np.float32]:
        return np.asarray(data.load_case(ids[number])[0][box(low, size)])

    return cut, [place / f"{name}.b2nd" for name in ids]


def nnssl(store: Store, folder: Path, size: int) -> Prepared:
    """Blosc2 with the parameters that nnssl 1.0 writes: float32, zstd 8; blocks as nnU-Net computes them."""
    from nnunetv2.training.dataloading.nnunet_dataset import comp_blosc2_params

    files = []
    for name, array in voxels(store):
        files.append(folder / f"{name}-{size}.b2nd")
        if not files[-1].exists():
            blocks, chunks = comp_blosc2_params(array.shape, (size,) * 3)
            packed = {"codec": blosc2.Codec.ZSTD, "clevel": 8}
            blosc2.asarray(
                store.normalise(name, array), urlpath=str(files[-1]), chunks=chunks, blocks=blocks, cparams=packed
            )

    def cut(number: int, low: NDArray[np.int_], size: int) -> NDArray[np.float32]:
        opened = blosc2.open(str(files[number]), mode="r", dparams={"nthreads": 1}, mmap_mode="r")
        return np.asarray(opened[box(low, size)])

    return cut, files


def zarr3(store: Store, folder: Path, size: int) -> Prepared:
    """zarr 3, int16, one shard a scan of chunks of 32."""
    import zarr

    opened, files = [], []
    for name, array in voxels(store):
        place = folder / f"{name}.zarr"
        if not place.exists():
            whole = (1, *(-(-n // 32) * 32 for n in array.shape[1:]))
            made = zarr.create_array(place, shape=array.shape, dtype="int16", chunks=(1, 32, 32, 32), shards=whole)
            made[:] = array
        opened.append(zarr.open_array(place, mode="r"))
        files += [path for path in place.rglob("*") if path.is_file()]
    ids = store.ids()

    def cut(number: int, low: NDArray[np.int_], size: int) -> NDArray[np.float32]:
        return store.normalise(ids[number], np.asarray(opened[number][box(low, size)]))

    return cut, files


def nifti(store: Store, folder: Path) -> list[Path]:
    """The scans as ``.nii.gz``."""
    files = []
    for name, array in voxels(store):
        files.append(folder / f"{name}.nii.gz")
        if not files[-1].exists():
            nibabel.save(nibabel.Nifti1Image(array[0], np.eye(4)), files[-1])
    return files


def torchio(store: Store, folder: Path, size: int) -> Prepared:
    """TorchIO's Queue: eight crops of each volume it loads, wherever it likes."""
    import torchio as tio

    files = nifti(store, folder)
    subjects = tio.SubjectsDataset([tio.Subject(image=tio.ScalarImage(path)) for path in files])
    queue = tio.Queue(subjects, 32, 8, tio.data.UniformSampler(size), num_workers=0, shuffle_subjects=True)
    stream = _endless(queue)

    def cut(number: int, low: NDArray[np.int_], size: int) -> NDArray[np.float32]:
        found: NDArray[np.float32] = next(stream)["image"][tio.DATA].float().numpy()
        return found

    return cut, files


def _endless(queue: Any) -> Iterator[Any]:
    while True:
        yield from (queue[number] for number in range(len(queue)))


def persistent(store: Store, folder: Path, size: int) -> Prepared:
    """MONAI's PersistentDataset of whole normalised scans, four crops of each it loads."""
    from monai.data import PersistentDataset

    files = nifti(store, folder)
    loaded = PersistentDataset([str(path) for path in files], _scaled(), cache_dir=folder / f"cache-{size}")
    for number in range(len(files)):
        loaded[number]
    kept: list[Any] = [None, 0]

    def cut(number: int, low: NDArray[np.int_], size: int) -> NDArray[np.float32]:
        if kept[1] % 4 == 0:
            kept[0] = loaded[number]
        kept[1] += 1
        space = np.maximum(np.array(kept[0].shape[1:]) - size, 0)
        return np.ascontiguousarray(np.asarray(kept[0])[box(np.minimum(low, space), size)], dtype=np.float32)

    return cut, [path for path in (folder / f"cache-{size}").iterdir() if path.is_file()]


def cache(store: Store, folder: Path, size: int) -> Prepared:
    """MONAI's CacheDataset: all scans in memory."""
    from monai.data import CacheDataset

    files = nifti(store, folder)
    loaded = CacheDataset([str(path) for path in files], _scaled(), progress=False)

    def cut(number: int, low: NDArray[np.int_], size: int) -> NDArray[np.float32]:
        return np.ascontiguousarray(np.asarray(loaded[number])[box(low, size)], dtype=np.float32)

    return cut, files


def _scaled() -> Any:
    from monai.transforms import Compose, EnsureChannelFirst, LoadImage, ScaleIntensityRangePercentiles

    return Compose([LoadImage(image_only=True), EnsureChannelFirst(), ScaleIntensityRangePercentiles(0.5, 99.5, -1, 1)])


LOADERS: dict[str, Callable[[Store, Path, int], Prepared]] = {
    "ours": ours, "raw": raw, "nnunet": nnunet, "nnssl": nnssl, "zarr": zarr3, "torchio": torchio,
    "persistent": persistent, "cache": cache,
}  # fmt: skip
IN_MEMORY = ("cache",)


if __name__ == "__main__":
    main()
