"""Which scans of a store may be of one person though nobody says so: asked of the user, and meanwhile in one split."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from shlex import quote

from orienteer.ingest.result import MOST_NAMED, some
from orienteer.ingest.state import Context, ScanState
from orienteer.ingest.table import Table
from orienteer.scans.dicom.sources import STUDY
from orienteer.scans.people import Clue, Question, about_patients, in_words, people_of, questions
from orienteer.scans.people_table import people_text, write_people
from orienteer.store.private import PEOPLE


def open_questions(states: Sequence[ScanState], ids: Mapping[str, str], table: Table) -> tuple[Question, ...]:
    """What neither table, store nor layout answers.

    Args:
        states: scans that the store will hold.
        ids: the subject of each as far as they are known.
        table: the user's; a line in one that names people is an answer, also where it names nobody else.
    """
    return questions(_clues(states, ids, table))


def _clues(states: Sequence[ScanState], ids: Mapping[str, str], table: Table) -> list[Clue]:
    scans, clues = Counter(ids.values()), []
    for state in states:
        subject, answered = ids[state.name], state.row is not None and table.names_people
        study = bool(STUDY.fullmatch(subject)) and not answered
        known = answered or (not study and (subject != state.name or scans[subject] > 1))
        grid = state.finished.grid if state.finished else ""
        clues.append(Clue(state.name, subject if known else "", subject if study else "", grid, state.patient))
    return clues


def _stored_clues(states: Sequence[ScanState], context: Context) -> list[Clue]:
    stored = [state for state in states if state.finished]
    return _clues(stored, {state.name: state.subject.id for state in stored}, context.table)


def notes_on_patients(states: Sequence[ScanState], context: Context) -> list[str]:
    """See ``about_patients``."""
    return about_patients(_stored_clues(states, context))


def share_splits(asked: Sequence[Question], ids: Mapping[str, str], fixed: Mapping[str, str]) -> dict[str, str]:
    """By subject a name that decides its split: one for all who may be one person, unless they are parted already."""
    names = {subject: subject for subject in ids.values()}
    for question in asked:
        subjects = {ids[scan] for scan in question.scans}
        if len({fixed[subject] for subject in subjects if fixed.get(subject)}) <= 1:
            names |= dict.fromkeys(subjects, question.person)
    return names


def ask(states: Sequence[ScanState], context: Context) -> tuple[tuple[str, ...], str]:
    """The questions in words and how to answer them, once the store is written; a table to fill in is written into it.

    Raises:
        OrienteerError: the disk refuses.
    """
    stored = [state for state in states if state.finished]
    clues = _stored_clues(states, context)
    asked = questions(clues)
    if not asked:
        return (), ""
    split = {state.name: state.subject.split for state in stored}
    parted = [question for question in asked if len({split[scan] for scan in question.scans}) > 1]
    whole = [question for question in asked if question not in parted]
    lines = [f"{line}; until you say, they are kept in one split" for line in in_words(whole)]
    where = some([f"{scan} in {split[scan]}" for question in parted for scan in question.scans], MOST_NAMED)
    lines += [f"{line}; if so, one subject is in several splits: {where}" for line in in_words(parted)]
    if context.table.path:
        return tuple(lines), f"name who is on them in the column person of {context.table.path}"
    path = _to_fill_in(context.store, people_of(clues, asked))
    answer = f"correct the guess in {path} (yours alone), and ingest again with --table {quote(str(path))}"
    return tuple(lines), answer


def _to_fill_in(store: Path, people: Mapping[str, str]) -> Path:
    """The table in the store; an earlier one that says something else may be the user's, and stays."""
    text = people_text(people).encode()
    names = (PEOPLE if number == 1 else f"people-{number}.tsv" for number in count(1))
    path = next(
        p for name in names if not os.path.lexists(p := store / name) or (p.is_file() and p.read_bytes() == text)
    )
    if not path.exists():
        write_people(path, people)
    return path
