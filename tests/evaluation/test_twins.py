"""Leaked subjects: another visit under another name is found, other subjects are not."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orienteer.evaluation.assess import assess
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.evaluation.twins import EDGE, thumbnail, twins
from orienteer.pretext.model import SpatialModel
from orienteer.records.evaluation import EvaluationRecord
from orienteer.sampling import Sampler, ViewSettings
from orienteer.store import Store

VISITS = {"1003": "1023", "1004": "1024", "1018": "1038"}
"""Three people of ``oasis`` who were scanned twice, by the end of their scans' names."""


@dataclasses.dataclass(frozen=True)
class Renamed(Store):
    """Every scan is said to be of a subject of its own."""

    def column(self, name: str, ids: Sequence[str]) -> list[Any]:
        return list(ids) if name == "person" else super().column(name, ids)


def named(store: Store, *ends: str) -> list[str]:
    found = {scan[-4:]: scan for scan in store.ids()}
    return [found[end] for end in ends]


def visits(store: Store) -> dict[str, str]:
    return dict(zip(named(store, *VISITS), named(store, *VISITS.values()), strict=True))


@pytest.fixture(scope="module")
def brains(real_brains: Path) -> Renamed:
    store = Store.open(real_brains)
    return Renamed(store.path, store.manifest)


def test_twins__second_visits_are_found_and_nobody_else(brains: Renamed) -> None:
    twice = visits(brains)
    others = [scan for scan in brains.ids() if scan not in twice]
    assert twins(brains, tuple(twice), others, seed=0) == twice
    apart = [scan for scan in others if scan not in twice.values()]
    assert twins(brains, apart[::2], apart[1::2], seed=0) == {}


def test_twins__scans_that_the_store_calls_one_subject_are_no_leak(real_brains: Path) -> None:
    store = Store.open(real_brains)
    twice = visits(store)
    assert twins(store, tuple(twice), [scan for scan in store.ids() if scan not in twice], seed=0) == {}


def test_twins__two_subjects_cannot_say_what_is_usual(brains: Renamed) -> None:
    assert twins(brains, named(brains, "1003"), named(brains, "1023"), seed=0) == {}


def test_thumbnail__is_blind_to_brightness_contrast_and_shading(store: Store) -> None:
    @dataclasses.dataclass(frozen=True)
    class Brighter(Store):
        def normalise(self, scan_id: str, voxels: Any) -> Any:
            plain = super().normalise(scan_id, voxels)
            return 0.4 * plain + 0.2 + np.linspace(0, 0.3, plain.shape[1], dtype=np.float32)[None, :, None, None]

    scan = store.ids()[0]
    plain = thumbnail(store, scan)
    assert plain.shape == (EDGE**3,) and np.linalg.norm(plain) == pytest.approx(1)
    assert plain @ thumbnail(Brighter(store.path, store.manifest), scan) > 0.97
    assert plain @ thumbnail(store, store.ids()[2]) < 0.97


def test_assess__a_leaked_subject_is_told_and_counts_as_seen(
    brains: Renamed, untrained: SpatialModel, tmp_path: Path
) -> None:
    leaked, again, other = named(brains, "1003", "1023", "1007")

    @dataclasses.dataclass(frozen=True)
    class Leaking(Renamed):
        """1003 was put among the training subjects under another name."""

        def ids(self, split: str | None = None) -> tuple[str, ...]:
            return (*super().ids(split), leaked) if split == "train" else super().ids(split)

    store = Leaking(brains.path, brains.manifest)
    sampler = Sampler(store, (again, other), ViewSettings(size=16), seed=1, augment=False)
    settings = EvaluationSettings(final_per_scan=1, examples=0)
    record = assess(
        untrained, sampler, settings, folder=tmp_path / "test", split="test", step=7, device=torch.device("cpu")
    ).record
    assert record.twins == {again: leaked} and record.seen == "some"
    assert "some of whom it learned from" in record.verdict.sentence
    assert record.leak.startswith(f"Leaked: 1 scan kept apart but probably of a subject it learned from ({again} like")
    assert EvaluationRecord.read(tmp_path / "test").twins == record.twins
