"""A scan out of a file as a network reads it: its channels, on the network's grid, in the network's intensities."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from orienteer.errors import OrienteerError, ScanError
from orienteer.geometry import Volume, canonical
from orienteer.geometry.resample import Grid, isotropic_grid, resample_image
from orienteer.ingest.prepare import Scaled, scaled
from orienteer.memory import ran_out
from orienteer.scans.channels import Channels, channels_text, readable
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.reading import read_with_info
from orienteer.scans.source import ScanInfo, Source
from orienteer.store import Intensity, Store
from orienteer.store.intensity import normalise, windowed
from orienteer.store.manifest import Parameters

CURES = {
    "too-small": "correct the header's voxel size or unit; if it is right, take a network trained at a finer spacing",
    "too-large": "correct the header's voxel size (mm); if it is right, crop the scan, or take a network trained at a"
    " coarser spacing",
    "anisotropic": "look at the answer: between thick slices the network sees what is interpolated",
    "looks-like-labels": "if these are labels, move them out of the scans' folder",
}
"""What whoever has a network can do about a scan; the cures of the catalogue are options of ``ingest``."""

MOST_VOXELS = 1 << 23
"""Of a scan at half the spacing; where it would have more, places are as coarse as the run."""


def read_scan(path: Path, learned: Channels, parameters: Parameters) -> Volume:
    """One scan as ``ingest`` would store it and a network sees it.

    Args:
        path: a file, or a folder that holds one scan: a DICOM series, or a file for each channel.
        learned: number and names of the network's channels.
        parameters: of the store the network learned from.

    Returns:
        float32 ``(C, D, H, W)``, axes R, A, S. In each channel the window that the convention chooses is mapped to
        -1 ... 1; values go on to -1.5 and 1.5 and are cut off there.

    Raises:
        ScanError: it cannot be read, or has other channels.
        OrienteerError: nothing is there, or more than one scan.
    """
    return prepared(one_scan(path, learned), parameters)


def prepared(volume: Volume, parameters: Parameters) -> Volume:
    """A scan as a store with these parameters would hold it, in normalised intensities.

    Raises:
        ScanError: the body has a single intensity, or the grid is far finer than the scan.
    """
    ready = for_network(canonical(volume), parameters)
    return Volume(normalise(ready.image, ready.intensity), ready.grid.affine)


def stored(store: Store, scan: str) -> Volume:
    """One scan of a store in normalised intensities.

    Raises:
        StoreError: no such scan, or its array is damaged.
    """
    return Volume(store.normalise(scan, store.read(scan)), np.array(store.entry(scan).affine))


def at_half(upright: Volume, intensity: Sequence[Intensity], spacing: float) -> Volume | None:
    """A scan at half a network's spacing, mm, in window units; None where it would have too many voxels.

    Args:
        upright: axes R, A, S.
        intensity: its own, as for the network.
        spacing: the network's, mm.
    """
    grid = half_grid(upright, spacing)
    return None if grid is None else Volume(windowed(resample_image(upright, grid), intensity), grid.affine)


def half_grid(upright: Volume, spacing: float) -> Grid | None:
    """The grid of ``at_half``; None where it would have too many voxels."""
    grid = isotropic_grid(upright.shape, upright.affine, spacing / 2)
    return grid if math.prod(grid.shape) <= MOST_VOXELS else None


def for_network(volume: Volume, parameters: Parameters) -> Scaled:
    """A canonical volume on the grid that a network reads.

    Raises:
        ScanError: the body has a single intensity, or the grid is far finer or coarser than the scan.
    """
    try:
        return scaled(volume, parameters)
    except ScanError as error:
        raise ScanError(error.message, code=error.code, cure=CURES.get(error.code, error.cure)) from None
    except RuntimeError as error:  # SimpleITK's only kind; one scan it breaks on must not stop the rest
        if ran_out(error):
            raise
        raise ScanError(
            "cannot be brought onto the network's grid", code="unreadable", cure="check the scan with `orienteer check`"
        ) from error


def one_scan(path: Path, learned: Channels) -> Volume:
    """The only scan in a file or a folder, in its own orientation.

    Raises:
        ScanError: it cannot be read, or has other channels.
        OrienteerError: nothing is there, or more than one scan.
    """
    sources = lay_out(path, expected=learned[0]).sources
    if len(sources) > 1:
        raise OrienteerError(f"{path} holds {len(sources)} scans", cure="read them one by one")
    return read_as(sources[0], learned)


def read_as(source: Source, learned: Channels) -> Volume:
    """The scan in its own orientation, with the channels that a network learned.

    Raises:
        ScanError: it has others, or cannot be read.
    """
    return read_with_info_as(source, learned)[1]


def read_with_info_as(source: Source, learned: Channels) -> tuple[ScanInfo, Volume]:
    """What ``read_as`` gives, and what was found about the scan.

    Raises:
        ScanError: it has others, or cannot be read.
    """
    if learned[0] > 1 and not source.channel_names:
        # A file of as many volumes as the network reads needs no layout to say that they are channels.
        source = replace(source, volumes="channels")
    info, volume = read_with_info(source)
    held = (len(volume.array), source.channel_names)
    if readable(held, learned):
        found = (replace(each, cure=CURES.get(each.code, each.cure)) for each in info.findings)
        return replace(info, findings=tuple(found)), volume
    asked = ",".join(learned[1]) or "A,B"
    raise ScanError(
        f"{source.relative}: {channels_text(held)}, the network reads {channels_text(learned)}",
        code="channels-mixed",
        cure="give it the channels it was trained on: CASE_0000, CASE_0001, ... with --layout nnunet,"
        f" or files named by sequence with --channels {asked}",
    )
