"""An arm that starts from weights which others trained: read first, imported once, judged as every other arm."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
import yaml
from typer.testing import CliRunner

from orienteer.benchmark.imported import find_imports
from orienteer.benchmark.job import Shared, run_job
from orienteer.benchmark.plan import jobs_of, view_sizes
from orienteer.benchmark.run import benchmark, published
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.cli import app, commands  # noqa: F401
from orienteer.errors import ConfigError, OrienteerError, RunError
from orienteer.export.run import export
from orienteer.frozen.features import FrozenFeatures
from orienteer.runs.evaluate import evaluate
from orienteer.runs.pretrain import pretrain
from orienteer.runs.run import Run
from orienteer.testing.phantom import phantom_store
from tests.benchmark.conftest import config
from tests.runs.conftest import tiny


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder that somebody exported: other channels than this benchmark's, at its spacing."""
    folder = tmp_path_factory.mktemp("elsewhere")
    settings = tiny("optimiser.steps=2", "network.options.features=[4,6,8]")
    pretrain(phantom_store(folder, people=4), folder / "run", settings=settings, progress=False)
    return export(folder / "run", folder / "theirs", to="torch", licence="CC BY 4.0", anyway=True)


def imported(theirs: Path, **more: Any) -> dict[str, Any]:
    """The toy benchmark, with scratch and those weights only."""
    arm = {"label": "theirs", "role": "baseline", "imported": {"weights": str(theirs), **more}}
    tasks = config()["tasks"]
    return config(arms={"scratch": config()["arms"]["scratch"], "theirs": arm}, tasks=tasks, seeds=[0])


def test_arm__begins_in_one_way() -> None:
    arms, weights = config()["arms"], {"imported": {"weights": "w"}}
    with pytest.raises(ConfigError, match="a scratch arm has no pretraining: leave out imported"):
        BenchmarkSettings.build(config(arms={"scratch": {**arms["scratch"], **weights}}))
    with pytest.raises(ConfigError, match="pretrain and imported are two ways to begin"):
        BenchmarkSettings.build(config(arms={"ours": {**arms["ours"], **weights}}))


def test_jobs__an_import_comes_first_and_others_start_from_it(theirs: Path) -> None:
    values = imported(theirs)
    values["arms"]["ours"] = config()["arms"]["ours"]
    settings = BenchmarkSettings.build(values)
    found = find_imports(settings, Path())
    jobs = jobs_of(settings, Path("out"), found)
    assert [(job.stage, job.arm) for job in jobs[:2]] == [("import", "theirs"), ("pretrain", "ours")]
    assert {job.run for job in jobs if job.task and job.arm == "theirs"} == {Path("out/cells/pretrain/theirs/seed_0")}
    assert found["theirs"].described.weights == {}, "a job is sent to another process: without the weights"
    assert view_sizes(settings, jobs) == (16, 16)
    wide = BenchmarkSettings.build(imported(theirs, view=24))
    assert view_sizes(wide, jobs_of(wide, Path("out"), find_imports(wide, Path()))) == (16, 24)


def test_benchmark__weights_of_others_are_judged_beside_scratch(theirs: Path, cohort: Path, tmp_path: Path) -> None:
    folder = theirs.parent
    values = imported(Path("theirs"))
    values["data"] |= {name: str(cohort / values["data"][name]) for name in ("scans", "labels", "table")}
    file = folder / "theirs.yaml"
    file.write_text(yaml.safe_dump(values, sort_keys=False))
    planned = CliRunner().invoke(app, ["benchmark", str(file), str(tmp_path / "out"), "--plan"])
    assert planned.exit_code == 0 and "import" in planned.output, planned.output
    result = CliRunner().invoke(app, ["benchmark", str(file), str(tmp_path / "out")])
    assert result.exit_code == 0 and "7 of 7 jobs finished, 0 failed" in result.output, result.output

    run = Run.open(tmp_path / "out/cells/pretrain/theirs/seed_0")
    learned, read = Run.open(folder / "run").backbone("best").encoder, run.backbone("best").encoder
    for name, weight in read.state_dict().items():
        torch.testing.assert_close(weight, learned.state_dict()[name], msg=name)
    results = tmp_path / "out/results"
    cases = pq.read_table(results / "records/cases.parquet").to_pylist()
    assert {(row["arm"], row["mode"]) for row in cases} == {
        (arm, mode) for arm in ("scratch", "theirs") for mode in ("finetuned", "frozen")
    }
    costs = pq.read_table(results / "records/costs.parquet").to_pylist()
    assert "import" not in {row["stage"] for row in costs}, "what others spent is not known"
    text = (results / "results.md").read_text()
    assert "baseline; an encoder exported to torch, views of 16 voxels" in text and "theirs: trained elsewhere" in text
    assert str(folder) not in (results / "benchmark.json").read_text()
    done = (run.path / "cell.json").stat().st_mtime_ns
    assert benchmark(file, tmp_path / "out", progress=False).finished == 7
    assert (run.path / "cell.json").stat().st_mtime_ns == done, "nothing is done again"

    contract = json.loads((theirs / "contract.json").read_text())
    other = folder / "other"
    export(folder / "run", other, to="torch", licence="CC0", anyway=True)
    assert json.loads((other / "contract.json").read_text()) != contract
    values["arms"]["theirs"]["imported"]["weights"] = "other"
    file.write_text(yaml.safe_dump(values, sort_keys=False))
    with pytest.raises(RunError, match="or other imported weights"):
        benchmark(file, tmp_path / "out", progress=False)
    shutil.rmtree(run.path)
    with pytest.raises(RunError, match="or other imported weights"):  # nothing that began with the old ones is kept
        benchmark(file, tmp_path / "out", progress=False)


def test_benchmark__heads_that_somebody_trains_on_an_import_change_no_figure(theirs: Path, tmp_path: Path) -> None:
    settings = BenchmarkSettings.build(imported(theirs, assign=["optimiser.steps=2", "optimiser.batch=2"]))
    job, *others = jobs_of(settings, tmp_path, find_imports(settings, Path()))
    store = phantom_store(tmp_path, people=4)
    shared = Shared(store, "test", 16, 16, alone=True)
    run_job(job, shared)
    probe = next(each for each in others if each.stage == "places" and each.arm == "theirs")
    run_job(probe, shared)
    before = (probe.folder / "cases.parquet").read_bytes()
    evaluate(job.folder, store, split="val")
    assert Run.open(job.folder).steps == (0, 2)
    shutil.rmtree(probe.folder)
    run_job(probe, shared)
    assert (probe.folder / "cases.parquet").read_bytes() == before
    features = FrozenFeatures(Run.open(job.folder).backbone(0), view=16, encoder_alone=True)
    assert features.views(torch.zeros(1, 1, 16, 16, 16)).shape[1] == sum(features.backbone.encoder.channels)


def test_find_imports__a_mistake_is_named_before_anything_starts(theirs: Path, cohort: Path, tmp_path: Path) -> None:
    values = imported(Path("nowhere"))
    values["data"] |= {name: str(cohort / values["data"][name]) for name in ("scans", "labels", "table")}
    file = tmp_path / "toy.yaml"
    file.write_text(yaml.safe_dump(values))
    with pytest.raises(OrienteerError, match=r"arms\.theirs\.imported: .*nowhere"):
        benchmark(file, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
    coarse = imported(theirs)
    coarse["data"]["spacing"] = 4.0
    with pytest.raises(OrienteerError, match=r"imported: the weights learned at 3 mm, data\.spacing is 4"):
        find_imports(BenchmarkSettings.build(coarse), Path())
    scored = imported(theirs)
    scored["data"]["intensities"] = "zscore"
    with pytest.raises(OrienteerError, match=r"learned from intensities window .* data\.intensities is zscore"):
        find_imports(BenchmarkSettings.build(scored), Path())
    other = imported(theirs, assign=["network.options.features=[4,6,12]"])
    with pytest.raises(OrienteerError, match=r"arms\.theirs\.imported: "):
        find_imports(BenchmarkSettings.build(other), Path())
    bad = BenchmarkSettings.build(imported(theirs, assign=["network.option=1"]))
    with pytest.raises(OrienteerError, match=r"arms\.theirs\.imported: .*network\.option\b"):
        find_imports(bad, Path())


def test_run_job__an_import_cut_off_is_made_again_and_one_that_does_not_fit_is_refused(
    theirs: Path, tmp_path: Path
) -> None:
    settings = BenchmarkSettings.build(imported(theirs))
    job = jobs_of(settings, tmp_path, find_imports(settings, Path()))[0]
    store = phantom_store(tmp_path, people=4)
    (job.folder / "checkpoints").mkdir(parents=True)
    (job.folder / "checkpoints" / "half").write_text("")
    run_job(job, Shared(store, "test", 16, 16, alone=True))
    assert (job.folder / "cell.json").is_file() and not (job.folder / "checkpoints" / "half").exists()
    coarse = tmp_path / "coarse"
    coarse.mkdir()
    shutil.rmtree(job.folder)
    elsewhere = Shared(phantom_store(coarse, people=4, spacing=4.0), "test", 16, 16, alone=True)
    with pytest.raises(RunError, match="learned at 3 mm"):
        run_job(job, elsewhere)


@pytest.mark.parametrize("public", [True, False])
def test_published__where_weights_lie_is_left_out(public: bool) -> None:
    values = imported(Path("/home/somebody/theirs"), contract="/home/somebody/contract.yaml")
    values["data"]["keep_names"] = public
    shown = published(BenchmarkSettings.build(values))
    assert "somebody" not in json.dumps(shown["arms"])
    assert shown["arms"]["theirs"]["imported"]["weights"] == ("theirs" if public else None)


def test_data__intensities_in_any_form_that_ingest_takes() -> None:
    values = config()
    for given, words in ((None, "window"), ("zscore", "zscore"), ("-175,250", "-175,250"), ([-175, 250], "-175,250")):
        values["data"]["intensities"] = given
        assert str(BenchmarkSettings.build(values).data.convention) == words
    values["data"]["intensities"] = "250,-175"
    with pytest.raises(ConfigError, match="250"):
        BenchmarkSettings.build(values)


def test_arm__that_starts_from_anothers_imported_runs_is_marked_too(theirs: Path) -> None:
    values = imported(theirs)
    slow = {"transfer": {"rate": 0.1}}
    values["arms"]["again"] = {"label": "again", "role": "ablation", "from_arm": "theirs", "finetune": slow}
    settings = BenchmarkSettings.build(values)
    jobs = jobs_of(settings, Path("out"), find_imports(settings, Path()))
    assert all(job.imported is not None for job in jobs if job.arm in ("theirs", "again"))
    assert all(job.imported is None for job in jobs if job.arm == "scratch")
    values["arms"]["theirs"]["finetune"] = {"transfer": {"decoder": True}}
    settings = BenchmarkSettings.build(values)
    with pytest.raises(ConfigError, match="no decoder to take"):
        jobs_of(settings, Path("out"), find_imports(settings, Path()))
