"""Cohorts of several kinds of scans, or of several body parts, are told."""

from dataclasses import replace
from pathlib import Path

import pytest

from orienteer.scans.check import check
from orienteer.scans.discover import discover
from orienteer.scans.mixture import mixture
from orienteer.scans.reading import inspect
from orienteer.scans.source import ScanInfo
from tests.scans.files import nifti, voxels


@pytest.fixture(scope="module")
def one_kind(tmp_path_factory: pytest.TempPathFactory) -> list[ScanInfo]:
    folder = tmp_path_factory.mktemp("scans")
    for name in "abcd":
        nifti(folder / f"{name}.nii.gz", voxels((20, 22, 24)))
    return [replace(inspect(source), modality="MR", modality_said=True) for source in discover(folder)]


def test_mixture__is_silent_on_one_kind(one_kind: list[ScanInfo]) -> None:
    assert mixture(one_kind) == []
    assert mixture([replace(one_kind[0], modality="unknown"), *one_kind]) == []
    assert mixture([]) == []


@pytest.mark.parametrize("said", [True, False])
def test_mixture__names_the_kinds(one_kind: list[ScanInfo], said: bool) -> None:
    (note,) = mixture([replace(one_kind[0], modality="CT", modality_said=said), *one_kind])
    assert f"{len(one_kind)} of MR, 1 of CT" in note and ("guess" in note) is not said
    assert "a store for each" in note


def test_mixture__names_the_sizes(one_kind: list[ScanInfo]) -> None:
    larger = [replace(scan, spacing=tuple(4 * mm for mm in scan.spacing)) for scan in one_kind]
    (note,) = mixture([*one_kind, *larger])
    assert "very different size" in note


def test_mixture__real_cohorts(real_data: Path) -> None:
    of = {name: mixture(check(real_data / name, progress=False).scans) for name in ("oasis/images", "wild")}
    assert of["oasis/images"] == [] and len(of["wild"]) == 2
