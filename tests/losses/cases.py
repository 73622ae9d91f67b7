"""Inputs for every loss: drawn at random, in every form that its arguments offer."""

from typing import Any

import numpy as np
import torch

FORMS: dict[str, tuple[dict[str, Any], ...]] = {
    "gap": ({}, {"distance_weight": 0.0, "length_mm": 20.0}, {"distance_weight": 2.0, "log_scale": True}),
    "laplace": ({},),
    "route": (
        {},
        {"arrival_weight": 0.0, "closure_weight": 0.0},
        {"arrival_weight": 1.5, "closure_weight": 0.25, "length_mm": 20.0},
    ),
    "adjacency": ({}, {"form": "cosine"}, {"temperature": 0.5, "differs": True}, {"form": "cosine", "differs": True}),
    "nt_xent": ({"temperature": 0.5}, {"temperature": 0.07}),
    "overlap": ({},),
    "position": ({}, {"length_mm": 20.0}),
    "masked": ({}, {"form": "l1"}),
}
"""By loss: arguments beside the drawn ones; True stands for one that is drawn as well."""


def drawn(name: str, seed: int, form: dict[str, Any], *, samples: int = 3, views: int = 3) -> dict[str, Any]:
    """Arguments of the loss ``name`` as NumPy arrays and plain values."""
    random = np.random.default_rng(seed)
    pair, scan = (samples, views, views, 3), (samples, views, 3)
    if name in ("gap", "route"):
        found: dict[str, Any] = {"steps": random.normal(0, 1.5, pair), "centres_mm": random.uniform(-90, 90, scan)}
    elif name == "laplace":
        found = {key: random.normal(0, 1, scan) for key in ("predicted", "true", "log_scale")}
    elif name == "adjacency":
        found = {key: random.uniform(-1, 1, (samples, views)) for key in ("adjacent", "distant")}
    elif name == "nt_xent":
        owner = np.repeat(np.arange(samples), views)
        same = owner[:, None] == owner
        positive, negative = same & ~np.eye(len(owner), dtype=bool), ~same
        found = {"cosine": random.uniform(-1, 1, same.shape), "positive": positive, "negative": negative}
    elif name == "overlap":
        true = np.where(random.random((samples, views, 8)) < 0.5, 0, random.uniform(0, 1, (samples, views, 8)))
        found = {"cosine": random.uniform(-1, 1, true.shape), "true": true}
    elif name == "position":
        cloud = {key: random.normal(0, 2, (samples, 12, 3)) for key in ("predicted", "positions_mm")}
        weight = (random.random((samples, 12)) < 0.6).astype(float)
        found = {**cloud, "weight": weight} | {"positions_mm": cloud["positions_mm"] * 40}
    else:
        image = (samples, views, 2, 4, 4, 4)
        found = {key: random.normal(0, 1, image) for key in ("predicted", "true")}
        found["hidden"] = random.random((samples, views, 1, 4, 4, 4)) < 0.7
    if form.get("log_scale"):
        found["log_scale"] = random.normal(0, 1, pair)
    if form.get("differs"):
        found["differs"] = random.random((samples, views)) < 0.6
    return {**found, **{key: value for key, value in form.items() if key not in found}}


def tensors(arguments: dict[str, Any], dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """The same with tensors: floating ones of ``dtype``."""
    return {
        key: torch.from_numpy(value).to(torch.bool if value.dtype == bool else dtype)
        if isinstance(value, np.ndarray)
        else value
        for key, value in arguments.items()
    }
