"""Nine small scans of eight subjects, each by a formula: written as a hospital would hand them over."""

from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val", "train", "test", "train", "val", "train", "test")
SCANS = (*((f"subject-{number}", number, 0) for number in range(8)), ("subject-0-later", 0, 1))
"""Name of the file, number of the subject, visit."""

# Steps of a voxel in world mm, along the axes of the array: as stored by most tools, mirrored, and with axes exchanged.
ORIENTATIONS = (
    np.diag([3.0, 3.0, 3.0]),
    np.diag([-3.0, 3.0, 3.0]),
    np.array([[0.0, 2.5, 0.0], [-3.0, 0.0, 0.0], [0.0, 0.0, 3.5]]),
)


def write_cohort(folder: Path) -> None:
    """``scans/``, ``labels/`` and ``table.tsv``; and four of the scans with a second channel in ``scans-two/``."""
    for name in ("scans", "labels", "scans-two"):
        (folder / name).mkdir(parents=True)
    lines = ["id\tperson\tsplit\tage\tward"]
    for name, number, visit in SCANS:
        image, labels, affine = _scan(number, visit)
        nibabel.save(nibabel.Nifti1Image(image, affine), folder / "scans" / f"{name}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "labels" / f"{name}.nii.gz")
        if number < 4 and not visit:
            two = np.stack([image, np.where(image > 0, 1200 - image, 0)], axis=-1)
            nibabel.save(nibabel.Nifti1Image(two, affine), folder / "scans-two" / f"{name}.nii.gz")
        ward = ("north", "south")[number // 2 % 2]
        lines.append(f"{name}\tp{number}\t{SPLITS[number]}\t{30 + 5 * number}\t{ward}")
    (folder / "table.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _scan(number: int, visit: int) -> tuple[NDArray, NDArray, NDArray]:
    """One scan of a subject: intensities, label numbers, and the affine ``(4, 4)``."""
    axes = ORIENTATIONS[number % len(ORIENTATIONS)]
    spacing = np.abs(axes).sum(axis=0)
    # World axis of each array axis; a body of about 100 mm in a box of 108 to 114 mm.
    world = np.abs(axes).argmax(axis=0)
    shape = tuple(int(n) for n in np.round((108 + 3 * (number % 3)) / spacing))
    affine = np.eye(4)
    affine[:3, :3] = axes
    affine[:3, 3] = -axes @ ((np.array(shape) - 1) / 2) + (10.0 * number, -5.0, 3.0 * visit)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"))
    centred = np.empty(index.shape)  # mm from the middle, axes R, A, S
    for axis in range(3):
        sign = np.sign(axes[world[axis], axis])
        centred[world[axis]] = sign * (index[axis] - (shape[axis] - 1) / 2) * spacing[axis]
    x, y, z = centred / (1 + 0.03 * (number % 4 - 1.5) + 0.01 * visit)
    phase = 0.4 * number + 0.1 * visit
    body = (x / 48) ** 2 + (y / 52) ** 2 + (z / 50) ** 2 < 1
    image = 400 + 2.0 * y + 1.5 * z + 60 * np.cos(x / 9 + phase) * np.cos(y / 11 - phase) * np.cos(z / 8)
    labels = np.zeros(shape, np.uint8)
    for label, (middle, radii, level) in enumerate(
        (
            ((0, -18 + 2 * np.cos(phase), 10), (20, 14, 16), 900),
            ((-25, 16, -10 + 3 * np.cos(phase)), (10, 14, 12), 700),
            ((25, 16, -10 - 3 * np.cos(phase)), (10, 14, 12), 760),
        ),
        start=1,
    ):
        inside = sum(
            ((at - here) / radius) ** 2 for at, here, radius in zip((x, y, z), middle, radii, strict=True)
        ) < 1  # fmt: skip
        labels[inside] = label
        image = np.where(inside, level + 30 * np.cos(z / 6 + phase), image)
    image = np.where(body, image, 0)
    # Whole numbers, so that a last bit of a cosine does not reach the file.
    return np.rint(image).astype(np.int16 if number % 4 else np.float32), labels, affine
