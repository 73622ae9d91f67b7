"""The spacing that is proposed for a cohort, and its reason."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.scans.discover import discover
from orienteer.scans.proposal import CLOSE, VIEW_SHARE, _rounded, body_mm, propose_spacing, view_voxels
from orienteer.scans.reading import inspect
from tests.scans.files import nifti, voxels


def _cohort(folder: Path, shape: tuple[int, int, int], mm: float) -> list:
    nifti(folder / "a.nii.gz", voxels(shape), np.diag([mm, mm, mm, 1]))
    return [inspect(source) for source in discover(folder)]


def test_spacing__of_fine_scans_is_coarser_so_that_a_view_spans_enough(tmp_path: Path) -> None:
    scans = _cohort(tmp_path, (86, 86, 86), 2.0)  # 172 mm, as a brain
    proposed = propose_spacing(scans, gpu=False)
    assert proposed is not None
    assert (proposed.spacing, proposed.own) == (3.0, 2.0)
    for words in ("3 mm", "72 of a scan's 172 mm", "24 voxels", "--spacing 2 "):
        assert words in proposed.reason
    finer = [propose_spacing(scans, budget, gpu=gpu) for budget, gpu in ((7200.0, False), (None, True))]
    assert all(found and found.spacing == 2.0 and "median" in found.reason for found in finer)


def test_spacing__of_small_scans_stays_theirs(tmp_path: Path) -> None:
    proposed = propose_spacing(_cohort(tmp_path, (36, 50, 36), 1.0), gpu=False)
    assert proposed is not None and proposed.spacing == 1.0


def test_spacing__without_a_usable_scan_there_is_none() -> None:
    assert propose_spacing([], gpu=False) is None


@given(mm=st.floats(0.02, 60))
def test_spacing__is_round_and_near(mm: float) -> None:
    near = _rounded(mm)
    assert 0.8 <= near / mm <= 1.25
    assert float(f"{near:.3g}") == near


@given(body=st.floats(20, 2000), own=st.floats(0.3, 10))
def test_spacing__keeps_the_view_near_its_share_or_the_scans_their_own(body: float, own: float) -> None:
    wanted = _rounded(VIEW_SHARE * body / view_voxels(gpu=False))
    if wanted >= CLOSE * own:
        assert 0.3 <= wanted * view_voxels(gpu=False) / body <= 0.5


def test_body__is_the_median_scan() -> None:
    assert body_mm([(10, 10, 10), (20, 20, 20), (10, 20, 40)]) == pytest.approx(20)
