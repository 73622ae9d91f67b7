"""What a verdict is followed by."""

import pytest

from orienteer.records.evaluation import EvaluationRecord
from orienteer.records.next_steps import next_steps
from tests.records.test_evaluation import record


def _judged(label: str, *, step: int = 100, subjects: int = 8) -> EvaluationRecord:
    made = record()
    verdict = made.verdict.model_copy(update={"label": label})
    return made.model_copy(update={"verdict": verdict, "step": step, "subjects": subjects})


def _commands(found: EvaluationRecord, steps: int = 100, **options: object) -> list[str]:
    told = next_steps(found, steps=steps, run="my run", store="store", **options)  # type: ignore[arg-type]
    return [step.command for step in told]


def test_next__a_run_whose_last_step_is_its_best_goes_on_first() -> None:
    commands = _commands(_judged("learning"))
    assert commands[0] == "orienteer pretrain store 'my run' --resume --set optimiser.steps=200"
    assert [command.split()[1] for command in commands[1:]] == ["observe", "probe", "finetune"]


def test_next__a_run_that_stopped_improving_is_used() -> None:
    assert "--resume" not in " ".join(_commands(_judged("learning", step=60)))


@pytest.mark.parametrize(("view", "larger"), [(24, 32), (16, 24), (None, None)])
def test_next__a_stuck_run_is_tried_with_larger_views(view: int | None, larger: int | None) -> None:
    commands = _commands(_judged("stuck", step=40), 1000, view=view)
    assert len(commands) == 1 and commands[0].startswith("orienteer pretrain store NEW-RUN")
    assert ("views.size" in commands[0]) is (larger is not None) and (larger is None or f"={larger}" in commands[0])


def test_next__a_short_run_that_is_stuck_goes_on() -> None:
    commands = _commands(_judged("stuck", step=40), 50)
    assert commands == ["orienteer pretrain store 'my run' --resume --set optimiser.steps=1000"]


def test_next__a_cheating_run_is_looked_at_and_not_used() -> None:
    assert _commands(_judged("cheating")) == ["orienteer observe 'my run'"]


def test_next__few_subjects_are_named() -> None:
    told = [step.why for step in next_steps(_judged("learning", subjects=3), steps=100)]
    assert any("3 subjects" in why for why in told)
    assert not any("subjects" in step.why for step in next_steps(_judged("learning"), steps=100))


def test_next__read_in_the_observatory_nobody_is_told_to_open_it() -> None:
    found = {label: next_steps(_judged(label), steps=100, observed=True) for label in ("learning", "cheating")}
    assert all("observe" not in step.command for steps in found.values() for step in steps)
    assert [step.command for step in found["cheating"]] == [""] and "anatomy taken out" in found["cheating"][0].why
