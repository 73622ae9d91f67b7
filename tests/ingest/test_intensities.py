"""A store of another convention of intensity: refused in a store of one, told where it does not fit the scans."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from orienteer.errors import ConfigError, StoreError
from orienteer.ingest import IngestOptions, IngestResult, ingest
from orienteer.runs.fingerprint import fingerprint
from orienteer.store import Store
from orienteer.testing.phantom import phantom


def asked(scans: Path, store: Path, intensities: str | tuple[float, float] | None) -> IngestResult:
    options = IngestOptions(spacing=3.0, intensities=intensities, workers=1, keep_names=True, progress=False)
    return ingest(scans, store, options)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    for person in range(2):
        volume, _ = phantom(person)
        nibabel.save(nibabel.Nifti1Image(volume.array[0], volume.affine), tmp_path / "scans" / f"p{person}.nii")
    return tmp_path / "scans"


def test_ingest__a_store_keeps_its_convention(scans: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    asked(scans, store, "zscore")
    with pytest.raises(StoreError, match="has intensities zscore, asked for are window") as caught:
        asked(scans, store, "window")
    assert "--intensities" in caught.value.cure
    again = asked(scans, store, None)
    assert again.manifest.convention.name == "zscore" and len(again.kept) == 2


def test_ingest__an_old_store_is_one_by_percentiles(scans: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    asked(scans, store, None)
    assert "intensities" not in json.loads((store / "manifest.json").read_text())["parameters"]
    with pytest.raises(StoreError, match="has intensities window, asked for are 0,2000"):
        asked(scans, store, (0, 2000))
    assert len(asked(scans, store, "window").kept) == 2


def test_ingest__the_same_voxels_under_another_convention_are_other_data(scans: Path, tmp_path: Path) -> None:
    for name in ("window", "zscore"):
        asked(scans, tmp_path / name, name)
    one, other = (Store.open(tmp_path / name) for name in ("window", "zscore"))
    assert [entry.voxels for entry in one.scans] == [entry.voxels for entry in other.scans]
    assert fingerprint(one) != fingerprint(other) and one.manifest.content != other.manifest.content


def test_ingest__a_killed_one_that_was_asked_otherwise_is_begun_anew(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("orienteer.ingest.run.publish", killed)
        with pytest.raises(KeyboardInterrupt):
            asked(scans, tmp_path / "store", "window")
    assert (tmp_path / "store" / "ingest.journal").exists()
    asked(scans, tmp_path / "store", "zscore")
    asked(scans, tmp_path / "whole", "zscore")
    found, whole = (Store.open(tmp_path / name).scans for name in ("store", "whole"))
    assert [entry.intensity for entry in found] == [entry.intensity for entry in whole]


def test_ingest__a_range_of_another_unit_leaves_the_scan_out(scans: Path, tmp_path: Path) -> None:
    bright = nibabel.load(scans / "p0.nii")
    nibabel.save(nibabel.Nifti1Image(np.asarray(bright.dataobj) * 1e-3, bright.affine), scans / "p0.nii")
    result = asked(scans, tmp_path / "store", (0, 2000))
    (found,) = result.failed["p0"]
    assert found.code == "outside-range" and result.added == ("p1",)


def test_ingest__air_that_a_network_would_take_for_body_is_told(scans: Path, tmp_path: Path) -> None:
    """A head in T2: tissue spreads so much that air is only two deviations below its mean."""
    for path in scans.iterdir():
        scan = nibabel.load(path)
        values = np.asarray(scan.dataobj, dtype=np.float32)
        spread = np.where(values > 0, 300 + 0.9 * (values - 300) ** 2 / 300, 0)
        nibabel.save(nibabel.Nifti1Image(spread.astype(np.float32), scan.affine), path)
    told = asked(scans, tmp_path / "zscore", "zscore")
    assert {f.code for found in told.findings.values() for f in found} == {"air-as-body"}
    silent = asked(scans, tmp_path / "window", "window")
    assert not silent.findings


def test_options__intensities_that_are_none_are_refused_before_anything_is_read() -> None:
    with pytest.raises(ConfigError, match="neither window"):
        IngestOptions(intensities="z")
