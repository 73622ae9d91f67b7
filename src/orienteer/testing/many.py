"""The manifest of a store of very many scans, made column by column; there are no voxels."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from orienteer.store.columns import Scans
from orienteer.store.manifest import Manifest, Parameters
from orienteer.store.manifest_file import write_manifest
from orienteer.store.schema import SCHEMA


def store_of_many(folder: Path, count: int, *, spacing: float = 1.5) -> Path:
    """A store that says it has ``count`` scans, no two alike, two of each subject, every tenth in ``val``.

    Args:
        folder: of the store.
        count: number of scans.
        spacing: mm per voxel.
    """
    rows = made_rows(count, spacing)
    folder.mkdir(parents=True, exist_ok=True)
    parameters = Parameters(spacing=spacing)
    write_manifest(folder, Manifest.of((), parameters, "pseudonyms").model_copy(update={"scans": Scans(rows)}))
    return folder


def made_rows(count: int, spacing: float) -> pa.RecordBatch:
    """As many rows of the Arrow file."""
    random = np.random.default_rng(0)
    number = np.arange(count)
    shape = random.integers(150, 350, (count, 3))
    origin = random.normal(0, 200, (count, 3))
    affine = np.tile(np.diag([spacing, spacing, spacing, 1.0]), (count, 1, 1))
    affine[:, :3, 3] = origin
    low = random.integers(0, 20, (count, 3))
    columns = {
        "id": pa.array([f"scan-{n:024x}" for n in number]),
        "person": pa.array([f"subject-{n // 2:024x}" for n in number]),
        "split": _shared(np.where(number // 2 % 10 == 0, 1, 0), ["train", "val"]),
        "channels": pa.array(np.ones(count, np.int64)),
        "channel_names": _shared(np.zeros(count), ["[]"]),
        "shape": _lists(shape, SCHEMA.field("shape").type),
        "spacing": pa.array(np.full(count, spacing)),
        "voxel_mm": _lists(random.uniform(0.5, 5, (count, 3)), SCHEMA.field("voxel_mm").type),
        "affine": _ragged(_lists(affine.reshape(-1, 4), pa.list_(pa.float64(), 4)), 4, count),
        "intensity": _ragged(_windows(random, count), 1, count),
        "foreground_low": _lists(low, SCHEMA.field("foreground_low").type),
        "foreground_high": _lists(shape - low, SCHEMA.field("foreground_high").type),
        "labelled": pa.array(number % 4 == 0),
        "structures": _shared(number % 4 // 3, ["{}", '{"liver": [1], "spleen": [2]}']),
        "ignored": _shared(np.zeros(count), ["[]"]),
        "table": _shared(random.integers(0, 80, count), [f'{{"age": "{age}"}}' for age in range(80)]),
        "content": pa.array(_digests(random, count)),
        "arrays": pa.StructArray.from_arrays(
            [_file(random, count) for _ in range(3)], fields=list(SCHEMA.field("arrays").type)
        ),
        "findings": _shared(np.zeros(count), ["[]"]),
    }
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _shared(codes: np.ndarray, texts: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(texts))


def _lists(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), type=kind)


def _ragged(values: pa.Array, each: int, count: int) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(np.arange(count + 1, dtype=np.int32) * each), values)


def _windows(random: np.random.Generator, count: int) -> pa.Array:
    values = np.ones(count), np.zeros(count), random.normal(-900, 50, count), random.normal(900, 50, count)
    return pa.StructArray.from_arrays([pa.array(each) for each in values], ["slope", "intercept", "low", "high"])


def _digests(random: np.random.Generator, count: int) -> list[str]:
    digits = random.bytes(32 * count).hex()
    return [digits[start : start + 64] for start in range(0, 64 * count, 64)]


def _file(random: np.random.Generator, count: int) -> pa.Array:
    sizes = pa.array(random.integers(10_000, 10_000_000, count))
    return pa.StructArray.from_arrays([sizes, pa.array(_digests(random, count))], ["bytes", "sha256"])
