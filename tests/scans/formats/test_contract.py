"""Every shipped format keeps the contract of formats."""

from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from orienteer.scans.formats.dicom import DicomFormat
from orienteer.scans.formats.header import LPS_TO_RAS
from orienteer.scans.formats.metaimage import MetaImageFormat
from orienteer.scans.formats.nifti import NiftiFormat
from orienteer.scans.formats.nrrd import NrrdFormat
from orienteer.scans.formats.registry import FORMATS
from orienteer.testing.format_contract import FormatContract
from tests.scans.dicom_files import blank


def _image(array: NDArray, affine: NDArray) -> sitk.Image:
    lps = LPS_TO_RAS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(array.T)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


class TestNifti(FormatContract):
    format = NiftiFormat
    big_endian = True

    def write(self, folder: Path, extension: str, array: NDArray, affine: NDArray) -> None:
        kind = nibabel.Nifti1Pair if extension == ".hdr" else nibabel.Nifti1Image
        nibabel.save(kind(array, affine), folder / f"scan{extension}")

    def write_big_endian(self, folder: Path, array: NDArray, affine: NDArray) -> None:
        header = nibabel.Nifti1Header(endianness=">")
        header.set_data_dtype(np.int16)
        nibabel.save(nibabel.Nifti1Image(array, affine, header=header), folder / "scan.nii.gz")


class TestNifti2(TestNifti):
    def write(self, folder: Path, extension: str, array: NDArray, affine: NDArray) -> None:
        kind = nibabel.Nifti2Pair if extension == ".hdr" else nibabel.Nifti2Image
        nibabel.save(kind(array, affine), folder / f"scan{extension}")


class TestNrrd(FormatContract):
    format = NrrdFormat
    big_endian = True
    compress = False

    def write(self, folder: Path, extension: str, array: NDArray, affine: NDArray) -> None:
        sitk.WriteImage(_image(array, affine), str(folder / f"scan{extension}"), useCompression=self.compress)

    def write_big_endian(self, folder: Path, array: NDArray, affine: NDArray) -> None:
        self.write(folder, ".nhdr", array, affine)
        (data,) = [path for path in folder.iterdir() if path.suffix != ".nhdr"]
        (header,) = folder.glob("*.nhdr")
        data.unlink()
        (folder / "scan.raw").write_bytes(array.astype(">i2").tobytes(order="F"))
        lines = [line for line in header.read_text().splitlines() if not line.startswith(("encoding", "data file"))]
        text = "\n".join(lines).replace("endian: little", "endian: big")
        header.write_text(f"{text}\nencoding: raw\ndata file: scan.raw\n")


class TestNrrdCompressed(TestNrrd):
    compress = True


class TestMetaImage(FormatContract):
    format = MetaImageFormat
    big_endian = True
    compress = False

    def write(self, folder: Path, extension: str, array: NDArray, affine: NDArray) -> None:
        sitk.WriteImage(_image(array, affine), str(folder / f"scan{extension}"), useCompression=self.compress)

    def write_big_endian(self, folder: Path, array: NDArray, affine: NDArray) -> None:
        sitk.WriteImage(_image(array, affine), str(folder / "scan.mhd"))
        header = folder / "scan.mhd"
        header.write_text(header.read_text().replace("ByteOrderMSB = False", "ByteOrderMSB = True"))
        (folder / "scan.raw").write_bytes(array.astype(">i2").tobytes(order="F"))


class TestMetaImageCompressed(TestMetaImage):
    compress = True


class TestDicom(FormatContract):
    format = DicomFormat

    def write(self, folder: Path, extension: str, array: NDArray, affine: NDArray) -> None:
        lps = LPS_TO_RAS @ affine
        sides = np.linalg.norm(lps[:3, :3], axis=0)
        across, down, _ = (lps[:3, :3] / sides).T
        for index in range(array.shape[2]):
            data = blank("1.2.3.4", "CT", ("ORIGINAL", "PRIMARY", "AXIAL"))
            data.Rows, data.Columns, data.SamplesPerPixel = array.shape[1], array.shape[0], 1
            data.PhotometricInterpretation = "MONOCHROME2"
            data.BitsAllocated = data.BitsStored = 16
            data.HighBit, data.PixelRepresentation = 15, 1
            data.RescaleSlope, data.RescaleIntercept = 1, 0
            data.PixelSpacing = [round(float(sides[1]), 6), round(float(sides[0]), 6)]
            data.ImagePositionPatient = [round(float(mm), 6) for mm in (lps @ [0, 0, index, 1])[:3]]
            data.ImageOrientationPatient = [round(float(part), 9) for part in (*across, *down)]
            data.PixelData = array[:, :, index].T.astype("<i2").tobytes()
            data.save_as(folder / f"slice_{index:03d}{extension}", enforce_file_format=True)


def test_contract__covers_every_shipped_format() -> None:
    suites = [kind for kind in globals().values() if isinstance(kind, type) and issubclass(kind, FormatContract)]
    assert {kind.format for kind in suites if kind is not FormatContract} == set(FORMATS.values())
