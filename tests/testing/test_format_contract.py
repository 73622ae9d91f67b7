"""The contract of formats finds the mistakes it is there for: each careless reader fails the test that names them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from orienteer.scans.findings import refusal
from orienteer.scans.formats.format import Format
from orienteer.scans.formats.header import Header
from orienteer.scans.formats.registry import FORMATS
from orienteer.scans.source import Source
from orienteer.testing import format_contract
from orienteer.testing.format_contract import FormatContract


class Honest(Format[Header]):
    """``.jsn`` holds shape and affine, ``.vox`` beside it the voxels."""

    name = "JSN"
    extensions = (".jsn",)
    magic = (b"{",)
    detached_extensions = (".jsn",)
    data_extensions = (".vox",)

    def read_header(self, source: Source) -> Header:
        try:
            said = json.loads(source.paths[0].read_text())
            shape, affine = tuple(said["shape"]), np.array(said["affine"], float)
        except (ValueError, KeyError):
            raise refusal("unreadable", f"{source.paths[0].name}: no header") from None
        if not self.data(source).is_file():
            raise refusal("companion-missing", f"{source.paths[0].name}: no voxels")
        return Header(shape=shape, affine=affine, dtype="int16")

    def read_voxels(self, source: Source, header: Header) -> NDArray:
        stored = self.data(source).read_bytes()
        if len(stored) != 2 * np.prod(header.shape):
            raise refusal("truncated", f"{source.paths[0].name}: voxels are missing")
        return np.frombuffer(stored, "<i2").reshape(header.shape)[None]

    def data(self, source: Source) -> Path:
        return source.paths[0].with_suffix(".vox")


class HoldsVoxels(Honest):
    def read_header(self, source: Source) -> Header:
        header = super().read_header(source)
        self.read_voxels(source, header).copy()
        return header


class Remembers(Honest):
    def read_voxels(self, source: Source, header: Header) -> NDArray:
        return header.kept()  # type: ignore[attr-defined,no-any-return]

    def read_header(self, source: Source) -> Header:
        header = super().read_header(source)
        object.__setattr__(header, "kept", lambda: Honest.read_voxels(self, source, header))
        return header


class LeavesValueError(Honest):
    def read_voxels(self, source: Source, header: Header) -> NDArray:
        return np.frombuffer(self.data(source).read_bytes(), "<i2").reshape(header.shape)[None]


class FillsWhatIsMissing(Honest):
    def read_voxels(self, source: Source, header: Header) -> NDArray:
        stored = self.data(source).read_bytes().ljust(2 * int(np.prod(header.shape)), b"\0")
        return np.frombuffer(stored, "<i2")[: int(np.prod(header.shape))].reshape(header.shape)[None]


class Hangs(Honest):
    def read_voxels(self, source: Source, header: Header) -> NDArray:
        if self.data(source).stat().st_size != 2 * np.prod(header.shape):
            time.sleep(2)
        return super().read_voxels(source, header)


class TurnsAxes(Honest):
    def read_voxels(self, source: Source, header: Header) -> NDArray:
        return super().read_voxels(source, header)[:, ::-1]


class ForgetsDataFile(Honest):
    data_extensions = (".raw",)


class IgnoresMissingData(Honest):
    def read_header(self, source: Source) -> Header:
        if not self.data(source).is_file():
            raise refusal("unreadable", f"{source.paths[0].name}: something is wrong")
        return super().read_header(source)


class TakesAnything(Honest):
    def recognises(self, path: Path) -> bool:
        return path.suffix == ""


CARELESS = {
    HoldsVoxels: ("the_header_is_read_without_the_voxels", "leave the voxels"),
    Remembers: ("header_and_voxels_may_be_read_in_different_processes", None),
    LeavesValueError: ("a_cut_file_is_refused", "ValueError left the reader"),
    FillsWhatIsMissing: ("a_cut_file_is_refused", "Arrays are not equal"),
    Hangs: ("a_cut_file_is_refused", "still busy"),
    TurnsAxes: ("voxels_and_their_place_come_back", "Arrays are not equal"),
    ForgetsDataFile: ("a_scan_is_found_with_all_its_files", "name data_extensions"),
    IgnoresMissingData: ("a_missing_data_file_is_named", None),
    TakesAnything: ("content_is_recognised_where_it_is_claimed", "is taken for JSN"),
}


def suite_of(kind: type[Honest]) -> FormatContract:
    class Suite(FormatContract):
        format = kind

        def write(self, folder: Path, extension: str, array: NDArray, affine: NDArray) -> None:
            (folder / f"scan{extension}").write_text(
                json.dumps({"shape": array.shape, "affine": np.asarray(affine).tolist()})
            )
            (folder / "scan.vox").write_bytes(array.astype("<i2").tobytes())

    return Suite()


@pytest.fixture
def registered(request: pytest.FixtureRequest) -> Iterator[type[Honest]]:
    yield FORMATS.register(request.param)
    FORMATS.unregister("JSN")


def names_of_tests(suite: FormatContract) -> list[str]:
    return [name for name in dir(suite) if name.startswith("test_")]


@pytest.mark.parametrize("registered", [Honest], indirect=True)
def test_contract__an_honest_reader_passes_all_of_it(registered: type[Honest], tmp_path: Path) -> None:
    suite = suite_of(registered)
    assert len(names_of_tests(suite)) >= 12
    for number, name in enumerate(names_of_tests(suite)):
        test = getattr(suite, name)
        folder = tmp_path / str(number)
        folder.mkdir()
        test(folder) if "tmp_path" in test.__code__.co_varnames else test()


@pytest.mark.parametrize("registered", CARELESS, indirect=True)
def test_contract__a_careless_reader_fails(
    registered: type[Honest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(format_contract, "MOST_SECONDS", 0.5)
    name, message = CARELESS[registered]
    with pytest.raises((AssertionError, AttributeError), match=message):
        getattr(suite_of(registered), f"test_format__{name}")(tmp_path)
