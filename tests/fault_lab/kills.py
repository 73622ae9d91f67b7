"""SIGKILL at any moment: nothing is corrupt, no scan is lost, and the end is that of an undisturbed run, bit for bit.

    python -m tests.fault_lab.kills OUT [--kills 120] [--seed 0] [--only ingest,pretrain]

Half of the blows fall after a random time, half right before or after one change to the disk (fsync, rename, ...),
chosen among those the undisturbed command makes. After each blow the folder must be sound; after one to six blows
the command is run to its end and its results compared with the undisturbed ones. Ends with 1 if a rule is broken.
"""

import argparse
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.fault_lab.stages import Stage, make_cohort, stages
from tests.fault_lab.trial import in_child
from tests.fault_lab.victim import Blow, Ended, import_everything, run

SHARES = {"ingest": 20, "update": 20, "workers": 8, "pretrain": 38, "finetune": 26, "benchmark": 8}
"""How the kills are spread, in parts."""

MOST_BLOWS = 6


@dataclass
class Tally:
    """What became of one stage."""

    kills: int = 0
    timed: int = 0
    ends: int = 0
    problems: list[str] = field(default_factory=list)
    struck: dict[str, int] = field(default_factory=dict)


def main(words: Sequence[str] | None = None) -> int:
    """Undisturbed once, then killed again and again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default=",".join(SHARES), help="stages, with commas between")
    options = parser.parse_args(words)
    if options.out.exists() and any(options.out.iterdir()):
        parser.error(f"{options.out} is in use")
    chosen = {name: SHARES[name] for name in options.only.split(",")}
    begun = time.perf_counter()
    import_everything()
    base = options.out.absolute()
    made = undisturbed(base, list(chosen))
    total, kills = sum(chosen.values()), 0
    failed = False
    for name, share in chosen.items():
        wanted = max(1, round(options.kills * share / total))
        tally = strike(stages(base)[name], made[name], base, wanted, random.Random(f"{options.seed} {name}"))
        kills += tally.kills
        failed |= bool(tally.problems) or tally.kills < wanted
        blows = ", ".join(f"{word} {count}" for word, count in sorted(tally.struck.items()))
        print(
            f"{name:10} {tally.kills:4} kills ({tally.timed} by the clock; {blows}), {tally.ends} times ended: "
            f"{'equal bit for bit' if not tally.problems else f'{len(tally.problems)} PROBLEMS'}",
            flush=True,
        )
        for problem in tally.problems:
            print(f"  {problem}", flush=True)
    print(f"{kills} kills in {time.perf_counter() - begun:.0f} s: {'BROKEN' if failed else 'nothing lost'}")
    return int(failed)


def undisturbed(base: Path, names: list[str]) -> dict[str, Ended]:
    """Each stage left in peace, in ``base/peace/NAME``; the later ones start from ``base/store`` and ``base/run``."""
    answer = in_child(lambda: (make_cohort(base), {"made": True})[1], limit=120)
    if answer.failure:
        raise SystemExit(f"no cohort: {answer.answer}")
    made = {}
    all_stages = stages(base)
    needed = [*names]
    if set(names) & {"update", "pretrain", "finetune"}:
        needed.append("ingest")
    if "finetune" in names:
        needed.append("pretrain")
    for name in [name for name in SHARES if name in needed]:
        stage, peace = all_stages[name], base / "peace" / name
        peace.parent.mkdir(exist_ok=True)
        stage.prepare(peace)
        made[name] = run(stage.command(peace), base / f"{name}.txt")
        if made[name].code:
            raise SystemExit(f"{name} fails undisturbed: {made[name].said}")
        if name == "ingest":
            shutil.copytree(peace, base / "store")
        if name == "pretrain":
            shutil.copytree(peace, base / "run")
        print(
            f"{name:10} undisturbed: {made[name].seconds:.1f} s, {made[name].changes} changes to the disk", flush=True
        )
    return made


def strike(stage: Stage, whole: Ended, base: Path, wanted: int, moments: random.Random) -> Tally:
    """Kill a stage ``wanted`` times; every few blows let it end and compare."""
    tally, war, peace = Tally(), base / "war" / stage.name, base / "peace" / stage.name
    while tally.kills < wanted and len(tally.problems) < 5:
        shutil.rmtree(war, ignore_errors=True)
        war.parent.mkdir(exist_ok=True)
        stage.prepare(war)
        for _ in range(moments.randint(1, min(MOST_BLOWS, wanted - tally.kills))):
            blow = draw(whole, moments)
            ended = run(stage.command(war), base / f"{stage.name}.txt", blow)
            if not ended.killed:
                if ended.code:
                    tally.problems.append(f"{blow}: it failed with {ended.code}: {ended.said}")
                break  # it ended before the blow
            tally.kills += 1
            tally.timed += blow.change is None
            if blow.change is not None:
                word = ended.last.split()[0]
                tally.struck[word] = tally.struck.get(word, 0) + 1
            where = f"kill {tally.kills} ({blow}, last {ended.last})"
            tally.problems += [f"{where}: {problem}" for problem in judged(lambda: stage.sound(war))]
        ended = run(stage.command(war), base / f"{stage.name}.txt")
        tally.ends += 1
        if ended.code:
            tally.problems.append(f"after kill {tally.kills} it does not end: {ended.said}")
        else:
            problems = judged(lambda: stage.alike(peace, war))
            tally.problems += [f"after kill {tally.kills}: {problem}" for problem in problems]
    return tally


def draw(whole: Ended, moments: random.Random) -> Blow:
    """A moment within the undisturbed command: by the clock, or at a change to the disk."""
    if moments.random() < 0.5:
        return Blow(seconds=moments.uniform(0.02, whole.seconds))
    return Blow(change=moments.randint(1, whole.changes), done=moments.random() < 0.5)


def judged(look: Callable[[], list[str]]) -> list[str]:
    """Problems found by ``look``, in a process of its own: what it opens must not reach the next fork."""
    ended = in_child(lambda: {"problems": look()}, limit=120)
    return [f"the judge failed: {ended.failure} {ended.answer}"] if ended.failure else list(ended.answer["problems"])


if __name__ == "__main__":
    sys.exit(main())
