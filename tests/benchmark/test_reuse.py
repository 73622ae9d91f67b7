"""Jobs whose published records are reused are not run again, and nothing else is reused."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from orienteer.benchmark.plan import jobs_of, view_sizes
from orienteer.benchmark.reuse import Identities, Reused, _has_own_code, reusable
from orienteer.benchmark.run import BenchmarkResult, benchmark
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.cli import app, commands
from orienteer.errors import ConfigError, RunError
from orienteer.ingest import IngestOptions, ingest
from orienteer.store import Store
from orienteer.store.columns import Scans
from orienteer.store.entry import ScanEntry
from orienteer.store.manifest_file import write_manifest
from tests.benchmark.conftest import config

assert commands

ARMS = config()["arms"]
TWO = {"scratch": ARMS["scratch"], "ours": ARMS["ours"]}
OLDER = Path(__file__).parents[2] / "docs" / "results" / "oasis-cpu"


def run(cohort: Path, out: Path, reuse: Path | None = None, **changes: Any) -> BenchmarkResult:
    file = cohort / f"{out.name}.yaml"
    file.write_text(yaml.safe_dump(config(**{"seeds": [0], "arms": TWO, **changes}), sort_keys=False))
    return benchmark(file, out, reuse=reuse, progress=False)


def rows(results: Path, table: str) -> set[tuple[Any, ...]]:
    return {
        tuple(str(value) for value in row.values())
        for row in pq.read_table(results / "records" / f"{table}.parquet").to_pylist()
    }


def made(out: Path) -> set[str]:
    """Jobs that were run in a folder."""
    return {str(file.parent.relative_to(out / "cells")) for file in out.glob("cells/**/cell.json")}


@pytest.fixture(scope="module")
def before(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published results of scratch and one arm; what they were made with is gone but for the store beside them."""
    out = tmp_path_factory.mktemp("before") / "before"
    assert run(cohort, out).failures == {}
    shutil.rmtree(out / "cells")
    return out / "results"


def taken(before: Path, store: Path | None = None, **changes: Any) -> set[str]:
    """The jobs that would be taken from there."""
    settings = BenchmarkSettings.build(config(**{"seeds": [0], "arms": TWO, **changes}))
    jobs = jobs_of(settings, before / "nowhere")
    opened = Store.open(store or before.parent / "store")
    found = Reused.of(reusable(before), jobs, Identities(jobs, opened, settings.split, view_sizes(settings, jobs)))
    return {job.name for job in found.jobs}


def test_reuse__another_arm_is_run_alone_and_all_are_compared(cohort: Path, before: Path, tmp_path: Path) -> None:
    found = run(cohort, tmp_path / "more", before, arms={**TWO, "masked": ARMS["masked"]})
    assert (found.finished, found.jobs, found.failures) == (11, 11, {})
    ways = "pretrain/masked", "organs/finetuned/masked/labels_2", "organs/frozen/masked/labels_2", "place/masked"
    assert made(tmp_path / "more") == {f"{way}/seed_0" for way in ways}
    for table in ("cases", "costs", "pretext", "learning"):
        own = {row for row in rows(found.results, table) if "masked" not in row}
        assert own == rows(before, table) and own != rows(found.results, table)
    shown = (found.results / "results.md").read_text()
    assert "reused 7 jobs of toy (" in shown and "--reuse RESULTS" in shown
    assert "Times are of the machine that ran a job" in shown
    # What was reused can be reused once more.
    again = run(cohort, tmp_path / "again", found.results, arms={**TWO, "masked": ARMS["masked"]})
    assert made(tmp_path / "again") == set() and again.finished == 11
    assert rows(again.results, "cases") == rows(found.results, "cases")


def test_reuse__an_arm_that_starts_from_another_s_run_has_it_run(before: Path) -> None:
    gentle = {"label": "gently", "role": "ablation", "from_arm": "ours", "finetune": {"transfer": {"rate": 0.5}}}
    assert taken(before) - taken(before, arms={**TWO, "gentle": gentle}) == {"pretrain ours seed 0"}


OWN = config()
SCRATCH = {f"{stage} scratch{labels} seed 0" for stage, labels in (
    ("finetune organs", " 2 labels"), ("frozen organs", " 2 labels"), ("places place", ""),
)}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"finetune": {**OWN["finetune"], "optimiser": {"steps": 3, "batch": 1}}}, set()),
        ({"pretrain": {**OWN["pretrain"], "optimiser": {"steps": 3, "batch": 2}}}, SCRATCH),
        ({"pretrain": {**OWN["pretrain"], "views": {"size": 24}}}, {"finetune organs scratch 2 labels seed 0"}),
        ({"split": "val"}, set()),
        ({"seeds": [1]}, set()),
    ],
    ids=["fine-tuning", "pretraining", "views", "subjects", "seeds"],
)  # fmt: skip
def test_reuse__jobs_that_are_made_otherwise_are_run(before: Path, changes: dict[str, Any], kept: set[str]) -> None:
    assert len(taken(before)) == 7
    assert taken(before, **changes) == kept


def test_reuse__the_same_names_with_other_labels_are_other_data(cohort: Path, before: Path, tmp_path: Path) -> None:
    labels = Path(shutil.copytree(cohort / "labels", tmp_path / "labels"))
    image = nib.load(labels / "person_000.nii.gz")
    nib.save(nib.Nifti1Image(image.get_fdata().astype("uint8")[::-1], image.affine), labels / "person_000.nii.gz")
    options = IngestOptions(spacing=3.0, table=cohort / "people.tsv", keep_names=True, progress=False)
    for folder, kept in ((cohort / "labels", 7), (labels, 0)):
        options = IngestOptions(
            spacing=3.0, labels=folder, table=cohort / "people.tsv", keep_names=True, progress=False
        )
        ingest(cohort / "scans", tmp_path / f"store-{kept}", options)
        assert len(taken(before, tmp_path / f"store-{kept}")) == kept


def _another(store: Path, copy: Path, change: Callable[[ScanEntry], dict[str, Any]], **more: Any) -> Path:
    """A store with the same voxels, of which its manifest says something else."""
    shutil.copytree(store, copy)
    manifest = Store.open(copy).manifest
    scans = Scans.of([entry.model_copy(update=change(entry)) for entry in manifest.scans])
    write_manifest(copy, manifest.model_copy(update={"scans": scans, **more}))
    return copy


def test_reuse__the_same_voxels_of_other_people_sizes_or_structures_are_other_data(
    before: Path, tmp_path: Path
) -> None:
    store = before.parent / "store"
    assert len(taken(before, _another(store, tmp_path / "same", lambda _: {}))) == 7
    people = _another(store, tmp_path / "people", lambda entry: {"person": f"{entry.person}-other"})
    assert taken(before, people) == set()
    smaller = _another(store, tmp_path / "smaller", lambda _: {"spacing": 1.5}, spacing=1.5)
    assert taken(before, smaller) == set()
    named = _another(store, tmp_path / "named", lambda _: {"structures": {"both": (1, 2)}})
    assert taken(before, named) == set(), "its pretraining run is the same, but others start from it"


def test_reuse__jobs_of_another_version_are_run(before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orienteer.benchmark.reuse.__version__", "0.0.1")
    assert taken(before) == set()


def test_reuse__the_order_of_structures_is_that_of_the_classes(before: Path) -> None:
    organs = {**OWN["tasks"]["organs"], "settings": {"structures": {"second": [2], "first": [1]}}}
    there = taken(before, tasks={**OWN["tasks"], "organs": organs})
    assert there == {"places place scratch seed 0", "places place ours seed 0"}


def test_reuse__classes_of_ones_own_are_run_again(before: Path) -> None:
    settings = BenchmarkSettings.build(config(seeds=[0], arms=TWO))
    for job in jobs_of(settings, before / "nowhere"):
        own = job.settings.model_copy(update={"network": job.settings.network.model_copy(update={"name": "mine:Net"})})
        assert not _has_own_code(job) and _has_own_code(replace(job, settings=own))


def _without(records: Path, table: str, keep: Callable[[dict[str, Any]], bool] | None) -> None:
    file = records / f"{table}.parquet"
    if keep is None:
        file.unlink()
        return
    rows = pq.read_table(file)
    pq.write_table(rows.filter(pa.array([keep(row) for row in rows.to_pylist()], pa.bool_())), file)


TRAINED = {"finetune organs scratch 2 labels seed 0", "finetune organs ours 2 labels seed 0"}


@pytest.mark.parametrize(
    ("table", "keep", "lost"),
    [
        ("cases", lambda row: (row["arm"], row["mode"]) != ("scratch", "finetuned"), SCRATCH & TRAINED),
        (
            "cases",
            lambda row: (row["arm"], row["case"], row["mode"]) != ("scratch", "person_003", "finetuned"),
            SCRATCH & TRAINED,
        ),
        ("learning", None, TRAINED),
        ("pretext", lambda _: False, {"pretrain ours seed 0"}),
    ],
    ids=["a job's scores", "a scan's scores", "curves", "pretext"],
)  # fmt: skip
def test_reuse__what_is_not_there_whole_is_run(
    before: Path, tmp_path: Path, table: str, keep: Callable[[dict[str, Any]], bool] | None, lost: set[str]
) -> None:
    everything = taken(before)
    copy = Path(shutil.copytree(before.parent, tmp_path / "copy")) / "results"
    _without(copy / "records", table, keep)
    begun = {"pretrain ours seed 0"} if lost & (TRAINED - SCRATCH) else set()  # from which what is lost starts
    assert everything - taken(copy) == lost | begun


def test_reuse__a_job_that_stands_twice_is_run(before: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(before.parent, tmp_path / "copy")) / "results"
    costs = pq.read_table(copy / "records" / "costs.parquet")
    pq.write_table(pa.concat_tables([costs, costs]), copy / "records" / "costs.parquet")
    assert taken(copy) == set()


def test_benchmark__jobs_of_other_data_are_refused_and_never_published_as_of_this(cohort: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(cohort, tmp_path / "cohort"))
    first = run(changed, tmp_path / "out")
    published = rows(first.results, "costs")
    for file in (changed / "labels").iterdir():
        image = nib.load(file)
        nib.save(nib.Nifti1Image(image.get_fdata().astype("uint8")[::-1], image.affine), file)
    with pytest.raises(RunError, match="was finished on other scans, subjects or labels") as error:
        run(changed, tmp_path / "out")
    assert "delete that folder" in error.value.cure
    assert rows(first.results, "costs") == published, "not written anew"


def test_reuse__on_the_command_line(cohort: Path, before: Path, tmp_path: Path) -> None:
    (cohort / "line.yaml").write_text(yaml.safe_dump(config(seeds=[0], arms=TWO), sort_keys=False))
    out = tmp_path / "line"
    result = CliRunner().invoke(app, ["benchmark", str(cohort / "line.yaml"), str(out), "--reuse", str(before)])
    assert result.exit_code == 0, result.output
    assert f"7 of 7 jobs reused from {before}" in " ".join(result.output.split())
    assert "7 of 7 jobs finished, 0 failed" in result.output
    alone = CliRunner().invoke(app, ["benchmark", str(cohort / "line.yaml"), str(out), "--set", "seeds=[1]"])
    assert "without --reuse, jobs that were reused before are run: 7 jobs of toy" in " ".join(alone.output.split())
    command = ["benchmark", str(cohort / "line.yaml"), str(out), "--reuse", str(before), "--plan"]
    assert isinstance(CliRunner().invoke(app, command).exception, ConfigError)


def test_reuse__results_that_do_not_say_how_they_were_made_are_refused(cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not say how its jobs were made"):
        run(cohort, tmp_path / "older", OLDER)
    assert not (tmp_path / "older" / "store").exists(), "refused before anything is done"
    with pytest.raises(RunError):
        run(cohort, tmp_path / "none", tmp_path / "nothing")
