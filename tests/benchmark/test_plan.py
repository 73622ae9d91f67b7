"""Which jobs a configuration makes, with which settings."""

from pathlib import Path

import pytest

from orienteer.benchmark.collect import tasks_shown
from orienteer.benchmark.plan import jobs_of, merged, view_sizes
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.errors import ConfigError
from orienteer.finetune.settings import FinetuneSettings
from orienteer.runs.settings import PretrainSettings
from tests.benchmark.conftest import config

OUT = Path("out")


def settings(**changes: object) -> BenchmarkSettings:
    return BenchmarkSettings.build(config(**changes))


def test_jobs__every_arm_label_count_and_seed_once_each_in_its_own_folder() -> None:
    jobs = jobs_of(settings(), OUT)
    assert len({job.folder for job in jobs}) == len(jobs)
    counts = {stage: sum(job.stage == stage for job in jobs) for stage in ("pretrain", "finetune", "frozen", "places")}
    assert counts == {"pretrain": 2, "finetune": 3 * 2, "frozen": 3 * 2, "places": 3 * 2}
    assert [job.stage for job in jobs[:2]] == ["pretrain", "pretrain"], "what others start from comes first"


def test_jobs__arms_share_everything_that_they_do_not_change() -> None:
    finetuned = [job for job in jobs_of(settings(), OUT) if job.stage == "finetune"]
    same = {(job.labels, job.seed): job.settings for job in finetuned if job.arm == "scratch"}
    for job in finetuned:
        assert job.settings == same[job.labels, job.seed], "labelled scans, steps and fresh weights must be the same"
    assert {job.run for job in finetuned if job.arm == "scratch"} == {None}
    assert {job.run for job in finetuned if job.arm == "ours"} == {OUT / "cells/pretrain/ours/seed_0"}


def test_jobs__differences_of_an_arm_reach_its_settings_only() -> None:
    arms = config()["arms"]
    arms["scratch-long"] = {"label": "long", "role": "scratch", "finetune": {"optimiser": {"steps": 6}}}
    jobs = jobs_of(settings(arms=arms), OUT)
    steps = {job.arm: job.settings.optimiser.steps for job in jobs if job.stage == "finetune"}
    assert steps == {"scratch": 2, "ours": 2, "masked": 2, "scratch-long": 6}
    assert not [job for job in jobs if job.stage in ("frozen", "places") and job.arm == "scratch-long"]
    tasks = {job.arm: job.settings.tasks for job in jobs if isinstance(job.settings, PretrainSettings)}
    assert tasks == {"ours": {"gap": {}}, "masked": {"masked": {}}}


def test_jobs__fine_tuning_seeds_go_round_the_pretraining_seeds() -> None:
    jobs = jobs_of(settings(seeds=[0, 1, 2], pretrain_seeds=[5, 6]), OUT)
    assert sum(job.stage == "pretrain" for job in jobs) == 4
    runs = {job.seed: job.run for job in jobs if job.stage == "finetune" and job.arm == "ours"}
    assert [runs[seed].name for seed in (0, 1, 2)] == ["seed_5", "seed_6", "seed_5"]


def test_jobs__an_arm_may_be_measured_at_some_label_counts_only() -> None:
    document = config()
    document["tasks"]["organs"]["labelled_scans"] = [1, 2]
    document["arms"]["masked"]["labelled_scans"] = [2]
    jobs = jobs_of(settings(tasks=document["tasks"], arms=document["arms"]), OUT)
    finetuned = {(job.arm, job.labels) for job in jobs if job.stage == "finetune"}
    assert finetuned == {("scratch", 1), ("scratch", 2), ("ours", 1), ("ours", 2), ("masked", 2)}
    assert any(job.stage == "places" and job.arm == "masked" for job in jobs), "nothing is labelled there"


def test_settings__an_arm_at_label_counts_that_no_task_has_is_refused() -> None:
    arms = config()["arms"]
    arms["masked"]["labelled_scans"] = [2, 7]
    with pytest.raises(ConfigError, match=r"arms\.masked\.labelled_scans: no task has 7"):
        settings(arms=arms)


def test_jobs__a_task_may_be_for_some_arms_only() -> None:
    tasks = config()["tasks"]
    tasks["organs"]["arms"] = ["scratch", "masked"]
    jobs = jobs_of(settings(tasks=tasks), OUT)
    assert {job.arm for job in jobs if job.task == "organs"} == {"scratch", "masked"}
    assert {job.arm for job in jobs if job.task == "place"} == {"scratch", "ours", "masked"}


def test_jobs__an_arm_with_a_pretext_of_its_own_is_read_out_frozen_however_it_is_fine_tuned() -> None:
    own = {"label": "gap, slowly", "role": "ours", "pretrain": {"tasks": {"gap": {}}}}
    arms = {**config()["arms"], "slow": {**own, "finetune": {"transfer": {"rate": 0.1}}}}
    stages = {job.stage for job in jobs_of(settings(arms=arms), OUT) if job.arm == "slow"}
    assert stages == {"pretrain", "places", "frozen", "finetune"}


def test_view_sizes__the_largest_that_any_arm_learns_with() -> None:
    assert view_sizes(settings(), jobs_of(settings(), OUT)) == (16, 16)
    larger = {**config()["arms"]["ours"], "pretrain": {"tasks": {"gap": {}}, "views": {"size": 24}}}
    wide = settings(arms={**config()["arms"], "ours": larger})
    assert view_sizes(wide, jobs_of(wide, OUT)) == (16, 24)


def test_jobs__an_arm_may_take_anothers_runs() -> None:
    arms = config()["arms"]
    arms["encoder-only"] = {
        "label": "encoder only", "role": "ablation", "from_arm": "ours", "finetune": {"transfer": {"decoder": False}},
    }  # fmt: skip
    jobs = jobs_of(settings(arms=arms), OUT)
    assert sum(job.stage == "pretrain" for job in jobs) == 2
    taken = next(job for job in jobs if job.arm == "encoder-only" and job.stage == "finetune")
    assert taken.run == OUT / "cells/pretrain/ours/seed_0"
    assert isinstance(taken.settings, FinetuneSettings) and not taken.settings.transfer.decoder


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"arms": {"a": {"label": "a", "role": "scratch", "pretrain": {"seed": 1}}}}, "no pretraining"),
        ({"arms": {"a": {"label": "a", "role": "ours", "from_arm": "b"}}}, "'b' is no pretrained arm"),
        (
            {
                "arms": {"a": {"label": "a", "role": "ours"}}
                | {name: {"label": name, "role": "ablation", "from_arm": of} for name, of in (("b", "a"), ("c", "b"))}
            },
            "'b' has no run of its own, but that of 'a'",
        ),
        ({"arms": {"a": {"label": "a", "role": "ours", "from_arm": "a"}}}, "'a' has no run of its own"),
        ({"seeds": [1, 1]}, "must differ"),
        ({"tasks": {"t": {"kind": "places", "words": "w", "arms": ["nobody"]}}}, "no arm 'nobody'"),
        ({"tasks": {"t": {"kind": "regress", "words": "w", "modes": ["frozen"]}}}, "no frozen mode"),
        ({"name": "Has Spaces"}, "name"),
        ({"typo": 1}, "typo"),
    ],
)
def test_settings__mistakes_are_told_before_anything_runs(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        settings(**changes)


def test_jobs__a_wrong_key_of_an_arm_names_the_arm() -> None:
    arms = config()["arms"]
    arms["ours"]["pretrain"] = {"optimizer": {}}
    with pytest.raises(ConfigError, match=r"arms\.ours.*optimizer"):
        jobs_of(settings(arms=arms), OUT)


def test_tasks_shown__a_regressed_number_has_the_unit_its_task_says() -> None:
    tasks = {
        "age": {"kind": "regress", "words": "error of age", "unit": "years", "settings": {"column": "age"}},
        "score": {"kind": "regress", "words": "error of the score", "settings": {"column": "age"}},
    }
    assert [task["unit"] for task in tasks_shown(settings(tasks=tasks), [])] == ["years", ""]


def test_tasks_shown__say_which_arms_were_to_be_measured_how() -> None:
    arms = config()["arms"]
    arms["scratch-long"] = {"label": "long", "role": "scratch", "finetune": {"optimiser": {"steps": 6}}}
    chosen = settings(arms=arms)
    shown = {task["name"]: task for task in tasks_shown(chosen, jobs_of(chosen, OUT))}
    both, probe = shown["organs"]["arms"], shown["organs-structure"]["arms"]
    assert both == {"finetuned": [*both["frozen"], "scratch-long"], "frozen": ["scratch", "ours", "masked"]}
    assert probe == {"frozen": both["frozen"]}
    assert {task["given"] for name, task in shown.items() if name.startswith("place-")} == {"scan"}


def test_merged__groups_are_laid_over_each_other_but_task_lists_are_whole() -> None:
    base = {"optimiser": {"steps": 5, "batch": 2}, "tasks": {"gap": {}}, "seed": 1}
    over = {"optimiser": {"steps": 9}, "tasks": {"masked": {}}}
    assert merged(base, over) == {"optimiser": {"steps": 9, "batch": 2}, "tasks": {"masked": {}}, "seed": 1}
    assert base["optimiser"] == {"steps": 5, "batch": 2}
