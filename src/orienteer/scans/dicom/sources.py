"""From the headers of one DICOM series to its sources: one for each volume."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orienteer.scans.dicom.header import FileHeader
from orienteer.scans.dicom.volumes import Group, volumes_of
from orienteer.scans.findings import Finding, finding
from orienteer.scans.source import Source

WORDS = {
    "orientation": "orientation or size",
    "EchoNumbers": "echo number",
    "TemporalPositionIdentifier": "temporal position",
    "AcquisitionNumber": "acquisition number",
    "DiffusionBValue": "b-value",
    "DiffusionGradientOrientation": "gradient direction",
    "ImageType": "image type",
    "EchoTime": "echo time",
    "InversionTime": "inversion time",
    "TriggerTime": "trigger time",
    "FrameReferenceTime": "frame time",
    "NominalPercentageOfCardiacPhase": "cardiac phase",
    "KVP": "tube voltage",
    "ConvolutionKernel": "convolution kernel",
    "StackID": "stack",
}


STUDY = re.compile(r"study-[0-9a-f]{12}")
"""How a person is called of whom only the study is known."""


def sources_of(headers: Sequence[FileHeader], relative: str, root: Path) -> list[Source]:
    """One source a volume; where there are several, each is ``relative/volume-1`` and so on.

    A file of many frames without the place of each makes a source too, so that it is reported.
    """
    blind = [header for header in headers if not header.frames]
    groups = volumes_of([header for header in headers if header.frames])
    whole = {header.path: len(header.frames) for header in headers}
    subject, patient, series = _subject(headers), _patient(headers), _series(headers)
    names = _names(relative, len(groups) + bool(blind))
    sources = [
        _source(group, name, root, whole, _note(group, number, len(groups)))
        for number, (group, name) in enumerate(zip(groups, names, strict=False), 1)
    ]
    sources = [replace(source, subject=subject, patient=patient, series=series) for source in sources]
    if blind:
        sources.append(Source(tuple(header.path for header in blind), "DICOM", names[-1], root))
    return sources


def _names(relative: str, count: int) -> list[str]:
    return [relative] if count == 1 else [f"{relative}/volume-{number}" for number in range(1, count + 1)]


def _note(group: Group, number: int, count: int) -> tuple[Finding, ...]:
    if count == 1:
        return ()
    ways = " and ".join(WORDS[tag] for tag in group.separated_by) or "what the header calls a localiser"
    return (finding("dicom-volumes", f"volume {number} of {count} in its series, told apart by {ways}"),)


def _subject(headers: Sequence[FileHeader]) -> str:
    """A name for whoever came to the study: what one visit brought must not be parted by a split.

    Not from the patient's id, about which the user is only asked: many archives, when they remove names, give all
    patients the same one.
    """
    studies = {header.study for header in headers}
    if len(studies) > 1 or studies == {""}:
        return ""
    return f"study-{hashlib.sha256(studies.pop().encode()).hexdigest()[:12]}"


def _patient(headers: Sequence[FileHeader]) -> str:
    patients = {header.patient for header in headers} - {""}
    return patients.pop() if len(patients) == 1 else ""


def _series(headers: Sequence[FileHeader]) -> str:
    uid = headers[0].series
    return hashlib.sha256(uid.encode()).hexdigest()[:16] if uid else ""


def _source(group: Group, relative: str, root: Path, whole: dict[Path, int], note: tuple[Finding, ...]) -> Source:
    taken: dict[Path, list[int]] = {}
    for frame in group.frames:
        taken.setdefault(frame.path, []).append(frame.index)
    parted = any(len(indices) < whole[path] for path, indices in taken.items())
    return Source(
        paths=tuple(taken),
        format="DICOM",
        relative=relative,
        root=root,
        frames=tuple(tuple(sorted(indices)) for indices in taken.values()) if parted else (),
        faults=note,
    )
