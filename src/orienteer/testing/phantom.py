"""Phantoms: small synthetic bodies with individual variation, and stores of them in a second or two.

Every position in a phantom looks different (organs that vary in size and position, and a texture whose wavelength
changes along each axis), while the mean brightness says little. A network can therefore learn the position of a crop,
and only from its anatomy.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.ingest import IngestOptions, ingest

Shape = tuple[int, int, int]

AIR = 0
"""Intensity around the body, constant as in skull-stripped MR."""
TISSUE = 1000.0

ORGANS: Mapping[int, tuple[tuple[float, float, float], tuple[float, float, float], float]] = {
    1: ((0.42, 0.10, 0.25), (0.30, 0.26, 0.22), 1.45),
    2: ((-0.45, 0.05, 0.30), (0.18, 0.24, 0.18), 1.40),
    3: ((0.00, -0.42, 0.05), (0.12, 0.14, 0.60), 1.60),
    4: ((0.30, 0.30, -0.35), (0.20, 0.16, 0.26), 0.60),
    5: ((-0.30, 0.32, -0.30), (0.26, 0.20, 0.16), 0.55),
    6: ((0.05, 0.12, 0.68), (0.22, 0.20, 0.14), 0.65),
}
"""Label: centre and radii as shares of the half-width of the volume (axes R, A, S), brightness as a share of tissue."""


def phantom(
    person: int = 0,
    shape: Shape = (28, 32, 30),
    spacing: float = 3.0,
    *,
    visit: int = 0,
    seed: int = 0,
    channels: int = 1,
) -> tuple[Volume, NDArray[np.uint8]]:
    """One scan of one synthetic subject, and its organs.

    Args:
        person: number of the subject; the body's form depends on ``(seed, person)`` alone.
        shape: voxels along R, A, S.
        spacing: mm per voxel.
        visit: number of the scan: the same anatomy with another noise and gain.
        seed: of the cohort.
        channels: sequences of the same body with alternating contrast, each with its own gain and noise. The first
            does not depend on their number.

    Returns:
        The scan ``(channels, D, H, W)`` int16 with an RAS affine centred on the body, and labels ``(D, H, W)`` of
        ``ORGANS``.

    Examples:
        >>> volume, organs = phantom(person=3)
        >>> volume.axes, volume.array.dtype.name, sorted(set(organs.ravel().tolist()))
        ('RAS', 'int16', [0, 1, 2, 3, 4, 5, 6])
    """
    body = np.random.Generator(np.random.Philox(key=[seed, person]))
    machine = np.random.Generator(np.random.Philox(key=[seed, person], counter=[0, 0, 0, 1 + visit]))
    place = _body_coordinates(shape, body)
    texture = 0.25 * _texture(place)
    contrast = np.ones(shape)
    labels = np.zeros(shape, dtype=np.uint8)
    for label, (centre, radii, brightness) in ORGANS.items():
        middle = np.array(centre) + body.normal(0, 0.03, size=3)
        size = np.array(radii) * np.exp(body.normal(0, 0.06, size=3))
        inside = _inside(place, middle, size, softness=0.2)
        contrast = contrast * (1 + (brightness * np.exp(body.normal(0, 0.03)) - 1) * inside)
        labels[inside > 0.5] = label
    skin = _inside(place, np.zeros(3), np.full(3, 0.9), softness=0.08, power=4)
    sequences = []
    for channel in range(channels):
        sign = -1 if channel % 2 else 1
        tissue = TISSUE * (1 + sign * texture) * contrast**sign
        gain = float(np.exp(machine.normal(0, 0.08)))
        noise = machine.normal(0, 0.015 * TISSUE, size=shape)
        sequences.append(np.where(skin > 0.5, np.clip(gain * tissue * skin + noise, 1, 32767), AIR))
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = -spacing * (np.array(shape) - 1) / 2
    image = np.rint(np.stack(sequences)).astype(np.int16)
    return Volume(image, affine), np.where(skin > 0.5, labels, 0).astype(np.uint8)


def phantom_store(
    folder: Path,
    people: int = 8,
    shape: Shape = (28, 32, 30),
    spacing: float = 3.0,
    *,
    visits: int = 1,
    labels: bool = True,
    seed: int = 0,
) -> Path:
    """A store of phantoms, made by the real ingest: ``person_000``, ... with a quarter each held out to val and test.

    Args:
        folder: the store is ``folder / "store"``.
        people: number of subjects, at least 4 so that no split is empty.
        shape: voxels; nothing is resampled.
        spacing: mm per voxel.
        visits: scans per subject; ids from the second on end in ``_visit_1``, ...
        labels: include the organs.
        seed: of the cohort.

    Returns:
        The store's folder, for ``Store.open``.
    """
    scans: dict[str, NDArray] = {}
    organs: dict[str, NDArray] = {}
    table: dict[str, tuple[str, str]] = {}
    for person in range(people):
        name = f"person_{person:03d}"
        for visit in range(visits):
            scan = f"{name}_visit_{visit}" if visit else name
            volume, organs[scan] = phantom(person, shape, spacing, visit=visit, seed=seed)
            scans[scan] = volume.array[0]
            # Split by number, so that a subject keeps its split when visits are added.
            table[scan] = (name, ("train", "val", "train", "test")[person % 4])
    return store_of(folder, scans, spacing, labels=organs if labels else None, table=table)


def store_of(
    folder: Path,
    scans: Mapping[str, NDArray],
    spacing: float = 3.0,
    *,
    labels: Mapping[str, NDArray] | None = None,
    table: Mapping[str, tuple[str, str]] | None = None,
) -> Path:
    """A store of any arrays: written as NIfTI, then ingested.

    Args:
        folder: the store is ``folder / "store"``.
        scans: id to voxels ``(D, H, W)`` along R, A, S.
        spacing: mm per voxel; stored as they are.
        labels: id to structure numbers on the same grid.
        table: id to (person, split); without it every scan is a subject of its own.

    Returns:
        The store's folder.

    Raises:
        OrienteerError: the ingest failed; ``folder`` then holds no store.
    """
    store = folder / "store"
    with tempfile.TemporaryDirectory(prefix="phantoms-") as name:
        written = Path(name)
        affine = np.diag([spacing, spacing, spacing, 1.0])
        for kind, arrays in (("scans", scans), ("labels", labels or {})):
            (written / kind).mkdir()
            for scan, array in arrays.items():
                # Uncompressed: these files are deleted at once.
                nibabel.save(nibabel.Nifti1Image(array, affine), written / kind / f"{scan}.nii")
        lines = [f"{scan}\t{person}\t{split}\n" for scan, (person, split) in (table or {}).items()]
        (written / "people.tsv").write_text("".join(["id\tperson\tsplit\n", *lines]), encoding="utf-8")
        ingest(
            written / "scans",
            store,
            IngestOptions(
                spacing=spacing,
                labels=written / "labels" if labels else None,
                table=written / "people.tsv" if table else None,
                workers=1,
                keep_names=True,
                progress=False,
            ),
        )
    return store


def _body_coordinates(shape: Shape, random: np.random.Generator) -> NDArray[np.float64]:
    """``(3, D, H, W)`` position of every voxel in the common body, about [-1, 1], after this subject's deformation."""
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    size = np.exp(random.normal(0, 0.03, size=3))
    shift = random.normal(0, 0.02, size=3)
    place = grid / size[:, None, None, None] - shift[:, None, None, None]
    phase, strength = random.uniform(0, 2 * np.pi, size=(3, 3)), random.normal(0, 0.02, size=(3, 3))
    bend = [sum(strength[i, j] * np.sin(np.pi * place[j] + phase[i, j]) for j in range(3)) for i in range(3)]
    return np.asarray(place + np.stack(bend), dtype=np.float64)


def _texture(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Waves along each axis that grow shorter towards right, anterior and superior, with a mean near zero."""
    frequencies = ((2.2, 1.4), (2.6, 0.8), (3.0, 0.9))
    waves = [np.cos(np.pi * (base + slope * x) * x) for x, (base, slope) in zip(place, frequencies, strict=True)]
    return np.asarray(sum(waves), dtype=np.float64) / 2


def _inside(
    place: NDArray[np.float64],
    centre: NDArray[np.float64],
    radii: NDArray[np.float64],
    *,
    softness: float,
    power: int = 2,
) -> NDArray[np.float64]:
    """Share in 0..1 of an ellipsoid (or, with a higher power, of a rounded box) with soft walls; 0.5 on its surface."""
    scaled = np.abs(place - centre[:, None, None, None]) / radii[:, None, None, None]
    distance = (scaled**power).sum(0) ** (1 / power)
    share: NDArray[np.float64] = 1 / (1 + np.exp(np.clip((distance - 1) / softness * 4, -50, 50)))
    return share
