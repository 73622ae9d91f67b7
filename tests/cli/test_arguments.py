"""Arguments that are something else, or in each other's place, are named with their kind; nothing is written."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from orienteer.cli import app, commands
from orienteer.errors import OrienteerError
from orienteer.folders import Folder, recognised
from tests.scans.files import nifti

assert commands is not None

FILES = {
    "store": ("manifest.json", "arrays/x/image.b2nd"),
    "run": ("run.json", "settings.yaml", "checkpoints/step_00000004/model.safetensors", "report.html"),
    "out": ("seed_0/finetune.json", "seed_0/settings.yaml", "summary.json"),
    "predictions": ("predictions.json",),
    "where": ("locations.json",),
    "carried": ("propagated.json",),
    "held": ("orientations.json",),
    "encoder": ("contract.json", "selftest.safetensors"),
    "bench": ("benchmark.yaml", "store/manifest.json", "store/arrays/x/image.b2nd", "cells/x"),
    "bench/results": ("benchmark.json", "records/cases.parquet"),
    "begun": ("benchmark.yaml", "cells/x"),
    "demo": ("run/run.json", "run/settings.yaml", "store/manifest.json", "store/arrays/x/image.b2nd"),
}
KINDS = {
    "store": "a store",
    "run": "a run",
    "out": "a fine-tuning",
    "out/seed_0": "one seed of a fine-tuning",
    "predictions": "a folder of predictions",
    "where": "a folder of locations",
    "carried": "a folder of propagated labels",
    "held": "a folder of orientations",
    "encoder": "an exported encoder",
    "bench": "a benchmark",
    "bench/results": "the results of a benchmark",
}

COMMANDS = {
    "check {scans}": "store run out out/seed_0 bench bench/results",
    "check scans --labels {labels}": "store run out bench",
    "ingest {scans} new": "store run out out/seed_0 bench bench/results",
    "ingest scans {store}": "run out out/seed_0 predictions bench bench/results",
    "ingest scans new --labels {labels}": "store run bench/results",
    "ingest scans new --table {table}": "store run labels",
    "pretrain {store} new": "run out out/seed_0 predictions bench bench/results",
    "pretrain store {run}": "store out out/seed_0 predictions bench bench/results",
    "pretrain store {run} --resume": "store out out/seed_0",
    "pretrain store {run} --resume --set optimiser.steps=9": "store out/seed_0",
    "pretrain store new --config {config}": "run store",
    "evaluate {run} store": "store out out/seed_0 predictions bench bench/results",
    "evaluate run {store}": "run out out/seed_0 predictions bench bench/results",
    "probe {run} store": "store out out/seed_0 predictions bench",
    "probe run {store}": "run out out/seed_0 predictions bench",
    "finetune segment {store} new --from run": "run out out/seed_0 predictions bench",
    "finetune segment store {out} --from run": "store run predictions bench bench/results",
    "finetune segment store new --from {run}": "store out out/seed_0 predictions bench bench/results",
    "predict {out} scans new": "store run predictions bench bench/results",
    "predict out {scans} new": "store run out out/seed_0 bench",
    "predict out scans {predictions}": "store run out out/seed_0 bench bench/results",
    "locate {run} scans/case.nii.gz scans new --at=0,0,0": "store out out/seed_0 predictions where bench bench/results",
    "locate run {scan} scans new --at=0,0,0": "store run out bench",
    "locate run scans/case.nii.gz {scans} new --at=0,0,0": "store run out out/seed_0 bench",
    "locate run scans/case.nii.gz scans {where} --at=0,0,0": "store run out predictions encoder bench bench/results",
    "propagate {run} scans/case.nii.gz labels.nii.gz scans new": "store out out/seed_0 predictions where bench",
    "propagate run {scan} labels.nii.gz scans new": "store run out bench",
    "propagate run scans/case.nii.gz {labels} scans new": "store run out bench",
    "propagate run scans/case.nii.gz labels.nii.gz {scans} new": "store run out out/seed_0 bench",
    "propagate run scans/case.nii.gz labels.nii.gz scans {carried}": "store run out predictions where encoder bench",
    "check scans --run {run}": "store out out/seed_0 predictions bench",
    "orient {run} scans": "store out out/seed_0 predictions where held bench bench/results",
    "orient run {scans}": "store run out out/seed_0 bench",
    "orient run scans --out {held}": "store run out predictions where bench",
    "orient run scans --sides {run}": "store out where held bench",
    "orient run scans --fix {held}": "store run out predictions where bench",
    "export {run} new --licence CC0": "store out out/seed_0 predictions encoder bench bench/results",
    "export run {encoder} --licence CC0": "store run out predictions bench",
    "verify {encoder}": "store run out predictions bench",
    "report {run}": "store out out/seed_0 predictions bench bench/results",
    "compare {results}": "store run out out/seed_0 predictions bench",
    "benchmark {config} new": "store run out bench",
    "benchmark config.yaml {bench}": "store run out out/seed_0 predictions bench/results",
    "benchmark config.yaml {bench} --plan": "store run",
    "observe {run}": "store out out/seed_0 predictions bench bench/results",
    "observe run --store {store}": "run out bench/results",
    "observe run --store store --and {run}": "store out",
    "demo {demo}": "store run out predictions bench",
}  # fmt: skip
CASES = [(command, given) for command, wrong in COMMANDS.items() for given in wrong.split()]

SWAPPED = {
    "ingest store scans": "ingest scans store",
    "ingest new scans": "ingest scans new",
    "pretrain run store": "pretrain store run",
    "pretrain new store": "pretrain store new",
    "evaluate store run": "evaluate run store",
    "probe store run": "probe run store",
    "finetune segment run new --from store": "finetune segment store new --from run",
    "finetune segment new store --from run": "finetune segment store new --from run",
    "finetune segment new store --from scratch": "finetune segment store new --from scratch",
    "predict scans out new": "predict out scans new",
    "predict scans new out": "predict out scans new",
    "predict run out new": "",
    "locate scans/case.nii.gz run scans new --at=0,0,0": "locate run scans/case.nii.gz scans new",
    "propagate scans/case.nii.gz run labels/case.nii.gz scans new": (
        "propagate run scans/case.nii.gz labels/case.nii.gz scans new"
    ),
    "benchmark new config.yaml": "benchmark config.yaml new",
    "benchmark bench config.yaml": "benchmark config.yaml bench",
    "observe store --store run": "observe run --store store",
}

NEAR = {
    "evaluate run/checkpoints store": ("run/checkpoints is not a run: it lies in run, which is a run", "give run"),
    "evaluate run/run.json store": ("run/run.json is not a run: it lies in run, which is a run", "give run"),
    "evaluate run/report.html store": ("it lies in run, which is a run", "give run"),
    "evaluate demo store": ("demo is not a run: it holds no run.json", "give demo/run"),
    "probe run demo": ("demo is not a store: it holds no manifest.json", "give demo/store"),
    "probe run store/manifest.json": ("it lies in store, which is a store", "give store"),
    "evaluate run bench": ("bench is a benchmark, not a store", "give bench/store"),
    "pretrain scans new": ("scans is not a store", "`orienteer ingest scans STORE` makes one"),
    "predict out/seed_0/finetune.json scans new": ("out/seed_0, which is one seed of a fine-tuning", ""),
    "compare bench": ("bench is a benchmark, not the results", "give bench/results"),
    "compare begun": ("begun is a benchmark, not the results", "go on with `orienteer benchmark CONFIG begun`"),
    "check store/arrays": ("no scan in store/arrays: it lies in store, which is a store", ""),
    "check predictions": ("no scan in predictions: it is a folder of predictions", ""),
    "check scans --labels people.tsv": ("no label file in people.tsv", "a table is given with --table"),
    "ingest scans new --labels 3": ("there is no 3", "--labelled-scans"),
    "ingest scans new --table labels": ("Is a directory", "--labels"),
    "ingest scans scans": ("scans is not empty and is no store", "nothing was changed"),
    "pretrain store new --config run": ("Is a directory", "that is a run; name a YAML file, for example run/settings"),
    "finetune segment store new --from scratch --set labels=3": ("labels: unknown key", "did you mean labelled_scans?"),
    "probe run store --set labels=3": ("labels: unknown key", "did you mean labelled_scans?"),
    "demo scans": ("scans holds other files", "nothing was written"),
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of every kind, told by their markers alone, beside scans and labels."""
    root = tmp_path_factory.mktemp("world")
    for folder, files in FILES.items():
        for name in files:
            (root / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (root / folder / name).write_text("{}")
    nifti(root / "scans" / "case.nii.gz")
    nifti(root / "labels" / "case.nii.gz")
    (root / "people.tsv").write_text("id\tperson\ncase\tA\n")
    (root / "config.yaml").write_text("{}")
    return root


def _refused(command: str, world: Path, monkeypatch: pytest.MonkeyPatch) -> OrienteerError:
    before = {path: path.read_bytes() if path.is_file() else b"" for path in world.rglob("*")}
    monkeypatch.chdir(world)
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code != 0
    assert isinstance(result.exception, OrienteerError), (result.exception, result.output)
    assert {path: path.read_bytes() if path.is_file() else b"" for path in world.rglob("*")} == before
    return result.exception


@pytest.mark.parametrize(("command", "given"), CASES)
def test_argument__something_else_is_named(
    command: str, given: str, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, _, rest = command.partition("{")
    error = _refused(f"{start}{given}{rest.partition('}')[2]}", world, monkeypatch)
    said = f"{error.message}; {error.cure}"
    assert given in error.message
    assert KINDS.get(given, "") in said
    assert error.cure


@pytest.mark.parametrize(("command", "meant"), SWAPPED.items())
def test_arguments__in_each_others_place(
    command: str, meant: str, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = _refused(command, world, monkeypatch)
    assert (error.cure == f"did you mean `orienteer {meant}`?") == bool(meant), error


@pytest.mark.parametrize(("command", "message", "cure"), [(command, *said) for command, said in NEAR.items()])
def test_argument__what_is_meant_lies_near(
    command: str, message: str, cure: str, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = _refused(command, world, monkeypatch)
    assert message in error.message.replace(f"{world}/", "")
    assert cure in error.cure.replace(f"{world}/", "")


@pytest.mark.parametrize("command", ["finetune segment store new --from run --labels 3", "probe run store --labels 3"])
def test_labels__a_number_is_another_option(command: str) -> None:
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 2
    assert "--labelled-scans" in result.output


def test_recognised__every_kind_and_nothing_else(world: Path) -> None:
    assert {recognised(world / name) for name in KINDS} == set(Folder)
    assert {recognised(world / name) for name in ("scans", "demo", "run/checkpoints", "run/run.json", "no")} == {None}


@pytest.mark.parametrize("marker", ["manifest.json", "run.json", "benchmark.yaml", "benchmark.json"])
def test_recognised__a_name_that_others_use_too_is_not_enough(marker: str, tmp_path: Path) -> None:
    (tmp_path / marker).write_text("{}")
    assert recognised(tmp_path) is None
