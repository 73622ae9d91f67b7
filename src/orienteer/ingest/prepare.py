"""One scan from file to stored arrays. Runs in a worker process; sees nothing of the other scans."""

import hashlib
import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from orienteer.errors import OrienteerError, ScanError
from orienteer.geometry import Volume, canonical, spacing_of
from orienteer.geometry.resample import Grid, isotropic_grid, resample_image
from orienteer.ingest.foreground import coarse_grid, foreground_box, foreground_mask
from orienteer.ingest.job import Job, Outcome
from orienteer.ingest.labels import LABELS_METHOD, labels_on_grid, meaning_of_labels
from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.cohort import too_small, vanishing
from orienteer.scans.fetched import guard_fetched
from orienteer.scans.findings import Finding, finding, unopened
from orienteer.scans.labels.read import names_orientation
from orienteer.scans.people import own_grid
from orienteer.scans.reading import load
from orienteer.store.arrays import digest, write_array
from orienteer.store.integrity import array_path
from orienteer.store.intensity import BODY_ABOVE, empty_value, normalise, quantise
from orienteer.store.manifest import ArrayFile, Intensity, Kind, Names, Parameters, ScanEntry
from orienteer.store.sources import SourceRecord

THREADS = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLOSC_NTHREADS"
"""Variables by which libraries are told how many threads they may have."""
MOST_STRETCH = 64
"""Stored voxels for one of the scan's: four times finer along every axis."""

FREE_VOXELS = 1 << 24


def limit_threads() -> Callable[[], None]:
    """One thread in each worker: the workers are the parallelism. What it gives back undoes it."""
    before = {name: os.environ.get(name) for name in THREADS}
    most = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    os.environ.update(dict.fromkeys(THREADS, "1"))
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)

    def undo() -> None:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({} if value is None else {name: value})
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(most)

    return undo


def prepare(job: Job) -> Outcome:
    """Read, turn, resample, scale and write one scan. Never raises for a bad scan or a full disk."""
    record, name = None, job.source.id
    try:
        for path in job.source.paths:
            guard_fetched(path)
        # Labels that were never fetched cost no scan: they are told when they are read, and tried again next time.
        labels = [path for path in job.source.labels.paths if path.exists()] if job.source.labels else []
        ignored = job.source.labels.ignored if job.source.labels else ()
        record = SourceRecord.of(job.source.paths, labels, job.parameters.method, name=name)
        more = {"ignored": ignored, "labels_method": LABELS_METHOD, "reading": job.source.reading}
        record = record.model_copy(update={**more, "intensities": str(job.parameters.convention)})
        return _prepare(job, record)
    except ScanError as error:
        return Outcome(name, record=record, findings=(Finding(error.code, "error", error.message, error.cure),))
    except MemoryError:
        return Outcome(name, findings=(finding("out-of-memory", "does not fit into the memory that is free"),))
    except OSError as error:
        return Outcome(name, findings=(unopened(error, f"cannot be read: {error.strerror}"),))
    except OrienteerError as error:
        return Outcome(name, stop=(error.message, error.cure))


def _prepare(job: Job, record: SourceRecord) -> Outcome:
    info, volume = load(job.source)
    record = record.model_copy(update={"grid": own_grid(info.shape, info.affine)})
    findings = list(info.findings)
    if volume and job.min_extent and (small := too_small(info, job.min_extent)):
        volume, findings = None, [*findings, replace(small, level="error")]
    if volume is None:
        return Outcome(job.source.id, record=record, findings=tuple(findings))
    upright = canonical(volume)
    try:
        voxels = scaled(upright, job.parameters)
    except ScanError as error:  # what was found before, such as a unit, may be its cause
        findings.append(Finding(error.code, "error", error.message, error.cure))
        return Outcome(job.source.id, record=record, findings=tuple(findings))
    labels, about_labels = labels_on_grid(
        job.source.labels,
        Grid(volume.shape, volume.affine),
        voxels.grid,
        oriented=names_orientation(info.findings),
    )
    findings += about_labels
    if job.parameters.convention.name != "window" and _air_shows(voxels):
        findings.append(finding("air-as-body", "the air around the body lies well inside the window"))
    cells = coarse_grid(voxels.mask, job.parameters.foreground_cell)
    arrays: dict[Kind, NDArray] = {"image": voxels.image, "foreground": cells[None].astype(np.uint8)}
    if labels is not None:
        arrays["labels"] = labels[None]
    hashes = {kind: digest(array) for kind, array in sorted(arrays.items())}
    content = hashlib.sha256(json.dumps(hashes).encode()).hexdigest()
    written = {
        kind: ArrayFile(bytes=write_array(array_path(job.store, content, kind), array), sha256=hashes[kind])
        for kind, array in sorted(arrays.items())
    }
    low, high = foreground_box(voxels.mask)
    entry = ScanEntry(
        id=job.id,
        person="",
        split="",
        channels=len(voxels.image),
        channel_names=job.source.channel_names,
        shape=voxels.grid.shape,
        spacing=job.parameters.spacing,
        voxel_mm=tuple(round(float(mm), 6) for mm in upright.spacing),
        affine=tuple(tuple(float(v) for v in row) for row in voxels.grid.affine),
        intensity=voxels.intensity,
        foreground_low=low,
        foreground_high=high,
        labelled=labels is not None,
        **meaning_of_labels(job.source.labels if labels is not None else None),
        content=content,
        arrays=written,
        findings=tuple(_written(found, job.names) for found in findings),
    )
    return Outcome(job.source.id, entry=entry, record=record, findings=tuple(findings))


@dataclass(frozen=True, eq=False)
class Scaled:
    """A scan as a store would hold it.

    Attributes:
        grid: where its voxels are.
        image: ``(C, D, H, W)`` stored values.
        mask: ``(D, H, W)``, True where the body is.
        intensity: one window per channel.
    """

    grid: Grid
    image: NDArray[np.int16]
    mask: NDArray[np.bool_]
    intensity: tuple[Intensity, ...]


def scaled(volume: Volume, parameters: Parameters) -> Scaled:
    """Resample a canonical volume onto the store's grid and choose its windows; nothing is written.

    Raises:
        ScanError: the body has a single intensity or lies outside a fixed range, or the grid is far finer or coarser
            than the scan.
    """
    grid = isotropic_grid(volume.shape, volume.affine, parameters.spacing)
    _guard_stretch(volume, grid)
    if tiny := vanishing(volume.spacing * volume.shape, parameters.spacing):
        raise ScanError(tiny.message, code=tiny.code, cure=tiny.cure)
    resampled = resample_image(volume, grid)
    mask = foreground_mask(resampled)
    # Each channel by itself: one may be stripped of its skull and whole numbers, the next a map in fractions.
    channels = [
        quantise(channel, mask, whole=_whole(own), empty=empty_value(own), convention=parameters.convention)
        for channel, own in zip(resampled, volume.array, strict=True)
    ]
    return Scaled(grid, np.stack([stored for stored, _ in channels]), mask, tuple(window for _, window in channels))


def _air_shows(ready: Scaled) -> bool:
    """Whether most of the air is as bright as what is taken for body wherever voxels alone tell it."""
    air = normalise(ready.image, ready.intensity)[:, ~ready.mask]
    return bool((air > BODY_ABOVE).any(axis=0).mean() > 0.5) if air.size else False


def _whole(array: NDArray) -> bool:
    return bool(array.dtype.kind in "iu" or np.array_equal(array, np.rint(array)))


def _guard_stretch(volume: Volume, grid: Grid) -> None:
    """A header with voxels of centimetres makes a small file a huge grid: refused before it is allocated."""
    wanted, own = math.prod(grid.shape), math.prod(volume.shape)
    if wanted > max(FREE_VOXELS, MOST_STRETCH * own):
        voxel = " x ".join(f"{mm:.4g}" for mm in volume.spacing)
        raise ScanError(
            f"its {own:,} voxels of {voxel} mm would become {wanted:,} of {spacing_of(grid.affine)[0]:.4g} mm",
            code="too-large",
            cure="correct the header's voxel size (mm); if it is right, ingest with a coarser --spacing",
        )


def _written(found: Finding, names: Names) -> Finding:
    """As the manifest holds it: a message may quote a file's name or a header, the catalogue's words cannot."""
    if names == "kept":
        return found
    return replace(found, message=CATALOGUE[found.code].meaning if found.code in CATALOGUE else "", cure="")
