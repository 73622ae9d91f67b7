"""Every step on simulated subjects, from a folder of mixed scans to a report."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from orienteer.console import Bar
from orienteer.demo.cohort import Cohort, simulate
from orienteer.errors import OrienteerError
from orienteer.folders import SETTINGS, Argument, in_order
from orienteer.units import duration

if TYPE_CHECKING:
    from orienteer.runs.settings import PretrainSettings

SPLIT = "test"
"""Held-out subjects, used neither for training nor for choosing a checkpoint."""
SHORTER = ("optimiser.steps=300", "checkpoint.every=100")
"""What the demo sets over the recipe that is proposed for its scans, so that it takes minutes on two CPU cores."""


@dataclass(frozen=True)
class DemoResult:
    """The result of the demo.

    Attributes:
        report: the HTML file to open.
        label: ``learning``, ``stuck`` or ``cheating``.
        sentence: the verdict in one sentence.
        seconds: wall-clock time of this call.
    """

    report: Path
    label: str
    sentence: str
    seconds: float


def demo(
    folder: Path | str = Path("orienteer-demo"),
    *,
    people: int = 20,
    spacing_mm: float = 3.0,
    seed: int = 0,
    settings: "PretrainSettings | None" = None,
    assignments: Sequence[str] = (),
    console: Console | None = None,
) -> DemoResult:
    """Simulate subjects, then check, ingest, pretrain, evaluate and report; finished steps are skipped.

    Args:
        folder: receives ``cohort/``, ``store/`` and ``run/``.
        people: number of subjects, at least 5.
        spacing_mm: voxel size of the simulated scans.
        seed: of the subjects; the seed of training is one of the settings.
        settings: of the pretraining; default what `orienteer pretrain` proposes for the scans, with fewer steps. A
            resumed run keeps its own.
        assignments: ``key=value`` over the proposed settings.
        console: for messages; default standard output.

    Raises:
        OrienteerError: nilearn is missing, ``folder`` holds something else, or a step fails.

    Examples:
        >>> demo(Path("orienteer-demo")).report  # doctest: +SKIP
        PosixPath('orienteer-demo/run/report.html')
    """
    from orienteer.ingest import IngestOptions, ingest
    from orienteer.report import report
    from orienteer.scans.check import check
    from orienteer.scans.table import print_check

    begun, folder = time.perf_counter(), Path(folder)
    in_order("orienteer demo {}", Argument(folder, "a folder of `orienteer demo`", own=True, new=True))
    if (
        folder.is_dir()
        and not (folder / "cohort").is_dir()
        and any(not p.name.startswith(".") for p in folder.iterdir())
    ):
        raise OrienteerError(f"{folder} holds other files", cure="name a new or empty folder; nothing was written")
    say = console or Console(highlight=False)
    store, run = folder / "store", folder / "run"

    announce = _Steps(say)
    announce(1, f"simulate {people} subjects from an average brain (no real people; see README.txt)")
    cohort = _simulate(say, folder / "cohort", people, spacing_mm, seed)
    announce(2, f"check the scans in {cohort.scans}")
    print_check(check(cohort.scans, progress=False), say)
    announce(3, "ingest: resample every scan to one spacing in mm")
    stored = ingest(
        cohort.scans, store, IngestOptions(labels=cohort.labels, table=cohort.table, keep_names=True, progress=False)
    )
    say.print(f"{len(stored.manifest.scans)} scans in {store}, {len(stored.kept)} of them from before")
    announce(4, "pretrain: learn anatomy without labels")
    _pretrain(say, store, run, settings, assignments)
    announce(5, f"evaluate on the held-out {SPLIT} subjects")
    label, sentence = _evaluate(say, store, run)
    announce(6, "report")
    page = report(run)
    result = DemoResult(report=page, label=label, sentence=sentence, seconds=time.perf_counter() - begun)
    say.print(f"\n[bold]{sentence}[/bold]")
    say.print(f"Done in {duration(result.seconds)}. Open this file in a browser:")
    # Not wrapped: a path over two lines cannot be copied.
    say.print(f"  {page.resolve()}", soft_wrap=True, markup=False)
    return result


def _simulate(say: Console, folder: Path, people: int, spacing_mm: float, seed: int) -> Cohort:
    with Bar("simulating", people, console=say, shown=say.is_terminal) as bar:
        cohort = simulate(folder, people, spacing_mm, seed, progress=lambda done, _: bar.update(done))
    say.print(f"{cohort.people} simulated subjects in {folder}")
    return cohort


def _pretrain(
    say: Console, store: Path, run: Path, settings: "PretrainSettings | None", assignments: Sequence[str]
) -> None:
    if (run / "summary.json").is_file():
        say.print("already done; kept")
        return
    from orienteer.runs import proposal as recipes
    from orienteer.runs.pretrain import pretrain
    from orienteer.store import Store

    started = (run / SETTINGS).is_file()
    if started:
        say.print(f"resuming {run}")
    elif settings is None:
        proposal = recipes.propose(recipes.Cohort.of(Store.open(store)), assignments=[*SHORTER, *assignments])
        for reason in proposal.reasons:
            say.print(f"proposed: {reason}", markup=False)
        settings = proposal.settings([*SHORTER, *assignments])
    pretrain(store, run, settings=None if started else settings, resume=started)


def _evaluate(say: Console, store: Path, run: Path) -> tuple[str, str]:
    record = run / "evaluations" / SPLIT / "evaluation.json"
    if record.is_file():
        say.print("already done; kept")
    else:
        from orienteer.runs.evaluate import evaluate

        evaluate(run, store, split=SPLIT)
    verdict = json.loads(record.read_text(encoding="utf-8"))["verdict"]
    return str(verdict["label"]), str(verdict["sentence"])


class _Steps:
    """Announces each step and the time the last one took."""

    def __init__(self, say: Console) -> None:
        self.say = say
        self.begun: float | None = None

    def __call__(self, number: int, what: str) -> None:
        now = time.perf_counter()
        if self.begun is not None:
            self.say.print(f"[dim]({duration(now - self.begun)})[/dim]")
        self.begun = now
        self.say.print(f"\n[bold]{number}/6  {what}[/bold]")
