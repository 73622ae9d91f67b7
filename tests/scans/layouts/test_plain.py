"""A plain folder: each file a scan; together only by the words the user names."""

import time
from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import OrienteerError
from orienteer.scans.check import check
from orienteer.scans.discover import discover
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.reading import inspect, read
from tests.scans.dicom_files import series
from tests.scans.files import nifti
from tests.scans.layouts.trees import channel, decathlon, describe, nnunet


def test_plain__is_what_discover_finds(tmp_path: Path) -> None:
    nifti(tmp_path / "a" / "T1.nii.gz")
    nifti(tmp_path / "a" / "FLAIR.nii.gz")
    describe(tmp_path / "dataset.json", modality={"0": "T1"}, training=[])  # describes nothing that is here
    laid = lay_out(tmp_path)
    assert list(laid.sources) == discover(tmp_path)
    assert [layout.text for layout in laid.layouts] == ["plain folder, 2 scans"]


def test_plain__costs_the_same_a_scan_however_many_folders_there_are(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"P{number:04}").mkdir()
        (tmp_path / f"P{number:04}" / "t1.nii.gz").touch()
    begun = time.process_time()
    assert len(lay_out(tmp_path).sources) == 2000
    assert time.process_time() - begun < 5  # 0.5 s; 17 while every folder was compared with every scan


def test_plain__channels_join_files_that_differ_in_those_words(tmp_path: Path) -> None:
    nifti(tmp_path / "anna" / "t1.nii.gz", channel(0))
    nifti(tmp_path / "anna" / "FLAIR.nii.gz", channel(1))
    nifti(tmp_path / "site" / "017-T1.nii.gz")
    nifti(tmp_path / "site" / "017-FLAIR.nii.gz")
    nifti(tmp_path / "site" / "018-T1.nii.gz")
    nifti(tmp_path / "site" / "notes.nii.gz")
    nifti(tmp_path / "site" / "postT1.nii.gz")
    laid = lay_out(tmp_path, channels=("T1", "FLAIR"))
    assert {s.id: [f.code for f in inspect(s).findings] for s in laid.sources} == {
        "anna": [], "site__017": [], "site__018": ["channel-missing"],
    }  # fmt: skip
    assert np.array_equal(read(laid.sources[0]).array, np.stack([channel(0), channel(1)]))
    assert [skip.code for skip in laid.skipped] == ["skipped-channel"] * 2
    with pytest.raises(OrienteerError, match="ends in T2"):
        lay_out(tmp_path, channels=("T2",))


def test_plain__channels_may_be_dicom_series(tmp_path: Path) -> None:
    series(tmp_path / "anna" / "T1", positions=[0, 2, 4])
    series(tmp_path / "anna" / "T2", positions=[0, 2, 4], seed=1)
    (source,) = lay_out(tmp_path, channels=("T1", "T2")).sources
    assert source.id == "anna" and len(source.paths) == 6 and read(source).array.shape[0] == 2


def test_plain__the_same_channel_twice_is_refused(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz")
    with pytest.raises(OrienteerError, match="twice"):
        lay_out(tmp_path, channels=("T1", "t1"))
    with pytest.raises(OrienteerError, match="no layout"):
        lay_out(tmp_path, layout="dicomdir")


def test_check__a_mixed_cohort_keeps_what_most_have(tmp_path: Path) -> None:
    nnunet(tmp_path / "n", {"a": (0, 1), "b": (0, 1)})
    decathlon(tmp_path / "d")  # the same two contrasts by other names and in another order
    nifti(tmp_path / "alone.nii.gz", channel(9))
    nnunet(tmp_path / "m", {"c": (0, 1)}, names=("t1", "flair"))
    result = check(tmp_path, progress=False, workers=1)
    told = {scan.id: [f.message for f in scan.findings if f.code == "channels-mixed"] for scan in result.scans}
    assert {name for name, messages in told.items() if messages} == {
        "alone", "d__imagesTr__BRATS_000", "d__imagesTr__BRATS_001",
    }  # fmt: skip
    assert told["alone"] == ["1 channel, where the others have 2 channels (T1, FLAIR)"]
    assert [layout.folder for layout in result.layouts] == ["d", "m", "n", "the rest"]
