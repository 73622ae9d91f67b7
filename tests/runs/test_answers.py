"""A folder of answers: a kill costs the scan in work, a scan costs the same however many there are."""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orienteer.demo.files import write_scan
from orienteer.errors import RunError, ScanError, StoreError
from orienteer.folders import Folder
from orienteer.runs import answers as home
from orienteer.runs.answers import Answer, Answers, named_apart
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.source import Source
from orienteer.testing.phantom import phantom


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Source, ...]:
    for person in range(5):
        write_scan(tmp_path / "scans" / f"{person}.nii.gz", phantom(person, (12, 12, 12), 3.0, seed=0)[0])
    return lay_out(tmp_path / "scans").sources


def claimed(folder: Path, *, overwrite: bool = False, asked: int = 0) -> AbstractContextManager[Answers]:
    return Answers.claimed(
        folder, Folder.LOCATIONS, {"asked": asked}, {}, command="locate", table="t.csv", overwrite=overwrite
    )


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

    answers.collect(sources, lambda source: source, one, what="asking", shown=False)
    return done


def test_collect__the_record_is_written_as_often_for_many_scans_as_for_one(
    sources: tuple[Source, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    write = home.write_json
    monkeypatch.setattr(home, "write_json", lambda path, value: (written.append(path), write(path, value)))
    for count in (1, 5):
        written.clear()
        with claimed(tmp_path / str(count)) as answers:
            assert len(collect(answers, sources[:count])) == count
        assert len(written) == 2, "once to claim the folder, once at the end"
        record = json.loads((tmp_path / str(count) / "locations.json").read_text())
        assert len(record["scans"]) == count and not list((tmp_path / str(count)).glob("*.journal"))


@pytest.fixture
def killed(sources: tuple[Source, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of answers whose process was killed in the fourth scan."""
    out, write = tmp_path / "out", Answers.write
    with monkeypatch.context() as patched, claimed(out) as answers:
        patched.setattr(Answers, "write", lambda self: None)  # a kill writes nothing at the end
        with pytest.raises(KeyboardInterrupt):
            collect(answers, sources, stop="3")
    assert (out / "locations.journal").exists() and (out / "3.txt").exists() and Answers.write is write
    return out


def test_claim__what_a_kill_left_goes_on_from_the_journal(sources: tuple[Source, ...], killed: Path) -> None:
    journal = killed / "locations.journal"
    journal.write_bytes(
        journal.read_bytes() + b'{"scan": "4", "ans\n{"scan": "4", "answer": {"stamp": "", "files": []}}'
    )
    with claimed(killed) as again:
        assert set(again.scans) == {"0", "1", "2"} and not (killed / "3.txt").exists() and not journal.exists()
        assert collect(again, sources) == ["3", "4"]
    with claimed(killed) as again:
        assert collect(again, sources) == [] and list(again.answered) == ["0", "1", "2", "3", "4"]


def test_claim__another_question_takes_over_no_line_of_the_one_before(
    sources: tuple[Source, ...], killed: Path
) -> None:
    lines = (killed / "locations.journal").read_bytes()
    with pytest.raises(RunError, match="another question"), claimed(killed, asked=1):
        pass
    assert (killed / "0.txt").exists()
    with claimed(killed, asked=1, overwrite=True) as other:
        assert not other.scans and not list(killed.glob("*.txt")) and not other.journal.path.exists()
        (killed / "locations.journal").write_bytes(lines)
    with claimed(killed, asked=1) as other:
        assert not other.scans, "lines of another question"


def test_claim__a_record_that_was_edited_or_a_journal_of_somebody_else_is_left_alone(
    sources: tuple[Source, ...], tmp_path: Path
) -> None:
    out, record = tmp_path / "out", tmp_path / "out" / "locations.json"
    with claimed(out) as answers:
        collect(answers, sources)
    record.write_text(record.read_text().replace('"said": "2"', '"said": "7"'))
    for overwrite in (False, True):
        with pytest.raises(RunError, match="damaged, or was edited"), claimed(out, overwrite=overwrite):
            pass
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "locations.journal").write_text("mine")
    with pytest.raises(RunError, match=r"locations\.journal is in the way"), claimed(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine" / "locations.journal").read_text() == "mine" and len(list(out.glob("*.txt"))) == 5


def test_claim__two_at_once_into_one_folder_are_refused_and_nothing_is_deleted(
    sources: tuple[Source, ...], tmp_path: Path
) -> None:
    with claimed(tmp_path / "out") as answers:
        collect(answers, sources)
        other = claimed(tmp_path / "out", asked=1, overwrite=True)
        with pytest.raises(StoreError, match="another locate is writing"), other:
            pass
        assert len(list((tmp_path / "out").glob("*.txt"))) == 5


def test_collect__a_scan_that_cannot_be_read_costs_itself(sources: tuple[Source, ...], tmp_path: Path) -> None:
    def read(source: Source) -> Source:
        if source.id == "2":
            raise ScanError("2: damaged", code="damaged", cure="look")
        return source

    with claimed(tmp_path / "out") as answers:
        answers.collect(sources, read, lambda name, source: {"warnings": []}, what="asking", shown=False)
        assert list(answers.answered) == ["0", "1", "3", "4"] and list(answers.left_out) == ["2"]


def test_collect__a_scan_changed_in_place_has_no_answer(sources: tuple[Source, ...], tmp_path: Path) -> None:
    with claimed(tmp_path / "out") as answers:
        collect(answers, sources)
    data = bytearray(sources[2].paths[0].read_bytes())
    data[len(data) // 2] ^= 1
    sources[2].paths[0].write_bytes(data)
    with claimed(tmp_path / "out") as answers:
        assert collect(answers, sources) == [] and list(answers.answered) == ["0", "1", "3", "4"]
        assert "another scan with the id 2" in answers.left_out["2"].message


def test_collect__a_scan_that_changes_while_it_is_read_has_no_answer(
    sources: tuple[Source, ...], tmp_path: Path
) -> None:
    def one(name: str, source: Source) -> Answer:
        (path,) = answers.targets(f"{name}.txt")
        path.write_text(name)
        source.paths[0].write_bytes(b"other")
        return {"warnings": []}

    with claimed(tmp_path / "out") as answers:
        answers.collect(sources[:1], lambda source: source, one, what="asking", shown=False)
        assert "changed while" in answers.left_out["0"].message and not (tmp_path / "out" / "0.txt").exists()


def test_named_apart__no_scan_is_lost() -> None:
    alike: list[Any] = [
        SimpleNamespace(id=name, relative=path) for name, path in (("a__b", "A__b"), ("a__b", "a/_b"), ("A__B", "a_/b"))
    ]
    assert len({name.casefold() for name in named_apart(alike)}) == 3


def test_collect__an_empty_answer_is_made_again(sources: tuple[Source, ...], tmp_path: Path) -> None:
    with claimed(tmp_path / "out") as answers:
        collect(answers, sources)
    (tmp_path / "out" / "3.txt").write_bytes(b"")
    with claimed(tmp_path / "out") as answers:
        assert collect(answers, sources) == ["3"]
    assert (tmp_path / "out" / "3.txt").read_text() == "3"
