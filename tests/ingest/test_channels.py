"""Scans of several channels in a store: all of one kind, each channel with a window of its own, people by layout."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from orienteer.errors import RunError, StoreError
from orienteer.geometry import Volume
from orienteer.ingest import IngestOptions, IngestResult, ingest
from orienteer.ingest.existing import Subject
from orienteer.ingest.foreground import foreground_mask
from orienteer.ingest.prepare import scaled
from orienteer.ingest.table import Row
from orienteer.scans.channels import readable
from orienteer.store import Store
from orienteer.store.kinds import require_channels
from orienteer.store.manifest import Parameters
from orienteer.testing.datasets import write_nnunet
from orienteer.testing.phantom import phantom
from tests.ingest.scan_states import assigned
from tests.scans.files import nifti
from tests.scans.layouts.trees import describe
from tests.store.phantoms import AFFINE, body

SHAPE = (20, 22, 18)


def taken_in(scans: Path, store: Path, **options: object) -> IngestResult:
    return ingest(scans, store, IngestOptions(spacing=3, workers=1, keep_names=True, progress=False, **options))  # type: ignore[arg-type]


def codes(result: IngestResult) -> dict[str, list[str]]:
    return {name: [found.code for found in why] for name, why in result.failed.items()}


def test_scaled__each_channel_has_its_own_window_and_background() -> None:
    """A stripped MR of whole numbers and a map in fractions: neither may change how the other is stored."""
    first = body(seed=1)
    second = np.where(first > 0, body(seed=2) / 1e6 + 0.5, 0.5).astype(np.float32)
    alone = scaled(Volume(first[None], AFFINE), Parameters(spacing=2))
    both = scaled(Volume(np.stack([first.astype(np.float32), second]), AFFINE), Parameters(spacing=2))
    assert both.intensity[0] == alone.intensity[0] and np.array_equal(both.image[0], alone.image[0])
    window = both.intensity[1]
    assert window.slope < 1e-6 and 0.4999 < window.low < window.high < 0.503
    held = both.image[1] * window.slope + window.intercept
    assert np.abs(held - second).max() < 2 * window.slope


def test_foreground__is_the_union_of_the_bodies_that_channels_show() -> None:
    left, right = body(), body()
    left[:11], right[13:] = 0, 0
    masks = [foreground_mask(channel[None].astype(np.float32)) for channel in (left, right)]
    both = foreground_mask(np.stack([left, right]).astype(np.float32))
    assert np.array_equal(both, masks[0] | masks[1])


def test_foreground__a_channel_of_noise_has_no_say() -> None:
    noise = np.random.default_rng(0).normal(100, 20, body().shape)
    whole = foreground_mask(body()[None].astype(np.float32))
    assert foreground_mask(noise[None].astype(np.float32)).all()
    assert np.array_equal(foreground_mask(np.stack([body(), noise]).astype(np.float32)), whole)


def test_ingest__labels_and_test_people_come_from_the_layout(tmp_path: Path) -> None:
    write_nnunet(tmp_path / "d", people=3, held_out=1, shape=SHAPE)
    manifest = taken_in(tmp_path / "d", tmp_path / "store").manifest
    assert manifest.kind == (2, ("T1", "FLAIR"))
    assert all(entry.labelled and entry.channel_names == ("T1", "FLAIR") for entry in manifest.scans)
    assert [entry.id for entry in manifest.scans if entry.split == "test"] == ["imagesTs__person_003"]
    store = Store.open(tmp_path / "store")
    volume, organs = phantom(3, SHAPE, channels=2)
    assert np.array_equal(store.read("imagesTs__person_003"), volume.array)
    assert np.array_equal(store.labels("imagesTs__person_003"), organs)


def test_ingest__a_second_run_reads_nothing_and_a_changed_channel_one_scan(tmp_path: Path) -> None:
    dataset = write_nnunet(tmp_path / "d", people=3, held_out=0, shape=SHAPE)
    taken_in(dataset, tmp_path / "store")
    assert len(taken_in(dataset, tmp_path / "store").kept) == 3
    other, _ = phantom(0, SHAPE, visit=1, channels=2)
    nifti(dataset / "imagesTr" / "person_000_0001.nii.gz", other.array[1], other.affine)
    assert taken_in(dataset, tmp_path / "store").updated == ("imagesTr__person_000",)
    # New names alone need no reading.
    describe(dataset / "dataset.json", channel_names={"0": "t1", "1": "flair"})
    again = taken_in(dataset, tmp_path / "store")
    assert len(again.kept) == 3 and again.manifest.kind == (2, ("t1", "flair"))


def test_ingest__a_mixed_cohort_keeps_what_most_have(tmp_path: Path) -> None:
    write_nnunet(tmp_path / "scans" / "d", people=3, held_out=0, shape=SHAPE)
    nifti(tmp_path / "scans" / "odd.nii.gz", phantom(7, SHAPE)[0].array[0], phantom(7, SHAPE)[0].affine)
    result = taken_in(tmp_path / "scans", tmp_path / "store")
    assert codes(result) == {"odd": ["channels-mixed"]} and len(result.added) == 3
    assert {entry.channels for entry in result.manifest.scans} == {2}


def test_ingest__what_the_store_has_counts_more_than_the_majority(tmp_path: Path) -> None:
    volume = phantom(7, SHAPE)[0]
    nifti(tmp_path / "one" / "single.nii.gz", volume.array[0], volume.affine)
    taken_in(tmp_path / "one", tmp_path / "store")
    write_nnunet(tmp_path / "d", people=3, held_out=0, shape=SHAPE)
    result = taken_in(tmp_path / "d", tmp_path / "store")
    assert list(codes(result).values()) == [["channels-mixed"]] * 3
    assert [entry.id for entry in result.manifest.scans] == ["single"]


def test_ingest__another_order_of_channels_is_another_kind(tmp_path: Path) -> None:
    dataset = write_nnunet(tmp_path / "d", people=2, held_out=0, shape=SHAPE)
    taken_in(dataset, tmp_path / "store")
    result = taken_in(dataset, tmp_path / "store", channels=("FLAIR", "T1"))
    assert set(codes(result)) == {"imagesTr__person_000", "imagesTr__person_001"}
    assert result.manifest.kind == (2, ("T1", "FLAIR")) and len(result.manifest.scans) == 2
    with pytest.raises(RunError, match=r"net reads 2 channels \(FLAIR, T1\), the store holds 2 channels \(T1, FLAIR\)"):
        require_channels(result.manifest, (2, ("FLAIR", "T1")), "net")
    require_channels(result.manifest, (2, ()), "net")  # an older network does not know names


def test_ingest__a_scan_without_a_channel_is_left_out_and_comes_back_once_mended(tmp_path: Path) -> None:
    dataset = write_nnunet(tmp_path / "d", people=2, held_out=0, shape=SHAPE)
    lost = dataset / "imagesTr" / "person_001_0001.nii.gz"
    kept = lost.read_bytes()
    lost.unlink()
    assert codes(taken_in(dataset, tmp_path / "store")) == {"imagesTr__person_001": ["channel-missing"]}
    lost.write_bytes(kept)
    assert taken_in(dataset, tmp_path / "store").added == ("imagesTr__person_001",)


def bids(folder: Path, people: int = 12, visits: int = 2) -> Path:
    for person in range(people):
        for visit in range(visits):
            volume, _ = phantom(person, SHAPE, visit=visit)
            name = f"sub-{person:02d}/ses-{visit}/anat/sub-{person:02d}_ses-{visit}_T1w.nii.gz"
            nifti(folder / name, volume.array[0], volume.affine)
    describe(folder / "dataset_description.json", Name="x", BIDSVersion="1.8.0")
    return folder


def test_ingest__sessions_of_a_bids_person_never_cross_splits(tmp_path: Path) -> None:
    manifest = taken_in(bids(tmp_path / "d", people=10), tmp_path / "store").manifest
    assert {entry.person for entry in manifest.scans} == {f"sub-{n:02d}" for n in range(10)}
    splits: dict[str, set[str]] = {}
    for entry in manifest.scans:
        splits.setdefault(entry.person, set()).add(entry.split)
    assert all(len(found) == 1 for found in splits.values())
    assert {split for found in splits.values() for split in found} == {"train", "val"}


def test_ingest__people_of_a_layout_get_pseudonyms_too(tmp_path: Path) -> None:
    bids(tmp_path / "d", people=2)
    ingest(tmp_path / "d", tmp_path / "store", IngestOptions(spacing=3, workers=1, progress=False))
    for file in (tmp_path / "store" / "manifest.json", *(tmp_path / "store").glob("scans-*.arrow")):
        assert b"sub-0" not in file.read_bytes() and b"ses-" not in file.read_bytes()
    assert len({entry.person for entry in Store.open(tmp_path / "store").manifest.scans}) == 2


def test_ingest__without_a_fitting_channel_nothing_is_made(tmp_path: Path) -> None:
    dataset = write_nnunet(tmp_path / "d", people=2, held_out=0, shape=SHAPE)
    for path in (dataset / "imagesTr").glob("*_0001.nii.gz"):
        path.unlink()
    with pytest.raises(StoreError, match="no scan could be used"):
        taken_in(dataset, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_assign_subjects__the_table_then_the_store_then_the_layout() -> None:
    rows = {"a": Row("a", "anna", "val")}
    before = {"b": Subject("berta", "train"), "c": Subject("c", "train")}
    layout = {name: Subject(f"sub-{name}", "test" if name == "d" else "") for name in "abcd"}
    places, _ = assigned(["a", "b", "c", "d", "e"], rows, before, layout=layout)
    assert {name: place.id for name, place in places.items()} == {
        "a": "anna", "b": "berta", "c": "sub-c", "d": "sub-d", "e": "e",
    }  # fmt: skip
    assert (places["a"].split, places["b"].split, places["d"].split) == ("val", "train", "test")


def array_of(path: Path) -> NDArray:
    import nibabel

    return np.asarray(nibabel.load(path).dataobj)


def test_ingest__channels_of_a_plain_folder_by_the_words_in_names(tmp_path: Path) -> None:
    for person in range(2):
        volume, _ = phantom(person, SHAPE, channels=2)
        for name, array in zip(("T1", "FLAIR"), volume.array, strict=True):
            nifti(tmp_path / "scans" / f"p{person}" / f"{name}.nii.gz", array, volume.affine)
    result = taken_in(tmp_path / "scans", tmp_path / "store", channels=("FLAIR", "T1"))
    assert result.added == ("p0", "p1") and result.manifest.kind == (2, ("FLAIR", "T1"))
    stored = Store.open(tmp_path / "store").read("p1")
    assert np.array_equal(stored[0], array_of(tmp_path / "scans" / "p1" / "FLAIR.nii.gz"))


@pytest.mark.parametrize(
    ("held", "learned", "fits"),
    [
        ((2, ("T1w", "FLAIR")), (2, ("t1", "flair")), True),
        ((2, ("FLAIR", "T1")), (2, ("T1", "FLAIR")), False),
        ((2, ()), (2, ("T1", "FLAIR")), True),
        ((2, ("0000", "0001")), (2, ("T1", "FLAIR")), True),
        ((1, ("CT",)), (1, ("T1",)), True),
        ((1, ()), (2, ("T1", "FLAIR")), False),
        ((2, ("T1", "T2")), (2, ("T1", "FLAIR")), False),
    ],
)
def test_readable__number_and_order_count_and_names_where_both_are_known(held, learned, fits: bool) -> None:
    assert readable(held, learned) is fits
