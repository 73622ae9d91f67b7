"""From the hospital's folders to a report: not one planted name, number or date in anything that was written."""

import warnings
from pathlib import Path

import pytest

from orienteer import api
from orienteer.frozen import position
from orienteer.ingest.quarantine import QUARANTINE
from orienteer.store import Store
from orienteer.store.journal import JOURNAL
from orienteer.store.private import PRIVATE
from tests.finetune.cohort import PAIR, quick
from tests.privacy.plant import NAMED, PEOPLE, WORDS, plant
from tests.privacy.search import hits
from tests.runs.conftest import tiny
from tests.scans.files import cut

MADE = ("store", "run", "segmented", "regressed")
"""What the whole way leaves behind."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path, Path]:
    """Scans, labels and table of eight patients and one torn file, in the home folder of one of them."""
    home = tmp_path_factory.mktemp("home") / "Quentzel-19471103"
    scans, labels, table = plant(home)
    torn = scans / "Ogrodzki_torn.nii"
    torn.write_bytes(b"\x5c\x01\x00\x00" + b"\0" * 400)
    cut(torn, 0.9)
    (scans / "Fjeldvang_letter.docx").write_bytes(b"PK")
    return home, scans, labels, table


@pytest.fixture(scope="module")
def made(planted: tuple[Path, Path, Path, Path]) -> Path:
    """The whole way, by default settings of privacy."""
    home, scans, labels, table = planted
    work = home / "work"
    result = api.ingest(
        scans, work / "store", api.IngestOptions(spacing=3.0, labels=labels, table=table, workers=1, progress=False)
    )
    assert len(result.added) == len(PEOPLE) and list(result.failed) == ["Ogrodzki_torn"]
    assert all(entry.labelled for entry in result.manifest.scans)
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setattr(position, "VIEWS_TRAIN", 8)
        patch.setattr(position, "VIEWS_TEST", 4)
        api.pretrain(
            work / "store", work / "run", settings=tiny("network={size: tiny}", "optimiser={steps: 2}"), progress=False,
            loggers=["tensorboard", "csv"], page=api.report,
        )  # fmt: skip
        api.evaluate(work / "run", work / "store", split="val", name="again", progress=False)
        api.probe(work / "run", work / "store", split="val", settings=quick(PAIR, "labelled_scans=1"), progress=False)
        for name, kind in (("segmented", (PAIR,)), ("regressed", ("kind=regress", "column=age"))):
            api.finetune(
                work / "store", work / name, source=work / "run", settings=quick(*kind), split="val", progress=False
            )
        api.report(work / "run")
    return work


def test_sentinels__are_nowhere_but_in_the_files_for_the_owner_alone(made: Path) -> None:
    private = {made / "store" / name for name in (PRIVATE, QUARANTINE)}
    assert not (made / "store" / JOURNAL).exists()
    told = {path: path.read_text() for path in private}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in private)
    for path in private:
        path.unlink()
    try:
        assert hits(made, WORDS) == []
    finally:
        for path, text in told.items():
            path.write_text(text)
            path.chmod(0o600)
    # The way back is there, and only there.
    assert set(PEOPLE) <= {word for word in WORDS if word in told[made / "store" / PRIVATE]}


def test_sentinels__the_search_looked_at_everything_there_is(made: Path) -> None:
    kinds = {path.suffix for path in made.rglob("*") if path.is_file()}
    assert {".json", ".jsonl", ".yaml", ".b2nd", ".arrow", ".parquet", ".safetensors", ".html"} <= kinds
    assert list(made.rglob("events.out.tfevents.*")) and list(made.rglob("weights.json"))
    assert len(list((made / "store" / "arrays").iterdir())) == len(PEOPLE)
    # A pseudonym of the store is found in the run: scans are named there, only not by their names.
    scan = Store.open(made / "store").ids("val")[0]
    assert {hit.split("/")[0].split(":")[0] for hit in hits(made, [scan])} == set(MADE)


def test_sentinels__with_kept_names_the_search_finds_them(planted, tmp_path: Path) -> None:
    _, scans, labels, table = planted
    api.ingest(
        scans,
        tmp_path / "store",
        api.IngestOptions(spacing=6.0, labels=labels, table=table, workers=1, keep_names=True, progress=False),
    )
    (tmp_path / "store" / PRIVATE).unlink()
    (tmp_path / "store" / QUARANTINE).unlink()
    found = hits(tmp_path, WORDS)
    assert {hit.split(": ")[1] for hit in found} >= NAMED - {"Sankt-Krusebald"}
    assert all(hit.startswith(("store/manifest", "store/scans-")) for hit in found)


def test_predict__names_its_files_after_the_scans_and_nothing_else(made: Path, planted, tmp_path: Path) -> None:
    """The one place where names are written: whoever asks must find the answer to his scan."""
    scans = planted[1]
    result = api.predict(made / "segmented", scans / "Jabuljo_Hyldegonda_19471103", tmp_path / "out", progress=False)
    assert len(result.predicted) == 1
    within = {hit.split(": ")[1] for hit in hits(tmp_path / "out", WORDS)}
    assert within <= {"Jabuljo", "MRNX778899"}  # of the file's name; nothing from its header or folders above
