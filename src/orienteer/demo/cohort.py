"""A folder of simulated subjects: scans in mixed formats, tissue labels, and a table with splits."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orienteer.atomic import write_json, write_text
from orienteer.demo.files import reorient, write_scan
from orienteer.demo.person import TISSUES, simulate_person
from orienteer.demo.template import load_template
from orienteer.errors import OrienteerError

COHORT_VERSION = 1

HOSPITALS = (("nii.gz", "RAS"), ("nii.gz", "LAS"), ("nrrd", "LPS"), ("nii.gz", "RAS"), ("mha", "PIR"))
"""Format and axis order of the subjects' scans, in turn."""

LEAST_PEOPLE = 5


@dataclass(frozen=True)
class Cohort:
    """The paths of a simulated cohort.

    Attributes:
        scans: folder of the scans, for ``check`` and ``ingest``.
        labels: folder of the tissue labels, one file per scan with the scan's name.
        table: ``subjects.tsv`` with the columns id, person, split, simulated.
        people: number of subjects.
        spacing_mm: voxel size.
    """

    scans: Path
    labels: Path
    table: Path
    people: int
    spacing_mm: float


def simulate(
    folder: Path,
    people: int = 20,
    spacing_mm: float = 3.0,
    seed: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Write a cohort of simulated subjects to ``folder``, without network access.

    Each subject is the MNI152 average brain after a random smooth deformation, in a random pose, with random contrast,
    bias field, noise and field of view. About 25 % form the test split and 15 % the validation split. A finished
    cohort is kept; an unfinished one is written again.

    Args:
        folder: ``scans/``, ``labels/``, ``subjects.tsv``, ``README.txt``, ``cohort.json`` go here.
        people: number of subjects, at least 5.
        spacing_mm: voxel size, 1 to 6 mm.
        seed: the same seed gives the same files, byte for byte.
        progress: called with (subjects done, all subjects) after each subject.

    Returns:
        The paths.

    Raises:
        OrienteerError: nilearn is missing, an argument is out of range, the folder holds other files or
            another cohort, or it cannot be written.
    """
    if people < LEAST_PEOPLE:
        raise OrienteerError(
            f"{people} simulated subjects cannot be split into train, val and test",
            cure=f"ask for at least {LEAST_PEOPLE}",
        )
    if not 1.0 <= spacing_mm <= 6.0:
        raise OrienteerError(f"a spacing of {spacing_mm:g} mm cannot be simulated", cure="choose 1 to 6 mm")
    if seed < 0:
        raise OrienteerError(f"seed {seed} is negative", cure="choose 0 or more")
    cohort = Cohort(folder / "scans", folder / "labels", folder / "subjects.tsv", people, spacing_mm)
    recipe = {"version": COHORT_VERSION, "people": people, "spacing_mm": spacing_mm, "seed": seed}
    if _is_finished(folder, recipe):
        return cohort
    template = load_template(spacing_mm)
    # Written first: a folder of simulated heads must never be without an explanation.
    write_text(folder / "README.txt", _readme(people, spacing_mm, seed))
    write_json(folder / "cohort.json", {**recipe, "finished": False})
    rows = ["id\tperson\tsplit\tsimulated"]
    for number in range(people):
        person = simulate_person(template, spacing_mm=spacing_mm, seed=seed, number=number)
        form, axes = HOSPITALS[number % len(HOSPITALS)]
        name = f"sim-{number + 1:03d}"
        write_scan(cohort.scans / f"{name}.{form}", reorient(person.scan, axes))
        write_scan(cohort.labels / f"{name}.nii.gz", reorient(person.labels, axes))
        rows.append(f"{name}\t{name}\t{_split(number, people)}\tyes")
        if progress is not None:
            progress(number + 1, people)
    write_text(cohort.table, "\n".join(rows) + "\n")
    write_json(folder / "cohort.json", {**recipe, "finished": True})
    return cohort


def _split(number: int, people: int) -> str:
    test = max(1, round(0.25 * people))
    val = max(1, round(0.15 * people))
    if number < people - test - val:
        return "train"
    return "val" if number < people - test else "test"


def _is_finished(folder: Path, recipe: dict[str, float]) -> bool:
    note = folder / "cohort.json"
    if not note.exists():
        if folder.is_dir() and any(folder.iterdir()):
            raise OrienteerError(
                f"{folder} holds other files, which are not overwritten", cure="choose a new or empty folder"
            )
        return False
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
        finished = found.pop("finished")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OrienteerError(f"{note} is damaged", cure=f"remove {folder} and run again") from None
    if found != recipe:
        known = ", ".join(f"{key} {value}" for key, value in found.items() if key != "version")
        raise OrienteerError(
            f"{folder} holds another cohort ({known})", cure="choose another folder, or remove this one"
        )
    return finished is True


def _readme(people: int, spacing_mm: float, seed: int) -> str:
    meanings = "\n".join(f"  {value}  {name}" for value, name in TISSUES.items())
    return f"""SIMULATED PEOPLE, NOT PATIENTS

None of the {people} heads in this folder belongs to anybody. Orienteer computed them (spacing
{spacing_mm:g} mm, seed {seed}) from one average brain by random smooth deformations, contrast, bias field,
noise and field of view. They are good for trying the software out. They are not good for medical conclusions,
and an error in mm measured on them says little about real patients.

scans/         the scans: NIfTI, NRRD and MHA mixed, in several axis orders, on purpose; skull removed
labels/        the tissue of every voxel, one NIfTI file a scan:
{meanings}
subjects.tsv   id, person, split (train, val, test) and a column that says simulated

The average brain is the MNI ICBM152 2009 symmetric template, as shipped with the nilearn package.
Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological Institute,
McGill University.
"""
