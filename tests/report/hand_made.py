"""Tasks and probes described by hand: the report is tested without any task of the package, so it can know none.

Each entry of ``TASKS`` is a card and a function that makes its rows from the centres of a sample's views.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise, permutations, product
from typing import Any

import numpy as np

from orienteer.geometry.chunks import chunk_pair
from orienteer.records.card import ProbeCard, Restoration, TaskCard
from orienteer.records.evidence import ChunkPairs, Classes, Displacements, Numbers, Paths, Points, Spread
from orienteer.records.metric import Measure, Metric

from .example_files import CHUNK, SHAPE, SPACING, VIEW

Row = Mapping[str, Any]
RowMaker = Callable[[np.ndarray, np.random.Generator, float], list[Row]]
"""Centres ``(K, 3)``, noise in mm: the rows of one sample."""
Measurer = Callable[[Mapping[str, np.ndarray]], dict[str, Measure]]


@dataclass(frozen=True)
class HandMade:
    """A task: what it says of itself, its rows, and its metrics on them."""

    card: TaskCard
    rows: RowMaker
    measure: Measurer


def card(name: str, *metrics: Metric, **more: Any) -> TaskCard:
    """A card with what a test does not care about filled in."""
    words = {
        "title": f"Task {name}", "question": f"Does it know {name}?", "intro": f"The model is asked about {name}.",
        "source": "A paper, https://example.org/paper", "spatial": True, "evidence": (),
    }  # fmt: skip
    return TaskCard(name=name, metrics=metrics, **(words | more))


def vector(name: str, values: np.ndarray) -> dict[str, float]:
    """``name_r``, ``name_a``, ``name_s``."""
    return {f"{name}_{axis}": float(value) for axis, value in zip("ras", values, strict=True)}


def lengths(rows: Mapping[str, np.ndarray], *prefixes: str) -> np.ndarray:
    """Length of the first vector minus the second one."""
    first, *rest = (np.stack([rows[f"{prefix}_{axis}"] for axis in "ras"], axis=1) for prefix in prefixes)
    return np.asarray(np.linalg.norm(first - rest[0] if rest else first, axis=1))


def gaps(centres: np.ndarray, rng: np.random.Generator, noise: float) -> list[Row]:
    return [
        {"view_i": i, "view_j": j}
        | vector("true", centres[j] - centres[i])
        | vector("pred", centres[j] - centres[i] + rng.laplace(0, noise, 3))
        | vector("scale", np.full(3, noise))
        | vector("place", np.clip((centres[i] - 24) / (SHAPE * SPACING - 48), 0, 1))
        for i, j in permutations(range(len(centres)), 2)
    ]


def gap_measures(rows: Mapping[str, np.ndarray]) -> dict[str, Measure]:
    error, chance = lengths(rows, "pred", "true"), lengths(rows, "true")
    return {
        "gap_error_mm": Measure(float(error.mean()), "mm", float(chance.mean())),
        "gap_error_median_mm": Measure(float(np.median(error)), "mm", float(np.median(chance))),
    }


GAP = HandMade(
    card(
        "gap",
        Metric(
            name="gap_error_mm", title="Gap error", unit="mm", meaning="how far off one view is placed",
            look="It should reach a few mm on held-out subjects.",
            chance="answering “no gap at all”", shown="card", per_row="vector",
        ),
        Metric(name="gap_error_median_mm", title="Gap error, median", unit="mm"),
        title="Gap matrix", question="Does it know where things are?",
        evidence=(Displacements(scale="scale"),),
    ),
    gaps,
    gap_measures,
)  # fmt: skip


def chunks(centres: np.ndarray, rng: np.random.Generator, noise: float) -> list[Row]:
    found = []
    for i, j in permutations(range(len(centres)), 2):
        if i < j:
            four = chunk_pair(centres[i], centres[j], np.full(3, VIEW), np.full(3, CHUNK))
            near, far = float(four.adjacent_distance), float(four.distant_distance)
            alike = [float(np.clip(1 - d / 90 + rng.normal(0, 0.12), -1, 1)) for d in (near, far)]
            found.append(
                {"view_i": i, "view_j": j, "adjacent_mm": near, "distant_mm": far,
                 "adjacent_similarity": alike[0], "distant_similarity": alike[1]}
            )  # fmt: skip
    return found


ADJACENCY = HandMade(
    card(
        "adjacency",
        Metric(
            name="adjacency_accuracy", title="Adjacency accuracy", unit="fraction", better="higher", shown="card",
            meaning="how often the nearer pair is called more alike",
        ),
        Metric(
            name="adjacency_accuracy_all", title="Adjacency accuracy, all pairs", unit="fraction", better="higher",
            meaning="in scans this small no two differ by 30 mm", shown="card", stands_in_for="adjacency_accuracy",
        ),
        Metric(name="embedding_rank", title="Effective rank", unit="rank", better="higher"),
        title="Adjacency of chunks", question="Do near things look alike to it?",
        evidence=(ChunkPairs(chunk=CHUNK / VIEW),),
    ),
    chunks,
    lambda rows: {
        "adjacency_accuracy": Measure(
            float((rows["adjacent_similarity"] > rows["distant_similarity"]).mean()), "fraction", 0.5, "higher"
        )
    },
)  # fmt: skip


def walks(centres: np.ndarray, rng: np.random.Generator, noise: float) -> list[Row]:
    views = range(len(centres))
    steps = {(i, j): centres[j] - centres[i] + rng.laplace(0, noise, 3) for i, j in permutations(views, 2)}
    found: list[Row] = [
        {"kind": "step", "path": f"{i}-{j}"} | vector("true", centres[j] - centres[i]) | vector("pred", step)
        for (i, j), step in steps.items()
    ]
    for order in permutations(views):
        for kind, path in (("route", order), ("tour", (*order, order[0]))):
            total = sum(steps[pair] for pair in pairwise(path))
            truth = centres[path[-1]] - centres[path[0]]
            text = "-".join(map(str, path))
            found.append({"kind": kind, "path": text} | vector("true", truth) | vector("pred", total))
    return found


def walk_measures(rows: Mapping[str, np.ndarray]) -> dict[str, Measure]:
    error, kind = lengths(rows, "pred", "true"), rows["kind"].astype(str)
    chance = float(lengths(rows, "true")[kind == "route"].mean())
    return {
        "direction_error_deg": Measure(7.3, "deg", 90.0),
        "route_arrival_mm": Measure(float(error[kind == "route"].mean()), "mm", chance),
        "route_closure_mm": Measure(float(error[kind == "tour"].mean()), "mm"),
    }


ROUTE = HandMade(
    card(
        "route",
        Metric(name="direction_error_deg", title="Direction error", unit="deg", shown="card", meaning="angle"),
        Metric(name="route_arrival_mm", title="Route arrival", unit="mm", shown="card", meaning="distance to the goal"),
        Metric(name="route_closure_mm", title="Route closure", unit="mm", shown="card", meaning="standing still"),
        title="Directions and routes", question="Does it find its way?", evidence=(Paths(),),
    ),
    walks,
    walk_measures,
)  # fmt: skip


def cells(centres: np.ndarray, rng: np.random.Generator, noise: float) -> list[Row]:
    true = rng.uniform(-60, 60, size=(12, 3))
    true -= true.mean(0)
    return [
        {"view": n % len(centres)} | vector("true", cell) | vector("pred", cell + rng.normal(0, noise, 3))
        for n, cell in enumerate(true)
    ]


POSITION = HandMade(
    card(
        "position",
        Metric(name="position_error_mm", title="Position error", unit="mm", shown="card", meaning="single voxels"),
        title="Position field", question="Does it place single voxels?", evidence=(Points(),),
    ),
    cells,
    lambda rows: {"position_error_mm": Measure(float(lengths(rows, "pred", "true").mean()), "mm", 45.0)},
)  # fmt: skip

NEIGHBOURS = tuple("".join(p) for p in product("-0+", repeat=3) if p != ("0", "0", "0"))
"""The 26 directions in which a patch may neighbour another."""


def directions(centres: np.ndarray, rng: np.random.Generator, noise: float) -> list[Row]:
    true = rng.integers(0, 26, size=8)
    wrong = rng.random(8) < 0.3
    return [
        {"direction": int(t), "answered": int(rng.integers(0, 26)) if w else int(t)}
        for t, w in zip(true, wrong, strict=True)
    ]


DIRECTION = HandMade(
    card(
        "patch_location",
        Metric(
            name="direction_accuracy", title="Neighbours told", unit="fraction", better="higher", shown="card",
            meaning="how often the neighbour's direction is told",
        ),
        title="Location of a neighbour", question="Does it know which neighbour it sees?",
        evidence=(Classes(title="Direction of a neighbour", true="direction", pred="answered", names=NEIGHBOURS),),
    ),
    directions,
    lambda rows: {
        "direction_accuracy": Measure(
            float((rows["direction"] == rows["answered"]).mean()), "fraction", 1 / 26, "higher"
        )
    },
)  # fmt: skip


def overlaps(centres: np.ndarray, rng: np.random.Generator, noise: float) -> list[Row]:
    true = rng.random(6) ** 2
    return [{"overlap": float(t), "guess": float(t + rng.normal(0, 0.05))} for t in true]


OVERLAP = HandMade(
    card(
        "voco",
        Metric(name="overlap_error", title="Overlap error", unit="fraction", shown="card", meaning="overlap told"),
        title="Overlap with base crops", question="Does it know where a crop came from?",
        evidence=(Numbers(title="Overlap with a base crop", unit="fraction", true="overlap", pred="guess"),),
    ),
    overlaps,
    lambda rows: {"overlap_error": Measure(float(np.abs(rows["overlap"] - rows["guess"]).mean()), "fraction", 0.3)},
)  # fmt: skip


def restored(centres: np.ndarray, rng: np.random.Generator, noise: float) -> list[Row]:
    return [
        {"view": view, "error": float(e), "mean_answer": float(e + 0.07), "smooth": float(e + 0.03)}
        for view, e in enumerate(rng.gamma(9, 0.014, size=len(centres)))
    ]


MASKED = HandMade(
    card(
        "masked",
        Metric(
            name="masked_error", title="Error in hidden voxels", unit="fraction", shown="card", per_row="error",
            meaning="how far off hidden voxels are", chance="answering with the mean of what is shown",
        ),
        Metric(name="interpolation_error", title="Error of a smooth interpolation", unit="fraction"),
        title="Masked autoencoding", question="Does it know what is hidden?", spatial=False,
        evidence=(
            Spread(
                title="Error of a view", unit="fraction", model="error",
                others={"mean_answer": "answering with the mean", "smooth": "a smooth interpolation"},
            ),
        ),
        restoration=Restoration(intro="Most blocks are hidden.", look="Anatomy should go on through them."),
    ),
    restored,
    lambda rows: {
        "masked_error": Measure(float(rows["error"].mean()), "fraction", float(rows["mean_answer"].mean())),
        "interpolation_error": Measure(float(rows["smooth"].mean()), "fraction", float(rows["mean_answer"].mean())),
    },
)  # fmt: skip

TASKS = {task.card.name: task for task in (GAP, ADJACENCY, ROUTE, POSITION, DIRECTION, OVERLAP, MASKED)}
OURS = ("gap", "adjacency", "route", "position")

PROBES = (
    ProbeCard(name="constant", title="constant views", meaning="every view made one grey", look="near chance is right",
              leaves="no anatomy"),
    ProbeCard(name="shuffled", title="voxels shuffled", meaning="the voxels of every view shuffled",
              look="near chance is right", leaves="no anatomy"),
    ProbeCard(name="border", title="only the border kept", meaning="the inside of every view blanked",
              look="the shell is anatomy too, so some skill stays", leaves="the border"),
    ProbeCard(name="interior", title="border painted over", meaning="the border of every view painted over",
              look="the anatomy is still there", leaves="the inside"),
)  # fmt: skip
