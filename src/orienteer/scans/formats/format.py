"""What a file format is: extensions, how its files make scans, and how one is read."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.scans.formats.header import Header
from orienteer.scans.placement import Placement
from orienteer.scans.source import Skipped, Source, below_root

H = TypeVar("H", bound=Header)


class Format(ABC, Generic[H]):
    """One file format; stateless, so that one instance serves all threads and processes.

    A subclass names its extensions and reads a header and voxels. Everything else has a default that suits a format
    of one file a scan. ``orienteer.testing.format_contract`` checks what it promises.

    Attributes:
        name: as it is shown, and its key in the registry.
        extensions: in lower case, with the dot.
        magic: how every file begins, after white space; empty where only the reader can tell.
        detached_extensions: those of ``extensions`` whose file is a header alone, with its voxels in a file beside it.
        data_extensions: of the files with the voxels, which are no scans of their own.
        one_file_a_scan: False where several files make one scan, so that a file's name says nothing of the scan.
        native: whether a library of native code reads it. A damaged file can make one end its process, so both
            methods then run in a process of their own: the class must be importable there.
        libraries: modules that such a process imports before its first call; a class that is asked but does not read
            itself need not import them.
        reading: counted up whenever its files give other voxels than before; stored scans of it are then read again.
    """

    name: ClassVar[str]
    extensions: ClassVar[tuple[str, ...]]
    magic: ClassVar[tuple[bytes, ...]] = ()
    detached_extensions: ClassVar[tuple[str, ...]] = ()
    data_extensions: ClassVar[tuple[str, ...]] = ()
    one_file_a_scan: ClassVar[bool] = True
    native: ClassVar[bool] = False
    libraries: ClassVar[tuple[str, ...]] = ()
    reading: ClassVar[int] = 1

    @abstractmethod
    def read_header(self, source: Source) -> H:
        """Understand the header, without reading the voxels.

        Raises:
            ScanError: the file is something else, is cut, lacks its data file, or its header is absurd.
        """

    @abstractmethod
    def read_voxels(self, source: Source, header: H) -> NDArray:
        """The array ``(C, X, Y, Z)`` in rescaled intensities (HU for CT), axes as the affine's columns.

        Args:
            source: the scan.
            header: what ``read_header`` said of it, perhaps in another process.

        Raises:
            ScanError: the voxels are cut, damaged or inflate too far.
        """

    def placement(self, source: Source, volume: Volume) -> Placement:
        """Where the scan lies as a NIfTI header says it, so that its readers find the answer where they find the scan.

        Args:
            source: the scan.
            volume: its voxels, as they were read.

        Raises:
            ScanError: the file is no longer what it was.
        """
        return Placement.of(volume.affine, volume.shape)

    def recognises(self, path: Path) -> bool:
        """Whether a file whose extension no format claims is of this one, by its content."""
        return False

    def scans(self, paths: Sequence[Path], root: Path) -> Iterator[Source | Skipped]:
        """The scans that the files of one folder make, and the files that are none.

        Args:
            paths: all files of this format in the folder.
            root: the folder that is searched.
        """
        for path in paths:
            yield Source((path,), self.name, below_root(path, root), root)

    def side_by_side(self, scans: Sequence[Source]) -> list[Source]:
        """The scans of all folders, with what only shows with all of them in view; here as they are.

        Args:
            scans: all of this format.
        """
        return list(scans)
