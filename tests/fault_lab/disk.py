"""A full disk, a disk that turns read-only, and two of a kind at once: told in one line, and nothing is lost.

    python -m tests.fault_lab.disk OUT [--sizes 12]

Full: every command runs on a small tmpfs (as root; it is mounted and unmounted here) of growing size, from far too
small to large enough. Each must end by itself, say that it cannot write and what to do, leave the folder sound, and
end like an undisturbed run once there is room. Read-only: the same with the folder remounted read-only half-way, and
from the start. Two at once: of two commands started together on one folder one ends well and one is refused.
"""

import argparse
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.fault_lab.kills import judged, undisturbed
from tests.fault_lab.stages import Stage, stages
from tests.fault_lab.victim import Ended, import_everything, run

NAMES = ("ingest", "pretrain", "finetune")


def main() -> int:
    """Every command, every fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sizes", type=int, default=12)
    options = parser.parse_args()
    base = options.out.absolute()
    import_everything()
    undisturbed(base, list(NAMES))
    problems: list[str] = []
    for name in NAMES:
        stage, peace = stages(base)[name], base / "peace" / name
        needed = sum(path.stat().st_size for path in peace.rglob("*") if path.is_file()) // 1024
        sizes = [max(16, needed * (step + 1) // options.sizes) for step in range(options.sizes)]
        if can_mount(base):
            full = [on_a_full_disk(stage, base, size) for size in sizes]
            problems += [f"{name}: {problem}" for found in full for problem in found]
            problems += [f"{name}: {problem}" for problem in on_a_read_only_disk(stage, base)]
            print(f"{name:10} full disk at {len(sizes)} sizes of {sizes[0]} to {sizes[-1]} KiB, read-only disk: told")
        else:
            print(f"{name:10} no tmpfs can be mounted here: NOT TRIED on a full disk")
        problems += [f"{name}: {problem}" for problem in two_at_once(stage, base)]
        print(f"{name:10} two at once: one goes on, one is refused", flush=True)
    print("\n".join(problems) or "every fault was told, nothing was lost")
    return int(bool(problems))


def can_mount(base: Path) -> bool:
    """Whether this process may mount a tmpfs."""
    place = base / "mount"
    place.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True).returncode:
        return False
    subprocess.run(["umount", place], check=True)
    return True


@contextmanager
def small_disk(place: Path, kib: int) -> Iterator[Path]:
    """A file system of that size."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def on_a_full_disk(stage: Stage, base: Path, kib: int) -> list[str]:
    """Too small a disk, then a larger one: what was not told, was lost or is different."""
    with small_disk(base / "mount", kib) as disk:
        out = disk / stage.name
        stage.prepare(out)
        ended = run(stage.command(out), base / "full.txt")
        problems = told(ended, ("No space left", "cannot write", "cannot make"))
        problems += judged(lambda: stage.sound(out)) if out.exists() else []
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        if not out.exists():
            stage.prepare(out)
        again = run(stage.command(out), base / "full.txt")
        problems += [f"does not go on: {again.said}"] if again.code else judged(
            lambda: stage.alike(base / "peace" / stage.name, out)
        )  # fmt: skip
    return [f"disk of {kib} KiB: {problem}" for problem in problems]


def on_a_read_only_disk(stage: Stage, base: Path) -> list[str]:
    """Read-only from the start; whoever is root may write anywhere else, so a mount it must be."""
    with small_disk(base / "mount", 65536) as disk:
        out = disk / stage.name
        stage.prepare(out)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        ended = run(stage.command(out), base / "read-only.txt")
        problems = told(ended, ("Read-only file system",)) + ([] if ended.code else ["it claims to have written"])
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        again = run(stage.command(out), base / "read-only.txt")
        problems += [f"does not go on: {again.said}"] if again.code else []
    return [f"read-only disk: {problem}" for problem in problems]


def told(ended: Ended, words: tuple[str, ...]) -> list[str]:
    """It ended well, or said what is wrong and what to do, in two lines."""
    if ended.killed or "Traceback" in ended.said:
        return [f"it broke: {ended.said[-300:]}"]
    if ended.code and not (any(word in ended.said for word in words) and "fix:" in ended.said):
        return [f"it does not say why: {ended.said[-300:]}"]
    return []


def two_at_once(stage: Stage, base: Path) -> list[str]:
    """Both start together on one folder."""
    out = base / "two" / stage.name
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(exist_ok=True)
    stage.prepare(out)
    ends: dict[int, Ended] = {}
    # Each is a fork of its own; the threads here only wait for them.
    pair = [
        threading.Thread(target=lambda n=number: ends.update({n: run(stage.command(out), base / f"two-{n}.txt")}))
        for number in (0, 1)
    ]
    for one in pair:
        one.start()
    for one in pair:
        one.join()
    codes = sorted(ended.code for ended in ends.values())
    refused = [ended.said for ended in ends.values() if ended.code]
    problems = []
    if codes[0] != 0:
        problems.append(f"both failed: {[ended.said for ended in ends.values()]}")
    elif codes[1] and not ("another" in refused[0] and "is writing to" in refused[0]):
        problems.append(f"refused without a reason: {refused[0]}")
    problems += judged(lambda: stage.alike(base / "peace" / stage.name, out))
    return [f"two at once: {problem}" for problem in problems]


if __name__ == "__main__":
    sys.exit(main())
