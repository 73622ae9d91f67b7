"""Which subjects are held out. A subject is never in two splits, and never changes by chance."""

import hashlib
from collections.abc import Iterable, Mapping

VALIDATION_SHARE = 0.15
SPLITS = ("train", "val", "test")
"""The splits that have a meaning: learned from, judged by while learning, kept for the end."""
ALSO = {"training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test"}
"""Other usual words for them."""


def split_name(word: str) -> str:
    """The split that a user's word means, in any capitals; a word that means none of the three stays as it is.

    Examples:
        >>> split_name(" Validation "), split_name("TRAIN"), split_name("Site-B")
        ('val', 'train', 'Site-B')
    """
    word = word.strip()
    usual = ALSO.get(word.casefold(), word.casefold())
    return usual if usual in SPLITS else word


def assign_splits(subjects: Iterable[str], fixed: Mapping[str, str]) -> dict[str, str]:
    """A split for every subject: the one they have, else ``train`` or ``val`` by a stable hash of their name.

    The same subject lands in the same split in every store and on every machine, whoever else is there; only
    where nobody at all would be held out, the new subject with the lowest hash is.

    Args:
        subjects: everybody in the store.
        fixed: splits from the table, or from an earlier ingest.
    """
    subjects = sorted(set(subjects))
    splits = {subject: fixed.get(subject) or _by_hash(subject) for subject in subjects}
    free = [subject for subject in subjects if not fixed.get(subject)]
    if free and len(subjects) > 1:
        held = sorted(free, key=_position)
        if "val" not in splits.values():
            splits[held[0]] = "val"
        if "train" not in splits.values():
            splits[held[-1]] = "train"
    return splits


def _by_hash(subject: str) -> str:
    return "val" if _position(subject) < VALIDATION_SHARE else "train"


def _position(subject: str) -> float:
    """A number in [0, 1) that depends on the name alone; Python's own hash differs in every process."""
    return int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big") / 2**64
