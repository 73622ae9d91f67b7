"""DICOM series that are wrong, odd, or hold more than one volume."""

import shutil
import zlib
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import HTJ2K, DeflatedExplicitVRLittleEndian

from tests.fault_lab.series import SERIES
from tests.scans.bad.kind import Bad
from tests.scans.dicom_files import rewrite, series
from tests.scans.files import cut


def deflated(folder: Path, size: int) -> Path:
    """A deflated DICOM file of ``size`` bytes of zeros."""
    (path,) = series(folder, positions=[0])
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.save_as(path)
    start = 144 + pydicom.filereader.read_file_meta_info(path).FileMetaInformationGroupLength
    packer = zlib.compressobj(wbits=-15)
    path.write_bytes(path.read_bytes()[:start] + packer.compress(bytes(size)) + packer.flush())
    return path


def _copied(folder: Path) -> None:
    paths = series(folder / "s")
    shutil.copy(paths[3], folder / "s" / "copy.dcm")


def _unknown(folder: Path) -> None:
    for path in series(folder / "s"):
        data = pydicom.dcmread(path)
        data.file_meta.TransferSyntaxUID = HTJ2K
        data.PixelData = encapsulate([data.PixelData])
        data.save_as(path)


def _halves(folder: Path) -> None:
    paths = series(folder / "a")
    (folder / "b").mkdir()
    for path in paths[3:]:
        path.rename(folder / "b" / path.name)


NEGATIVE = {"PhotometricInterpretation": "MONOCHROME1"}

SLICES: dict[str, Bad] = {
    "tilted gantry": Bad("dicom-gantry-tilt", lambda f: series(f / "s", tilt=15.0), level="warning"),
    "leaning stack": Bad("dicom-gantry-tilt", lambda f: series(f / "s", tilt=60.0)),
    "uneven gaps": Bad("dicom-uneven-gaps", lambda f: series(f / "s", positions=[0, 2, 4, 7, 8, 10]), level="warning"),
    "a wide gap": Bad("dicom-uneven-gaps", lambda f: series(f / "s", positions=[0, 5, 10, 23, 28, 33])),
    "a missing slice": Bad(
        "dicom-missing-slices", lambda f: series(f / "s", positions=[*range(9), *range(10, 20)]), level="warning"
    ),
    "missing slices": Bad("dicom-missing-slices", lambda f: series(f / "s", positions=[0, 2, 4, 8, 10, 16])),
    "repeated slices": Bad("dicom-repeated-slices", lambda f: series(f / "s", positions=[0, 2, 2, 4, 4, 6])),
    "sizes differ": Bad("dicom-mixed", lambda f: series(f / "s", sizes=[(16, 12)] * 5 + [(8, 12)])),
    "voxels unlike the header": Bad("truncated", lambda f: series(f / "s", short=3)),
    "one DICOM slice": Bad("dicom-single-slice", lambda f: series(f / "s", positions=[0])),
    "localiser": Bad("dicom-localiser", lambda f: series(f / "s", image_type=["ORIGINAL", "PRIMARY", "LOCALIZER"])),
    "no position": Bad("dicom-no-position", lambda f: series(f / "s", drop=["ImagePositionPatient"])),
    "directions that are no unit vectors": Bad(
        "dicom-no-position", lambda f: SERIES["directions too long"][1](series(f / "s"))
    ),
    "multi-frame": Bad("dicom-multi-frame", lambda f: series(f / "s", positions=[0], frames=4)),
    "two echoes": Bad(
        "dicom-volumes",
        lambda f: series(f / "s", positions=[0, 2, 4] * 2, tags=[{"EchoNumbers": n // 3} for n in range(6)]),
        level="info",
    ),
    "a copied slice": Bad("dicom-copied-slices", _copied, level="info"),
    "mosaic": Bad("dicom-mosaic", lambda f: series(f / "s", image_type=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])),
    "unknown compression": Bad("dicom-compression", _unknown),
    "a series UID a slice": Bad(
        "dicom-series-apart", lambda f: [series(f / "s", positions=[z], names=[f"{z}.dcm"]) for z in range(4)]
    ),
    "halves in two folders": Bad("dicom-scattered", _halves),
    "MR shown as a negative": Bad(
        "dicom-turned-over", lambda f: series(f / "s", modality="MR", tags=[NEGATIVE] * 6), level="info"
    ),
    "CT shown as a negative": Bad("dicom-monochrome1", lambda f: series(f / "s", tags=[NEGATIVE] * 6), level="warning"),
    "a header at odds with itself": Bad(
        "dicom-monochrome1",
        lambda f: series(f / "s", modality="MR", tags=[{"PresentationLUTShape": "INVERSE"}] * 6),
        level="warning",
    ),
    "MR phase": Bad(
        "dicom-phase",
        lambda f: series(f / "s", modality="MR", image_type=["ORIGINAL", "PRIMARY", "P", "ND"]),
        level="warning",
    ),
    "CT without rescale": Bad(
        "dicom-no-rescale", lambda f: series(f / "s", drop=["RescaleSlope", "RescaleIntercept"]), level="warning"
    ),
    "CT with a Modality LUT beside a slope": Bad(
        "dicom-scaling", lambda f: series(f / "s", tags=[{"ModalityLUTSequence": Sequence([Dataset()])}] * 6)
    ),
    "CT with padding": Bad(
        "dicom-padding", lambda f: series(f / "s", tags=[{"PixelPaddingValue": 63536}] * 6), level="info"
    ),
    "DICOM with decimal commas": Bad(
        "dicom-decimal-comma",
        lambda f: [rewrite(p, b"1.5\\0.75", b"1,5\\0,75") for p in series(f / "s")],
        level="warning",
    ),
    "palette": Bad("colour", lambda f: SERIES["palette colour"][1](series(f / "s"))),
    "DICOM colour": Bad("colour", lambda f: series(f / "s", samples=3)),
    "DICOM header cut": Bad("unreadable", lambda f: cut(series(f / "s", positions=[0, 2])[0], 0.2)),
    "deflated DICOM of zeros": Bad("inflates-too-far", lambda f: deflated(f / "s", 1 << 27)),
}
