"""Of many scans a fixed number of views is measured, spread evenly over subjects; of few, some of each as ever."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st

from orienteer.evaluation.assess import assess
from orienteer.evaluation.chosen import chosen, spread
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.sampling import Sampler
from orienteer.store import Store
from tests.evaluation.test_assess import Make, anatomy


def people_of(counts: list[int], store: Store) -> tuple[Store, tuple[str, ...]]:
    """A store that says it has so many scans of each person."""
    like = store.scans[0]
    entries = tuple(
        like.model_copy(update={"id": f"{person:03}-{scan:03}", "person": f"p{person:03}"})
        for person, count in enumerate(counts)
        for scan in range(count)
    )
    return Store(store.path, store.manifest.model_copy(update={"scans": entries})), tuple(e.id for e in entries)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(1, 40), st.integers(0, 3))
def test_spread__every_subject_comes_once_before_any_comes_again(
    store: Store, counts: list[int], most: int, seed: int
) -> None:
    store, scans = people_of(counts, store)
    found = spread(store, scans, most, seed)
    assert len(found) == len(set(found)) == min(most, len(scans)) and set(found) <= set(scans)
    per_person = Counter(store.entry(scan).person for scan in found)
    for person, count in enumerate(counts):
        others = max((n for who, n in per_person.items() if who != f"p{person:03}"), default=0)
        mine = per_person.get(f"p{person:03}", 0)
        assert mine >= min(count, others - 1), "nobody is left out while another is taken twice"
    assert found == spread(store, scans, most, seed)


def test_chosen__few_scans_are_measured_as_ever_and_many_cost_no_more(sampler: Sampler) -> None:
    few, samples = chosen(sampler, 16, 10_000)
    assert few is sampler and samples == 16 * len(sampler.ids)
    store, scans = people_of([1] * 500, sampler.store)
    many, samples = chosen(replace(sampler, store=store, ids=scans), 16, 128)
    assert samples == 128 and len(many.ids) == 128
    assert {many.draw(number).scan for number in range(samples)} == set(many.ids)
    store, scans = people_of([1] * 20, sampler.store)
    every, samples = chosen(replace(sampler, store=store, ids=scans), 16, 128)
    assert samples == 128 and set(every.ids) == set(scans)
    counts = Counter(every.draw(number).scan for number in range(samples))
    assert max(counts.values()) - min(counts.values()) <= 1


def test_assess__says_of_how_many_scans_it_chose(oracle: Make, sampler: Sampler, tmp_path: Path) -> None:
    settings = EvaluationSettings(final_per_scan=4, final_samples=4, batch=2, examples=0)
    model = oracle(anatomy)
    record = assess(model, sampler, settings, folder=tmp_path, split="all", step=0, device=torch.device("cpu")).record
    assert record.samples == 4 and record.among == len(sampler.ids) and record.scans == min(4, len(sampler.ids))
    assert {probe.samples for probe in record.probes} == {1}
