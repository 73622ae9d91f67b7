"""Mutated scans through every reader: nothing may crash, hang, be lost in silence or land in the wrong place.

    python -m tests.fault_lab.corpus SCRATCH [--data ../shared/data] [--every 1] [--seed 0]

Makes the corpus below SCRATCH (never inside the repository), takes each mutant through `inspect` and `read` in a
child process with 20 s and a memory limit, then the whole corpus through `check` and `ingest`, and prints a table.
Ends with 1 if a bar of the project is missed.
"""

import argparse
import multiprocessing
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from orienteer.ingest import IngestOptions, ingest
from orienteer.scans.check import check
from tests.fault_lab.mutants import Mutant, make_corpus
from tests.fault_lab.trial import Ended, in_child, judge, look, place

FAILURES = ("crash", "hang", "silent loss", "wrong place")
MEMORY_FACTOR = 4


def main() -> int:
    """Make, try, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", default="", help="part of a mutant's name")
    options = parser.parse_args()
    if (options.out / "mutants").exists():
        parser.error(f"{options.out} is in use")
    data = options.data if options.data.is_dir() else None
    # In a process of its own: a fork of one that has used ITK's threads may hang.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        mutants = pool.apply(make_corpus, (options.out, data), {"seed": options.seed, "every": options.every})
    honest = {folder: in_child(lambda f=folder: look(f)) for folder in sorted((options.out / "honest").iterdir())}
    failures = tell_honest(honest)
    largest = max(scan.get("bytes", 0) for ended in honest.values() for scan in ended.answer["scans"])
    bar = MEMORY_FACTOR * largest
    mutants = [mutant for mutant in mutants if options.only in mutant.name]
    failures += tell_mutants(mutants, honest, bar)
    if not options.only:
        failures += tell_whole(options.out / "mutants", options.out / "store")
    print(f"\n{failures} bars missed" if failures else "\nevery bar held")
    return int(failures > 0)


def tell_honest(honest: dict[Path, Ended]) -> int:
    """Landmarks of every honest scan against an independent reader."""
    wrong = 0
    worst = 0.0
    for folder, ended in honest.items():
        distances = in_child(lambda f=folder: place(f)).answer.get("distances", ["no answer"])
        codes = [scan.get("code", "read") for scan in ended.answer["scans"]]
        for distance in distances:
            if isinstance(distance, str) or distance > 0.5:
                print(f"  HONEST {folder.name}: {distance}")
                wrong += 1
            else:
                worst = max(worst, distance)
        print(f"  honest {folder.name:<36} {', '.join(codes):<18} {ended.grown / 2**20:6.1f} MiB")
    print(f"honest scans: landmarks at most {worst:.2g} voxels from the independent reader's")
    return wrong


def tell_mutants(mutants: list[Mutant], honest: dict[Path, Ended], bar: int) -> int:
    """Try every mutant; print what went wrong and the counts."""
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    families: dict[str, Counter[str]] = defaultdict(Counter)
    peak, peak_name, slowest, over = 0, "", 0.0, 0
    for mutant in mutants:
        ended = in_child(lambda m=mutant: look(m.folder))
        readable = any(scan["read"] for scan in ended.answer.get("scans", []))
        placed = in_child(lambda m=mutant: place(m.folder)) if readable else Ended()
        outcome, why = judge(ended, placed, mutant.lossy, honest[mutant.honest].answer)
        outcomes[outcome] += 1
        families[mutant.name.split(":")[0]][outcome] += 1
        codes.update(why.split(", ") if outcome == "reported" else [])
        if ended.grown > peak:
            peak, peak_name = ended.grown, mutant.name
        slowest = max(slowest, ended.seconds)
        if outcome in FAILURES or ended.grown > bar or ended.seconds > 5:
            over += ended.grown > bar
            print(f"  {outcome.upper()} {mutant.folder.name} {mutant.name}: {why}"
                  f" ({ended.seconds:.1f} s, {ended.grown / 2**20:.0f} MiB)")  # fmt: skip
    print(f"\n{len(mutants)} mutants")
    kinds = ("right", "warned", "reported", *FAILURES)
    print(f"{'':40}" + " ".join(f"{kind:>12}" for kind in kinds))
    for name, counts in {**families, "all": outcomes}.items():
        print(f"{name:40}" + " ".join(f"{counts[kind]:12}" for kind in kinds))
    print("codes: " + ", ".join(f"{code} {count}" for code, count in codes.most_common()))
    print(f"peak memory {peak / 2**20:.0f} MiB ({peak_name}), bar {bar / 2**20:.0f} MiB; slowest {slowest:.1f} s")
    return sum(outcomes[kind] for kind in FAILURES) + over


def tell_whole(folder: Path, store: Path) -> int:
    """The corpus as one folder: every file must be taken, passed over with a reason, or a taken one's companion."""
    checked = in_child(lambda: _check(folder, store.with_suffix(".json")), limit=600)
    ingested = in_child(lambda: _ingest(folder, store), limit=600)
    for name, ended in (("check", checked), ("ingest", ingested)):
        told = {key: value for key, value in ended.answer.items() if key not in ("start", "status")}
        print(f"{name}: {ended.failure or 'ended'} {told} in {ended.seconds:.0f} s, {ended.grown / 2**20:.0f} MiB")
    lost = checked.answer.get("lost", 0) + ingested.answer.get("lost", 0)
    return lost + bool(checked.failure) + bool(ingested.failure)


def _check(folder: Path, json_path: Path) -> dict[str, Any]:
    result = check(folder, json_path=json_path, workers=1, progress=False)
    told = {scan.source.paths[0].relative_to(folder).parts[0] for scan in result.scans}
    told |= {skip.relative.split("/")[0] for skip in result.skipped}
    lost = sorted({path.name for path in folder.iterdir()} - told)
    counts = {"scans": len(result.scans), "usable": len(result.usable), "skipped": len(result.skipped)}
    return {**counts, "lost": len(lost), "names": lost[:5]}


def _ingest(folder: Path, store: Path) -> dict[str, Any]:
    result = ingest(folder, store, IngestOptions(workers=1, progress=False, spacing=2.0))
    left_out = Counter(f.code for found in result.failed.values() for f in found if f.level == "error")
    scans = len(check(folder, workers=1, progress=False).scans)
    lost = scans - len(result.manifest.scans) - len(result.failed)
    return {"stored": len(result.manifest.scans), "left out": len(result.failed), "lost": lost, "codes": left_out}


if __name__ == "__main__":
    sys.exit(main())
