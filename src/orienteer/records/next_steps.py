"""What to do after a verdict, with the commands to do it, for the terminal and the report."""

from dataclasses import dataclass
from shlex import quote

from orienteer.records.evaluation import EvaluationRecord
from orienteer.units import counted

ENOUGH = 1000
"""Steps after which a run that is stuck needs something else than more of them."""
FEW = 5
"""Subjects below which an interval says little."""


@dataclass(frozen=True)
class NextStep:
    """One thing to do.

    Attributes:
        why: what was found, or what the command is for.
        command: to type; empty where there is none.
    """

    why: str
    command: str = ""


def next_steps(
    record: EvaluationRecord,
    *,
    steps: int,
    view: int | None = None,
    run: str = "RUN",
    store: str = "STORE",
    observed: bool = False,
) -> tuple[NextStep, ...]:
    """What to do with a run that was judged, most urgent first.

    Args:
        record: the evaluation of its best checkpoint; `step` is that checkpoint's.
        steps: the run's total.
        view: edge of its views, voxels.
        run: its folder, as the user calls it.
        store: what it was trained on, as the user calls it.
        observed: these are read in the observatory, which nobody needs to open.
    """
    run, store = quote(run), quote(store)
    found = []
    more = max(2 * steps, ENOUGH if record.verdict.label == "stuck" else 0)
    longer = f"orienteer pretrain {store} {run} --resume --set optimiser.steps={more}"
    if record.verdict.label == "cheating":
        open_it = "" if observed else f"orienteer observe {run}"
        found.append(NextStep("look where the answers come from: views with the anatomy taken out", open_it))
    elif record.step >= steps:
        found.append(NextStep("the last step is the best so far: more steps may help", longer))
    elif record.verdict.label == "stuck" and steps < ENOUGH:
        found.append(NextStep(f"{counted(steps, 'step')} are few to learn from", longer))
    elif record.verdict.label == "stuck":
        larger = "" if view is None else f" --set views.size={view + 8}"
        found.append(NextStep(
            "it got no better after its best step: try views that show more, in a new run",
            f"orienteer pretrain {store} NEW-RUN{larger}",
        ))  # fmt: skip
    if record.subjects < FEW:
        found.append(
            NextStep(
                f"the figures rest on {counted(record.subjects, 'subject')}: hold more back for a narrower interval"
            )
        )
    if record.verdict.label == "learning":
        if not observed:
            found.append(NextStep("see what it knows, in the browser", f"orienteer observe {run}"))
        found += [
            NextStep("what its features know of labelled structures", f"orienteer probe {run} {store}"),
            NextStep(
                "segment with few labels", f"orienteer finetune segment {store} OUT --from {run} --labelled-scans 3"
            ),
        ]
    return tuple(found)
