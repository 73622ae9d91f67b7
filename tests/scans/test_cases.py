"""Inputs that users really meet, made by the scripts beside the real scans: each is read as a careful user expects.

The scripts are run where they lie. Every right value also stands in a test of its own, which needs none of them.
"""

import contextlib
import io
import os
import runpy
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import StoreError
from orienteer.ingest import IngestOptions, IngestResult, ingest
from orienteer.scans.check import check
from orienteer.scans.formats.opening import placement_of
from orienteer.scans.reading import read
from orienteer.scans.result import CheckResult
from orienteer.scans.source import ScanInfo
from orienteer.scans.write_labels import write_labels
from orienteer.store import Store
from tests.finetune.test_places import apart, of_itk, of_nibabel, opened

Make = Callable[[str], Path]


@pytest.fixture
def make(real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Run a case's script, or copy a case that is a file; returns its folder."""
    cases = Path(os.environ.get("ORIENTEER_CASES", real_data.parent / "cases"))

    def run(name: str) -> Path:
        (case,) = cases.glob(f"{name}*")
        out = tmp_path / "case"
        if case.suffix != ".py":
            out.mkdir(exist_ok=True)
            shutil.copyfile(case, out / case.name)
            return out
        monkeypatch.setattr(sys, "argv", [str(case), str(out)])
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runpy.run_path(str(case))
        return out

    return run


def checked(folder: Path) -> dict[str, ScanInfo]:
    return {scan.id: scan for scan in _check(folder).scans}


def _check(folder: Path) -> CheckResult:
    return check(folder, progress=False, workers=2)


def codes(scan: ScanInfo) -> set[str]:
    return {finding.code for finding in scan.findings}


def ingested(scans: Path, store: Path, labels: Path | None = None, table: Path | None = None) -> IngestResult:
    options = IngestOptions(spacing=6.0, labels=labels, table=table, workers=1, keep_names=True, progress=False)
    return ingest(scans, store, options)


def test_case_01__lengths_are_scaled_by_their_unit(make: Make) -> None:
    scans = checked(make("01"))
    for name, mm in (("mm1", 4), ("micron", 4), ("metre", 4), ("micron_mouse", 0.04)):
        np.testing.assert_allclose(scans[name].spacing, mm, rtol=1e-4, err_msg=name)
        assert ("unit-scaled" in codes(scans[name])) == (name != "mm1")


def test_case_02__a_quaternion_that_is_too_long_gives_way(make: Make) -> None:
    scans = checked(make("02"))
    assert {name for name, scan in scans.items() if not scan.usable} == {"only_qform_bad"}
    assert "orientation-unusable" in codes(scans["sform_good_quat_bad"])
    for name in ("good", "sform_good_quat_bad", "only_qform_slightly_bad"):
        assert scans[name].axes == "LAS", name


def test_case_06__labels_are_kept_where_they_are_labels(make: Make, tmp_path: Path) -> None:
    folder = make("06")
    result = ingested(folder / "scans", tmp_path / "store", folder / "gold")
    store = Store.open(result.store)
    found = {entry.id: {finding.code for finding in entry.findings} for entry in store.manifest.scans}
    labelled = {entry.id for entry in store.manifest.scans if entry.labelled}
    assert {"plain1", "slope", "noise", "affine4", "short", "flipped", "zero"} <= labelled
    assert "labels-rounded" in found["slope"] and "labels-rounded" in found["noise"]
    assert "colin" not in labelled and "labels-not-whole" in found["colin"]
    assert "no_affine" not in labelled and "labels-elsewhere" in found["no_affine"]
    assert not store.labels("zero").any()


def test_case_07__what_was_not_fetched_is_called_so(make: Make) -> None:
    folder = make("07")
    scans = checked(folder)
    lost = [scan for scan in scans.values() if not scan.usable]
    assert len(lost) == 2 and all(codes(scan) == {"not-fetched"} for scan in lost)
    assert all("fetch" in finding.cure for scan in lost for finding in scan.findings)
    assert sum(scan.usable for scan in scans.values()) == 2


def test_case_10__a_crop_inside_its_scan_is_put_at_its_place(make: Make, tmp_path: Path) -> None:
    folder = make("10")
    store = Store.open(ingested(folder, tmp_path / "store", folder).store)
    entries = {entry.id: entry for entry in store.manifest.scans}
    assert len(entries) == 4 and sum(entry.labelled for entry in entries.values()) == 3
    (layered,) = [entry for entry in entries.values() if not entry.labelled]
    assert "labels-layered" in {finding.code for finding in layered.findings}
    for entry in entries.values():
        if entry.labelled:
            labels = store.labels(entry.id)
            image = store.read(entry.id)[0]
            middle = np.argwhere(labels == 1).mean(0) / np.asarray(labels.shape)
            assert labels.shape == image.shape and middle.min() > 0.3 and middle.max() < 0.7


def test_case_14__mr_is_turned_over(make: Make) -> None:
    scans = checked(make("14"))
    turned = scans["mono1"]
    assert "dicom-turned-over" in codes(turned)
    values = [read(scan.source).array.ravel() for scan in (turned, scans["mono2"])]
    assert np.corrcoef(*values)[0, 1] > 0.999, "bright is bright"


def test_case_15__a_person_s_sequences_stay_together_and_have_their_labels(make: Make, tmp_path: Path) -> None:
    folder = make("15")
    store = Store.open(ingested(folder, tmp_path / "store", folder).store)
    scans = store.manifest.scans
    assert len(scans) == 24 and all(entry.labelled for entry in scans)
    splits = {}
    for entry in scans:
        splits.setdefault(entry.person, set()).add(entry.split)
    assert len(splits) == 6 and all(len(found) == 1 for found in splits.values())


@pytest.mark.parametrize("name", ["bom.csv", "utf16.csv", "german.csv", "with_ext.csv"])
def test_case_16__tables_from_spreadsheets(make: Make, tmp_path: Path, name: str) -> None:
    folder = make("16")
    store = Store.open(ingested(folder / "scans", tmp_path / "store", table=folder / name).store)
    entries = sorted(store.manifest.scans, key=lambda entry: entry.id)
    assert [entry.split for entry in entries] == ["train", "train", "train", "val", "test", "test"]
    ages = [next(value for key, value in entry.table.items() if key.lower() == "age") for entry in entries]
    assert [float(age) for age in ages] == [54.5, 61, 33.25, 47, 70.5, 29]


def test_case_16__ids_that_lost_their_zeros_are_named(make: Make, tmp_path: Path) -> None:
    folder = make("16")
    with pytest.raises(StoreError, match=r"ids are e\.g\. '1'"):
        ingested(folder / "scans", tmp_path / "store", table=folder / "excel_stripped.csv")


def test_case_17__dicom_without_preamble_and_with_commas(make: Make) -> None:
    scans = checked(make("17"))
    assert all(scan.usable for scan in scans.values()) and len(scans) == 5
    np.testing.assert_allclose(scans["comma"].spacing, (4.5, 4.5, 5))
    assert len(scans["comma"].findings) < 3


def test_case_18__answers_lie_where_their_scan_lies(make: Make, tmp_path: Path) -> None:
    """Every form of header, file name and format: the right labels, written as ``predict`` writes an answer."""
    folder = make("18")
    truth = {file.stem: np.load(file) for file in (folder.parent / f"{folder.name}_truth").iterdir()}
    scans = checked(folder)
    assert set(scans) == set(truth)
    for name, scan in scans.items():
        volume, answer = read(scan.source), tmp_path / f"{name}.nii"
        write_labels(answer, truth[name], placement_of(scan.source, volume))
        assert volume.array[0][truth[name] == 2].mean() > volume.array[0][truth[name] == 0].mean() + 300, name
        for how in (of_nibabel, of_itk):
            where = opened(how, scan.source.paths[0])
            if where is not None:
                found = opened(how, answer)
                assert found is not None and apart(where, found) < 1e-4, (name, how.__name__)
        assert opened(of_nibabel, answer) is not None and opened(of_itk, answer) is not None, name


def test_case_20__what_dataset_json_says_of_labels(make: Make, tmp_path: Path) -> None:
    folder = make("20")
    result = ingested(folder / "Dataset001_ignore", tmp_path / "store", folder / "Dataset001_ignore" / "labelsTr")
    entry = Store.open(result.store).manifest.scans[0]
    assert entry.labelled and tuple(entry.ignored) == (3,)
    assert entry.structures == {"a": (1,), "b": (2,)}
    negative = folder / "Dataset003_negative"
    scans = Store.open(ingested(negative, tmp_path / "negative", negative / "labelsTr").store).manifest.scans
    assert len(scans) == 5 and all(scan.labelled for scan in scans), "healthy people keep their labels"


def test_case_22__nothing_is_guessed_without_a_word(make: Make) -> None:
    scans = checked(make("22"))
    assert "spacing-missing" in codes(scans["nothing"]) and "orientation-missing" in codes(scans["nothing"])
    assert "spacing-missing" in codes(scans["m_size_only"])
    np.testing.assert_allclose(scans["units_um"].spacing, (4, 4, 5), rtol=1e-5)
    for name in ("lps", "ras", "las", "m_plain", "m_zraw"):
        assert scans[name].usable and not codes(scans[name]) & {"spacing-missing", "orientation-missing"}, name


def test_case_25__a_good_qform_stands_in_for_a_damaged_sform(make: Make) -> None:
    scans = checked(make("25"))
    good = scans["good"]
    for name in ("sform_zeros", "nan_sform"):
        assert scans[name].usable and "orientation-unusable" in codes(scans[name])
        assert good.affine is not None and scans[name].affine is not None
        np.testing.assert_allclose(scans[name].affine, good.affine, atol=1e-3)
    assert scans["slope_1_inter_nan"].usable


def test_case_26__a_reader_that_crashes_costs_one_scan(make: Make, tmp_path: Path) -> None:
    folder = make("03")
    make("26")
    scans = checked(folder)
    # What is broken in its memory ends the reader, or is noticed by it, as the memory lies.
    told = {"reader-crashed", "unreadable"}
    crashing = scans["26_crashing_metaimage"]
    assert len(crashing.findings) == 1 and codes(crashing) <= told and not crashing.usable
    assert scans["shear_0"].usable
    result = ingested(folder, tmp_path / "store")
    assert result.failed["26_crashing_metaimage"][0].code in told
    assert "shear_0" in result.added
