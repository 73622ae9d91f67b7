"""Scores of all seeds together: per metric the mean over cases, and per structure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from orienteer.finetune.folder import FinetuneFolder
from orienteer.records.metric import finite
from orienteer.records.rows import read_rows


def summarise(folders: Sequence[FinetuneFolder], *, split: str) -> dict[str, Any]:
    """Means over cases and seeds, the spread over seeds, and how many numbers are not defined.

    A case's score is the mean over its structures; scores that are not defined are left out and counted.
    """
    tables = [read_rows(folder.scores) for folder in folders]
    record = folders[0].record()
    metrics = list(dict.fromkeys(np.concatenate([table["metric"] for table in tables]).tolist()))
    scores = {}
    for metric in metrics:
        seeds = [_of(table, metric) for table in tables]
        values = [_case_mean(table) for table in seeds]
        everything = np.concatenate([table["value"] for table in seeds])
        items = list(dict.fromkeys(seeds[0]["item"].tolist()))
        scores[metric] = {
            "mean": finite(_mean(np.array(values))),
            "seeds": [finite(value) for value in values],
            "undefined": int(np.isnan(everything).sum()),
            "items": {
                item: finite(_mean(np.concatenate([table["value"][table["item"] == item] for table in seeds])))
                for item in items
                if item
            },
        }
    return {
        "kind": record.kind,
        "split": split,
        "labelled_scans": len(record.goal.scans),
        "cases": len(set(tables[0]["case"].tolist())),
        "pretrained": record.pretrained,
        "scores": scores,
    }


def _of(table: dict[str, Any], metric: str) -> dict[str, Any]:
    chosen = table["metric"] == metric
    return {name: column[chosen] for name, column in table.items()}


def _case_mean(table: dict[str, Any]) -> float:
    return _mean(np.array([_mean(table["value"][table["case"] == case]) for case in np.unique(table["case"])]))


def _mean(values: Any) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
