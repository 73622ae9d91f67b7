"""One flipped bit, or a cut, in every kind of file: it is named or changes nothing, and can be mended.

    python -m tests.fault_lab.integrity OUT [--each 60] [--seed 0]

OUT is a folder of `tests.fault_lab.kills` that holds an undisturbed `store` and `run`, or a new one. For each kind
of file the table says how often the damage was named, was harmless (what is read is what was written), or went unseen,
and how the file came back. Ends with 1 if any went unseen or was not mended.
"""

import argparse
import json
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orienteer.errors import OrienteerError, RunError, StoreError
from tests.fault_lab.stages import stages
from tests.fault_lab.trial import in_child


@dataclass(frozen=True)
class Target:
    """One kind of file.

    Attributes:
        kind: its name in the table.
        file: below the base folder.
        told: what is said of the damage, nothing if nothing is.
        same: whether what is read is what was written.
        mend: brings it back; returns what is then still wrong. None where it cannot be made anew.
    """

    kind: str
    file: Path
    told: Callable[[], list[str]]
    same: Callable[[], bool]
    mend: Callable[[], list[str]] | None = None


def main() -> int:
    """Damage, look, mend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    base = options.out.absolute()
    if not (base / "run").exists():
        from tests.fault_lab.kills import undisturbed
        from tests.fault_lab.victim import import_everything

        import_everything()
        undisturbed(base, ["ingest", "pretrain"])
    bad = 0
    print(f"{'':24}{'named':>8}{'harmless':>10}{'UNSEEN':>8}{'mended':>8}")
    for target in targets(base):
        ended = in_child(lambda t=target: strike(t, options.each, random.Random(f"{options.seed} {t.kind}")), limit=900)
        if ended.failure:
            print(f"{target.kind:24} {ended.failure}: {ended.answer}")
            bad += 1
            continue
        told = ended.answer
        bad += told["unseen"] + len(told["problems"])
        mended = f"{told['mended']}" if target.mend else "-"
        print(f"{target.kind:24}{told['named']:8}{told['harmless']:10}{told['unseen']:8}{mended:>8}", flush=True)
        for problem in told["problems"][:5]:
            print(f"  {problem}")
    return int(bad > 0)


def strike(target: Target, each: int, moments: random.Random) -> dict[str, object]:
    """Damage a file again and again, always from its whole state; it is whole again in the end."""
    whole = target.file.read_bytes()
    counts = {"named": 0, "harmless": 0, "unseen": 0, "mended": 0}
    problems = []
    for data in damages(whole, each, moments):
        target.file.unlink(missing_ok=True)  # a new file, so that nothing opened before is looked at
        target.file.write_bytes(data)
        told = target.told()
        if told:
            counts["named"] += 1
            if not any(target.file.name in line or target.file.parent.name in line for line in told):
                problems.append(f"not by its name: {told[0]}")
            if target.mend is not None and counts["mended"] < 4:
                wrong = target.mend()
                problems += wrong
                counts["mended"] += not wrong
        else:
            counts["harmless" if target.same() else "unseen"] += 1
    target.file.unlink(missing_ok=True)
    target.file.write_bytes(whole)
    return {**counts, "problems": problems}


def damages(whole: bytes, count: int, moments: random.Random) -> Iterator[bytes]:
    """Cuts at both ends and in between, then single flipped bits."""
    yield from (b"", whole[: len(whole) // 2], whole[:-1])
    for _ in range(count):
        data = bytearray(whole)
        data[moments.randrange(len(data))] ^= 1 << moments.randrange(8)
        yield bytes(data)


def targets(base: Path) -> Iterator[Target]:
    """Every kind of file of the store ``base/store`` and the run ``base/run``."""
    store, run = base / "store", base / "run"
    arrays = sorted((store / "arrays").iterdir())[0]
    peace = base / "whole-store"
    shutil.rmtree(peace, ignore_errors=True)
    shutil.copytree(store, peace)
    checks = _store(base, store, peace)
    yield Target("manifest", store / "manifest.json", *checks)
    yield Target("manifest's copy", store / "manifest.copy.json", lambda: [], lambda: _copy_unused(store))
    for copy in sorted(store.glob("scans-*.arrow")):
        unread = copy.name.endswith(".copy.arrow")
        yield Target("scans", copy, *checks) if not unread else Target("scans' copy", copy, list, lambda: True)
    yield Target("private file", store / "private.json", *_private(store))
    for kind in ("image", "labels", "foreground"):
        yield Target(kind, arrays / f"{kind}.b2nd", *checks)
    checkpoint = sorted((run / "checkpoints").glob("step_*"))[-1]
    for name in ("model.safetensors", "optimiser.safetensors", "state.json"):
        yield Target(f"checkpoint {name.split('.')[0]}", checkpoint / name, *_checkpoint(checkpoint))
    log = run / "observations.jsonl"
    yield Target("observations.jsonl", log, *_log(log))
    for table in sorted((run / "evaluations" / "val").glob("*.parquet"))[:2]:
        yield Target(table.name, table, *_parquet(table))


def _store(
    base: Path, store: Path, peace: Path
) -> tuple[Callable[[], list[str]], Callable[[], bool], Callable[[], list[str]]]:
    from orienteer.store import Store

    whole = Store.open(peace).manifest

    def told() -> list[str]:
        try:
            return list(Store.open(store).verify())
        except StoreError as error:
            return [str(error)]

    def mend() -> list[str]:
        from orienteer.ingest import IngestOptions, ingest

        scans = base / "cohort"
        options = IngestOptions(
            labels=scans / "labels", table=scans / "people.tsv", workers=1, progress=False,
        )  # fmt: skip
        result = ingest(scans / "scans", store, options)
        problems = [] if result.notes else ["the mending was not told"]
        return problems + stages(base)["ingest"].alike(peace, store)

    return told, lambda: Store.open(store).manifest == whole, mend


def _copy_unused(store: Path) -> bool:
    """The copy is read only where the manifest is damaged; a damaged copy must not be put back."""
    from orienteer.store.manifest_file import COPY, read_manifest

    try:
        return read_manifest(store, COPY) == read_manifest(store)
    except StoreError:
        return True


def _private(store: Path) -> tuple[Callable[[], list[str]], Callable[[], bool]]:
    from orienteer.store.private import read_private

    whole = read_private(store)

    def told() -> list[str]:
        try:
            read_private(store)
        except StoreError as error:
            return [str(error)]
        return []

    return told, lambda: read_private(store) == whole


def _checkpoint(path: Path) -> tuple[Callable[[], list[str]], Callable[[], bool]]:
    from orienteer.training.checkpoint import load_checkpoint

    def state() -> object:
        one = load_checkpoint(path)
        tensors = {**{f"m{k}": v for k, v in one.model.items()}, **{f"o{k}": v for k, v in one.optimiser.items()}}
        return one.step, one.state, {key: value.numpy().tobytes() for key, value in tensors.items()}

    whole = state()

    def told() -> list[str]:
        try:
            state()
        except RunError as error:
            return [str(error)]
        return []

    return told, lambda: state() == whole


def _log(path: Path) -> tuple[Callable[[], list[str]], Callable[[], bool]]:
    from orienteer.records.log import read_log

    whole = list(read_log(path))

    def told() -> list[str]:
        damaged: list[str] = []
        try:
            kept = list(read_log(path, damaged))
        except OrienteerError as error:
            return [str(error)]
        # A cut last line is what a kill leaves: resuming writes it anew.
        return damaged or ([f"{path.name} ends early"] if len(kept) < len(whole) else [])

    return told, lambda: json.dumps(list(read_log(path))) == json.dumps(whole)


def _parquet(path: Path) -> tuple[Callable[[], list[str]], Callable[[], bool]]:
    from orienteer.records.rows import read_rows

    def columns() -> object:
        return {name: (column.dtype.str, column.tolist()) for name, column in read_rows(path).items()}

    whole = columns()

    def told() -> list[str]:
        try:
            read_rows(path)
        except RunError as error:
            return [str(error)]
        return []

    return told, lambda: columns() == whole


if __name__ == "__main__":
    sys.exit(main())
