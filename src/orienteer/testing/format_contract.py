"""The contract suite of file formats: subclass it in a test, name the format, and write a scan.

::

    class TestMgh(FormatContract):
        format = MghFormat

        def write(self, folder, extension, array, affine):
            nibabel.save(nibabel.MGHImage(array, affine), folder / f"scan{extension}")

Every test runs for each extension of the format. It needs no scans but those it writes.
"""

import math
import multiprocessing
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import OrienteerError, ScanError
from orienteer.geometry import Volume, canonical
from orienteer.scans.discover import survey
from orienteer.scans.formats.format import Format
from orienteer.scans.formats.opening import open_scan
from orienteer.scans.formats.registry import FORMATS, format_of, without_extension
from orienteer.scans.reading import inspect, read
from orienteer.scans.source import Source

MOST_SECONDS = 30.0
"""Time limit for reading a file of a few kilobytes."""

SHARES = (0.001, 0.1, 0.5, 0.9, 1.0)
"""Shares of a file's bytes that are kept when it is cut; 1.0 drops a single byte."""

LARGE = (90, 100, 60)
"""Voxels of a scan whose header must be read within less than one byte per voxel."""

OBLIQUE = np.array(
    [[-1.468, 0.306, -0.263, 12.5], [0.297, 1.909, 0.437, -40.25], [0.084, -0.511, 2.447, 31.0], [0, 0, 0, 1]]
)
"""Voxels of 1.5 x 2 x 2.5 mm in RAS, turned against every axis and mirrored; made orthogonal below."""

UPRIGHT = np.array([[1.5, 0, 0, 12.5], [0, 2, 0, -40.25], [0, 0, 2.5, 31], [0, 0, 0, 1.0]])


class FormatContract:
    """Checks of one file format.

    Attributes:
        format: the class.
        oblique: False for a format without directions, which stores spacing and origin only.
        big_endian: True with ``write_big_endian``.
    """

    format: ClassVar[type[Format[Any]]]
    oblique: ClassVar[bool] = True
    big_endian: ClassVar[bool] = False

    def write(self, folder: Path, extension: str, array: NDArray[np.int16], affine: NDArray[np.float64]) -> None:
        """Write one scan: a file ``scan`` and the extension, or several, and the data files that belong to it.

        Args:
            folder: an empty folder.
            extension: one of the format's.
            array: ``(X, Y, Z)``.
            affine: ``(4, 4)`` voxel index to world RAS mm.
        """
        raise NotImplementedError("write a scan of this format")

    def write_big_endian(self, folder: Path, array: NDArray[np.int16], affine: NDArray[np.float64]) -> None:
        """The same in big-endian byte order, with any extension."""
        raise NotImplementedError("write a big-endian scan, or leave big_endian = False")

    def array(self, *shape: int) -> NDArray[np.int16]:
        """Fixed values between -1000 and 3000."""
        return np.random.default_rng(0).integers(-1000, 3000, shape or (11, 13, 9)).astype(np.int16)

    def affine(self) -> NDArray[np.float64]:
        """The affine of the example."""
        if not self.oblique:
            return UPRIGHT
        affine, sides = OBLIQUE.copy(), np.linalg.norm(OBLIQUE[:3, :3], axis=0)
        u, _, v = np.linalg.svd(OBLIQUE[:3, :3] / sides)
        affine[:3, :3] = u @ v * (1.5, 2.0, 2.5)
        return affine

    def test_format__is_registered_and_claims_its_extensions(self) -> None:
        """The registry gives the class by its name, and the class by each of its extensions."""
        name = self.format.name
        assert name in FORMATS and FORMATS[name] is self.format, f"{name} is not registered: name it in an entry point"
        for extension in self.format.extensions:
            assert extension == extension.lower() and extension.startswith("."), f"write {extension} as .abc"
            found = format_of(Path(f"case.1{extension.upper()}"))
            assert isinstance(found, self.format), f"{extension} belongs to {found and found.name}"
            assert without_extension(f"case.1{extension}") == "case.1"
        assert set(self.format.detached_extensions) <= set(self.format.extensions)
        assert bool(self.format.detached_extensions) == bool(self.format.data_extensions)

    def test_format__voxels_and_their_place_come_back(self, tmp_path: Path) -> None:
        """Every value is where it was written, in mm; integers stay integers."""
        for source in self._examples(tmp_path):
            self._assert_example(source, read(source))

    def test_format__a_scan_is_found_with_all_its_files(self, tmp_path: Path) -> None:
        """One scan by the extension's name, and no file of it is listed as something else."""
        for source in self._examples(tmp_path):
            found = survey(source.root)
            assert found.skipped == (), f"{found.skipped} belong to the scan: name data_extensions"
            assert source.format == self.format.name
            if self.format.one_file_a_scan:
                assert source.id == "scan"

    def test_format__the_header_is_read_without_the_voxels(self, tmp_path: Path) -> None:
        """Shape, place and type come from the header, while far less than the voxels is held in memory."""
        for source in self._examples(tmp_path, self.array(*LARGE)):
            tracemalloc.start()
            header = open_scan(source).header
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert header.shape == LARGE and header.channels == header.components == header.volumes == 1
            assert peak < math.prod(LARGE), f"{peak:,} bytes were held for a header: leave the voxels where they are"
            info = inspect(source, voxels=False)
            assert info.usable and info.low is None and info.shape == header.shape

    def test_format__header_and_voxels_may_be_read_in_different_processes(self, tmp_path: Path) -> None:
        """All that the reader keeps is its header, and that can be sent away."""
        for source in self._examples(tmp_path):
            take, give = multiprocessing.Pipe(duplex=False)
            give.send(self.format().read_header(source))
            array = self.format().read_voxels(source, take.recv())
            np.testing.assert_array_equal(array, open_scan(source).voxels())

    def test_format__reading_is_repeatable_and_changes_no_file(self, tmp_path: Path) -> None:
        """Reading again and in several threads gives the same voxels; the files do not change."""
        for source in self._examples(tmp_path):
            before = {path: path.read_bytes() for path in self._files(source)}
            with ThreadPoolExecutor(4) as pool:
                volumes = list(pool.map(read, [source] * 4))
            for volume in volumes:
                np.testing.assert_array_equal(volume.array, volumes[0].array)
                np.testing.assert_array_equal(volume.affine, volumes[0].affine)
            assert {path: path.read_bytes() for path in self._files(source)} == before

    def test_format__a_cut_file_is_refused(self, tmp_path: Path) -> None:
        """Wherever a file of the scan ends too early: an error with a code, or not one voxel is different."""
        for source in self._examples(tmp_path):
            for path in self._files(source)[:3]:
                whole = path.read_bytes()
                for share in SHARES:
                    path.write_bytes(whole[: min(int(share * len(whole)) + 1, len(whole) - 1)])
                    volume = self._read_or_refuse(source, f"{path.name} cut to {path.stat().st_size} bytes")
                    if volume is not None:
                        np.testing.assert_array_equal(volume.array[0], self.array(), f"{path.name}, {share:.0%} of it")
                path.write_bytes(whole)

    def test_format__an_empty_file_is_refused(self, tmp_path: Path) -> None:
        """An empty file, as a full disk leaves it, has its own code."""
        for source in self._examples(tmp_path):
            source.paths[0].write_bytes(b"")
            assert self._code(source) == "empty-file"

    def test_format__other_content_is_refused(self, tmp_path: Path) -> None:
        """Text, zeros or noise with the format's extension is no scan."""
        noise = np.random.default_rng(1).bytes(5000)
        for content in (b"this is a note about the scan\n" * 200, bytes(5000), noise):
            for number, source in enumerate(self._examples(tmp_path / f"{content[0]}")):
                source.paths[0].write_bytes(content)
                assert self._read_or_refuse(source, f"{content[:8]!r} named {source.relative}") is None, number

    def test_format__a_missing_data_file_is_named(self, tmp_path: Path) -> None:
        """A header without its data file has its own code."""
        for source in self._examples(tmp_path):
            if not source.relative.endswith(tuple(self.format.detached_extensions or ("?",))):
                continue
            for path in self._files(source):
                if path not in source.paths:
                    assert path.suffix in self.format.data_extensions
                    path.unlink()
            assert self._code(source) == "companion-missing"

    def test_format__big_endian_is_read_like_little(self, tmp_path: Path) -> None:
        """The same voxels, in native byte order."""
        if self.big_endian:
            self.write_big_endian(tmp_path, self.array(), self.affine())
            (source,) = survey(tmp_path).sources
            volume = read(source)
            self._assert_example(source, volume)
            assert volume.array.dtype.isnative

    def test_format__content_is_recognised_where_it_is_claimed(self, tmp_path: Path) -> None:
        """A format that recognises files without an extension finds its own files and no others."""
        if self.format.recognises is Format.recognises:
            return
        for source in self._examples(tmp_path):
            for path in source.paths:
                path.rename(path.with_name(path.name.removesuffix(path.suffix)))
            (found,) = survey(source.root).sources
            self._assert_example(found, read(found))
        for content in (b"", b"a", b"text without end\n" * 90, bytes(2000)):
            (tmp_path / "other").write_bytes(content)
            assert not self.format().recognises(tmp_path / "other"), f"{content[:20]!r} is taken for {self.format.name}"

    def _examples(self, folder: Path, array: NDArray[np.int16] | None = None) -> Iterator[Source]:
        for number, extension in enumerate(self.format.extensions):
            place = folder / f"example-{number}"
            place.mkdir(parents=True)
            self.write(place, extension, self.array() if array is None else array, self.affine())
            try:
                sources = survey(place).sources
            except OrienteerError as error:
                raise AssertionError(f"write() left no scan with {extension}: {error}") from error
            assert len(sources) == 1, f"{[source.relative for source in sources]} should be one scan"
            yield sources[0]

    def _assert_example(self, source: Source, volume: Volume) -> None:
        info = inspect(source)
        assert info.usable and volume.array.dtype.kind == "i", (info.findings, volume.array.dtype)
        # A reader may flip an axis, as long as every value keeps its position in the body.
        found, written = canonical(volume), canonical(Volume(array=self.array()[None], affine=self.affine()))
        np.testing.assert_array_equal(found.array, written.array)
        corners = np.array([[*np.multiply(pick, written.shape), 1] for pick in np.ndindex(2, 2, 2)]).T
        apart = float(np.abs((found.affine - written.affine) @ corners).max())
        assert apart < 0.01, f"{source.relative} lies {apart:.3f} mm from where it was written"

    def _files(self, source: Source) -> list[Path]:
        return sorted(path for path in source.paths[0].parent.iterdir() if path.is_file())

    def _code(self, source: Source) -> str:
        try:
            read(source)
        except ScanError as error:
            assert source.relative in error.message and error.cure
            return error.code
        raise AssertionError(f"{source.relative} was read all the same")

    def _read_or_refuse(self, source: Source, what: str) -> Volume | None:
        """The volume, or None where the reader refused it in time."""
        try:
            header, array = _in_time(lambda: (opened := open_scan(source)) and (opened.header, opened.voxels()), what)
        except (ScanError, OSError):
            assert not inspect(source).usable
            return None
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__} left the reader; raise refusal(...)") from error
        return Volume(array=array, affine=header.affine)


def _in_time(call: Callable[[], Any], what: str) -> Any:
    """What ``call`` returns or raises, unless it takes too long."""
    ended: list[tuple[Any, Exception | None]] = []

    def run() -> None:
        try:
            ended.append((call(), None))
        except Exception as error:
            ended.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(MOST_SECONDS)
    if not ended:
        raise AssertionError(f"{what}: the reader was still busy after {MOST_SECONDS:.0f} s")
    answer, error = ended[0]
    if error:
        raise error
    return answer
