"""Every question about extensions is answered by the registry, and nowhere else."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from numpy.typing import NDArray

from orienteer.errors import OrienteerError
from orienteer.scans.formats.format import Format
from orienteer.scans.formats.header import Header
from orienteer.scans.formats.registry import FORMATS, data_files_among, format_of, known_formats, without_extension
from orienteer.scans.layouts.registry import LAYOUTS
from orienteer.scans.source import Source
from tests.conftest import REPOSITORY

SCANS = REPOSITORY / "src" / "orienteer" / "scans"
OWN = ("formats/nifti.py", "formats/nrrd.py", "formats/metaimage.py", "formats/dicom.py", "dicom/")


class Other(Format[Header]):
    name = "other"
    extensions = (".oth",)

    def read_header(self, source: Source) -> Header:
        raise NotImplementedError

    def read_voxels(self, source: Source, header: Header) -> NDArray:
        raise NotImplementedError


@pytest.fixture
def added() -> Iterator[Callable[[tuple[str, ...]], None]]:
    """Registers a format with the given extensions, for one test."""
    yield lambda extensions: FORMATS.register(type("Same", (Other,), {"extensions": extensions})) and None
    FORMATS.unregister("other")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.nii", "NIfTI"), ("a.b.NII.GZ", "NIfTI"), ("a.hdr", "NIfTI"), ("a.nhdr", "NRRD"), ("a.mha", "MetaImage"),
     ("IM1.IMA", "DICOM"), ("a.img", None), ("a", None), ("nii", None)],
)  # fmt: skip
def test_format_of__goes_by_the_extension(name: str, expected: str | None) -> None:
    found = format_of(Path(name))
    assert (found.name if found else None) == expected


def test_data_files_among__only_beside_their_header() -> None:
    names = ["a.img", "a.hdr", "b.raw.gz", "b.nhdr", "b.zraw", "c.img", "d.RAW", "D.mhd", "d-1.mhd", "e.nii"]
    found = data_files_among([Path("in", name) for name in names])
    assert {path.name for path in found} == {"a.img", "b.raw.gz", "d.RAW"}


def test_without_extension__cuts_the_longest_and_leaves_a_name() -> None:
    assert [without_extension(name) for name in ("a/b.nii.gz", ".nii", "x.tar.NRRD", "none")] == [
        "a/b", ".nii", "x.tar", "none",
    ]  # fmt: skip


def test_registry__two_formats_of_one_extension_are_refused(added: Callable[[tuple[str, ...]], None]) -> None:
    added((".gz", ".nrrd"))
    with pytest.raises(OrienteerError, match=r"NRRD and other both claim \.nrrd") as caught:
        format_of(Path("a.nii"))
    assert "uninstall" in caught.value.cure


def test_registry__a_new_format_is_known_at_once_and_forgotten_again(added: Callable[[tuple[str, ...]], None]) -> None:
    added((".oth",))
    found = format_of(Path("a.OTH"))
    assert found is not None and found.name == "other" and "other (.oth)" in known_formats()
    FORMATS.unregister("other")
    assert format_of(Path("a.oth")) is None


def test_registry__no_other_module_of_the_room_knows_an_extension_or_a_format_by_name() -> None:
    extensions = {re.escape(extension) for kind in FORMATS.values() for extension in kind.extensions}
    named = re.compile(rf"\"(?:{'|'.join(extensions | set(map(re.escape, FORMATS)))})\"", re.IGNORECASE)
    found = [
        f"{path.name}: {line.strip()}"
        for path in SCANS.rglob("*.py")
        if not str(path.relative_to(SCANS)).startswith((*OWN, "formats/registry.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if named.search(line)
    ]
    assert found == []


def test_documents__name_every_format_with_its_extensions_and_every_layout() -> None:
    page = (REPOSITORY / "docs" / "how-to" / "your-own-scans.md").read_text(encoding="utf-8")
    table = page.split("## Formats")[1].split("## Layouts")[0]
    for kind in FORMATS.values():
        assert all(f"`{extension}`" in table for extension in kind.extensions), kind.name
    from orienteer.cli.options import LAYOUT_HELP

    for name, layout in LAYOUTS.items():
        assert name in LAYOUT_HELP and layout.title in page
