"""The recipe that is proposed for a cohort."""

from dataclasses import replace
from pathlib import Path

import pytest

from orienteer.runs import proposal
from orienteer.runs.proposal import Cohort, every, propose, warning
from orienteer.runs.rehearsal import LOADING, pretraining_seconds, rehearse
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.units import duration
from tests.runs.conftest import tiny

BRAINS = Cohort(3.0, 1, ((159.0, 198.0, 163.0),) * 15, 3)
HIPPOCAMPI = Cohort(1.0, 1, ((36.0, 50.0, 36.0),) * 90, 13)


@pytest.mark.parametrize(("cohort", "size", "batch", "per_scan"), [(BRAINS, 24, 4, 16), (HIPPOCAMPI, 16, 8, 4)])
def test_proposal__has_the_measured_views_on_the_cohorts_they_were_measured_on(
    cohort: Cohort, size: int, batch: int, per_scan: int
) -> None:
    settings = propose(cohort, gpu=False).settings()
    assert (settings.views.size, settings.optimiser.batch, settings.optimiser.steps) == (size, batch, 1000)
    assert (settings.network.size, settings.evaluation.per_scan, settings.checkpoint.every) == ("small", per_scan, 100)
    assert settings.devices.precision == "auto"


def test_proposal__with_a_gpu() -> None:
    fast = propose(replace(BRAINS, spacing=1.5), gpu=True).settings()
    assert (fast.views.size, fast.network.size, fast.devices.precision) == (48, "base", "auto")


def test_proposal__a_gpu_counts_only_where_it_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orienteer.hardware.has_gpu", lambda: True)
    assert propose(BRAINS).settings().network.size == "small", "torch sees none"
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: True)
    assert propose(BRAINS).settings().network.size == "base"
    assert propose(BRAINS, None, ("devices.accelerator=cpu",)).settings().network.size == "small"


def test_proposal__views_fit_into_most_scans() -> None:
    slabs = replace(BRAINS, extents_mm=((300.0, 300.0, 60.0),) * 15)
    found = propose(slabs, gpu=False)
    assert found.settings().views.size * slabs.spacing <= 60
    assert "15 of 15 scans cannot hold larger ones" in found.reasons[0]
    assert "larger" not in propose(BRAINS, gpu=False).reasons[0]


def test_proposal__what_is_decided_is_not_proposed() -> None:
    free, decided = (propose(BRAINS, None, given, gpu=False) for given in ((), ("views.size=32",)))
    assert any(reason.startswith("views of 24") for reason in free.reasons)
    assert not any(reason.startswith("views") for reason in decided.reasons)
    assert decided.settings(("views.size=32",)).views.size == 32


def test_proposal__a_budget_decides_the_steps_by_a_timed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposal, "rehearse", lambda *_, **__: 0.2)
    for budget in (120.0, 600.0, 7200.0):
        found = propose(BRAINS, budget, gpu=False)
        assert found.seconds is not None and 0.8 * budget <= found.seconds <= 1.02 * budget
        steps = found.settings().optimiser.steps
        rest = duration(found.seconds - LOADING * 0.2 * steps)
        assert f"at 0.2 s a step and {rest} to start and judge" in found.reasons[-1]
    decided = propose(BRAINS, 600.0, ("optimiser.steps=7",), gpu=False)
    assert not any("steps:" in reason for reason in decided.reasons)
    free = propose(BRAINS, gpu=False, timed=True)
    assert free.seconds == pytest.approx(pretraining_seconds(free.settings(), 0.2, 3))


@pytest.mark.parametrize(("steps", "expected"), [(2400, 200), (600, 50), (50, 25), (7, 25), (10_000, 1000), (300, 25)])
def test_every__a_dozen_validations_at_round_steps(steps: int, expected: int) -> None:
    assert every(steps) == expected


@pytest.mark.parametrize(
    ("size", "words"),
    [(8, "too little"), (24, None), (40, "so much")],
)
def test_warning__names_views_that_span_too_little_or_too_much(size: int, words: str | None) -> None:
    told = warning(PretrainSettings.read({"views": {"size": size}}), BRAINS)
    assert told is None if words is None else told is not None and words in told and "views.size=24" in told


def test_warning__a_view_of_a_fine_store_is_dear_so_a_coarser_one_is_named() -> None:
    told = warning(PretrainSettings.read({"views": {"size": 24}}), replace(BRAINS, spacing=0.7))
    assert told is not None and "views.size=96" in told and "coarser --spacing of 2.9" in told


def test_warning__where_no_smaller_view_can_be_built_a_finer_spacing_is_named() -> None:
    small = Cohort(5.0, 1, ((120.0, 130.0, 110.0),) * 12, 2)
    settings = propose(small, gpu=False).settings()
    told = warning(settings, small)
    assert settings.views.size == 16 and told is not None and "ingest at a finer --spacing, such as 3" in told


def test_rehearsal__times_the_network_that_would_be_trained(store: Path) -> None:
    small, large = tiny(), tiny("network={size: small}", "views.size=24", "optimiser.batch=4")
    took = [rehearse(each, channels=1, spacing=3.0) for each in (small, large)]
    assert 0 < took[0] < took[1]
    assert Cohort.of(Store.open(store)).validation >= 1
