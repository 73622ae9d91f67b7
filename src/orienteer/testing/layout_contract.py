"""The contract suite of layouts: subclass it in a test, name the layout, and write a small dataset.

::

    class TestBids(LayoutContract):
        layout = BidsLayout

        def write(self, folder):
            write_scan(folder / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
            write_scan(folder / "sub-02" / "anat" / "sub-02_T1w.nii.gz")
            return {"sub-01__anat__sub-01_T1w": Expected(subject="sub-01"), ...}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import nibabel
import numpy as np

from orienteer.errors import OrienteerError
from orienteer.scans.formats.registry import format_of
from orienteer.scans.layouts.lay_out import LaidOut, lay_out
from orienteer.scans.layouts.layout import Layout
from orienteer.scans.layouts.registry import AUTO, LAYOUTS, PLAIN, layout_names
from orienteer.scans.reading import inspect
from orienteer.scans.source import Source

DAMAGE = (b"", b"{", b"[]", b"null", b'{"a": ' * 5000, b"\xff\xfe\x00", b"[" * 100_000)
"""Damaged contents of a description file."""


@dataclass(frozen=True)
class Expected:
    """What a layout tells about one scan.

    Attributes:
        channels: names of its channels.
        subject: id of the subject.
        split: ``test`` where it is held out.
        labelled: whether it has labels.
    """

    channels: tuple[str, ...] = ()
    subject: str = ""
    split: str = ""
    labelled: bool = False


def write_scan(path: Path, *, volumes: int = 1) -> Path:
    """A small NIfTI scan, or a file of several volumes, with voxels unique to its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(list(path.as_posix().encode()))
    array = random.integers(0, 1500, (12, 14, 10, volumes)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(array if volumes > 1 else array[..., 0], np.diag([2.0, 2, 2.5, 1])), path)
    return path


class LayoutContract:
    """Checks of one layout.

    Attributes:
        layout: the class.
    """

    layout: ClassVar[type[Layout]]

    def write(self, folder: Path) -> Mapping[str, Expected]:
        """Write a small dataset with every feature of the layout; returns what to expect by scan id."""
        raise NotImplementedError("write an example dataset")

    def test_layout__is_registered_under_its_own_name(self) -> None:
        """``--layout`` takes its name."""
        assert LAYOUTS[self.layout.name] is self.layout and self.layout.name in layout_names()
        assert self.layout.title and self.layout.looks_like

    def test_layout__its_dataset_is_recognised_and_arranged(self, tmp_path: Path) -> None:
        """The folder is recognised by itself; channels, subjects, splits and labels are as written."""
        expected = self.write(tmp_path)
        found = lay_out(tmp_path)
        assert [summary.name for summary in found.layouts] == [self.layout.title]
        assert self._said(found) == dict(expected)
        summary = found.layouts[0]
        assert summary.scans == len(found.sources)
        assert summary.people == len({source.subject for source in found.sources if source.subject})
        assert summary.labelled == sum(source.labels is not None for source in found.sources)
        assert summary.held_out == sum(source.split == "test" for source in found.sources)

    def test_layout__its_scans_can_be_used(self, tmp_path: Path) -> None:
        """Every scan opens with the expected channels; labels open as well."""
        self.write(tmp_path)
        for source in lay_out(tmp_path).sources:
            info = inspect(source)
            assert info.usable, (source.relative, info.findings)
            assert not source.channel_names or info.channels == len(source.channel_names)
            assert source.labels is None or all(path.is_file() for path in source.labels.paths)

    def test_layout__is_found_by_name_too_and_again(self, tmp_path: Path) -> None:
        """``--layout`` with its name finds the same scans, and so does a second look."""
        self.write(tmp_path)
        assert lay_out(tmp_path, layout=self.layout.name) == lay_out(tmp_path) == lay_out(tmp_path)

    def test_layout__is_recognised_beside_other_files(self, tmp_path: Path) -> None:
        """A dataset in a subfolder is the same dataset; files beside it are not part of it."""
        expected = self.write(tmp_path / "study" / "set")
        write_scan(tmp_path / "other" / "loose.nii.gz")
        found = lay_out(tmp_path)
        inside = [source for source in found.sources if source.id.startswith("study__set__")]
        assert {source.id.removeprefix("study__set__") for source in inside} == set(expected)
        assert [source.id for source in found.sources if source not in inside] == ["other__loose"]

    def test_layout__takes_no_folder_that_is_not_described(self, tmp_path: Path) -> None:
        """Loose files are a plain folder; the layout refuses them and names what it looks for."""
        for name in ("scan_one", "scan_two", "case-3"):
            write_scan(tmp_path / f"{name}.nii.gz")
        assert [summary.name for summary in lay_out(tmp_path).layouts] == [LAYOUTS[PLAIN].title]
        if self.layout.name != PLAIN:
            error = _refusal(tmp_path, layout=self.layout.name)
            assert self.layout.name in error.message and error.cure

    def test_layout__loses_no_file_in_silence(self, tmp_path: Path) -> None:
        """Each scan file belongs to a scan, is a label file, or is listed with a reason."""
        self.write(tmp_path)
        write_scan(tmp_path / "somewhere" / "else.nii.gz")
        self._assert_nothing_lost(tmp_path, lay_out(tmp_path))

    def test_layout__survives_a_damaged_description(self, tmp_path: Path) -> None:
        """With any description, files are found or an error names the problem."""
        self.write(tmp_path)
        for name in self.layout.descriptions:
            for content in DAMAGE:
                (tmp_path / name).write_bytes(content)
                for layout in (AUTO, self.layout.name):
                    try:
                        self._assert_nothing_lost(tmp_path, lay_out(tmp_path, layout=layout))
                    except OrienteerError as error:
                        assert error.cure

    def test_layout__refuses_a_channel_that_is_not_there(self, tmp_path: Path) -> None:
        """Unknown channels are refused before anything is read."""
        self.write(tmp_path)
        assert _refusal(tmp_path, channels=("no-such-channel", "nor-this")).cure

    def _said(self, found: LaidOut) -> dict[str, Expected]:
        return {
            source.id: Expected(source.channel_names, source.subject, source.split, source.labels is not None)
            for source in found.sources
        }

    def _assert_nothing_lost(self, folder: Path, found: LaidOut) -> None:
        taken = {path for source in found.sources for path in _paths(source)}
        listed = [folder / skip.relative for skip in found.skipped]
        labels = [folder / name for name in self.layout.label_folders]
        for path in folder.rglob("*"):
            hidden = path.name.startswith(".")
            if path.is_file() and format_of(path) and not hidden and path not in taken:
                assert any(path.is_relative_to(other) for other in (*listed, *labels)), f"{path.name} is lost"


def _paths(source: Source) -> list[Path]:
    return [*source.paths, *(source.labels.paths if source.labels else ())]


def _refusal(folder: Path, *, layout: str = AUTO, channels: Sequence[str] = ()) -> OrienteerError:
    try:
        found = lay_out(folder, layout=layout, channels=channels)
    except OrienteerError as error:
        return error
    raise AssertionError(f"{len(found.sources)} scans were found all the same")
