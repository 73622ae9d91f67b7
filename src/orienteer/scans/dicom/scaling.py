"""How stored values become intensities: by a slope and an intercept, or through a table (Modality LUT).

What changes only how an image is shown (VOI LUT, window, presentation LUT) is never applied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut

from orienteer.scans.dicom.file import open_dataset
from orienteer.scans.findings import Finding, finding, refusal

if TYPE_CHECKING:
    from orienteer.scans.dicom.header import Frame

SCALING_TAGS: list[str | int] = [
    "RescaleSlope", "RescaleIntercept", "RescaleType", "Units", "ModalityLUTSequence", "RealWorldValueMappingSequence",
]  # fmt: skip

IDENTITY = (1.0, 0.0)


@dataclass(frozen=True)
class Scaling:
    """What one frame's header says of its stored values.

    Attributes:
        line: slope and intercept; None where the header has neither.
        table: whether there is a Modality LUT; it is read with the voxels.
        unit: of the result (PET: Units), in capitals; empty where the header is silent.
        real_world: slope and intercept of its Real World Value Mapping, which is not applied; compared only.
    """

    line: tuple[float, float] | None = None
    table: bool = False
    unit: str = ""
    real_world: str = ""

    @property
    def rises(self) -> bool:
        """Whether a higher stored value is known to be a higher intensity."""
        return not self.table and (self.line is None or self.line[0] > 0)


def scaling_of(data: Dataset, own: Sequence[Dataset] = (), mapped: Sequence[Dataset] = ()) -> Scaling:
    """What a header says of the stored values of one frame.

    Args:
        data: the file's header.
        own: the frame's own Pixel Value Transformation, which counts before the file's.
        mapped: the frame's own Real World Value Mapping.
    """
    said = own[0] if own and own[0].get("RescaleSlope") is not None else data
    slope, intercept = said.get("RescaleSlope"), said.get("RescaleIntercept")
    table = data.get("ModalityLUTSequence") or ()
    unit = table[0].get("ModalityLUTType") if table else data.get("Units") or said.get("RescaleType")
    real = (mapped or data.get("RealWorldValueMappingSequence") or [Dataset()])[0]
    return Scaling(
        line=None if slope is None and intercept is None else (_number(slope, 1.0), _number(intercept, 0.0)),
        table=bool(table),
        unit=str(unit or "").strip().upper(),
        real_world=f"{real.get('RealWorldValueSlope', '')} {real.get('RealWorldValueIntercept', '')}",
    )


def _number(value: object, silent: float) -> float:
    return silent if value is None or not str(value).strip() else float(str(value))


def check_scaling(frames: "Sequence[Frame]", modality: str) -> list[Finding]:
    """A finding where CT is not known to be in Hounsfield units.

    Raises:
        ScanError: ``dicom-mixed``, as only some slices say how values are scaled, or they name several units;
            ``dicom-scaling``, as they say it in two ways or only in one that is not applied.
    """
    scalings = [frame.scaling for frame in frames]
    lines = {one.line for one in scalings} - {None}
    plain = sum(not one.table for one in scalings)
    silent = sum(one.line is None and not one.table for one in scalings)
    if 0 < plain < len(frames):
        raise refusal("dicom-mixed", f"{plain} of {len(frames)} slices have no Modality LUT")
    if not plain and lines - {IDENTITY}:
        raise refusal("dicom-scaling", "a Modality LUT beside RescaleSlope and RescaleIntercept: only one can be meant")
    if 0 < silent < len(frames) and (modality == "CT" or lines - {IDENTITY}):
        raise refusal("dicom-mixed", f"{silent} of {len(frames)} slices have no RescaleSlope or RescaleIntercept")
    if silent == len(frames) and len({one.real_world for one in scalings}) > 1:
        message = "slices are scaled differently by their Real World Value Mappings, and by nothing else"
        raise refusal("dicom-scaling", message)
    units = {one.unit for one in scalings} - {""}
    if len(units) > 1:
        raise refusal("dicom-mixed", f"the slices have {len(units)} units of intensity (Units, RescaleType)")
    if modality != "CT":
        return []
    if silent:
        return [finding("dicom-no-rescale", "CT without RescaleSlope and RescaleIntercept: values are used as stored")]
    if units - {"HU"}:
        return [finding("dicom-no-rescale", "CT in another unit than HU (RescaleType): values are used as they are")]
    return []


def read_table(path: Path) -> Dataset:
    """A file's Modality LUT."""
    return open_dataset(path, ["ModalityLUTSequence", "PixelRepresentation"])


def through_table(path: Path, table: Dataset, stored: NDArray) -> NDArray[np.int32]:
    """Stored values through a Modality LUT; beyond its ends, its first and last value.

    Raises:
        ScanError: the table is damaged.
    """
    try:
        # Whatever it says of its bits, each entry has 16; and below the first value mapped, unsigned values wrap.
        table.ModalityLUTSequence[0].LUTDescriptor[2] = 16
        mapped: NDArray[np.int32] = apply_modality_lut(stored.astype(np.int32), table).astype(np.int32)
    except Exception:  # pydicom lets many through, and the table is all that they are about
        raise refusal("dicom-scaling", f"{path.name}: its Modality LUT is damaged") from None
    return mapped
