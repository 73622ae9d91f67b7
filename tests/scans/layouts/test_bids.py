"""BIDS: people by folder, anatomy alone, sequences together only when asked for."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import OrienteerError
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.reading import inspect, read
from tests.scans.files import AFFINE, nifti
from tests.scans.layouts.trees import SHAPE, bids, channel

TWO = (
    "sub-01/ses-1/anat/sub-01_ses-1_T1w", "sub-01/ses-1/anat/sub-01_ses-1_FLAIR",
    "sub-01/ses-2/anat/sub-01_ses-2_T1w", "sub-01/ses-2/anat/sub-01_ses-2_FLAIR",
    "sub-02/anat/sub-02_T1w", "sub-02/anat/sub-02_FLAIR",
)  # fmt: skip


def test_bids__sessions_and_sequences_belong_to_one_person(tmp_path: Path) -> None:
    laid = lay_out(bids(tmp_path, *TWO))
    assert [layout.text for layout in laid.layouts] == ["BIDS, 6 scans, 2 subjects"]
    assert "--channels" in laid.layouts[0].notes[0]
    assert [source.subject for source in laid.sources] == ["sub-01"] * 4 + ["sub-02"] * 2
    assert all(not source.parts for source in laid.sources)


def test_bids__people_of_two_datasets_are_not_one(tmp_path: Path) -> None:
    for study in ("one", "two"):
        bids(tmp_path / study, *TWO[4:])
    assert {source.subject for source in lay_out(tmp_path).sources} == {"one/sub-02", "two/sub-02"}


def test_bids__what_is_not_anatomy_is_passed_over_with_a_reason(tmp_path: Path) -> None:
    bids(
        tmp_path, *TWO[:1], "sub-01/ses-1/func/sub-01_ses-1_task-rest_bold", "sub-01/ses-1/dwi/sub-01_ses-1_dwi",
        "derivatives/fs/sub-01/anat/sub-01_T1w", "sourcedata/x", "sub-01/ses-1/anat/sub-01_ses-1_defacemask",
    )  # fmt: skip
    laid = lay_out(tmp_path)
    assert len(laid.sources) == 1
    assert {skip.relative.split("/")[-1][:-7]: skip.code for skip in laid.skipped} == {
        "sub-01_T1w": "skipped-bids-folder", "x": "skipped-bids-folder",
        "sub-01_ses-1_task-rest_bold": "skipped-bids-type", "sub-01_ses-1_dwi": "skipped-bids-type",
        "sub-01_ses-1_defacemask": "skipped-label",
    }  # fmt: skip
    assert len(lay_out(tmp_path, layout="plain").sources) == 6


def test_bids__is_recognised_without_description_and_from_within(tmp_path: Path) -> None:
    bids(tmp_path, *TWO)
    assert {s.subject for s in lay_out(tmp_path / "sub-01" / "ses-1" / "anat").sources} == {"sub-01"}
    (tmp_path / "dataset_description.json").unlink()
    assert lay_out(tmp_path).layouts[0].name == "BIDS"


def test_bids__channels_make_one_scan_a_session(tmp_path: Path) -> None:
    laid = lay_out(bids(tmp_path, *TWO), channels=("flair", "T1w"))
    assert [(s.id, s.subject, s.channel_names) for s in laid.sources] == [
        ("sub-01__ses-1__anat__sub-01_ses-1_flair_T1w", "sub-01", ("flair", "T1w")),
        ("sub-01__ses-2__anat__sub-01_ses-2_flair_T1w", "sub-01", ("flair", "T1w")),
        ("sub-02__anat__sub-02_flair_T1w", "sub-02", ("flair", "T1w")),
    ]
    assert np.array_equal(read(laid.sources[0]).array, np.stack([channel(1), channel(0)]))


def test_bids__a_session_without_a_sequence_is_named(tmp_path: Path) -> None:
    bids(tmp_path, *TWO[:3], "sub-01/ses-2/anat/sub-01_ses-2_T2w")
    laid = lay_out(tmp_path, channels=("T1w", "FLAIR"))
    infos = [inspect(source) for source in laid.sources]
    assert [[f.code for f in info.findings] for info in infos] == [[], ["channel-missing"]]
    assert [skip.code for skip in laid.skipped] == ["skipped-channel"]
    with pytest.raises(OrienteerError, match="no file ends in PD; there are FLAIR, T1w, T2w"):
        lay_out(tmp_path, channels=("PD",))


def test_bids__runs_pair_by_their_names_and_else_are_ambiguous(tmp_path: Path) -> None:
    stem = "sub-01/anat/sub-01"
    bids(tmp_path, *(f"{stem}_run-{n}_{kind}" for n in (1, 2) for kind in ("T1w", "FLAIR")))
    assert [s.id[-17:] for s in lay_out(tmp_path, channels=("T1w", "FLAIR")).sources] == [
        "1_run-1_T1w_FLAIR"[-17:], "1_run-2_T1w_FLAIR"[-17:],
    ]  # fmt: skip
    (tmp_path / f"{stem}_run-2_FLAIR.nii.gz").unlink()
    (source,) = lay_out(tmp_path, channels=("T1w", "FLAIR")).sources
    (found,) = inspect(source).findings
    assert found.code == "channel-ambiguous" and "2 files for T1w" in found.message


def test_bids__a_sequence_on_another_grid_is_brought_onto_the_first_by_mm(tmp_path: Path) -> None:
    """The second sequence is a ramp in world mm on a shifted, turned and coarser grid: it must arrive as that ramp."""
    bids(tmp_path, "sub-01/anat/sub-01_T1w")
    turned = np.array([[0, 3.0, 0, -45], [2.5, 0, 0, -8], [0, 0, 3.5, -6], [0, 0, 0, 1]])
    shape = (24, 20, 14)
    index = np.stack([*np.meshgrid(*map(np.arange, shape), indexing="ij"), np.ones(shape)])
    world = np.einsum("ij,jxyz->ixyz", turned, index)
    nifti(tmp_path / "sub-01/anat/sub-01_FLAIR.nii.gz", (1000 + 7 * world[0] + 3 * world[2]).astype(np.float32), turned)
    (source,) = lay_out(tmp_path, channels=("T1w", "FLAIR")).sources
    assert [f.code for f in inspect(source).findings] == ["channels-resampled"]
    volume = read(source)
    assert volume.array.shape == (2, *SHAPE) and volume.array.dtype == np.float32
    here = np.stack([*np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), np.ones(SHAPE)])
    x, _, z, _ = np.einsum("ij,jxyz->ixyz", AFFINE, here)
    inner = (slice(2, -2),) * 3
    assert np.abs(volume.array[1] - (1000 + 7 * x + 3 * z))[inner].max() < 0.05
    assert np.array_equal(volume.array[0], channel(0))


def test_bids__a_sequence_of_another_place_is_refused(tmp_path: Path) -> None:
    bids(tmp_path, "sub-01/anat/sub-01_T1w")
    away = AFFINE.copy()
    away[2, 3] += 8
    nifti(tmp_path / "sub-01/anat/sub-01_FLAIR.nii.gz", channel(1), away)
    (source,) = lay_out(tmp_path, channels=("T1w", "FLAIR")).sources
    (found,) = inspect(source).findings
    assert found.code == "channels-differ" and "of the space of T1w" in found.message
