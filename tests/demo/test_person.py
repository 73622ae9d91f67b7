import numpy as np
import pytest

from orienteer.demo.person import Person, simulate_person
from orienteer.demo.template import Template


@pytest.fixture(scope="module")
def people(template: Template) -> list[Person]:
    return [simulate_person(template, spacing_mm=4.0, seed=0, number=number) for number in range(6)]


def _millilitres(person: Person, *values: int) -> float:
    return float(np.isin(person.labels.array, values).sum() * person.labels.spacing.prod() / 1000)


def test_person__has_a_human_brain(people: list[Person]) -> None:
    for person in people:
        grey, white = _millilitres(person, 2), _millilitres(person, 3)
        assert 700 < grey + white < 2600  # the template is larger than most brains; sizes vary
        assert 0.8 < grey / white < 3
        assert 20 < _millilitres(person, 1) < 400


def test_person__tissues_are_ordered_as_in_t1(people: list[Person]) -> None:
    for person in people:
        means = [person.scan.array[person.labels.array == value].mean() for value in (1, 2, 3)]
        assert means == sorted(means)


def test_person__background_is_zero_and_only_there(people: list[Person]) -> None:
    for person in people:
        np.testing.assert_array_equal(person.scan.array == 0, person.labels.array == 0)
        np.testing.assert_array_equal(person.scan.affine, person.labels.affine)
        assert person.scan.array.dtype == np.int16
        assert person.labels.array.dtype == np.uint8


def test_person__is_the_same_every_time(template: Template, people: list[Person]) -> None:
    again = simulate_person(template, spacing_mm=4.0, seed=0, number=3)
    np.testing.assert_array_equal(again.scan.array, people[3].scan.array)
    np.testing.assert_array_equal(again.scan.affine, people[3].scan.affine)


def test_person__differs_by_number_and_by_seed(template: Template, people: list[Person]) -> None:
    other = simulate_person(template, spacing_mm=4.0, seed=1, number=3)
    origins = {tuple(person.scan.affine[:3, 3]) for person in [*people, other]}
    assert len(origins) == len(people) + 1
    shapes = {person.scan.shape for person in people}
    assert len(shapes) > 3  # the field of view differs


def test_person__left_is_not_the_mirror_of_right(people: list[Person]) -> None:
    # The template is symmetric to the voxel; a cohort that stayed so could not teach sides.
    for person in people:
        labels = person.labels.array[0]
        brain = np.argwhere(labels > 0)
        box = labels[brain[:, 0].min() : brain[:, 0].max() + 1]
        assert (box != box[::-1]).mean() > 0.05
