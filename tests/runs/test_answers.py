"""A folder of answers: a kill costs the scan in work, a scan costs the same however many there are."""

import json
from pathlib import Path

import pytest

from orienteer.demo.files import write_scan
from orienteer.errors import ScanError, StoreError
from orienteer.folders import Folder
from orienteer.runs import answers as home
from orienteer.runs.answers import Answer, Answers
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.source import Source
from orienteer.store.lock import only_one
from orienteer.testing.phantom import phantom


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Source, ...]:
    for person in range(5):
        write_scan(tmp_path / "scans" / f"{person}.nii.gz", phantom(person, (12, 12, 12), 3.0, seed=0)[0])
    return lay_out(tmp_path / "scans").sources


def claim(folder: Path, *, overwrite: bool = False, asked: int = 0) -> Answers:
    return Answers.claim(folder, Folder.LOCATIONS, {"asked": asked}, {}, table="t.csv", overwrite=overwrite)


def collect(answers: Answers, sources: tuple[Source, ...], stop: str = "") -> list[str]:
    """Answers with a file each; the scans that were asked about."""
    done: list[str] = []

    def one(name: str, source: Source) -> Answer:
        (path,) = answers.targets(f"{name}.txt")
        path.write_text(name)
        done.append(name)
        if name == stop:
            raise KeyboardInterrupt
        return {"warnings": [], "said": source.id}

    answers.collect(sources, lambda source: source, one, what=("ask", "asking"), shown=False)
    return done


def test_collect__the_record_is_written_as_often_for_many_scans_as_for_one(
    sources: tuple[Source, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    write = home.write_json
    monkeypatch.setattr(home, "write_json", lambda path, value: (written.append(path), write(path, value)))
    for count in (1, 5):
        written.clear()
        assert len(collect(claim(tmp_path / str(count)), sources[:count])) == count
        assert len(written) == 2, "once to claim the folder, once at the end"
        record = json.loads((tmp_path / str(count) / "locations.json").read_text())
        assert len(record["scans"]) == count and not list((tmp_path / str(count)).glob("*.journal"))


def test_claim__what_a_kill_left_goes_on_from_the_journal(
    sources: tuple[Source, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(Answers, "write", lambda self: None)  # a kill, which writes nothing at the end
        home.write_json(tmp_path / "out" / "locations.json", {"asked": {"asked": 0}, "scans": {}, "writing": []})
        with pytest.raises(KeyboardInterrupt):
            collect(claim(out), sources, stop="3")
    journal = out / "locations.journal"
    assert journal.exists() and (out / "3.txt").exists()
    journal.write_bytes(journal.read_bytes() + b'{"scan": "4", "ans')
    again = claim(out)
    assert set(again.scans) == {"0", "1", "2"} and not (out / "3.txt").exists() and not journal.exists()
    assert collect(again, sources) == ["3", "4"]
    assert collect(claim(out), sources) == []


def test_claim__another_question_takes_over_no_line_of_the_one_before(
    sources: tuple[Source, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    collect(claim(out), sources)
    claim(out).journal.append({"scan": "0", "answer": {"stamp": "", "files": ["0.txt"], "said": "of before"}})
    other = claim(out, asked=1, overwrite=True)
    assert not other.scans and not list(out.glob("*.txt")) and not other.journal.path.exists()


def test_collect__two_at_once_into_one_folder_are_refused(sources: tuple[Source, ...], tmp_path: Path) -> None:
    answers = claim(tmp_path / "out")
    with only_one(tmp_path / "out", "ask"), pytest.raises(StoreError, match="another ask is writing"):
        collect(answers, sources)


def test_collect__a_scan_that_cannot_be_read_costs_itself(sources: tuple[Source, ...], tmp_path: Path) -> None:
    answers = claim(tmp_path / "out")

    def read(source: Source) -> Source:
        if source.id == "2":
            raise ScanError("2: damaged", code="damaged", cure="look")
        return source

    answers.collect(sources, read, lambda name, source: {"warnings": []}, what=("ask", "asking"), shown=False)
    assert list(answers.scans) == ["0", "1", "3", "4"] and list(answers.left_out) == ["2"]
