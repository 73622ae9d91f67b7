"""The folders that nnU-Net and the Decathlon share: ``imagesTr``, ``imagesTs`` and the labels beside them."""

import re
from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.scans.discover import discover
from orienteer.scans.labels.meaning import meaning_of
from orienteer.scans.layouts.descriptions import read_description
from orienteer.scans.source import Source

IMAGES = re.compile(r"^images(Tr|Ts|Val)$")
LABELS = ("labelsTr", "labelsVal", "labelsTs")


def is_training(place: Path) -> bool:
    """Whether scans in this folder may be learned from; those of ``imagesTs`` are kept for testing."""
    return place.name != "imagesTs"


def in_images(source: Source, folder: Path) -> bool:
    """Whether the scan lies where the dataset ``folder`` keeps its images."""
    parent = source.paths[0].parent
    return parent.parent == folder and IMAGES.match(parent.name) is not None


def labels_by_case(folder: Path) -> dict[str, Source]:
    """Labels by case: of ``labelsTr`` and ``labelsVal`` by its name, of ``labelsTs`` as ``test/`` and its name."""
    found: dict[str, Source] = {}
    meaning = meaning_of(read_description(folder / "dataset.json"))
    for part, prefix in zip(LABELS, ("", "", "test/"), strict=True):
        try:
            labels = discover(folder / part)
        except OrienteerError:
            continue
        for label in labels:
            found.setdefault(prefix + label.id, meaning.give(label))
    return found
