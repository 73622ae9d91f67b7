"""Scans as a careless hospital keeps them: names, numbers and dates in every header, file name, folder and column."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import SimpleITK as sitk
from nibabel.nifti1 import Nifti1Extension
from pydicom.sequence import Sequence

from orienteer.testing.phantom import phantom
from tests.scans.dicom_files import series

SPACING = 3.0
AFFINE = np.diag([SPACING, SPACING, SPACING, 1.0])
PEOPLE = ("Quentzel", "Vorbracht", "Ixelmann", "Zwyndham", "Jabuljo", "Ogrodzki", "Fjeldvang", "Wuxhall")
"""Surnames of the eight patients."""

WORDS = {
    *PEOPLE,
    "Hyldegonda",  # first name
    "MRNX778899",  # record number
    "19471103", "1947-11-03", "19990317", "1999-03-17", "03.11.1947",  # dates
    "Sankt-Krusebald", "KRUSEBALDKLINIK",  # hospital, in the folder and in headers
    "ACCXN5544",  # accession number
    "1.2.826.0.1.3680043.9.7433",  # root of all UIDs
    "PRIVTAGZQ", "OPRNAMEQX", "COMMENTQZX",  # private tag, operator, comment
    "DESCRIPQZ", "AUXFILEQZ", "DBNAMEQZ", "EXTENSIONQZ", "INTENTQZ",  # NIfTI
    "NRRDCONTENTQ", "NRRDKEYQZ", "NRRDVALUEQ", "MHACOMMENTQ", "MHAVALUEQZ",  # NRRD, MetaImage
    "STUDYNOTEQZ", "4711008",  # columns of the table
}  # fmt: skip
"""Every word that must not be written anywhere by default."""

NAMED = set(PEOPLE) | {"Sankt-Krusebald"}
"""Words that a store of kept names does hold: the control that the search finds what is there."""


def plant(folder: Path) -> tuple[Path, Path, Path]:
    """Eight patients in four formats below ``folder``; returns the scans, the labels and the table."""
    scans, labels = folder / "Sankt-Krusebald" / "pacs", folder / "Sankt-Krusebald" / "truth"
    rows = ["id\tperson\tPatientName\tbirthday\tMRN\tnote\tward\tage\tseen\tkey"]
    for index, name in enumerate(PEOPLE):
        volume, organs = phantom(index)
        stem = f"{name}_Hyldegonda_19471103/MRNX778899_{name}"
        path = scans / stem
        path.parent.mkdir(parents=True)
        write = (nifti, nrrd, metaimage, dicom)[index] if index < 4 else nifti
        write(path, volume.array[0], name)
        (labels / stem).parent.mkdir(parents=True)
        nibabel.save(nibabel.Nifti1Image(organs, AFFINE), labels / f"{stem}.nii.gz")
        rows.append(
            "\t".join(
                (stem, f"{name}, Hyldegonda", f"{name}^Hyldegonda", "03.11.1947", f"MRNX778899{index}",
                 f"STUDYNOTEQZ seen by {name}", ("north", "south")[index // 2 % 2], str(30 + index), "1999-03-17",
                 f"4711008{index}")
            )
        )  # fmt: skip
    table = folder / "Sankt-Krusebald" / "Quentzel-patients.tsv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return scans, labels, table


def nifti(path: Path, array: np.ndarray, name: str) -> None:
    """Every text field of the header, and an extension."""
    image = nibabel.Nifti1Image(array, AFFINE)
    header = image.header
    header["descrip"] = f"DESCRIPQZ {name} 19471103"
    header["aux_file"] = f"AUXFILEQZ {name}"[:23]
    header["intent_name"] = "INTENTQZ"
    header["db_name"] = "DBNAMEQZ"
    header.extensions.append(Nifti1Extension("comment", f"EXTENSIONQZ {name} 1999-03-17".encode()))
    nibabel.save(image, path.with_name(path.name + ".nii.gz"))


def nrrd(path: Path, array: np.ndarray, name: str) -> None:
    """A comment, ``content``, and key and value pairs."""
    target = path.with_name(path.name + ".nrrd")
    sitk.WriteImage(_image(array), str(target))
    start, end = target.read_bytes().split(b"\n\n", 1)
    told = f"\n# COMMENTQZX {name}\ncontent: NRRDCONTENTQ {name}\nNRRDKEYQZ:=NRRDVALUEQ {name} 19471103"
    target.write_bytes(start + told.encode() + b"\n\n" + end)


def metaimage(path: Path, array: np.ndarray, name: str) -> None:
    """A comment and fields of its own."""
    image = _image(array)
    image.SetMetaData("Comment", f"MHACOMMENTQ {name}")
    image.SetMetaData("PatientID", f"MHAVALUEQZ {name} 1999-03-17")
    sitk.WriteImage(image, str(path.with_name(path.name + ".mha")))


def dicom(path: Path, array: np.ndarray, name: str) -> None:
    """Names, numbers, dates and UIDs in standard, nested and private elements; LPS slices of the RAS array."""
    root = "1.2.826.0.1.3680043.9.7433"
    slices = np.clip(array, 0, None)[::-1, ::-1].transpose(2, 1, 0)
    files = series(
        path, positions=[SPACING * z for z in range(len(slices))], sizes=[slices[0].shape] * len(slices),
        uid=f"{root}.1", spacing=(SPACING, SPACING), intercept=0.0, modality="MR",
        names=[f"{name}_19471103_{index:03d}.dcm" for index in range(len(slices))],
    )  # fmt: skip
    for index, (file, plane) in enumerate(zip(files, slices, strict=True)):
        data = pydicom.dcmread(file)
        data.PatientName, data.PatientID, data.PatientBirthDate = f"{name}^Hyldegonda", "MRNX778899", "19471103"
        data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = "19990317"
        data.AcquisitionDateTime = "19990317101500"
        data.InstitutionName, data.AccessionNumber = "KRUSEBALDKLINIK", "ACCXN5544"
        data.ReferringPhysicianName = data.OperatorsName = f"OPRNAMEQX^{name}"
        data.PatientComments = data.ImageComments = f"COMMENTQZX {name}"
        data.StudyDescription = data.SeriesDescription = data.ProtocolName = f"STUDYNOTEQZ {name}"
        data.StudyInstanceUID, data.FrameOfReferenceUID = f"{root}.2", f"{root}.3"
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{root}.4.{index + 1}"
        inner = pydicom.Dataset()
        inner.ReferencedSOPInstanceUID, inner.PatientName = f"{root}.5", f"{name}^Hyldegonda"
        data.ReferencedImageSequence = Sequence([inner])
        block = data.private_block(0x0011, "PRIVTAGZQ", create=True)
        block.add_new(0x01, "LO", f"PRIVTAGZQ {name}")
        data.ImagePositionPatient = [*_origin(array)[:2], SPACING * index]
        data.PixelData = plane.astype("<u2").tobytes()
        data.save_as(file)


def _image(array: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array[::-1, ::-1].transpose(2, 1, 0)))
    image.SetSpacing((SPACING,) * 3)
    image.SetOrigin(_origin(array))
    return image


def _origin(array: np.ndarray) -> tuple[float, float, float]:
    """Where the first voxel is, LPS mm, once right and anterior are turned to left and posterior."""
    return -SPACING * (array.shape[0] - 1), -SPACING * (array.shape[1] - 1), 0.0
