"""Scans that may be of one person are asked about; scans that nothing connects are not."""

import csv
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import OrienteerError
from orienteer.scans.check import check
from orienteer.scans.discover import discover
from orienteer.scans.people import Clue, own_grid, people_of, questions
from orienteer.scans.people_table import table_beside, write_people
from orienteer.scans.reading import inspect
from tests.scans.files import AFFINE, nifti, voxels


def asked(*scans: str | Clue) -> dict[tuple[str, ...], tuple[str, tuple[str, ...]]]:
    found = questions([scan if isinstance(scan, Clue) else Clue(scan) for scan in scans])
    return {question.scans: (question.person, question.reasons) for question in found}


@pytest.mark.parametrize(
    ("scans", "person"),
    [
        (("BraTS_001__BraTS_001_flair", "BraTS_001__BraTS_001_t1ce"), "BraTS_001"),
        (("anna__T1", "anna__T2"), "anna"),
        (("IXI-T1__IXI002-Guys-0828-T1", "IXI-T2__IXI002-Guys-0828-T2", "IXI-PD__IXI002-Guys-0828-PD"), None),
        (("T1__017", "FLAIR__017"), "017"),
        (("anna_ses-01_T1w", "anna_ses-02_T1w"), "anna"),
        (("anna__v1__t1", "anna__v2__t1"), "anna"),
        (("p1", "p1_followup"), "p1"),
        (("CHUM-001__CT", "CHUM-001__PT"), "CHUM-001"),
        (("sub-01_acq-fast_T1w", "sub-01_dir-AP_dwi"), "sub-01"),
        (("p_ADC", "p.dwi", "P-b"), None),
    ],
)
def test_questions__a_name_up_to_a_word_for_sequence_or_visit(scans: tuple[str, ...], person: str | None) -> None:
    found = asked(*scans, "somebody", "else")
    if person is None:
        assert len(found) == 1
        assert len(next(iter(found))) == (2 if "p_ADC" in scans else 3)
    else:
        assert found == {tuple(sorted(scans)): (person, ("name",))}


@pytest.mark.parametrize(
    ("template", "times"),
    [
        ("{who}_{time}", ("20200101", "20210305")),
        ("{who}-{time}", ("2020-01-01", "2020-05-01", "2021-05-01")),
        ("{time}_{who}_T1", ("2020_01_01", "2021_01_01")),
        ("{who}__{time}__ct", ("2019", "2021")),
        ("{time}__{who}", ("2019", "2021")),
        ("{who}_{time}_t1", ("M00", "m06", "M12")),
        ("{time}__{who}", ("bl", "m12")),
        ("{time}__{who}", ("baseline", "month12")),
        ("{who}_{time}", ("L", "R")),
        ("{who}__{time}", ("left", "right")),
        ("{time}_{who}", ("L", "R")),
        ("{time}__{who}", ("arterial", "venous")),
        ("{who}_{time}", ("LEFT_V00", "LEFT_V01", "RIGHT_V00", "RIGHT_V01")),
        ("{who}_CT_{time}", ("V00", "V01")),
        ("{who}_{time}_DESS", ("LEFT_V00", "LEFT_V01", "RIGHT_V00", "RIGHT_V01")),
    ],
)
def test_questions__dates_months_and_sides_of_several_people(template: str, times: tuple[str, ...]) -> None:
    people = {who: sorted(template.format(who=who, time=time) for time in times) for who in ("anna", "bert", "carl")}
    found = asked(*(scan for scans in people.values() for scan in scans))
    assert {scans: person for scans, (person, _) in found.items()} == {tuple(s): who for who, s in people.items()}


@pytest.mark.parametrize(
    "days",
    [
        "{}.{}.{}",
        "{}-{}-{}",
        "{}_{}_{}",
        "{2}{1}{0}",
        "{2}-{1}-{0}",
        "{2}_{1}_{0}",
        "{0}Jan{2}",
        "{0}-jan-{2}",
        "{2}{1}{0}T1015{1}",
        "{2}{1}{0}1015{1}",
        "{2}-{1}-{0}_10-15-{1}",
        "d{1}{0}",
        "day{1}{0}",
        "{2}{1}{0}193713091_S{0}_I{1}{0}",
    ],
)
@pytest.mark.parametrize("visits", [(2, 2, 2), (2, 1), (3, 1), (2, 1, 1), (5, 2, 2)])
def test_questions__days_that_are_each_subjects_own(days: str, visits: tuple[int, ...]) -> None:
    scans = {
        who: [f"P{who}_{days.format(f'{17 + visit:02}', f'{who + visit:02}', 2019 + who)}" for visit in range(count)]
        for who, count in enumerate(visits, 1)
    }
    found = asked(*(scan for theirs in scans.values() for scan in theirs))
    assert found == {tuple(sorted(theirs)): (f"P{who}", ("name",)) for who, theirs in scans.items() if len(theirs) > 1}


@pytest.mark.parametrize(
    "words", ["t1 t2 t3 t4", "t0 t1", "t1 t2", "t1 t2 flair", "t1 t2 flair t1ce pd dwi adc swi", "t1 t2 t3 flair"]
)
@pytest.mark.parametrize("people", [("P01",), ("P01", "P02", "P03"), ("patient",)])
def test_questions__sequences_and_time_points_of_a_subject_are_one_question(
    words: str, people: tuple[str, ...]
) -> None:
    scans = {who: tuple(sorted(f"{who}_{word}" for word in words.split())) for who in people}
    found = asked(*(scan for theirs in scans.values() for scan in theirs))
    assert found == {theirs: (who, ("name",)) for who, theirs in scans.items()}


@pytest.mark.parametrize(
    "pair",
    [
        "{}-T0|{}-T1",
        "{}_d0|{}_d90",
        "{}_w0|{}_w12",
        "{}_BL|{}_FU",
        "{}_baseline|{}_12mo",
        "{}_before|{}_after",
        "{}_preop|{}_postop",
        "{}_sess1|{}_sess2",
        "{}_exam_1|{}_exam_2",
        "{}_test|{}_retest",
        "{}_SCR|{}_M24",
        "{}A|{}B",
        "{}|{}_2",
        "{}?(1)|{}?(2)",
        "{}_31.01.2020|{}_28.02.2021",
        "{}_lt|{}_rt",
        "{}_links|{}_rechts",
        "L{}|R{}",
    ],
)
def test_questions__any_part_that_recurs_over_several_names(pair: str) -> None:
    names = pair.replace("?", " ").split("|")
    people = [tuple(sorted(name.format(who) for name in names)) for who in range(1001, 1005)]
    assert set(asked(*(scan for scans in people for scan in scans))) == set(people)


@pytest.mark.parametrize("files", ["T1", "T1__T1", "T1 T2_FLAIR", "T1__T1 T1__T1_brain T1__T1_unbiased"])
def test_questions__a_part_that_recurs_in_folders_whose_files_are_called_alike(files: str) -> None:
    people = [
        tuple(f"{100000 + who}_20252_{visit}_0__{file}" for visit in (2, 3) for file in files.split())
        for who in range(6)
    ]
    assert set(asked(*(scan for scans in people for scan in scans))) == set(people)


@pytest.mark.parametrize(
    "more",
    [
        *("P3_rescan", "P3_repeat", "P3-retest", "P3_copy", "P3 - Kopie", "p3", "P03"),
        *("P3_delayed", "P3_run-01 P3_run-02", "P3_rep1 P3_rep2", "P3_echo1 P3_echo2"),
    ],
)
def test_questions__a_subject_who_alone_was_scanned_or_written_twice(more: str) -> None:
    others = [f"P{who}" for who in range(1, 7) if who != 3]
    scans = ["P3", *((more,) if " - " in more else more.split())]
    assert list(asked(*others, *scans)) == [tuple(sorted(scans))]


def test_questions__a_copy_leaves_other_parts_that_recur_together() -> None:
    people = [tuple(f"P{who}{end}" for end in ("", " (1)", " - Copy")) for who in range(6)]
    assert set(map(frozenset, asked(*(scan for scans in people for scan in scans)))) == set(map(frozenset, people))


def test_questions__a_part_that_recurs_in_few_names_or_is_a_numbering_tells_nothing() -> None:
    assert asked(*(f"x{number}" for number in range(1, 5))) == {}
    assert asked(*(f"case_{number:03}" for number in range(1, 41))) == {}
    assert asked("1_x", "1_y", "2_x", "2_y", "one", "other", "third", "fourth") == {}


@pytest.mark.parametrize(
    "scans",
    [
        [f"p{number}_202001{number:02}" for number in range(10, 20)],
        [f"scan_202001{number:02}" for number in range(10, 20)],
        [f"{number}.01.2020" for number in range(10, 20)],
        [f"{site}_{number}.01.2020" for site in "AB" for number in range(10, 20)],
        ["smith_t_1", "smith_t_2", *(f"smith_{letter}_9" for letter in "abc")],
        [f"202001{number}__ct" for number in range(10, 20)],
        [f"{site}_{number}" for site in "AB" for number in range(2000, 2009)],
        [f"{group}_m{number:02}" for group in ("pat", "ctrl") for number in range(1, 9)],
        [f"m{number:02}" for number in range(1, 20)],
        ["anna_l", "anna_r", "bert_k"],
        [f"{number}__T1" for number in range(1990, 2000)],
        [f"hosp_{group}{number:02}" for group in "DP" for number in range(1, 6)],
        [f"site1_D{number:02}" for number in range(1, 10)],
        [f"D{number:02}" for number in range(1, 10)],
        ["l_smith", "r_smith", "anna_k"],
        [f"site{site}__P{number}" for site in (1, 2) for number in range(6)],
        [f"site{site}_{number}__T1" for site in (1, 2) for number in range(6)],
        [f"{site}{number:03}__T1" for site in "ABC" for number in range(6)],
    ],
    ids=[
        "own dates",
        "one word",
        "dates alone",
        "dates of sites",
        "initials t",
        "folders",
        "numbers like years",
        "males",
        "males alone",
        "initials",
        "people",
        "donors",
        "donors of a site",
        "donors alone",
        "initials first",
        "folders of sites",
        "sites in folders",
        "sites glued",
    ],
)
def test_questions__dates_and_numbers_that_are_one_persons(scans: list[str]) -> None:
    assert asked(*scans) == {}


@pytest.mark.parametrize("template", ["OAS1_{:04}_MR1", "hippocampus_{:03}", "scan{}", "{}", "study_visit{}", "B_v{}"])
def test_questions__a_flat_cohort_is_not_one_person(template: str) -> None:
    assert asked(*(template.format(number) for number in range(1, 30))) == {}


@pytest.mark.parametrize(
    "scans",
    [
        [f"{split}__{who}" for split in ("train", "val") for who in ("anna", "berta")],
        [f"site{site}__{site}{number:03}" for site in range(20) for number in range(9)],
        [f"{kind}__{who}" for kind in ("raw", "denoised") for who in ("anna", "berta")],
        [f"{kind}_train_{number}_image" for kind in ("ct", "mr") for number in (1001, 1002)],
        [f"{kind}__{number}" for kind in ("CT", "MR") for number in range(5)],
        [f"{group}_{number:03}" for group in ("PD", "NC") for number in range(5)],
        [f"images__{number}" for number in range(30)],
        ["ct", "mr", "pet"],
    ],
    ids=["splits", "sites", "kinds", "MM-WHS", "CHAOS", "groups", "one folder", "samples"],
)
def test_questions__folders_and_words_that_are_nobodys(scans: list[str]) -> None:
    assert asked(*scans) == {}


def test_questions__folders_that_hold_few_scans_are_people() -> None:
    many = [f"p{number}__1.2.{number}.{scan}" for number in range(8) for scan in range(number % 3 + 1)]
    assert asked(*many)["p2__1.2.2.0", "p2__1.2.2.1", "p2__1.2.2.2"] == ("p2", ("folder",))
    few = [f"{who}__{view}" for who in ("anna", "berta", "carla") for view in ("axial", "coronal")]
    assert {person for person, _ in asked(*few).values()} == {"anna", "berta", "carla"}


def test_questions__counters_are_believed_where_they_begin_at_zero_and_are_no_more_than_people() -> None:
    assert len(asked(*(f"case{case}_{number:04}" for case in range(3) for number in range(2)))) == 3
    assert asked(*(f"case_{number:04}" for number in range(9))) == {}
    assert asked(*(f"site{site}_{number:03}" for site in "AB" for number in range(9))) == {}


@pytest.mark.parametrize("tilt", [0.0, 0.2])
def test_own_grid__tells_a_person_from_a_template(tilt: float) -> None:
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]
    placed = turn.copy()
    placed[:3, 3] = (-91.37, 12.21, 44.83)
    assert own_grid((30, 40, 50), placed) != ""
    assert own_grid((30, 40, 50), placed) != own_grid((30, 40, 51), placed)
    for origin in ((0, 0, 0), (-90, -126.5, -72.3), (-14.5, -19.5, 12.34)):
        turn[:3, 3] = origin
        assert bool(own_grid((30, 40, 50), turn)) == bool(tilt)


def test_questions__one_grid_counts_where_few_share_it() -> None:
    others = [Clue(name) for name in "cdef"]
    assert asked(Clue("a", grid="g"), Clue("b", grid="g"), *others) == {("a", "b"): ("person of a", ("grid",))}
    assert asked(Clue("a", grid="g"), Clue("b", grid="g"), *others[:2]) == {}
    assert asked(*(Clue(f"x{n}y", grid="g") for n in range(9)), *(Clue(f"z{n}y") for n in range(99))) == {}


def test_questions__a_study_is_asked_about_only_over_several_folders() -> None:
    one = [Clue("p1__ct", study="study-1"), Clue("p1__mrt", study="study-1"), Clue("p2__ct")]
    assert asked(*one) == {}
    assert list(asked(one[0], Clue("p2__mrt", study="study-1"))) == [("p1__ct", "p2__mrt")]


def test_questions__a_study_of_several_patients_is_asked_about_in_one_folder_too() -> None:
    scans = [Clue(f"ward__{name}", study="study-1", patient=name) for name in "abc"]
    assert list(asked(*scans)) == [("ward__a", "ward__b", "ward__c")]
    assert asked(*(replace(scan, patient="a") for scan in scans)) == {}
    assert asked(*(replace(scan, patient="") for scan in scans)) == {}


def test_questions__nobody_is_asked_for_what_is_known() -> None:
    assert asked(Clue("a_t1", "Anna"), Clue("a_t2", "Anna"), "b") == {}
    assert asked(Clue("a_t1", "Anna"), Clue("a_t2", "Berta"), "b") == {}
    assert asked(Clue("a_t1", "Anna"), "a_t2", "b") == {("a_t1", "a_t2"): ("Anna", ("name",))}


WORDS = st.sampled_from(["anna", "berta", "t1", "T2", "flair", "ses-1", "v2", "0000", "0001", "ct", "scan1", "sub-01"])
IDS = st.lists(WORDS, min_size=1, max_size=3).flatmap(
    lambda words: st.sampled_from(["_", "__", "-"]).map(lambda between: between.join(words))
)
CLUES = st.builds(Clue, IDS, st.sampled_from(["", "", "", "Anna"]), st.just(""), st.sampled_from(["", "", "g", "h"]))


LISTS = st.lists(CLUES, max_size=12, unique_by=lambda clue: clue.id)


@given(LISTS.flatmap(lambda clues: st.tuples(st.just(clues), st.permutations(clues))))
def test_questions__the_order_of_scans_changes_nothing_and_groups_are_apart(
    pair: tuple[list[Clue], list[Clue]],
) -> None:
    one, other = pair
    found = questions(one)
    assert found == questions(other)
    scans = [scan for question in found for scan in question.scans]
    assert len(scans) == len(set(scans)) and all(len(question.scans) > 1 for question in found)
    names = [question.person for question in found if question.person != "Anna"]
    assert len(names) == len(set(names))
    assert set(people_of(one, found)) == {clue.id for clue in one}


@given(st.lists(st.text("bcdfghjklm", min_size=3, max_size=8), unique=True, max_size=12))
def test_questions__people_with_unrelated_names_give_none(names: list[str]) -> None:
    assert questions([Clue(name) for name in names]) == ()


def test_questions__no_question_about_real_scans_of_different_people(real_data: Path) -> None:
    """Flat folders of 20 people (oasis, three twice, which no name tells) and 90 (hippocampus), and a mixed one."""
    for folder in ("oasis/images", "oasis", "hippocampus", "wild", "wild/dicom"):
        infos = [inspect(source, voxels=False) for source in discover(real_data / folder)]
        assert questions([Clue.of(info) for info in infos]) == (), folder


def test_check__asks_about_scans_on_one_tilted_grid(tmp_path: Path) -> None:
    tilted = AFFINE.copy()
    tilted[:2, :2] = [[-1.9, 0.4], [0.4, 1.9]]
    for seed, name in enumerate("abcdefg"):
        nifti(tmp_path / f"{name}.nii.gz", voxels(seed=seed), tilted if name in "ab" else AFFINE)
    (question,) = check(tmp_path, progress=False, workers=1).questions
    assert (question.scans, question.reasons) == (("a", "b"), ("grid",))


def test_write_people__is_the_owners_and_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "people.tsv"
    write_people(path, {"b": "", "a": 'An"na'})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(newline="") as stream:
        assert list(csv.reader(stream, delimiter="\t")) == [["id", "person"], ["a", 'An"na'], ["b", ""]]
    with pytest.raises(OrienteerError, match="is there already"):
        check(tmp_path, people_path=path, progress=False)
    assert "An" in path.read_text()


@pytest.mark.parametrize("name", ["participants.tsv", "Subjects.csv"])
@pytest.mark.parametrize("above", [False, True])
def test_table_beside__is_found_where_it_is_about_the_scans(tmp_path: Path, name: str, above: bool) -> None:
    scans = tmp_path / "scans"
    nifti(scans / "sub-01_T1w.nii.gz")
    path = (tmp_path if above else scans) / name
    path.write_text("participant_id\tage\nsub-07\t50\n")
    assert table_beside(scans, discover(scans)) is None
    path.write_text("participant_id\tage\nsub-01\t50\n")
    assert table_beside(scans, discover(scans)) == path
    assert check(scans, progress=False).table == path
