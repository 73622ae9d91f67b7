"""The corpus: every honest scan with every kind of damage that fits its format, one folder each, seeded."""

import os
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.fault_lab.damage import Change, losses, scratches
from tests.fault_lab.frames import FRAMES
from tests.fault_lab.headers import (
    META,
    NIFTI,
    NRRD,
    nifti_bombs,
    nifti_extension,
    nifti_field,
    text_bomb,
    text_field,
)
from tests.fault_lab.honest import Honest, copy_real, write_phantoms
from tests.fault_lab.series import SERIES

HEADER_SHARE = {"nifti": 0.02, "nifti.gz": 0.03, "pair": 0.95, "nrrd": 0.03, "nhdr": 0.95, "mha": 0.03, "mhd": 0.95,
                "dicom": 0.5, "enhanced": 0.3}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One damaged scan.

    Attributes:
        name: the honest scan and what was done to it.
        folder: holds its files and nothing else.
        honest: the folder of the scan it was made from.
        lossy: voxels are gone or cannot be trusted, so reading it as if nothing were wrong would be a silent loss.
    """

    name: str
    folder: Path
    honest: Path
    lossy: bool


def make_corpus(out: Path, data: Path | None, *, seed: int = 0, every: int = 1) -> list[Mutant]:
    """Write honest scans to ``out/honest`` and mutants to ``out/mutants``.

    Args:
        out: a scratch folder.
        data: the folder of real scans; None for phantoms alone.
        seed: of every random choice.
        every: keep one mutant in so many, for a short version.
    """
    originals = list(write_phantoms(out / "honest"))
    if data is not None:
        originals += copy_real(data, out / "honest")
    mutants: list[Mutant] = []
    for honest in originals:
        for index, (what, lossy, change) in enumerate(_changes(honest)):
            # Bombs are never left out: they are what a short version is most needed for.
            if (index + zlib.crc32(honest.name.encode())) % every and "GiB" not in what:
                continue
            folder = out / "mutants" / f"{len(mutants):03d}"
            shutil.copytree(honest.folder, folder)
            random = np.random.default_rng([seed, len(mutants)])
            change(folder, random)
            mutants.append(Mutant(f"{honest.name}: {what}", folder, honest.folder, lossy))
    return mutants + list(_odd_entries(out, originals[0], len(mutants)))


def _changes(honest: Honest) -> Iterator[tuple[str, bool, Change]]:
    """What is done, whether voxels are lost, and the doing, given the mutant's folder."""
    share, real = HEADER_SHARE[honest.family], honest.name.startswith("real")
    detached = honest.main != honest.data
    for what, change in losses(share):
        yield what, True, _on(honest.data, change)
    if detached:
        yield "header cut", False, _on(honest.main, next(c for name, c in losses(1) if name == "cut at half"))
        yield "data file gone", True, lambda folder, _: (folder / honest.data.name).unlink()
    for what, change in scratches(share, 2 if real else 3):
        yield what, False, _on(honest.main, change)
    if not real:
        for what, lossy, change in _header_changes(honest):
            yield what, lossy, change


def _header_changes(honest: Honest) -> Iterator[tuple[str, bool, Change]]:
    main = honest.main
    if honest.family in ("dicom", "enhanced"):
        for what, (lossy, series_change) in (SERIES if honest.family == "dicom" else FRAMES).items():
            yield what, lossy, lambda folder, _, do=series_change: do(sorted(folder.iterdir()))
    elif honest.family in ("nrrd", "nhdr"):
        yield from ((what, False, _on(main, text_field(values, b": "))) for what, values in NRRD.items())
    elif honest.family in ("mha", "mhd"):
        yield from ((what, False, _on(main, text_field(values, b" = "))) for what, values in META.items())
    else:
        yield from ((what, False, _on(main, nifti_field(values))) for what, values in NIFTI.items())
        yield "extension of 2 GiB", False, _on(main, nifti_extension)
    if honest.family == "nifti.gz":
        yield from ((what, False, _on(main, change)) for what, change in nifti_bombs())
    if honest.name == "nrrd-packed":
        yield "0.5 GiB behind the voxels", False, _on(main, text_bomb(b": ", {}, 8))
        yield "0.75 GiB in 0.8 MB", False, _on(main, text_bomb(b": ", {b"sizes": b"1024 1024 384"}, 12))
    if honest.name == "mha-packed":
        yield "0.5 GiB behind the voxels", False, _on(main, text_bomb(b" = ", {}, 8))
        yield "0.75 GiB in 0.8 MB", False, _on(main, text_bomb(b" = ", {b"DimSize": b"1024 1024 384"}, 13))


def _on(path: Path, change: Change) -> Change:
    return lambda folder, random: change(folder / path.name, random)


def _odd_entries(out: Path, honest: Honest, first: int) -> Iterator[Mutant]:
    """What is no file, or a file with an odd name."""
    whole = honest.main.read_bytes()
    names = {"a folder named like a file": "folder.nii.gz", "a pipe": "pipe.nii.gz", "a pipe without ending": "pipe",
             "a link to nothing": "link.nii", "a link to itself": "loop.nii", "a link to a device": "null.nrrd",
             "a file that may not be read": "secret.nii"}  # fmt: skip
    for number, (what, name) in enumerate(names.items(), first):
        folder = out / "mutants" / f"{number:03d}"
        folder.mkdir()
        path = folder / name
        if "folder" in what:
            path.mkdir()
        elif "pipe" in what:
            os.mkfifo(path)
        elif "link" in what:
            path.symlink_to({"link.nii": "nowhere", "loop.nii": "loop.nii", "null.nrrd": "/dev/zero"}[name])
        else:
            path.write_bytes(whole)
            path.chmod(0)
        yield Mutant(f"odd: {what}", folder, honest.folder, False)
    odd = [b"name\xff\xfe.nii", b"new\nline.nii", b"--option.nii", b"a" * 251 + b".nii", b"[red]markup[.nii", b" .nii"]
    for number, name_bytes in enumerate(odd, first + len(names)):
        folder = out / "mutants" / f"{number:03d}"
        folder.mkdir()
        (folder / os.fsdecode(name_bytes)).write_bytes(whole)
        yield Mutant(f"odd: name {name_bytes[:20]!r}", folder, honest.folder, False)
