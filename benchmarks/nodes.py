"""What a second process gains: steps a second of one, of two that share each step, and of two that run by themselves.

    python -m benchmarks.nodes OUT [--steps 60] [--set views.size=24 ...]

On simulated scans, with one thread a process and no loader processes. Two that run by themselves at the same time are
what two cores can give; how much of it sharing reaches is the efficiency. Prints a table and writes ``nodes.json``.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from orienteer.runs.folder import RunFolder
from orienteer.runs.settings import PretrainSettings
from orienteer.runs.work import Pretraining
from orienteer.store import Store
from orienteer.testing.phantom import phantom_store
from orienteer.training.devices import build_fabric, resolve
from orienteer.training.group import shared
from orienteer.training.launch import train
from orienteer.training.session import Session

WARM_UP = 10
"""Steps that do not count."""


@dataclass
class Timed(Pretraining):
    """Notes when each step ended; validates nothing."""

    early: ClassVar = False
    ends: list[float] = field(default_factory=list)

    def validate(self, *_: Any) -> None:
        """There is nothing to time."""

    def follow(self, model: Any) -> Callable[[], None]:
        """Called after each step."""
        follow = super().follow(model)

        def ended() -> None:
            follow()
            self.ends.append(time.perf_counter())

        return ended


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--set", nargs="+", default=[], dest="assign")
    parser.add_argument("--process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    assign = [
        "network.size=small", f"optimiser={{steps: {options.steps}, batch: 4}}", f"checkpoint.every={options.steps}",
        "devices={threads: 1, workers: 0}", *options.assign,
    ]  # fmt: skip
    if options.process:
        print(json.dumps(rate(options.out, PretrainSettings.read({}, assign))))
        return 0
    if not (options.out / "store").exists():
        phantom_store(options.out, people=8, shape=(48, 48, 48), labels=False)
    alone = together(options, [{}])[0]
    sharing = min(together(options, of_torchrun(2)))
    by_themselves = sum(together(options, [{}, {}]))
    found = {
        "settings": assign, "steps_per_s": {"one": alone, "two, sharing": sharing, "two, by themselves": by_themselves},
        "speedup": sharing / alone, "efficiency": sharing / by_themselves,
    }  # fmt: skip
    (options.out / "nodes.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
    for name, rate_of in found["steps_per_s"].items():
        print(f"{name:20} {rate_of:6.2f} steps/s")
    print(f"{'speed-up':20} {found['speedup']:6.2f}\n{'efficiency':20} {found['efficiency']:6.2f}")
    return 0


def rate(out: Path, settings: PretrainSettings) -> float:
    """Steps a second of this process, or of those that share its steps."""
    resolved = settings.model_copy(update={"devices": resolve(settings.devices)})
    shared()  # meet the other, if there is one
    folder = RunFolder(out / f"run-{os.getpid()}")
    folder.path.mkdir()
    work = Timed(resolved, Store.open(out / "store"), folder.evaluations)
    train(Session(work, resolved, folder, "", progress=False), build_fabric(resolved.devices))
    shutil.rmtree(folder.path)
    return (len(work.ends) - 1 - WARM_UP) / (work.ends[-1] - work.ends[WARM_UP])


def together(options: argparse.Namespace, environments: list[dict[str, str]]) -> list[float]:
    """The rates of processes that run at the same time."""
    words = [sys.executable, "-m", "benchmarks.nodes", options.out, "--process", "--steps", options.steps]
    command = [*map(str, words), *(["--set", *options.assign] if options.assign else [])]
    processes = [
        subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"} | more, stdout=subprocess.PIPE, text=True)
        for more in environments
    ]
    told = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit(f"failed: {told}")
    return [float(each) for each in told]


def of_torchrun(size: int) -> list[dict[str, str]]:
    """What torchrun would set for processes on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    same = {
        "TORCHELASTIC_RUN_ID": "benchmark", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GROUP_WORLD_SIZE": "1",
        "GLOO_SOCKET_IFNAME": "lo", "WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size), "GROUP_RANK": "0",
    }  # fmt: skip
    return [same | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(size)]


if __name__ == "__main__":
    sys.exit(main())
