"""A helper process is killed: an ingest's, a loader's, a benchmark job's. It is named, and the others go on.

    python -m tests.fault_lab.workers OUT

Each is killed with SIGKILL while it works, as the kernel does when memory runs out; the result must be that of an
undisturbed run, or lack just the scan or job that was told. Ends with 1 if it is not.
"""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.fault_lab.kills import judged, undisturbed
from tests.fault_lab.stages import stages
from tests.fault_lab.victim import Ended, import_everything, run


def main() -> int:
    """One kill each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    base = parser.parse_args().out.absolute()
    import_everything()
    undisturbed(base, ["workers", "pretrain", "benchmark"])
    all_stages, problems = stages(base), 0
    cases: list[tuple[str, str, list[str], str]] = [
        ("ingest worker", "workers", [], ""),
        ("loader worker", "pretrain", ["--set", "devices.workers=1", "--set", "optimiser.steps=200"], "loader process"),
        ("benchmark job", "benchmark", [], ""),
    ]
    for words, name, options, said in cases:
        stage, out = all_stages[name], base / "hurt" / name
        out.parent.mkdir(exist_ok=True)
        stage.prepare(out)
        command = [part for part in stage.command(out) if part != "--resume" or not options] + options
        killed, ended = _hurt(command, base / "hurt.txt", _ready(out))
        found = [] if killed else ["no helper was found to kill"]
        found += [f"it ended with {ended.code}: {ended.said}"] if ended.code not in (0, 1) else []
        everything = (base / "hurt.txt").read_text(errors="replace")
        told = [line for line in everything.splitlines() if "killed" in line]
        found += [] if said in everything else ["not told"]
        if not options:  # done again, nothing may be missing
            again = run(stage.command(out), base / "hurt.txt")
            found += (
                [again.said] if again.code else judged(lambda s=stage, o=out, n=name: s.alike(base / "peace" / n, o))
            )
        told = [line for line in ended.said.splitlines() if "killed" in line]
        print(f"{words:16} {'; '.join(found) or 'goes on, ends as undisturbed'}   {told[:2]}", flush=True)
        problems += len(found)
    return int(problems > 0)


def _ready(out: Path) -> Callable[[], bool]:
    """Work has begun once something of it is on disk."""
    return lambda: (any(out.rglob("*.b2nd")) and (out / "arrays").exists()) or any(out.rglob("step_*"))


def _hurt(command: list[str], said: Path, ready: Callable[[], bool]) -> tuple[bool, Ended]:
    ends: list[Ended] = []
    before = _descendants(os.getpid())
    waiting = threading.Thread(target=lambda: ends.append(run(command, said)))
    waiting.start()
    killed = False
    while waiting.is_alive() and not killed:
        time.sleep(0.01)
        helpers = [p for p in _descendants(os.getpid()) - before if b"spawn_main" in _line(p) or _of_server(p)]
        if helpers and ready():
            os.kill(max(helpers), signal.SIGKILL)
            killed = True
    waiting.join()
    return killed, ends[0]


def _of_server(process: int) -> bool:
    """A child of a fork server, which shows its parent's command line."""
    parent = _parents().get(process, 0)
    return b"forkserver" in _line(process) and b"forkserver" in _line(parent)


def _descendants(process: int) -> set[int]:
    parents = _parents()
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}


def _parents() -> dict[int, int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    return parents


def _line(process: int) -> bytes:
    try:
        return (Path("/proc") / str(process) / "cmdline").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main())
