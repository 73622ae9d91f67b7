"""Which way grey values run: MONOCHROME1 shows the lowest value white, and everything after expects air to be dark."""

from collections.abc import Sequence

from numpy.typing import NDArray

from orienteer.scans.dicom.header import FileHeader
from orienteer.scans.findings import Finding, finding, refusal

TURNED = {"MR"}
"""Modalities whose values have no unit, so that only their order counts; Hounsfield units and activities are kept."""


def check_greys(headers: Sequence[FileHeader]) -> tuple[bool, list[Finding]]:
    """Whether the volume's intensities are to be turned over, and what there is to say about it.

    Raises:
        ScanError: ``dicom-mixed``, as some slices run one way and some the other.
    """
    ways = {header.monochrome1 for header in headers}
    if ways == {False}:
        message = "MONOCHROME2, and PresentationLUTShape INVERSE: values are used as they are"
        return False, [finding("dicom-monochrome1", message)] if any(h.contradicted for h in headers) else []
    modality = headers[0].modality
    if modality not in TURNED:
        return False, [finding("dicom-monochrome1", f"{modality or 'no modality'}: its lowest value is shown white")]
    if len(ways) > 1:
        raise refusal("dicom-mixed", "some slices show their lowest value white (MONOCHROME1), others black")
    return True, [finding("dicom-turned-over", "MR that shows its lowest value white (MONOCHROME1)")]


def turn_over(slices: Sequence[NDArray]) -> list[NDArray]:
    """Rescaled slices with highest and lowest value exchanged, and all between them alike.

    One sum serves the whole volume, so that slices keep their brightness among themselves; and it is the sum of the
    values that occur, so that their range stays, whatever the header says of the bits stored.
    """
    total = max(one.max() for one in slices) + min(one.min() for one in slices)
    return [total - one for one in slices]
