"""A model under shifts: the same people as another sequence, scanner or protocol would show them."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from orienteer.evaluation.shifts import Linear, Shift, Whole
from orienteer.pretext.model import SpatialModel
from orienteer.records.card import TaskCard
from orienteer.records.evaluation import ShiftResult, Value
from orienteer.records.metric import Metric
from orienteer.records.observation import Rows
from orienteer.records.rows import merge_rows
from orienteer.records.statistics import interval_by_subject, mean, of_rows
from orienteer.sampling import Purpose, Sampler, SampleRecipe, generator
from orienteer.sampling.cut import Index, cut
from orienteer.sampling.placement import PLACEMENTS
from orienteer.sampling.recipe import IDENTITY, matrix, vector
from orienteer.sampling.region import Region

PER_SCAN = 16
"""Samples of K views from each scan, for each shift."""


@dataclass
class _Seen:
    """What the model answered, sample by sample."""

    rows: list[Rows] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    scans: set[str] = field(default_factory=set)
    counts: list[int] = field(default_factory=list)

    def add(self, rows: Rows, person: str, scan: str, count: int) -> None:
        self.rows.append(rows)
        self.people += [person] * count
        self.scans.add(scan)
        self.counts.append(count)


@torch.no_grad()
def elsewhere(
    model: SpatialModel,
    sampler: Sampler,
    samples: int,
    *,
    judged: TaskCard,
    metric: Metric,
    device: torch.device,
    chosen: tuple[Shift, ...],
    on_scan: Callable[[int], None] = lambda _: None,
) -> tuple[ShiftResult, ...]:
    """Measure a model under shifts, each beside the same views as they are.

    Args:
        model: on ``device``.
        sampler: without augmentation; its scans are read whole, one at a time.
        samples: how many of its samples are shown under each shift; those that do not fit into what a shift leaves of
            a scan are left out.
        judged: the task that is measured.
        metric: the figure of that task.
        device: of the model.
        chosen: the shifts.
        on_scan: called with the number of scans done.
    """
    was_training = model.training
    model.eval()
    plain, shifted = [_Seen() for _ in chosen], [_Seen() for _ in chosen]
    for place, scan in enumerate(sampler.ids):
        numbers = range(place, samples, len(sampler.ids))
        if not (numbers and chosen):
            break
        entry = sampler.store.entry(scan)
        whole = Whole.of(
            sampler.store.normalise(scan, sampler.store.read(scan)),
            spacing=entry.spacing,
            view_mm=sampler.settings.size * entry.spacing,
            convention=sampler.store.manifest.convention,
        )
        ask = _Asked(model, judged.name, device)
        as_they_are = ask([sampler.draw(number) for number in numbers], whole.voxels, whole.voxels)
        for shift, before, after in zip(chosen, plain, shifted, strict=True):
            for part, recipes, new in _drawn(shift, sampler, scan, whole, numbers):
                if shift.stays:
                    at = [numbers.index(recipe.number) for recipe in recipes]
                    rows = _of_samples(as_they_are, at)
                else:
                    rows = ask([replace(recipe, linear=IDENTITY) for recipe in recipes], part.voxels, part.voxels)
                before.add(rows, entry.person, scan, len(recipes))
                after.add(ask(recipes, new, part.voxels), entry.person, scan, len(recipes))
        on_scan(place + 1)
    model.train(was_training)
    task = model.task(judged.name)
    found = zip(chosen, plain, shifted, strict=True)
    return tuple(_result(shift, before, after, task.measure, metric) for shift, before, after in found if before.counts)


@dataclass(frozen=True)
class _Asked:
    """A model's answers about samples of a whole scan that is held in memory."""

    model: SpatialModel
    task: str
    device: torch.device

    def __call__(self, recipes: list[SampleRecipe], voxels: NDArray[np.float32], anatomy: NDArray[np.float32]) -> Rows:
        """The rows of one task; ``anatomy`` separates body from air."""
        images, body = (torch.from_numpy(_views(recipes, each)).to(self.device) for each in (voxels, anatomy))
        centres = torch.from_numpy(np.stack([recipe.target_centres for recipe in recipes]).astype(np.float32))
        address = torch.tensor([[recipe.seed, recipe.number] for recipe in recipes])
        output = self.model(images, centres.to(self.device), recipes[0].view_mm, address, anatomy=body)
        return next(each.rows for each in output.observations if each.task == self.task)


def _views(recipes: list[SampleRecipe], voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    shape = (voxels.shape[1], voxels.shape[2], voxels.shape[3])

    def read(low: Index, size: Index) -> NDArray[np.float32]:
        first, last = low, low + size
        return voxels[:, first[0] : last[0], first[1] : last[1], first[2] : last[2]]

    return np.stack(
        [np.stack([cut(cube, read, shape, order=1, outside=None) for cube in recipe.cubes]) for recipe in recipes]
    )


def _drawn(
    shift: Shift, sampler: Sampler, scan: str, whole: Whole, numbers: range
) -> Iterator[tuple[Whole, list[SampleRecipe], NDArray[np.float32]]]:
    """For each draw of a shift: what is left of the scan, the samples it falls on, and the scan under the shift."""
    name = zlib.crc32(shift.card.name.encode())
    for draw in range(min(shift.draws, len(numbers))):
        random = generator(sampler.seed, Purpose.SHIFT, name, numbers[draw])
        linear = np.eye(3) if shift.linear is None else shift.linear(random)
        low, size = _box(whole, shift.kept, sampler.store.foreground_cell, random)
        part = whole.part(low, size)
        placed = (
            sampler.draw(number) if shift.stays else _placed(sampler, scan, number, linear, low, size)
            for number in numbers[draw :: shift.draws]
        )
        recipes = [recipe for recipe in placed if recipe is not None]
        if recipes:
            yield part, recipes, shift.changed(part, random)


def _box(whole: Whole, kept: float, cell: int, random: np.random.Generator) -> tuple[Index, Index]:
    """What is left of a scan: a share of it along an axis drawn at random, beginning at a cell of its foreground."""
    size = np.array(whole.body.shape)
    low = np.zeros(3, dtype=int)
    if kept < 1:
        axis = int(random.integers(3))
        length = max(1, round(kept * size[axis]))
        low[axis] = random.integers((size[axis] - length) // cell + 1) * cell
        size[axis] = length
    return low, size


def _placed(sampler: Sampler, scan: str, number: int, linear: Linear, low: Index, size: Index) -> SampleRecipe | None:
    """A sample whose views lie inside a box, both as they are and under the map; in voxels of the box."""
    settings, cell = sampler.settings, sampler.store.foreground_cell
    if (size < settings.size).any():
        return None
    wide = linear if np.abs(linear).sum(1).min() > 1 else np.eye(3)  # what needs more room: with the map or without
    region = Region.of(sampler.store, scan, settings.size, linear=wide, min_foreground=settings.min_foreground)
    first, stop = low // cell, -(-(low + size) // cell)
    region = replace(
        region,
        shape=(int(size[0]), int(size[1]), int(size[2])),
        occupancy=region.occupancy[first[0] : stop[0], first[1] : stop[1], first[2] : stop[2]],
    )

    def streams(view: int) -> np.random.Generator:
        return generator(sampler.seed, Purpose.PLACEMENT, number, view)

    centres = PLACEMENTS[settings.placement].draw(region, settings, streams)
    if centres is None:
        return None
    reach = (settings.size - 1) / 2  # on whole voxels, so that the views as they are are not interpolated
    corners = np.clip(np.rint(centres - reach), 0, size - settings.size)
    whole = sampler.draw(number)
    return replace(
        whole,
        linear=matrix(linear),
        views=tuple(
            replace(view, centre_mm=vector((corner + reach) * whole.spacing))
            for view, corner in zip(whole.views, corners, strict=True)
        ),
    )


def _of_samples(rows: Rows, samples: list[int]) -> Rows:
    """The rows of some samples, which are counted anew in that order."""
    column = np.asarray(rows["sample"])
    chosen = [np.flatnonzero(column == sample) for sample in samples]
    new = np.repeat(np.arange(len(samples), dtype=column.dtype), [len(each) for each in chosen])
    at = np.concatenate(chosen)
    return {name: new if name == "sample" else np.asarray(values)[at] for name, values in rows.items()}


def _result(shift: Shift, before: _Seen, after: _Seen, measure: Callable[[Rows], dict], metric: Metric) -> ShiftResult:
    tables = [merge_rows(seen.rows, seen.counts) for seen in (before, after)]
    people = [np.array(before.people)[np.asarray(rows["sample"])] for rows in tables]
    values = [of_rows(metric, rows) for rows in tables]
    as_is, measured = (
        Value.of(
            measure(rows)[metric.name],
            None if errors is None else interval_by_subject(errors, owners),
        )
        for rows, errors, owners in zip(tables, values, people, strict=True)
    )
    cost, interval = None, None
    if values[0] is not None and values[1] is not None and len(values[0]) == len(values[1]):
        difference = values[1] - values[0]
        cost, interval = mean(difference), interval_by_subject(difference, people[0])
    return ShiftResult(
        card=shift.card,
        measured=measured,
        as_is=as_is,
        cost=cost,
        cost_interval=interval,
        samples=sum(before.counts),
        scans=len(before.scans),
    )
