"""Phantoms as files on disk, in common layouts."""

import json
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from orienteer.testing.phantom import ORGANS, Shape, phantom


def write_nnunet(
    folder: Path,
    people: int = 6,
    shape: Shape = (28, 32, 30),
    spacing: float = 3.0,
    *,
    channels: Sequence[str] = ("T1", "FLAIR"),
    held_out: int = 2,
    seed: int = 0,
) -> Path:
    """A dataset in nnU-Net's raw layout: one file per channel, labels, and ``dataset.json``.

    Args:
        folder: the dataset, e.g. ``Dataset001_Phantoms``.
        people: cases in ``imagesTr``: ``person_000``, ...
        shape: voxels along R, A, S.
        spacing: mm per voxel.
        channels: names of the sequences of each body.
        held_out: further cases in ``imagesTs``, with labels in ``labelsTs``.
        seed: of the cohort.

    Returns:
        ``folder``.
    """
    for person in range(people + held_out):
        part = "Tr" if person < people else "Ts"
        volume, organs = phantom(person, shape, spacing, seed=seed, channels=len(channels))
        case = f"person_{person:03d}"
        for number, array in enumerate(volume.array):
            _save(folder / f"images{part}" / f"{case}_{number:04d}.nii.gz", array, volume.affine)
        _save(folder / f"labels{part}" / f"{case}.nii.gz", organs, volume.affine)
    description = {
        "channel_names": {str(number): name for number, name in enumerate(channels)},
        "labels": {"background": 0, **{f"organ {label}": label for label in ORGANS}},
        "numTraining": people,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    return folder


def _save(path: Path, array: NDArray, affine: NDArray[np.float64]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
