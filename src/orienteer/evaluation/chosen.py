"""Which views are measured: of a few scans some of each, of many a fixed number spread evenly over subjects."""

from dataclasses import replace

import numpy as np

from orienteer.sampling import Purpose, Sampler, generator
from orienteer.store import Store


def chosen(sampler: Sampler, per_scan: int, most: int) -> tuple[Sampler, int]:
    """A sampler of what is measured, and how many of its samples.

    More scans than ``most`` samples can tell of cost nothing: what a figure is uncertain by depends on how many were
    measured, hardly on how many there are.

    Args:
        sampler: of all scans, without augmentation.
        per_scan: samples of each scan.
        most: samples in all; of more, scans are chosen by the sampler's seed, subject by subject.
    """
    wanted = per_scan * len(sampler.ids)
    if wanted <= most:
        return sampler, wanted
    return replace(sampler, ids=spread(sampler.store, sampler.ids, most, sampler.seed)), most


def spread(store: Store, scans: tuple[str, ...], most: int, seed: int) -> tuple[str, ...]:
    """At most so many scans, in an order in which every subject comes once before any comes again."""
    order = generator(seed, Purpose.MEASURED).permutation(len(scans))
    people = np.array(store.column("person", scans))[order]
    by_person = np.argsort(people, kind="stable")
    first = np.r_[True, people[by_person][1:] != people[by_person][:-1]]
    turn = np.empty(len(scans), dtype=np.int64)
    turn[by_person] = np.arange(len(scans)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    return tuple(scans[order[n]] for n in np.argsort(turn, kind="stable")[:most])
