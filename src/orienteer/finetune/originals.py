"""The files that scans of a store were made from, where these lie unchanged: they show more than the store's grid.

A scan of several files (a DICOM series, a file a channel) is not sought: the store's grid then has to do.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from orienteer.errors import OrienteerError
from orienteer.finetune.structures import Structures
from orienteer.geometry import Volume, canonical
from orienteer.geometry.resample import Grid
from orienteer.runs.scan import at_half, for_network, read_with_info_as
from orienteer.scans.discover import label_files
from orienteer.scans.labels.read import names_orientation, read_labels
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.source import ScanInfo
from orienteer.store import Parameters, Store
from orienteer.store.private import read_private
from orienteer.store.sources import FileStamp, SourceRecord


@dataclass(frozen=True, eq=False)
class Originals:
    """Those of a store, to which its ``private.json`` leads."""

    store: Store

    def finer(self, scan: str) -> Volume | None:
        """A scan at half the store's spacing, axes R, A, S, in window units; None where its file is not as it was."""
        read = self._read(scan)
        if read is None:
            return None
        upright = canonical(read[1])
        try:
            ready = for_network(upright, self._parameters)
            return at_half(upright, ready.intensity, self.store.manifest.spacing)
        except OrienteerError:
            return None

    def missing(self, scans: Iterable[str]) -> int:
        """How many scans have no file of their own that is as it was."""
        return sum(scan not in self._records or _unchanged(self._records[scan].files) is None for scan in scans)

    def classes(self, scan: str, structures: Structures) -> Volume | None:
        """The classes ``(1, X, Y, Z)`` of a scan's own label file; None where it is not there."""
        record, read = self._records.get(scan), self._read(scan)
        path = _unchanged(record.labels) if record is not None else None
        if record is None or read is None or path is None:
            return None
        info, volume = read
        try:
            named, others = label_files(path)
            source = replace((named or others)[0], ignored=record.ignored)
            grid = Grid(volume.shape, volume.affine)
            labels, _ = read_labels(source, grid, oriented=names_orientation(info.findings))
        except OrienteerError:
            return None
        if labels is None:
            return None
        return Volume(structures.encode(labels.array.astype(np.int16)), labels.affine)

    @cached_property
    def _records(self) -> dict[str, SourceRecord]:
        try:
            private = read_private(self.store.path)
        except OrienteerError:
            return {}
        return private.scans if private is not None else {}

    @property
    def _parameters(self) -> Parameters:
        return self.store.manifest.parameters or Parameters(spacing=self.store.manifest.spacing)

    def _read(self, scan: str) -> tuple[ScanInfo, Volume] | None:
        record = self._records.get(scan)
        path = _unchanged(record.files) if record is not None else None
        if path is None:
            return None
        entry = self.store.entry(scan)
        try:
            sources = lay_out(path, expected=entry.channels).sources
            if len(sources) != 1:
                return None
            return read_with_info_as(sources[0], (entry.channels, self.store.manifest.channel_names))
        except OrienteerError:
            return None


def _unchanged(stamps: tuple[FileStamp, ...]) -> Path | None:
    """The only file of these, if it holds what it held."""
    if len(stamps) != 1:
        return None
    path = Path(stamps[0].path)
    try:
        return path if stamps[0].again(path) is not None else None
    except OSError:
        return None
