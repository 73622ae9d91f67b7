"""Small datasets in every layout, written to disk."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.scans.files import AFFINE, nifti, voxels

SHAPE = (12, 14, 10)
OF_LAYOUTS = {
    "channel-missing", "channel-ambiguous", "channels-differ", "channels-resampled", "channels-mixed",
    "skipped-layout", "skipped-bids-folder", "skipped-bids-type", "skipped-channel",
}  # fmt: skip
"""Codes of the catalogue that only layouts give; provoked by the tests beside this file."""


def describe(path: Path, **values: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def channel(case: int, number: int = 0) -> NDArray[np.int16]:
    return voxels(SHAPE, seed=10 * case + number)


def nnunet(
    folder: Path,
    train: Mapping[str, Sequence[int]],
    test: Mapping[str, Sequence[int]] | None = None,
    names: Sequence[str] = ("T1", "FLAIR"),
    key: str = "channel_names",
) -> Path:
    """Cases with the channels that each has; all cases for training have labels."""
    for place, cases in (("imagesTr", train), ("imagesTs", test or {})):
        for number, (case, channels) in enumerate(cases.items()):
            for n in channels:
                nifti(folder / place / f"{case}_{n:04d}.nii.gz", channel(number, n))
    for case in train:
        nifti(folder / "labelsTr" / f"{case}.nii.gz", np.ones(SHAPE, np.uint8))
    describe(
        folder / "dataset.json",
        **{key: {str(n): name for n, name in enumerate(names)}},
        labels={"background": 0, "tumour": 1},
        file_ending=".nii.gz",
        numTraining=len(train),
    )
    return folder


def decathlon(folder: Path, names: Sequence[str] = ("FLAIR", "T1w"), volumes: int = 2, cases: int = 2) -> Path:
    """Training cases as 4D files where there are several volumes, with the shadow files that macOS leaves."""
    for case in range(cases):
        array = np.stack([channel(case, n) for n in range(volumes)], axis=-1)
        path = nifti(folder / "imagesTr" / f"BRATS_{case:03d}.nii.gz", array if volumes > 1 else array[..., 0])
        path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")
        nifti(folder / "labelsTr" / path.name, np.ones(SHAPE, np.uint8))
    names_by_number = {str(n): name for n, name in enumerate(names)}
    training = [{"image": f"./imagesTr/BRATS_{case:03d}.nii.gz", "label": "x"} for case in range(cases)]
    describe(folder / "dataset.json", modality=names_by_number, training=training, test=[])
    return folder


def bids(folder: Path, *files: str, affine: NDArray = AFFINE) -> Path:
    """Files such as ``sub-01/ses-1/anat/sub-01_ses-1_T1w``, each with voxels of its own."""
    for number, name in enumerate(files):
        nifti(folder / f"{name}.nii.gz", channel(number), affine)
    describe(folder / "dataset_description.json", Name="made up", BIDSVersion="1.8.0")
    return folder
