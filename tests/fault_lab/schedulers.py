"""What Slurm, Docker, `timeout` and a terminal send, at any moment: the step is saved, a line says how to go on.

    python -m tests.fault_lab.schedulers OUT [--trials 200] [--seed 0] [--only pretrain,pretrain-2,...]

Each trial sends signals to a running command, or to its whole group with all loaders and ranks. The command must end by
itself with 143 or 130 (or 0 where it was done), without a traceback, its checkpoint at most one step old. After one to
three trials it is run to its end and compared with an undisturbed one, bit for bit. Called again, it goes on.
"""

import argparse
import json
import mmap
import os
import random
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.fault_lab.kills import judged
from tests.fault_lab.stages import make_cohort, stages
from tests.fault_lab.trial import in_child
from tests.fault_lab.victim import Blow, act, import_everything, run

TERM, INT, SAVE = signal.SIGTERM, signal.SIGINT, signal.SIGUSR1
ENDS = {128 + TERM, 128 + INT}
PATIENCE = 240.0


@dataclass(frozen=True)
class Case:
    """One command.

    Attributes:
        stage: its name among the stages.
        options: added to it.
        share: of the trials, in parts.
        like: the case whose undisturbed end it must have, where workers change nothing.
    """

    stage: str
    options: tuple[str, ...]
    share: int
    like: str | None = None


def _set(value: str) -> tuple[str, ...]:
    return ("--set", value)


CASES = {
    "pretrain": Case("pretrain", (), 96),
    "pretrain-1": Case("pretrain", _set("devices.workers=1"), 20, "pretrain"),
    "pretrain-2": Case("pretrain", _set("devices.workers=2"), 10, "pretrain"),
    "ranks": Case("pretrain", _set("devices.devices=2"), 6),
    "ranks-1": Case("pretrain", (*_set("devices.devices=2"), *_set("devices.workers=1")), 2, "ranks"),
    "finetune": Case("finetune", (), 40),
    "finetune-1": Case("finetune", _set("devices.workers=1"), 6, "finetune"),
    "ingest": Case("ingest", (), 10),
    "workers": Case("workers", (), 6),
    "benchmark": Case("benchmark", (), 4),
}

SENDERS: dict[str, list[tuple[float, signal.Signals, bool]]] = {
    "slurm": [(0.0, TERM, True)],
    "slurm, warned": [(0.0, SAVE, True), (0.4, TERM, True)],
    "docker": [(0.0, TERM, False)],
    "timeout": [(0.0, TERM, False), (0.0, TERM, True)],
    "warning": [(0.0, SAVE, True)],
    "ctrl-c": [(0.0, INT, True)],
}
"""Seconds after the chosen moment, signal, to the whole group."""


@dataclass
class Tally:
    """What became of one case."""

    trials: int = 0
    stopped: int = 0
    ends: int = 0
    problems: list[str] = field(default_factory=list)


def main() -> int:
    """Undisturbed once, then signal after signal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(CASES), help="cases, with commas between")
    options = parser.parse_args()
    base, names = options.out.absolute(), options.only.split(",")
    signal.signal(SAVE, signal.SIG_DFL)
    import_everything()
    seconds = _undisturbed(base, names)
    total = sum(CASES[name].share for name in names)
    tallies = {name: Tally(**_told(base).get(name, {})) for name in names}
    wanted = {name: max(1, round(options.trials * CASES[name].share / total)) for name in names}
    # In turns, so that an early end has seen all of them.
    while left := [name for name in names if tallies[name].trials < wanted[name]]:
        name = min(left, key=lambda name: tallies[name].trials / wanted[name])
        tally = tallies[name]
        moments = random.Random(f"{options.seed} {name} {tally.trials}")
        _strike(name, base, seconds[name], tally, wanted[name] - tally.trials, moments)
        (base / "tallies.json").write_text(json.dumps({**_told(base), **{n: vars(t) for n, t in tallies.items()}}))
        count = sum(each.trials for each in tallies.values())
        broken = sum(len(each.problems) for each in tallies.values())
        print(f"{count} trials, {broken} problems; {name} {tally.trials} of {wanted[name]}", flush=True)
    for name, tally in tallies.items():
        print(f"{name:12} {tally.trials:4} trials, {tally.stopped} stopped it, {tally.ends} times ended: ", end="")
        print(*(tally.problems or ["equal bit for bit"]), sep="\n  ", flush=True)
    return int(any(tally.problems for tally in tallies.values()))


def _told(base: Path) -> dict[str, Any]:
    file = base / "tallies.json"
    return dict(json.loads(file.read_text())) if file.is_file() else {}


def _undisturbed(base: Path, names: list[str]) -> dict[str, float]:
    """Each case left in peace, in ``base/peace/NAME``, unless that was done before; its seconds."""
    file = base / "seconds.json"
    seconds: dict[str, float] = json.loads(file.read_text()) if file.is_file() else {}
    if not (base / "cohort").exists() and in_child(lambda: (make_cohort(base), {"made": True})[1], limit=120).failure:
        raise SystemExit("no cohort")
    needed = {*names, "ingest", *(CASES[name].like or name for name in names)}
    if any(CASES[name].stage == "finetune" for name in names):
        needed.add("pretrain")
    for name in [name for name in dict.fromkeys(("ingest", *CASES)) if name in needed and name not in seconds]:
        stage, peace = stages(base)[CASES[name].stage], base / "peace" / name
        shutil.rmtree(peace, ignore_errors=True)
        peace.parent.mkdir(exist_ok=True)
        stage.prepare(peace)
        ended = run([*stage.command(peace), *CASES[name].options], base / f"{name}.txt")
        if ended.code:
            raise SystemExit(f"{name} fails undisturbed: {ended.said}")
        if name in ("ingest", "pretrain"):  # what the later ones start from
            shutil.copytree(peace, base / {"ingest": "store", "pretrain": "run"}[name], dirs_exist_ok=True)
        seconds[name] = ended.seconds
        file.write_text(json.dumps(seconds))
        print(f"{name:12} undisturbed: {ended.seconds:.1f} s", flush=True)
    return seconds


def _strike(name: str, base: Path, seconds: float, tally: Tally, most: int, moments: random.Random) -> None:
    """One to three trials on one folder, then its end."""
    case = CASES[name]
    stage, war, said = stages(base)[case.stage], base / "war" / name, base / f"{name}.txt"
    shutil.rmtree(war, ignore_errors=True)
    war.parent.mkdir(exist_ok=True)
    stage.prepare(war)
    for _ in range(moments.randint(1, min(3, most))):
        moment, sender = moments.uniform(0.0, seconds), moments.choice(sorted(SENDERS))
        where = f"trial {tally.trials + 1} ({sender} after {moment:.2f} s)"
        code, took = _signalled([*stage.command(war), *case.options], said, moment, SENDERS[sender])
        text = said.read_text(encoding="utf-8", errors="replace") if said.is_file() else ""
        tally.trials += 1
        tally.stopped += code in ENDS
        # Before the first line of code, or after the last one, while Python shuts down.
        over = text.strip().rpartition("\n")[2].startswith("next: ")
        unheard = code in (-TERM, -INT, -SAVE) and (over or (not text and moment < 0.1))
        found = [] if unheard else _wrong(code, text, sender == "warning")
        found += _old(war, text)
        found += judged(lambda: stage.sound(war))
        tally.problems += [f"{name}: {where}, {took:.1f} s later {code}: {problem}" for problem in found]
        if code == 0:
            break
    ended = run([*stage.command(war), *case.options], said)
    tally.ends += 1
    if ended.code:
        tally.problems.append(f"{name}: after trial {tally.trials} it does not end: {ended.said}")
        return
    peace = base / "peace" / (case.like or name)
    tally.problems += [f"{name}: after trial {tally.trials}: {p}" for p in judged(lambda: stage.alike(peace, war))]


def _wrong(code: int, text: str, warned: bool) -> list[str]:
    """What is wrong with how a command ended."""
    found = [] if code in ENDS | {0} and not (warned and code) else [f"it ended with {code}: {text[-300:]}"]
    if "Traceback" in text:
        found.append(f"a traceback: {text[-1500:]}")
    if code in ENDS and "to go on: orienteer" not in text.strip().splitlines()[-1]:
        found.append(f"it does not say how to go on: {text[-300:]}")
    return found


def _old(war: Path, text: str) -> list[str]:
    """Training folders whose log knows a step more than one later than their newest checkpoint."""
    found = []
    for log in war.rglob("observations.jsonl"):
        steps = [json.loads(line)["step"] for line in log.read_text().splitlines() if line.endswith("}")]
        saved = max((int(path.name[-8:]) for path in (log.parent / "checkpoints").glob("step_*")), default=0)
        if max(steps, default=0) > saved + (0 if "which is saved" in text else 1):
            found.append(f"{log.parent.name}: step {max(steps)} was logged, step {saved} saved")
    told = re.search(r"stopped after step (\d+)", text)
    if told and not any(war.rglob(f"step_{int(told[1]):08d}")):
        found.append(f"no checkpoint of step {told[1]}")
    return found


def _signalled(
    command: list[str], said: Path, moment: float, signals: list[tuple[float, signal.Signals, bool]]
) -> tuple[int, float]:
    """Run a command in a process group of its own; its exit code, and the seconds from the first signal to its end."""
    said.unlink(missing_ok=True)
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        act(command, said, mmap.mmap(-1, 256), Blow())
    os.setpgid(child, child)
    ended: list[int] = []

    def wait(until: Callable[[], bool]) -> bool:
        while not ended and not until():
            process, status = os.waitpid(child, os.WNOHANG)
            if process:
                ended.append(os.waitstatus_to_exitcode(status))
            time.sleep(0.002)
        return not ended

    for later, number, group in signals:
        if wait(lambda at=begun + moment + later: time.perf_counter() >= at):
            (os.killpg if group else os.kill)(child, number)
    first = time.perf_counter()
    if wait(lambda: time.perf_counter() > first + PATIENCE):
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        ended.append(-9)
    return ended[0], time.perf_counter() - first


if __name__ == "__main__":
    sys.exit(main())
