"""One run and its store as the page sees them: facts, scans, checkpoints, verdict. Needs no torch."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from shlex import quote

from orienteer.observatory.refusal import Refusal
from orienteer.observatory.requests import RunKey
from orienteer.observatory.responses.base import Vector, vector
from orienteer.observatory.responses.session import KeyFigure, NextStep, RunFacts, RunVerdict, ScanFacts, TaskFacts
from orienteer.records.card import judged_card
from orienteer.records.next_steps import next_steps
from orienteer.report.cards import verdict_of
from orienteer.report.evaluated import Evaluated
from orienteer.report.read import RunRecords, read_run
from orienteer.runs.run import Run
from orienteer.sampling import Sampler
from orienteer.store import Store

HELD_OUT_FIRST = {"test": 0, "val": 1, "train": 2}
QUIET_SECONDS = 600
"""A run that has no end and has written nothing for so long is not training any more."""


@dataclass
class Session:
    """A run that may still be training, and a store that does not change.

    Attributes:
        key: ``a`` or ``b``.
        run: as it was when it was opened; what it writes since is in ``records``.
        store: the scans.
    """

    key: RunKey
    run: Run
    store: Store

    @cached_property
    def name(self) -> str:
        """The folder's, with the arm's where a benchmark made it."""
        path = self.run.path.resolve()
        return f"{path.parent.name}, {path.name.replace('_', ' ')}" if path.name.startswith("seed_") else path.name

    @property
    def records(self) -> RunRecords:
        """Everything the run has written so far, read again only when something of it changed."""
        stamp = self._stamp()
        if stamp != getattr(self, "_read_at", None):
            self._records, self._read_at = read_run(self.run.path), stamp
        return self._records

    @property
    def best_step(self) -> int:
        """The checkpoint the verdict is about where it is kept, else the newest one."""
        steps, lead = self.run.steps, self.records.lead
        judged = lead.record.step if lead else self.records.summary.get("best_step")
        return judged if isinstance(judged, int) and judged in steps else steps[-1]

    @property
    def finished(self) -> bool:
        """Whether the run has come to its end."""
        return bool(self.records.record and self.records.record.finished)

    @property
    def live(self) -> bool:
        """Whether it seems to be training now."""
        try:
            quiet = time.time() - self.run.folder.observations.stat().st_mtime
        except OSError:
            return False
        return not self.finished and quiet < QUIET_SECONDS

    @cached_property
    def own_store(self) -> bool:
        """Whether the store is the one the run learned from, so that its splits say who was held out."""
        return self.run.learned_from(self.store)

    def step(self, asked: int | None) -> int:
        """The step asked for, or the best one.

        Raises:
            Refusal: no checkpoint of that step is kept.
        """
        if asked is None:
            return self.best_step
        if asked not in self.run.steps:
            raise Refusal(
                404, "no-checkpoint", f"no checkpoint of step {asked} is kept", "take one of the steps listed"
            )
        return asked

    def scan(self, scan: str) -> str:
        """``scan`` if the store has it.

        Raises:
            Refusal: it has not.
        """
        if scan not in self._ids:
            raise Refusal(404, "no-scan", "the store has no scan of that id", "take one of the ids listed")
        return scan

    def facts(self) -> RunFacts:
        """What ``/api/session`` says of the run."""
        settings, data, records = self.run.settings, self.run.record.data, self.records
        cards = [records.cards[name] for name in records.tasks if name in records.cards]
        return RunFacts(
            key=self.key,
            name=self.name,
            tasks=[TaskFacts.of(name, records.cards.get(name)) for name in records.tasks],
            judged=judged_card(cards).name if cards else None,
            view_mm=settings.views.size * self.store.manifest.spacing,
            view_voxels=settings.views.size,
            views=settings.views.count,
            spacing_mm=self.store.manifest.spacing,
            steps=list(self.run.steps),
            best_step=self.best_step,
            step=max((int(line["step"]) for line in records.lines), default=0),
            total_steps=settings.optimiser.steps,
            live=self.live,
            finished=self.finished,
            verdict=self._verdict(),
            next=self._next(),
            simulated=data.simulated,
            evaluations=[evaluated.record.name for evaluated in records.evaluations],
            own_store=self.own_store,
        )

    def _verdict(self) -> RunVerdict | None:
        lead = self.records.lead
        if lead is None:
            return None
        words, record = asdict(verdict_of(lead)), lead.record
        return RunVerdict(**words, split=record.split, step=record.step, judged=judged_figure(lead))

    def _next(self) -> list[NextStep]:
        """What to do now; the run is called as its folder is: where it lies is nobody's who sees the page."""
        name, records = self.run.path.resolve().name, self.records
        if self.live:
            return []
        if not self.finished:
            resume = f"orienteer pretrain STORE {quote(name)} --resume"
            return [NextStep(why="it stopped before its last step: go on with it", command=resume)]
        if records.lead is None:
            return [NextStep(why="it was not judged", command=f"orienteer evaluate {quote(name)} STORE")]
        record = records.lead.record
        steps = (records.record.steps if records.record else None) or record.step + 1
        view = self.run.settings.views.size
        found = next_steps(record, steps=steps, view=view, run=name, observed=True)
        return [NextStep(**asdict(step)) for step in found]

    def scans(self) -> list[ScanFacts]:
        """The store's scans, held-out people first."""
        entries = sorted(
            self.store.manifest.scans, key=lambda entry: (HELD_OUT_FIRST.get(entry.split, 3), entry.split, entry.id)
        )
        return [
            ScanFacts(
                id=entry.id,
                split=entry.split,
                person=entry.person,
                extent_mm=_mm(entry.shape, entry.spacing),
                shape=entry.shape,
                spacing_mm=entry.spacing,
                channels=entry.channels,
                channel_names=list(entry.channel_names),
                labelled=entry.labelled,
                body_mm=(
                    _mm(entry.foreground_low, entry.spacing),
                    _mm([n - 1 for n in entry.foreground_high], entry.spacing),
                ),
            )
            for entry in entries
        ]

    def draw(self, scan: str, count: int, seed: int) -> list[Vector]:
        """Centres of ``count`` views placed the way evaluation places them, mm; ``seed`` counts the draws."""
        views = self.run.settings.views.model_copy(update={"count": count, "placement": "free"})
        sampler = Sampler(self.store, (self.scan(scan),), views, self.run.settings.evaluation.seed, augment=False)
        return [vector(centre) for centre in sampler.draw(seed).centres]

    @cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(self.store.ids())

    def _stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Changes whenever a record does."""
        folder = self.run.folder
        files = [
            folder.observations,
            folder.record_file,
            folder.summary,
            *sorted(folder.evaluations.glob("*/*.*")),
        ]
        return tuple(_of(file) for file in files)


def judged_figure(evaluated: Evaluated) -> KeyFigure | None:
    """What the verdict rests on; None where the record does not hold it."""
    if evaluated.judged is None:
        return None
    card, metric, value = evaluated.judged
    return KeyFigure(task=card.title, title=metric.title, metric=metric, figure=value)


def _of(file: Path) -> tuple[str, int, int]:
    try:
        status = file.stat()
    except OSError:
        return str(file), 0, 0
    return str(file), status.st_mtime_ns, status.st_size


def _mm(voxels: Sequence[int], spacing: float) -> Vector:
    right, anterior, superior = (n * spacing for n in voxels)
    return right, anterior, superior
