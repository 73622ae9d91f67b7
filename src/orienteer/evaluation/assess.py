"""A full assessment: final figures, honesty probes, verdict, and everything the report needs, in one folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from orienteer.atomic import write_json
from orienteer.evaluation.examples import chosen_samples, write_examples
from orienteer.evaluation.figures import headline, stable_figures
from orienteer.evaluation.measure import measure
from orienteer.evaluation.probes import PROBES
from orienteer.evaluation.restored import write_restored
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.pretext.adjacency.settings import AdjacencySettings
from orienteer.pretext.model import SpatialModel
from orienteer.records import Measure
from orienteer.records.files import finite, measures_to_json, write_rows
from orienteer.records.records import RECORD_VERSION
from orienteer.records.verdict import Figure, Seen, Verdict, judge
from orienteer.sampling import Sampler

Progress = Callable[[str, float], None]
"""Told what is being measured and which share of everything is done."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What an assessment found.

    Attributes:
        name: folder name under ``RUN/evaluations``.
        split: which people.
        step: the checkpoint's step.
        figures: stable keys, see docs/reference/run-folder.md.
        probes: per probe the headline figure, its chance and skill; None for what is not finite.
        verdict: learning, stuck or cheating.
        folder: where the records are.
        headlines: the first figure of every task, with its name.
        seen: how many of these people the model learned from: ``none``, ``some``, ``all`` or ``unknown``.
    """

    name: str
    split: str
    step: int
    figures: dict[str, Any]
    probes: dict[str, dict[str, float | None]]
    verdict: Verdict
    folder: Path
    headlines: tuple[tuple[str, Measure], ...] = ()
    seen: Seen = "none"

    def to_json(self) -> dict[str, Any]:
        """Figures, probes and verdict under stable keys."""
        return {
            **self.figures,
            "probes": self.probes,
            "verdict": self.verdict.label,
            "verdict_sentence": self.verdict.sentence,
            "split": self.split,
            "seen": self.seen,
            "step": self.step,
        }


def assess(
    model: SpatialModel,
    sampler: Sampler,
    settings: EvaluationSettings,
    *,
    folder: Path,
    split: str,
    step: int,
    device: torch.device,
    own_store: bool = True,
    progress: Progress = lambda *_: None,
) -> Evaluation:
    """Measure ``model`` on the sampler's scans, probe it, judge it, and write the records.

    Args:
        model: on ``device``.
        sampler: without augmentation.
        settings: how many samples.
        folder: ``RUN/evaluations/<name>``; its records are replaced one by one, each atomically.
        split: name of the people measured.
        step: the checkpoint's step.
        device: where the model is.
        own_store: whether the store is the one the model learned from; of another one nobody knows whom it has seen.
        progress: told how far it is.
    """
    samples = settings.final_per_scan * len(sampler.ids)
    probed = min(samples, 16 * len(sampler.ids))
    # A model that was not asked where things are cannot cheat about it: it is learning, or stuck.
    probes_used = PROBES if any(model.task(name).about_space for name in model.tasks) else {}
    work = samples + probed * len(probes_used)
    done = 0

    def tell(what: str) -> Callable[[int], None]:
        return lambda count: progress(what, (done + count) / work)

    real = measure(model, sampler, samples, batch=settings.batch, device=device, on_batch=tell("the views as they are"))
    done = samples
    key, value, words = headline(real.observations)
    probes = {"real": Figure(value.value, value.chance or 0.0, value.skill or 0.0)}
    for name, corrupt in probes_used.items():
        found = measure(
            model,
            sampler,
            probed,
            batch=settings.batch,
            device=device,
            corrupt=corrupt,
            on_batch=tell(f"probe: {name}"),
        )
        done += probed
        _, value, _ = headline(found.observations)
        probes[name] = Figure(value.value, value.chance or 0.0, value.skill or 0.0)
    store = sampler.store
    seen = _seen(sampler) if own_store else "unknown"
    verdict = judge(probes, measure=words, unit=value.unit, seen=seen)
    persons = {scan: store.entry(scan).person for scan in sampler.ids}
    evaluation = Evaluation(
        name=folder.name,
        split=split,
        step=step,
        figures=stable_figures(real.observations, persons),
        probes={
            name: {key: finite(figure.value), "chance": finite(figure.chance), "skill": figure.skill}
            for name, figure in probes.items()
        }
        | {"chance": {key: finite(probes["real"].chance), "chance": finite(probes["real"].chance), "skill": 0.0}},
        verdict=verdict,
        folder=folder,
        headlines=tuple(observation.headline for observation in real.observations.values()),
        seen=seen,
    )
    for task, observation in real.observations.items():
        write_rows(folder / f"{task}.parquet", observation.rows)
    adjacency = model.task("adjacency").settings if "adjacency" in model.tasks else AdjacencySettings()
    assert isinstance(adjacency, AdjacencySettings)
    write_examples(folder / "examples", real.recipes, store, count=settings.examples, chunk=adjacency.chunk)
    write_restored(folder, model, sampler, chosen_samples(real.recipes, settings.examples), device=device)
    write_json(
        folder / "evaluation.json",
        {
            "v": RECORD_VERSION,
            "name": folder.name,
            "split": split,
            "seen": seen,
            "step": step,
            "samples": samples,
            "scans": len(sampler.ids),
            "persons": len(set(persons.values())),
            "figures": evaluation.figures,
            "probes": evaluation.probes,
            "verdict": {
                "label": verdict.label,
                "sentence": verdict.sentence,
                "evidence": list(verdict.evidence),
            },
            "observations": {
                task: {"measures": measures_to_json(observation.measures)}
                for task, observation in real.observations.items()
            },
        },
    )
    return evaluation


def _seen(sampler: Sampler) -> Seen:
    """How many of the sampler's people were learned from, if its store is the one the model learned from."""
    learned = {sampler.store.entry(scan).split == "train" for scan in sampler.ids}
    return "some" if len(learned) > 1 else "all" if True in learned else "none"
