"""Which scans are labelled, and which of them a few-label experiment gets."""

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from orienteer.errors import ConfigError
from orienteer.finetune.settings import FinetuneSettings
from orienteer.ingest.split import SPLITS
from orienteer.ingest.table import is_empty
from orienteer.sampling import Purpose, generator
from orienteer.store import Store


def labelled_scans(store: Store, settings: FinetuneSettings, split: str) -> tuple[str, ...]:
    """Scans of a split that have labels, or the wanted column; sorted.

    Raises:
        ConfigError: there is none, with the reason where the store knows it.
    """
    scans = store.ids(split)
    if settings.kind == "segment":
        chosen = tuple(itertools.compress(scans, store.column("labelled", scans)))
        if not chosen:
            raise ConfigError(
                f"none of the {len(scans)} {split} scans in {store.path} has labels{_why(store, scans)}",
                cure="ingest with --labels DIR, label files named like their scans",
            )
        return chosen
    if not settings.column:
        raise ConfigError(
            f"{settings.kind} needs a column of the store's table",
            cure=f"add --column NAME; the table has {_columns(store)}",
        )
    tables = store.column("table", scans)
    chosen = tuple(scan for scan, table in zip(scans, tables, strict=True) if has_answer(table, settings.column))
    if not chosen:
        raise ConfigError(
            f"no {split} scan in {store.path} has a value in column {settings.column!r}",
            cure=f"columns there are: {_columns(store)}; ingest with --table FILE",
        )
    return chosen


def has_answer(table: Mapping[str, str], column: str | None) -> bool:
    """Whether a scan's row of the table has a value in that column; ``n/a`` and the like are none.

    ``none`` is one: there may be no tumours.
    """
    text = table.get(column or "", "").strip()
    return text.lower() == "none" or not is_empty(text)


def scored_split(store: Store, kind: str) -> str:
    """``test`` where there is one that can be scored, else ``val``.

    Scans kept for testing often come without labels (``imagesTs``); labelled subjects in ``val`` are then scored.
    """
    splits = store.manifest.scans.column("split")
    found, labelled = set(splits), set(itertools.compress(splits, store.manifest.scans.column("labelled")))
    if kind == "segment" and "test" not in labelled and "val" in labelled:
        return "val"
    return "test" if "test" in found else "val"


def few(store: Store, scans: Sequence[str], labels: int | None, seed: int) -> tuple[str, ...]:
    """The first ``labels`` scans of an order that depends on the seed alone, so fewer labels are a part of more.

    Every subject comes up once before any comes up twice: two scans of one subject teach less than of two.

    Raises:
        ConfigError: there are not that many.
    """
    if labels is not None and labels > len(scans):
        raise ConfigError(
            f"{labels} labelled training scans are asked for, {store.path} has {len(scans)}",
            cure="lower --labelled-scans",
        )
    order = generator(seed, Purpose.LABELLED).permutation(len(scans))
    people = store.column("person", scans)
    drawn: dict[str, int] = {}
    turns = []
    for place, number in enumerate(order):
        person = people[number]
        turns.append((drawn.get(person, 0), place, scans[number]))
        drawn[person] = drawn.get(person, 0) + 1
    return tuple(scan for _, _, scan in sorted(turns)[:labels])


@dataclass(frozen=True)
class Answers:
    """One answer per scan, as a network learns it.

    Attributes:
        categories: their names, for classification; empty for a number.
        mean: of the training numbers; 0 for categories.
        scale: their standard deviation; 1 for categories.
    """

    categories: tuple[str, ...]
    mean: float = 0.0
    scale: float = 1.0

    def encode(self, text: str, scan: str) -> float | int:
        """The table's text as the number of a category, or as a standardised number.

        Raises:
            ConfigError: a category no training scan has, or no number.
        """
        if not self.categories:
            return (_number(text, scan) - self.mean) / self.scale
        if text not in self.categories:
            spelt = {_one_spelling(name): name for name in self.categories}
            near = get_close_matches(_one_spelling(text), spelt, n=1)
            raise ConfigError(
                f"{scan} is {text!r}, which no training scan is{f'; {spelt[near[0]]!r} is close' if near else ''}",
                cure=f"known: {', '.join(self.categories)}; correct the table and ingest again with it, or put a"
                f" subject that is {text!r} into train",
            )
        return self.categories.index(text)


def answers_of(store: Store, scans: Sequence[str], settings: FinetuneSettings) -> Answers:
    """The categories, or the scale of the number, among the training scans.

    Raises:
        ConfigError: a single category or value, or text where a number should be.
    """
    assert settings.column is not None
    tables = store.column("table", scans)
    texts = {scan: table[settings.column] for scan, table in zip(scans, tables, strict=True)}
    if settings.kind == "classify":
        categories = tuple(sorted(set(texts.values())))
        if len(categories) < 2:
            raise ConfigError(
                f"all {len(scans)} training scans are {settings.column} = {categories[0]}",
                cure="use more --labelled-scans, or another column",
            )
        _check_spelling(settings.column, categories)
        return Answers(categories)
    numbers = np.array([_number(text, scan) for scan, text in texts.items()])
    spread = float(numbers.std())
    return Answers((), float(numbers.mean()), spread if spread > 0 else 1.0)


def _check_spelling(column: str, categories: Sequence[str]) -> None:
    """Refuse categories that differ only in capitals and spaces: ``m`` and ``M`` are one, and a network learns two."""
    spellings: dict[str, list[str]] = {}
    for name in categories:
        spellings.setdefault(_one_spelling(name), []).append(name)
    several = [" and ".join(map(repr, names)) for names in spellings.values() if len(names) > 1]
    if several:
        raise ConfigError(
            f"column {column!r} spells one category in several ways: {'; '.join(several)}",
            cure="write each category in one way in the table, and ingest again with it",
        )


def _one_spelling(category: str) -> str:
    return "".join(category.split()).casefold()


def subjects_by_category(store: Store, column: str, learned: Collection[str]) -> dict[str, dict[str, int]]:
    """By split, with how many subjects each category has there; of ``train`` only scans learned from."""
    entries = [entry for entry in store.manifest.scans if has_answer(entry.table, column)]
    people = {(e.split, e.table[column], e.person) for e in entries if e.split != "train" or e.id in learned}
    splits = sorted({split for split, _, _ in people}, key=lambda split: (*map(split.__ne__, SPLITS), split))
    ordered = sorted(people, key=lambda told: (_one_spelling(told[1]), told[1]))
    return {split: dict(Counter(category for at, category, _ in ordered if at == split)) for split in splits}


def _number(text: str, scan: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise ConfigError(f"{scan}: {text!r} is not a number", cure="use `classify`, or correct the table")
    return value


def _columns(store: Store) -> str:
    return ", ".join(sorted({name for table in store.manifest.scans.column("table") for name in table})) or "none"


def _why(store: Store, scans: Sequence[str]) -> str:
    reasons = sorted(
        {
            finding.message
            for scan in scans
            for finding in store.entry(scan).findings
            if finding.code.startswith("labels-")
        }
    )
    return f": {reasons[0]}" if reasons else ""
