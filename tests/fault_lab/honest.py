"""Honest scans of every format, made from one phantom or copied from the real ones: what the mutants start from."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from tests.scans.dicom_files import series
from tests.scans.enhanced_files import enhanced, frame_group

SHAPE = (24, 20, 16)
REAL = (
    "wild/big_endian_4d_int8.nii.gz",
    "wild/breast1_image.nrrd",
    "wild/ct_lung_small.mha",
    "wild/mr_oblique_uint8.nii.gz",
    "wild/t2_thick_slices_oblique.nii.gz",
    "wild/dmri_4d.nii.gz",
    "oasis/images/1003.nii.gz",
    "hippocampus/images/hippocampus_001.nii.gz",
    "hippocampus/images/hippocampus_004.nii.gz",
)
REAL_SERIES = ("wild/dicom/mr_crops_2/Study1/13_HCropVolume", "wild/dicom/ge_head_ct_tilted_uneven/GE")


@dataclass(frozen=True)
class Honest:
    """One honest scan.

    Attributes:
        name: short, for the table.
        family: ``nifti``, ``nifti.gz``, ``pair``, ``nrrd``, ``nhdr``, ``mha``, ``mhd``, ``dicom`` or ``enhanced``.
        folder: holds its files and nothing else.
        main: the file whose header is mutated.
        data: the file that holds the voxels.
    """

    name: str
    family: str
    folder: Path
    main: Path
    data: Path


def phantom(seed: int = 0) -> NDArray[np.int16]:
    """An ellipsoid with noise and a ramp along each axis, so that a turned or cut copy differs."""
    random = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij"))
    inside = (grid**2).sum(axis=0) < 0.9
    ramp = 600 + 150 * grid[0] + 100 * grid[1] + 50 * grid[2] + random.normal(0, 20, SHAPE)
    return np.where(inside, ramp, 0).astype(np.int16)


def oblique() -> NDArray[np.float64]:
    """``(4, 4)`` RAS mm, turned about all three axes."""
    turn = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.3).GetMatrix()).reshape(3, 3)
    affine = np.eye(4)
    affine[:3, :3] = turn * [1.5, 2.0, 2.5]
    affine[:3, 3] = -20.0, 15.0, 30.0
    return affine


def write_phantoms(root: Path) -> Iterator[Honest]:
    """The phantom in every format the readers know, one folder each below ``root``."""
    for name, kind, order in (
        ("nifti1", nibabel.Nifti1Image, "<"),
        ("nifti1-big", nibabel.Nifti1Image, ">"),
        ("nifti2", nibabel.Nifti2Image, "<"),
        ("nifti2-big", nibabel.Nifti2Image, ">"),
    ):
        for ending in ("nii", "nii.gz"):
            image = kind(phantom(), oblique(), header=kind.header_class(endianness=order))
            yield _nibabel(root, f"{name}.{ending}", image, "nifti.gz" if ending.endswith("gz") else "nifti")
    for name, order in (("pair", "<"), ("pair-big", ">")):
        image = nibabel.Nifti1Pair(phantom(), oblique(), header=nibabel.Nifti1Pair.header_class(endianness=order))
        yield _nibabel(root, f"{name}.hdr", image, "pair")
    for ending in ("nrrd", "nhdr", "mha", "mhd"):
        for packed in (False, True):
            yield _itk(root, ending, packed)
    for name, options in (("dicom", {}), ("dicom-signed", {"slope": 0.5, "intercept": -100.25, "seed": 1})):
        folder = root / name
        paths = series(folder, **options)
        yield Honest(name, "dicom", folder, paths[2], paths[2])
    tilted = series(root / "dicom-tilted", positions=range(0, 36, 3), tilt=17.0, sizes=[(24, 20)] * 12, field=waves)
    yield Honest("dicom-tilted", "dicom", tilted[0].parent, tilted[2], tilted[2])
    groups = [frame_group((-30, -40, 2 * n), rescale=(1.0, -1024.0)) for n in range(8)]
    path = enhanced(root / "enhanced" / "scan.dcm", groups, phantom()[:8].astype(np.uint16))
    yield Honest("enhanced", "enhanced", path.parent, path, path)


def waves(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Stored values at places ``(..., 3)`` in LPS mm: no shift of a few voxels brings them back onto themselves."""
    x, y, z = np.moveaxis(places, -1, 0)
    return 1500 + 400 * np.sin(x / 4) * np.cos(y / 5) + 300 * np.sin(z / 6 + x / 11) + 200 * np.sin(y / 9)


def copy_real(data: Path, root: Path) -> Iterator[Honest]:
    """Small real scans, copied to a scratch folder because mutants are made beside them."""
    families = {".gz": "nifti.gz", ".nrrd": "nrrd", ".mha": "mha"}
    for name in REAL:
        folder = root / f"real-{Path(name).name}"
        folder.mkdir(parents=True)
        path = Path(shutil.copy(data / name, folder))
        yield Honest(folder.name, families[path.suffix], folder, path, path)
    for name in REAL_SERIES:
        folder = root / f"real-{Path(name).name}"
        shutil.copytree(data / name, folder)
        path = sorted(folder.iterdir())[3]
        yield Honest(folder.name, "dicom", folder, path, path)


def _nibabel(root: Path, name: str, image: nibabel.Nifti1Image, family: str) -> Honest:
    image.set_sform(oblique(), code=1)
    image.set_qform(oblique(), code=1)
    image.header.set_xyzt_units("mm")
    folder = root / name
    folder.mkdir(parents=True)
    path = folder / f"scan{name[name.index('.') :]}"
    nibabel.save(image, path)
    return Honest(name, family, folder, path, path.with_suffix(".img") if family == "pair" else path)


def _itk(root: Path, ending: str, packed: bool) -> Honest:
    image = sitk.GetImageFromArray(phantom().T)
    image.SetDirection(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.3).GetMatrix())
    image.SetSpacing((1.5, 2.0, 2.5))
    image.SetOrigin((-10.0, 20.0, 35.0))
    folder = root / f"{ending}{'-packed' if packed else ''}"
    folder.mkdir(parents=True)
    path = folder / f"scan.{ending}"
    sitk.WriteImage(image, str(path), useCompression=packed)
    others = [other for other in folder.iterdir() if other != path]
    return Honest(folder.name, ending, folder, path, others[0] if others else path)
