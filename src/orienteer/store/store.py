"""Reading a store: small boxes of voxels, their normalisation, labels and foreground."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Bool, Float32, Int16
from numpy import ndarray
from numpy.typing import NDArray

from orienteer.errors import StoreError
from orienteer.store.arrays import read_box
from orienteer.store.columns import Scans
from orienteer.store.integrity import array_path, damaged_arrays
from orienteer.store.intensity import normalise
from orienteer.store.manifest import Kind, Manifest, ScanEntry
from orienteer.store.manifest_file import read_manifest
from orienteer.store.private import PRIVATE, read_private
from orienteer.store.sources import SourceRecord

Triple = Sequence[int] | NDArray[np.integer]


@dataclass(frozen=True)
class Store:
    """A folder of scans on one grid, open for reading.

    Holds no file handle, so it may be copied into any number of loader workers, forked or spawned; they share one
    copy in memory of what it says of its scans.

    Attributes:
        path: the folder.
        manifest: what is in it.

    Examples:
        >>> store = Store.open("store")
        >>> scan = store.ids("train")[0]
        >>> store.normalise(scan, store.read(scan, low=(2, 4, 3), size=24)).shape
        (1, 24, 24, 24)
    """

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the store at ``path``.

        Raises:
            StoreError: there is none, its ingest never finished, or the manifest is damaged or of another
                version.
        """
        path = Path(path)
        return cls(path=path, manifest=read_manifest(path))

    @property
    def scans(self) -> Scans:
        """What the manifest says of every scan, in the order of their ids.

        Examples:
            >>> sorted({entry.split for entry in store.scans}), len(store.scans) == len(store.ids())
            (['test', 'train', 'val'], True)
        """
        return self.manifest.scans

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Ids of the scans, sorted; of one split where given.

        Raises:
            StoreError: no scan is in that split.
        """
        every = self.scans.column("id")
        if split is not None:
            every = [scan for scan, own in zip(every, self.scans.column("split"), strict=True) if own == split]
        chosen = tuple(every)
        if split is not None and not chosen:
            raise StoreError(
                f"{self.path} has no scans in split {split!r}",
                cure=self._cure_of_split(split),
            )
        return chosen

    def entry(self, scan_id: str) -> ScanEntry:
        """What the manifest says of one scan.

        Raises:
            StoreError: no scan has this id.
        """
        try:
            return self.scans.named(scan_id)
        except KeyError:
            raise self._unknown(scan_id) from None

    def entries(self, ids: Sequence[str]) -> Iterator[ScanEntry]:
        """What the manifest says of many scans, in their order; quicker than ``entry`` for each.

        Raises:
            StoreError: no scan has one of the ids.
        """
        return self.scans.chosen(self._rows(ids))

    def column(self, name: str, ids: Sequence[str]) -> list[Any]:
        """One field of many scans, as ``entry`` has it, far quicker than scan by scan.

        Args:
            name: of a field of ``ScanEntry``.
            ids: which scans; the values come in their order.

        Examples:
            >>> set(store.column("channels", store.ids("val")))
            {1}

        Raises:
            StoreError: no scan has one of the ids.
        """
        return self.scans.column(name, self._rows(ids))

    def shapes(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """``(N, 3)`` voxels of many scans, in their order.

        Raises:
            StoreError: no scan has one of the ids.
        """
        return self.scans.shapes(self._rows(ids))

    def read(
        self, scan_id: str, low: Triple | None = None, size: int | Triple | None = None
    ) -> Int16[ndarray, "c d h w"]:
        """Stored voxels ``(C, d, h, w)`` of a box; of the whole scan without ``low`` and ``size``.

        Args:
            scan_id: which scan.
            low: ``(3,)`` first voxel, axes R, A, S.
            size: ``(3,)`` voxels, or one number for a cube.

        Raises:
            StoreError: the scan is unknown or damaged, or the box does not lie inside it.
        """
        voxels: NDArray[np.int16] = self._box("image", self.entry(scan_id), low, size)
        return voxels

    def labels(
        self, scan_id: str, low: Triple | None = None, size: int | Triple | None = None
    ) -> Int16[ndarray, "d h w"]:
        """Structure numbers ``(d, h, w)`` of a box, on the image's grid; 0 is background.

        Examples:
            >>> labelled = [entry.id for entry in store.scans if entry.labelled]
            >>> store.labels(labelled[0], low=(2, 4, 3), size=8).shape
            (8, 8, 8)

        Raises:
            StoreError: as ``read``, or the scan has no labels.
        """
        entry = self.entry(scan_id)
        if not entry.labelled:
            raise StoreError(f"{scan_id} has no labels in {self.path}", cure="ingest with --labels DIR")
        numbers: NDArray[np.int16] = self._box("labels", entry, low, size)[0]
        return numbers

    def normalise(self, scan_id: str, voxels: Int16[ndarray, "c d h w"]) -> Float32[ndarray, "c d h w"]:
        """Stored voxels as float32: the robust window becomes [-1, 1], what lies beyond is clipped at 1.5.

        Each output depends on its own voxel and the scan's window only, never on the rest of the crop.
        """
        return normalise(voxels, self.entry(scan_id).intensity)

    @property
    def foreground_cell(self) -> int:
        """Voxels along each edge of a cell of ``foreground``."""
        return self.manifest.foreground_cell

    def foreground(self, scan_id: str) -> Bool[ndarray, "d h w"]:
        """Where the body is, coarsely: one cell per ``foreground_cell``^3 voxels, cells at the edge included.

        Examples:
            >>> scan = store.ids()[0]
            >>> store.entry(scan).shape, store.foreground_cell, store.foreground(scan).shape
            ((28, 32, 30), 4, (7, 8, 8))
        """
        cells: NDArray[np.bool_] = self._box("foreground", self.entry(scan_id), None, None)[0] != 0
        return cells

    def array_path(self, scan_id: str, kind: str = "image") -> Path:
        """File of one array: ``image``, ``labels`` or ``foreground``."""
        return array_path(self.path, self.entry(scan_id).content, kind)

    def private(self) -> dict[str, SourceRecord]:
        """The way back from ids: each scan's own name, subject and files, from the store's private file.

        Raises:
            StoreError: the file did not come along with the store, is another's to read, or is damaged.
        """
        private = read_private(self.path)
        if private is None:
            raise StoreError(
                f"{self.path} came without its {PRIVATE}", cure="ask whoever made the store; only that file knows"
            )
        own = set(self.ids())
        return {scan: record for scan, record in private.scans.items() if scan in own}

    def verify(self) -> tuple[str, ...]:
        """Read everything and compare it with the manifest; one line for each array that differs.

        To mend a store, ingest again: what is damaged is read anew.

        Examples:
            >>> store.verify()
            ()
        """
        found = damaged_arrays(self.path, self.scans)
        return tuple(f"{entry.id}: {array.message}" for entry, array in found)

    def _rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        try:
            return self.scans.rows(ids)
        except KeyError as error:
            raise self._unknown(error.args[0]) from None

    def _unknown(self, scan_id: str) -> StoreError:
        return StoreError(
            f"{self.path} has no scan {scan_id!r}", cure=f"Store.open({str(self.path)!r}).ids() lists its scans"
        )

    def _cure_of_split(self, split: str) -> str:
        if split not in ("train", "val") or not self.scans:
            return f"its splits: {self._splits}"
        people = set(self.scans.column("person"))
        if len(people) > 1:
            return f"ingest again with a --table whose column split puts some subjects into {split!r}"
        return (
            f"its {len(self.scans)} scans count as one subject, who is never in two splits: if they are of several"
            " subjects, ingest again with a --table with the columns id and person; else add scans of somebody else"
        )

    @property
    def _splits(self) -> str:
        return ", ".join(sorted(set(self.scans.column("split")))) or "none, it is empty"

    def _box(self, kind: Kind, entry: ScanEntry, low: Triple | None, size: int | Triple | None) -> NDArray:
        full = np.asarray(entry.shape)
        if kind == "foreground":
            full = -(-full // self.foreground_cell)
        first = np.zeros(3, dtype=int) if low is None else np.asarray(low)
        count = full - first if size is None else np.full(3, size) if np.ndim(size) == 0 else np.asarray(size)
        if first.shape != (3,) or (first < 0).any() or (count < 1).any() or (first + count > full).any():
            raise StoreError(
                f"box at {first.tolist()} of size {count.tolist()} leaves {entry.id}, shape {full.tolist()}",
                cure="choose a box that lies within the scan",
            )
        path = array_path(self.path, entry.content, kind)
        return read_box(path, entry.arrays[kind].bytes, first, first + count)
