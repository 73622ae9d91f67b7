"""Scores of all seeds together: per metric the mean over cases, and per structure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from orienteer.atomic import write_json
from orienteer.finetune.folder import FinetuneFolder
from orienteer.finetune.settings import Kind
from orienteer.records.metric import Record, finite
from orienteer.records.rows import read_rows

Table = dict[str, np.ndarray]


class ScoreSummary(Record):
    """One metric; None where nothing was defined."""

    mean: float | None
    """Over structures, then cases, then seeds."""
    seeds: tuple[float | None, ...]
    """The same of each seed."""
    undefined: int
    """Numbers that are not defined and were left out."""
    items: dict[str, float | None]
    """Per structure, over cases and seeds."""


class FinetuneSummary(Record):
    """``OUT/summary.json``."""

    kind: Kind
    split: str
    """Subjects scored."""
    labelled_scans: int
    """Labelled training scans of each network."""
    cases: int
    """Scans scored."""
    pretrained: bool
    """Whether weights came from a run."""
    atlas: bool = False
    """Whether the labels of labelled scans were carried to those scored, as a prior."""
    spacing_mm: float | None = None
    """Of the store, on whose grid predictions are compared with labels."""
    scores: dict[str, ScoreSummary]

    def write(self, folder: Path) -> None:
        """Write ``summary.json``."""
        write_json(folder / "summary.json", self.model_dump(mode="json"))


def summarise(folders: Sequence[FinetuneFolder], *, split: str) -> FinetuneSummary:
    """Means over cases and seeds, the spread over seeds, and how many numbers are not defined.

    A case's score is the mean over its structures; scores that are not defined are left out and counted.
    """
    tables = [read_rows(folder.scores) for folder in folders]
    record = folders[0].record()
    metrics = list(dict.fromkeys(np.concatenate([table["metric"] for table in tables]).tolist()))
    return FinetuneSummary(
        kind=record.kind,
        split=split,
        labelled_scans=len(record.goal.scans),
        cases=len(set(tables[0]["case"].tolist())),
        pretrained=record.pretrained,
        atlas=folders[0].atlas.is_dir(),
        spacing_mm=record.spacing_mm,
        scores={metric: _summary([_of(table, metric) for table in tables]) for metric in metrics},
    )


def _summary(seeds: Sequence[Table]) -> ScoreSummary:
    means = [_case_mean(table) for table in seeds]
    values, items = (np.concatenate([table[name] for table in seeds]) for name in ("value", "item"))
    return ScoreSummary(
        mean=finite(_mean(np.array(means))),
        seeds=tuple(finite(value) for value in means),
        undefined=int(np.isnan(values).sum()),
        items={item: finite(_mean(values[items == item])) for item in dict.fromkeys(seeds[0]["item"].tolist()) if item},
    )


def _of(table: Table, metric: str) -> Table:
    chosen = table["metric"] == metric
    return {name: column[chosen] for name, column in table.items()}


def _case_mean(table: Table) -> float:
    return _mean(np.array([_mean(table["value"][table["case"] == case]) for case in np.unique(table["case"])]))


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
