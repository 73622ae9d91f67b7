"""The files that scans of a store were made from, where these lie unchanged: they show more than the store's grid."""

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
from orienteer.scans.formats.library_messages import without_messages
from orienteer.scans.formats.registry import format_of, recognised_format
from orienteer.scans.labels.read import names_orientation, read_labels
from orienteer.scans.source import ScanInfo, Source
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

    def classes(self, scan: str, structures: Structures) -> Volume | None:
        """The classes ``(1, X, Y, Z)`` of a scan's own label file; None where it is not there."""
        record, read = self._records.get(scan), self._read(scan)
        paths = _unchanged(record.labels) if record is not None else ()
        if record is None or read is None or len(paths) != 1:
            return None
        info, volume = read
        try:
            named, others = label_files(paths[0])
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
        paths = _unchanged(record.files) if record is not None else ()
        manifest, channels = self.store.manifest, self.store.entry(scan).channels
        try:
            source = _source(paths, channels, manifest.channel_names) if paths else None
            return read_with_info_as(source, (channels, manifest.channel_names)) if source is not None else None
        except (OrienteerError, OSError):
            return None


def _source(paths: tuple[Path, ...], channels: int, names: tuple[str, ...]) -> Source | None:
    """The scan that these files make, one a channel, or as their format puts them together; None where they make none.

    Raises:
        OSError: a file cannot be opened.
    """
    kinds = [format_of(path) or recognised_format(path) for path in paths]
    first = kinds[0]
    if first is None:
        return None
    if len(paths) > 1 and all(kind is not None and kind.one_file_a_scan for kind in kinds):
        parts = [_source((path,), 1, ()) for path in paths]
        found = tuple(part for part in parts if part is not None)
        # Where they lie on other grids, ingest was told to bring them together.
        whole = replace(found[0], paths=paths, parts=found, resample=True, channel_names=names)
        return whole if len(found) == len(paths) == channels else None
    with without_messages():
        made = [scan for scan in first.scans(paths, paths[0].parent) if isinstance(scan, Source)]
    return made[0] if len(made) == 1 and set(made[0].paths) == set(paths) else None


def _unchanged(stamps: tuple[FileStamp, ...]) -> tuple[Path, ...]:
    """These files, if each holds what it held; else none."""
    paths = tuple(Path(stamp.path) for stamp in stamps)
    try:
        same = all(stamp.again(path) is not None for stamp, path in zip(stamps, paths, strict=True))
    except OSError:
        return ()
    return paths if same else ()
